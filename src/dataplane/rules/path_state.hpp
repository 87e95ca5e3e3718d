#pragma once
// What changes while packets pass, beside the meters: written by the worker that owns the session
// and by nobody else. SessionRules makes it and carries it over to the rules that replace it, by
// the identifier of the rule that it belongs to.

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/elapsed.hpp"
#include "dataplane/rules/token_bucket.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/set_queue.hpp"

namespace lobo::dataplane {

/// Of a QER.
struct QerState {
  TokenBucket uplink;
  TokenBucket downlink;
  TokenBucket guaranteed;                 ///< downlink, with PDU Set handling
  std::uint32_t qfi_sequence_number = 0;  ///< of the last PDU that was numbered
};

/// Of a downlink PDR under a QER with PDU Set handling: its own part of the rate.
struct ShareState {
  TokenBucket tokens;
  std::uint64_t reserved = 0;  ///< octets of admitted sets that have not come yet
  std::array<std::uint32_t, psi_values> mean_set_octets{};  ///< of sets whose end was seen
};

/// Of a PDR: what matched it and went no further. Read by any thread.
struct DropState {
  Counter packets;
  Counter octets;  ///< of the user's packets
};

inline constexpr std::size_t qfi_values = 64;

/// Of a session with QoS monitoring.
struct MonitorState {
  MonitorState() { stamped_at.fill(TokenBucket::never); }
  std::array<Elapsed, qfi_values> stamped_at;
};

}  // namespace lobo::dataplane
