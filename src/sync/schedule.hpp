#pragma once
// ScheduledCommunicationTime of TS 29.571 against the clock. All in UTC, as api/sync_types.yaml
// says.

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "api/sync_types.hpp"
#include "base/clock.hpp"

namespace lobo::sync {

using Schedule = std::vector<api::sync_types::ScheduledCommunicationTime>;

/// "09:30", "09:30:15", either with a "Z" behind it; seconds of the day.
std::optional<std::chrono::seconds> time_of_day(std::string_view text);

/// True inside any of the windows. A window whose end is not after its start lasts past midnight,
/// and its day is that of its start. Without windows it is open always.
bool is_open(const Schedule& schedule, Instant now);

/// When it opens or closes next; nothing where it never does.
std::optional<Instant> next_edge(const Schedule& schedule, Instant now);

}  // namespace lobo::sync
