#pragma once
// Headers for generators and tests: Ethernet with VLAN tags, IPv4, IPv6, UDP. A frame is written
// front to back into the caller's buffer; what does not fit leaves the writer not ok().

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "model/address.hpp"
#include "wire/packet/flow.hpp"

namespace lobo::packet {

struct VlanTag {
  std::uint16_t ether_type = 0x8100;
  std::uint16_t control = 0;  ///< priority, drop eligibility, VLAN identifier
};

struct EthernetFields {
  model::MacAddress destination{{0x02, 0, 0, 0, 0, 2}};  ///< locally administered
  model::MacAddress source{{0x02, 0, 0, 0, 0, 1}};
  std::span<const VlanTag> vlans;
};

/// `ip_version` 4 or 6 chooses the EtherType.
void write_ethernet(ByteWriter& out, const EthernetFields& fields, unsigned ip_version);

struct IpFields {
  std::uint8_t traffic_class = 0;
  std::uint8_t hop_limit = 64;
  std::uint16_t identification = 0;  ///< IPv4
  bool dont_fragment = true;         ///< IPv4
  std::uint32_t flow_label = 0;      ///< IPv6, low 20 bits
  Bytes ipv4_options = {};           ///< a multiple of 4 bytes, 40 at most
};

/// The IP header of version flow.ip_version in front of `payload_bytes` bytes. False, and nothing
/// written, if the length does not fit its field.
bool write_ip(ByteWriter& out, const FlowKey& flow, const IpFields& fields,
              std::size_t payload_bytes);

/// UDP header and user data with the right checksum (or with none, over IPv4).
bool write_udp(ByteWriter& out, const FlowKey& flow, Bytes user_data, bool with_checksum = true);

/// IP, UDP, user data; the number of bytes written, or nothing if they do not fit.
std::optional<std::size_t> build_udp_packet(MutableBytes out, const FlowKey& flow,
                                            const IpFields& fields, Bytes user_data,
                                            bool with_checksum = true);

/// The same in an Ethernet frame.
std::optional<std::size_t> build_udp_frame(MutableBytes out, const EthernetFields& link,
                                           const FlowKey& flow, const IpFields& fields,
                                           Bytes user_data, bool with_checksum = true);

}  // namespace lobo::packet
