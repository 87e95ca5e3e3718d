#pragma once
// Rules between members that a schema cannot say.

#include "api/mm_das.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/http/ssrf.hpp"

namespace lobo::metaverse {

/// All faults at once, each with its pointer.
Result<void> check_session(const api::mm_das::SyncSessionReq& session,
                           const http::SinkPolicy& sinks, Instant now);
Result<void> check_subscription(const api::mm_das::SyncSubscriptionReq& subscription,
                                const http::SinkPolicy& sinks, Instant now);

}  // namespace lobo::metaverse
