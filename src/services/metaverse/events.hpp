#pragma once
// From the events of one step to what one listener is told of them.

#include <cstdint>
#include <optional>
#include <vector>

#include "api/mm_das.hpp"
#include "api/state/metaverse.hpp"
#include "base/clock.hpp"

namespace lobo::metaverse {

/// Those events that are wanted; nothing where none is. Notifications of nothing but MEASUREMENT
/// come no faster than `interval_ms`; `measured_at` remembers the last one. Identifier and sequence
/// are left to the caller.
std::optional<api::mm_das::SyncNotification> notification(
    const api::state::metaverse::ToldEvents& told,
    const std::vector<api::mm_das::SyncEventType>& wanted, std::optional<std::int64_t> interval_ms,
    std::optional<Instant>& measured_at);

}  // namespace lobo::metaverse
