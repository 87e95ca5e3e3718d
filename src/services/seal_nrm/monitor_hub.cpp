#include "services/seal_nrm/monitor_hub.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/measure_source.hpp"
#include "services/seal_nrm/monitor_engine.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/monitor_terms.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/series.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

namespace nrm = api::ss_nrm;
namespace state = api::state::nrm_monitor;

namespace {

std::uint64_t number_of(monitor::SubscriptionId id) {
  return std::uint64_t{id.generation} << 32U | id.index;
}

}  // namespace

std::string series_of(const state::StreamTarget& stream) { return stream.from + '\n' + stream.to; }

MonitorHub::MonitorHub(const Settings& settings, monitor::Series* series,
                       const monitor::EngineLimits& limits)
    : settings_(settings), step_back_max_(limits.step_back_max), series_(series), engine_(limits) {}

/// A clock that steps back takes along when each source was last heard of, or those that are silent
/// would be shown as flowing, and reports taken for doubles, until it has come back.
void MonitorHub::follow(Instant now) {
  if (now < now_ && now_ - now <= step_back_max_) return;  // Standing still, as for the engine.
  const auto back = std::exchange(now_, now) - now;
  if (back <= Instant::duration::zero()) return;
  for (auto& [id, source] : sources_) {
    source.since -= back;
    if (source.last) *source.last -= back;
    if (source.heard) *source.heard -= back;
    source.asked -= back;
  }
}

void MonitorHub::observed(const resource::Key& from, const resource::Observe& what, Instant now) {
  follow(now);
  if (what.what == "samples") {
    if (const auto seen = json::read<state::SamplesSeen>(what.body)) samples(*seen, now);
  } else if (what.what == "source") {
    auto seen = json::read<state::SourceSeen>(what.body);
    if (!seen) return;
    auto& source = sources_[from.id];
    if (source.seen.stage != seen->stage || source.since == Instant{}) source.since = now;
    source.seen = std::move(*seen);
  } else if (what.what == "source_gone") {
    sources_.erase(from.id);
  } else if (what.what == "monitor") {
    auto seen = json::read<state::MonitorSeen>(what.body);
    if (!seen) return;
    if (!seen->state) return forget(from.id);
    set(from.id, std::move(*seen->state), seen->restart.value_or(false), now);
    flush(now);
  }
}

void MonitorHub::restore(const std::string& id, state::MonitorState stored, Instant now) {
  const auto last = stored.last_report_at ? stored.last_report_at : stored.started_at;
  set(id, std::move(stored), false, now);
  if (const auto found = monitors_.find(id); found != monitors_.end()) {
    found->second.gap_from = last;
    found->second.restored_at = now;
  }
  flush(now);
}

void MonitorHub::restore(const state::MeasureSourceState& source, Instant now) {
  auto& kept = sources_[source_id(source.kind, source.gpsi)];
  kept.seen.kind = source.kind;
  kept.seen.gpsi = source.gpsi;
  kept.seen.stage = source.stage;
  kept.seen.cause = source.cause;
  kept.seen.simulated = source.simulated;
  kept.since = now;
}

// ---- monitors ---------------------------------------------------------------------------------

std::vector<monitor::TargetId> MonitorHub::use_targets(Monitor& kept, Instant now) {
  std::vector<monitor::TargetId> ids;
  const auto ue = [&](const std::string& gpsi) -> std::optional<monitor::TargetId> {
    auto& known = ues_[gpsi];
    if (known.users == 0) {
      const auto made = engine_.add_ue();
      if (!made) {
        ues_.erase(gpsi);
        return std::nullopt;
      }
      known.target = *made;
      record(known, gpsi, now);
    }
    ++known.users;
    kept.ues.push_back(gpsi);
    return known.target;
  };
  for (const auto& target : kept.state.targets)
    if (const auto id = ue(target.gpsi)) ids.push_back(*id);
  for (const auto& stream : kept.state.streams) {
    const auto from = ue(stream.from);
    const auto to = ue(stream.to);
    if (!from || !to) continue;
    const auto key = series_of(stream);
    auto& known = streams_[key];
    if (known.users == 0) {
      const auto made = engine_.add_stream(*from, *to);
      if (!made) {
        streams_.erase(key);
        continue;
      }
      known.target = *made;
      record(known, key, now);
    }
    ++known.users;
    kept.streams.push_back(key);
    ids.push_back(known.target);
  }
  return ids;
}

