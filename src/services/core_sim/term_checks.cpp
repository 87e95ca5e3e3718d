#include "services/core_sim/term_checks.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "model/bit_rate.hpp"
#include "services/core_sim/config.hpp"

namespace lobo::core_sim {
namespace {

constexpr std::int64_t seconds_max = std::int64_t{100} * 365 * 86'400;

}  // namespace

std::size_t how_many(std::initializer_list<Member> members) {
  std::size_t present = 0;
  for (const auto& member : members) present += member.present ? 1 : 0;
  return present;
}

void exactly_one(std::initializer_list<Member> members, Faults& faults) {
  const auto present = how_many(members);
  if (present == 1) return;
  std::string all;
  for (const auto& member : members) {
    if (!all.empty()) all += ", ";
    all += member.name;
  }
  if (present == 0) {
    faults.push_back(
        {Errc::missing, "/" + std::string(members.begin()->name), "one of " + all + " is needed"});
    return;
  }
  for (const auto& member : members)
    if (member.present)
      faults.push_back({Errc::not_allowed, "/" + std::string(member.name),
                        "only one of " + all + " may be present"});
}

std::chrono::seconds seconds_of(std::int64_t value) {
  return std::chrono::seconds(std::min(value, seconds_max));
}

BitsPerSecond rate(const std::optional<std::string>& text, const std::string& where,
                   Faults& faults) {
  if (!text) return {};
  const auto parsed = model::parse_bit_rate(*text);
  if (!parsed || *parsed > bit_rate_max)
    faults.push_back({Errc::out_of_range, where, "is more than a network has"});
  return std::min(parsed.value_or(BitsPerSecond{}), bit_rate_max);
}

std::optional<std::uint32_t> ppm(const std::optional<std::string>& error_rate) {
  if (!error_rate || error_rate->size() != 4) return std::nullopt;
  auto value = static_cast<std::uint32_t>((*error_rate)[0] - '0') * 1'000'000U;
  for (int digit = (*error_rate)[3] - '0'; digit > 0; --digit) value /= 10;
  return value;
}

std::optional<std::chrono::milliseconds> budget(const std::optional<std::int64_t>& ms) {
  if (!ms) return std::nullopt;
  return std::chrono::milliseconds(*ms);
}

std::optional<std::uint64_t> unsigned_of(const std::optional<std::int64_t>& value) {
  if (!value) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

}  // namespace lobo::core_sim
