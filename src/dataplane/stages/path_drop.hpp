#pragma once
// Why a packet went no further, and what a message of GTP-U's own is: closed lists, so that
//
//   received = sent + sum of the drops + sum of the signals + those that wait for a next hop +
//   those that are buffered
//
// holds on each side at any moment between two batches.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace lobo::dataplane {

enum class PathDrop : std::uint8_t {
  nothing,                  ///< it goes on
  not_ours,                 ///< for another station, or no GTP-U where that is what comes
  not_ip,                   ///< ARP and others; a link header that is cut
  ip_malformed,             ///< an IP header that cannot be, or a packet that is not all here
  outer_fragment,           ///< a fragment of a tunnel's packet: none are put together here
  gtpu_malformed,           ///< see gtpu::NotGtpu
  gtpu_message,             ///< a message type that has no place on N3
  gtpu_extension,           ///< an extension header that we had to understand, and do not
  inner_malformed,          ///< no whole IP packet in the tunnel
  unknown_tunnel,           ///< nobody has this TEID
  no_session,               ///< nobody has this address
  no_rule,                  ///< the session has no rule for it; an address that is not the UE's
  rule_drops,               ///< FAR: drop
  rule_buffers,             ///< FAR: buffer, and there was no room, or its time was over
  nowhere,                  ///< FAR: forward, and no place to
  gate_closed,              ///< QER
  quota_exhausted,          ///< URR
  rate_exceeded,            ///< MBR of a QER
  aggregate_rate_exceeded,  ///< MBR of a QER that several PDRs name
  set_not_admitted,         ///< the rate has no room for its PDU Set, or for its importance
  set_overran,              ///< its PDU Set is larger than a bucket can owe
  no_neighbour,             ///< no next hop, or it did not answer, or too many waited for one
  no_address,               ///< we have no address of the version that the tunnel needs
  no_room,                  ///< no headroom, or longer than a length field tells
};
inline constexpr std::size_t path_drops = 24;

constexpr std::string_view to_string(PathDrop drop) {
  switch (drop) {
    case PathDrop::nothing: return "nothing";
    case PathDrop::not_ours: return "not_ours";
    case PathDrop::not_ip: return "not_ip";
    case PathDrop::ip_malformed: return "ip_malformed";
    case PathDrop::outer_fragment: return "outer_fragment";
    case PathDrop::gtpu_malformed: return "gtpu_malformed";
    case PathDrop::gtpu_message: return "gtpu_message";
    case PathDrop::gtpu_extension: return "gtpu_extension";
    case PathDrop::inner_malformed: return "inner_malformed";
    case PathDrop::unknown_tunnel: return "unknown_tunnel";
    case PathDrop::no_session: return "no_session";
    case PathDrop::no_rule: return "no_rule";
    case PathDrop::rule_drops: return "rule_drops";
    case PathDrop::rule_buffers: return "rule_buffers";
    case PathDrop::nowhere: return "nowhere";
    case PathDrop::gate_closed: return "gate_closed";
    case PathDrop::quota_exhausted: return "quota_exhausted";
    case PathDrop::rate_exceeded: return "rate_exceeded";
    case PathDrop::aggregate_rate_exceeded: return "aggregate_rate_exceeded";
    case PathDrop::set_not_admitted: return "set_not_admitted";
    case PathDrop::set_overran: return "set_overran";
    case PathDrop::no_neighbour: return "no_neighbour";
    case PathDrop::no_address: return "no_address";
    case PathDrop::no_room: return "no_room";
  }
  std::abort();
}

/// What is for the UPF itself, and not for a UE (TS 29.281 clause 7).
enum class Signal : std::uint8_t {
  none,
  echo_request,
  echo_response,
  error_indication,
  end_marker,
  supported_extensions,
  empty_packet,  ///< a G-PDU without a user's packet: what a gNB answers QoS monitoring with
};
inline constexpr std::size_t signals = 7;

constexpr std::string_view to_string(Signal signal) {
  switch (signal) {
    case Signal::none: return "none";
    case Signal::echo_request: return "echo_request";
    case Signal::echo_response: return "echo_response";
    case Signal::error_indication: return "error_indication";
    case Signal::end_marker: return "end_marker";
    case Signal::supported_extensions: return "supported_extensions";
    case Signal::empty_packet: return "empty_packet";
  }
  std::abort();
}

/// Why a packet whose rule says that its marking is in an RTP header extension counts as unmarked.
enum class RtpUnmarked : std::uint8_t {
  not_udp,
  not_rtp,  ///< see rtp::NotRtp
  no_extension,
  other_form,  ///< one-byte where two-byte was agreed, or the other way
  no_element,
  bad_value,
  damaged_extension,
};
inline constexpr std::size_t rtp_unmarked_reasons = 7;

constexpr std::string_view to_string(RtpUnmarked reason) {
  switch (reason) {
    case RtpUnmarked::not_udp: return "not_udp";
    case RtpUnmarked::not_rtp: return "not_rtp";
    case RtpUnmarked::no_extension: return "no_extension";
    case RtpUnmarked::other_form: return "other_form";
    case RtpUnmarked::no_element: return "no_element";
    case RtpUnmarked::bad_value: return "bad_value";
    case RtpUnmarked::damaged_extension: return "damaged_extension";
  }
  std::abort();
}

}  // namespace lobo::dataplane
