#include "energy/steering/token.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/secret.hpp"
#include "base/text.hpp"
#include "energy/steering/plan_file.hpp"

namespace lobo::energy::steering {
namespace {

// 2.KEY.GROUP.SESSION.EXPIRES.SENT.DEMOTED.MAC: the hash in 16 hexadecimal digits, seconds in 10, a
// location in 8, of each demotion 8 and 10 of them ('-' where there is none), the MAC in base64url
// over all before it. Version 1 did not say where the session was sent.
constexpr std::size_t parts = 8;
constexpr std::size_t hash_digits = 16, location_digits = 8, time_digits = 10;
constexpr std::size_t demotion_digits = location_digits + time_digits;
constexpr std::size_t key_bytes_max = 16;

void write_hex(std::string& out, std::uint64_t value, std::size_t digits) {
  static constexpr std::string_view letters = "0123456789abcdef";
  for (std::size_t i = digits; i-- > 0;) out += letters[(value >> (4 * i)) & 15U];
}

std::optional<std::uint64_t> read_hex(std::string_view text, std::size_t digits) {
  if (text.size() != digits || std::ranges::any_of(text, [](char c) {
        return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
      }))
    return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void write_base64url(std::string& out, const Tag& tag) {
  static constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const unsigned char octet : tag) {
    held = held << 8U | octet;
    for (bits += 8; bits >= 6; bits -= 6) out += letters[(held >> (bits - 6)) & 63U];
    held &= 0xFFU;
  }
  if (bits > 0) out += letters[(held << (6 - bits)) & 63U];
}

std::optional<std::vector<Demotion>> read_demotions(std::string_view text) {
  std::vector<Demotion> read;
  if (text == "-") return read;
  if (text.empty() || text.size() % demotion_digits != 0 ||
      text.size() > demotion_digits * demotions_max)
    return std::nullopt;
  for (; !text.empty(); text.remove_prefix(demotion_digits)) {
    const auto location = read_hex(text.substr(0, location_digits), location_digits);
    const auto until = read_hex(text.substr(location_digits, time_digits), time_digits);
    if (!location || !until) return std::nullopt;
    read.push_back({static_cast<std::uint32_t>(*location), static_cast<std::int64_t>(*until)});
  }
  return read;
}

}  // namespace

std::string write_token(const Token& token, const TokenMac& mac) {
  const auto seconds = [](std::int64_t value) {
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(value, 0, token_seconds_max));
  };
  const auto key = mac.signing_key();
  std::string out = "2.";
  ((out += key) += '.') += token.group;
  out += '.';
  write_hex(out, token.session, hash_digits);
  out += '.';
  write_hex(out, seconds(token.expires_s), time_digits);
  out += '.';
  write_hex(out, token.sent_to, location_digits);
  out += '.';
  const std::size_t count = std::min(token.demoted.size(), demotions_max);
  for (const auto& demotion : std::span(token.demoted).first(count)) {
    write_hex(out, demotion.location, location_digits);
    write_hex(out, seconds(demotion.until_s), time_digits);
  }
  if (count == 0) out += '-';
  const auto tag = mac.tag(key, out);
  out += '.';
  if (tag) write_base64url(out, *tag);
  return out;
}

std::optional<Token> read_token(std::string_view text, const TokenMac& mac) {
  if (text.size() > token_bytes_max) return std::nullopt;
  const auto words = split(text, '.');
  const bool first = words[0] == "1";
  if (!first && words[0] != "2") return std::nullopt;
  if (words.size() != (first ? parts - 1 : parts)) return std::nullopt;
  if (words[1].empty() || words[1].size() > key_bytes_max || !is_group_id(words[2]))
    return std::nullopt;
  const auto session = read_hex(words[3], hash_digits);
  const auto expires = read_hex(words[4], time_digits);
  const auto sent = first ? std::optional<std::uint64_t>(0) : read_hex(words[5], location_digits);
  auto demoted = read_demotions(words[words.size() - 2]);
  if (!session || !expires || !sent || !demoted) return std::nullopt;
  const auto tag = mac.tag(words[1], text.substr(0, text.size() - words.back().size() - 1));
  if (!tag) return std::nullopt;
  std::string wanted;
  write_base64url(wanted, *tag);
  if (!equal_in_constant_time(wanted, words.back())) return std::nullopt;
  return Token{.group = std::string(words[2]),
               .session = *session,
               .expires_s = static_cast<std::int64_t>(*expires),
               .sent_to = static_cast<std::uint32_t>(*sent),
               .demoted = std::move(*demoted)};
}

}  // namespace lobo::energy::steering
