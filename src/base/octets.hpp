#pragma once
// Texts looked through sixteen octets at a time. Header values, URIs and JSON strings are judged
// octet by octet, several hundred of them a request; one by one that was a fifth of its
// instructions.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace lobo {

/// Compared and combined in one step each: the vector extension that GCC and Clang share.
using Octets [[gnu::vector_size(16)]] = unsigned char;

namespace detail {

/// The place of the first octet that is not 0; 16 where all are.
inline std::size_t first_set(const std::array<std::uint64_t, 2>& words) {
  static_assert(std::endian::native == std::endian::little);
  const auto octets = [](std::uint64_t word) {
    return static_cast<std::size_t>(std::countr_zero(word)) / 8;
  };
  return words[0] != 0 ? octets(words[0]) : 8 + octets(words[1]);
}

}  // namespace detail

/// The place of the first octet of a set in `text`, or its size. The set is written once for one
/// octet and for sixteen, so it says `auto` and joins with & and |:
///   find_octet(text, [](auto c) { return (c < '0') | (c > '9'); })
template <class IsMember>
std::size_t find_octet(std::string_view text, const IsMember& is_member) {
  if (text.size() < sizeof(Octets)) {
    const auto member = [&](char c) { return is_member(static_cast<unsigned char>(c)) != 0; };
    return static_cast<std::size_t>(std::ranges::find_if(text, member) - text.begin());
  }
  // The last block overlaps the one before it: where nothing was found nothing is found again.
  const std::size_t last = text.size() - sizeof(Octets);
  for (std::size_t at = 0;; at = std::min(at + sizeof(Octets), last)) {
    Octets block;
    std::memcpy(&block, text.data() + at, sizeof block);
    const auto found = std::bit_cast<std::array<std::uint64_t, 2>>(is_member(block));
    if ((found[0] | found[1]) != 0) return at + detail::first_set(found);
    if (at == last) return text.size();
  }
}

template <class IsMember>
bool has_octet(std::string_view text, const IsMember& is_member) {
  return find_octet(text, is_member) != text.size();
}

}  // namespace lobo
