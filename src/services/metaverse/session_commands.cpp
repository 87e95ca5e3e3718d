// What applications ask of a session (steps 1, 2, 6 and 8), and policies that changed under it.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_das.hpp"
#include "api/state/metaverse.hpp"
#include "api/sync_types.hpp"
#include "base/result.hpp"
#include "services/metaverse/checks.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/session.hpp"
#include "services/metaverse/session_step.hpp"
#include "services/metaverse/views.hpp"
#include "sync/policy.hpp"
#include "sync/resolve.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::metaverse {

namespace op = api::mm_das::operation;
using api::mm_das::FlowState;
using api::mm_das::PolicyDecision;
using api::mm_das::ResolvedAsset;
using api::sync_types::TierReason;

Result<SyncSessionReq> SessionStep::read_request(std::string_view text) const {
  auto request = json::read<SyncSessionReq>(text);
  if (!request) return request;
  if (auto fits = check_session(*request, settings_.sinks, now_); !fits)
    return fail(std::move(fits.error()));
  return request;
}

/// Step 2. False: refused and answered; nothing has changed.
bool SessionStep::admit(const SyncSessionReq& request, const resource::Command& command) {
  auto resolved = sync::resolve(request, policies_.for_owner(owner_));
  std::vector<Fault> refused;
  bool supportable = true;
  for (std::size_t i = 0; i < resolved.assets.size(); ++i) {
    const auto& asset = resolved.assets[i];
    if (asset.decision != PolicyDecision::refuse || request.assets[i].optional.value_or(false))
      continue;
    std::string by;
    for (const auto& entry : asset.trace)
      for (const auto& source : entry.sources) by += (by.empty() ? " by " : ", ") + source;
    if (asset.cause == sync::cause_not_supportable) supportable = false;
    refused.push_back(
        {Errc::forbidden, "/assets/" + std::to_string(i), asset.cause.value_or("") + by});
  }
  const bool none = std::ranges::all_of(resolved.assets, [](const ResolvedAsset& asset) {
    return asset.decision == PolicyDecision::refuse;
  });
  if (refused.empty() && none)
    refused.push_back({Errc::forbidden, "/assets", "no policy admits any of them"});
  if (!refused.empty()) {
    reply(command.request,
          supportable
              ? refusal(403, "POLICY_DENIED", "policies refuse what is needed", std::move(refused))
              : refusal(422, "QOS_NOT_SUPPORTABLE",
                        "policies have a floor and a ceiling for what is needed",
                        std::move(refused)));
    return false;
  }
  adopt(std::move(resolved.assets));
  state_.policy_version = std::move(resolved.policy_version);
  return true;
}

/// What was resolved becomes what holds; what an asset went through stays with it.
void SessionStep::adopt(std::vector<ResolvedAsset> resolved) {
  std::vector<AssetState> assets;
  for (auto& one : resolved) {
    AssetState asset;
    const auto before = std::ranges::find_if(state_.assets, [&](const AssetState& old) {
      return old.resolved.asset_id == one.asset_id && old.resolved.host_ue == one.host_ue;
    });
    if (before != state_.assets.end()) {
      asset = *before;
      // Another ladder: its first step is the promise until something else is measured.
      if (before->resolved.ladder != one.ladder) {
        if (asset.tier != 0) {
          asset.resolved = one;
          const auto tier = std::exchange(asset.tier, 0);
          tier_changed(asset, tier, "POLICY_CHANGED", TierReason::ordered);
        }
        asset.bad = asset.good = 0;
        asset.veto_tier.reset();
        asset.veto_until.reset();
      }
    }
    asset.resolved = std::move(one);
    assets.push_back(std::move(asset));
  }
  for (auto& old : state_.assets) {
    const bool stays = std::ranges::any_of(assets, [&](const AssetState& asset) {
      return old.resolved.asset_id == asset.resolved.asset_id &&
             old.resolved.host_ue == asset.resolved.host_ue && admitted(asset);
    });
    if (!stays && old.flow_state) flow_is(old, FlowState::closed, "NOT_WANTED");
  }
  state_.assets = std::move(assets);
  for (auto& asset : state_.assets) {
    if (admitted(asset)) continue;
    asset.flow_state.reset();
    asset.flow_ids.reset();
    asset.alias.reset();
  }
  clocks_ = true;
}

