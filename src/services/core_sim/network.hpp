#pragma once
// Everything of the simulated network that lives between two requests, except the subscriptions.

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/rng.hpp"
#include "services/core_sim/admission.hpp"
#include "services/core_sim/callbacks.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/faults.hpp"
#include "services/core_sim/journal.hpp"
#include "services/core_sim/smf.hpp"
#include "services/core_sim/timers.hpp"
#include "services/core_sim/tokens.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

struct Network {
  Network(const CoreConfig& from, Rng& randomness, Smf::Numbers numbers)
      : config(from),
        rng(randomness),
        world(config),
        admission(config.cells),
        journal(config.limits.journal_entries_max),
        callbacks(config, faults, journal),
        tokens(config),
        smf(config.smf ? std::make_unique<Smf>(*config.smf, numbers) : nullptr) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Subscriptions to it are accepted and never served.
  bool is_mute(std::string_view event) const { return config.mute_events.contains(event); }

  const CoreConfig config;
  Rng& rng;
  World world;
  Admission admission;
  Timers timers;
  FaultPlan faults;
  Journal journal;
  CallbackQueue callbacks;
  Tokens tokens;
  const std::unique_ptr<Smf> smf;  ///< null: the user plane is simulated
  Number next_number = 1;
  std::uint64_t requests = 0;  ///< to the NEF, refused ones too
};

/// How callbacks are called in the fault plan and in the journal.
inline constexpr std::string_view user_plane_notification = "UserPlaneNotification";
inline constexpr std::string_view monitoring_notification = "MonitoringNotification";
inline constexpr std::string_view analytics_notification = "AnalyticsEventNotification";
inline constexpr std::string_view service_parameter_event = "AfNotification";
inline constexpr std::string_view qoe_report_forwarding = "QoeReport";
inline constexpr std::string_view file_ready_notification = "notifyFileReady";
inline constexpr std::string_view test_notification = "TestNotification";
inline constexpr std::string_view app_session_events = "EventsNotification";
inline constexpr std::string_view app_session_termination = "TerminationInfo";

}  // namespace lobo::core_sim
