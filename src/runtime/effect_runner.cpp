#include "runtime/effect_runner.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "runtime/commit_until_done.hpp"
#include "runtime/overlay.hpp"
#include "runtime/ports.hpp"
#include "wire/http/problem.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::runtime {

using resource::Change;
using resource::Event;
using resource::Key;
using resource::Record;

namespace {

constexpr std::size_t unit_changes_usual = 6;

template <class... F>
struct Visitor : F... {
  using F::operator()...;
};
template <class... F>
Visitor(F...) -> Visitor<F...>;

/// The request that waits for what becomes of this event, if somebody outside asked.
std::optional<resource::RequestId> requester(const Event& event) {
  if (const auto* command = std::get_if<resource::Command>(&event)) return command->request;
  if (const auto* callback = std::get_if<resource::Callback>(&event)) return callback->request;
  return std::nullopt;
}

/// The outbox type of an effect; empty for those that are not stored there.
std::string_view stored_type(const resource::Effect& effect) {
  return std::visit(Visitor{
                        [](const resource::CallNetwork&) { return std::string_view("call"); },
                        [](const resource::Notify&) { return std::string_view("notify"); },
                        [](const resource::Tell&) { return std::string_view("tell"); },
                        [](const resource::Reply&) { return std::string_view(); },
                        [](const resource::StartTimer&) { return std::string_view(); },
                        [](const resource::StopTimer&) { return std::string_view(); },
                        [](const resource::Observe&) { return std::string_view(); },
                    },
                    effect);
}

std::string etag_of(std::uint64_t version) { return '"' + std::to_string(version) + '"'; }

bool matches(std::string_view if_match, const RecordPtr& current) {
  if (!current) return false;
  if (if_match == "*") return true;
  for (const auto candidate : split(if_match, ','))
    if (trim(candidate) == etag_of(current->version)) return true;
  return false;
}

}  // namespace

EffectRunner::EffectRunner(Ports ports)
    : ports_(ports),
      overlay_(ports.store),
      timers_(ports.store, ports.scheduler, ports.clock,
              [this](const Key& of, const std::string& name) {
                enqueue(of, Work{resource::TimerFired{name}, {}, std::nullopt});
              }),
      commits_failed_(ports.metrics.counter("lobo_commits_failed_total", {})),
      events_refused_(ports.metrics.counter("lobo_events_refused_total", {})) {
  ports_.notifier.on_moved([this](const Key& subscription, const std::string& uri) {
    enqueue(subscription,
            Work{resource::Told{subscription, "notif_uri_moved", uri}, {}, std::nullopt});
  });
}

void EffectRunner::add(const resource::Machine& machine) {
  machines_.emplace(machine.kind(), &machine);
}

// ---- events in --------------------------------------------------------------------------------

bool EffectRunner::takes(const Key& key) const {
  const auto slot = slots_.find(key);
  return slot == slots_.end() || slot->second.queue.size() < events_per_resource_max;
}

void EffectRunner::submit(const Key& key, Event event, Submission with) {
  if (!takes(key))
    return refuse(key, Work{std::move(event), {}, std::nullopt},
                  Error{Errc::too_many, "too many requests wait for this resource; try again", {}});
  enqueue(key, Work{std::move(event), std::move(with), std::nullopt});
}

void EffectRunner::enqueue(const Key& key, Work work) {
  slots_[key].queue.push_back(std::move(work));
  pump(key);
}

void EffectRunner::pump(const Key& key) {
  // Each turn takes one event off the queue; process() may add to other slots, never to this one.
  for (;;) {
    const auto found = slots_.find(key);
    if (found == slots_.end() || found->second.busy) return;
    if (found->second.queue.empty()) {
      slots_.erase(found);
      return;
    }
    Work work = std::move(found->second.queue.front());
    found->second.queue.pop_front();
    if (!process(key, found->second, std::move(work))) return;
  }
}

// ---- decide -----------------------------------------------------------------------------------

