#include "dataplane/stages/parse.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "dataplane/rules/prefetch.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/signalling.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

using packet::Unread;

/// Has the lines of all packets come that the stages will ask for: the headers, where the tunnel's
/// headers will stand, and the options at the end. By loads, of which a processor has dozens under
/// way since none waits for another, and not by prefetches: those did nothing here for lines of
/// pages that the TLB did not know, as those of packets from memory are (path cold, 320 ns a packet
/// with prefetches of any distance, 174 ns with loads).
void fetch_frames(std::span<const Passage> passages) {
  unsigned any = 0;
  for (const Passage& passage : passages) {
    const packet_io::Packet& packet = *passage.packet;
    const MutableBytes frame = packet.bytes();
    if (frame.empty()) continue;
    const std::byte* const begin = frame.data();
    const std::byte* const last = begin + frame.size() - 1;
    any |= std::to_integer<unsigned>(*begin) | std::to_integer<unsigned>(*last);
    if (frame.size() > cache_line_bytes)
      any |= std::to_integer<unsigned>(*(last - cache_line_bytes));
    if (packet.headroom() >= cache_line_bytes)
      any |= std::to_integer<unsigned>(*(begin - cache_line_bytes));
  }
  __asm__ __volatile__("" : : "r"(any));  // or no compiler would load them
}

bool is_for(const Side& side, Bytes frame) {
  if (frame.size() < packet::ethernet_header_bytes) return false;
  return be64_at(frame, 0) >> 16U == side.mac();
}

/// The IP packet is all here. What lies above IP is the user's own affair, however odd it is.
bool whole_ip(const packet::PacketView& view) {
  if (view.whole_udp() && view.flow.ip_version == 4) return true;
  if (!view.has_ip()) return false;
  const std::size_t present = view.frame.size() - view.ip_at;
  if (view.flow.ip_version == 4) return be16_at(view.frame, view.ip_at + 2) <= present;
  // A jumbogram does not fit what it would travel in.
  const std::size_t length = be16_at(view.frame, view.ip_at + 4);
  return length != 0 && length <= present - packet::ipv6_header_bytes;
}

PathDrop drop_of(Unread unread) {
  const bool no_ip = unread == Unread::not_ip || unread == Unread::link_header_cut ||
                     unread == Unread::too_many_vlan_tags || unread == Unread::frame_too_long;
  return no_ip ? PathDrop::not_ip : PathDrop::ip_malformed;
}

void take_facts(Passage& passage) {
  const packet::PacketView& view = passage.view;
  passage.facts.flow = view.flow;
  passage.facts.traffic_class = view.traffic_class;
  passage.octets = view.ip_end - view.ip_at;
}

void parse_one(Passage& passage, const Side& side, PathCounters::Direction& counters) {
  const Bytes frame = passage.packet->bytes();
  packet::parse_ethernet(frame, passage.view);
  if (!whole_ip(passage.view)) [[unlikely]] {
    passage.drop = drop_of(passage.view.unread);
    counters.unread[passage.view.unread].add(1);
    return;
  }
  if (!is_for(side, frame)) {
    passage.drop = PathDrop::not_ours;
    return;
  }
  passage.facts.from = pfcp::Interface::core;
  passage.facts.teid = 0;
  passage.facts.qfi.reset();
  take_facts(passage);
}

/// A datagram to our address and GTP-U's port; all else on N3 is the kernel's.
PathDrop outer_drop(const packet::PacketView& outer, const Side& side) {
  if (!whole_ip(outer)) return drop_of(outer.unread);
  if (!is_for(side, outer.frame)) return PathDrop::not_ours;
  const HopAddress to{outer.flow.destination_high, outer.flow.destination_low,
                      outer.flow.ip_version};
  if (to != side.own(outer.flow.ip_version)) return PathDrop::not_ours;
  if (outer.unread == Unread::fragment_first || outer.unread == Unread::fragment_later)
    return outer.flow.protocol == packet::protocol_udp ? PathDrop::outer_fragment
                                                       : PathDrop::not_ours;
  if (!outer.has_udp || outer.flow.destination_port != gtpu::udp_port) return PathDrop::not_ours;
  return outer.whole_udp() ? PathDrop::nothing : PathDrop::ip_malformed;
}

// TS 38.415 clause 5.5.2.2: octet 1 begins with the PDU type, octet 2 ends with the QFI, whatever
// else a release has put there.
constexpr std::uint8_t pdu_type_uplink = 1;

void take_container(Passage& passage, const gtpu::GtpuView& message) {
  const gtpu::Extension* container = message.find(gtpu::type_pdu_session_container);
  if (container == nullptr || container->content.size() < 2) return;
  if (u8_at(container->content, 0) >> 4U != pdu_type_uplink) return;
  passage.uplink_container = container->content;
  passage.facts.qfi = u8_at(container->content, 1) & pfcp::Qfi::mask;
}

PathDrop tunnelled(Passage& passage, const gtpu::GtpuView& message, PathCounters& counters) {
  for (const gtpu::Extension& extension : message.extensions())
    if (gtpu::endpoint_must_understand(extension.type) &&
        !gtpu::endpoint_understands(extension.type))
      return PathDrop::gtpu_extension;
  passage.facts.from = pfcp::Interface::access;
  passage.facts.teid = message.teid;
  passage.facts.qfi.reset();
  take_container(passage, message);
  if (message.payload().empty() && !passage.uplink_container.empty()) {
    passage.signal = Signal::empty_packet;
    return PathDrop::nothing;
  }
  // Bytes behind the message's own length belong to nobody.
  const Bytes frame = passage.view.frame;
  const auto end =
      static_cast<std::size_t>(message.message.data() - frame.data()) + message.message.size();
  const auto inner_at = end - message.payload().size();
  passage.view = packet::parse_ip(frame.first(end), inner_at);
  if (!whole_ip(passage.view)) {
    counters.uplink.unread[passage.view.unread].add(1);
    return PathDrop::inner_malformed;
  }
  take_facts(passage);
  return PathDrop::nothing;
}

void parse_one_n3(Passage& passage, const Turn& turn, Signalling& signalling,
                  PathCounters& counters) {
  packet::parse_ethernet(passage.packet->bytes(), passage.view);
  passage.drop = outer_drop(passage.view, turn.neighbours.n3);
  if (passage.drop != PathDrop::nothing) [[unlikely]] {
    const bool malformed =
        passage.drop == PathDrop::not_ip || passage.drop == PathDrop::ip_malformed;
    if (malformed) counters.uplink.unread[passage.view.unread].add(1);
    return;
  }
  const gtpu::GtpuView message = gtpu::parse_gtpu(passage.view.user_data());
  if (!message.ok()) {
    passage.drop = PathDrop::gtpu_malformed;
    counters.gtpu_faulty[message.fault].add(1);
  } else if (message.message_type == gtpu::message_g_pdu) {
    passage.drop = tunnelled(passage, message, counters);
    if (passage.drop == PathDrop::gtpu_extension) [[unlikely]]
      signalling.refuse_extension(passage, turn);
  } else {
    signalling.take(passage, message, turn);
  }
}

}  // namespace

void parse_n6(std::span<Passage> passages, const Turn& turn, PathCounters& counters) noexcept {
  fetch_frames(passages);
  for (Passage& passage : passages) parse_one(passage, turn.neighbours.n6, counters.downlink);
}

void parse_n3(std::span<Passage> passages, const Turn& turn, Signalling& signalling,
              PathCounters& counters) noexcept {
  fetch_frames(passages);
  for (Passage& passage : passages) parse_one_n3(passage, turn, signalling, counters);
}

}  // namespace lobo::dataplane
