#include "wire/packet/build.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "model/address.hpp"
#include "wire/packet/checksum.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::packet {
namespace {

void write_mac(ByteWriter& out, const model::MacAddress& address) {
  for (const std::uint8_t octet : address.octets) out.u8(octet);
}

bool write_ipv4(ByteWriter& out, const FlowKey& flow, const IpFields& fields,
                std::size_t payload_bytes) {
  const std::size_t header_bytes = ipv4_header_bytes_min + fields.ipv4_options.size();
  if (fields.ipv4_options.size() % 4 != 0 || header_bytes > 60) return false;
  if (payload_bytes > 0xFFFF - header_bytes || out.left() < header_bytes) return false;
  const std::size_t at = out.position();
  out.u8(static_cast<std::uint8_t>(0x40U | header_bytes / 4));
  out.u8(fields.traffic_class);
  out.be16(static_cast<std::uint16_t>(header_bytes + payload_bytes));
  out.be16(fields.identification);
  out.be16(fields.dont_fragment ? 0x4000 : 0);
  out.u8(fields.hop_limit);
  out.u8(flow.protocol);
  out.be16(0);
  out.be32(static_cast<std::uint32_t>(flow.source_low));
  out.be32(static_cast<std::uint32_t>(flow.destination_low));
  out.bytes(fields.ipv4_options);
  const MutableBytes header = out.written().subspan(at);
  put_be16_at(header, 10, internet_checksum(header));
  return true;
}

bool write_ipv6(ByteWriter& out, const FlowKey& flow, const IpFields& fields,
                std::size_t payload_bytes) {
  if (payload_bytes > 0xFFFF || out.left() < ipv6_header_bytes) return false;
  out.be32(0x60000000U | std::uint32_t{fields.traffic_class} << 20U |
           (fields.flow_label & 0xFFFFFU));
  out.be16(static_cast<std::uint16_t>(payload_bytes));
  out.u8(flow.protocol);
  out.u8(fields.hop_limit);
  out.be64(flow.source_high);
  out.be64(flow.source_low);
  out.be64(flow.destination_high);
  out.be64(flow.destination_low);
  return true;
}

bool write_udp_packet(ByteWriter& out, const FlowKey& flow, const IpFields& fields, Bytes user_data,
                      bool with_checksum) {
  return write_ip(out, flow, fields, udp_header_bytes + user_data.size()) &&
         write_udp(out, flow, user_data, with_checksum);
}

}  // namespace

void write_ethernet(ByteWriter& out, const EthernetFields& fields, unsigned ip_version) {
  write_mac(out, fields.destination);
  write_mac(out, fields.source);
  for (const VlanTag& tag : fields.vlans) {
    out.be16(tag.ether_type);
    out.be16(tag.control);
  }
  out.be16(ip_version == 6 ? ether_type_ipv6 : ether_type_ipv4);
}

bool write_ip(ByteWriter& out, const FlowKey& flow, const IpFields& fields,
              std::size_t payload_bytes) {
  return flow.ip_version == 6 ? write_ipv6(out, flow, fields, payload_bytes)
                              : write_ipv4(out, flow, fields, payload_bytes);
}

bool write_udp(ByteWriter& out, const FlowKey& flow, Bytes user_data, bool with_checksum) {
  const std::size_t length = udp_header_bytes + user_data.size();
  if (length > 0xFFFF || out.left() < length) return false;
  const std::size_t at = out.position();
  out.be16(flow.source_port);
  out.be16(flow.destination_port);
  out.be16(static_cast<std::uint16_t>(length));
  out.be16(0);
  out.bytes(user_data);
  const MutableBytes udp = out.written().subspan(at);
  if (with_checksum) put_be16_at(udp, 6, udp_checksum(flow, udp));
  return true;
}

std::optional<std::size_t> build_udp_packet(MutableBytes out, const FlowKey& flow,
                                            const IpFields& fields, Bytes user_data,
                                            bool with_checksum) {
  ByteWriter writer(out);
  if (!write_udp_packet(writer, flow, fields, user_data, with_checksum)) return std::nullopt;
  return writer.position();
}

std::optional<std::size_t> build_udp_frame(MutableBytes out, const EthernetFields& link,
                                           const FlowKey& flow, const IpFields& fields,
                                           Bytes user_data, bool with_checksum) {
  ByteWriter writer(out);
  write_ethernet(writer, link, flow.ip_version);
  if (!writer.ok() || !write_udp_packet(writer, flow, fields, user_data, with_checksum))
    return std::nullopt;
  return writer.position();
}

}  // namespace lobo::packet
