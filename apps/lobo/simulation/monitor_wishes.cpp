#include "simulation/monitor_wishes.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/ss_nrm.hpp"
#include "base/clock.hpp"
#include "base/rng.hpp"

namespace lobo::app::simulation {

namespace nrm = api::ss_nrm;
using Type = nrm::MeasurementDataTypeKnown;

namespace {

constexpr std::string_view all_features = "1f0000000001";  // docs/spec-map.md
constexpr std::array all_types{Type::dl_delay,
                               Type::ul_delay,
                               Type::rt_delay,
                               Type::avg_plr,
                               Type::avg_data_rate,
                               Type::max_data_rate,
                               Type::avg_dl_traffic_volume,
                               Type::avg_ul_traffic_volume};
constexpr std::size_t delay_types = 3;  ///< the first; of a stream nothing else can be told
constexpr std::array windows_ms{500, 1000, 2000, 4000};

/// A value that links of the virtual world pass in both directions as they get worse and better.
void put_threshold(nrm::MeasurementData& to, Type type) {
  switch (type) {
    case Type::dl_delay: to.dl_delay = 60; return;
    case Type::ul_delay: to.ul_delay = 60; return;
    case Type::rt_delay: to.rt_delay = 120; return;
    case Type::avg_plr: to.avg_plr = 20; return;
    case Type::avg_data_rate: to.avg_data_rate = "1900 Kbps"; return;
    case Type::max_data_rate: to.max_data_rate = "1900 Kbps"; return;
    case Type::avg_dl_traffic_volume: to.avr_dl_traffic_vol = 120'000; return;
    case Type::avg_ul_traffic_volume: to.avr_ul_traffic_vol = 120'000; return;
  }
  std::abort();
}

std::vector<Type> some_types(bool stream, Rng& rng) {
  const auto from = std::span(all_types).first(stream ? delay_types : all_types.size());
  std::vector<Type> out;
  const auto wanted = 1 + rng.below(3);
  while (out.size() < wanted) {
    const auto type = from[rng.below(from.size())];
    if (std::ranges::find(out, type) == out.end()) out.push_back(type);
  }
  return out;
}

nrm::MeasurementRequirements measures(const std::vector<Type>& types, bool extras, Rng& rng,
                                      Instant now) {
  nrm::MeasurementRequirements out;
  for (const auto type : types) out.meas_data_types.emplace_back(type);
  if (extras && rng.below(4) == 0)
    out.aggr_window_sec = 1 + static_cast<std::int64_t>(rng.below(6));
  else
    out.meas_aggr_gran_wnd = windows_ms[rng.below(windows_ms.size())];
  if (rng.below(8) == 0) {
    auto& period = out.meas_period.emplace();
    period.meas_start_time = now + std::chrono::seconds(rng.below(5));
    period.meas_duration = 5 + static_cast<std::int64_t>(rng.below(60));
  }
  return out;
}

void put_end(nrm::ReportingRequirements& to, const std::vector<Type>& types, Rng& rng) {
  using Mode = nrm::TerminationModeKnown;
  switch (rng.below(5)) {
    case 0:
      to.rep_termin_mode = nrm::TerminationMode(Mode::event_triggered_num_reports_reached);
      to.max_num_rep = 1 + static_cast<std::int64_t>(rng.below(6));
      return;
    case 1:
      to.rep_termin_mode = nrm::TerminationMode(Mode::time_triggered);
      to.expiration_timer = 2 + static_cast<std::int64_t>(rng.below(40));
      return;
    case 2: {
      to.rep_termin_mode = nrm::TerminationMode(Mode::event_triggered_meas_thr_reached);
      auto& thresholds = to.term_thr.emplace();
      for (const auto type : types) put_threshold(thresholds, type);
      using Handling = nrm::ThresholdHandlingModeKnown;
      if (types.size() > 1)
        to.term_thr_mode = nrm::ThresholdHandlingMode(rng.below(2) == 0 ? Handling::all_reached
                                                                        : Handling::any_reached);
      return;
    }
    default: return;
  }
}

/// Nothing for a report by windows, which has no requirements of its own.
std::optional<nrm::ReportingRequirements> reporting(const std::vector<Type>& types, Rng& rng) {
  nrm::ReportingRequirements out;
  switch (rng.below(5)) {
    case 0: return std::nullopt;
    case 1: {
      out.reporting_mode = nrm::NotificationMethodKnown::on_event_detection;
      constexpr std::array directions{nrm::MatchingDirectionKnown::ascending,
                                      nrm::MatchingDirectionKnown::descending,
                                      nrm::MatchingDirectionKnown::crossed};
      for (const auto type : types) {
        if (!out.reporting_thrs) out.reporting_thrs.emplace();
        auto& threshold = out.reporting_thrs->emplace_back();
        put_threshold(threshold.meas_thr_values, type);
        threshold.thr_direction = directions[rng.below(directions.size())];
      }
      break;
    }
    default:
      out.reporting_mode = nrm::NotificationMethodKnown::periodic;
      out.reporting_period = 1 + static_cast<std::int64_t>(rng.below(4));
      break;
  }
  if (rng.below(3) == 0) out.imm_rep = true;
  put_end(out, types, rng);
  return out;
}

void put_target(nrm::MonitoringSubscription& to, const MonitorTargets& targets, Rng& rng) {
  switch (rng.below(4)) {
    case 0: to.val_group_id = targets.group; return;
    case 1: to.val_stream_ids = {{targets.streams[rng.below(targets.streams.size())]}}; return;
    default:
      to.val_ue_ids.emplace();
      for (const auto& ue : targets.ues)
        if (to.val_ue_ids->empty() || rng.below(3) == 0)
          to.val_ue_ids->emplace_back().val_ue_id = ue;
  }
}

}  // namespace

void wish_otherwise(nrm::MonitoringSubscription& of, Rng& rng, Instant now) {
  const auto types = some_types(of.val_stream_ids.has_value(), rng);
  of.meas_reqs = measures(types, of.supp_feat.has_value(), rng, now);
  of.report_reqs = reporting(types, rng);
}

nrm::MonitoringSubscription wish_to_monitor(const MonitorTargets& targets, Rng& rng, Instant now) {
  nrm::MonitoringSubscription wanted;
  put_target(wanted, targets, rng);
  if (rng.below(6) != 0) {
    wanted.supp_feat = std::string(all_features);
    if (rng.below(2) == 0) wanted.per_ue_rep = true;
    if (rng.below(8) == 0) wanted.req_test_notif = true;
  }
  wish_otherwise(wanted, rng, now);
  return wanted;
}

nrm::MonitoringSubscription wish_for_one_report(const MonitorTargets& targets, Rng& rng,
                                                Instant now) {
  nrm::MonitoringSubscription wanted;
  put_target(wanted, targets, rng);
  const auto types = some_types(wanted.val_stream_ids.has_value(), rng);
  wanted.meas_reqs = measures(types, false, rng, now);
  wanted.meas_reqs->meas_period.reset();
  if (rng.below(3) == 0) {
    auto& period = wanted.meas_reqs->meas_period.emplace();
    period.meas_start_time = now - std::chrono::seconds(10);
    period.meas_duration = 9;
  }
  wanted.report_reqs.emplace().reporting_mode = nrm::NotificationMethodKnown::one_time;
  return wanted;
}

std::set<std::string> causes_of(const nrm::MonitoringSubscription& subscription) {
  const auto& reporting = subscription.report_reqs;
  if (reporting && reporting->max_num_rep) return {"NUM_REPORTS_REACHED"};
  if (reporting && reporting->term_thr) return {"THRESHOLD_REACHED"};
  return {"DURATION_EXPIRED"};  // Asked for or proposed.
}

}  // namespace lobo::app::simulation
