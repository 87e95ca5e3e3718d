#pragma once
// A subscription to what UEs, a group or streams experience (TS 23.434 clause 14.3.3.4): kind
// "monitor". It says what is asked for, who brings it, and how much has been told.
//
//   running -> (erased)    by DELETE, or because the engine says that its reporting has ended
//   once    -> (erased)    one report: waits a moment for first samples, answers, and goes
//
// Samples do not come here. The hub (monitor_hub.hpp) hears of each change by Observe "monitor",
// and tells "report", "progress" and "not_followed"; whoever watches groups tells "members". Each
// report is one commit: the notification, its sequence number, and how far the engine has come.

#include <string>
#include <string_view>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "services/seal_nrm/monitor_view.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/series.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

/// The subject of every monitor: by it all are found at the start.
inline constexpr std::string_view every_monitor = "all";
inline constexpr std::size_t monitors_max = 1'000'000;

class MonitorMachine final : public resource::Machine {
 public:
  /// All outlive the machine.
  /// Without a series there are no past periods.
  MonitorMachine(const Settings& settings, const UeDirectory& directory, const MonitorView& view,
                 const monitor::Series* series)
      : settings_(settings), directory_(directory), view_(view), series_(series) {}

  std::string_view kind() const override { return "monitor"; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
  const UeDirectory& directory_;
  const MonitorView& view_;
  const monitor::Series* series_;
};

/// "{apiRoot}/ss-nrm/v1/subscriptions/{id}"
std::string monitor_uri(const Settings& settings, std::string_view id);
/// As its owner sees it, with the members that were negotiated.
api::ss_nrm::MonitoringSubscription represent(const api::state::nrm_monitor::MonitorState& state,
                                              const MonitorView& view, Instant now);

}  // namespace lobo::seal_nrm
