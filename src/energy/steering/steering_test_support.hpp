#pragma once
// What the tests of steering share: a signature that is none, and plans.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/require.hpp"
#include "base/text.hpp"
#include "energy/steering/plan_file.hpp"
#include "energy/steering/plan_table.hpp"
#include "energy/steering/token.hpp"

namespace lobo::energy::steering {

/// Keyed, and unsafe: FNV. The real one is tested where it stands.
class PlainMac final : public TokenMac {
 public:
  explicit PlainMac(std::string signing, std::vector<std::string> old = {})
      : signing_(std::move(signing)), old_(std::move(old)) {}
  std::string_view signing_key() const override { return signing_; }
  std::optional<Tag> tag(std::string_view key, std::string_view text) const override {
    bool known = key == signing_;
    for (const auto& one : old_) known = known || key == one;
    if (!known) return std::nullopt;
    Tag tag{};
    for (std::size_t i = 0; i < tag.size(); ++i)
      tag[i] = static_cast<unsigned char>(
          fnv1a(text, fnv1a(std::string(key) + static_cast<char>(i))) >> 40U);
    return tag;
  }

 private:
  std::string signing_;
  std::vector<std::string> old_;
};

inline constexpr std::string_view three_locations =
    R"({"version":1,"validUntil":"2026-11-22T18:00:00Z","ttl":30,)"
    R"("locations":[{"id":"SL1","baseUrl":"http://127.0.1.1:8080/"},)"
    R"({"id":"SL2","baseUrl":"http://127.0.1.2:8080/"},)"
    R"({"id":"SL3","baseUrl":"http://127.0.1.3:8080/"}],)";

inline PlanTable plan_with(std::string_view groups) {
  auto plan = read_plan(std::string(three_locations) + "\"groups\":" + std::string(groups) + "}");
  require(plan.has_value());
  return std::move(*plan);
}

}  // namespace lobo::energy::steering
