// TS 23.434 clause 14.3.3.4.4: monitoring data for once (T30, T31), from the own time series.

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/features.hpp"
#include "services/seal_nrm/monitor_hub.hpp"
#include "services/seal_nrm/monitor_machine_step.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/monitor_terms.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/series.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

namespace nrm = api::ss_nrm;
namespace state = api::state::nrm_monitor;

namespace {

struct Span {
  Instant from;
  Instant to;
};

/// What is asked for is more than one answer has.
Refusal too_much() {
  return {
      400,
      "Too much for one answer",
      "OPTIONAL_IE_INCORRECT",
      "more values than one answer is made of; ask for a shorter time or for fewer measurements",
      {{Errc::too_large, "/measReqs/measPeriod", "has too many values"}}};
}

/// The disk, as a rule.
Refusal unreadable() {
  return {503, "What was measured cannot be read", "INSUFFICIENT_RESOURCES",
          "the time series cannot be read now; ask for it later"};
}

/// The period that is asked for as far as it has passed, else the window that ends now.
Span span_of(const MonitoringProfile& what, Instant now) {
  const auto& period = what.meas_reqs.meas_period;
  if (!period) return {now - window_of(what.meas_reqs), now};
  const auto end = period->meas_start_time + std::chrono::seconds(period->meas_duration);
  return {period->meas_start_time, std::min(end, now)};
}

Refusal nothing_measured() {
  return {404,
          "Nothing measured",
          "DATA_NOT_AVAILABLE",
          "nothing was measured in the time that is asked for",
          {{Errc::not_found, "/measReqs", "no data for it"}}};
}

}  // namespace

void MonitorStep::begin_once(const resource::Command& command, bool past) {
  clause_ = "14.3.3.4.4";
  state_.stage = state::MonitorStage::once;
  state_.request = command.request;
  if (answer_once(past)) {
    erased_ = true;
    return;
  }
  // Nobody measures all of it yet: begin, and wait a moment.
  state_.answer_by = now_ + settings_.monitoring.once_wait;
  want(sources(), command.secret);
  observe();
  effects_.start(timer_answer, now_ + once_look_every);
}

void MonitorStep::fired(std::string_view timer) {
  if (timer != timer_answer || state_.stage != state::MonitorStage::once) return;
  clause_ = "14.3.3.4.4";
  const bool late = now_ >= state_.answer_by.value_or(now_);
  if (answer_once(late)) return leave();
  effects_.start(timer_answer, now_ + once_look_every);
}

/// True when it was answered: with everything, or with `whatever` is there.
bool MonitorStep::answer_once(bool whatever) {
  const auto span = span_of(state_.what, now_);
  const auto measures = measures_of(state_.what);
  monitor::Measures wanted;
  for (const auto measure : measures) wanted.add(measure);

  nrm::MonitoringReport out;
  out.timestamp = now_;
  std::map<Measure, nrm::FailureReport> failures;
  const auto failed = [&](Measure measure) -> nrm::FailureReport& {
    auto& one = failures[measure];
    one.failure_reason = nrm::FailureReason(nrm::FailureReasonKnown::data_not_available);
    one.meas_data_type = nrm::MeasurementDataType(term_of(measure).type);
    return one;
  };
  std::map<Measure, std::vector<double>> values;
  auto& each = out.ue_reports.emplace();
  bool complete = true;
  std::optional<Errc> broken;
  const auto look = [&](const std::string& series, nrm::UeReport one, const auto& blame) {
    const auto points = series_ == nullptr ? Result<std::vector<monitor::SeriesPoint>>()
                                           : series_->read(series, wanted, span.from, span.to);
    if (!points && !broken) broken = points.error().code;
    for (const auto measure : measures) {
      const auto merged = points ? monitor::merge(*points, measure) : std::nullopt;
      if (!merged) {
        complete = false;
        blame(failed(measure));
        continue;
      }
      put_value(one.meas_data, measure, merged->value(measure));
      values[measure].push_back(merged->value(measure));
    }
    if (has_values(one.meas_data)) each.push_back(std::move(one));
  };
  // Looked at again and again until all is there, so no further than what is not.
  const auto enough = [&] { return broken || (!complete && !whatever); };
  for (const auto& target : state_.targets) {
    if (enough()) break;
    nrm::UeReport one;
    one.val_ue = target.ue;
    look(target.gpsi, std::move(one), [&](nrm::FailureReport& failure) {
      if (!failure.val_ue_ids) failure.val_ue_ids.emplace();
      if (failure.val_ue_ids->size() < failures_listed_max)
        failure.val_ue_ids->push_back(target.ue);
    });
  }
  for (const auto& stream : state_.streams) {
    if (enough()) break;
    nrm::UeReport one;
    one.val_stream_id = stream.id;
    look(series_of(stream), std::move(one), [&](nrm::FailureReport& failure) {
      if (!failure.val_stream_ids) failure.val_stream_ids.emplace();
      if (failure.val_stream_ids->size() < failures_listed_max)
        failure.val_stream_ids->push_back(stream.id);
    });
  }
  if (broken) {
    effects_.reply(state_.request,
                   refusal_response(broken == Errc::too_large ? too_much() : unreadable()));
    return true;
  }
  if (!complete && !whatever) return false;
  if (values.empty()) {
    effects_.reply(state_.request, refusal_response(nothing_measured()));
    return true;
  }

  nrm::MeasurementData data;
  for (const auto& [measure, all] : values) {
    double sum = 0;
    for (const auto value : all) sum += value;
    put_value(data, measure,
              measure == Measure::rate_maximum ? *std::ranges::max_element(all)
                                               : sum / static_cast<double>(all.size()));
  }
  out.meas_data = std::move(data);
  out.val_group_id = state_.doc.val_group_id;
  if (state_.doc.val_ue_ids) {
    out.val_ue_ids.emplace();
    for (const auto& one : each) out.val_ue_ids->push_back(*one.val_ue);
  }
  if (state_.doc.val_stream_ids) {
    out.val_stream_ids.emplace();
    for (const auto& one : each) out.val_stream_ids->push_back(*one.val_stream_id);
  }
  for (auto& [measure, failure] : failures) {
    if (!out.failure_rep) out.failure_rep.emplace();
    out.failure_rep->push_back(std::move(failure));
  }
  for (const auto measure : measures) {
    const auto unknown = [&](nrm::FailureReasonKnown reason) -> nrm::FailureReport& {
      if (!out.failure_rep) out.failure_rep.emplace();
      auto& one = out.failure_rep->emplace_back();
      one.failure_reason = nrm::FailureReason(reason);
      one.meas_data_type = nrm::MeasurementDataType(term_of(measure).type);
      return one;
    };
    if (!state_.unknown_ues.empty())
      unknown(nrm::FailureReasonKnown::user_not_found).val_ue_ids = state_.unknown_ues;
    if (!state_.unknown_streams.empty())
      unknown(nrm::FailureReasonKnown::stream_not_found).val_stream_ids = state_.unknown_streams;
  }
  if (negotiated(state_.doc.supp_feat, MonitorFeature::report_extras))
    out.measured_from = span.from;
  if (!negotiated(state_.doc.supp_feat, MonitorFeature::per_ue) ||
      !state_.doc.per_ue_rep.value_or(false))
    out.ue_reports.reset();
  effects_.reply(state_.request,
                 http::Response{200, {{"content-type", "application/json"}}, json::write(out)});
  return true;
}

}  // namespace lobo::seal_nrm
