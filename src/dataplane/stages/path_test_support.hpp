#pragma once
// A UPF with its two sides for tests: sessions made in one line, frames made as a gNB and an
// application server make them, and what came out.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/pipeline.hpp"
#include "model/address.hpp"
#include "model/flow_description.hpp"
#include "model/pdu_set.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/values.hpp"
#include "wire/rtp/edit.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/rtp/pdu_set_marking.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::dataplane::test {

using Octets = std::vector<std::byte>;

inline constexpr model::MacAddress n3_mac{{0x02, 0, 0, 0, 3, 1}};
inline constexpr model::MacAddress n6_mac{{0x02, 0, 0, 0, 6, 1}};
inline constexpr model::MacAddress gnb_mac{{0x02, 0, 0, 0, 3, 2}};
inline constexpr model::MacAddress router_mac{{0x02, 0, 0, 0, 6, 2}};
inline constexpr std::string_view ue = "10.45.0.2";
inline constexpr std::string_view server = "198.51.100.7";
inline constexpr std::uint32_t uplink_teid = 0x10;
inline constexpr std::uint32_t gnb_teid = 0x99;
inline constexpr std::uint8_t video_qfi = 9;

inline model::IpAddress ip(std::string_view text) { return *model::parse_ip_address(text); }
inline model::Ipv4Address ipv4(std::string_view text) { return *model::Ipv4Address::parse(text); }
inline model::Ipv6Address ipv6(std::string_view text) { return *model::Ipv6Address::parse(text); }
inline packet::FlowKey flow(std::string_view from, std::uint16_t from_port, std::string_view to,
                            std::uint16_t to_port) {
  return packet::flow_between(ip(from), from_port, ip(to), to_port);
}

inline SideNeighbours n3_side() {
  return {.mac = n3_mac,
          .v4 = ipv4("192.168.3.1"),
          .v6 = ipv6("2001:db8:3::1"),
          .on_link = {{ip("192.168.3.0"), 24}, {ip("2001:db8:3::"), 64}},
          .known = {{ip("192.168.3.2"), gnb_mac}, {ip("2001:db8:3::2"), gnb_mac}}};
}
inline SideNeighbours n6_side() {
  return {.mac = n6_mac,
          .v4 = ipv4("192.168.6.1"),
          .gateway_v4 = ipv4("192.168.6.2"),
          .gateway_v6 = ipv6("2001:db8:6::2"),
          .on_link = {{ip("192.168.6.0"), 24}, {ip("2001:db8:6::"), 64}},
          .known = {{ip("192.168.6.2"), router_mac}, {ip("2001:db8:6::2"), router_mac}}};
}

/// PDR 1 takes all that is for the UE to the gNB, PDR 2 all that comes from it to N6; QER 1 has the
/// QFI.
inline Session session(std::uint64_t seid = 1, std::string_view address = ue,
                       std::uint32_t teid = uplink_teid) {
  Session session{.seid = seid};
  pfcp::OuterHeaderCreation header{.teid = gnb_teid, .v4 = ipv4("192.168.3.2")};
  header.description.set(pfcp::OuterHeader::gtpu_udp_ipv4);
  session.fars[{1}] = {.action = {pfcp::Action::forw},
                       .destination = pfcp::Interface::access,
                       .outer_header = header};
  session.fars[{2}] = {.action = {pfcp::Action::forw}, .destination = pfcp::Interface::core};
  session.qers[{1}] = {.id = {1}, .qfi = pfcp::Qfi{video_qfi}};
  pfcp::UeIpAddress at{.is_destination = true};
  if (address.find(':') == std::string_view::npos) {
    at.v4 = ipv4(address);
  } else {
    at.v6 = ipv6(address);
  }
  Pdr down{.precedence = 100, .source = pfcp::Interface::core, .far = {1}};
  require(down.ue_addresses.add(at) && down.qers.add({1}));
  Pdr up{.precedence = 100, .source = pfcp::Interface::access, .far = {2}};
  at.is_destination = false;
  up.tunnel = pfcp::FTeid{.teid = teid, .v4 = ipv4("192.168.3.1")};
  require(up.ue_addresses.add(at) && up.qers.add({1}));
  session.pdrs = {{{1}, down}, {{2}, up}};
  return session;
}

inline SdfMatch from_port(std::uint16_t port) {
  const auto text = "permit out 17 from any " + std::to_string(port) + " to assigned";
  return {.flow = packet::FlowFilter(model::FlowDescription::parse(text).value())};
}
inline pfcp::BitRates kbps(std::uint64_t uplink, std::uint64_t downlink) {
  return {{uplink}, {downlink}};
}
/// RTP with the marking in extension 3.
inline pfcp::ProtocolDescription rtp_description(
    std::optional<pfcp::RtpExtensionFormat> format = std::nullopt) {
  pfcp::ProtocolDescription protocol{.transport = pfcp::MediaTransportProtocol::rtp};
  pfcp::RtpExtensionInformation extension{.type = pfcp::RtpExtensionType::pdu_set_marking,
                                          .id = pfcp::RtpExtensionId{3}};
  if (format) extension.details = pfcp::RtpExtensionDetails{.format = format};
  require(protocol.extensions.add(extension));
  return protocol;
}
inline pfcp::ProtocolDescription option_description() {
  return {.metadata_transfer = pfcp::MetadataTransfer::outer_udp_option};
}
/// Marks PDU Sets of PDR 1's flow.
inline Session marked_session(const pfcp::ProtocolDescription& protocol) {
  Session made = session();
  made.pdrs.at({1}).protocol = protocol;
  made.qers.at({1}).indications =
      pfcp::QerIndications{pfcp::QerIndication::pdusm, pfcp::QerIndication::edbmi};
  return made;
}

