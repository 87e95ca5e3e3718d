#pragma once
// Which media sessions are served from where, as the access log shows: the session that the player
// names by CMCD, else by the parameter of the query that the operator knows it by. What is told is
// what is new, elsewhere, or was told a while ago.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "energy/meter/access_log.hpp"

namespace lobo::energy::meter {

enum class Named : std::uint8_t { cmcd, query };

struct NamedSession {
  std::string id;
  Named by = Named::cmcd;
  bool operator==(const NamedSession&) const = default;
};

/// Of CMCD in the query or in the header field, else of the parameter `query_name`, where it is one
/// (empty: none is). Nothing for a request that was not served.
std::optional<NamedSession> session_of(const LogEntry& entry, std::string_view query_name);

inline constexpr std::size_t media_sessions_max = 65'536;
/// Of one report.
inline constexpr std::size_t media_sessions_told_max = 512;
/// A session that plays on is told again after so long: nobody knows whether the report was taken.
inline constexpr std::chrono::seconds media_session_again{60};

/// Sessions of one location that a report tells.
struct SessionsTold {
  std::vector<std::string> by_cmcd, by_query;
  bool operator==(const SessionsTold&) const = default;
};

class MediaSessions {
 public:
  void saw(NamedSession session, std::size_t location, std::chrono::microseconds now);
  /// What is due, by location, at most media_sessions_told_max; it counts as told.
  std::vector<SessionsTold> take(std::size_t locations, std::chrono::microseconds now);
  /// Those for which there was no room.
  std::uint64_t passed_over() const { return passed_over_; }
  std::size_t size() const { return sessions_.size(); }

 private:
  struct Seen {
    std::size_t location = 0;
    Named by = Named::cmcd;
    std::chrono::microseconds last{};
    std::optional<std::chrono::microseconds> told;
  };
  std::map<std::string, Seen, std::less<>> sessions_;
  std::string next_;  ///< where the next round begins, so that each has its turn
  std::uint64_t passed_over_ = 0;
};

}  // namespace lobo::energy::meter
