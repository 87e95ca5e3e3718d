#pragma once
// A list that is short by nature and lies in its owner: no allocation, a bound that its type names.

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace lobo {

template <class T, std::size_t most>
class Few {
 public:
  using value_type = T;
  static constexpr std::size_t capacity = most;

  constexpr Few() = default;

  /// False, and nothing is added, where it is full.
  [[nodiscard]] constexpr bool add(const T& value) {
    if (count_ == most) return false;
    held_[count_++] = value;
    return true;
  }
  constexpr void clear() { count_ = 0; }

  constexpr std::size_t size() const { return count_; }
  constexpr bool empty() const { return count_ == 0; }
  constexpr std::span<const T> all() const { return std::span(held_).first(count_); }
  constexpr auto begin() const { return all().begin(); }
  constexpr auto end() const { return all().end(); }
  constexpr const T& operator[](std::size_t i) const { return all()[i]; }

  /// What lies behind the last one says nothing.
  constexpr bool operator==(const Few& other) const {
    return std::ranges::equal(all(), other.all());
  }

 private:
  std::array<T, most> held_{};
  std::size_t count_ = 0;
};

}  // namespace lobo
