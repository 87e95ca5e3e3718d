#pragma once
// Which thresholds a value reaches, given the side on which it was before.

#include <cstddef>
#include <cstdint>
#include <span>

#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"

namespace lobo::seal_nrm::monitor {

enum class Side : std::uint8_t { unknown, below, above };

/// A value at the threshold is where the direction leads: above it for ascending, below it for
/// descending, where it was before for crossed. So a value that stays at the threshold is told
/// once, and never flutters.
constexpr Side side_of(const Threshold& threshold, double value, Side before) {
  if (value > threshold.value) return Side::above;
  if (value < threshold.value) return Side::below;
  switch (threshold.direction) {
    case Direction::ascending: return Side::above;
    case Direction::descending: return Side::below;
    case Direction::crossed: return before;
  }
  return before;
}

/// A first value that is already where an ascending or descending threshold points has reached it;
/// nothing has been crossed by it.
constexpr bool reaches(const Threshold& threshold, Side before, Side after) {
  if (before == after || after == Side::unknown) return false;
  switch (threshold.direction) {
    case Direction::ascending: return after == Side::above;
    case Direction::descending: return after == Side::below;
    case Direction::crossed: return before != Side::unknown;
  }
  return false;
}

/// Two bits for each of thresholds_max.
class Sides {
 public:
  constexpr explicit Sides(std::uint64_t bits = 0) : bits_(bits) {}
  constexpr Side at(std::size_t i) const {
    // Three of the four patterns mean something; what an import brings may be the fourth.
    const auto side = static_cast<std::uint8_t>(bits_ >> (2 * i) & 3U);
    return side <= 2 ? static_cast<Side>(side) : Side::unknown;
  }
  constexpr void set(std::size_t i, Side side) {
    bits_ &= ~(std::uint64_t{3} << (2 * i));
    bits_ |= std::uint64_t{static_cast<std::uint8_t>(side)} << (2 * i);
  }
  constexpr std::uint64_t bits() const { return bits_; }

 private:
  std::uint64_t bits_;
};
static_assert(thresholds_max * 2 <= 64);

struct Reached {
  std::uint32_t up = 0;
  std::uint32_t down = 0;
  bool any() const { return (up | down) != 0; }
};

/// Holds the values of one report against `thresholds`; those without a value keep their side.
Reached judge(std::span<const Threshold> thresholds, const Report& report, Sides& sides);

/// Whether a subscription is to end: `reached` keeps for each threshold whether its last known
/// value is where it points; one that is crossed stays so.
bool judge_end(std::span<const Threshold> thresholds, bool all, const Report& report, Sides& sides,
               std::uint32_t& reached);

/// The sides of `now` where a threshold of `before` is the same; unknown for the others.
Sides carry(std::span<const Threshold> before, Sides sides, std::span<const Threshold> now);

}  // namespace lobo::seal_nrm::monitor