inline Octets frame(const model::MacAddress& to, const packet::FlowKey& key, Bytes user_data,
                    const packet::IpFields& fields = {}) {
  Octets room(user_data.size() + 100);
  const auto size = packet::build_udp_frame(room, {.destination = to, .source = router_mac}, key,
                                            fields, user_data);
  room.resize(size.value());
  return room;
}
/// From the server to the UE.
inline Octets down_frame(Bytes user_data, std::uint16_t port = 5004, std::string_view to = ue) {
  return frame(n6_mac, flow(server, port, to, 40000), user_data);
}
inline Octets ip_packet(const packet::FlowKey& key, Bytes user_data) {
  Octets room(user_data.size() + 100);
  room.resize(packet::build_udp_packet(room, key, {}, user_data).value());
  return room;
}
inline Octets up_packet(Bytes user_data, std::string_view from = ue) {
  return ip_packet(flow(from, 40000, server, 5004), user_data);
}
/// A GTP-U message of the gNB in a frame.
inline Octets n3_frame(Bytes message, std::string_view to = "192.168.3.1",
                       std::string_view from = "192.168.3.2") {
  return frame(n3_mac, flow(from, 2152, to, 2152), message);
}
inline Octets g_pdu(Bytes payload, std::uint32_t teid = uplink_teid,
                    const gtpu::UlSession& container = {.qfi = video_qfi}) {
  Octets content(gtpu::container_content_bytes_max * 2);
  ByteWriter out(content);
  gtpu::write_ul_session(out, container, gtpu::Release::rel19);
  const std::array<gtpu::Extension, 1> chain{{{gtpu::type_pdu_session_container, out.written()}}};
  const std::size_t before = gtpu::encapsulation_bytes(chain);
  Octets message(before + payload.size());
  std::ranges::copy(payload, message.begin() + static_cast<std::ptrdiff_t>(before));
  require(gtpu::encapsulate(message, before, teid, chain) == std::size_t{0});
  return message;
}
inline Octets rtp_packet(const std::optional<PduSetMark>& mark, std::uint16_t sequence = 1,
                         std::size_t payload = 100, std::uint8_t id = 3) {
  Octets plain(12 + payload, std::byte{0x5A});
  ByteWriter head(plain);
  head.u8(0x80);
  head.u8(96);
  head.be16(sequence);
  head.be32(1000);
  head.be32(0x11223344);
  if (!mark) return plain;
  std::array<std::byte, 8> value{};
  ByteWriter out(value);
  rtp::write_pdu_set_marking(out, *mark);
  Octets marked(plain.size() + 40);
  marked.resize(
      rtp::write_with_element(marked, rtp::parse_rtp(plain), {id, out.written()}, {}).value());
  return marked;
}

/// User data that say which packet it was.
inline Octets numbered(std::size_t number) { return Octets(20, static_cast<std::byte>(number)); }
inline model::MacAddress mac_at(const Octets& frame, std::size_t at) {
  model::MacAddress mac;
  for (std::size_t i = 0; i < 6; ++i) mac.octets[i] = u8_at(frame, at + i);
  return mac;
}

/// What came out on a side, frame by frame.
struct Sent {
  std::vector<Octets> n3;
  std::vector<Octets> n6;
};

/// A G-PDU that was sent on N3, read back.
struct Tunnelled {
  explicit Tunnelled(const Octets& frame)
      : outer(packet::parse_ethernet(frame)), message(gtpu::parse_gtpu(outer.user_data())) {
    if (const auto* session = message.find(gtpu::type_pdu_session_container))
      require(gtpu::read_dl_session(session->content, gtpu::Release::rel19, dl_session.emplace()) ==
              gtpu::NotContainer::it_is);
    if (const auto* set = message.find_pdu_set_information())
      require(gtpu::read_pdu_set_information(set->content, set_information.emplace()) ==
              gtpu::NotContainer::it_is);
  }
  Octets payload() const { return {message.payload().begin(), message.payload().end()}; }

  packet::PacketView outer;
  gtpu::GtpuView message;
  std::optional<gtpu::DlSession> dl_session;
  std::optional<gtpu::PduSetInformation> set_information;
};

