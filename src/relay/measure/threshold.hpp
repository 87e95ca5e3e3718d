#pragma once
// One limit on one measured value, looked at once a window. It is entered at the limit and left at
// nine tenths of it, and two windows must agree before anything is said: each crossing is told
// once.

#include <cstdint>
#include <optional>

namespace lobo::relay {

enum class Crossing : std::uint8_t { entered, left };

class Threshold {
 public:
  static constexpr unsigned windows_hold = 2;
  static constexpr double leave_share = 0.9;

  enum class Bad : std::uint8_t { above, below };

  constexpr Threshold(Bad bad, double limit) : bad_(bad), limit_(limit) {}

  /// `value` of the window that has ended; nothing is concluded of a window without values.
  std::optional<Crossing> window(std::optional<double> value) {
    if (!value) return std::nullopt;
    const bool turns = exceeded_ ? is_good(*value) : is_bad(*value);
    agreeing_ = turns ? agreeing_ + 1 : 0;
    if (agreeing_ < windows_hold) return std::nullopt;
    agreeing_ = 0;
    exceeded_ = !exceeded_;
    return exceeded_ ? Crossing::entered : Crossing::left;
  }
  bool exceeded() const { return exceeded_; }

 private:
  bool is_bad(double value) const { return bad_ == Bad::above ? value >= limit_ : value <= limit_; }
  bool is_good(double value) const {
    return bad_ == Bad::above ? value < limit_ * leave_share : value > limit_ / leave_share;
  }

  Bad bad_;
  double limit_;
  bool exceeded_ = false;
  unsigned agreeing_ = 0;
};

}  // namespace lobo::relay
