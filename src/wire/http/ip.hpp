#pragma once
// IP addresses as values: for address checks that must not depend on how an address was written.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lobo::http {

/// An address in 16 octets; IPv4 is kept in its v4-mapped form ::ffff:a.b.c.d, so that both
/// spellings of one address are one value.
class IpAddress {
 public:
  /// Dotted quad (four decimal octets without leading zeros) or RFC 4291 IPv6 text, without
  /// brackets or zone.
  static std::optional<IpAddress> parse(std::string_view text);
  static std::optional<IpAddress> parse_v4(std::string_view text);
  static std::optional<IpAddress> parse_v6(std::string_view text);

  bool is_v4() const;
  const std::array<std::uint8_t, 16>& octets() const { return octets_; }
  /// True where the first `bits` of the 128 agree.
  bool shares_prefix(const IpAddress& other, unsigned bits) const;
  std::string to_string() const;
  bool operator==(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
};

/// "10.0.0.0/8", "fd00::/8", or a bare address.
struct Cidr {
  IpAddress base;
  unsigned bits = 128;  ///< of the 128-bit form
  static std::optional<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const { return address.shares_prefix(base, bits); }
  bool operator==(const Cidr&) const = default;
};

}  // namespace lobo::http
