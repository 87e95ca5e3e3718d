#include "wire/json/pointer.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace lobo::json {

std::string pointer_token(std::string_view name) {
  std::string token;
  token.reserve(name.size());
  for (const char c : name) {
    if (c == '~') {
      token += "~0";
    } else if (c == '/') {
      token += "~1";
    } else {
      token += c;
    }
  }
  return token;
}

std::string pointer_append(std::string_view pointer, std::string_view name) {
  return std::string(pointer) + '/' + pointer_token(name);
}

std::string pointer_append(std::string_view pointer, std::size_t index) {
  return std::string(pointer) + '/' + std::to_string(index);
}

std::string Path::text() const {
  if (parent == nullptr) return {};
  return index == no_index ? pointer_append(parent->text(), name)
                           : pointer_append(parent->text(), index);
}

}  // namespace lobo::json
