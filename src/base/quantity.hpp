#pragma once
// Units are types. Time is std::chrono; everything else with a unit is one of these.

#include <compare>
#include <cstdint>

namespace lobo {

template <class Tag, class Rep>
struct Quantity {
  Rep count{};
  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator+(Quantity rhs) const { return {count + rhs.count}; }
  constexpr Quantity operator-(Quantity rhs) const { return {count - rhs.count}; }
};

using BitsPerSecond = Quantity<struct BitsPerSecondTag, std::uint64_t>;

}  // namespace lobo
