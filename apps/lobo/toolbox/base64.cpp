#include "toolbox/base64.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace lobo::app {

std::string base64(Bytes bytes) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8U | (k < left ? std::to_integer<unsigned>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= left ? letters[group >> (18U - 6U * k) & 63U] : '=';
  }
  return text;
}

}  // namespace lobo::app
