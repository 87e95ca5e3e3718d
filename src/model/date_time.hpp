#pragma once
// DateTime of TS 29.571 clause 5.2.2: RFC 3339 text and an Instant.

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace lobo::model {

/// Any RFC 3339 date-time with offset; finer than microseconds is cut. Years 1970–9999.
std::optional<Instant> parse_date_time(std::string_view text);

/// UTC, "2026-11-22T00:26:09Z", with six decimals unless they are zero.
std::string format_date_time(Instant at);

}  // namespace lobo::model
