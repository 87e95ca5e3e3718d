// UDP fragments by FRAG: the input is a list of them, each with place, end and length; the packets
// around them are made here. Whatever comes, the datagrams stay within their bounds.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/reassembly.hpp"
#include "wire/udp_options/surplus.hpp"

namespace lobo::udp_options {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Reassembler reassembler({.datagrams = 2, .keep_for = std::chrono::seconds{10}});
  ByteReader in(std::as_bytes(std::span(data, size)));
  Instant now{};
  while (in.left() > 4) {
    const unsigned flags = in.u8();
    const std::uint16_t offset = in.be16();
    const std::uint16_t rdos = in.be16();
    const Bytes bytes = in.bytes(std::min<std::size_t>(flags >> 3U, in.left()));
    const bool last = (flags & 1U) != 0;
    std::array<std::byte, 64> area{};
    ByteWriter out(area);
    out.be16(0);
    out.u8(3);
    out.u8(last ? 12 : 10);
    out.be16(last ? 22 : 20);
    out.be32(flags >> 1U & 3U);
    out.be16(offset);
    if (last) out.be16(rdos);
    out.bytes(bytes);
    const Surplus surplus = read_surplus(out.written(), {.user_data_empty = true});
    require(surplus.accepted());
    packet::PacketView view;
    const Taken taken = reassembler.add(view, surplus, now);
    (void)to_string(taken);
    require(reassembler.in_work() <= 2);
    now += std::chrono::seconds{1};
    if (taken != Taken::complete) continue;
    const Datagram& datagram = reassembler.datagram();
    require(datagram.user_data.size() + datagram.surplus.size() <= reassembled_bytes_max);
    (void)read_surplus(datagram.surplus, {.odd = datagram.odd});
  }
  return 0;
}

}  // namespace lobo::udp_options
