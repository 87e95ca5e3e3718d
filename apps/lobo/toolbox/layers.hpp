#pragma once
// A captured packet taken apart: link, IP, UDP, and where that is GTP-U, the user's packet inside.

#include "toolbox/reason.hpp"
#include "wire/capture/capture.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::app {

struct Layers {
  packet::PacketView outer;  ///< as captured
  packet::PacketView inner;  ///< the user's packet, which is `outer` where there is no tunnel
  gtpu::GtpuView tunnel;     ///< valid with `tunnelled`
  bool tunnelled = false;
  /// unmarked: a whole UDP datagram, whatever it carries. Else why not.
  Reason reason = Reason::unmarked;

  bool whole_udp() const { return reason == Reason::unmarked; }
};

/// Fills `layers`, which is reused from packet to packet: clearing it would cost more than filling.
void take_apart(const capture::Packet& packet, Layers& layers);

}  // namespace lobo::app
