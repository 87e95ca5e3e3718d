#pragma once
// What the store of a server that has ended still holds.

#include <string>

#include "base/result.hpp"

namespace lobo::app {

/// In words, by kind: "2 session, 1 timer of session"; empty where it is nothing. `node` records,
/// which are of relay nodes and not of anybody's session, are not counted, nor are keys of
/// requests, which end by themselves.
Result<std::string> left_in_store(const std::string& path);

}  // namespace lobo::app
