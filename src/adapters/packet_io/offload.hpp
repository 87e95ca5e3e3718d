#pragma once
// What a kernel says beside a frame that it hands over before the wire would have finished it: a
// VLAN tag that was taken off, a checksum that a card was to fill in, several packets in one.

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {

struct Beside {
  bool aggregated = false;
  bool tagged = false;  ///< `tag_type` and `tag_control` stood behind the MAC addresses
  std::uint16_t tag_type = 0;
  std::uint16_t tag_control = 0;
  bool checksum_open = false;
  // Where the checksum counts from, and where behind that it stands; both 0 where the kernel does
  // not say, and the headers must.
  std::uint16_t checksum_from = 0;
  std::uint16_t checksum_at = 0;
};

/// What AF_PACKET puts before a frame where PACKET_VNET_HDR asks for it, in the order of the
/// machine (Virtual I/O Device 1.2 clause 5.1.6). Linux's own header of it is no C++.
struct OffloadHeader {
  static constexpr std::uint8_t checksum_open = 1;
  static constexpr std::uint8_t not_aggregated = 0;
  std::uint8_t flags = 0;
  std::uint8_t aggregation = 0;
  std::uint16_t headers_bytes = 0;
  std::uint16_t segment_bytes = 0;
  std::uint16_t checksum_from = 0;
  std::uint16_t checksum_at = 0;

  void tell(Beside& beside) const {
    beside.aggregated = aggregation != not_aggregated;
    beside.checksum_open = (flags & checksum_open) != 0;
    beside.checksum_from = checksum_from;
    beside.checksum_at = checksum_at;
  }
};
static_assert(sizeof(OffloadHeader) == 10);

/// Makes the packet what it would have been on the wire, or says why that cannot be.
std::optional<lobo::packet_io::DropReason> finish(lobo::packet_io::Packet& packet,
                                                  const Beside& beside,
                                                  lobo::packet_io::Counters& counters);

/// Fills in the UDP or TCP checksum of a frame where it was left open; false where headers do not
/// lead there.
bool fill_checksum(MutableBytes frame);

/// Whether the UDP or TCP checksum of the frame is the sum over the pseudo-header alone, which is
/// how Linux leaves it to a card. A packet that looks so by chance, one in 65,536, is not changed
/// by fill_checksum() if its checksum was right.
bool checksum_looks_open(Bytes frame);

}  // namespace lobo::adapters::packet_io
