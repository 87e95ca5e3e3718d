#include "services/metaverse/events.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "api/mm_das.hpp"
#include "api/state/metaverse.hpp"
#include "base/clock.hpp"

namespace lobo::metaverse {

using api::mm_das::SyncEventType;

std::optional<api::mm_das::SyncNotification> notification(
    const api::state::metaverse::ToldEvents& told, const std::vector<SyncEventType>& wanted,
    std::optional<std::int64_t> interval_ms, std::optional<Instant>& measured_at) {
  api::mm_das::SyncNotification out;
  bool only_measured = true;
  for (const auto& one : told.events) {
    if (std::ranges::find(wanted, one.event) == wanted.end()) continue;
    if (one.event != SyncEventType::measurement) only_measured = false;
    out.events.push_back(one);
  }
  if (out.events.empty()) return std::nullopt;
  if (only_measured) {
    const auto pause = std::chrono::milliseconds{interval_ms.value_or(0)};
    if (measured_at && told.ts < *measured_at + pause) return std::nullopt;
    if (pause.count() > 0) measured_at = told.ts;
  }
  out.session_id = told.session_id;
  out.rev = told.rev;
  out.ts = told.ts;
  return out;
}

}  // namespace lobo::metaverse
