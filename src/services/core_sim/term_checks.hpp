#pragma once
// What the terms of both APIs have in common: units, and rules between members.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/quantity.hpp"
#include "base/result.hpp"

namespace lobo::core_sim {

using Faults = std::vector<Fault>;

struct Member {
  bool present;
  std::string_view name;
};

std::size_t how_many(std::initializer_list<Member> members);
/// Exactly one of `members`: none is a missing member, each of several is one too many.
void exactly_one(std::initializer_list<Member> members, Faults& faults);

/// What is longer than a century lasts for ever here; a sum with the time of now stays in range.
std::chrono::seconds seconds_of(std::int64_t value);
BitsPerSecond rate(const std::optional<std::string>& text, const std::string& where,
                   Faults& faults);
/// "4E-3": the schema's pattern has checked the form.
std::optional<std::uint32_t> ppm(const std::optional<std::string>& error_rate);
std::optional<std::chrono::milliseconds> budget(const std::optional<std::int64_t>& ms);
std::optional<std::uint64_t> unsigned_of(const std::optional<std::int64_t>& value);

}  // namespace lobo::core_sim