void SessionStep::take(SyncSessionReq request, std::string text) {
  asked_ = std::move(request);
  state_.text = std::move(text);
  ++state_.rev;
  clocks_ = true;
}

void SessionStep::wait(const resource::Command& command, std::string_view asset_id,
                       std::string_view ue_id) {
  api::state::metaverse::Waiting waiting;
  waiting.request = command.request;
  waiting.operation = command.operation;
  if (!asset_id.empty()) waiting.asset_id = std::string(asset_id);
  if (!ue_id.empty()) waiting.ue_id = std::string(ue_id);
  state_.waiting.push_back(std::move(waiting));
  start(timer_answer, now_ + settings_.limits.answer_within);
}

// ---- step 1 ------------------------------------------------------------------------------------

Result<void> SessionStep::create(const resource::Command& command) {
  auto request = read_request(command.http.body);
  if (!request) return fail(request.error());
  const auto live = lookup_.count_by_subject(session_kind, every_session, sessions_max);
  if (!live) return fail(live.error());
  if (*live >= sessions_max)
    return fail(Errc::too_many, "there are as many sessions as there may be");
  owner_ = command.who.subject;
  state_.state = SessionState::requested;
  state_.secret = command.secret;
  if (const auto key = command.http.headers.find("idempotency-key")) state_.key = std::string(*key);
  if (!admit(*request, command)) {
    keep_nothing_ = true;
    return {};
  }
  take(std::move(*request), command.http.body);
  clause_ = "23.700-21 7.y.1 steps 1, 2 and 3";
  wait(command);
  return {};
}

/// Whoever has the key of the one who asked first, and asks for the same, is a party to the
/// session: VAL server and VAL client may race.
Result<void> SessionStep::create_again(const resource::Command& command) {
  const auto key = command.http.headers.find("idempotency-key");
  if (command.who.subject != owner_) {
    auto request = json::read<SyncSessionReq>(command.http.body);
    if (!request) return fail(request.error());
    const bool same = key && state_.key == *key && key->size() >= shared_key_bytes_min &&
                      request->val_service_id == asked_.val_service_id &&
                      request->assets == asked_.assets && !state_.shadow.value_or(false);
    if (!same) return fail(Errc::conflict, "this Idempotency-Key was used for another session");
    auto& parties = state_.parties ? *state_.parties : state_.parties.emplace();
    if (std::ranges::find(parties, command.who.subject) == parties.end()) {
      if (parties.size() >= parties_max)
        return fail(Errc::too_many, "the session has many parties");
      parties.push_back(command.who.subject);
    }
  }
  if (!state_.acknowledged.value_or(false)) {
    if (state_.waiting.size() >= waiting_max)
      return fail(Errc::too_many, "too many requests wait for this session");
    wait(command);
    return {};
  }
  http::Response answer{200, {{"content-type", "application/json"}}, {}};
  if (state_.shadow.value_or(false)) {
    answer.body = json::write(resolved_view(state_, key_.id, settings_));
  } else {
    const auto view = session_view(state_, key_.id, settings_);
    if (!view) return fail(view.error());
    answer.body = json::write(*view);
  }
  answer.headers.add("location", session_uri(settings_, key_.id));
  reply(command.request, std::move(answer), true);
  return {};
}

