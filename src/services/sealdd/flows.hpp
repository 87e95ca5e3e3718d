#pragma once
// The flows of one connection: which asset goes over which, what that costs, what a node has to be
// told when they change.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "api/sync_types.hpp"
#include "base/result.hpp"
#include "services/sealdd/ports.hpp"

namespace lobo::sealdd {

using FlowMap = std::map<std::string, api::sdd_connections::SddFlow, std::less<>>;
using FlowRequests = std::map<std::string, api::sdd_connections::SddFlowReq, std::less<>>;

/// What a step of the ladder comes to: each alternative says only what differs from the one above.
api::sync_types::SyncQosLevel level_at(const api::sync_types::SyncQos& qos, std::int64_t tier);
/// How many steps there are besides the best.
std::int64_t lowest_tier(const api::sdd_connections::SddFlowReq& flow);

/// Bits per second towards the UE at its tier; 0 where nothing limits it.
std::uint64_t download_bps(const api::sdd_connections::SddFlow& flow);

api::sdd_connections::SddFlowReq request_of(const api::sdd_connections::SddFlow& flow);
FlowRequests requests_of(const FlowMap& flows);

/// How many flow ids it takes.
std::size_t ids_needed(const FlowRequests& asked);

/// `asked` as flows: those that go on keep their numbers, the others get new ones. `redundant`
/// tells of assets whose policy wants two paths now although redundancy is AUTO.
Result<FlowMap> granted(const std::string& room, const FlowRequests& asked, const FlowMap& before,
                        Ground& ground);

/// Orders that make `after` of `before` at the node that carries them.
std::vector<api::sdd_relay::RelayOrder> orders_between(const FlowMap& before, const FlowMap& after,
                                                       const std::string& ue,
                                                       std::int64_t drain_ms);
/// Everything that a node cannot know from the token with which the flows began.
std::vector<api::sdd_relay::RelayOrder> orders_of(const api::state::sealdd::ConnectionState& all);
/// Every flow ends.
std::vector<api::sdd_relay::RelayOrder> release_orders(
    const api::state::sealdd::ConnectionState& all, std::int64_t drain_ms, std::string_view cause);

}  // namespace lobo::sealdd
