#pragma once
// What a player says when it asks: which locations it used since it asked last and how fast they
// were (ETSI TS 103 998 for DASH, draft-pantos-content-steering for HLS), and our own parameters.
// A player is never refused for its query: what cannot be read was not said.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lobo::energy::steering {

inline constexpr std::size_t query_bytes_max = 8192;
inline constexpr std::size_t query_words_max = 64;
inline constexpr std::size_t pathways_max = 32;

struct Heard {
  std::string location;
  std::optional<std::uint64_t> bits_per_second;  ///< nothing: it has not got anything from there
  bool operator==(const Heard&) const = default;
};

struct SteeringQuery {
  std::string token;                  ///< t
  std::string group;                  ///< g
  std::string session;                ///< s: whoever wrote the manifest knows the session
  std::vector<std::string> manifest;  ///< p: locations that the manifest names; empty: all
  std::vector<Heard> heard;           ///< the last one is where it is now
  /// Each location came with its throughput, so that an empty one says something.
  bool measured = false;
  bool operator==(const SteeringQuery&) const = default;
};

SteeringQuery parse_steering_query(std::string_view query);

}  // namespace lobo::energy::steering
