#include "model/bit_rate.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/quantity.hpp"

namespace lobo::model {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t bits;
};
constexpr std::array<Unit, 5> units{{{"Tbps", 1'000'000'000'000},
                                     {"Gbps", 1'000'000'000},
                                     {"Mbps", 1'000'000},
                                     {"Kbps", 1'000},
                                     {"bps", 1}}};

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return &unit;
  return nullptr;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::optional<BitsPerSecond> parse_bit_rate(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const Unit* const unit = find_unit(text.substr(space + 1));
  const auto number = text.substr(0, space);
  const auto point = number.find('.');
  const auto whole = number.substr(0, point);
  if (unit == nullptr || !is_digits(whole)) return std::nullopt;

  // 128 bits hold any whole number below the limit times 10, so one test after each digit suffices.
  constexpr unsigned __int128 limit = std::numeric_limits<std::uint64_t>::max();
  unsigned __int128 bits = 0;
  for (const char c : whole) {
    bits = bits * 10 + static_cast<unsigned>(c - '0') * static_cast<unsigned __int128>(unit->bits);
    if (bits > limit) return std::nullopt;
  }
  if (point != std::string_view::npos) {
    const auto fraction = number.substr(point + 1);
    if (!is_digits(fraction)) return std::nullopt;
    std::uint64_t place = unit->bits;
    std::uint64_t rest = 0;
    for (const char c : fraction) {
      if (place % 10 != 0) break;  // a fraction of a bit
      place /= 10;
      rest += static_cast<std::uint64_t>(c - '0') * place;
    }
    bits += rest;
    if (bits > limit) return std::nullopt;
  }
  return BitsPerSecond{static_cast<std::uint64_t>(bits)};
}

std::string format_bit_rate(BitsPerSecond rate) {
  for (const Unit& unit : units) {
    if (rate.count < unit.bits || rate.count % unit.bits != 0) continue;
    return std::to_string(rate.count / unit.bits) + ' ' + std::string(unit.name);
  }
  return "0 bps";
}

}  // namespace lobo::model
