#include "model/supported_features.hpp"

#include <fmt/format.h>

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "base/require.hpp"

namespace lobo::model {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

std::optional<unsigned> digit_value(char c) {
  const auto at = digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<unsigned>(at);
}

}  // namespace

std::optional<SupportedFeatures> SupportedFeatures::parse(std::string_view text) {
  SupportedFeatures features;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto value = digit_value(text[text.size() - 1 - i]);
    if (!value) return std::nullopt;
    for (std::size_t bit = 0; bit < 4 && i * 4 + bit < feature_max; ++bit)
      features.bits_[i * 4 + bit] = (*value >> bit & 1U) != 0;
  }
  return features;
}

bool SupportedFeatures::has(std::size_t feature) const {
  return feature >= 1 && feature <= feature_max && bits_[feature - 1];
}

SupportedFeatures SupportedFeatures::with(std::size_t feature) const {
  require(feature >= 1 && feature <= feature_max);
  SupportedFeatures made = *this;
  made.bits_.set(feature - 1);
  return made;
}

SupportedFeatures SupportedFeatures::shared_with(const SupportedFeatures& other) const {
  SupportedFeatures made = *this;
  made.bits_ &= other.bits_;
  return made;
}

std::string SupportedFeatures::text() const {
  static constexpr std::size_t word_bits = 64;
  static const std::bitset<feature_max> last_word(~std::uint64_t{0});
  std::string out;
  for (std::size_t word = feature_max / word_bits; word-- > 0;) {
    const std::uint64_t value = (bits_ >> word * word_bits & last_word).to_ullong();
    if (!out.empty())
      fmt::format_to(std::back_inserter(out), "{:016x}", value);
    else if (value != 0 || word == 0)
      fmt::format_to(std::back_inserter(out), "{:x}", value);
  }
  return out;
}

}  // namespace lobo::model
