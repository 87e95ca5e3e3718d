#include "graph/metaverse_plane.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/state/mdrb.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "services/metaverse/mdrb.hpp"
#include "services/metaverse/mdrb_routes.hpp"
#include "services/metaverse/policy.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/routes.hpp"
#include "services/metaverse/session.hpp"
#include "services/metaverse/subscription.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::app {

/// Notifications that were given up stand in the outbox until somebody resends them.
class MetaversePlane::ParkedInStore final : public metaverse::Parked {
 public:
  explicit ParkedInStore(const runtime::Store& store) : store_(store) {}

  Result<std::vector<metaverse::ParkedNotification>> of(
      const resource::Key& subscription) const override {
    const auto effects = store_.effects_of(subscription);
    if (!effects) return fail(effects.error());
    std::vector<metaverse::ParkedNotification> out;
    for (const auto& effect : *effects) {
      if (!effect.parked) continue;
      auto stored = resource::effect_from_json(effect.body);
      auto* notify = stored ? std::get_if<resource::Notify>(&*stored) : nullptr;
      if (notify != nullptr)
        out.push_back({notify->sequence, effect.attempts, std::move(notify->body)});
    }
    return out;
  }

 private:
  const runtime::Store& store_;
};

MetaversePlane::MetaversePlane(Config config, Ports ports)
    : config_(std::move(config)),
      ports_(ports),
      policies_(config_.metaverse),
      parked_(std::make_unique<ParkedInStore>(ports.store)),
      scheduler_(ports.scheduler),
      replies_(scheduler_, ports.clock),
      notifier_(
          ports.store, scheduler_, ports.sinks, ports.jitter, ports.log, ports.metrics,
          [this](const http::Url& url) { return config_.metaverse.sinks.check(url); },
          config_.notifier),
      runner_({ports.store, scheduler_, ports.clock, ports.log, ports.metrics, replies_, calls_,
               notifier_}),
      router_({runner_, replies_, ports.authenticator, ports.store, ports.clock, ports.secrets,
               ports.log, ports.metrics},
              config_.router) {
  calls_.add(std::string(metaverse::sealdd_peer),
             std::make_unique<runtime::NetworkPeer>(
                 config_.sealdd, ports.sealdd, ports.sealdd_tokens, ports.clock, ports.metrics));
  if (config_.nrm) {
    config_.metaverse.nrm = true;
    auto& client = ports.nrm != nullptr ? *ports.nrm : ports.sealdd;
    calls_.add(std::string(metaverse::nrm_peer),
               std::make_unique<runtime::NetworkPeer>(*config_.nrm, client, ports.nrm_tokens,
                                                      ports.clock, ports.metrics));
  }
  machines_.push_back(std::make_unique<metaverse::SessionMachine>(config_.metaverse, policies_));
  machines_.push_back(std::make_unique<metaverse::PolicyMachine>(config_.metaverse));
  machines_.push_back(std::make_unique<metaverse::SubscriptionMachine>(config_.metaverse));
  if (ports_.media != nullptr) serve_media();
  for (const auto& machine : machines_) runner_.add(*machine);
  router_.add(metaverse::routes(config_.metaverse, *parked_));
  runner_.on_observed([this](const resource::Key& from, const resource::Observe& what) {
    if (what.what == "media_part") return media_part(from, what.body);
    if (what.what == "media_gone") return ports_.media->erase(what.body);
    if (what.what != "policy") return;
    if (what.body.empty())
      policies_.erase(from.id);
    else
      policies_.put(from.id, what.body);
  });
}

MetaversePlane::~MetaversePlane() = default;

void MetaversePlane::serve_media() {
  machines_.push_back(std::make_unique<metaverse::BlockMachine>(config_.metaverse));
  machines_.push_back(std::make_unique<metaverse::AssetMachine>(config_.metaverse, config_.media));
  router_.add(metaverse::mdrb_routes(config_.metaverse, *ports_.media));
}

/// Octets on their way to a file. What became of them is told to the asset, which answers.
void MetaversePlane::media_part(const resource::Key& from, std::string_view body) {
  const auto line = body.find('\n');
  auto part = json::read<api::state::mdrb::MediaPart>(body.substr(0, line));
  require(part.has_value());  // The asset wrote it.
  std::string octets(body.substr(line + 1));
  auto file = part->file;
  const auto offset = part->offset;
  const bool last = part->offset + part->bytes == part->total;
  ports_.media->write(std::move(file), offset, std::move(octets), last,
                      [this, from, part = std::move(*part)](const Result<void>& done) mutable {
                        if (!done) part.failed = done.error().detail;
                        if (runner_.takes(from))
                          runner_.submit(from,
                                         resource::Told{from, "media_part", json::write(part)});
                      });
}

Result<void> MetaversePlane::restore_media() {
  const auto keys =
      ports_.store.by_subject(metaverse::asset_kind, metaverse::every_asset, metaverse::assets_max);
  if (!keys) return fail(keys.error());
  std::vector<std::string> files;
  for (const auto& key : *keys) {
    const auto record = ports_.store.find(key);
    if (!record) return fail(record.error());
    const auto asset = *record ? json::read<api::state::mdrb::AssetState>((*record)->state)
                               : Result<api::state::mdrb::AssetState>(fail(Errc::not_found, ""));
    // Of one that cannot be read nobody knows which files are its.
    if (!asset) return {};
    for (const auto& media : {asset->media, asset->upload})
      if (media) files.push_back(media->file);
  }
  return ports_.media->keep_only(files);
}

Result<void> MetaversePlane::restore_policies() {
  const auto keys = ports_.store.by_subject(metaverse::policy_kind, metaverse::every_policy,
                                            metaverse::policies_max);
  if (!keys) return fail(keys.error());
  for (const auto& key : *keys) {
    const auto record = ports_.store.find(key);
    if (!record) return fail(record.error());
    if (*record) policies_.put(key.id, (*record)->state);
  }
  return {};
}

Result<void> MetaversePlane::start() {
  // Policies first: the sessions that are taken up again look into them.
  if (auto restored = restore_policies(); !restored) return restored;
  if (ports_.media != nullptr)
    if (auto restored = restore_media(); !restored) return restored;
  return runner_.recover();
}

}  // namespace lobo::app
