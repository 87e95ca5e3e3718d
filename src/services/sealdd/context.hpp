#pragma once
// The context of a connection as another SEALDD server is told it.

#include <cstdint>

#include "api/sdd_context.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"

namespace lobo::sealdd {

api::sdd_context::DdContext context_of(const api::state::sealdd::ConnectionState& connection,
                                       std::int64_t flow, bool extended, Instant now);

}  // namespace lobo::sealdd
