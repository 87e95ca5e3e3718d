#include "energy/meter/media_sessions.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "energy/meter/access_log.hpp"
#include "wire/cmcd/session_id.hpp"
#include "wire/http/url.hpp"

namespace lobo::energy::meter {
namespace {

constexpr unsigned status_served_max = 399;

}  // namespace

std::optional<NamedSession> session_of(const LogEntry& entry, std::string_view query_name) {
  if (entry.status > status_served_max) return std::nullopt;
  if (auto id = cmcd::session_id(entry.cmcd_session))
    return NamedSession{std::move(*id), Named::cmcd};
  if (auto id = cmcd::session_id_in_query(entry.query))
    return NamedSession{std::move(*id), Named::cmcd};
  if (query_name.empty()) return std::nullopt;
  const auto query = http::parse_query(entry.query);
  if (!query) return std::nullopt;
  for (const auto& [name, value] : *query)
    if (name == query_name && cmcd::is_session_id(value)) return NamedSession{value, Named::query};
  return std::nullopt;
}

void MediaSessions::saw(NamedSession session, std::size_t location, std::chrono::microseconds now) {
  auto found = sessions_.find(session.id);
  if (found == sessions_.end()) {
    if (sessions_.size() >= media_sessions_max) {
      ++passed_over_;
      return;
    }
    found = sessions_.emplace(std::move(session.id), Seen{}).first;
    found->second.location = location;
  }
  auto& seen = found->second;
  if (seen.location != location) seen.told.reset();
  seen.location = location;
  seen.by = session.by;
  seen.last = now;
}

std::vector<SessionsTold> MediaSessions::take(std::size_t locations,
                                              std::chrono::microseconds now) {
  std::vector<SessionsTold> out(locations);
  // What was not seen since it was told, for a while, is over.
  std::erase_if(sessions_, [&](const auto& one) {
    return one.second.told && now >= one.second.last + media_session_again;
  });
  std::size_t told = 0;
  auto at = sessions_.lower_bound(next_);
  next_.clear();
  for (std::size_t looked = 0; looked < sessions_.size(); ++looked, ++at) {
    if (at == sessions_.end()) at = sessions_.begin();
    auto& [id, seen] = *at;
    const bool due =
        !seen.told || (now >= *seen.told + media_session_again && seen.last > *seen.told);
    if (!due || seen.location >= locations) continue;
    if (told == media_sessions_told_max) {
      next_ = id;
      break;
    }
    ++told;
    seen.told = now;
    auto& place = out[seen.location];
    (seen.by == Named::cmcd ? place.by_cmcd : place.by_query).push_back(id);
  }
  return out;
}

}  // namespace lobo::energy::meter
