#pragma once
// The configuration files of the live demo's programs, and its request: as a user would write them.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/quantity.hpp"
#include "base/rng.hpp"
#include "demo_live_path.hpp"

namespace lobo::app {

inline constexpr std::string_view live_smf_address = "127.0.0.61";
inline constexpr std::string_view live_upf_address = "127.0.0.62";
inline constexpr std::uint16_t live_pfcp_port = 8805;
inline constexpr std::string_view live_air_address = "10.100.9.1";
inline constexpr std::string_view live_air_ue_address = "10.100.9.2";
inline constexpr std::string_view live_router_address =
    "10.100.7.2";  ///< the server's, to the edge
inline constexpr std::uint16_t live_netsim_port = 7777;

struct LiveNetsim {
  std::string directory;
  BitsPerSecond video_rate;     ///< becomes the guaranteed rate of the profile "xr-gold"
  std::string also_listens_at;  ///< for gNBs elsewhere; may be empty
  std::string smf_address;
  std::uint16_t smf_port = 0;
  std::string upf_address;
  std::uint16_t upf_port = 0;
};
std::string live_netsim_config(const LiveNetsim& netsim);
/// `gateway`: the next hop on N6 to what is behind; empty: nobody is.
std::string live_upf_config(const std::string& gateway);
std::string live_gnb_config(const CellTerms& cell);
/// One context with a fresh key, for `lobo eas` and `lobo upf`.
std::string live_key_file(Rng& rng);

/// Delay budget and error rate of the video's PDU Sets that the application asks for.
inline constexpr std::chrono::milliseconds live_delay_budget{270};

/// The body of POST /ss-nra/v1/unicast-subscriptions.
std::string live_request(const std::string& notify_uri);

}  // namespace lobo::app
