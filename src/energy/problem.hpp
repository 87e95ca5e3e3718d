#pragma once
// What the planner is told: where media can be served, what power it takes there, who wants it, and
// which places are good enough for them. Plain data; units are in the names. check() says what is
// wrong before anything is computed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace lobo::energy {

/// What is made small. The unit of each value that this file calls "cost" follows from it.
enum class Objective : std::uint8_t {
  energy,  ///< W
  carbon,  ///< gCO2/h
  price,   ///< currency/h
};

constexpr std::string_view to_string(Objective objective) {
  switch (objective) {
    case Objective::energy: return "energy";
    case Objective::carbon: return "carbon";
    case Objective::price: return "price";
  }
  std::abort();
}

/// What the operator can really turn off. Decides which part of the power a plan can change.
enum class IdleControl : std::uint8_t {
  none,     ///< L0: idle servers stay on, only load moves
  servers,  ///< L1: drained servers go to standby
  sites,    ///< L2: and a site without servers loses its base load
};

constexpr std::string_view to_string(IdleControl control) {
  switch (control) {
    case IdleControl::none: return "none";
    case IdleControl::servers: return "servers";
    case IdleControl::sites: return "sites";
  }
  std::abort();
}

enum class LocationState : std::uint8_t {
  active,    ///< serves
  draining,  ///< serves those who are there, gets nobody new
  standby,   ///< can be woken, serves nobody yet
  down,      ///< serves nobody; who is there must leave now
};

constexpr std::string_view to_string(LocationState state) {
  switch (state) {
    case LocationState::active: return "active";
    case LocationState::draining: return "draining";
    case LocationState::standby: return "standby";
    case LocationState::down: return "down";
  }
  std::abort();
}

/// A service location: servers of one kind in one building.
struct Location {
  std::string id;  ///< stable name; also what rendezvous hashing hashes
  LocationState state = LocationState::active;
  std::uint32_t servers_max = 0;  ///< how many there are
  double server_mbps = 0;         ///< what one server delivers at full load
  double idle_w = 0;              ///< one server, powered, without load
  double max_w = 0;               ///< one server at server_mbps
  double standby_w = 0;           ///< one server in standby
  double site_w = 0;              ///< what the site draws while any of its servers is powered
  double pue = 1;                 ///< power drawn by the building / power drawn by its servers
  double carbon_g_per_kwh = 0;    ///< of the grid there, now
  double price_per_kwh = 0;       ///< in one currency for all locations
  bool operator==(const Location&) const = default;
};

/// What must hold for each session of a group, whatever it costs.
struct QoeFloor {
  double latency_ms_max = 0;
  double bit_rate_mbps_min = 0;
  bool operator==(const QoeFloor&) const = default;
};

/// How the sessions of one group see one location.
struct Path {
  std::uint32_t location = 0;  ///< index into Problem::locations
  double latency_ms = 0;
  double throughput_mbps = 0;     ///< what one session measured or may expect
  double current_mbps = 0;        ///< what the group is served from there now
  double network_w_per_mbps = 0;  ///< power of the network in between that load changes
  bool content_present = true;
  bool permitted = true;  ///< by geography or contract
  bool vetoed = false;    ///< its quality of experience was bad of late
  bool operator==(const Path&) const = default;
};

/// Sessions that see the locations alike (same region, same service class). Their bit rates merge,
/// because flows are counted in Mbit/s.
struct Group {
  std::string id;
  std::uint32_t sessions = 0;
  double demand_mbps = 0;
  QoeFloor floor;
  std::vector<Path> paths;  ///< at most one for each location
  bool operator==(const Group&) const = default;
};

struct Problem {
  Objective objective = Objective::energy;
  IdleControl idle_control = IdleControl::servers;
  double utilisation_target = 0.85;  ///< share of server_mbps that a plan may use
  double spare_share = 0;            ///< powered servers beyond those needed, for sudden demand
  double switch_cost_per_mbps = 0;   ///< unit of the objective, for each Mbit/s that moves
  std::vector<Location> locations;
  std::vector<Group> groups;
  bool operator==(const Problem&) const = default;
};

inline constexpr std::size_t locations_max = 256;
inline constexpr std::size_t groups_max = 16'384;
inline constexpr std::size_t paths_max = 1'048'576;  ///< of all groups together
inline constexpr std::uint32_t servers_per_location_max = 100'000;
inline constexpr double quantity_max = 1e9;    ///< of any number in a Problem
inline constexpr std::size_t faults_max = 64;  ///< that check() tells at once

/// A path must promise this much more than the lowest acceptable bit rate.
inline constexpr double throughput_margin = 1.2;

/// Nothing, or each member that is wrong with its JSON pointer ("/groups/3/paths/0/latency_ms").
Result<void> check(const Problem& problem);

/// The quality floor holds on this path and its content may be had there. Says nothing of capacity.
bool meets_floor(const QoeFloor& floor, const Path& path);

/// A plan may send sessions there: up, or able to be woken.
bool takes_sessions(const Location& location);

}  // namespace lobo::energy
