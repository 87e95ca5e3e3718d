#pragma once
// QoS monitoring (TS 23.501 clause 5.33.3): a time stamp in few downlink PDUs of a monitored flow,
// and what the gNB's answer says of the delay.

#include <chrono>
#include <cstdint>
#include <optional>

#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"

namespace lobo::dataplane {

/// TS 38.415 clause 5.5.3.10: the 64 bits of RFC 5905 clause 6, seconds since 1900 and a fraction.
std::uint64_t ntp_stamp(std::chrono::nanoseconds since_1970) noexcept;
/// From `from` to `to`, across the end of an era. Negative where `to` is the earlier one.
std::chrono::nanoseconds ntp_difference(std::uint64_t to, std::uint64_t from) noexcept;

class Monitor {
 public:
  Monitor(const PathSettings& settings, WorkerEvents& events, PathCounters& counters);

  /// The stamp for this packet, if it is one to carry it.
  std::optional<std::uint64_t> stamp(Passage& passage, const Turn& turn) noexcept;
  /// Reads what came uplink, of a session that is known.
  void take_report(const Passage& passage, const Turn& turn) noexcept;

 private:
  const PathSettings& settings_;
  WorkerEvents& events_;
  PathCounters& counters_;
};

}  // namespace lobo::dataplane
