#pragma once
// Sessions counted into groups. The planner never sees a session: only how many a group has, how
// many Mbit/s they want and where they get them now. Counters follow each change, so that keeping
// them costs as much as what changed; whole kbit/s, so that what was added and taken away again
// leaves nothing behind.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/result.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {

struct Session {
  static constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t group = 0;
  std::uint32_t location = nowhere;  ///< where it is served now, if anywhere
  std::uint32_t kbps = 0;
  bool operator==(const Session&) const = default;
};

class Aggregate {
 public:
  /// At most groups_max and locations_max.
  Aggregate(std::size_t groups, std::size_t locations);

  /// not_found where group or location do not exist; nothing is counted then.
  Result<void> join(const Session& session);
  /// conflict where no such session can be counted any more; nothing changes then.
  Result<void> leave(const Session& session);
  /// The same session, elsewhere or at another rate.
  Result<void> change(const Session& before, const Session& after);

  std::uint32_t sessions(std::uint32_t group) const { return sessions_[group]; }
  double demand_mbps(std::uint32_t group) const;
  double current_mbps(std::uint32_t group, std::uint32_t location) const;

  /// Writes sessions, demand and current flows into the problem's groups and paths, whose indices
  /// they are.
  void write(Problem& problem) const;

  bool operator==(const Aggregate&) const = default;

 private:
  std::size_t cell(std::uint32_t group, std::uint32_t location) const {
    return static_cast<std::size_t>(group) * locations_ + location;
  }
  bool exists(const Session& session) const;

  std::size_t locations_;
  std::vector<std::uint32_t> sessions_;
  std::vector<std::uint64_t> demand_kbps_;
  std::vector<std::uint64_t> current_kbps_;
};

}  // namespace lobo::energy
