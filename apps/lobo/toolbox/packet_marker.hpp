#pragma once
// One packet at a time: whether it is to be marked, as what and how long it then is, and the packet
// with the mark in it. Which numbers are in the mark and when they are known is a stream's matter:
// mark_stream.hpp for captures, live/live_marks.hpp for what is on its way.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/importance.hpp"
#include "dataplane/marker.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/stream_key.hpp"
#include "wire/capture/capture.hpp"
#include "wire/packet/parse.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/xrm/context.hpp"

namespace lobo::app {

struct MarkSettings {
  dataplane::MarkerConfig marker;
  /// What to do with each payload type; what has no rule is left.
  std::vector<dataplane::PayloadRule> rules;
  std::vector<std::uint16_t> ports;  ///< destination ports to look at; empty: all
  StripSettings old_marks;           ///< a packet that is marked is marked anew
};

/// What a packet is to a marker.
struct MarkWish {
  enum class Kind : std::uint8_t {
    not_rtp,   ///< or not to a port in question
    no_rule,   ///< RTP of a payload type that is left as it is
    no_place,  ///< it cannot carry the mark: its header extension is damaged or another's
    marked,
  };
  Kind kind = Kind::not_rtp;
  StreamKey stream;             ///< of RTP
  dataplane::PayloadRule rule;  ///< with `marked`, as the rest
  rtp::RtpView rtp;             ///< views the packet that was looked at
  std::uint32_t bytes = 0;      ///< of the IP packet with its mark
};

class PacketMarker {
 public:
  PacketMarker(MarkWriter writer, const MarkSettings& settings);

  MarkWish look(const capture::Packet& packet);
  /// Writes the packet with the mark in it, in place of one that it had. Its length; 0 if that
  /// cannot be. `out` holds frame_room bytes.
  std::size_t write(MutableBytes out, const capture::Packet& packet, const PduSetMark& mark);

  const MarkWriter& writer() const { return writer_; }
  void stop_sealing() { writer_.stop_sealing(); }
  Result<void> rekey(const xrm::ContextSettings* key) { return writer_.rekey(key); }

 private:
  void look_at_rtp(MarkWish& wish, const packet::PacketView& view);

  MarkWriter writer_;
  std::vector<dataplane::PayloadRule> rules_;
  std::vector<std::uint16_t> ports_;
  MarkStripper stripper_;
  Layers layers_;
  InnerEditor editor_;
  std::vector<std::byte> clean_;
};

}  // namespace lobo::app
