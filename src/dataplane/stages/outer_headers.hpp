#pragma once
// Ethernet, IP and UDP in front of a GTP-U message.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

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
/// Gives a frame that has a link header another receiver.
void address_link(MutableBytes frame, std::uint64_t to_mac) noexcept;

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
  bool write(MutableBytes frame, std::uint8_t traffic_class) const noexcept {
    return way_.to.version == 6 ? write_v6(frame, traffic_class) : write_v4(frame, traffic_class);
  }

 private:
  static constexpr std::size_t length_max = 0xFFFF;

  bool write_v4(MutableBytes frame, std::uint8_t traffic_class) const noexcept {
    constexpr std::size_t ip_at = packet::ethernet_header_bytes;
    constexpr std::size_t udp_at = ip_at + packet::ipv4_header_bytes_min;
    const std::size_t length = frame.size() - ip_at;
    if (length > length_max) return false;
    std::memcpy(frame.data(), octets_.data(), outer_bytes_v4);
    std::uint32_t sum = sum_ + traffic_class + static_cast<std::uint32_t>(length);
    sum = (sum >> 16U) + (sum & 0xFFFFU);
    sum = (sum >> 16U) + (sum & 0xFFFFU);
    frame[ip_at + 1] = std::byte{traffic_class};
    put_be16_at(frame, ip_at + 2, static_cast<std::uint16_t>(length));
    put_be16_at(frame, ip_at + 10, static_cast<std::uint16_t>(~sum));
    put_be16_at(frame, udp_at + 4, static_cast<std::uint16_t>(frame.size() - udp_at));
    return true;
  }
  bool write_v6(MutableBytes frame, std::uint8_t traffic_class) const noexcept;

  Way way_;
  std::array<std::byte, outer_bytes_v6> octets_{};  ///< lengths, class and checksums 0
  std::uint32_t sum_ = 0;  ///< of the IPv4 header's words as they stand there
};

}  // namespace lobo::dataplane
