#pragma once
// Files of share/web, as they were when the program was built.

#include <optional>
#include <string_view>

namespace lobo::app {

/// "lobo-mmec.js", "avatars/page.js"; nothing for a name that is none of them.
std::optional<std::string_view> web_file(std::string_view name);

}  // namespace lobo::app
