#pragma once
// What the media application function needs from outside: what the operator configured, and a
// planner. The planner is a sibling of the services, so that it is joined in apps/.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/http/ssrf.hpp"

namespace lobo::media_energy {

/// Where each API begins below the API root: the one table. A later release of the specifications
/// has the first two elsewhere.
struct Prefixes {
  std::string m1 = "/3gpp-m1/v2";
  std::string m5 = "/3gpp-m5/v2";
  std::string e3 = "/x-e3/v1";
  std::string e5 = "/x-e5/v1";
  std::string network = "/x-network/v1";
  std::string steering = "/x-steering/v1";
  bool operator==(const Prefixes&) const = default;
};

/// What the operator knows of a service location, and what he holds possible there.
struct LocationSettings {
  double latency_ms = 20;  ///< to the sessions that it may serve
  double site_w = 0;       ///< drawn while any server is powered
  double pue = 1;          ///< where a server does not say
  double carbon_g_per_kwh = 400;
  double renewable_ratio = 0;
  double price_per_kwh = 0;
  double server_mbps_max = 100'000;  ///< a server that claims more is not believed
  double idle_w_min = 0.5;           ///< a powered server that claims less is not believed
  bool operator==(const LocationSettings&) const = default;
};

/// What a media session may say that it takes: beyond it nothing more is planned for.
inline constexpr double session_mbps_max = 1000;

struct Settings {
  std::string api_root;  ///< by which applications and clients reach us
  Prefixes prefixes;
  std::map<std::string, LocationSettings, std::less<>> locations;
  http::SinkPolicy sinks;        ///< where notifications may go
  std::string steering_url;      ///< told to clients; empty: there is none
  double usual_mbps = 4;         ///< of a session that does not say what it needs
  double remaining_s = 1200;     ///< how long a session is expected to last on
  double utilisation = 0.85;     ///< share of a server that a plan may use
  double spare_share = 0.05;     ///< powered servers beyond those needed
  bool servers_stand_by = true;  ///< drained servers can be told to stand by
  std::chrono::seconds plan_every{30};
  std::chrono::seconds plan_spacing{60};  ///< between plans that are not forced
  double release_share = 0.05;            ///< of the sessions that may move with one plan
  std::chrono::seconds steering_ttl{30};  ///< after which steered players ask again
  std::chrono::seconds veto_time{300};    ///< a location that failed a session is not offered again
  std::chrono::seconds subscription_idle{900};  ///< a subscription that nobody asks for ends
};

inline constexpr std::size_t sessions_max = 10'000;  ///< provisioning sessions
inline constexpr std::size_t policies_max = 32;      ///< of one session
inline constexpr std::size_t metrics_max = 16;       ///< configurations of one session
inline constexpr std::size_t servers_max = 10'000;   ///< application servers
inline constexpr std::size_t subscriptions_max = 100'000;
inline constexpr std::size_t events_kept_max = 32;         ///< of one subscription
inline constexpr std::size_t polls_max = 4;                ///< that wait on one subscription
inline constexpr std::size_t streams_max = 512;            ///< of events, at one time
inline constexpr std::size_t streams_per_client_max = 64;  ///< of one principal
inline constexpr std::size_t streams_per_subscription_max = 2;
inline constexpr std::size_t stream_unsent_bytes_max = 131072;  ///< then a slow reader is cut off
inline constexpr std::chrono::seconds stream_heartbeat{15};
/// Then its reader comes back with its credentials, which may have ended meanwhile.
inline constexpr std::chrono::minutes stream_life{10};
inline constexpr std::chrono::milliseconds stream_retry{2000};  ///< that a reader waits
/// A process that is killed forgets at most so much of what was consumed, and what is consumed
/// until servers report to the next one.
inline constexpr std::chrono::seconds consumed_kept_every{30};
/// What was consumed longer ago than this is not counted any more.
inline constexpr std::chrono::hours consumption_age_max{24};
inline constexpr std::size_t reported_bases_max = 64;  ///< of one server, beside its registration
inline constexpr std::size_t plan_polls_max = 64;      ///< that wait for another plan
inline constexpr std::size_t steered_groups_max = 16'384;  ///< in a published plan

// ---- the planner ------------------------------------------------------------------------------

enum class Objective : std::uint8_t { energy, carbon, cost };

enum class LocationState : std::uint8_t {
  active,
  draining,  ///< keeps whom it has, gets nobody new
  standby,   ///< can be woken
  down,
  unknown,  ///< its reports are missing: nobody new, nobody is moved away
};

constexpr std::string_view to_string(LocationState state) {
  switch (state) {
    case LocationState::active: return "ACTIVE";
    case LocationState::draining: return "DRAINING";
    case LocationState::standby: return "STANDBY";
    case LocationState::down: return "DOWN";
    case LocationState::unknown: return "UNKNOWN";
  }
  std::abort();
}

/// Servers of about one kind behind one name, as last reported. Watts before the PUE.
struct FleetLocation {
  std::string id;
  LocationState state = LocationState::unknown;
  std::uint32_t servers = 0;
  double server_mbps = 0;
  double idle_w = 0;
  double max_w = 0;
  double standby_w = 0;
  double site_w = 0;
  double pue = 1;
  double carbon_g_per_kwh = 0;
  double price_per_kwh = 0;
  bool operator==(const FleetLocation&) const = default;
};

struct FleetPath {
  std::uint32_t location = 0;  ///< index into FleetState::locations
  double latency_ms = 0;
  double current_mbps = 0;
  bool vetoed = false;
  bool operator==(const FleetPath&) const = default;
};

/// The sessions of one policy of one provisioning session: they may be served from the same places.
struct FleetGroup {
  std::string id;
  Objective objective = Objective::energy;
  std::uint32_t sessions = 0;
  double demand_mbps = 0;
  double latency_ms_max = 0;
  double bit_rate_mbps_min = 0;
  double switch_cost_j = 0;  ///< of one session
  std::vector<FleetPath> paths;
  bool operator==(const FleetGroup&) const = default;
};

struct FleetState {
  std::vector<FleetLocation> locations;
  std::vector<FleetGroup> groups;
  bool operator==(const FleetState&) const = default;
};

struct PlanShare {
  std::string location;
  double weight = 0;  ///< any unit
  bool operator==(const PlanShare&) const = default;
};

/// Where sessions go whose location is lost, as there is room.
struct PlanFailover {
  std::string lost;
  std::vector<PlanShare> to;
  bool operator==(const PlanFailover&) const = default;
};

struct PlanGroup {
  std::string id;
  std::vector<PlanShare> shares;       ///< where sessions go
  std::vector<PlanShare> reserve;      ///< where else, by headroom
  double short_mbps = 0;               ///< demand that nobody can serve
  std::vector<PlanFailover> failover;  ///< where they go if one of the shares' places is lost
  bool operator==(const PlanGroup&) const = default;
};

struct PlanLocation {
  std::string id;
  LocationState state = LocationState::unknown;
  std::uint32_t servers = 0;  ///< to be powered
  bool operator==(const PlanLocation&) const = default;
};

/// What steering serves: any replica that has it answers alike.
struct PlanTable {
  std::uint64_t revision = 0;
  Instant made{};
  Instant valid_until{};
  double power_w = 0;
  double gap = 0;        ///< how far from the best plan at most; of the plan, not of its release
  std::string adoption;  ///< why this plan or the one before it
  std::vector<PlanGroup> groups;        ///< by id, ascending
  std::vector<PlanLocation> locations;  ///< by id, ascending
  /// Of any one location's loss: the highest load that another then has, over its capacity.
  double failover_peak = 0;
  bool operator==(const PlanTable&) const = default;
};

struct Planner {
  Planner() = default;
  Planner(const Planner&) = delete;
  Planner& operator=(const Planner&) = delete;
  virtual ~Planner() = default;
  virtual Result<PlanTable> plan(const FleetState& fleet, Instant now) = 0;
  /// All locations of the group that a session may go to, the first first.
  virtual std::vector<std::string> order(std::string_view session,
                                         const PlanGroup& group) const = 0;
  /// By which order() knows a session: what content steering tells instead of its name.
  virtual std::uint64_t hash(std::string_view session) const = 0;
};

}  // namespace lobo::media_energy