bool EffectRunner::process(const Key& key, Slot& slot, Work work) {
  const auto machine = machines_.find(key.kind);
  require(machine != machines_.end());
  auto current = work.with.fresh ? Result<RecordPtr>() : overlay_.look(key);
  if (!current) {
    retry_later(key, slot, std::move(work), current.error());
    return false;
  }
  if (work.with.if_match && !matches(*work.with.if_match, *current)) {
    refuse(key, work,
           Error{Errc::precondition, "the resource is not in the version of If-Match", {}});
    return true;
  }

  auto outcome =
      machine->second->step(current->get(), key, work.event, ports_.clock.now(), overlay_);
  if (!outcome) {
    refuse(key, work, outcome.error());
    if (work.cause) commit_until_done(ports_.store, ports_.scheduler, {EraseEffect{*work.cause}});
    return true;
  }

  Decided decided{.work = std::move(work),
                  .before = std::move(*current),
                  .after = nullptr,
                  .effects = std::move(outcome->effects),
                  .effect_ids = {},
                  .clause = std::move(outcome->clause)};
  decided.after = decided.before;
  if (outcome->change == Change::erase) decided.after.reset();
  if (outcome->change == Change::put)
    decided.after = std::make_shared<const Record>(
        Record{.key = key,
               .owner = std::move(outcome->owner),
               .subject = std::move(outcome->subject),
               .version = decided.before ? decided.before->version + 1 : 1,
               .state = std::move(outcome->state)});

  auto unit = unit_of(key, decided, outcome->change);
  slot.busy =
      true;  // Also while effects are performed: an answer may bring the next request at once.
  if (unit.empty()) {
    perform(key, decided);
    slot.busy = false;
    return true;
  }
  overlay_.begin(key, decided.before, decided.after);
  ports_.store.commit(std::move(unit),
                      [this, key, decided = std::make_shared<Decided>(std::move(decided))](
                          const Result<void>& done) {
                        if (done)
                          committed(key, *decided);
                        else
                          not_committed(key, *decided, done.error());
                      });
  return false;
}

std::vector<StoreChange> EffectRunner::unit_of(const Key& key, Decided& decided, Change change) {
  std::vector<StoreChange> unit;
  unit.reserve(unit_changes_usual);
  if (change == Change::put) unit.emplace_back(PutRecord{*decided.after});
  if (change == Change::erase && decided.before) {
    unit.emplace_back(EraseRecord{key});
    unit.emplace_back(EraseTimersOf{key});
  }
  if (change == Change::put && !decided.before && decided.work.with.idempotency)
    unit.emplace_back(PutIdempotency{*decided.work.with.idempotency});
  if (decided.work.cause) unit.emplace_back(EraseEffect{*decided.work.cause});
  if (const auto* fired = std::get_if<resource::TimerFired>(&decided.work.event))
    unit.emplace_back(EraseTimer{key, fired->name});

  for (const auto& effect : decided.effects) {
    const auto type = stored_type(effect);
    decided.effect_ids.push_back(type.empty() ? 0 : ++effect_id_last_);
    if (!type.empty())
      unit.emplace_back(PutEffect{StoredEffect{.id = effect_id_last_,
                                               .from = key,
                                               .type = std::string(type),
                                               .body = resource::to_json(effect)}});
    if (const auto* start = std::get_if<resource::StartTimer>(&effect))
      unit.emplace_back(PutTimer{StoredTimer{key, start->name, start->due}});
    if (const auto* stop = std::get_if<resource::StopTimer>(&effect))
      unit.emplace_back(EraseTimer{key, stop->name});
  }
  return unit;
}

// ---- commit -----------------------------------------------------------------------------------

void EffectRunner::committed(const Key& key, Decided& decided) {
  overlay_.settle(key, true);
  const auto found = slots_.find(key);
  require(found != slots_.end());
  found->second.retry_after = commit_retry_first;
  perform(key, decided);
  found->second.busy = false;
  pump(key);
}

void EffectRunner::not_committed(const Key& key, Decided& decided, const Error& why) {
  overlay_.settle(key, false);
  commits_failed_.add(1);
  const auto found = slots_.find(key);
  require(found != slots_.end());
  found->second.busy = false;
  retry_later(key, found->second, std::move(decided.work), why);
  pump(key);
}

/// A request of somebody outside is refused: nothing has happened, they may ask again. Everything
/// else has happened already (the network answered, time passed) and is tried until it is recorded.
void EffectRunner::retry_later(const Key& key, Slot& slot, Work work, const Error& why) {
  ports_.log.event(Level::error, "store_failed",
                   {{"kind", std::string_view(key.kind)},
                    {"id", std::string_view(key.id)},
                    {"why", std::string_view(why.detail)}});
  if (requester(work.event)) {
    refuse(key, work, Error{Errc::unavailable, "the store cannot take this now; try again", {}});
    slot.busy = true;
    ports_.scheduler.post([this, key] { resume(key); });
    return;
  }
  slot.queue.push_front(std::move(work));
  slot.busy = true;
  ports_.scheduler.after(slot.retry_after, [this, key] { resume(key); });
  slot.retry_after = std::min(slot.retry_after * 2, commit_retry_max);
}

void EffectRunner::resume(const Key& key) {
  const auto found = slots_.find(key);
  if (found == slots_.end()) return;
  found->second.busy = false;
  pump(key);
}

void EffectRunner::refuse(const Key& key, const Work& work, const Error& why) {
  events_refused_.add(1);
  if (const auto request = requester(work.event))
    return ports_.replies.reply(*request, http::problem(why));
  ports_.log.event(Level::error, "event_refused",
                   {{"kind", std::string_view(key.kind)},
                    {"id", std::string_view(key.id)},
                    {"why", std::string_view(why.detail)}});
}

// ---- act --------------------------------------------------------------------------------------

