#pragma once
// What the UPF's side of N4 holds at most. docs/limits.md tells what happens beyond.

#include <chrono>
#include <cstddef>

namespace lobo::dataplane::n4 {

inline constexpr std::size_t peers_max = 64;
inline constexpr std::size_t sessions_max = 262'144;
/// F-TEIDs that we chose.
inline constexpr std::size_t own_tunnels_max = 1U << 20U;
inline constexpr std::size_t flows_monitored_per_session_max = 64;

/// Requests of ours that wait for their response.
inline constexpr std::size_t transactions_max = 4096;
/// Answers kept to be sent again, of all peers and of one.
inline constexpr std::size_t answers_max = 1U << 18U;
inline constexpr std::size_t answers_per_peer_max = 1U << 17U;
inline constexpr std::size_t answer_bytes_max = std::size_t{128} << 20U;

/// Of what a call leaves to be taken.
inline constexpr std::size_t datagrams_waiting_max = 8192;
inline constexpr std::size_t notes_max = 256;
/// Of what one call does.
inline constexpr std::size_t messages_per_datagram_max = 32;
inline constexpr std::size_t sessions_per_call_max = 1024;
inline constexpr std::size_t sweep_slice = 256;

/// A report that could not be sent, for want of a transaction, is tried again.
inline constexpr std::chrono::milliseconds report_again_after{500};
/// Event triggered reports of one flow's delay, where no Minimum Wait Time is given: as often as
/// the packet path stamps packets.
inline constexpr std::chrono::milliseconds delay_reports_apart_min{100};

}  // namespace lobo::dataplane::n4
