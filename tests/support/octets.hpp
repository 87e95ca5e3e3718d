#pragma once
// Bytes as the texts of payload formats write them.

#include <cstddef>
#include <initializer_list>
#include <vector>

namespace lobo::test {

inline std::vector<std::byte> octets(std::initializer_list<unsigned> values) {
  std::vector<std::byte> out;
  out.reserve(values.size());
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

}  // namespace lobo::test
