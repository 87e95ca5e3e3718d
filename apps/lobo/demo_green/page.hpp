#pragma once
// The page of `lobo demo green`: three players as they are, the map, the plan, the books, sliders.

#include <string_view>

namespace lobo::app {

extern const std::string_view green_page;

}  // namespace lobo::app
