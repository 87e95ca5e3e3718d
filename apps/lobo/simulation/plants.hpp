#pragma once
// Bugs to order. A checker that has never been red proves nothing; each plant is a fault of ours
// (not of the world around us), put between the server and one of its ports, and names the checker
// that must find it.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/ports.hpp"
#include "sim/loop.hpp"

namespace lobo::app::simulation {

enum class Plant : std::uint8_t {
  reply_before_durable,   ///< commits are reported done before they are
  forget_calls,           ///< calls are not written to the outbox
  forget_timers,          ///< timers are not stored
  forget_tells,           ///< what resources say to each other is not written to the outbox
  swallow_notifications,  ///< a notification is called delivered although it was never sent
  swap_notifications,     ///< the first attempt at every second notification is held back
  reserve_twice,          ///< a reservation is asked for twice, and one answer forgotten
  notify_before_commit,   ///< notifications leave when they are decided, not when committed
  tidy_too_much,          ///< with a resource that is erased goes another one
  no_audit,               ///< the core's list is never compared with ours
  pretend_release,        ///< every third release is called done and never sent
  forget_monitors,        ///< with a monitor that is erased goes another one
  follow_no_monitors,     ///< after a start the monitors in the store are not taken up
  swallow_reports,        ///< every third report is called delivered although it was never sent
  end_without_cause,      ///< the last report does not say that it is the last
  end_twice,              ///< the last report is followed by another one
  wrong_unit,             ///< delays are reported in nanoseconds
  measure_twice,          ///< what measures is subscribed to twice, and one answer forgotten
  keep_measuring,         ///< the core is not told that nobody needs a measurement any more
  old_groups,             ///< the configuration of groups is read once and never again
};

std::optional<Plant> plant_from(std::string_view name);
std::string_view to_string(Plant plant);
const std::vector<Plant>& plants();
/// The checker that must turn red.
std::string_view caught_by(Plant plant);

/// Between a server and its store; null plant: hands everything through.
std::unique_ptr<runtime::Store> planted_store(runtime::Store& store, sim::SimLoop& loop,
                                              Plant plant, runtime::HttpClient& sinks);
/// Between a server and its client.
std::unique_ptr<runtime::HttpClient> planted_client(runtime::HttpClient& client, sim::SimLoop& loop,
                                                    Plant plant);

}  // namespace lobo::app::simulation
