#pragma once
// What must hold, whatever goes wrong. Each checker has a name; a planted bug (plants.hpp) proves
// that it can turn red.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "graph/control_plane.hpp"
#include "sim/store.hpp"
#include "simulation/application.hpp"

namespace lobo::app::simulation {

inline constexpr std::size_t findings_kept_max = 20;

struct Finding {
  std::string checker;
  std::string what;
};

/// A reservation as the core holds it: an AsSessionWithQoS subscription.
struct Reservation {
  std::string id;
  std::string notification_uri;
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
