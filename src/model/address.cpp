#include "model/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/require.hpp"
#include "base/text.hpp"

namespace lobo::model {
namespace {

constexpr std::size_t groups_max = 8;  // of an IPv6 address

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

/// One to `digits_max` hexadecimal digits, all of `text`.
std::optional<unsigned> parse_hex(std::string_view text, std::size_t digits_max) {
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    const auto digit = hex_digit(c);
    if (!digit) return std::nullopt;
    value = value << 4U | *digit;
  }
  return value;
}

/// Takes one to three decimal digits from the front of `text`: 0 to 255 without a leading zero,
/// which some readers take for octal.
std::optional<std::uint8_t> take_decimal_octet(std::string_view& text) {
  unsigned value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    value = value * 10 + static_cast<unsigned>(text[digits] - '0');
    if (value > 255) return std::nullopt;
  }
  if (digits == 0 || (digits > 1 && text.front() == '0')) return std::nullopt;
  text.remove_prefix(digits);
  return static_cast<std::uint8_t>(value);
}

struct Groups {
  std::array<unsigned, groups_max> value{};
  std::size_t count = 0;
};

/// Groups with ":" between; none at all for an empty text.
std::optional<Groups> parse_groups(std::string_view text) {
  Groups groups;
  if (text.empty()) return groups;
  for (const auto part : split(text, ':')) {
    const auto value = parse_hex(part, 4);
    if (!value || groups.count == groups_max) return std::nullopt;
    groups.value[groups.count++] = *value;
  }
  return groups;
}

Ipv6Address from_groups(const std::array<unsigned, groups_max>& groups) {
  Ipv6Address address;
  for (std::size_t i = 0; i < groups_max; ++i) {
    address.octets[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8U);
    address.octets[2 * i + 1] = static_cast<std::uint8_t>(groups[i] & 255U);
  }
  return address;
}

void clear_behind(std::span<std::uint8_t> octets, unsigned length) {
  for (unsigned i = 0; i < octets.size(); ++i) {
    const unsigned kept = length > i * 8 ? std::min(8U, length - i * 8) : 0U;
    octets[i] = static_cast<std::uint8_t>(octets[i] & (0xFF00U >> kept));
  }
}

}  // namespace

std::optional<Ipv4Address> Ipv4Address::parse(std::string_view text) {
  constexpr std::size_t text_max = 15;
  if (text.size() > text_max) return std::nullopt;
  Ipv4Address address;
  for (std::size_t i = 0; i < address.octets.size(); ++i) {
    if (i > 0) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
    const auto octet = take_decimal_octet(text);
    if (!octet) return std::nullopt;
    address.octets[i] = *octet;
  }
  return text.empty() ? std::optional(address) : std::nullopt;
}

std::string Ipv4Address::text() const {
  return fmt::format("{}.{}.{}.{}", octets[0], octets[1], octets[2], octets[3]);
}

std::optional<Ipv6Address> Ipv6Address::parse(std::string_view text) {
  constexpr std::size_t text_max = 39;
  if (text.size() > text_max) return std::nullopt;
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto groups = parse_groups(text);
    if (!groups || groups->count != groups_max) return std::nullopt;
    return from_groups(groups->value);
  }
  const auto before = parse_groups(text.substr(0, gap));
  const auto after = parse_groups(text.substr(gap + 2));
  // "::" stands for one group at least (RFC 5952 clause 4.2.2 forbids writing it for one; we read
  // it).
  if (!before || !after || before->count + after->count >= groups_max) return std::nullopt;
  std::array<unsigned, groups_max> groups{};
  std::copy_n(before->value.begin(), before->count, groups.begin());
  std::copy_n(after->value.begin(), after->count,
              groups.end() - static_cast<std::ptrdiff_t>(after->count));
  return from_groups(groups);
}

// RFC 5952 clause 4: lower case, no leading zeros, "::" for the first longest run of two zero
// groups or more.
std::string Ipv6Address::text() const {
  std::array<unsigned, groups_max> groups{};
  for (std::size_t i = 0; i < groups_max; ++i)
    groups[i] = static_cast<unsigned>(octets[2 * i]) << 8U | octets[2 * i + 1];
  std::size_t run_start = groups_max;
  std::size_t run_length = 1;
  for (std::size_t i = 0; i < groups_max;) {
    std::size_t end = i;
    while (end < groups_max && groups[end] == 0) ++end;
    if (end - i > run_length) {
      run_start = i;
      run_length = end - i;
    }
    i = std::max(end, i + 1);
  }
  std::string text;
  for (std::size_t i = 0; i < groups_max;) {
    if (i == run_start) {
      text += "::";
      i += run_length;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    text += fmt::format("{:x}", groups[i++]);
  }
  return text;
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  if (const auto v4 = Ipv4Address::parse(text)) return *v4;
  if (const auto v6 = Ipv6Address::parse(text)) return *v6;
  return std::nullopt;
}

std::string to_text(const IpAddress& address) {
  return std::visit([](const auto& held) { return held.text(); }, address);
}

IpAddress network_of(const IpAddress& address, unsigned length) {
  require(length <= address_bits(address));
  return std::visit(
      [&](auto held) -> IpAddress {
        clear_behind(held.octets, length);
        return held;
      },
      address);
}

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
  MacAddress address;
  if (text.size() != 17) return std::nullopt;
  for (std::size_t i = 0; i < address.octets.size(); ++i) {
    const auto octet = parse_hex(text.substr(3 * i, 2), 2);
    if (!octet || (i > 0 && text[3 * i - 1] != '-')) return std::nullopt;
    address.octets[i] = static_cast<std::uint8_t>(*octet);
  }
  return address;
}

std::string MacAddress::text() const { return fmt::format("{:02X}", fmt::join(octets, "-")); }

}  // namespace lobo::model
