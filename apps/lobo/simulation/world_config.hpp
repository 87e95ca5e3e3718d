#pragma once
// What the worlds of the simulator consist of: names, UEs, groups and streams, and how core and
// server are configured, which differs from seed to seed.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "graph/control_plane.hpp"
#include "services/core_sim/config.hpp"
#include "simulation/run.hpp"

namespace lobo::app::simulation {

inline constexpr std::string_view server_authority = "server.example";
inline constexpr std::string_view core_authority = "core.example";
inline constexpr std::array<std::string_view, 4> ue_names{"ue1", "ue2", "ue3", "ue4"};
inline constexpr std::array<std::string_view, 2> application_names{"app1", "app2"};
inline constexpr std::string_view group_name = "crew";
/// From the end of one audit to the next.
inline constexpr std::chrono::seconds audit_interval{50};
/// How long an orphan is suspected at a PCF that tells nothing.
inline constexpr std::chrono::hours suspected_for{6};

/// VAL stream id -> from, to.
using Streams = std::map<std::string, std::pair<std::string, std::string>>;
const Streams& streams();
/// By VAL UE id.
const std::map<std::string, std::string>& gpsis();
using Addresses = std::map<std::string, std::string, std::less<>>;
Addresses first_addresses();

Door door_of(const Options& options);
/// What real PCFs do, one thing in one world and another in the next.
core_sim::PcfQuirks quirks_of(std::uint64_t seed);
/// Sources that a core lets nobody hear of: it takes subscriptions and never sends, in some worlds.
std::set<std::string> mute_kinds(std::uint64_t seed);
core_sim::CoreConfig core_config(std::uint64_t seed);
ControlPlane::Config control_plane_config(const Options& options);
ConfiguredUes::Entries ue_entries(const Addresses& addresses);
/// `chosen` has a bit for each UE.
ConfiguredUes::Groups group_of(std::uint64_t chosen);

}  // namespace lobo::app::simulation
