#pragma once
// Comparing what must not be guessed byte by byte.

#include <cstddef>
#include <string_view>

namespace lobo {

/// Takes the same time wherever the texts differ; only the length of `given` can be learned. An
/// empty secret is none: nothing is equal to it.
constexpr bool equal_in_constant_time(std::string_view given, std::string_view secret) {
  if (given.size() != secret.size() || secret.empty()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < secret.size(); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(given[i]) ^
                                        static_cast<unsigned char>(secret[i]));
  return difference == 0;
}

}  // namespace lobo
