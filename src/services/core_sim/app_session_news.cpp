#include "services/core_sim/app_session_news.hpp"

#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "api/policy_authorization.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/sessions.hpp"
#include "wire/json/json.hpp"

namespace lobo::core_sim {

namespace n5 = api::policy_authorization;

namespace {

using Event = UserPlaneEventKnown;

std::optional<n5::AfEventKnown> af_event(Event event) {
  switch (event) {
    case Event::successful_resources_allocation:
      return n5::AfEventKnown::successful_resources_allocation;
    case Event::failed_resources_allocation: return n5::AfEventKnown::failed_resources_allocation;
    case Event::qos_guaranteed:
    case Event::qos_not_guaranteed: return n5::AfEventKnown::qos_notif;
    case Event::qos_monitoring: return n5::AfEventKnown::qos_monitoring;
    case Event::pack_delay_var: return n5::AfEventKnown::pack_del_var;
    case Event::usage_report: return n5::AfEventKnown::usage_report;
    case Event::session_termination:
    case Event::loss_of_bearer:
    case Event::recovery_of_bearer:
    case Event::release_of_bearer:
    case Event::qos_not_guaranteed_dl:
    case Event::qos_not_guaranteed_ul:
    case Event::access_type_change:
    case Event::plmn_chg:
    case Event::l4_s_not_available:
    case Event::l4_s_available:
    case Event::bat_offset_info:
    case Event::rt_delay_two_qos_flows:
    case Event::qos_mon_cap_repo:
    case Event::rate_limit_info_repo: return std::nullopt;
  }
  std::abort();
}

std::optional<std::vector<n5::Flows>> flows_of(const Report& report) {
  if (!report.flow_ids) return std::nullopt;
  std::map<std::int64_t, std::vector<std::int64_t>> by_component;
  for (const auto id : *report.flow_ids) by_component[id >> 16].push_back(id & 0xFFFF);
  std::vector<n5::Flows> all;
  for (auto& [component, numbers] : by_component) {
    auto& flows = all.emplace_back();
    flows.med_comp_n = component;
    flows.f_nums = std::move(numbers);
  }
  return all;
}

std::vector<n5::QosMonitoringReport> measured(
    const std::vector<api::as_session_with_qos::QosMonitoringReport>& from) {
  std::vector<n5::QosMonitoringReport> all;
  for (const auto& one : from) {
    auto& report = all.emplace_back();
    report.ul_delays = one.ul_delays;
    report.dl_delays = one.dl_delays;
    report.rt_delays = one.rt_delays;
    report.pdmf = one.pdmf;
    report.ul_data_rate = one.ul_data_rate;
    report.dl_data_rate = one.dl_data_rate;
  }
  return all;
}

}  // namespace

n5::EventsNotification events_notification(const Report& report, const std::string& uri) {
  n5::EventsNotification news;
  news.ev_subs_uri = uri + "/events-subscription";
  const auto event = report.event.known();
  const auto told = event ? af_event(*event) : std::nullopt;
  if (!told) return news;
  auto& first = news.ev_notifs.emplace_back();
  first.event = *told;
  first.flows = flows_of(report);
  if (*told == n5::AfEventKnown::qos_notif) {
    auto& control = news.qnc_reports.emplace().emplace_back();
    control.notif_type = *event == Event::qos_guaranteed ? n5::QosNotifTypeKnown::guaranteed
                                                         : n5::QosNotifTypeKnown::not_guaranteed;
    control.flows = first.flows;
    control.alt_ser_req = report.applied_qos_ref;
  } else if (*told == n5::AfEventKnown::successful_resources_allocation) {
    auto& allocated = news.succ_resourc_alloc_reports.emplace().emplace_back();
    allocated.mc_resourc_status = n5::MediaComponentResourcesStatusKnown::active;
    allocated.flows = first.flows;
    allocated.alt_ser_req = report.applied_qos_ref;
  } else if (*told == n5::AfEventKnown::failed_resources_allocation) {
    auto& failed = news.failed_resourc_alloc_reports.emplace().emplace_back();
    failed.mc_resourc_status = n5::MediaComponentResourcesStatusKnown::inactive;
    failed.flows = first.flows;
  }
  if (report.qos_mon_reports) news.qos_mon_reports = measured(*report.qos_mon_reports);
  if (report.qos_mon_dat_rate_reps)
    news.qos_mon_dat_rate_reps = measured(*report.qos_mon_dat_rate_reps);
  if (report.pdv_mon_reports)
    for (const auto& one : *report.pdv_mon_reports) {
      if (!news.pdv_mon_reports) news.pdv_mon_reports.emplace();
      auto& jitter = news.pdv_mon_reports->emplace_back();
      jitter.dl_pdv = one.dl_pdv;
      jitter.ul_pdv = one.ul_pdv;
      jitter.rt_pdv = one.rt_pdv;
    }
  news.usg_rep = report.accumulated_usage;
  return news;
}

std::optional<AppSessionNews> app_session_news(const Session& session, const Report& report,
                                               const std::string& uri, const PcfQuirks& quirks) {
  if (report.event.known() == Event::session_termination) {
    n5::TerminationInfo end;
    end.term_cause = n5::TerminationCauseKnown::pdu_session_termination;
    end.res_uri = uri;
    return AppSessionNews{session.terms.end_told_to + "/terminate", app_session_termination,
                          json::write(end)};
  }
  if (quirks.silent) return std::nullopt;
  const auto news = events_notification(report, uri);
  if (news.ev_notifs.empty()) return std::nullopt;
  return AppSessionNews{session.terms.destination + "/notify", app_session_events,
                        json::write(news)};
}

}  // namespace lobo::core_sim
