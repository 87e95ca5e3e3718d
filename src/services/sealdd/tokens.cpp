#include "services/sealdd/tokens.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "api/sdd_connections.hpp"
#include "api/state/sealdd.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/flows.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::sealdd {

namespace sync = api::sync_types;

namespace {

constexpr std::int64_t ttl_ms_usual = 100;
constexpr double millihertz_per_hertz = 1000;

sdd::Direction direction_of(sync::Direction direction) {
  switch (direction) {
    case sync::Direction::pub: return sdd::Direction::pub;
    case sync::Direction::sub: return sdd::Direction::sub;
    case sync::Direction::bidi: return sdd::Direction::bidi;
  }
  std::abort();
}

sdd::FlowClass class_of(sync::ReliabilityClass reliability) {
  switch (reliability) {
    case sync::ReliabilityClass::r0: return sdd::FlowClass::newest;
    case sync::ReliabilityClass::r1: return sdd::FlowClass::lossy;
    case sync::ReliabilityClass::r2: return sdd::FlowClass::deadline;
    case sync::ReliabilityClass::r3: return sdd::FlowClass::unordered;
    case sync::ReliabilityClass::r4: return sdd::FlowClass::ordered;
  }
  std::abort();
}

sdd::TokenStep step_of(const sync::SyncQosLevel& level) {
  sdd::TokenStep out;
  if (level.update_rate_hz)
    out.rate_mhz = static_cast<std::uint32_t>(*level.update_rate_hz * millihertz_per_hertz);
  if (level.components) out.components = static_cast<sdd::ComponentMask>(*level.components);
  return out;
}

sdd::TokenFlow flow_of(const std::string& asset, const api::sdd_connections::SddFlow& flow,
                       std::int64_t id) {
  sdd::TokenFlow out;
  out.id = static_cast<sdd::FlowId>(id);
  out.alias = static_cast<sdd::Alias>(flow.alias);
  if (flow.alias > 0) out.asset = asset;
  out.direction = direction_of(flow.direction);
  if (flow.components) out.components = static_cast<sdd::ComponentMask>(*flow.components);
  out.tier = static_cast<std::uint8_t>(flow.tier.value_or(0));
  out.redundant = flow.flow_ids.size() > 1;
  out.mbr_dl_bps = download_bps(flow);
  if (!flow.qos) return out;
  if (flow.qos->reliability_class) out.reliability = class_of(*flow.qos->reliability_class);
  out.ttl = std::chrono::milliseconds(flow.qos->ttl_ms.value_or(ttl_ms_usual));
  out.priority = static_cast<std::uint8_t>(flow.qos->priority.value_or(0));
  const auto lowest = lowest_tier(request_of(flow));
  const auto best = level_at(*flow.qos, 0);
  if (lowest > 0 || best.update_rate_hz || best.components)
    for (std::int64_t tier = 0; tier <= lowest; ++tier)
      out.ladder.push_back(step_of(level_at(*flow.qos, tier)));
  return out;
}

}  // namespace

sdd::FlowToken token_of(const api::state::sealdd::ConnectionState& connection, Instant now,
                        Instant until) {
  sdd::FlowToken out;
  out.room = connection.room;
  out.ue = connection.ue;
  out.issued = std::chrono::floor<std::chrono::seconds>(now);
  out.expires = std::chrono::floor<std::chrono::seconds>(until);
  out.node = connection.node_id.value_or("");
  out.epoch = static_cast<std::uint64_t>(connection.epoch.value_or(0));
  for (const auto& [asset, flow] : connection.flows)
    for (const auto id : flow.flow_ids) {
      auto one = flow_of(asset, flow, id);
      if (connection.rate_dl_bps)
        one.mbr_dl_bps = static_cast<std::uint64_t>(*connection.rate_dl_bps);
      out.flows.push_back(std::move(one));
    }
  return out;
}

Result<std::string> signed_token(const api::state::sealdd::ConnectionState& connection, Instant now,
                                 Instant until, sdd::TokenSigner& signer) {
  auto token = sdd::sign_token(token_of(connection, now, until), signer);
  if (!token) {
    if (token.error().code == Errc::internal || token.error().code == Errc::unavailable)
      return fail(std::move(token.error()));
    return fail(Errc::out_of_range, "one connection cannot say so much to its node",
                {{Errc::out_of_range, "/flows", token.error().detail}});
  }
  return sdd::token_text(*token);
}

}  // namespace lobo::sealdd
