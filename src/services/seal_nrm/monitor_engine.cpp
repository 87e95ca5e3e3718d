#include "services/seal_nrm/monitor_engine.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_core.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/monitor_window.hpp"

namespace lobo::seal_nrm::monitor {

/// Where a sample belongs on our clock.
struct Engine::Core::Placed {
  double value = 0;
  double weight = 0;
  Micros at = 0;  ///< of a volume: unused
  Micros from = 0;
  Micros to = 0;
  bool volume = false;
};

namespace {

/// What doubles have in common. No sample has all bits set: `latest` needs 52 bits at most.
std::uint64_t identity(const Sample& sample) {
  static_assert(micros(latest) < Micros{1} << 52 && sources_max <= 1U << 12);
  return static_cast<std::uint64_t>(micros(sample.taken_at)) << 12U | sample.source;
}

double weight_of(const Sample& sample) {
  if (sample.measure == Measure::loss_rate) return static_cast<double>(sample.packets);
  if (is_delay(sample.measure)) return 0;
  return static_cast<double>((sample.to - sample.from).count());
}

}  // namespace

// Targets ------------------------------------------------------------------------------------

Result<TargetId> Engine::Core::add_target(std::uint32_t from, std::uint32_t to) {
  if (targets_used_ >= limits_.targets_max)
    return fail(Errc::too_many, "no more targets can be measured");
  std::uint32_t index = 0;
  if (targets_free_.empty()) {
    index = static_cast<std::uint32_t>(targets_.size());
    targets_.emplace_back();
    targets_free_.reserve(targets_.capacity());
  } else {
    index = targets_free_.back();
    targets_free_.pop_back();
  }
  Target& target = targets_[index];
  const std::uint32_t generation = target.generation;
  target = {.generation = generation, .used = true, .from = from, .to = to};
  target.streams.fill(none);
  ++targets_used_;
  return TargetId{index, generation};
}

Result<TargetId> Engine::Core::add_stream(TargetId from, TargetId to) {
  const Target* source = find(from);
  const Target* sink = find(to);
  if (source == nullptr || sink == nullptr || source->is_stream() || sink->is_stream())
    return fail(Errc::not_found, "a stream goes from one UE to another");
  auto made = add_target(from.index, to.index);
  if (!made) return made;
  ++targets_[from.index].users;
  ++targets_[to.index].users;
  return made;
}

bool Engine::Core::remove_target(TargetId id) {
  if (find(id) == nullptr || targets_[id.index].users != 0) return false;
  Target& target = targets_[id.index];
  if (target.is_stream()) {
    --targets_[target.from].users;
    --targets_[target.to].users;
  }
  target.used = false;
  if (++target.generation == 0) target.generation = 1;
  targets_free_.push_back(id.index);
  --targets_used_;
  return true;
}

const Target* Engine::Core::find(TargetId id) const {
  if (id.index >= targets_.size()) return nullptr;
  const Target& target = targets_[id.index];
  return target.used && target.generation == id.generation ? &target : nullptr;
}

const Subscription* Engine::Core::find(SubscriptionId id) const {
  if (id.index >= subscriptions_.size()) return nullptr;
  const Subscription& subscription = subscriptions_[id.index];
  return subscription.used && subscription.generation == id.generation ? &subscription : nullptr;
}

std::optional<Instant> Engine::Core::last_sample(TargetId id, Measure measure) const {
  const Target* target = find(id);
  if (target == nullptr) return std::nullopt;
  std::optional<Instant> oldest;
  const Parts parts = parts_of(*target, id.index, measure);
  for (std::size_t i = 0; i < parts.count; ++i) {
    const std::uint32_t stream =
        targets_[parts.part[i].target].streams[index_of(parts.part[i].measure)];
    if (stream == none || streams_[stream].newest_at < 0) return std::nullopt;
    const Instant at = instant(streams_[stream].newest_at);
    if (!oldest || at < *oldest) oldest = at;
  }
  return oldest;
}

// Time ---------------------------------------------------------------------------------------

Micros Engine::Core::settle(Instant at) {
  const Micros now = micros(std::clamp(at, earliest, latest));
  if (now >= now_) {
    now_ = now;
  } else if (now_ - now > limits_.step_back_max.count()) {
    now_ = now;
    ++counters_.steps_back;
    for (std::uint32_t index = 0; index < subscriptions_.size(); ++index) {
      Subscription& subscription = subscriptions_[index];
      if (!subscription.used || subscription.over) continue;
      counters_.windows_lost += subscription.filled[0] + subscription.filled[1];
      restart(subscription, now_);
      schedule(index);
    }
  }
  return now_;
}

void Engine::Core::tell_due(Micros now, ReportSink& sink) {
  // Ends: after serve(index, now) the next deadline of that subscription is after now.
  while (!deadlines_.empty() && deadlines_.first() <= now) {
    const std::uint32_t index = deadlines_.first_index();
    serve(index, now - subscriptions_[index].grace, sink);
  }
}

void Engine::Core::advance(Instant now, ReportSink& sink) { tell_due(settle(now), sink); }

std::optional<Instant> Engine::Core::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return instant(deadlines_.first());
}

