#include "toolbox/packet_marker.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/bytes.hpp"
#include "dataplane/importance.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/stream_key.hpp"
#include "wire/capture/capture.hpp"
#include "wire/packet/parse.hpp"
#include "wire/rtp/packet.hpp"

namespace lobo::app {

using Treatment = dataplane::PayloadRule::Treatment;
using Kind = MarkWish::Kind;

PacketMarker::PacketMarker(MarkWriter writer, const MarkSettings& settings)
    : writer_(std::move(writer)),
      rules_(settings.rules),
      ports_(settings.ports),
      stripper_(settings.old_marks),
      clean_(frame_room) {}

MarkWish PacketMarker::look(const capture::Packet& packet) {
  take_apart(packet, layers_);
  const bool wanted =
      layers_.whole_udp() &&
      (ports_.empty() ||
       std::ranges::find(ports_, layers_.inner.flow.destination_port) != ports_.end());
  MarkWish wish;
  if (wanted) look_at_rtp(wish, layers_.inner);
  return wish;
}

void PacketMarker::look_at_rtp(MarkWish& wish, const packet::PacketView& view) {
  wish.rtp = rtp::parse_rtp(view.user_data());
  if (!wish.rtp.ok() || wish.rtp.payload().empty()) return;
  wish.kind = Kind::no_rule;
  wish.stream = {view.flow, wish.rtp.ssrc};
  wish.rule = dataplane::rule_for(wish.rtp.payload_type, rules_);
  if (wish.rule.treatment == Treatment::unmarked) return;
  wish.kind = Kind::no_place;
  // What it will be long is asked of the packet without the marks that it has.
  const std::size_t cleaned = stripper_.strip(clean_, view);
  auto clean = view;
  if (cleaned != 0) {
    clean = packet::parse_ip(Bytes(clean_).first(cleaned), view.ip_at);
    if (!clean.whole_udp()) return;
  }
  wish.bytes = writer_.marked_ip_bytes(clean);
  if (wish.bytes != 0) wish.kind = Kind::marked;
}

std::size_t PacketMarker::write(MutableBytes out, const capture::Packet& packet,
                                const PduSetMark& mark) {
  take_apart(packet, layers_);
  return editor_.edit(out, layers_, [&](MutableBytes to, const packet::PacketView& inner) {
    const std::size_t cleaned = stripper_.strip(clean_, inner);
    if (cleaned == 0) return writer_.put(to, inner, mark);
    // The link in front of the packet and its padding are as they were.
    auto clean = packet::parse_ip(Bytes(clean_).first(cleaned), inner.ip_at);
    return clean.whole_udp() ? writer_.put(to, clean, mark) : 0;
  });
}

}  // namespace lobo::app
