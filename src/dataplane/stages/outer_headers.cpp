#include "dataplane/stages/outer_headers.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/checksum.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::dataplane {
namespace {

constexpr std::uint8_t hop_limit = 64;

constexpr std::size_t ip_at = packet::ethernet_header_bytes;
constexpr std::size_t udp_at_v6 = ip_at + packet::ipv6_header_bytes;

/// Identification 0 is right where nothing is fragmented (RFC 6864 clause 4.1).
void write_ipv4(ByteWriter& out, const HopAddress& from, const HopAddress& to) {
  constexpr std::uint16_t version_and_length = 0x4500;
  constexpr std::uint16_t dont_fragment = 0x4000;
  constexpr std::uint16_t hops_and_protocol = hop_limit << 8U | packet::protocol_udp;
  out.be16(version_and_length);
  out.zeros(4);
  out.be16(dont_fragment);
  out.be16(hops_and_protocol);
  out.zeros(2);
  out.be32(static_cast<std::uint32_t>(from.low));
  out.be32(static_cast<std::uint32_t>(to.low));
}

void write_ipv6(ByteWriter& out, const HopAddress& from, const HopAddress& to) {
  out.be64(std::uint64_t{6} << 60U | std::uint64_t{packet::protocol_udp} << 8U | hop_limit);
  out.be64(from.high);
  out.be64(from.low);
  out.be64(to.high);
  out.be64(to.low);
}

packet::FlowKey flow_between(const HopAddress& from, const HopAddress& to) {
  return {.source_high = from.high,
          .source_low = from.low,
          .destination_high = to.high,
          .destination_low = to.low,
          .source_port = gtpu::udp_port,
          .destination_port = gtpu::udp_port,
          .protocol = packet::protocol_udp,
          .ip_version = to.version};
}

}  // namespace

void write_link(MutableBytes frame, std::uint64_t to_mac, std::uint64_t from_mac,
                std::uint8_t ip_version) noexcept {
  put_be64_at(frame, 0, to_mac << 16U | from_mac >> 32U);
  put_be32_at(frame, 8, static_cast<std::uint32_t>(from_mac));
  put_be16_at(frame, 12, ip_version == 6 ? packet::ether_type_ipv6 : packet::ether_type_ipv4);
}

void address_link(MutableBytes frame, std::uint64_t to_mac) noexcept {
  put_be32_at(frame, 0, static_cast<std::uint32_t>(to_mac >> 16U));
  put_be16_at(frame, 4, static_cast<std::uint16_t>(to_mac));
}

OuterHeaders::OuterHeaders(const Way& way) noexcept : way_(way) {
  write_link(octets_, way.to_mac, way.from_mac, way.to.version);
  ByteWriter out(MutableBytes(octets_).subspan(ip_at));
  if (way.to.version == 6) {
    write_ipv6(out, way.from, way.to);
  } else {
    write_ipv4(out, way.from, way.to);
    sum_ = packet::ones_sum(out.written());
  }
  out.be16(gtpu::udp_port);
  out.be16(gtpu::udp_port);
}

bool OuterHeaders::write_v6(MutableBytes frame, std::uint8_t traffic_class) const noexcept {
  const std::size_t length = frame.size() - udp_at_v6;
  if (length > length_max) return false;
  std::memcpy(frame.data(), octets_.data(), outer_bytes_v6);
  put_be16_at(frame, ip_at, static_cast<std::uint16_t>(6U << 12U | unsigned{traffic_class} << 4U));
  put_be16_at(frame, ip_at + 4, static_cast<std::uint16_t>(length));
  const MutableBytes udp = frame.subspan(udp_at_v6);
  put_be16_at(udp, 4, static_cast<std::uint16_t>(length));
  if (way_.with_udp_checksum)
    put_be16_at(udp, 6, packet::udp_checksum(flow_between(way_.from, way_.to), udp));
  return true;
}

}  // namespace lobo::dataplane
