#pragma once
// What must hold, whatever goes wrong. Each checker has a name; a planted bug (plants.hpp) proves
// that it can turn red.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/ss_nrm.hpp"
#include "base/clock.hpp"
#include "graph/control_plane.hpp"
#include "sim/store.hpp"
#include "simulation/application.hpp"

namespace lobo::app::simulation {

inline constexpr std::size_t findings_kept_max = 20;

struct Finding {
  std::string checker;
  std::string what;
};

/// A reservation as the core holds it: an AsSessionWithQoS subscription, or one to analytics.
struct Reservation {
  std::string id;
  std::string notification_uri;
};

/// What is true outside of the server, for the checkers of monitoring.
struct Surroundings {
  const ConfiguredUes::Groups& groups;
  const std::map<std::string, std::string>& gpsis;                            ///< by VAL UE id
  const std::map<std::string, std::pair<std::string, std::string>>& streams;  ///< VAL UE ids
  const std::vector<Reservation>& at_core;  ///< all that have our notification URI
  const std::set<std::string>& mute;        ///< kinds of source that the core never lets speak
  Instant now{};
};

class Checkers {
 public:
  // ---- after each step ----
  /// durable_before_reply: a 201 that an application reads shows a resource that is durable.
  void confirmed(const Application& application, const Known& known,
                 const sim::StoreState& durable);
  /// commit_before_notification: the store knows of every notification that arrives.
  void told(const Told& told, const sim::StoreState& durable);
  /// never_stuck: a resource in between waits for a call or a timer.
  void not_stuck(const sim::StoreState& durable);

  // ---- when all is quiet ----
  /// nothing_acknowledged_is_lost
  void nothing_lost(const Application& application, const sim::StoreState& durable);
  /// one_reservation_each: after an audit, exactly the one that we know for what is confirmed, none
  /// for anything else, and one watch for each UE that we say is watched.
  void reservations(const std::vector<Reservation>& at_core, std::int64_t watches_at_core,
                    const sim::StoreState& durable);
  /// notifications_complete: no hole that is not parked, order kept.
  void notifications(const Application& application, const sim::StoreState& durable);
  /// adaptation_agrees: every adaptation, its pages and its members say the same, and the members
  /// are those of its group; nothing is at work. The core applies no policy that we do not know.
  void adaptations(const ConfiguredUes::Groups& groups, std::size_t policies_at_core,
                   const sim::StoreState& durable);
  // ---- monitoring, when all is quiet (checkers_monitoring.cpp) ----
  /// monitor_ends_once: whoever ends by itself says so once, last, and by a cause that was asked
  /// for; whoever ends by count has told so many; nobody outlives its time.
  void monitor_ends(const Application& application, const sim::StoreState& durable, Instant now);
  /// monitors_go_on: a monitor that reports periodically has reported values a moment ago.
  void monitors_report(const Application& application, const Surroundings& around,
                       const sim::StoreState& durable);
  /// measures_as_needed: the core measures once what some monitor needs, and nothing else, and
  /// every source knows for whom.
  void measures(const Surroundings& around, const sim::StoreState& durable);
  /// monitor_follows_group: the targets of a monitor of a group are its members.
  void monitor_groups(const Surroundings& around, const sim::StoreState& durable);
  /// monitor_values_possible: nothing is reported that this world cannot have measured.
  void values(const api::ss_nrm::MonitoringReport& report);

  /// nothing_left: after everything was released.
  void nothing_left(const std::vector<Reservation>& at_core, std::int64_t watches_at_core,
                    const sim::StoreState& durable);

  const std::vector<Finding>& findings() const { return findings_; }
  static const std::vector<std::string_view>& names();

 private:
  void find(std::string_view checker, std::string what);
  std::vector<Finding> findings_;
  std::set<std::string> seen_;  ///< one finding a checker and subject
};

}  // namespace lobo::app::simulation
