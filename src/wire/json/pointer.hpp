#pragma once
// JSON pointers (RFC 6901): how a fault names the member that it is about.

#include <cstddef>
#include <string>
#include <string_view>

namespace lobo::json {

/// One reference token with "~" and "/" escaped (RFC 6901 clause 3).
std::string pointer_token(std::string_view name);

/// `pointer` followed by a member's name or an item's index.
std::string pointer_append(std::string_view pointer, std::string_view name);
std::string pointer_append(std::string_view pointer, std::size_t index);

/// A place in a document while it is read: a chain on the stack, made into text only for a fault.
struct Path {
  static constexpr std::size_t no_index = static_cast<std::size_t>(-1);
  const Path* parent = nullptr;
  std::string_view name;
  std::size_t index = no_index;

  std::string text() const;
};

}  // namespace lobo::json