// Samples ------------------------------------------------------------------------------------

SampleFate Engine::Core::feed(const Sample& sample, Instant at, ReportSink& sink) {
  const Micros now = settle(at);
  tell_due(now, sink);
  const SampleFate fate = take(sample, now, sink);
  ++counters_.fates[static_cast<std::size_t>(fate)];
  return fate;
}

SampleFate Engine::Core::take(const Sample& sample, Micros now, ReportSink& sink) {
  const Target* target = find(sample.target);
  if (target == nullptr) return SampleFate::unknown_target;
  const SampleFate vetted = vet(sample, instant(now));
  if (vetted != SampleFate::taken) return vetted;
  const std::uint32_t index = target->streams[index_of(sample.measure)];
  if (index == none) return SampleFate::unwanted;
  Stream& stream = streams_[index];
  const std::uint64_t id = identity(sample);
  if (std::find(stream.seen.begin(), stream.seen.end(), id) != stream.seen.end())
    return SampleFate::duplicate;
  stream.seen[stream.seen_next] = id;
  stream.seen_next = (stream.seen_next + 1) % samples_remembered;

  // What is ahead of our clock by less than skew_max counts as taken now.
  const Micros ahead = std::max<Micros>(0, micros(sample.to) - now);
  Placed placed{.value = sample.value,
                .weight = weight_of(sample),
                .at = std::min(micros(sample.taken_at), now),
                .from = micros(sample.from) - ahead,
                .to = micros(sample.to) - ahead,
                .volume = is_volume(sample.measure)};
  if (placed.to > placed.from) placed.at = placed.to - 1;
  if (placed.at >= stream.newest_at) {
    stream.newest_at = placed.at;
    stream.newest = sample.value;
  }

  bool taken = false;
  bool late = false;
  for (Cell* cell : stream.cells) {
    if (now >= cell->boundary + cell->grace)
      skip_empty(subscriptions_[cell->subscription], now - cell->grace);
    const Filed filed = file(*cell, placed);
    taken = taken || filed == Filed::taken;
    late = late || filed == Filed::late;
    if (filed == Filed::taken && cell->immediate)
      immediate_.push_back({cell->subscription, cell->member});
  }
  // Not inside the loop: a report may end a subscription, and so take cells out of the list.
  for (const Due& due : immediate_)
    tell_immediate(due.subscription, std::span(&due.member, 1), now, sink);
  immediate_.clear();
  if (taken) return SampleFate::taken;
  return late ? SampleFate::late : SampleFate::outside;
}