/// All that is measured of a target, point by point, for requests about past periods.
void MonitorHub::record(Ue& known, const std::string& series, Instant now) {
  if (series_ == nullptr) return;
  monitor::Rule rule;
  for (const auto measure : monitor::all_measures) rule.measures.add(measure);
  rule.window = settings_.monitoring.series_step;
  rule.start = now;
  rule.starts_at_once = true;
  const auto made = engine_.add(rule, std::span(&known.target, 1), now, *this);
  if (!made) return;
  known.recorder = *made;
  recorders_[number_of(*made)] = series;
}

void MonitorHub::unrecord(const Ue& known) {
  engine_.remove(known.recorder);
  recorders_.erase(number_of(known.recorder));
}

void MonitorHub::let_go(const std::vector<std::string>& ues,
                        const std::vector<std::string>& streams) {
  for (const auto& key : streams) {  // First: they use the UEs.
    const auto found = streams_.find(key);
    if (found == streams_.end() || --found->second.users > 0) continue;
    unrecord(found->second);
    engine_.remove_target(found->second.target);
    streams_.erase(found);
  }
  for (const auto& gpsi : ues) {
    const auto found = ues_.find(gpsi);
    if (found == ues_.end() || --found->second.users > 0) continue;
    unrecord(found->second);
    engine_.remove_target(found->second.target);
    ues_.erase(found);
  }
}

void MonitorHub::set(const std::string& id, state::MonitorState stored, bool anew, Instant now) {
  auto& kept = monitors_[id];
  const auto ues = std::exchange(kept.ues, {});
  const auto streams = std::exchange(kept.streams, {});
  const bool known = kept.subscription.generation != 0;
  const bool same = known && !anew && kept.state.targets == stored.targets &&
                    kept.state.streams == stored.streams && kept.state.what == stored.what;
  kept.state = std::move(stored);
  const auto ids = use_targets(kept, now);
  let_go(ues, streams);
  // One report is made of the series alone.
  if (same || kept.state.stage != state::MonitorStage::running) return;
  const auto rule = rule_of(kept.state.what, kept.state.started_at,
                            kept.state.ends_from.value_or(kept.state.started_at));
  Result<void> done;
  if (known) {
    done = engine_.update(kept.subscription, rule, ids, now, *this);
  } else {
    const auto progress =
        kept.state.progress ? restored(*kept.state.progress) : monitor::Progress{};
    const auto added = engine_.add(rule, ids, now, *this, progress);
    if (added) {
      kept.subscription = *added;
      by_subscription_[number_of(*added)] = id;
    } else {
      done = fail(added.error());
    }
  }
  // It would be monitored by nobody: told, and ended.
  if (!done) due_.push_back({id, "not_followed", {}, true});
}

void MonitorHub::forget(const std::string& id) {
  const auto found = monitors_.find(id);
  if (found == monitors_.end()) return;
  const auto subscription = found->second.subscription;
  engine_.remove(subscription);
  by_subscription_.erase(number_of(subscription));
  let_go(found->second.ues, found->second.streams);
  monitors_.erase(found);
}

// ---- samples ----------------------------------------------------------------------------------

/// Whether this very callback has been there before: a core that gets no answer sends it again. One
/// that says when it was measured is known by what it says. Of others, equal values may as well
/// have been measured twice, but not within half of the time between two measurements.
bool MonitorHub::is_repeated(Source& source, const state::SamplesSeen& seen, Instant now) {
  if (!seen.digest) return false;
  const auto same = std::ranges::find(source.known, *seen.digest, &Callback::digest);
  if (same == source.known.end() || same->seen == Instant{}) {
    source.known[source.next] = {*seen.digest, now};
    source.next = (source.next + 1) % callbacks_known_max;
    return false;
  }
  const bool near = std::chrono::abs(now - same->seen) < settings_.monitoring.sample_period / 2;
  same->seen = now;
  if (!near && !seen.timed.value_or(false)) return false;
  ++repeated_;
  return true;
}

