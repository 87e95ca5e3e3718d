#include "energy/meter/duty.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>

#include "base/require.hpp"
#include "energy/power.hpp"
#include "energy/problem.hpp"

namespace lobo::energy::meter {

void Duty::want(bool up) {
  if (up == wanted_up_) return;
  wanted_up_ = up;
  failures_ = 0;
  not_before_ = {};
}

std::optional<Order> Duty::give(Order order) {
  running_ = order;
  return order;
}

std::optional<Order> Duty::step(std::chrono::microseconds at,
                                const std::optional<std::uint64_t>& requests_active) {
  if (running_ || !can_stand_by() || failures_ >= command_attempts_max || at < not_before_)
    return std::nullopt;
  // A server that failed to wake is tried again as one in standby.
  const LocationState from = state_ == LocationState::down ? LocationState::standby : state_;
  const auto draining_for = std::chrono::floor<std::chrono::seconds>(at - draining_since_);
  const LocationState to = drain_step(
      from, wanted_up_ ? 1 : 0, requests_active.value_or(std::numeric_limits<std::uint64_t>::max()),
      draining_for, settings_.drain_deadline);
  if (to == from) return std::nullopt;
  switch (to) {
    case LocationState::draining:
      state_ = LocationState::draining;
      draining_since_ = at;
      if (!settings_.has_drain || drained_) return std::nullopt;
      return give(Order::drain);
    case LocationState::standby: return give(Order::standby);
    case LocationState::active:
      if (from == LocationState::standby || drained_) return give(Order::wake);
      state_ = LocationState::active;  // nothing had been done yet
      return std::nullopt;
    case LocationState::down: return std::nullopt;
  }
  std::abort();
}

void Duty::ended(std::chrono::microseconds at, bool done) {
  require(running_.has_value());
  const Order order = *running_;
  running_.reset();
  if (done) {
    failures_ = 0;
    switch (order) {
      case Order::drain: drained_ = true; return;
      case Order::standby: state_ = LocationState::standby; return;
      case Order::wake:
        drained_ = false;
        state_ = LocationState::active;
        return;
    }
    std::abort();
  }
  ++failures_;
  not_before_ = at + settings_.retry_pause;
  switch (order) {
    // It may still take new requests; whoever is served ends all the same.
    case Order::drain: drained_ = true; return;
    case Order::standby:
      // It serves whoever comes, unless the drain command keeps them out.
      if (failures_ >= command_attempts_max && !drained_) state_ = LocationState::active;
      return;
    case Order::wake: state_ = LocationState::down; return;
  }
  std::abort();
}

}  // namespace lobo::energy::meter
