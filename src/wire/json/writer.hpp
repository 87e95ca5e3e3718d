#pragma once
// The writing half of the codec.

#include <string>
#include <string_view>

namespace lobo::json {

/// `text` as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD.
void write_text(std::string& out, std::string_view text);

}  // namespace lobo::json
