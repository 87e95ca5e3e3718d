#pragma once
// Which service location serves a media session (step 10g, gap 2). Sources tell of base URLs and
// media URLs; a session's location is the newest word of its best source.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace lobo::media_energy {

/// One way to write a URL: scheme and host in lower case, no default port, percent-encoding only
/// where it must be, no query (tokens of signed URLs are there). Nothing where it is no URL.
std::optional<std::string> canonical_url(std::string_view url);

inline constexpr std::size_t bases_max = 200'000;
/// Of one host, looked at where only the host is known.
inline constexpr std::size_t bases_of_host_max = 64;

/// Base URLs and whose they are.
class LocationIndex {
 public:
  /// False where it is no URL, another location's already, or one too many.
  bool add(std::string_view base_url, std::string_view location);
  /// The same for somebody who may not take what is below another location's base.
  bool claim(std::string_view base_url, std::string_view location);
  void clear() { bases_.clear(); }
  /// The location of the longest base that the URL begins with, by whole path segments.
  std::optional<std::string_view> find(std::string_view url) const;
  /// The location of all bases at that host and port (with a slash behind), where it is one.
  std::optional<std::string_view> at_authority(std::string_view authority) const;
  std::size_t size() const { return bases_.size(); }

 private:
  std::map<std::string, std::string, std::less<>> bases_;
};

/// Best first. A worse source is believed only when the better one has been silent for long.
enum class Source : std::uint8_t { collector, steering, cmcd, consumption, access_log, qoe };
std::string_view to_string(Source source);

struct Placement {
  std::string location;
  Source source = Source::qoe;
  Instant seen{};
  Instant consumed_to{};  ///< as consumption reports said so far
  bool operator==(const Placement&) const = default;
};

inline constexpr std::size_t placements_max = 2'000'000;
/// Of these, sessions that only a report names: whoever invents names leaves room for the others.
inline constexpr std::size_t unproven_max = 1'000'000;
constexpr bool proven(Source source) { return source <= Source::steering; }

class SessionMap {
 public:
  /// Returns whether the session is elsewhere now than it was thought to be.
  bool saw(std::string_view session, std::string_view location, Source source, Instant now,
           std::chrono::seconds validity);
  const Placement* find(std::string_view session) const;
  /// Seconds from `from` to `to` that the session has not told of yet; none where it is not known.
  double consumed(std::string_view session, Instant from, Instant to);
  void forget(std::string_view session);
  /// Drops what nobody confirmed since `before`; returns how many.
  std::size_t expire(Instant before);
  std::size_t size() const { return placements_.size(); }
  std::size_t unproven() const { return unproven_; }
  /// Reports that named no location that we know: counted, never guessed.
  std::uint64_t unmapped() const { return unmapped_; }
  void count_unmapped() { ++unmapped_; }
  const std::map<std::string, Placement, std::less<>>& all() const { return placements_; }

 private:
  void count(Source source, int by) {
    if (!proven(source)) unproven_ += static_cast<std::size_t>(by);
  }
  std::map<std::string, Placement, std::less<>> placements_;
  std::size_t unproven_ = 0;
  std::uint64_t unmapped_ = 0;
};

}  // namespace lobo::media_energy
