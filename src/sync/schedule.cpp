#include "sync/schedule.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"

namespace lobo::sync {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using Day = std::chrono::sys_days;
using Window = api::sync_types::ScheduledCommunicationTime;

constexpr seconds whole_day = days{1};
constexpr int days_ahead = 8;  ///< windows come again each week

struct Span {
  Instant from, to;
};

/// The window that begins on that day, where one does.
std::optional<Span> on(const Window& window, Day day) {
  const auto weekday = static_cast<std::int64_t>(std::chrono::weekday(day).iso_encoding());
  if (window.days_of_week &&
      std::ranges::find(*window.days_of_week, weekday) == window.days_of_week->end())
    return std::nullopt;
  const auto at = [](const std::optional<std::string>& text, seconds otherwise) {
    return text ? time_of_day(*text).value_or(otherwise) : otherwise;
  };
  const auto from = at(window.time_of_day_start, seconds{0});
  auto to = at(window.time_of_day_end, whole_day);
  if (to <= from) to += whole_day;
  return Span{day + from, day + to};
}

}  // namespace

std::optional<seconds> time_of_day(std::string_view text) {
  if (text.ends_with('Z')) text.remove_suffix(1);
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  constexpr std::uint64_t below[]{24, 60, 60};
  seconds out{0};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto value = parts[i].size() == 2 ? parse_decimal(parts[i]) : std::nullopt;
    if (!value || *value >= below[i]) return std::nullopt;
    out += seconds{static_cast<std::int64_t>(*value)} * (i == 0 ? 3600 : i == 1 ? 60 : 1);
  }
  return out;
}

bool is_open(const Schedule& schedule, Instant now) {
  if (schedule.empty()) return true;
  const auto today = std::chrono::floor<days>(now);
  return std::ranges::any_of(schedule, [&](const Window& window) {
    // One that began yesterday may last until today.
    for (const auto day : {today - days{1}, today})
      if (const auto span = on(window, day); span && span->from <= now && now < span->to)
        return true;
    return false;
  });
}

std::optional<Instant> next_edge(const Schedule& schedule, Instant now) {
  const auto today = std::chrono::floor<days>(now);
  const bool open = is_open(schedule, now);
  std::vector<Instant> edges;
  for (const auto& window : schedule)
    for (int ahead = -1; ahead <= days_ahead; ++ahead)
      if (const auto span = on(window, today + days{ahead}))
        for (const auto edge : {span->from, span->to})
          if (edge > now) edges.push_back(edge);
  std::ranges::sort(edges);
  const auto found =
      std::ranges::find_if(edges, [&](Instant edge) { return is_open(schedule, edge) != open; });
  return found == edges.end() ? std::nullopt : std::optional(*found);
}

}  // namespace lobo::sync