void MonitorHub::samples(const state::SamplesSeen& seen, Instant now) {
  const auto id = source_id(seen.kind, seen.gpsi);
  const auto source = sources_.find(id);
  if (source == sources_.end() || is_repeated(source->second, seen, now)) return;
  const auto before = source->second.last;
  // A usage report is what was carried since the one before: the same again within half of its time
  // is the same one, sent twice.
  if (seen.kind == state::SourceKind::usage && before && !seen.samples.empty()) {
    const std::chrono::microseconds span{
        std::chrono::seconds{seen.samples.front().seconds.value_or(0)}};
    if (now - *before < span / 2) return;
  }
  source->second.heard = now;
  source->second.failed = seen.failed.value_or(false);
  if (seen.samples.empty()) return;
  source->second.last = now;
  const auto ue = ues_.find(seen.gpsi);
  if (ue == ues_.end()) return;
  std::int64_t behind = 0;
  for (const auto& one : seen.samples) {
    monitor::Sample sample;
    sample.target = ue->second.target;
    sample.value = one.value;
    // Several values of one callback are of one moment; each is its own all the same.
    sample.taken_at = now - std::chrono::microseconds(behind++);
    sample.source = static_cast<std::uint16_t>(seen.kind);
    for (const auto& term : measure_terms()) {
      if (term.sample != one.index || term.source != seen.kind) continue;
      sample.measure = term.measure;
      if (monitor::is_volume(term.measure)) {
        const auto span = one.seconds.value_or(0) > 0
                              ? std::chrono::microseconds(std::chrono::seconds(*one.seconds))
                              : std::chrono::microseconds(settings_.monitoring.sample_period);
        sample.to = now;
        sample.from = now - span;
      }
      engine_.feed(sample, now, *this);
    }
  }
  flush(now);
}

void MonitorHub::advance(Instant now) {
  follow(now);
  engine_.advance(now, *this);
  flush(now);
}

// ---- what is to be told -------------------------------------------------------------------------

/// What the engine told in its last call, round by round.
void MonitorHub::flush(Instant now) {
  for (std::size_t from = 0; from < told_.size();) {
    std::size_t to = from + 1;
    while (to < told_.size() && told_[to].subscription == told_[from].subscription &&
           told_[to].number == told_[from].number)
      ++to;
    round(from, to, now);
    from = to;
  }
  told_.clear();
  for (const auto subscription : std::exchange(progressed_, {})) {
    const auto found = by_subscription_.find(number_of(subscription));
    const auto progress = engine_.progress(subscription);
    if (found == by_subscription_.end() || !progress) continue;
    state::ReportDue body;
    body.progress = stored(*progress);
    due_.push_back({found->second, "progress", json::write(body)});
  }
}

void MonitorHub::round(std::size_t from, std::size_t to, Instant now) {
  if (const auto recorder = recorders_.find(number_of(told_[from].subscription));
      recorder != recorders_.end()) {
    for (std::size_t i = from; i < to; ++i)
      for (const auto measure : monitor::all_measures)
        if (const auto* value = told_[i].find(measure))
          if (!series_->append(recorder->second, {measure, told_[i].from, told_[i].to, *value},
                               now))
            ++points_lost_;
    return;
  }
  const auto found = by_subscription_.find(number_of(told_[from].subscription));
  if (found == by_subscription_.end()) return;
  const std::string id = found->second;
  auto& kept = monitors_.at(id);
  state::ReportDue body;
  body.report = report_of(kept, from, to, now);
  // One without data may not be sent at all: the gap is told until one has some.
  if (body.report && body.report->meas_data) kept.gap_from.reset();
  const auto progress = engine_.progress(told_[from].subscription);
  body.progress = stored(progress.value_or(monitor::Progress{}));
  for (std::size_t i = from; i < to; ++i)
    if (told_[i].termination) body.ends = nrm::TerminationCause(cause_of(*told_[i].termination));
  // Of an empty group there is nothing but the cause, and a report needs something.
  if (body.report) body.report->termination_cause = body.ends;
  due_.push_back({id, "report", json::write(body), body.ends.has_value()});
}

