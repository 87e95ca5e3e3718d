#pragma once
// What the packet path counts: written by its worker, read by any thread at any time.

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/parse.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::dataplane {

struct TrafficCounter {
  Counter packets;
  Counter octets;  ///< of frames
  void add(std::uint64_t of_packets, std::uint64_t of_octets) noexcept {
    packets.add(of_packets);
    octets.add(of_octets);
  }
};

/// One counter for each value of a closed list.
template <class Enum, std::size_t count, class Kind = Counter>
class CountersBy {
 public:
  static constexpr std::size_t size = count;
  Kind& operator[](Enum value) { return counters_[static_cast<std::size_t>(value)]; }
  const Kind& operator[](Enum value) const { return counters_[static_cast<std::size_t>(value)]; }

 private:
  std::array<Kind, count> counters_;
};

inline void add(Counter& to, const Counter& from) { to.add(from.value()); }
inline void add(TrafficCounter& to, const TrafficCounter& from) {
  to.add(from.packets.value(), from.octets.value());
}
template <class Enum, std::size_t count, class Kind>
void add(CountersBy<Enum, count, Kind>& to, const CountersBy<Enum, count, Kind>& from) {
  for (std::size_t i = 0; i < count; ++i) add(to[static_cast<Enum>(i)], from[static_cast<Enum>(i)]);
}

inline constexpr std::size_t gtpu_faults = 7;

struct PathCounters {
  struct Direction {
    TrafficCounter received;
    TrafficCounter sent;  ///< of users: answers are counted below
    Counter waiting;      ///< packets that wait now for the address of their next hop
    Counter buffered;     ///< packets that wait now for their session's rules to change
    CountersBy<PathDrop, path_drops, TrafficCounter> dropped;
    /// Of what was dropped as not_ip, ip_malformed or inner_malformed: how far it could be read.
    CountersBy<packet::Unread, packet::unread_reasons> unread;
  };
  Direction downlink;
  Direction uplink;

  CountersBy<Signal, signals> signals_seen;
  Counter answers;            ///< echo responses and error indications that were sent
  Counter answers_held_back;  ///< error indications beyond their rate
  Counter errors_unmatched;   ///< error indications about a tunnel that nobody sends into
  CountersBy<gtpu::NotGtpu, gtpu_faults> gtpu_faulty;
  Counter containers_unread;  ///< uplink PDU Session Containers that tell more than was read

  // Of packets whose rule says where their marking is.
  Counter marked;
  CountersBy<RtpUnmarked, rtp_unmarked_reasons> unmarked_rtp;
  CountersBy<xrm::Unmarked, xrm::unmarked_reasons> unmarked_option;
  CountersBy<xrm::Warning, xrm::warning_kinds> warnings;
  Counter options_kept;  ///< surplus areas that should have been taken out and could not be

  Counter sets_admitted;
  Counter sets_borrowed;  ///< of these: with the rate that other PDRs left
  Counter sets_refused;
  Counter delays_measured;
  Counter events_lost;  ///< the ring to the control plane was full
};

}  // namespace lobo::dataplane
