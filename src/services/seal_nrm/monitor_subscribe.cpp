// How a subscription begins, changes and goes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_core.hpp"
#include "services/seal_nrm/monitor_engine.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/monitor_threshold.hpp"
#include "services/seal_nrm/monitor_window.hpp"

namespace lobo::seal_nrm::monitor {
namespace {

std::vector<std::uint32_t> sorted(std::span<const TargetId> targets) {
  std::vector<std::uint32_t> indexes;
  indexes.reserve(targets.size());
  for (const TargetId& target : targets) indexes.push_back(target.index);
  std::sort(indexes.begin(), indexes.end());
  return indexes;
}

/// The places of thresholds of `now` that are in `before` as well, for the bits of until_reached.
std::uint32_t carry_bits(std::span<const Threshold> before, std::uint32_t bits,
                         std::span<const Threshold> now) {
  std::uint32_t carried = 0;
  for (std::size_t i = 0; i < now.size(); ++i) {
    const auto found = std::find(before.begin(), before.end(), now[i]);
    if (found != before.end() && (bits >> (found - before.begin()) & 1U) != 0)
      carried |= std::uint32_t{1} << i;
  }
  return carried;
}

double load_of_rule(const Rule& rule, std::size_t targets) {
  return static_cast<double>(targets * rule.measures.count()) * 1e6 /
         static_cast<double>(rule.window.count());
}

}  // namespace

Parts parts_of(const Target& target, std::uint32_t index, Measure measure) {
  using enum Measure;
  if (!target.is_stream() || !is_delay(measure))
    return {.part = {{{.target = index, .measure = measure}}}, .count = 1};
  const Part forth_up{target.from, ul_delay};
  const Part forth_down{target.to, dl_delay};
  const Part back_up{target.to, ul_delay};
  const Part back_down{target.from, dl_delay};
  if (measure == dl_delay) return {.part = {forth_up, forth_down}, .count = 2};
  if (measure == ul_delay) return {.part = {back_up, back_down}, .count = 2};
  return {.part = {forth_up, forth_down, back_up, back_down}, .count = 4};
}

double Engine::Core::load_of(const Subscription& subscription) const {
  if (subscription.cells.empty()) return 0;  // over, or without targets
  return load_of_rule(subscription.rule, subscription.members.size());
}

Result<void> Engine::Core::check_targets(const Rule& rule, std::span<const TargetId> targets,
                                         double load_freed) const {
  if (targets.size() > limits_.targets_per_subscription_max)
    return fail(Errc::too_many, "too many targets in one subscription");
  for (const TargetId& target : targets) {
    const Target* found = find(target);
    if (found == nullptr) return fail(Errc::not_found, "no such target");
    if (found->is_stream() != find(targets.front())->is_stream())
      return fail(Errc::not_allowed, "UEs and streams in one subscription");
  }
  const auto indexes = sorted(targets);
  if (std::adjacent_find(indexes.begin(), indexes.end()) != indexes.end())
    return fail(Errc::duplicate, "a target is there twice");
  if (load_ - load_freed + load_of_rule(rule, targets.size()) > limits_.closings_per_second_max)
    return fail(Errc::too_many, "too many windows would close each second");
  return {};
}

/// Everything but time: restart() or carry_over() sets that, link() joins it to its streams.
void Engine::Core::build(Subscription& made, std::uint32_t index, const Rule& rule,
                         std::span<const TargetId> targets) {
  made.rule = rule;
  const Micros start = micros(rule.start);
  Micros window = rule.window.count();
  if (rule.mode == Mode::periodic) window = std::min(window, rule.reporting_period.count());
  made.windows = {start, window};
  made.ticks = {start, rule.mode == Mode::periodic ? rule.reporting_period.count() : window};
  made.grace = std::clamp<Micros>(limits_.grace.count(), 0, window);
  made.members.resize(targets.size());
  made.cells_per_member = 0;
  if (!targets.empty()) {
    for (const Measure measure : all_measures)
      if (rule.measures.has(measure))
        made.cells_per_member +=
            static_cast<std::uint32_t>(parts_of(targets_[targets.front().index], 0, measure).count);
  }
  made.cells.resize(targets.size() * made.cells_per_member);
  if (made.by_period()) made.sums.resize(targets.size() * rule.measures.count());
  auto cell = made.cells.begin();
  for (std::size_t m = 0; m < targets.size(); ++m) {
    made.members[m].target = targets[m];
    made.members[m].immediate_due = rule.immediate;
    for (std::size_t c = 0; c < made.cells_per_member; ++c, ++cell) {
      cell->grace = static_cast<std::uint32_t>(made.grace);
      cell->subscription = index;
      cell->member = static_cast<std::uint32_t>(m);
    }
  }
}

/// Begins to measure at `now`: at first, after a step of the clock, after the period was changed.
void Engine::Core::restart(Subscription& subscription, Micros now) {
  Rule& rule = subscription.rule;
  if (rule.starts_at_once && micros(rule.start) > now) {
    rule.start = instant(now);
    subscription.windows.start = subscription.ticks.start = now;
  }
  subscription.over = false;
  subscription.since = std::max(now, micros(rule.start));
  subscription.stop = never;
  subscription.at_stop.reset();
  subscription.ends = never;
  if (rule.end) subscription.stop = micros(*rule.end);
  if (rule.until) {
    const Micros until = micros(*rule.until);
    if (until > subscription.stop || (until < subscription.since && now < subscription.since)) {
      subscription.ends = until;
    } else {
      subscription.stop = until;
      subscription.at_stop = Termination::time;
    }
  }
  // What is over before it is measured is told as an empty moment.
  subscription.stop = std::max(subscription.stop, subscription.since + 1);
  subscription.filled = {};
  subscription.period_data = false;
  for (Cell& cell : subscription.cells) {
    cell.open[0] = cell.open[1] = {};
    cell.from = subscription.since;
    cell.immediate = subscription.members[cell.member].immediate_due;
  }
  for (PeriodSum& sum : subscription.sums) sum = {};
  set_open(subscription, subscription.windows.last_by(subscription.since));
  for (Member& member : subscription.members) {
    member.since = subscription.since;
    member.told_to = subscription.window_from;
    member.windows = 0;
    member.silent = false;
  }
  subscription.loud = static_cast<std::uint32_t>(subscription.members.size());
  subscription.last_tick = subscription.window_from;
  subscription.next_tick = never;
  if (rule.mode == Mode::periodic)
    subscription.next_tick = subscription.ticks.next_after(subscription.since);
  if (rule.mode == Mode::one_time && !rule.end) subscription.next_tick = subscription.boundary;
}

std::uint32_t Engine::Core::stream_of(std::uint32_t target, Measure measure) {
  std::uint32_t& index = targets_[target].streams[index_of(measure)];
  if (index != none) return index;
  if (streams_free_.empty()) {
    index = static_cast<std::uint32_t>(streams_.size());
    streams_.emplace_back();
    streams_free_.reserve(streams_.capacity());
  } else {
    index = streams_free_.back();
    streams_free_.pop_back();
  }
  Stream& stream = streams_[index];
  stream = {};
  stream.seen.fill(UINT64_MAX);
  stream.target = target;
  stream.measure = measure;
  return index;
}

void Engine::Core::link(Subscription& subscription) {
  auto cell = subscription.cells.begin();
  for (const Member& member : subscription.members) {
    ++targets_[member.target.index].users;
    for (const Measure measure : all_measures) {
      if (!subscription.rule.measures.has(measure)) continue;
      const Parts parts = parts_of(targets_[member.target.index], member.target.index, measure);
      for (std::size_t p = 0; p < parts.count; ++p, ++cell) {
        cell->stream = stream_of(parts.part[p].target, parts.part[p].measure);
        auto& cells = streams_[cell->stream].cells;
        cell->link = static_cast<std::uint32_t>(cells.size());
        cells.push_back(&*cell);
      }
    }
  }
  load_ += load_of(subscription);
}

/// Takes no more samples.
void Engine::Core::unlink(Subscription& subscription) {
  load_ -= load_of(subscription);
  for (const Cell& cell : subscription.cells) {
    Stream& stream = streams_[cell.stream];
    Cell* last = stream.cells.back();
    stream.cells[cell.link] = last;
    last->link = cell.link;
    stream.cells.pop_back();
    if (!stream.cells.empty()) continue;
    targets_[stream.target].streams[index_of(stream.measure)] = none;
    streams_free_.push_back(cell.stream);
  }
  subscription.cells = {};
  subscription.sums = {};
}

void Engine::Core::release_targets(const Subscription& subscription) {
  for (const Member& member : subscription.members) --targets_[member.target.index].users;
}

void Engine::Core::drop(std::uint32_t index) {
  Subscription& subscription = subscriptions_[index];
  unlink(subscription);
  release_targets(subscription);
  deadlines_.set(index, never);
  const std::uint32_t generation = subscription.generation + 1;
  subscription = {};
  subscription.generation = generation == 0 ? 1 : generation;
  subscriptions_free_.push_back(index);
  --subscriptions_used_;
}

Result<SubscriptionId> Engine::Core::add(const Rule& rule, std::span<const TargetId> targets,
                                         Instant at, ReportSink& sink, const Progress& progress) {
  const Micros now = settle(at);
  if (auto checked = check(rule); !checked) return tl::unexpected(std::move(checked.error()));
  if (subscriptions_used_ >= limits_.subscriptions_max)
    return fail(Errc::too_many, "no more subscriptions can be monitored");
  if (auto checked = check_targets(rule, targets, 0); !checked)
    return tl::unexpected(std::move(checked.error()));
  std::uint32_t index = 0;
  if (subscriptions_free_.empty()) {
    index = static_cast<std::uint32_t>(subscriptions_.size());
    subscriptions_.emplace_back();
    subscriptions_free_.reserve(subscriptions_.capacity());
    deadlines_.reserve_index(index);
  } else {
    index = subscriptions_free_.back();
    subscriptions_free_.pop_back();
  }
  ++subscriptions_used_;
  Subscription& made = subscriptions_[index];
  made.used = true;
  const SubscriptionId id{index, made.generation};
  build(made, index, rule, targets);
  made.rounds = progress.rounds;
  for (std::size_t m = 0; m < std::min(made.members.size(), progress.targets.size()); ++m) {
    const Progress::Of& known = progress.targets[m];
    Member& member = made.members[m];
    member.sides = Sides(known.sides);
    member.until_sides = Sides(known.until_sides);
    member.until_reached = known.until_reached;
    member.immediate_due = member.immediate_due && !known.immediate_told;
  }
  restart(made, now);
  link(made);
  schedule(index);
  tell_known(index, now, sink);
  return id;
}

/// The immediate report of those targets that are measured already.
void Engine::Core::tell_known(std::uint32_t index, Micros now, ReportSink& sink) {
  const Subscription& subscription = subscriptions_[index];
  std::vector<std::uint32_t> due;
  for (std::uint32_t m = 0; m < subscription.members.size(); ++m)
    if (subscription.members[m].immediate_due) due.push_back(m);
  if (due.empty()) return;
  // One sample may bring one for each cell that it feeds.
  for (const Cell& cell : subscription.cells)
    immediate_.reserve(streams_[cell.stream].cells.size());
  tell_immediate(index, due, now, sink);
}

/// What goes on from `before` in `made`, which is another rule or has other targets.
void Engine::Core::carry_over(const Subscription& before, Subscription& made, Micros now) {
  const bool same_windows = !before.over && before.windows.start == made.windows.start &&
                            before.windows.length == made.windows.length;
  const bool same_sums = same_windows && made.by_period() && before.rule.mode == made.rule.mode &&
                         before.ticks.length == made.ticks.length &&
                         before.rule.measures == made.rule.measures;
  restart(made, now);
  made.rounds = before.rounds;
  if (same_windows) {
    made.since = before.since;
    set_open(made, before.window_from);
    if (same_sums) {
      made.last_tick = before.last_tick;
      made.next_tick = before.next_tick;
    }
  }
  std::vector<std::pair<std::uint32_t, std::uint32_t>> known;  // target index, place
  for (std::uint32_t m = 0; m < before.members.size(); ++m)
    known.emplace_back(before.members[m].target.index, m);
  std::sort(known.begin(), known.end());
  for (std::size_t m = 0; m < made.members.size(); ++m) {
    Member& member = made.members[m];
    const auto found = std::lower_bound(known.begin(), known.end(),
                                        std::pair(member.target.index, std::uint32_t{0}));
    if (found == known.end() || found->first != member.target.index) continue;
    const Member& old = before.members[found->second];
    member.sides = carry(before.rule.thresholds, old.sides, made.rule.thresholds);
    member.until_sides =
        carry(before.rule.until_thresholds, old.until_sides, made.rule.until_thresholds);
    member.until_reached =
        carry_bits(before.rule.until_thresholds, old.until_reached, made.rule.until_thresholds);
    // An immediate report that was told is not told again.
    if (before.rule.immediate) member.immediate_due = member.immediate_due && old.immediate_due;
    for (std::size_t c = 0; c < made.cells_per_member; ++c)
      made.cells[m * made.cells_per_member + c].immediate = member.immediate_due;
    if (!same_windows) continue;
    member.since = old.since;
    member.told_to = old.told_to;
    if (made.by_window() && before.by_window() && old.silent) {
      member.silent = true;
      --made.loud;
    }
    std::size_t from = found->second * before.cells_per_member;
    std::size_t to = m * made.cells_per_member;
    const Target& target = targets_[member.target.index];
    for (const Measure measure : all_measures) {
      const std::size_t parts = parts_of(target, 0, measure).count;
      const bool was = before.rule.measures.has(measure);
      const bool is = made.rule.measures.has(measure);
      for (std::size_t p = 0; was && is && p < parts; ++p) {
        Cell& cell = made.cells[to + p];
        cell.from = before.cells[from + p].from;
        for (std::size_t w = 0; w < 2; ++w) {
          cell.open[w] = before.cells[from + p].open[w];
          if (!cell.open[w].empty()) ++made.filled[w];
        }
      }
      if (was) from += parts;
      if (is) to += parts;
    }
    if (!same_sums) continue;
    member.windows = old.windows;
    const std::size_t each = made.rule.measures.count();
    std::copy_n(before.sums.begin() + static_cast<std::ptrdiff_t>(found->second * each), each,
                made.sums.begin() + static_cast<std::ptrdiff_t>(m * each));
    made.period_data = made.period_data || old.windows != 0;
  }
}

Result<void> Engine::Core::update(SubscriptionId id, const Rule& rule,
                                  std::span<const TargetId> targets, Instant at, ReportSink& sink) {
  const Micros now = settle(at);
  tell_due(now, sink);
  if (find(id) == nullptr) return fail(Errc::not_found, "no such subscription");
  if (auto checked = check(rule); !checked) return checked;
  Subscription& current = subscriptions_[id.index];
  if (auto checked = check_targets(rule, targets, current.over ? 0 : load_of(current)); !checked)
    return checked;
  if (current.quiet() && !current.over) skip_empty(current, now - current.grace);
  Subscription made;
  made.generation = current.generation;
  made.used = true;
  build(made, id.index, rule, targets);
  carry_over(current, made, now);
  // Linked before the old one is unlinked, so that streams with their doubles stay.
  link(made);
  unlink(current);
  release_targets(current);
  current = std::move(made);
  schedule(id.index);
  if (rule.reports_max && current.rounds >= *rule.reports_max) {
    terminate(id, Termination::count, at, sink);
    return {};
  }
  tell_known(id.index, now, sink);
  return {};
}

bool Engine::Core::remove(SubscriptionId id) {
  if (find(id) == nullptr) return false;
  drop(id.index);
  return true;
}

bool Engine::Core::terminate(SubscriptionId id, Termination why, Instant at, ReportSink& sink) {
  const Micros now = settle(at);
  tell_due(now, sink);
  if (find(id) == nullptr) return false;
  Subscription& subscription = subscriptions_[id.index];
  if (subscription.quiet() && !subscription.over)
    skip_empty(subscription, now - subscription.grace);
  // As if the period ended now, and without grace.
  subscription.over = false;
  subscription.stop = std::max({now, subscription.since + 1, subscription.window_from + 1});
  subscription.at_stop = why;
  subscription.ends = never;
  set_open(subscription, subscription.window_from);
  serve(id.index, subscription.stop, sink);
  return true;
}

Progress Engine::Core::progress(const Subscription& subscription) const {
  Progress out{.rounds = subscription.rounds};
  out.targets.reserve(subscription.members.size());
  for (const Member& member : subscription.members)
    out.targets.push_back({.sides = member.sides.bits(),
                           .until_sides = member.until_sides.bits(),
                           .until_reached = member.until_reached,
                           .immediate_told = subscription.rule.immediate && !member.immediate_due});
  return out;
}

}  // namespace lobo::seal_nrm::monitor
