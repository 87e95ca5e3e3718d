// What the application is told: MonitoringReport to its notifUri (T23), in order, without holes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "services/seal_nrm/features.hpp"
#include "services/seal_nrm/monitor_machine_step.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::seal_nrm {

namespace nrm = api::ss_nrm;

/// The engine found something to report; with `ends` for the last time.
void MonitorStep::report(const api::state::nrm_monitor::ReportDue& due) {
  state_.progress = due.progress;
  clause_ = due.ends ? "14.3.3.4.3" : "14.3.3.4.2";
  if (due.report) {
    auto news = *due.report;
    news.termination_cause = due.ends;
    notify(std::move(news), clause_);
  }
  if (due.ends) leave();
}

/// Ended for a reason that no measurement gave.
void MonitorStep::end_with(nrm::TerminationCauseKnown cause) {
  clause_ = "14.3.3.4.3";
  nrm::MonitoringReport news;
  news.timestamp = now_;
  news.val_ue_ids = state_.doc.val_ue_ids;
  news.val_group_id = state_.doc.val_group_id;
  news.val_stream_ids = state_.doc.val_stream_ids;
  news.termination_cause = nrm::TerminationCause(cause);
  notify(std::move(news), clause_);
  leave();
}

void MonitorStep::notify(nrm::MonitoringReport news, std::string_view clause) {
  const auto& features = state_.doc.supp_feat;
  const bool extras = negotiated(features, MonitorFeature::report_extras);
  // Stage 3 has no report without data: who did not negotiate it could not read it. And where the
  // reports are counted, one that tells nothing is none.
  const bool counted = state_.what.report_reqs && state_.what.report_reqs->max_num_rep;
  if (!news.meas_data && (!extras || (counted && !news.termination_cause))) return;
  state_.reports = state_.reports.value_or(0) + 1;
  state_.last_report_at = now_;
  if (extras) {
    news.seq = static_cast<std::int64_t>(state_.sequence.value_or(0) + 1);
    news.subscription_id = key_.id;
  } else {
    news.termination_cause.reset();
    news.measured_from.reset();
    news.gap_sec.reset();
  }
  if (negotiated(features, MonitorFeature::profiles)) news.profile_id = state_.doc.profile_id;
  if (!negotiated(features, MonitorFeature::per_ue) || !state_.doc.per_ue_rep.value_or(false))
    news.ue_reports.reset();
  post(json::write(news), clause);
}

void MonitorStep::post(std::string body, std::string_view clause) {
  state_.sequence = state_.sequence.value_or(0) + 1;
  effects_.add(resource::Notify{state_.doc.notif_uri.value_or(""), *state_.sequence,
                                std::move(body), std::string(clause)});
}

}  // namespace lobo::seal_nrm
