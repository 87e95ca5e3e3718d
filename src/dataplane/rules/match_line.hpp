#pragma once
// A packet detection rule in one cache line: what nearly every rule asks of a packet. A session's
// lines lie in a row, so that eight rules cost eight lines that the processor fetches by itself.
//
// Packet and rule have the same numbers in the same places, so that asking is comparing words under
// masks, whatever the rule asks. Ports come first: they are what the rules of a session differ in.

#include <algorithm>
#include <cstdint>

#include "dataplane/rules/packet_facts.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {

struct Rule;

/// What has few bits, in one word:
///
///   TEID(32) QFI given(1)+QFI(7) traffic class(8) protocol(8) from(4) IP version(3) sufficient(1)
struct MatchKind {
  static constexpr unsigned teid_at = 32;
  static constexpr unsigned qfi_at = 24;
  static constexpr unsigned traffic_class_at = 16;
  static constexpr unsigned protocol_at = 8;
  static constexpr unsigned from_at = 4;
  static constexpr unsigned version_at = 1;
  static constexpr std::uint64_t qfi_given = 0x80;
  static constexpr std::uint64_t octet = 0xFF;
  static constexpr std::uint64_t from_mask = 0x0F;
  static constexpr std::uint64_t version_mask = 0x07;
  static constexpr std::uint64_t sufficient = 1;  ///< of lines; no packet has it, no mask asks it

  /// Packets come from the first of these; what does not fit is one kind.
  static constexpr std::uint64_t from_bits(pfcp::Interface from) {
    return std::min(std::uint64_t{static_cast<std::uint8_t>(from)}, from_mask) << from_at;
  }
};

/// The facts of a packet as lines compare them; made once for all lines of a session.
struct MatchKey {
  explicit MatchKey(const PacketFacts& packet) noexcept {
    const packet::FlowKey& flow = packet.flow;
    const bool up = packet.from == pfcp::Interface::access;
    ue_high = up ? flow.source_high : flow.destination_high;
    ue_low = up ? flow.source_low : flow.destination_low;
    remote_v4 = static_cast<std::uint32_t>(up ? flow.destination_low : flow.source_low);
    remote_port = up ? flow.destination_port : flow.source_port;
    ue_port = up ? flow.source_port : flow.destination_port;
    const std::uint64_t qfi =
        packet.qfi ? MatchKind::qfi_given | (*packet.qfi & pfcp::Qfi::mask) : std::uint64_t{0};
    kind = std::uint64_t{packet.teid} << MatchKind::teid_at | qfi << MatchKind::qfi_at |
           std::uint64_t{packet.traffic_class} << MatchKind::traffic_class_at |
           std::uint64_t{flow.protocol} << MatchKind::protocol_at |
           MatchKind::from_bits(packet.from) |
           (flow.ip_version & MatchKind::version_mask) << MatchKind::version_at;
  }

  std::uint64_t ue_high;
  std::uint64_t ue_low;
  std::uint64_t kind;  ///< see MatchKind
  std::uint32_t remote_v4;
  std::uint16_t remote_port;
  std::uint16_t ue_port;
};

class alignas(64) MatchLine {
 public:
  /// Rules towards the UE ask of packets from elsewhere, all others of those from the RAN: what a
  /// key calls the UE's end and the remote one follows from that.
  explicit MatchLine(const Rule& rule);

  /// What it says of a packet is right where sufficient(); else "no" is right and "yes" means that
  /// the rule itself is to be asked.
  bool holds(const MatchKey& packet) const noexcept {
    if (!remote_ports_.has(packet.remote_port) || !ue_ports_.has(packet.ue_port)) return false;
    const std::uint64_t remote_differs = (packet.remote_v4 ^ remote_v4_) & remote_v4_mask_;
    return (((packet.kind ^ kind_) & kind_mask_) | ((packet.ue_low ^ ue_low_) & ue_low_mask_) |
            ((packet.ue_high ^ ue_high_) & ue_high_mask_) | remote_differs) == 0;
  }
  bool sufficient() const noexcept { return (kind_ & MatchKind::sufficient) != 0; }

 private:
  struct Ports {
    std::uint16_t first = 0;
    std::uint16_t more = 0xFFFF;  ///< behind the first
    bool has(std::uint16_t port) const noexcept {
      return static_cast<std::uint16_t>(port - first) <= more;
    }
  };

  void ask(std::uint64_t value, std::uint64_t mask, unsigned at);
  void ask_version(std::uint64_t version);
  void take_address(const Rule& rule);
  void take_filter(const Rule& rule);
  void take_ports(const packet::FlowFilter::End& end, Ports& ports);
  void is_not_sufficient() { kind_ &= ~MatchKind::sufficient; }

  Ports remote_ports_;
  Ports ue_ports_;
  std::uint32_t remote_v4_ = 0;
  std::uint32_t remote_v4_mask_ = 0;
  std::uint64_t kind_ = 0;
  std::uint64_t kind_mask_ = 0;
  std::uint64_t ue_high_ = 0;
  std::uint64_t ue_high_mask_ = 0;
  std::uint64_t ue_low_ = 0;
  std::uint64_t ue_low_mask_ = 0;
};
static_assert(sizeof(MatchLine) == 64);

}  // namespace lobo::dataplane
