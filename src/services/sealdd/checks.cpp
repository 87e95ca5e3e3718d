#include "services/sealdd/checks.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/sdd_connections.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/bit_rate.hpp"
#include "services/sealdd/faults.hpp"
#include "services/sealdd/flows.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/url.hpp"
#include "wire/json/formats.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::sealdd {

namespace sync = api::sync_types;

namespace {

constexpr std::size_t asset_octets_max = 512;

std::string pointer_to(std::string_view asset) {
  std::string out = "/flows/";
  for (const char c : asset) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

void check_rates(Faults& faults, const std::string& where, const sync::SyncQosLevel& level) {
  const auto above = [](const std::optional<std::string>& a, const std::optional<std::string>& b) {
    const auto x = a ? model::parse_bit_rate(*a) : std::nullopt;
    const auto y = b ? model::parse_bit_rate(*b) : std::nullopt;
    return x && y && x->count > y->count;
  };
  if (above(level.gbr_ul, level.mbr_ul))
    faults.add(Errc::not_allowed, where + "/gbrUl", "is above mbrUl");
  if (above(level.gbr_dl, level.mbr_dl))
    faults.add(Errc::not_allowed, where + "/gbrDl", "is above mbrDl");
}

}  // namespace

void check_sink(Faults& faults, std::string_view where, std::string_view uri,
                const Settings& settings) {
  const auto url = http::parse_url(uri);
  if (!url) {
    faults.add(Errc::pattern, std::string(where), url.error().detail);
    return;
  }
  if (const auto allowed = settings.sinks.check(*url); !allowed)
    faults.add(Errc::not_allowed, std::string(where), allowed.error().detail);
}

void check_flows(Faults& faults, const FlowRequests& flows) {
  for (const auto& [asset, flow] : flows) {
    const auto where = pointer_to(asset);
    if (asset.size() > asset_octets_max || !json::format::uri(asset))
      faults.add(Errc::pattern, where, "an asset is named by a URI of at most 512 octets");
    if (asset == every_asset && flow.direction != sync::Direction::sub)
      faults.add(Errc::not_allowed, where + "/direction", "all assets can only be watched: SUB");
    if (flow.tier && *flow.tier > lowest_tier(flow))
      faults.add(Errc::out_of_range, where + "/tier", "the ladder has no such step");
    if (flow.qos)
      for (std::int64_t tier = 0; tier <= lowest_tier(flow); ++tier)
        check_rates(faults, where + "/qos", level_at(*flow.qos, tier));
  }
}

Result<void> check_connection(const api::sdd_connections::SddConnectionReq& asked,
                              const Settings& settings, Instant now) {
  Faults faults;
  check_flows(faults, asked.flows);
  if (asked.notif_uri) check_sink(faults, "/notifUri", *asked.notif_uri, settings);
  if (asked.exp_time && *asked.exp_time <= now)
    faults.add(Errc::out_of_range, "/expTime", "is over");
  const auto& target = asked.val_target_ue;
  const auto& name = target.val_ue_id ? target.val_ue_id : target.val_user_id;
  if (name && (name->empty() || name->size() > sdd::ue_bytes_max - 5))
    faults.add(Errc::out_of_range, "/valTargetUe", "the name has 1 to 251 octets");
  return faults.verdict();
}

}  // namespace lobo::sealdd
