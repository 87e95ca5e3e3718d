#pragma once
// The plan as JSON text: what a file holds today, and what a media AF publishes.
//
//   {"version": 7, "validUntil": "2026-11-22T18:00:00Z", "ttl": 30,
//    "releasedFrom": "2026-11-22T17:00:00Z", "releaseSeconds": 60, "defaultGroup": "all",
//    "locations": [{"id": "SL1", "standing": "serving", "baseUrl": "http://127.0.1.1:8080/"}],
//    "groups": [{"id": "all", "shares": {"SL1": 1}, "before": {}, "reserve": {},
//                 "failover": {"SL1": {"SL2": 1}}}]}

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "energy/steering/plan_table.hpp"

namespace lobo::energy::steering {

inline constexpr std::size_t plan_bytes_max = std::size_t{32} << 20U;

/// Every fault with its JSON pointer, up to faults_max of them.
Result<PlanTable> read_plan(std::string_view text);

std::string write_plan(const PlanTable& plan);

/// Letters, digits, '-' and '_', as a token may carry it.
bool is_group_id(std::string_view id);
/// What may stand in a comma-separated list, a quoted one, and an attribute of HLS.
bool is_location_id(std::string_view id);

}  // namespace lobo::energy::steering
