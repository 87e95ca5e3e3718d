#pragma once
// One step of a monitor in the making. Private to monitor_machine.cpp, monitor_commands.cpp,
// monitor_once.cpp and monitor_notify.cpp.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/monitor_checks.hpp"
#include "services/seal_nrm/monitor_view.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/series.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

using api::state::nrm_monitor::MonitorState;

inline constexpr std::string_view timer_answer = "answer";
/// How often a one-shot request that waits looks whether everything is there.
inline constexpr std::chrono::milliseconds once_look_every{500};

class MonitorStep {
 public:
  MonitorStep(const Settings& settings, const UeDirectory& directory, const MonitorView& view,
              const monitor::Series* series, const resource::Key& key, Instant now,
              const resource::Lookup& lookup)
      : settings_(settings),
        directory_(directory),
        view_(view),
        series_(series),
        key_(key),
        now_(now),
        lookup_(lookup) {}

  Result<void> load(const resource::Record& current);
  Result<void> create(const resource::Command& command);
  Result<void> create_again(const resource::Command& command);
  Result<void> update(const resource::Command& command);
  Result<void> remove(const resource::Command& command);
  void told(const resource::Told& told);
  void fired(std::string_view timer);
  resource::Outcome finish(const resource::Record* current);

 private:
  // monitor_commands.cpp
  void take_targets(Targets targets);
  void want(const std::vector<std::string>& sources, const std::string& secret);
  void release(const std::vector<std::string>& sources);
  std::vector<std::string> sources() const;
  void observe();
  void leave();
  void pass_thresholds_anew(const MonitoringProfile& next);
  http::Response representation(int status) const;
  void members_changed();
  // monitor_once.cpp
  void begin_once(const resource::Command& command, bool past);
  bool answer_once(bool whatever);
  // monitor_notify.cpp
  void report(const api::state::nrm_monitor::ReportDue& due);
  void end_with(api::ss_nrm::TerminationCauseKnown cause);
  void notify(api::ss_nrm::MonitoringReport report, std::string_view clause);
  void post(std::string body, std::string_view clause);

  const Settings& settings_;
  const UeDirectory& directory_;
  const MonitorView& view_;
  const monitor::Series* series_;
  const resource::Key& key_;
  Instant now_;
  const resource::Lookup& lookup_;

  MonitorState state_;
  std::string owner_;
  Effects effects_;
  bool erased_ = false;
  std::string_view clause_;
};

}  // namespace lobo::seal_nrm
