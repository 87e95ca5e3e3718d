#pragma once
// Rules of a monitoring subscription that its schema cannot say: TS 23.434 tables T21 with its
// NOTEs 1 to 6 and T30, and what this server bounds. Every fault of a body is told at once, by the
// pointer of the member that is to blame.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using api::ss_nrm::MonitoringProfile;
using api::ss_nrm::MonitoringSubscription;

/// Whom a subscription is about, as the directory knows them now.
struct Targets {
  std::vector<api::state::nrm_monitor::Target> ues;
  std::vector<api::state::nrm_monitor::StreamTarget> streams;
  std::vector<api::common::ValTargetUe> unknown_ues;
  std::vector<std::string> unknown_streams;
  std::uint64_t beyond = 0;          ///< members of the group that are too many
  std::uint64_t group_revision = 0;  ///< 0: no such group (any more)
  bool empty() const { return ues.empty() && streams.empty(); }
};
Targets targets_of(const MonitoringSubscription& doc, std::string_view requester,
                   const Settings& settings, const UeDirectory& directory);

struct CheckedMonitor {
  MonitoringSubscription doc;  ///< features negotiated, what is the server's taken out
  MonitoringProfile what;      ///< in force, with the termination that we propose
  bool proposed = false;
  bool once = false;  ///< one report is asked for (T30)
  bool past = false;  ///< … of a period that is over
  Targets targets;
  std::string unknown;  ///< pointer of the member that names nobody we know; else empty
};
Result<CheckedMonitor> check_monitor(MonitoringSubscription doc, std::string_view requester,
                                     const Settings& settings, const UeDirectory& directory,
                                     const resource::Lookup& lookup, Instant now);

/// What an update may not change, and what it leads to. `put` replaces everything, else `text` is a
/// merge patch.
struct CheckedUpdate {
  MonitoringSubscription doc;
  MonitoringProfile what;
  bool proposed = false;
};
Result<CheckedUpdate> check_update(const api::state::nrm_monitor::MonitorState& current,
                                   std::string_view text, bool put, std::string_view requester,
                                   const Settings& settings, const resource::Lookup& lookup,
                                   Instant now);

/// A profile that is to be stored; pointers begin at `where`.
Result<void> check_profile(const MonitoringProfile& profile, const Settings& settings, Instant now);

}  // namespace lobo::seal_nrm
