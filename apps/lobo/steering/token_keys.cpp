#include "steering/token_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "energy/steering/token.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t name_bytes_max = 16;
constexpr std::string_view name_letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

std::optional<std::string> from_hex(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto lower = lower_ascii(text);
  if (lower.size() % 2 != 0 || lower.find_first_not_of(digits) != std::string::npos)
    return std::nullopt;
  std::string octets;
  for (std::size_t i = 0; i < lower.size(); i += 2)
    octets += static_cast<char>(digits.find(lower[i]) << 4U | digits.find(lower[i + 1]));
  return octets;
}

}  // namespace

Result<std::unique_ptr<TokenKeys>> TokenKeys::parse(std::string_view text) {
  std::unique_ptr<TokenKeys> keys(new TokenKeys);
  std::vector<Fault> faults;
  std::size_t number = 0;
  for (const auto whole : split(text, '\n')) {
    ++number;
    const auto line = trim(whole);
    if (line.empty() || line.starts_with('#')) continue;
    const auto where = fmt::format("line {}", number);
    const auto space = line.find(' ');
    const auto name = line.substr(0, space);
    const auto octets =
        space == std::string_view::npos ? std::nullopt : from_hex(trim(line.substr(space)));
    if (name.empty() || name.size() > name_bytes_max ||
        name.find_first_not_of(name_letters) != std::string_view::npos)
      faults.push_back({Errc::pattern, where, "a name of 1 to 16 letters and digits comes first"});
    else if (!octets || octets->size() < token_key_octets_min ||
             octets->size() > token_key_octets_max)
      faults.push_back({Errc::pattern, where,
                        "64 to 512 hexadecimal digits follow the name (openssl rand -hex 32)"});
    else if (std::ranges::any_of(keys->keys_, [&](const auto& key) { return key.first == name; }))
      faults.push_back({Errc::duplicate, where, fmt::format("{} is there already", name)});
    else if (keys->keys_.size() == token_keys_max)
      faults.push_back({Errc::too_many, where, fmt::format("at most {} keys", token_keys_max)});
    else
      keys->keys_.emplace_back(std::string(name), *octets);
    if (faults.size() == token_keys_max) break;
  }
  if (faults.empty() && keys->keys_.empty())
    faults.push_back({Errc::missing, "line 1", "there is no key"});
  if (!faults.empty()) return fail(Errc::pattern, "the token keys are not valid", faults);
  return keys;
}

std::unique_ptr<TokenKeys> TokenKeys::random(Rng& rng) {
  std::unique_ptr<TokenKeys> keys(new TokenKeys);
  std::string octets;
  while (octets.size() < token_key_octets_min) {
    std::uint64_t bits = rng.next();
    for (unsigned i = 0; i < 8; ++i, bits >>= 8U) octets += static_cast<char>(bits & 0xFFU);
  }
  keys->keys_.emplace_back("own", octets);
  return keys;
}

std::optional<energy::steering::Tag> TokenKeys::tag(std::string_view key,
                                                    std::string_view text) const {
  for (const auto& [name, mac] : keys_)
    if (name == key) return mac.tag(text);
  return std::nullopt;
}

}  // namespace lobo::app
