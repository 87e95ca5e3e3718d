#pragma once
// One threshold against one value (parameter 4): crossed, and cleared only on the other side of a
// gap, each after it has lasted. Between the two nothing changes, which keeps noise from
// chattering.

#include <chrono>
#include <optional>

#include "api/media_e5.hpp"
#include "api/media_m1.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"

namespace lobo::media_energy {

class Latch {
 public:
  using State = api::media_e5::ThresholdState;

  /// The value as it is now; true where the state became another.
  bool observe(const api::media_m1::EnergyThreshold& threshold, double value, Instant now) {
    value_ = value;
    const bool up = threshold.direction == api::media_types::ThresholdDirection::up;
    const bool crossed = state_ == State::crossed;
    const bool beyond = crossed ? (up ? value <= threshold.clear : value >= threshold.clear)
                                : (up ? value >= threshold.crossing : value <= threshold.crossing);
    if (!beyond) {
      pending_.reset();
      return false;
    }
    const Instant began = pending_.value_or(now);
    pending_ = began;
    if (now - began < std::chrono::seconds{threshold.dwell.value_or(0)}) return false;
    pending_.reset();
    state_ = crossed ? State::cleared : State::crossed;
    since_ = now;
    return true;
  }
  /// Nothing valid is known: what has not lasted long enough begins anew, what is latched stays.
  void forget() {
    pending_.reset();
    value_.reset();
  }

  bool crossed() const { return state_ == State::crossed; }
  State state() const { return state_; }
  Instant since() const { return since_; }
  const std::optional<double>& value() const { return value_; }
  void begin(Instant now) { since_ = now; }

 private:
  State state_ = State::below;
  Instant since_{};
  std::optional<Instant> pending_;
  std::optional<double> value_;
};

}  // namespace lobo::media_energy