/// NOTE 2: SEALDD was asked, and asks us what our policies make of it.
Result<void> SessionStep::resolve_for_sealdd(const resource::Command& command) {
  const auto flags = json::read<api::mm_das::ResolveReq>(command.http.body);
  if (!flags) return fail(flags.error());
  auto request = read_request(command.http.body);
  if (!request) return fail(request.error());
  if (flags->mmel_resolved.value_or(false))
    return fail(Errc::conflict, "this comes from the enabler itself and was resolved there");
  if (request->room) {
    const auto other = lookup_.find({std::string(session_kind), *request->room});
    if (!other) return fail(other.error());
    if (*other)
      return fail(Errc::conflict, "this is a session of the enabler itself and was resolved there");
  }
  owner_ = command.who.subject;
  state_.shadow = true;
  state_.secret = command.secret;
  state_.state = SessionState::resolved;
  state_.acknowledged = true;
  before_ = SessionState::resolved;
  if (!admit(*request, command)) {
    keep_nothing_ = true;
    return {};
  }
  take(std::move(*request), command.http.body);
  clause_ = "23.700-21 7.y.1 NOTE 2";
  http::Response answer{201,
                        {{"content-type", "application/json"}},
                        json::write(resolved_view(state_, key_.id, settings_))};
  answer.headers.add("location", session_uri(settings_, key_.id));
  reply(command.request, std::move(answer), true);
  return {};
}

// ---- later -------------------------------------------------------------------------------------

Result<void> SessionStep::command(const resource::Command& command) {
  if (state_.waiting.size() >= waiting_max)
    return fail(Errc::too_many, "too many requests wait for this session");
  if (command.operation == op::delete_sync_session) return remove(command);
  if (ending()) return fail(Errc::conflict, "the session has ended");
  if (command.operation == op::replace_sync_session) return replace(command, command.http.body);
  if (command.operation == op::modify_sync_session) {
    if (const auto patch = json::read<api::mm_das::SyncSessionPatch>(command.http.body); !patch)
      return fail(patch.error());
    auto merged = json::merge_patch(state_.text, command.http.body);
    if (!merged) return fail(merged.error());
    return replace(command, std::move(*merged));
  }
  if (command.operation == op::put_sync_asset) return put_asset(command);
  if (command.operation == op::remove_sync_asset) return remove_asset(command);
  if (command.operation == op::get_sync_state) return ask_state(command);
  if (command.operation == op::veto_tier) return veto(command);
  if (command.operation == op::collect_measurements) return collect(command);
  return fail(Errc::internal, "no operation of a session: " + command.operation);
}

Result<void> SessionStep::replace(const resource::Command& command, std::string text) {
  auto request = read_request(text);
  if (!request) return fail(request.error());
  // The room of a session is where its flows are; whoever wants another asks for another session.
  if (request->room != asked_.room)
    return fail(Errc::conflict, "the room of a session does not change",
                {{Errc::conflict, "/room", "is another"}});
  if (!admit(*request, command)) {
    keep_nothing_ = true;
    return {};
  }
  take(std::move(*request), std::move(text));
  clause_ = "23.700-21 7.y.1 steps 2 and 3";
  wait(command);
  return {};
}

Result<void> SessionStep::remove(const resource::Command& command) {
  end("DELETED");
  if (state_.legs.empty()) {
    reply(command.request, {204, {}, {}});
    return {};
  }
  wait(command);
  return {};
}

namespace {

struct Named {
  std::string asset_id, ue_id;
};
/// The asset that the path and the query name.
Result<Named> named(const http::Request& request) {
  const auto path = http::split_target(request.target).path;
  constexpr std::string_view before = "/assets/";
  const auto from = path.find(before);
  if (from == std::string_view::npos) return fail(Errc::not_found, "no asset is named");
  auto id = path.substr(from + before.size());
  id = id.substr(0, id.find('/'));
  auto ue = ue_id_of(request);
  if (!ue) return fail(ue.error());
  return Named{http::percent_decode(id).value_or(""), std::move(*ue)};
}

}  // namespace

Result<void> SessionStep::put_asset(const resource::Command& command) {
  const auto at = named(command.http);
  if (!at) return fail(at.error());
  auto asset = json::read<SyncAsset>(command.http.body);
  if (!asset) return fail(asset.error());
  if (asset->asset_id != at->asset_id)
    return fail(Errc::not_allowed, "the path names another asset",
                {{Errc::not_allowed, "/assetId", "must be that of the path"}});
  auto request = asked_;
  const auto same = std::ranges::find_if(request.assets, [&](const SyncAsset& one) {
    return one.asset_id == asset->asset_id && one.host_ue == asset->host_ue;
  });
  const std::string ue = sync::id_of(asset->host_ue);
  if (same != request.assets.end())
    *same = std::move(*asset);
  else
    request.assets.push_back(std::move(*asset));
  auto text = json::write(request);
  const auto checked = read_request(text);
  if (!checked) return fail(checked.error());
  if (!admit(*checked, command)) {
    keep_nothing_ = true;
    return {};
  }
  take(*checked, std::move(text));
  clause_ = "23.700-21 7.y.1 steps 2 and 3";
  wait(command, at->asset_id, ue);
  return {};
}

