#pragma once
// SupportedFeatures of TS 29.571 clause 5.2.2: which optional features two sides share.

#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lobo::model {

class SupportedFeatures {
 public:
  /// Features beyond are read over: none of ours is up there, and an intersection drops them
  /// anyway.
  static constexpr std::size_t feature_max = 256;

  SupportedFeatures() = default;
  /// Hexadecimal digits of either case, the last for features 1 to 4; nothing for any other
  /// character.
  static std::optional<SupportedFeatures> parse(std::string_view text);

  /// Features count from 1.
  bool has(std::size_t feature) const;
  SupportedFeatures with(std::size_t feature) const;
  SupportedFeatures shared_with(const SupportedFeatures& other) const;
  bool empty() const { return bits_.none(); }

  /// Lower case without leading zeros; "0" for none.
  std::string text() const;
  bool operator==(const SupportedFeatures&) const = default;

 private:
  std::bitset<feature_max> bits_;  // bit n - 1 is feature n
};

}  // namespace lobo::model
