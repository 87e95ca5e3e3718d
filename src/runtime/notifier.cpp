#include "runtime/notifier.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "runtime/commit_until_done.hpp"
#include "wire/http/redirect.hpp"
#include "wire/http/url.hpp"

namespace lobo::runtime {

using resource::Key;

namespace {

std::optional<resource::Notify> notify_of(const StoredEffect& effect) {
  auto parsed = resource::effect_from_json(effect.body);
  if (!parsed) return std::nullopt;
  auto* notify = std::get_if<resource::Notify>(&*parsed);
  return notify ? std::optional(std::move(*notify)) : std::nullopt;
}

std::string sink_of(const http::Url& url) { return url.scheme + "://" + url.authority(); }

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

void Notifier::enqueue(StoredEffect effect) {
  if (effect.parked) {
    parked_ids_.insert(effect.id);
    return;
  }
  const Key of = effect.from;
  auto& queue = queues_[of];
  ++pending_;
  if (queue.more_in_store || queue.waiting.size() >= limits_.in_memory_per_subscription) {
    queue.more_in_store = true;
    return;
  }
  queue.waiting.push_back(std::move(effect));
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
  for (auto& effect : *stored) {
    if (effect.type != "notify" || effect.parked) continue;
    if (queue.waiting.size() >= limits_.in_memory_per_subscription) {
      queue.more_in_store = true;
      break;
    }
    queue.waiting.push_back(std::move(effect));
  }
}

void Notifier::attempt(const Key& of, Queue& queue) {
  const auto& front = queue.waiting.front();
  auto notify = notify_of(front);
  if (!notify) return park(of, queue, "the stored form cannot be read");
  const auto url = http::parse_url(notify->to);
  if (!url) return park(of, queue, "the notification URI cannot be parsed");
  if (const auto allowed = allowed_(*url); !allowed) {
    pass_on(sink_of(*url));  // It may have been woken for a place that it does not take.
    return park(of, queue, allowed.error().detail);
  }

  http::Request request;
  request.method = "POST";
  request.scheme = url->scheme;
  request.authority = url->authority();
  request.target = url->target;
  request.headers.add("content-type", "application/json");
  request.headers.add("x-lobo-sequence", std::to_string(notify->sequence));
  request.body = std::move(notify->body);

  queue.under_way = true;  // Also where it has to wait: then whoever frees a place starts it.
  const auto sink = sink_of(*url);
  if (under_way_ >= limits_.under_way_max) return blocked_.push_back(of);
  auto& at_sink = sinks_[sink];
  if (at_sink.under_way >= limits_.per_sink_max) return at_sink.blocked.push_back(of);
  queue.sink = sink;
  ++at_sink.under_way;
  ++under_way_;
  transmit(of, front.id, std::move(request), 0, false);
}

void Notifier::transmit(const Key& of, std::uint64_t id, http::Request request, int hops,
                        bool permanent) {
  auto copy = request;
  client_.send(
      std::move(request), limits_.deadline,
      [this, of, id, request = std::move(copy), hops, permanent](Result<http::Response> response) {
        answered(of, id, request, hops, permanent, std::move(response));
      });
}

void Notifier::answered(const Key& of, std::uint64_t id, http::Request request, int hops,
                        bool permanent, Result<http::Response> response) {
  if (!response)
    return not_delivered(of, id, response.error().code != Errc::forbidden, response.error().detail);
  const int status = response->status;
  if (status >= 200 && status < 300) {
    if (permanent && moved_)
      moved_(of, request.scheme + "://" + request.authority + request.target);
    return delivered(of, id);
  }
  if (status == 307 || status == 308) {
    const auto target = http::redirect_target(request, *response);
    if (!target || hops == http::redirects_max)
      return not_delivered(of, id, false, "the sink redirects too often or to no usable place");
    if (const auto allowed = allowed_(*target); !allowed)
      return not_delivered(of, id, false, allowed.error().detail);
    request.scheme = target->scheme;
    request.authority = target->authority();
    request.target = target->target;
    // Only a chain of nothing but 308 is a lasting move.
    return transmit(of, id, std::move(request), hops + 1,
                    status == 308 && (hops == 0 || permanent));
  }
  const bool worth_retrying = status >= 500 || status == 408 || status == 425 || status == 429;
  not_delivered(of, id, worth_retrying, "the sink answered " + std::to_string(status));
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
  commit_until_done(store_, scheduler_, {EraseEffect{id}});
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
  parked_.add(1);
  log_.event(Level::warn, "notification_parked",
             {{"subscription", std::string_view(of.id)}, {"why", std::string_view(why)}});
  commit_until_done(store_, scheduler_, parked(queue.waiting.front()));
  next(of);
}

/// The unit that parks `effect`, and drops the oldest where too many are parked.
std::vector<StoreChange> Notifier::parked(StoredEffect effect) {
  effect.parked = true;
  parked_ids_.insert(effect.id);
  std::vector<StoreChange> unit;
  unit.emplace_back(PutEffect{std::move(effect)});
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
  --pending_;
  scheduler_.post([this, of] { pump(of); });
}

Result<void> Notifier::resend(std::uint64_t effect_id) {
  auto stored = store_.effects(effect_id - 1, 1);
  if (!stored) return fail(stored.error());
  if (stored->empty() || stored->front().id != effect_id || !stored->front().parked)
    return fail(Errc::not_found, "no parked notification has that id");
  auto effect = std::move(stored->front());
  effect.parked = false;
  effect.attempts = 0;
  parked_ids_.erase(effect_id);
  store_.commit({PutEffect{effect}}, [this, effect](const Result<void>& done) {
    if (done)
      enqueue(effect);
    else
      parked_ids_.insert(effect.id);
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
