#pragma once
// The part of checking a configuration that looks at the disk: are the files there, and are secrets
// secret.

#include "base/result.hpp"
#include "config.hpp"

namespace lobo::app {

/// Every file that the configuration names for reading can be read.
Result<void> check_files(const Config& config);

}  // namespace lobo::app
