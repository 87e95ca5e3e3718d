#pragma once
// What steering needs of a plan: for each group of sessions its shares of the locations. A value
// that is replaced as a whole; every replica that holds the same one answers alike.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "energy/rendezvous.hpp"

namespace lobo::energy::steering {

/// Whom a location may get.
enum class Standing : std::uint8_t {
  serving,  ///< everybody
  unknown,  ///< those who are there: nothing was heard of it for too long
  closed,   ///< nobody
};

/// How a location is reached, for players whose manifest does not name it.
struct Base {
  std::string scheme;
  std::string host;  ///< IPv6 without brackets
  std::uint16_t port = 0;
  std::string path;
  bool operator==(const Base&) const = default;
};

struct SteeredLocation {
  std::string id;  ///< serviceLocation in an MPD, PATHWAY-ID in HLS
  Standing standing = Standing::serving;
  std::optional<Base> base;
  std::uint64_t hash = 0;  ///< stable_hash(id)
  bool operator==(const SteeredLocation&) const = default;
};

/// Weights stand in the order of the locations, 0 where there is none.
struct SteeredGroup {
  std::string id;
  std::vector<double> shares;
  std::vector<double> before;   ///< of the plan before; empty: nothing to release slowly
  std::vector<double> reserve;  ///< good enough and with headroom: where to go if a location fails
  /// By location: where its sessions go if that one fails, as there is room; empty: as `shares` and
  /// `reserve` say.
  std::vector<std::vector<double>> failover;
  bool operator==(const SteeredGroup&) const = default;
};

inline constexpr std::size_t group_id_bytes_max = 64;
inline constexpr std::size_t location_id_bytes_max = 64;
inline constexpr std::chrono::seconds ttl_least{5};
inline constexpr std::chrono::seconds ttl_most{300};
inline constexpr std::chrono::seconds release_most{3600};

class PlanTable {
 public:
  struct Said {
    std::uint64_t version = 0;
    Instant valid_until{};
    std::chrono::seconds ttl{30};
    Instant released_from{};
    std::chrono::seconds release{};  ///< how long the way from `before` to `shares` takes
    std::string default_group;       ///< for sessions that name none; empty: the first
    std::vector<SteeredLocation> locations;
    std::vector<SteeredGroup> groups;
    bool operator==(const Said&) const = default;
  };
  /// `said` has at least one location and one group, and weights for each location.
  explicit PlanTable(Said said);

  const Said& said() const { return said_; }
  const SteeredGroup& default_group() const { return said_.groups[default_group_]; }
  /// The default group where the name is of none.
  const SteeredGroup& group(std::string_view id) const;
  bool knows_group(std::string_view id) const { return groups_.contains(id); }

  /// Index into said().locations; no_location if there is none of that name.
  std::size_t location(std::string_view id) const;

  /// What a session of the group is drawn by at `now`: shares on their way from the plan before,
  /// without locations that are closed, or of which nothing is known and where the session is not.
  /// Only what is above zero, as most of a large fleet is not; `at` is the index of the location.
  std::vector<Share> weights(const SteeredGroup& group, Instant now,
                             const std::vector<bool>& there) const;
  /// The same at the end of the way.
  std::vector<Share> target(const SteeredGroup& group, const std::vector<bool>& there) const;
  std::vector<Share> reserve(const SteeredGroup& group, const std::vector<bool>& there) const;

  /// Where to go from location `lost`; empty: the plan says nothing of it.
  std::vector<Share> failover(const SteeredGroup& group, std::size_t lost,
                              const std::vector<bool>& there) const;

  /// What will go wrong with some player, for the operator: two locations on hosts of which one
  /// name holds the other are banned together by Shaka Player.
  std::vector<std::string> warnings() const;

 private:
  std::vector<Share> open(const std::vector<double>& weights, const std::vector<bool>& there) const;

  Said said_;
  using Index = std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>>;
  Index groups_, locations_;
  std::size_t default_group_ = 0;
};

}  // namespace lobo::energy::steering
