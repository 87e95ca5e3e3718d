#include "runtime/notifier.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "runtime/commit_until_done.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/redirect.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::runtime {

using resource::Key;

namespace {

/// Nothing for what is no Notify, or of a version that this release does not read.
std::optional<Notification> notification_of(const StoredEffect& effect) {
  auto parsed = resource::effect_from_json(effect.body);
  if (!parsed) return std::nullopt;
  auto* notify = std::get_if<resource::Notify>(&*parsed);
  if (notify == nullptr) return std::nullopt;
  return Notification{effect.id, effect.from, std::move(*notify), effect.attempts};
}

StoredEffect stored_form(const Notification& notification, bool parked) {
  return {.id = notification.id,
          .from = notification.of,
          .type = "notify",
          .body = resource::to_json(notification.what),
          .parked = parked,
          .attempts = notification.attempts};
}

http::Request request_of(const resource::Notify& notify, const http::Url& to) {
  http::Request request;
  request.method = "POST";
  request.scheme = to.scheme;
  request.authority = to.authority();
  request.target = to.target;
  request.headers.add("content-type", "application/json");
  request.headers.add("x-lobo-sequence", std::to_string(notify.sequence));
  request.body = notify.body;
  return request;
}

}  // namespace

Notifier::Notifier(Store& store, Scheduler& scheduler, HttpClient& client, Rng& rng, Log& log,
                   Metrics& metrics, Allowed allowed, NotifierLimits limits)
    : store_(store),
      scheduler_(scheduler),
      client_(client),
      rng_(rng),
      log_(log),
      allowed_(std::move(allowed)),
      limits_(limits),
      sent_(metrics.counter("lobo_notifications_total", {{"result", "delivered"}})),
      retried_(metrics.counter("lobo_notifications_total", {{"result", "retried"}})),
      parked_(metrics.counter("lobo_notifications_total", {{"result", "parked"}})),
      dropped_(metrics.counter("lobo_notifications_total", {{"result", "dropped"}})) {}

Notifier::~Notifier() {
  for (auto& [key, queue] : queues_) scheduler_.cancel(queue.retry);
}

void Notifier::enqueue(Notification notification) {
  const Key of = notification.of;
  auto& queue = queues_[of];
  queue.last = std::max(queue.last, notification.id);
  // What comes faster than its sink takes it would fill the store for as long as it comes.
  if (queue.length >= limits_.waiting_max)
    return park(notification, "too many wait for this subscription already");
  ++queue.length;
  ++pending_;
  if (queue.more_in_store || queue.waiting.size() >= limits_.in_memory_per_subscription) {
    queue.more_in_store = true;
    return;
  }
  queue.waiting.push_back(std::move(notification));
  if (queue.waiting.size() == 1) pump(of);
}

void Notifier::pump(const Key& of) {
  const auto found = queues_.find(of);
  if (found == queues_.end()) return;
  Queue& queue = found->second;
  if (queue.under_way || queue.retry != 0) return;
  if (queue.waiting.empty() && queue.more_in_store) refill(of, queue);
  if (queue.retry != 0) return;
  if (queue.waiting.empty()) {
    queues_.erase(found);
    return;
  }
  attempt(of, queue);
}

void Notifier::refill(const Key& of, Queue& queue) {
  auto stored = store_.effects_of(of);
  if (!stored) {
    queue.retry = scheduler_.after(limits_.backoff_first, [this, of] {
      if (const auto found = queues_.find(of); found != queues_.end()) found->second.retry = 0;
      pump(of);
    });
    return;
  }
  queue.more_in_store = false;
  for (const auto& effect : *stored) {
    if (effect.id > queue.last) break;
    if (effect.type != "notify" || effect.parked || unsettled_.contains(effect.id) ||
        parked_ids_.contains(effect.id))
      continue;
    if (queue.waiting.size() >= limits_.in_memory_per_subscription) {
      queue.more_in_store = true;
      break;
    }
    // One that cannot be read is left in the store for whoever can, as after a restart.
    if (auto notification = notification_of(effect))
      queue.waiting.push_back(std::move(*notification));
  }
}

