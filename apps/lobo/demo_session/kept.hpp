#pragma once
// What the store of a server that has ended still holds.

#include <string>

#include "base/result.hpp"

namespace lobo::app {

/// In words, by kind: "2 mm_session, 1 timer of mm_session"; empty where it is nothing. What a
/// server knows of the core is nobody's session and not counted, nor are keys of requests, which
/// end by themselves.
Result<std::string> left_in_store(const std::string& path);

}  // namespace lobo::app
