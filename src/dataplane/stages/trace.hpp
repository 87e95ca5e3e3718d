#pragma once
// What each stage decided for one packet: for `lobo trace packet`.

#include <cstdint>
#include <optional>

#include "dataplane/rules/treatment.hpp"
#include "dataplane/set_tracker.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "model/pdu_set.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/pfcp/values.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::dataplane {

/// The order of the stages; what was not reached is absent.
struct PacketTrace {
  struct Parsed {
    packet::FlowKey flow;
    std::uint32_t octets = 0;
    std::uint32_t teid = 0;           ///< uplink
    std::optional<std::uint8_t> qfi;  ///< uplink, as the RAN said it
  };
  struct Classified {
    std::uint64_t seid = 0;
    pfcp::PdrId pdr;
    std::optional<std::uint8_t> qfi;
    MarkSource source = MarkSource::none;
  };
  struct Opened {
    std::optional<PduSetMark> mark;
    // One of these where there is none.
    std::optional<RtpUnmarked> unmarked_rtp;
    std::optional<xrm::Unmarked> unmarked_option;
  };
  packet::Unread unread = packet::Unread::nothing;
  std::optional<Parsed> parsed;
  Signal signal = Signal::none;
  std::optional<Classified> classified;
  std::optional<Opened> opened;  ///< where the rule has a protocol description
  std::optional<SetTracker::Arrival> arrival;
  SetVerdict verdict = SetVerdict::none;
  std::uint32_t options_removed = 0;
  bool stamped = false;
  PathDrop drop = PathDrop::nothing;
  Treatment::To sent_to = Treatment::To::nowhere;
  bool answered = false;
};

PacketTrace trace_of(const Passage& passage);

}  // namespace lobo::dataplane
