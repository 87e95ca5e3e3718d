#include "wire/http/ip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "model/address.hpp"

namespace lobo::http {
namespace {

std::optional<std::uint16_t> group(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    unsigned digit = 0;
    if (c >= '0' && c <= '9')
      digit = static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<unsigned>(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<unsigned>(c - 'A') + 10;
    else
      return std::nullopt;
    value = value << 4U | digit;
  }
  return static_cast<std::uint16_t>(value);
}

/// Groups of one side of "::"; the last part may be a dotted quad where `last` is set.
std::optional<std::vector<std::uint16_t>> groups(std::string_view text, bool last) {
  std::vector<std::uint16_t> out;
  if (text.empty()) return out;
  const auto parts = split(text, ':');
  if (parts.size() > 8) return std::nullopt;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (last && i + 1 == parts.size() && parts[i].find('.') != std::string_view::npos) {
      const auto v4 = IpAddress::parse_v4(parts[i]);
      if (!v4) return std::nullopt;
      const auto& o = v4->octets();
      out.push_back(static_cast<std::uint16_t>(o[12] << 8U | o[13]));
      out.push_back(static_cast<std::uint16_t>(o[14] << 8U | o[15]));
      continue;
    }
    const auto value = group(parts[i]);
    if (!value) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  return text.find(':') == std::string_view::npos ? parse_v4(text) : parse_v6(text);
}

std::optional<IpAddress> IpAddress::parse_v4(std::string_view text) {
  const auto read = model::Ipv4Address::parse(text);
  if (!read) return std::nullopt;
  IpAddress address;
  address.octets_[10] = address.octets_[11] = 0xFF;
  std::ranges::copy(read->octets, address.octets_.begin() + 12);
  return address;
}

std::optional<IpAddress> IpAddress::parse_v6(std::string_view text) {
  if (text.size() > 45) return std::nullopt;
  const auto gap = text.find("::");
  std::vector<std::uint16_t> all;
  if (gap == std::string_view::npos) {
    const auto whole = groups(text, true);
    if (!whole || whole->size() != 8) return std::nullopt;
    all = *whole;
  } else {
    const auto head = groups(text.substr(0, gap), false);
    const auto tail = groups(text.substr(gap + 2), true);
    if (!head || !tail || head->size() + tail->size() > 7) return std::nullopt;
    all = *head;
    all.resize(8 - tail->size(), 0);
    all.insert(all.end(), tail->begin(), tail->end());
  }
  IpAddress address;
  for (std::size_t i = 0; i < 8; ++i) {
    address.octets_[2 * i] = static_cast<std::uint8_t>(all[i] >> 8U);
    address.octets_[2 * i + 1] = static_cast<std::uint8_t>(all[i] & 0xFFU);
  }
  return address;
}

bool IpAddress::is_v4() const {
  return octets_[10] == 0xFF && octets_[11] == 0xFF &&
         std::all_of(octets_.begin(), octets_.begin() + 10, [](std::uint8_t o) { return o == 0; });
}

bool IpAddress::shares_prefix(const IpAddress& other, unsigned bits) const {
  for (std::size_t i = 0; i < 16 && bits > 0; ++i) {
    const unsigned here = std::min(bits, 8U);
    const auto mask = static_cast<std::uint8_t>(0xFFU << (8U - here));
    if ((octets_[i] & mask) != (other.octets_[i] & mask)) return false;
    bits -= here;
  }
  return true;
}

std::string IpAddress::to_string() const {
  if (is_v4())
    return fmt::format("{}.{}.{}.{}", octets_[12], octets_[13], octets_[14], octets_[15]);
  std::array<unsigned, 8> parts{};
  for (std::size_t i = 0; i < 8; ++i)
    parts[i] = static_cast<unsigned>(octets_[2 * i]) << 8U | octets_[2 * i + 1];
  // RFC 5952: the longest run of two or more zero groups, the first of equals, becomes "::".
  std::size_t best = 8, best_length = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t length = 0;
    while (i + length < 8 && parts[i + length] == 0) ++length;
    if (length > best_length) best = i, best_length = length;
  }
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == best) {
      out += "::";
      i += best_length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    out += fmt::format("{:x}", parts[i]);
  }
  return out;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  if (slash == std::string_view::npos) return Cidr{*base, 128};
  const auto bits = parse_decimal(text.substr(slash + 1));
  const bool v4 = text.find(':') == std::string_view::npos;
  if (!bits || *bits > (v4 ? 32U : 128U)) return std::nullopt;
  return Cidr{*base, static_cast<unsigned>(*bits) + (v4 ? 96U : 0U)};
}

}  // namespace lobo::http
