#pragma once
// How the addresses of a host name are found, where it is not the system that is asked.

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace lobo::adapters {

/// Calls `found` once, on the loop, with the addresses as text.
using Resolve = std::function<void(const std::string& host,
                                   std::function<void(Result<std::vector<std::string>>)> found)>;

}  // namespace lobo::adapters