Result<void> SessionStep::remove_asset(const resource::Command& command) {
  const auto at = named(command.http);
  if (!at) return fail(at.error());
  const auto found = asset_of(state_, at->asset_id, at->ue_id);
  if (!found) return fail(found.error());
  const auto ue = (*found)->resolved.host_ue;
  auto request = asked_;
  std::erase_if(request.assets, [&](const SyncAsset& one) {
    return one.asset_id == at->asset_id && one.host_ue == ue;
  });
  if (request.assets.empty())
    return fail(Errc::conflict, "a session has an asset at least; delete the session instead");
  auto text = json::write(request);
  const auto checked = read_request(text);
  if (!checked) return fail(checked.error());
  if (!admit(*checked, command)) {
    keep_nothing_ = true;
    return {};
  }
  take(*checked, std::move(text));
  clause_ = "23.700-21 7.y.1 step 8";
  wait(command, at->asset_id, sync::id_of(ue));
  return {};
}

Result<void> SessionStep::veto(const resource::Command& command) {
  const auto at = named(command.http);
  if (!at) return fail(at.error());
  const auto wish = json::read<api::mm_das::TierVeto>(command.http.body);
  if (!wish) return fail(wish.error());
  const auto found = asset_of(state_, at->asset_id, at->ue_id);
  if (!found) return fail(found.error());
  auto& asset = state_.assets[static_cast<std::size_t>(*found - state_.assets.data())];
  if (!asset.resolved.ladder ||
      wish->tier >= static_cast<std::int64_t>(asset.resolved.ladder->size()))
    return fail(Errc::conflict, "the asset has no such tier");
  asset.veto_tier = wish->tier;
  asset.veto_until = now_ + std::chrono::seconds{wish->hold_sec};
  asset.bad = asset.good = 0;
  if (asset.tier >= wish->tier) {
    const auto before = std::exchange(asset.tier, wish->tier - 1);
    tier_changed(asset, before, "VETO", TierReason::ordered);
  }
  clause_ = "23.700-21 7.y.1 step 7";
  reply(command.request,
        {200, {{"content-type", "application/json"}}, json::write(asset_view(state_, asset))},
        true);
  return {};
}

Result<void> SessionStep::collect(const resource::Command& command) {
  auto order = json::read<api::mm_das::CollectOrder>(command.http.body);
  if (!order) return fail(order.error());
  if (state_.shadow.value_or(false))
    return fail(Errc::conflict, "SEALDD keeps the flows of this session");
  const auto until = now_ + std::chrono::seconds{order->for_sec};
  state_.collect_until = std::max(until, state_.collect_until.value_or(until));
  order->until = state_.collect_until;
  start(timer_collect, *state_.collect_until);
  clause_ = "23.700-21 7.y.1 step 6";
  reply(command.request, {202, {{"content-type", "application/json"}}, json::write(*order)});
  return {};
}

// ---- policies that changed ---------------------------------------------------------------------

/// Resolved again, and never silently: whoever listens hears of it, and of each tier and flow that
/// is another because of it.
void SessionStep::policies_changed() {
  if (ending()) return;
  auto resolved = sync::resolve(asked_, policies_.for_owner(owner_));
  if (state_.policy_version == resolved.policy_version) return;
  state_.policy_version = std::move(resolved.policy_version);
  auto& told = event(SyncEventType::policy_changed);
  told.policy_version = state_.policy_version;
  adopt(std::move(resolved.assets));
  ++state_.rev;
  clause_ = "23.700-21 7.y.1 step 2";
  if (std::ranges::none_of(state_.assets, [&](const AssetState& asset) { return admitted(asset); }))
    end("POLICY_DENIED");
}

}  // namespace lobo::metaverse
