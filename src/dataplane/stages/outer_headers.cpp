#include "dataplane/stages/outer_headers.hpp"

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "model/address.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::dataplane {
namespace {

constexpr std::uint8_t hop_limit = 64;
constexpr std::size_t length_max = 0xFFFF;

void write_ipv4(ByteWriter& out, const OuterHeader& header, std::size_t payload_bytes) {
  const auto length = static_cast<std::uint16_t>(packet::ipv4_header_bytes_min + payload_bytes);
  const auto from = static_cast<std::uint32_t>(header.from.low);
  const auto to = static_cast<std::uint32_t>(header.to.low);
  const auto first = static_cast<std::uint16_t>(0x4500U | header.traffic_class);
  constexpr std::uint16_t dont_fragment = 0x4000;
  constexpr std::uint16_t hops_and_protocol = hop_limit << 8U | packet::protocol_udp;
  // Identification 0 is right where nothing is fragmented (RFC 6864 clause 4.1).
  std::uint32_t sum = std::uint32_t{first} + length + dont_fragment + hops_and_protocol;
  sum += (from >> 16U) + (from & 0xFFFFU) + (to >> 16U) + (to & 0xFFFFU);
  sum = (sum >> 16U) + (sum & 0xFFFFU);
  sum = (sum >> 16U) + (sum & 0xFFFFU);
  out.be64(std::uint64_t{first} << 48U | std::uint64_t{length} << 32U | dont_fragment);
  out.be64(std::uint64_t{hops_and_protocol} << 48U | std::uint64_t{~sum & 0xFFFFU} << 32U | from);
  out.be32(to);
}

void write_ipv6(ByteWriter& out, const OuterHeader& header, std::size_t payload_bytes) {
  out.be64(std::uint64_t{6} << 60U | std::uint64_t{header.traffic_class} << 52U |
           static_cast<std::uint64_t>(payload_bytes) << 16U |
           std::uint64_t{packet::protocol_udp} << 8U | hop_limit);
  out.be64(header.from.high);
  out.be64(header.from.low);
  out.be64(header.to.high);
  out.be64(header.to.low);
}

packet::FlowKey flow_of(const OuterHeader& header) {
  return {.source_high = header.from.high,
          .source_low = header.from.low,
          .destination_high = header.to.high,
          .destination_low = header.to.low,
          .source_port = gtpu::udp_port,
          .destination_port = gtpu::udp_port,
          .protocol = packet::protocol_udp,
          .ip_version = header.to.version};
}

}  // namespace

void write_link(MutableBytes frame, const model::MacAddress& to, const Side& from,
                std::uint8_t ip_version) noexcept {
  std::uint64_t destination = 0;
  for (const std::uint8_t octet : to.octets) destination = destination << 8U | octet;
  const std::uint64_t source = from.mac_number();
  const std::uint16_t type = ip_version == 6 ? packet::ether_type_ipv6 : packet::ether_type_ipv4;
  ByteWriter out(frame);
  out.be64(destination << 16U | source >> 32U);
  out.be32(static_cast<std::uint32_t>(source));
  out.be16(type);
}

bool write_outer(MutableBytes frame, const OuterHeader& header) noexcept {
  const bool v6 = header.to.version == 6;
  const std::size_t ip_bytes = v6 ? packet::ipv6_header_bytes : packet::ipv4_header_bytes_min;
  const std::size_t udp_at = packet::ethernet_header_bytes + ip_bytes;
  const std::size_t udp_length = frame.size() - udp_at;
  if (udp_length + (v6 ? 0 : ip_bytes) > length_max) return false;
  ByteWriter out(frame.subspan(packet::ethernet_header_bytes));
  if (v6) {
    write_ipv6(out, header, udp_length);
  } else {
    write_ipv4(out, header, udp_length);
  }
  out.be64(std::uint64_t{gtpu::udp_port} << 48U | std::uint64_t{gtpu::udp_port} << 32U |
           static_cast<std::uint64_t>(udp_length) << 16U);
  if (v6 && header.with_udp_checksum) {
    const MutableBytes udp = frame.subspan(udp_at);
    put_be16_at(udp, 6, packet::udp_checksum(flow_of(header), udp));
  }
  return true;
}

}  // namespace lobo::dataplane
