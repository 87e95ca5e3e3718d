#pragma once
// Configuration files and requests of `lobo demo session`, as a user would write them.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/quantity.hpp"

namespace lobo::app {

inline constexpr std::string_view session_service = "xr.meet";
inline constexpr std::string_view session_room = "hall";
/// Bob is the UE behind the cell, Alice is beside the nodes.
inline constexpr std::string_view bob_ue = "ue1", alice_ue = "ue2";
inline constexpr std::string_view bob_asset = "urn:avatar:bob", alice_asset = "urn:avatar:alice";
inline constexpr std::string_view screen_asset = "urn:twin:screen";
/// What the application asks for, and what the policy makes of it.
inline constexpr std::string_view asked_gbr = "2 Mbps", granted_gbr = "400 Kbps";
inline constexpr unsigned avatar_rate_hz = 60, lower_rate_hz = 15;
/// Of Alice's states on the way to Bob in the lower tier, as IP packets; the narrow cell has so
/// much beside the video.
inline constexpr BitsPerSecond avatar_rate{25'000};

std::string session_sealdd_config(std::string_view folder);
struct Doors {
  std::string sealdd, nrm;
};
std::string session_enabler_config(std::string_view folder, const Doors& doors);
std::string session_node_config(std::string_view folder, std::string_view node,
                                std::string_view address, std::string_view sealdd);

/// A block of the MDRB, and in it a screen whose texture is the video.
std::string session_block();
std::string session_screen(std::string_view block);
/// The record of a released session can be read for so long; SEALDD's last words reach it.
inline constexpr std::chrono::seconds session_kept{2};

/// A ceiling, a tier below, what is bad, and how long what is released is kept.
std::string session_policy();
/// The network has to promise what the UE behind the cell is granted.
std::string network_policy();
std::string session_request(std::string_view notif_uri);
/// Whatever is measured is too late: the room goes to another node.
std::string relocation_policy();

}  // namespace lobo::app
