#pragma once
// Addresses as values: what is held is valid, and equal addresses are equal however they were
// spelt.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace lobo::model {

/// Dotted decimals, no leading zeros (RFC 6943 clause 3.1.1 tells what those lead to).
struct Ipv4Address {
  std::array<std::uint8_t, 4> octets{};

  static std::optional<Ipv4Address> parse(std::string_view text);
  std::string text() const;
  auto operator<=>(const Ipv4Address&) const = default;
};

/// RFC 4291 clause 2.2 forms 1 and 2; no zone and no dotted tail. Written as RFC 5952 wants it.
struct Ipv6Address {
  std::array<std::uint8_t, 16> octets{};

  static std::optional<Ipv6Address> parse(std::string_view text);
  std::string text() const;
  auto operator<=>(const Ipv6Address&) const = default;
};

using IpAddress = std::variant<Ipv4Address, Ipv6Address>;

std::optional<IpAddress> parse_ip_address(std::string_view text);
std::string to_text(const IpAddress& address);
constexpr unsigned address_bits(const IpAddress& address) {
  return address.index() == 0 ? 32 : 128;
}
/// `address` with all bits behind the first `length` at zero; `length` is at most address_bits().
IpAddress network_of(const IpAddress& address, unsigned length);

/// MacAddr48 of TS 29.571: six octets in hexadecimal with "-" between, read in either case.
struct MacAddress {
  std::array<std::uint8_t, 6> octets{};

  static std::optional<MacAddress> parse(std::string_view text);
  std::string text() const;  ///< upper case, as in RFC 7042 clause 2.1
  auto operator<=>(const MacAddress&) const = default;
};

}  // namespace lobo::model
