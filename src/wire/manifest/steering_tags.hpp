#pragma once
// Gives a manifest the tags of content steering: where its media is, under which names, and whom a
// player asks. An MPD (ETSI TS 103 998) gets BaseURLs and ContentSteering, an HLS multivariant
// playlist (draft-pantos-hls-rfc8216bis clause 7) a set of variants for each pathway.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace lobo::manifest {

inline constexpr std::size_t manifest_bytes_max = std::size_t{16} << 20U;
inline constexpr std::size_t manifest_locations_max = 32;
inline constexpr std::size_t manifest_depth_max = 64;
/// Of what is written: each location repeats the variants of HLS.
inline constexpr std::size_t written_bytes_max = std::size_t{64} << 20U;

struct TaggedLocation {
  std::string id;
  std::string base_url;  ///< absolute, with a slash at its end
};

struct SteeringTags {
  std::vector<TaggedLocation> locations;
  std::string server_url;
  std::string default_location;    ///< one of the locations; empty: the first
  bool query_before_start = true;  ///< DASH: ask before the first segment
};

enum class ManifestKind : std::uint8_t { mpd, hls, unknown };

/// From its first characters.
ManifestKind kind_of(std::string_view text);

/// Nothing wrong with the tags themselves: names, URLs, a default that is there, and hosts that no
/// player takes for one.
Result<void> check(const SteeringTags& tags);

/// Refuses what steering would not reach: absolute URLs of media, tags that are there already.
Result<std::string> with_steering(std::string_view text, const SteeringTags& tags);

// The two kinds, for tags that check() found good.
Result<std::string> mpd_with_steering(std::string_view text, const SteeringTags& tags);
Result<std::string> hls_with_steering(std::string_view text, const SteeringTags& tags);

}  // namespace lobo::manifest