nrm::MonitoringReport MonitorHub::report_of(const Monitor& kept, std::size_t from, std::size_t to,
                                            Instant now) const {
  const auto& doc = kept.state.doc;
  const auto ues = kept.state.targets.size();
  nrm::MonitoringReport out;
  out.timestamp = now;
  struct Sum {
    double value = 0;
    std::size_t count = 0;
  };
  std::array<Sum, monitor::measures_count> sums;
  std::vector<bool> in_round(ues + kept.state.streams.size());
  std::map<Measure, std::vector<std::size_t>> without;
  const auto measures = measures_of(kept.state.what);
  Instant measured_from = now;
  auto& each = out.ue_reports.emplace();
  for (std::size_t i = from; i < to; ++i) {
    const auto& told = told_[i];
    if (told.target.generation == 0 || told.target_at >= in_round.size()) continue;
    in_round[told.target_at] = true;
    if (told.from != Instant{}) measured_from = std::min(measured_from, told.from);
    nrm::UeReport one;
    if (told.target_at < ues)
      one.val_ue = kept.state.targets[told.target_at].ue;
    else
      one.val_stream_id = kept.state.streams[told.target_at - ues].id;
    for (const auto measure : measures) {
      const auto* value = told.find(measure);
      if (value == nullptr) {
        without[measure].push_back(told.target_at);
        continue;
      }
      put_value(one.meas_data, measure, value->value(measure));
      auto& sum = sums[monitor::index_of(measure)];
      sum.value = measure == Measure::rate_maximum ? std::max(sum.value, value->value(measure))
                                                   : sum.value + value->value(measure);
      ++sum.count;
    }
    if (has_values(one.meas_data)) each.push_back(std::move(one));
  }
  // Of a threshold only those are told that reached it; in every other round all should be there.
  const bool all = told_[from].cause != monitor::Cause::threshold;
  for (std::size_t i = 0; all && i < in_round.size(); ++i)
    if (!in_round[i])
      for (const auto measure : measures) without[measure].push_back(i);

  nrm::MeasurementData data;
  for (const auto measure : measures) {
    const auto& sum = sums[monitor::index_of(measure)];
    if (sum.count == 0) continue;
    put_value(
        data, measure,
        measure == Measure::rate_maximum ? sum.value : sum.value / static_cast<double>(sum.count));
  }
  if (has_values(data)) out.meas_data = std::move(data);
  out.measured_from = measured_from;

  // The targets: those that something is told of, or the group as such.
  if (doc.val_group_id) {
    out.val_group_id = doc.val_group_id;
  } else if (doc.val_ue_ids) {
    std::vector<api::common::ValTargetUe> named;
    for (const auto& one : each) named.push_back(*one.val_ue);
    out.val_ue_ids = std::move(named);
    if (out.val_ue_ids->empty()) out.val_ue_ids = doc.val_ue_ids;
  } else if (doc.val_stream_ids) {
    std::vector<std::string> named;
    for (const auto& one : each) named.push_back(*one.val_stream_id);
    out.val_stream_ids = std::move(named);
    if (out.val_stream_ids->empty()) out.val_stream_ids = doc.val_stream_ids;
  }
  auto& failures = out.failure_rep.emplace();
  const auto failure = [&](Measure measure, nrm::FailureReasonKnown reason) -> nrm::FailureReport& {
    auto& one = failures.emplace_back();
    one.failure_reason = nrm::FailureReason(reason);
    one.meas_data_type = nrm::MeasurementDataType(term_of(measure).type);
    return one;
  };
  for (const auto& [measure, places] : without) {
    auto& one = failure(measure, nrm::FailureReasonKnown::data_not_available);
    for (const auto place : places) {
      if (place < ues) {
        if (!one.val_ue_ids) one.val_ue_ids.emplace();
        if (one.val_ue_ids->size() < failures_listed_max)
          one.val_ue_ids->push_back(kept.state.targets[place].ue);
      } else {
        if (!one.val_stream_ids) one.val_stream_ids.emplace();
        if (one.val_stream_ids->size() < failures_listed_max)
          one.val_stream_ids->push_back(kept.state.streams[place - ues].id);
      }
    }
  }
  const auto bounded = [](auto list) {
    if (list.size() > failures_listed_max) list.resize(failures_listed_max);
    return list;
  };
  for (const auto measure : measures) {
    if (!kept.state.unknown_ues.empty())
      failure(measure, nrm::FailureReasonKnown::user_not_found).val_ue_ids =
          bounded(kept.state.unknown_ues);
    if (!kept.state.unknown_streams.empty())
      failure(measure, nrm::FailureReasonKnown::stream_not_found).val_stream_ids =
          bounded(kept.state.unknown_streams);
  }
  if (failures.empty()) out.failure_rep.reset();
  if (kept.gap_from)
    out.gap_sec = std::max<std::int64_t>(
        0, std::chrono::ceil<std::chrono::seconds>(kept.restored_at - *kept.gap_from).count());
  return out;
}