class Upf {
 public:
  explicit Upf(
      const PathSettings& settings = {},
      const xrm::ReceiverSettings& receiving = {.accept = xrm::Accept::clear_and_protected})
      : receiver(receiving),
        pipeline(std::make_unique<Pipeline>(settings, receiver, events)),
        neighbours(std::make_unique<Neighbours>(n3_side(), n6_side())) {}

  void serve(const std::vector<Session>& sessions) {
    std::vector<std::shared_ptr<const SessionRules>> compiled;
    for (std::size_t i = 0; i < sessions.size(); ++i)
      compiled.push_back(std::make_shared<const SessionRules>(
          sessions[i], i < kept_.size() ? kept_[i].get() : nullptr));
    kept_ = compiled;
    rules = std::make_unique<RuleSet>(compiled);
    ++published;
  }
  const SessionRules& served(std::size_t at = 0) const { return *kept_[at]; }

  Sent downlink(const std::vector<Octets>& frames) {
    return pass(frames, [this](auto& batch, const Turn& turn, Outgoing& out) {
      pipeline->downlink(batch, turn, out);
    });
  }
  Sent uplink(const std::vector<Octets>& frames) {
    return pass(frames, [this](auto& batch, const Turn& turn, Outgoing& out) {
      pipeline->uplink(batch, turn, out);
    });
  }
  /// What waited for a next hop and need not any more, as the next turn finds it.
  Sent release() {
    Sent sent;
    Outgoing out;
    do {
      pipeline->release(*neighbours, now, out);
      for (const auto& p : out.n3.packets())
        sent.n3.emplace_back(p.bytes().begin(), p.bytes().end());
      for (const auto& p : out.n6.packets())
        sent.n6.emplace_back(p.bytes().begin(), p.bytes().end());
    } while (!out.n3.empty() || !out.n6.empty());
    return sent;
  }
  /// What was buffered and need not be any more, as the next turn finds it.
  Sent resume() {
    Sent sent;
    Outgoing out;
    while (pipeline->resume(turn(), out)) {
      for (const auto& p : out.n3.packets())
        sent.n3.emplace_back(p.bytes().begin(), p.bytes().end());
      for (const auto& p : out.n6.packets())
        sent.n6.emplace_back(p.bytes().begin(), p.bytes().end());
    }
    return sent;
  }
  Turn turn() const {
    return {.rules = *rules,
            .neighbours = *neighbours,
            .now = now,
            .since_1970 = since_1970,
            .published = published};
  }
  std::uint64_t dropped(PathDrop reason) const {
    return pipeline->counters().downlink.dropped[reason].packets.value();
  }
  std::uint64_t dropped_uplink(PathDrop reason) const {
    return pipeline->counters().uplink.dropped[reason].packets.value();
  }

  xrm::Receiver receiver;
  WorkerEvents events;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<Neighbours> neighbours;
  std::unique_ptr<RuleSet> rules = std::make_unique<RuleSet>();
  std::uint64_t published = 1;
  Elapsed now = std::chrono::seconds{10};
  std::chrono::nanoseconds since_1970 = std::chrono::seconds{1'800'000'000};

 private:
  template <class Pass>
  Sent pass(const std::vector<Octets>& frames, Pass&& through) {
    Sent sent;
    for (std::size_t at = 0; at < frames.size(); at += packet_io::batch_packets_max) {
      const std::size_t count = std::min(frames.size() - at, packet_io::batch_packets_max);
      std::vector<Octets> rooms;
      packet_io::Batch batch;
      for (std::size_t i = at; i < at + count; ++i) {
        Octets& room = rooms.emplace_back(packet_io::headroom_min + frames[i].size() +
                                          packet_io::tailroom_min);
        std::ranges::copy(frames[i], room.begin() + packet_io::headroom_min);
        batch.push({room, packet_io::headroom_min, frames[i].size(), {}});
      }
      Outgoing out;
      through(batch, turn(), out);
      for (const auto& p : out.n3.packets())
        sent.n3.emplace_back(p.bytes().begin(), p.bytes().end());
      for (const auto& p : out.n6.packets())
        sent.n6.emplace_back(p.bytes().begin(), p.bytes().end());
    }
    return sent;
  }

  std::vector<std::shared_ptr<const SessionRules>> kept_;
};

/// received = sent + waiting + buffered + dropped + signals, on both sides.
inline bool adds_up(const PathCounters& counters) {
  const auto dropped = [](const PathCounters::Direction& direction) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < path_drops; ++i)
      sum += direction.dropped[static_cast<PathDrop>(i)].packets.value();
    return sum;
  };
  std::uint64_t signalled = 0;
  for (std::size_t i = 0; i < signals; ++i)
    signalled += counters.signals_seen[static_cast<Signal>(i)].value();
  const auto& down = counters.downlink;
  const auto& up = counters.uplink;
  const auto gone_on = [](const PathCounters::Direction& direction) {
    return direction.sent.packets.value() + direction.waiting.value() + direction.buffered.value();
  };
  return down.received.packets.value() == gone_on(down) + dropped(down) &&
         up.received.packets.value() == gone_on(up) + dropped(up) + signalled;
}

}  // namespace lobo::dataplane::test
