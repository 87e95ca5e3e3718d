#pragma once
// Whether the server serves: ACTIVE to DRAINING to STANDBY and back, as it is told, by commands of
// the operator. A state is told to have been reached only when its command has succeeded.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "energy/problem.hpp"

namespace lobo::energy::meter {

/// A command of the operator that is to be run.
enum class Order : std::uint8_t {
  drain,    ///< take nobody new
  standby,  ///< nobody is served any more: save energy
  wake,     ///< serve again
};

constexpr std::string_view to_string(Order order) {
  switch (order) {
    case Order::drain: return "drain";
    case Order::standby: return "standby";
    case Order::wake: return "wake";
  }
  std::abort();
}

struct DutySettings {
  bool has_drain = false;
  bool has_standby = false;  ///< without it, nothing is carried out
  bool has_wake = false;
  std::chrono::seconds drain_deadline{300};  ///< then it goes to standby, whoever is still served
  std::chrono::seconds retry_pause{60};      ///< after a command that failed
  bool operator==(const DutySettings&) const = default;
};

inline constexpr unsigned command_attempts_max = 3;

class Duty {
 public:
  explicit Duty(DutySettings settings) : settings_(settings) {}

  bool can_stand_by() const { return settings_.has_standby && settings_.has_wake; }
  LocationState state() const { return state_; }
  bool wanted_up() const { return wanted_up_; }
  /// While an order is carried out there is no other.
  bool busy() const { return running_.has_value(); }

  /// A changed mind forgets commands that failed.
  void want(bool up);
  /// What is to be run now, if anything. `requests_active`: nothing where it is not known; a drain
  /// then waits for its deadline. `at` is monotonic time.
  std::optional<Order> step(std::chrono::microseconds at,
                            const std::optional<std::uint64_t>& requests_active);
  /// The order that step() gave was carried out, or could not be.
  void ended(std::chrono::microseconds at, bool done);

 private:
  std::optional<Order> give(Order order);

  DutySettings settings_;
  LocationState state_ = LocationState::active;
  bool wanted_up_ = true;
  bool drained_ = false;  ///< the drain command has been run and not been undone
  std::optional<Order> running_;
  std::chrono::microseconds draining_since_{};
  std::chrono::microseconds not_before_{};
  unsigned failures_ = 0;
};

}  // namespace lobo::energy::meter
