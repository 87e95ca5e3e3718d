#pragma once
// Small text tools that the standard library lacks.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lobo {

/// The whole of `text` as an unsigned decimal number; nothing for a sign, a space or an overflow.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

/// `text` split at each `separator`; "a,,b" has an empty part in the middle, "" has one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);

std::string_view trim(std::string_view text);
std::string lower_ascii(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// True where `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

/// The candidate with the smallest edit distance to `word`, at most 3 away; for "did you mean".
std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

/// FNV-1a, 64 bits: for digests of histories and shard choice; never for security.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t hash = 0xCBF29CE484222325ULL) {
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3ULL;
  }
  return hash;
}

/// Lets a std::unordered_map<std::string, …> be searched by string_view without a copy.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

}  // namespace lobo
