#pragma once
// Ethernet, IP and UDP in front of a GTP-U message.

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::dataplane {

inline constexpr std::size_t outer_bytes_v4 =
    packet::ethernet_header_bytes + packet::ipv4_header_bytes_min + packet::udp_header_bytes;
inline constexpr std::size_t outer_bytes_v6 =
    packet::ethernet_header_bytes + packet::ipv6_header_bytes + packet::udp_header_bytes;

/// `frame` begins with room for the header.
void write_link(MutableBytes frame, std::uint64_t to_mac, std::uint64_t from_mac,
                std::uint8_t ip_version) noexcept;

/// The headers of all packets to one peer, made once; a packet gets a copy with what differs.
class OuterHeaders {
 public:
  struct Way {
    HopAddress from;
    HopAddress to;
    std::uint64_t from_mac = 0;
    std::uint64_t to_mac = 0;
    /// Over IPv6; over IPv4 there is none (TS 29.281 clause 4.4.2).
    bool with_udp_checksum = false;
  };
  OuterHeaders() = default;
  explicit OuterHeaders(const Way& way) noexcept;

  std::size_t bytes() const { return way_.to.version == 6 ? outer_bytes_v6 : outer_bytes_v4; }
  const HopAddress& peer() const { return way_.to; }

  /// `frame` begins with room for bytes(), and a GTP-U message fills the rest. False, and nothing
  /// written, where a length field cannot tell it.
  bool write(MutableBytes frame, std::uint8_t traffic_class) const noexcept;

 private:
  bool write_v4(MutableBytes frame, std::uint8_t traffic_class) const noexcept;
  bool write_v6(MutableBytes frame, std::uint8_t traffic_class) const noexcept;

  Way way_;
  std::array<std::byte, outer_bytes_v6> octets_{};  ///< lengths, class and checksums 0
  std::uint32_t sum_ = 0;  ///< of the IPv4 header's words as they stand there
};

}  // namespace lobo::dataplane
