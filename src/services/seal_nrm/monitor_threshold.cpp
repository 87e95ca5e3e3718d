#include "services/seal_nrm/monitor_threshold.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"

namespace lobo::seal_nrm::monitor {

Reached judge(std::span<const Threshold> thresholds, const Report& report, Sides& sides) {
  Reached reached;
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    const Threshold& threshold = thresholds[i];
    const Aggregate* found = report.find(threshold.measure);
    if (found == nullptr) continue;
    const Side before = sides.at(i);
    const Side after = side_of(threshold, found->value(threshold.measure), before);
    sides.set(i, after);
    if (!reaches(threshold, before, after)) continue;
    (after == Side::above ? reached.up : reached.down) |= std::uint32_t{1} << i;
  }
  return reached;
}

bool judge_end(std::span<const Threshold> thresholds, bool all, const Report& report, Sides& sides,
               std::uint32_t& reached) {
  if (thresholds.empty()) return false;
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    const Threshold& threshold = thresholds[i];
    const Aggregate* found = report.find(threshold.measure);
    if (found == nullptr) continue;
    const std::uint32_t bit = std::uint32_t{1} << i;
    const Side before = sides.at(i);
    const Side after = side_of(threshold, found->value(threshold.measure), before);
    sides.set(i, after);
    const bool crossed = threshold.direction == Direction::crossed;
    const Side wanted = threshold.direction == Direction::ascending ? Side::above : Side::below;
    if (crossed ? reaches(threshold, before, after) : after == wanted)
      reached |= bit;
    else if (!crossed)
      reached &= ~bit;
  }
  const auto every = static_cast<std::uint32_t>((std::uint64_t{1} << thresholds.size()) - 1);
  return all ? (reached & every) == every : (reached & every) != 0;
}

Sides carry(std::span<const Threshold> before, Sides sides, std::span<const Threshold> now) {
  Sides carried;
  for (std::size_t i = 0; i < now.size(); ++i) {
    const auto found = std::find(before.begin(), before.end(), now[i]);
    if (found == before.end()) continue;
    carried.set(i, sides.at(static_cast<std::size_t>(found - before.begin())));
  }
  return carried;
}

}  // namespace lobo::seal_nrm::monitor