void Notifier::attempt(const Key& of, Queue& queue) {
  const auto& front = queue.waiting.front();
  if (!queue.to) {
    auto url = http::parse_url(front.what.to);
    if (!url) return park(of, queue, "the notification URI cannot be parsed");
    queue.to = std::move(*url);
  }
  auto sink = queue.to->origin();
  if (const auto allowed = allowed_(*queue.to); !allowed) {
    pass_on(sink);  // It may have been woken for a place that it does not take.
    return park(of, queue, allowed.error().detail);
  }

  queue.under_way = true;  // Also where it has to wait: then whoever frees a place starts it.
  if (under_way_ >= limits_.under_way_max) return blocked_.push_back(of);
  auto& at_sink = sinks_[sink];
  if (at_sink.under_way >= limits_.per_sink_max) return at_sink.blocked.push_back(of);
  queue.sink = std::move(sink);
  ++at_sink.under_way;
  ++under_way_;
  transmit(front, {.url = *queue.to});
}

void Notifier::transmit(const Notification& notification, Target target) {
  auto request = request_of(notification.what, target.url);
  client_.send(std::move(request), limits_.deadline,
               [this, of = notification.of, id = notification.id, target = std::move(target)](
                   const Result<http::Response>& response) { answered(of, id, target, response); });
}

void Notifier::answered(const Key& of, std::uint64_t id, const Target& target,
                        const Result<http::Response>& response) {
  if (!response)
    return not_delivered(of, id, response.error().code != Errc::forbidden, response.error().detail);
  const int status = response->status;
  if (status >= 200 && status < 300) {
    if (target.permanent && moved_) moved_(of, target.url.text());
    return delivered(of, id);
  }
  if (status == 307 || status == 308) return redirected(of, id, target, *response);
  const bool worth_retrying = status >= 500 || status == 408 || status == 425 || status == 429;
  not_delivered(of, id, worth_retrying, "the sink answered " + std::to_string(status));
}

void Notifier::redirected(const Key& of, std::uint64_t id, const Target& from,
                          const http::Response& response) {
  const auto found = queues_.find(of);
  if (found == queues_.end() || found->second.waiting.empty()) return;
  const auto& front = found->second.waiting.front();
  if (front.id != id) return;
  const auto to = http::redirect_target(request_of(front.what, from.url), response);
  if (!to || from.hops == http::redirects_max)
    return not_delivered(of, id, false, "the sink redirects too often or to no usable place");
  if (const auto allowed = allowed_(*to); !allowed)
    return not_delivered(of, id, false, allowed.error().detail);
  transmit(front, {.url = *to,
                   .hops = from.hops + 1,
                   .permanent = response.status == 308 && (from.hops == 0 || from.permanent)});
}

void Notifier::release_slot(Queue& queue) {
  queue.under_way = false;
  if (queue.sink.empty()) return;
  --under_way_;
  --sinks_.at(queue.sink).under_way;
  pass_on(std::exchange(queue.sink, {}));
}

/// One place is free at this sink, and one among all. Whoever waits for the one does not stand
/// behind those who wait for the other, or a silent sink would hold up everybody. Nobody is left
/// waiting: who waits for a sink has somebody under way or woken there, who waits among all,
/// anywhere.
void Notifier::pass_on(const std::string& sink) {
  wake_one(blocked_);
  const auto found = sinks_.find(sink);
  if (found == sinks_.end()) return;
  wake_one(found->second.blocked);
  if (found->second.under_way == 0 && found->second.blocked.empty()) sinks_.erase(found);
}

void Notifier::wake_one(std::deque<Key>& blocked) {
  if (blocked.empty()) return;
  const Key of = std::move(blocked.front());
  blocked.pop_front();
  queues_.at(of).under_way = false;
  scheduler_.post([this, of] { pump(of); });
}

