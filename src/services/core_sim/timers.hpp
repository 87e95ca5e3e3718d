#pragma once
// What the simulated network has to do later, by itself.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace lobo::core_sim {

/// Sessions with QoS and monitoring subscriptions share one counter; it is never used twice.
using Number = std::uint64_t;

enum class TimerKind : std::uint8_t {
  allocation,     ///< a session's resources are allocated, or are not
  expiry,         ///< qosDuration or monitorExpireTime is over
  delay_report,   ///< the next periodic QOS_MONITORING report of qosMonInfo
  rate_report,    ///< … of qosMonDatRate
  jitter_report,  ///< … of pdvMon
  usage,          ///< a usage threshold is reached
  period,         ///< the next periodic monitoring report
};

struct TimerKey {
  Number of{};
  TimerKind kind{};
  auto operator<=>(const TimerKey&) const = default;
};

/// Bounded by its users: at most one timer of a kind for each session or watch.
class Timers {
 public:
  /// Replaces a timer of the same key.
  void start(TimerKey key, Instant due);
  void stop(TimerKey key);
  void stop_all(Number of);
  void clear();

  std::optional<Instant> next_due() const;
  /// Takes the earliest timer that is due; ties in the order of TimerKey.
  std::optional<TimerKey> take_due(Instant now);

 private:
  std::map<TimerKey, Instant> due_of_;
  std::set<std::pair<Instant, TimerKey>> queue_;
};

}  // namespace lobo::core_sim
