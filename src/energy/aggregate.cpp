#include "energy/aggregate.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/require.hpp"
#include "base/result.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {

Aggregate::Aggregate(std::size_t groups, std::size_t locations)
    : locations_(locations),
      sessions_(groups),
      demand_kbps_(groups),
      current_kbps_(groups * locations) {
  require(groups <= groups_max && locations <= locations_max);
}

bool Aggregate::exists(const Session& session) const {
  return session.group < sessions_.size() &&
         (session.location == Session::nowhere || session.location < locations_);
}

Result<void> Aggregate::join(const Session& session) {
  if (!exists(session)) return fail(Errc::not_found, "no such group or location");
  if (sessions_[session.group] == std::numeric_limits<std::uint32_t>::max())
    return fail(Errc::too_many, "the group is full");
  ++sessions_[session.group];
  demand_kbps_[session.group] += session.kbps;
  if (session.location != Session::nowhere)
    current_kbps_[cell(session.group, session.location)] += session.kbps;
  return {};
}

Result<void> Aggregate::leave(const Session& session) {
  if (!exists(session)) return fail(Errc::not_found, "no such group or location");
  const bool counted = sessions_[session.group] > 0 &&
                       demand_kbps_[session.group] >= session.kbps &&
                       (session.location == Session::nowhere ||
                        current_kbps_[cell(session.group, session.location)] >= session.kbps);
  if (!counted) return fail(Errc::conflict, "no such session is counted");
  --sessions_[session.group];
  demand_kbps_[session.group] -= session.kbps;
  if (session.location != Session::nowhere)
    current_kbps_[cell(session.group, session.location)] -= session.kbps;
  return {};
}

Result<void> Aggregate::change(const Session& before, const Session& after) {
  if (!exists(after)) return fail(Errc::not_found, "no such group or location");
  if (auto left = leave(before); !left) return left;
  return join(after);
}

double Aggregate::demand_mbps(std::uint32_t group) const {
  return static_cast<double>(demand_kbps_[group]) / 1000;
}

double Aggregate::current_mbps(std::uint32_t group, std::uint32_t location) const {
  return static_cast<double>(current_kbps_[cell(group, location)]) / 1000;
}

void Aggregate::write(Problem& problem) const {
  require(problem.groups.size() == sessions_.size());
  for (std::uint32_t g = 0; g < problem.groups.size(); ++g) {
    Group& group = problem.groups[g];
    group.sessions = sessions_[g];
    group.demand_mbps = demand_mbps(g);
    for (Path& path : group.paths)
      if (path.location < locations_) path.current_mbps = current_mbps(g, path.location);
  }
}

}  // namespace lobo::energy
