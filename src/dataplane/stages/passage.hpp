#pragma once
// What the stages know of one packet on its way, each adding its part; and what a turn is given.

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/rules/packet_facts.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/set_queue.hpp"
#include "dataplane/set_tracker.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "model/pdu_set.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/pfcp/values.hpp"
#include "wire/xrm/option.hpp"

namespace lobo::dataplane {

/// What holds for one batch.
struct Turn {
  const RuleSet& rules;
  const Neighbours& neighbours;
  Elapsed now{};                          ///< by a clock that never goes back
  std::chrono::nanoseconds since_1970{};  ///< the same moment by the wall clock
  std::uint32_t worker = 0;               ///< which of `workers` takes the turn
  std::uint32_t workers = 1;
  std::uint64_t published = 0;  ///< which RuleSet that is: the next one has a greater number
};

struct PathSettings {
  xrm::OptionKind option_kind;
  /// Takes UDP options with metadata out on their way to the UE: they are not for it, and cost
  /// radio. Only where the rule says that the marking is in them.
  bool strip_options = true;
  /// 0x04, or 0x86 where a gNB is to refuse what it does not know.
  std::uint8_t set_container = gtpu::type_pdu_set_information;
  gtpu::Release release = gtpu::Release::rel19;
  Thresholds thresholds = thresholds_default;
  /// RFC 6935 and 6936 allow tunnels over IPv6 to go without a checksum where both ends agreed;
  /// nothing on N2 agrees on it, so the checksum is right unless somebody says this.
  bool zero_udp_checksum_over_ipv6 = false;
  /// At most one PDU of a monitored flow in this time carries a time stamp.
  Elapsed monitoring_interval = std::chrono::milliseconds{100};
  /// The gNB's clock and ours are one: delays of one direction are measured, else they are half of
  /// the round trip (TS 23.501 clause 5.33.3.2).
  bool clocks_agree = false;
  /// What one count of a delay result of the RAN is worth. The text of the unit was not found.
  std::chrono::microseconds delay_result_unit{1000};
  std::uint32_t error_indications_per_second = 100;
};

/// What became of a PDU with a marking.
enum class SetVerdict : std::uint8_t {
  none,      ///< no marking, or no PDU Set handling asked for
  lone,      ///< a PDU of its own: unmarked, or of a set that is forgotten
  admitted,  ///< it goes with its set
  borrowed,  ///< likewise, with the rate that others left
  refused,
};

enum class Surplus : std::uint8_t { none, ours_alone, ours_among_others };

/// What is the same for every packet that comes in.
struct PassageBegin {
  packet_io::Packet* packet = nullptr;
  const RuleSet::Entry* entry = nullptr;
  const Treatment* treatment = nullptr;
  TrackedSet* set = nullptr;  ///< by track; valid until the next packet is tracked
  Bytes uplink_container;     ///< content of the PDU Session Container
  std::uint32_t octets = 0;   ///< of the user's packet as it came
  std::uint32_t frame_octets = 0;
  std::uint32_t removed = 0;  ///< octets of UDP options
  PathDrop drop = PathDrop::nothing;
  Signal signal = Signal::none;
  bool answered = false;  ///< its frame holds our answer now
  bool marked = false;
  std::uint8_t unmarked = 0;  ///< of RtpUnmarked or xrm::Unmarked, as the rule's source is
  Surplus surplus = Surplus::none;
  SetVerdict verdict = SetVerdict::none;
  bool stamped = false;
  bool handed_on = false;  ///< its session is another worker's
  std::uint8_t handed_to = 0;
  std::optional<SetTracker::Arrival> arrival;
  std::optional<std::uint16_t> rtp_sequence;
};

/// Clearing all of it would be a tenth of what a packet costs: what no stage reads before another
/// one wrote it keeps what the last packet left there.
struct Passage : PassageBegin {
  packet::PacketView view;  ///< by parse; of the user's packet, from classification on
  PacketFacts facts;        ///< by parse, of what goes on
  PduSetMark mark;          ///< by open, where `marked`

  void begin(packet_io::Packet& with) {
    static_cast<PassageBegin&>(*this) = {.packet = &with,
                                         .frame_octets = static_cast<std::uint32_t>(with.size())};
  }
  bool goes_on() const { return drop == PathDrop::nothing && signal == Signal::none && !handed_on; }
  packet::Travel travel() const {
    return facts.from == pfcp::Interface::access ? packet::Travel::from_ue : packet::Travel::to_ue;
  }
};

}  // namespace lobo::dataplane