Engine::Core::Filed Engine::Core::file(Cell& cell, const Placed& placed) {
  const auto missed = [&] {
    if (placed.at < subscriptions_[cell.subscription].members[cell.member].since)
      return Filed::outside;
    ++counters_.late;
    return Filed::late;
  };
  if (!placed.volume) {
    if (placed.at < cell.from) return missed();
    if (placed.at >= cell.limit) return Filed::outside;
    add_to(cell, placed.at < cell.boundary ? 0 : 1, placed.value, placed.weight);
    return Filed::taken;
  }
  // A volume is spread evenly over the time that it was measured over.
  if (placed.to <= cell.from) return missed();
  if (placed.from >= cell.limit) return Filed::outside;
  const auto part = [&](std::size_t which, Micros from, Micros to) {
    const Micros overlap = std::min(placed.to, to) - std::max(placed.from, from);
    if (overlap <= 0) return;
    const double share = static_cast<double>(overlap) / placed.weight;
    add_to(cell, which, placed.value * share, static_cast<double>(overlap));
  };
  part(0, cell.from, cell.boundary);
  part(1, cell.boundary, cell.limit);
  if (placed.from < cell.from &&
      cell.from > subscriptions_[cell.subscription].members[cell.member].since)
    ++counters_.late_parts;
  return Filed::taken;
}

void Engine::Core::add_to(Cell& cell, std::size_t which, double value, double weight) {
  Accumulator& open = cell.open[which];
  const bool first = open.empty();
  open.add(value, weight);
  if (!first) return;
  Subscription& subscription = subscriptions_[cell.subscription];
  const bool idle = subscription.quiet();
  ++subscription.filled[which];
  if (idle) schedule(cell.subscription);
}

// The face of it -----------------------------------------------------------------------------

Engine::Engine(const EngineLimits& limits) : core_(std::make_unique<Core>(limits)) {}
Engine::~Engine() = default;
Result<TargetId> Engine::add_ue() { return core_->add_target(none, none); }
Result<TargetId> Engine::add_stream(TargetId from, TargetId to) {
  return core_->add_stream(from, to);
}
bool Engine::remove_target(TargetId target) { return core_->remove_target(target); }
Result<SubscriptionId> Engine::add(const Rule& rule, std::span<const TargetId> targets, Instant now,
                                   ReportSink& sink, const Progress& progress) {
  return core_->add(rule, targets, now, sink, progress);
}
Result<void> Engine::update(SubscriptionId id, const Rule& rule, std::span<const TargetId> targets,
                            Instant now, ReportSink& sink) {
  return core_->update(id, rule, targets, now, sink);
}
bool Engine::remove(SubscriptionId id) { return core_->remove(id); }
bool Engine::terminate(SubscriptionId id, Termination why, Instant now, ReportSink& sink) {
  return core_->terminate(id, why, now, sink);
}
SampleFate Engine::feed(const Sample& sample, Instant now, ReportSink& sink) {
  return core_->feed(sample, now, sink);
}
void Engine::advance(Instant now, ReportSink& sink) { core_->advance(now, sink); }
std::optional<Instant> Engine::next_deadline() const { return core_->next_deadline(); }
std::optional<Progress> Engine::progress(SubscriptionId id) const {
  const Subscription* found = core_->find(id);
  if (found == nullptr) return std::nullopt;
  return core_->progress(*found);
}
bool Engine::contains(SubscriptionId id) const { return core_->find(id) != nullptr; }
bool Engine::over(SubscriptionId id) const {
  const Subscription* found = core_->find(id);
  return found != nullptr && found->over;
}
std::optional<Instant> Engine::last_sample(TargetId target, Measure measure) const {
  return core_->last_sample(target, measure);
}
std::size_t Engine::subscriptions() const { return core_->subscriptions_used_; }
std::size_t Engine::targets() const { return core_->targets_used_; }
const Counters& Engine::counters() const { return core_->counters_; }

}  // namespace lobo::seal_nrm::monitor