// ---- what is really measured --------------------------------------------------------------------

MonitorHub::Flow MonitorHub::flow_of(const std::string& id, Instant now) const {
  const auto found = sources_.find(id);
  if (found == sources_.end()) return Flow::waiting;
  const auto& source = found->second;
  if (source.seen.stage == state::SourceStage::refused) return Flow::refused;
  if (source.seen.stage != state::SourceStage::active) return Flow::waiting;
  const auto patience = settings_.monitoring.silent_after;
  if (source.last && !source.failed && now - *source.last <= patience) return Flow::flowing;
  if (!source.last && !source.failed && now - source.since <= patience) return Flow::waiting;
  return Flow::silent;
}

std::vector<nrm::MeasureState> MonitorHub::measures(const state::MonitorState& of,
                                                    Instant now) const {
  std::vector<std::string> gpsis;
  for (const auto& target : of.targets) gpsis.push_back(target.gpsi);
  for (const auto& stream : of.streams) {
    gpsis.push_back(stream.from);
    gpsis.push_back(stream.to);
  }
  std::vector<nrm::MeasureState> out;
  for (const auto measure : measures_of(of.what)) {
    const auto& term = term_of(measure);
    std::array<std::int64_t, 4> counts{};
    auto& shown = out.emplace_back();
    shown.meas_data_type = nrm::MeasurementDataType(term.type);
    for (const auto& gpsi : gpsis) {
      const auto id = source_id(term.source, gpsi);
      const auto flow = flow_of(id, now);
      ++counts[static_cast<std::size_t>(flow)];
      const auto found = sources_.find(id);
      if (found == sources_.end()) continue;
      if (flow != Flow::flowing && !shown.cause)
        shown.cause = found->second.failed ? std::optional<std::string>("MEASUREMENT_FAILED")
                                           : found->second.seen.cause;
      if (found->second.seen.simulated.value_or(false)) shown.simulated = true;
    }
    const auto of_flow = [&](Flow flow) { return counts[static_cast<std::size_t>(flow)]; };
    shown.waiting = of_flow(Flow::waiting);
    shown.silent = of_flow(Flow::silent);
    shown.flowing = of_flow(Flow::flowing);
    shown.refused = of_flow(Flow::refused);
    using Known = nrm::MeasureFlowKnown;
    shown.state = nrm::MeasureFlow(*shown.flowing > 0   ? Known::flowing
                                   : *shown.silent > 0  ? Known::silent
                                   : *shown.refused > 0 ? Known::refused
                                                        : Known::waiting);
  }
  return out;
}

std::vector<std::string> MonitorHub::take_silent(Instant now) {
  follow(now);
  std::vector<std::string> out;
  for (auto& [id, source] : sources_) {
    if (out.size() >= silent_taken_max) break;
    if (now - source.asked < silent_asked_every) continue;
    // One that says that it cannot measure is there, as long as it says so.
    if (source.heard && now - *source.heard <= settings_.monitoring.silent_after) continue;
    if (flow_of(id, now) != Flow::silent) continue;
    source.asked = now;
    out.push_back(id);
  }
  return out;
}

std::vector<std::string> MonitorHub::stale(const UeDirectory& directory) const {
  std::vector<std::string> out;
  for (const auto& [id, kept] : monitors_) {
    if (!kept.state.doc.val_group_id) continue;
    const auto group = directory.group(*kept.state.doc.val_group_id);
    if (!group && directory.group_unsettled(*kept.state.doc.val_group_id)) continue;
    const std::uint64_t revision = group ? group->revision : 0;
    if (revision != kept.state.group_revision.value_or(0)) out.push_back(id);
  }
  return out;
}

}  // namespace lobo::seal_nrm