void Notifier::delivered(const Key& of, std::uint64_t id) {
  sent_.add(1);
  unsettled_.insert(id);
  commit_until_done(store_, scheduler_, {EraseEffect{id}}, [this, id] { unsettled_.erase(id); });
  const auto found = queues_.find(of);
  if (found == queues_.end()) return;
  release_slot(found->second);
  next(of);
}

void Notifier::not_delivered(const Key& of, std::uint64_t id, bool worth_retrying,
                             const std::string& why) {
  const auto found = queues_.find(of);
  if (found == queues_.end() || found->second.waiting.empty() ||
      found->second.waiting.front().id != id)
    return;
  Queue& queue = found->second;
  release_slot(queue);
  auto& front = queue.waiting.front();
  ++front.attempts;
  if (!worth_retrying || front.attempts >= limits_.attempts_max) return park(of, queue, why);
  retried_.add(1);
  queue.retry = scheduler_.after(backoff(front.attempts), [this, of] {
    if (const auto still = queues_.find(of); still != queues_.end()) still->second.retry = 0;
    pump(of);
  });
}

void Notifier::park(const Key& of, Queue& queue, const std::string& why) {
  park(queue.waiting.front(), why);
  next(of);
}

void Notifier::park(const Notification& notification, const std::string& why) {
  parked_.add(1);
  log_.event(
      Level::warn, "notification_parked",
      {{"subscription", std::string_view(notification.of.id)}, {"why", std::string_view(why)}});
  commit_until_done(store_, scheduler_, parked(notification));
}

/// The unit that parks a notification, and drops the oldest where too many are parked.
std::vector<StoreChange> Notifier::parked(const Notification& notification) {
  parked_ids_.insert(notification.id);
  std::vector<StoreChange> unit;
  unit.emplace_back(PutEffect{stored_form(notification, true)});
  if (parked_ids_.size() > limits_.parked_max) {
    dropped_.add(1);
    unit.emplace_back(EraseEffect{*parked_ids_.begin()});
    parked_ids_.erase(parked_ids_.begin());
  }
  return unit;
}

void Notifier::next(const Key& of) {
  const auto found = queues_.find(of);
  if (found == queues_.end()) return;
  found->second.waiting.pop_front();
  found->second.to.reset();
  --found->second.length;
  --pending_;
  scheduler_.post([this, of] { pump(of); });
}

Result<void> Notifier::resend(std::uint64_t effect_id) {
  if (!parked_ids_.contains(effect_id))
    return fail(Errc::not_found, "no parked notification has that id");
  const auto stored = store_.effects(effect_id - 1, 1);
  if (!stored) return fail(stored.error());
  if (stored->empty() || stored->front().id != effect_id || !stored->front().parked)
    return fail(Errc::not_found, "no parked notification has that id");
  auto notification = notification_of(stored->front());
  if (!notification) return fail(Errc::internal, "the stored form cannot be read");
  notification->attempts = 0;
  parked_ids_.erase(effect_id);
  unsettled_.insert(effect_id);
  auto effect = stored_form(*notification, false);
  store_.commit({PutEffect{std::move(effect)}},
                [this, notification = std::move(*notification)](const Result<void>& done) {
                  unsettled_.erase(notification.id);
                  if (done)
                    enqueue(notification);
                  else
                    parked_ids_.insert(notification.id);
                });
  return {};
}

std::chrono::milliseconds Notifier::backoff(std::uint32_t attempts) {
  auto wait = limits_.backoff_first;
  for (std::uint32_t i = 1; i < attempts && wait < limits_.backoff_max; ++i) wait *= 2;
  wait = std::min(wait, limits_.backoff_max);
  // Full jitter on the upper half, so that sinks that failed together are not retried together.
  const auto half = static_cast<std::uint64_t>(wait.count() / 2);
  return std::chrono::milliseconds(half + rng_.below(half + 1));
}

}  // namespace lobo::runtime
