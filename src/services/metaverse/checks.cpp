#include "services/metaverse/checks.hpp"

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/mm_das.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "sync/level.hpp"
#include "sync/policy.hpp"
#include "sync/schedule.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/http/url.hpp"

namespace lobo::metaverse {
namespace {

using Faults = std::vector<Fault>;

void check_sink(const std::string& uri, std::string where, const http::SinkPolicy& sinks,
                Faults& faults) {
  const auto url = http::parse_url(uri);
  if (!url)
    faults.push_back({Errc::pattern, std::move(where), url.error().detail});
  else if (const auto allowed = sinks.check(*url); !allowed)
    faults.push_back({Errc::not_allowed, std::move(where), allowed.error().detail});
}

void check_end(const std::optional<Instant>& end, Instant now, Faults& faults) {
  if (end && *end <= now) faults.push_back({Errc::out_of_range, "/expTime", "has passed"});
}

void check_qos(const api::sync_types::SyncQos& qos, const std::string& at, Faults& faults) {
  const auto level = sync::level_of(qos);
  const auto compare = [&](const char* least, const char* most) {
    std::optional<double> low, high;
    for (const auto& member : sync::level_members()) {
      if (member.name == least) low = member.value(level);
      if (member.name == most) high = member.value(level);
    }
    if (low && high && *low > *high)
      faults.push_back({Errc::out_of_range, at + '/' + least, std::string("is more than ") + most});
  };
  compare("gbrUl", "mbrUl");
  compare("gbrDl", "mbrDl");
  if (!qos.sched) return;
  for (std::size_t i = 0; i < qos.sched->size(); ++i) {
    const auto& window = (*qos.sched)[i];
    for (const auto& [name, text] : {std::pair{"timeOfDayStart", &window.time_of_day_start},
                                     std::pair{"timeOfDayEnd", &window.time_of_day_end}})
      if (*text && !sync::time_of_day(**text))
        faults.push_back({Errc::pattern, at + "/sched/" + std::to_string(i) + '/' + name,
                          "must be a time of day in UTC: 09:30, 09:30:00 or 09:30:00Z"});
  }
}

Result<void> verdict(Faults faults, const char* detail) {
  if (faults.empty()) return {};
  const auto code = faults.front().code;
  return fail(code, detail, std::move(faults));
}

}  // namespace

Result<void> check_session(const api::mm_das::SyncSessionReq& session,
                           const http::SinkPolicy& sinks, Instant now) {
  Faults faults;
  std::set<std::pair<std::string, std::string>> seen;
  std::set<std::string> assets;
  for (std::size_t i = 0; i < session.assets.size(); ++i) {
    const auto& asset = session.assets[i];
    const auto at = "/assets/" + std::to_string(i);
    assets.insert(asset.asset_id);
    if (sync::id_of(asset.host_ue).empty())
      faults.push_back({Errc::out_of_range, at + "/hostUe", "must name somebody"});
    if (!seen.emplace(asset.asset_id, sync::id_of(asset.host_ue)).second)
      faults.push_back({Errc::duplicate, at, "the same asset at the same UE stands twice"});
    if (asset.components && *asset.components == 0)
      faults.push_back({Errc::out_of_range, at + "/components", "no component is left"});
    check_qos(asset.qos, at + "/qos", faults);
  }
  for (std::size_t i = 0; i < session.assets.size(); ++i)
    if (session.assets[i].depends_on)
      for (const auto& id : *session.assets[i].depends_on)
        if (!assets.contains(id) || id == session.assets[i].asset_id)
          faults.push_back({Errc::not_allowed, "/assets/" + std::to_string(i) + "/dependsOn",
                            "names what is no other asset of this session"});
  if (session.sync_groups)
    for (std::size_t i = 0; i < session.sync_groups->size(); ++i)
      for (const auto& id : (*session.sync_groups)[i].asset_ids)
        if (!assets.contains(id))
          faults.push_back({Errc::not_allowed, "/syncGroups/" + std::to_string(i) + "/assetIds",
                            "names what is no asset of this session"});
  if (session.notif) check_sink(session.notif->uri, "/notif/uri", sinks, faults);
  check_end(session.exp_time, now, faults);
  return verdict(std::move(faults), "the session cannot be as it is asked for");
}

Result<void> check_subscription(const api::mm_das::SyncSubscriptionReq& subscription,
                                const http::SinkPolicy& sinks, Instant now) {
  Faults faults;
  check_sink(subscription.notif_uri, "/notifUri", sinks, faults);
  check_end(subscription.exp_time, now, faults);
  return verdict(std::move(faults), "the subscription cannot be as it is asked for");
}

}  // namespace lobo::metaverse
