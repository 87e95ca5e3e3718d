#include "sim/store.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sim {
namespace {

using runtime::EraseEffect;
using runtime::EraseIdempotency;
using runtime::EraseIdempotencyBefore;
using runtime::EraseRecord;
using runtime::EraseTimer;
using runtime::EraseTimersOf;
using runtime::PutEffect;
using runtime::PutFact;
using runtime::PutIdempotency;
using runtime::PutRecord;
using runtime::PutTimer;
using runtime::Scheduler;
using runtime::StoreChange;
using runtime::StoredEffect;
using runtime::StoredIdempotency;
using runtime::StoredTimer;

template <class... Ts>
struct Overload : Ts... {
  using Ts::operator()...;
};

const Error full_error{Errc::unavailable, "store: the disk is full", {}};
const Error gone_error{Errc::unavailable, "store: it cannot be reached", {}};
const Error failed_error{Errc::unavailable, "store: the disk reported an input/output error", {}};

}  // namespace

// ---- state ------------------------------------------------------------------------------------

void StoreState::apply(const StoreChange& change) {
  std::visit(
      Overload{
          [this](const PutRecord& c) { put(c.record); },
          [this](const EraseRecord& c) { erase(c.key); },
          [this](const PutEffect& c) { effects[c.effect.id] = c.effect; },
          [this](const EraseEffect& c) { effects.erase(c.id); },
          [this](const PutTimer& c) { timers[{c.timer.of, c.timer.name}] = c.timer; },
          [this](const EraseTimer& c) { timers.erase({c.of, c.name}); },
          [this](const EraseTimersOf& c) {
            std::erase_if(timers, [&](const auto& timer) { return timer.first.first == c.of; });
          },
          [this](const PutIdempotency& c) { idempotency[{c.entry.owner, c.entry.key}] = c.entry; },
          [this](const EraseIdempotency& c) { idempotency.erase({c.owner, c.key}); },
          [this](const EraseIdempotencyBefore& c) {
            std::erase_if(idempotency, [&](const auto& e) { return e.second.expires < c.expires; });
          },
          [this](const PutFact& c) { facts[c.name] = c.value; },
      },
      change);
}

void StoreState::put(const resource::Record& record) {
  erase(record.key);
  const auto& [kind, id] = record.key;
  by_owner_.emplace(kind, record.owner, id);
  if (!record.subject.empty()) by_subject_.emplace(kind, record.subject, id);
  ++counts_[{kind, record.owner}];
  records[record.key] = record;
}

void StoreState::erase(const resource::Key& key) {
  const auto found = records.find(key);
  if (found == records.end()) return;
  const auto& record = found->second;
  by_owner_.erase({key.kind, record.owner, key.id});
  by_subject_.erase({key.kind, record.subject, key.id});
  const auto counted = counts_.find({key.kind, record.owner});
  if (--counted->second == 0) counts_.erase(counted);
  records.erase(found);
}

const resource::Record* StoreState::find(const resource::Key& key) const {
  const auto found = records.find(key);
  return found == records.end() ? nullptr : &found->second;
}

std::vector<resource::Record> StoreState::list(std::string_view kind, std::string_view owner,
                                               std::string_view after, std::size_t limit) const {
  std::vector<resource::Record> page;
  auto at = by_owner_.upper_bound({std::string(kind), std::string(owner), std::string(after)});
  for (; at != by_owner_.end() && page.size() < limit; ++at) {
    if (std::get<0>(*at) != kind || std::get<1>(*at) != owner) break;
    page.push_back(records.at({std::string(kind), std::get<2>(*at)}));
  }
  return page;
}

std::vector<resource::Key> StoreState::by_subject(std::string_view kind, std::string_view subject,
                                                  std::size_t limit) const {
  std::vector<resource::Key> keys;
  auto at = by_subject_.lower_bound({std::string(kind), std::string(subject), std::string()});
  for (; at != by_subject_.end() && keys.size() < limit; ++at) {
    if (std::get<0>(*at) != kind || std::get<1>(*at) != subject) break;
    keys.push_back({std::string(kind), std::get<2>(*at)});
  }
  return keys;
}

std::uint64_t StoreState::count(std::string_view kind, std::string_view owner) const {
  const auto found = counts_.find({std::string(kind), std::string(owner)});
  return found == counts_.end() ? 0 : found->second;
}

// ---- commits and faults -----------------------------------------------------------------------

SimStore::SimStore(Scheduler& scheduler, StoreState state)
    : scheduler_(scheduler), state_(std::move(state)), alive_(std::make_shared<bool>(true)) {}

// What a process had not made durable when it ended is lost: destroying a SimStore is a crash.
SimStore::~SimStore() { crash(); }

void SimStore::crash_at_commit(std::uint64_t nth, CrashPoint point, std::function<void()> crashed) {
  crash_ = Crash{commits_ + nth, point, std::move(crashed)};
}

void SimStore::crash() {
  crashed_ = true;
  alive_.reset();
  waiting_.clear();
}

