#pragma once
// `lobo pcap fuzz`: packets whose marks are wrong in one way each, and what a reader has to say of
// them. The verdicts are written down beside the bytes; nothing here asks our own reader.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "toolbox/reason.hpp"

namespace lobo::app {

struct BadPacket {
  std::string name;
  Reason verdict = Reason::unmarked;
  std::vector<std::byte> frame;  ///< Ethernet
};

/// A PDU Set whose packets are well one by one, and which is wrong as a whole.
struct BadSet {
  std::string name;
  Reason verdict = Reason::marked;  ///< of the set `pssn` of the flow
  std::uint16_t source_port = 0;
  std::uint16_t pssn = 0;
  std::vector<BadPacket> packets;
};

std::vector<BadPacket> bad_packets();
std::vector<BadSet> bad_sets();

}  // namespace lobo::app
