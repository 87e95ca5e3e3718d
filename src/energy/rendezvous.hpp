#pragma once
// Which session goes where, from the shares of a plan alone: weighted rendezvous hashing. Each
// location gets the score -weight / ln(u), u a uniform hash of session and location; the highest
// wins with a probability equal to its share. No state: each replica of one build answers alike,
// and when shares change a little, few sessions move, each from a location that lost to one that
// gained.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace lobo::energy {

/// Of a group, at one location. `location` is the hash of its name, not its index, so that the
/// order of a configuration file is immaterial.
struct Share {
  std::uint64_t location = 0;
  double weight = 0;   ///< any unit; 0: not a candidate
  std::size_t at = 0;  ///< carried along: the caller's own index of the location
  bool operator==(const Share&) const = default;
};

/// Stable across processes and versions; not for secrets. Session identifiers are hashed alike.
std::uint64_t stable_hash(std::string_view name);

inline constexpr std::size_t no_location = ~std::size_t{0};

/// Index into `shares` of the session's location; no_location if all weights are 0.
std::size_t pick(std::uint64_t session, std::span<const Share> shares);

/// Where else: all shares above zero from the best to the worst score, then `reserve` (the other
/// locations that are good enough, weighted by their headroom) alike. Failover spreads as the
/// shares do. Indices into `shares`, those of `reserve` counted on from shares.size(); a location
/// is named once.
std::vector<std::size_t> ranks(std::uint64_t session, std::span<const Share> shares,
                               std::span<const Share> reserve);

/// Where the sessions go whose location is lost: all of `weights` above zero, from the best to the
/// worst. Drawn apart from who came to `lost` in the first place: given that it won, the scores of
/// the others are no longer as the weights say, and these have other weights.
std::vector<std::size_t> failover_ranks(std::uint64_t session, std::uint64_t lost,
                                        std::span<const Share> weights);

/// For groups that are too small for the law of large numbers: whole sessions by largest remainder,
/// ties by order. Sums to `sessions`, unless all weights are 0.
std::vector<std::uint32_t> whole_sessions(std::uint32_t sessions, std::span<const Share> shares);

/// Below, whole_sessions() is nearer to the plan than hashing.
inline constexpr std::uint32_t small_group_sessions = 200;

}  // namespace lobo::energy