std::optional<Error> SimStore::fault() const {
  if (gone_ || crashed_) return gone_error;
  return std::nullopt;
}

std::optional<Error> SimStore::read_fault() const {
  if (unreadable_) return failed_error;
  return fault();
}

void SimStore::refuse(std::function<void(Result<void>)> done, Error error) {
  scheduler_.post(
      [alive = std::weak_ptr(alive_), done = std::move(done), error = std::move(error)] {
        if (!alive.expired()) done(fail(error));
      });
}

void SimStore::commit(std::vector<StoreChange> unit, std::function<void(Result<void>)> done) {
  if (crashed_) return;  // nobody is left to be told
  if (waiting_.size() >= queue_units_max)
    return refuse(std::move(done),
                  {Errc::too_many, "the store's queue is full; try again later", {}});
  const std::uint64_t number = ++commits_;
  std::optional<Error> error = fault();
  if (!error && full_) error = full_error;
  if (!error && number == fail_at_) error = failed_error;
  waiting_.emplace(number, Pending{std::move(unit), std::move(done), std::move(error), false});
  scheduler_.after(latency_, [this, number, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) ripen(number);
  });
}

void SimStore::ripen(std::uint64_t number) {
  waiting_.at(number).ripe = true;
  while (!waiting_.empty() && waiting_.begin()->second.ripe) {
    auto first = waiting_.extract(waiting_.begin());
    become_durable(first.key(), std::move(first.mapped()));
  }
}

void SimStore::become_durable(std::uint64_t number, Pending pending) {
  const bool dies = crash_ && crash_->at == number;
  const bool lost = dies && crash_->point == CrashPoint::before_durable;
  if (!pending.error && !lost)
    for (const auto& change : pending.unit) state_.apply(change);
  if (dies) {
    scheduler_.post(std::move(crash_->crashed));
    crash_.reset();
    crash();
    return;
  }
  scheduler_.post([alive = std::weak_ptr(alive_), pending = std::move(pending)] {
    if (alive.expired()) return;
    pending.done(pending.error ? Result<void>(fail(*pending.error)) : Result<void>());
  });
}

// ---- reads ------------------------------------------------------------------------------------

Result<std::optional<resource::Record>> SimStore::find(const resource::Key& key) const {
  if (auto error = read_fault()) return fail(*error);
  const auto* record = state_.find(key);
  return record == nullptr ? std::nullopt : std::optional(*record);
}

Result<std::vector<resource::Record>> SimStore::list(std::string_view kind, std::string_view owner,
                                                     std::string_view after,
                                                     std::size_t limit) const {
  if (auto error = read_fault()) return fail(*error);
  return state_.list(kind, owner, after, limit);
}

Result<std::vector<resource::Key>> SimStore::by_subject(std::string_view kind,
                                                        std::string_view subject,
                                                        std::size_t limit) const {
  if (auto error = read_fault()) return fail(*error);
  return state_.by_subject(kind, subject, limit);
}

Result<std::uint64_t> SimStore::count(std::string_view kind, std::string_view owner) const {
  if (auto error = read_fault()) return fail(*error);
  return state_.count(kind, owner);
}

Result<std::vector<StoredEffect>> SimStore::effects(std::uint64_t after, std::size_t limit) const {
  if (auto error = read_fault()) return fail(*error);
  std::vector<StoredEffect> found;
  for (auto at = state_.effects.upper_bound(after); at != state_.effects.end(); ++at) {
    if (found.size() == limit) break;
    found.push_back(at->second);
  }
  return found;
}

Result<std::vector<StoredEffect>> SimStore::effects_of(const resource::Key& from) const {
  if (auto error = read_fault()) return fail(*error);
  std::vector<StoredEffect> found;
  for (const auto& [id, effect] : state_.effects)
    if (effect.from == from) found.push_back(effect);
  return found;
}

Result<std::vector<StoredTimer>> SimStore::timers(Instant until, std::size_t limit) const {
  if (auto error = read_fault()) return fail(*error);
  std::vector<StoredTimer> due;
  for (const auto& [key, timer] : state_.timers)
    if (timer.due <= until) due.push_back(timer);
  // Stable: those of one instant stay in the order of resource and name.
  std::ranges::stable_sort(due, {}, &StoredTimer::due);
  if (due.size() > limit) due.resize(limit);
  return due;
}

Result<std::optional<StoredIdempotency>> SimStore::idempotency(std::string_view owner,
                                                               std::string_view key) const {
  if (auto error = read_fault()) return fail(*error);
  const auto found = state_.idempotency.find({std::string(owner), std::string(key)});
  return found == state_.idempotency.end() ? std::nullopt : std::optional(found->second);
}

Result<std::optional<std::string>> SimStore::fact(std::string_view name) const {
  if (auto error = read_fault()) return fail(*error);
  const auto found = state_.facts.find(name);
  return found == state_.facts.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace lobo::sim
