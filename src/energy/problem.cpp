#include "energy/problem.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace lobo::energy {
namespace {

bool within(double value, double least, double most) {
  return std::isfinite(value) && value >= least && value <= most;
}

class Faults {
 public:
  void add(Errc code, std::string where, std::string reason) {
    if (list_.size() < faults_max)
      list_.push_back({code, std::move(where), std::move(reason)});
    else
      more_ = true;
  }

  void number(double value, double least, double most, std::string_view where,
              std::string_view name) {
    if (within(value, least, most)) return;
    const char* what = std::isnan(value)   ? "is not a number"
                       : std::isinf(value) ? "is infinite"
                       : value < least     ? "is too small"
                                           : "is too large";
    add(Errc::out_of_range, fmt::format("{}/{}", where, name),
        fmt::format("{} ({}); {} to {} is allowed", what, value, least, most));
  }

  Result<void> result() && {
    if (list_.empty()) return {};
    const Errc code = list_.front().code;
    return fail(code,
                more_ ? "the planner's input is wrong in many places; the first are told"
                      : "the planner's input is wrong",
                std::move(list_));
  }

 private:
  std::vector<Fault> list_;
  bool more_ = false;
};

void check_location(const Location& location, std::size_t index, Faults& faults) {
  const std::string where = fmt::format("/locations/{}", index);
  if (location.id.empty()) faults.add(Errc::missing, where + "/id", "a location has a name");
  if (location.servers_max > servers_per_location_max)
    faults.add(Errc::out_of_range, where + "/servers_max",
               fmt::format("at most {} servers", servers_per_location_max));
  faults.number(location.server_mbps, 1e-3, quantity_max, where, "server_mbps");
  faults.number(location.standby_w, 0, quantity_max, where, "standby_w");
  faults.number(location.idle_w, location.standby_w, quantity_max, where, "idle_w");
  faults.number(location.max_w, location.idle_w, quantity_max, where, "max_w");
  faults.number(location.site_w, 0, quantity_max, where, "site_w");
  faults.number(location.pue, 1, 10, where, "pue");
  faults.number(location.carbon_g_per_kwh, 0, 1e5, where, "carbon_g_per_kwh");
  faults.number(location.price_per_kwh, 0, 1e5, where, "price_per_kwh");
}

/// There are up to a million: a pointer is written for one that is wrong.
bool is_right(const Path& path, const std::vector<bool>& seen) {
  return path.location < seen.size() && !seen[path.location] &&
         within(path.latency_ms, 0, quantity_max) &&
         within(path.throughput_mbps, 0, quantity_max) &&
         within(path.current_mbps, 0, quantity_max) && within(path.network_w_per_mbps, 0, 1e6);
}

void check_path(const Path& path, std::size_t locations, const std::string& where,
                std::vector<bool>& seen, Faults& faults) {
  if (path.location >= locations) {
    faults.add(Errc::not_found, where + "/location", "there is no such location");
  } else {
    if (seen[path.location])
      faults.add(Errc::duplicate, where + "/location", "a second path to the same location");
    seen[path.location] = true;
  }
  faults.number(path.latency_ms, 0, quantity_max, where, "latency_ms");
  faults.number(path.throughput_mbps, 0, quantity_max, where, "throughput_mbps");
  faults.number(path.current_mbps, 0, quantity_max, where, "current_mbps");
  faults.number(path.network_w_per_mbps, 0, 1e6, where, "network_w_per_mbps");
}

void check_group(const Group& group, std::size_t index, std::size_t locations, Faults& faults) {
  const std::string where = fmt::format("/groups/{}", index);
  if (group.id.empty()) faults.add(Errc::missing, where + "/id", "a group has a name");
  faults.number(group.demand_mbps, 0, quantity_max, where, "demand_mbps");
  faults.number(group.floor.latency_ms_max, 0, quantity_max, where + "/floor", "latency_ms_max");
  faults.number(group.floor.bit_rate_mbps_min, 0, quantity_max, where + "/floor",
                "bit_rate_mbps_min");
  if (group.demand_mbps > 0 && group.paths.empty())
    faults.add(Errc::missing, where + "/paths", "a group with demand sees at least one location");
  std::vector<bool> seen(locations);
  for (std::size_t i = 0; i < group.paths.size(); ++i) {
    if (is_right(group.paths[i], seen))
      seen[group.paths[i].location] = true;
    else
      check_path(group.paths[i], locations, fmt::format("{}/paths/{}", where, i), seen, faults);
  }
}

template <class Things>
void check_names(const Things& things, std::string_view where, Faults& faults) {
  std::unordered_set<std::string_view> names;
  for (std::size_t i = 0; i < things.size(); ++i)
    if (!things[i].id.empty() && !names.insert(things[i].id).second)
      faults.add(Errc::duplicate, fmt::format("{}/{}/id", where, i), "the name is taken");
}

}  // namespace

Result<void> check(const Problem& problem) {
  Faults faults;
  std::size_t paths = 0;
  for (const Group& group : problem.groups) paths += group.paths.size();
  if (problem.locations.size() > locations_max)
    faults.add(Errc::out_of_range, "/locations", fmt::format("at most {}", locations_max));
  if (problem.groups.size() > groups_max)
    faults.add(Errc::out_of_range, "/groups", fmt::format("at most {}", groups_max));
  if (paths > paths_max)
    faults.add(Errc::out_of_range, "/groups", fmt::format("at most {} paths in all", paths_max));
  faults.number(problem.utilisation_target, 0.01, 1, "", "utilisation_target");
  faults.number(problem.spare_share, 0, 1, "", "spare_share");
  faults.number(problem.switch_cost_per_mbps, 0, 1e6, "", "switch_cost_per_mbps");
  check_names(problem.locations, "/locations", faults);
  check_names(problem.groups, "/groups", faults);
  for (std::size_t i = 0; i < problem.locations.size(); ++i)
    check_location(problem.locations[i], i, faults);
  for (std::size_t i = 0; i < problem.groups.size(); ++i)
    check_group(problem.groups[i], i, problem.locations.size(), faults);
  return std::move(faults).result();
}

bool meets_floor(const QoeFloor& floor, const Path& path) {
  return path.content_present && path.permitted && !path.vetoed &&
         path.latency_ms <= floor.latency_ms_max &&
         path.throughput_mbps >= throughput_margin * floor.bit_rate_mbps_min;
}

bool takes_sessions(const Location& location) {
  return location.servers_max > 0 &&
         (location.state == LocationState::active || location.state == LocationState::standby);
}

}  // namespace lobo::energy