void EffectRunner::perform(const Key& key, Decided& decided) {
  if (!decided.clause.empty())
    ports_.log.event(Level::info, "step",
                     {{"kind", std::string_view(key.kind)},
                      {"id", std::string_view(key.id)},
                      {"clause", std::string_view(decided.clause)}});
  if (std::holds_alternative<resource::TimerFired>(decided.work.event))
    timers_.erase(key, std::get<resource::TimerFired>(decided.work.event).name);
  if (!decided.after && decided.before) timers_.erase_all(key);

  const auto forget_fired = [this, &key](const std::string& name) {
    const auto slot = slots_.find(key);
    if (slot == slots_.end()) return;
    std::erase_if(slot->second.queue, [&](const Work& work) {
      const auto* fired = std::get_if<resource::TimerFired>(&work.event);
      return fired != nullptr && fired->name == name;
    });
  };
  const auto perform_one = [&](std::uint64_t id) {
    return Visitor{
        [this, &decided](resource::Reply& reply) {
          if (reply.representation && decided.after)
            reply.response.headers.set("etag", etag_of(decided.after->version));
          ports_.replies.reply(reply.request, std::move(reply.response));
        },
        [this, &key, id](resource::CallNetwork& call) {
          std::string name = call.name;
          ports_.calls.start(
              std::move(call), ports_.scheduler,
              [this, key, id, name = std::move(name)](Result<http::Response> response) {
                enqueue(key, Work{resource::NetworkAnswer{name, std::move(response)}, {}, id});
              });
        },
        [this, &key, id](resource::Notify& notify) {
          ports_.notifier.enqueue({.id = id, .of = key, .what = std::move(notify)});
        },
        [this, &key, &forget_fired](resource::StartTimer& start) {
          forget_fired(start.name);
          timers_.put(key, start.name, start.due);
        },
        [this, &key, &forget_fired](resource::StopTimer& stop) {
          forget_fired(stop.name);
          timers_.erase(key, stop.name);
        },
        [this, &key, id](resource::Tell& tell) {
          // Through the loop: a resource may tell itself, and its slot is being worked on.
          ports_.scheduler.post([this, from = key, id, tell = std::move(tell)] {
            enqueue(tell.to, Work{resource::Told{from, tell.what, tell.body}, {}, id});
          });
        },
        [this, &key](const resource::Observe& observed) {
          if (observer_) observer_(key, observed);
        }};
  };
  for (std::size_t i = 0; i < decided.effects.size(); ++i)
    std::visit(perform_one(decided.effect_ids[i]), decided.effects[i]);
}

// ---- after a restart --------------------------------------------------------------------------

Result<void> EffectRunner::recover() {
  // First the last id, and only then the effects: performing one commits new effects with new ids.
  for (bool more = true; more;) {
    const auto page = ports_.store.effects(effect_id_last_, recovery_page);
    if (!page) return fail(page.error());
    if (!page->empty()) effect_id_last_ = page->back().id;
    more = page->size() == recovery_page;
  }
  const std::uint64_t last = effect_id_last_;
  for (std::uint64_t at = 0; at < last;) {
    auto page = ports_.store.effects(at, recovery_page);
    if (!page) return fail(page.error());
    if (page->empty()) break;
    at = page->back().id;
    for (auto& stored : *page)
      if (stored.id <= last) recover_effect(std::move(stored));
  }
  timers_.load();
  tidy();
  return {};
}

/// Expired Idempotency-Keys are as good as absent (the router compares the time); this only keeps
/// their number bounded by what a day brings. A failure is made good by the next turn.
void EffectRunner::tidy() {
  ports_.store.commit({EraseIdempotencyBefore{ports_.clock.now()}}, [](const Result<void>&) {});
  ports_.scheduler.after(tidy_every, [this] { tidy(); });
}

void EffectRunner::recover_effect(StoredEffect stored) {
  auto effect = resource::effect_from_json(stored.body);
  if (!effect) {
    // Left in the store for whoever can read it; nothing may be guessed about it.
    ports_.log.event(Level::error, "stored_effect_unreadable",
                     {{"effect", static_cast<std::int64_t>(stored.id)},
                      {"why", std::string_view(effect.error().detail)}});
    return;
  }
  if (auto* notify = std::get_if<resource::Notify>(&*effect)) {
    if (stored.parked) return ports_.notifier.parked_before(stored.id);
    ports_.notifier.enqueue({.id = stored.id,
                             .of = std::move(stored.from),
                             .what = std::move(*notify),
                             .attempts = stored.attempts});
  } else if (const auto* call = std::get_if<resource::CallNetwork>(&*effect)) {
    enqueue(stored.from, Work{resource::Recovered{call->name}, {}, stored.id});
  } else if (const auto* tell = std::get_if<resource::Tell>(&*effect)) {
    enqueue(tell->to, Work{resource::Told{stored.from, tell->what, tell->body}, {}, stored.id});
  }
}

}  // namespace lobo::runtime
