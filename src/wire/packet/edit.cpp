#include "wire/packet/edit.hpp"

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "wire/packet/checksum.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::packet {
namespace {

std::uint16_t sum_of(std::uint64_t word) {
  std::uint16_t sum = 0;
  for (unsigned shift = 0; shift < 64; shift += 16)
    sum = ones_add(sum, static_cast<std::uint16_t>(word >> shift));
  return sum;
}

// Addresses, protocol and length (RFC 768; RFC 8200 clause 8.1). The words of an IPv4 address count
// the same wherever they stand.
std::uint16_t pseudo_header_sum(const FlowKey& flow, std::size_t udp_bytes) {
  std::uint16_t sum = ones_add(sum_of(flow.source_high), sum_of(flow.source_low));
  sum = ones_add(sum, ones_add(sum_of(flow.destination_high), sum_of(flow.destination_low)));
  return ones_add(sum, ones_add(protocol_udp, sum_of(udp_bytes)));
}

}  // namespace

std::size_t transport_bytes_max(const PacketView& view) noexcept {
  if (!view.has_ip()) return 0;
  const std::size_t before = view.transport_at - detail::length_origin(view);
  return before > detail::length_field_max ? 0 : detail::length_field_max - before;
}

bool ip_header_checksum_ok(const PacketView& view) noexcept {
  if (view.flow.ip_version != 4) return view.flow.ip_version == 6;
  return ones_sum(view.frame.subspan(view.ip_at, view.transport_at - view.ip_at)) == 0xFFFF;
}

UdpChecksum verify_udp_checksum(const PacketView& view) noexcept {
  if (!view.whole_udp()) return UdpChecksum::unknown;
  if (view.udp_checksum == 0) return UdpChecksum::absent;
  const Bytes udp = view.frame.subspan(view.transport_at, view.user_end - view.transport_at);
  const std::uint16_t sum = ones_add(pseudo_header_sum(view.flow, udp.size()), ones_sum(udp));
  return sum == 0xFFFF ? UdpChecksum::good : UdpChecksum::bad;
}

std::uint16_t udp_checksum(const FlowKey& flow, Bytes udp) noexcept {
  std::uint16_t sum = ones_add(pseudo_header_sum(flow, udp.size()), ones_sum(udp));
  const std::uint16_t present = be16_at(udp, 6);
  sum = ones_add(sum, static_cast<std::uint16_t>(~present));  // takes it away again
  const auto checksum = static_cast<std::uint16_t>(~sum);
  return checksum == 0 ? 0xFFFF : checksum;
}

}  // namespace lobo::packet
