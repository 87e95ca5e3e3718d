#pragma once
// Time in the data plane is an argument, as everywhere; it is finer than the control plane's.

#include <chrono>

namespace lobo::dataplane {

/// Time since an origin that the caller chooses and keeps.
using Elapsed = std::chrono::nanoseconds;

}  // namespace lobo::dataplane
