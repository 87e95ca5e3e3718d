#pragma once
// Delivers notifications: in order per subscription, at least once, never faster than a sink can
// take them, never for ever. One that is given up is parked where it can be read and re-sent, the
// next goes out, and the gap in the sequence stays visible to the application.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::runtime {

struct NotifierLimits {
  std::chrono::milliseconds deadline{3000};  ///< for one attempt
  std::chrono::milliseconds backoff_first{200};
  std::chrono::milliseconds backoff_max{30000};
  std::uint32_t attempts_max = 8;               ///< then it is parked; about a minute and a half
  std::size_t per_sink_max = 16;                ///< attempts under way to one scheme and authority
  std::size_t under_way_max = 1024;             ///< to all sinks together
  std::size_t in_memory_per_subscription = 64;  ///< what waits beyond stays in the store only
  std::size_t waiting_max = 1024;   ///< of one subscription, in the store too; what comes is parked
  std::size_t parked_max = 100000;  ///< beyond it the oldest is dropped, counted
};

/// A committed Notify effect, in the form in which it waits here: what was written to the outbox a
/// moment ago is not read back from it.
struct Notification {
  std::uint64_t id{};  ///< of the stored effect
  resource::Key of;    ///< the subscription
  resource::Notify what;
  std::uint32_t attempts = 0;
};

class Notifier {
 public:
  /// `moved` is called when a sink answered 308: later notifications go to the new URI, and the
  /// resource is told.
  using Moved = std::function<void(const resource::Key& subscription, const std::string& uri)>;
  /// Decides whether a URI may be notified at all (scheme, host); the client checks the address.
  using Allowed = std::function<Result<void>(const http::Url&)>;

  Notifier(Store& store, Scheduler& scheduler, HttpClient& client, Rng& rng, Log& log,
           Metrics& metrics, Allowed allowed, NotifierLimits limits = {});
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void on_moved(Moved moved) { moved_ = std::move(moved); }

  /// Those of one subscription come in ascending id.
  void enqueue(Notification notification);
  /// One that a previous run gave up: it stays parked.
  void parked_before(std::uint64_t effect_id) { parked_ids_.insert(effect_id); }

  /// Sends a parked notification again, out of order: its sequence number tells the application
  /// where it belongs. not_found when there is none of that id.
  Result<void> resend(std::uint64_t effect_id);

  /// Notifications that wait or are on their way, of all subscriptions.
  std::size_t pending() const { return pending_; }

 private:
  struct Queue {
    std::deque<Notification> waiting;  ///< the front is the one being tried
    std::size_t length = 0;            ///< with those that are in the store only
    bool more_in_store = false;        ///< left out of memory; read when `waiting` runs empty
    std::uint64_t last = 0;  ///< the highest id that came; a higher one in the store will come yet
    bool under_way = false;
    Scheduler::TimerId retry = 0;
    std::optional<http::Url> to;  ///< of the front, once it was looked at
    std::string sink;             ///< scheme and authority of the front, while under way
  };
  struct Sink {
    std::size_t under_way = 0;
    std::deque<resource::Key> blocked;  ///< subscriptions that wait for a place at this sink
  };
  void pump(const resource::Key& of);
  void attempt(const resource::Key& of, Queue& queue);
  /// Where the front of a queue is being sent, after `hops` redirects.
  struct Target {
    http::Url url;
    int hops = 0;
    bool permanent = false;  ///< by nothing but 308: a lasting move
  };
  void transmit(const Notification& notification, Target target);
  void answered(const resource::Key& of, std::uint64_t id, const Target& target,
                const Result<http::Response>& response);
  void redirected(const resource::Key& of, std::uint64_t id, const Target& from,
                  const http::Response& response);
  void delivered(const resource::Key& of, std::uint64_t id);
  void not_delivered(const resource::Key& of, std::uint64_t id, bool worth_retrying,
                     const std::string& why);
  void park(const resource::Key& of, Queue& queue, const std::string& why);
  void park(const Notification& notification, const std::string& why);
  std::vector<StoreChange> parked(const Notification& notification);
  void next(const resource::Key& of);
  void release_slot(Queue& queue);
  void pass_on(const std::string& sink);
  void wake_one(std::deque<resource::Key>& blocked);
  void refill(const resource::Key& of, Queue& queue);
  std::chrono::milliseconds backoff(std::uint32_t attempts);

  Store& store_;
  Scheduler& scheduler_;
  HttpClient& client_;
  Rng& rng_;
  Log& log_;
  Allowed allowed_;
  NotifierLimits limits_;
  Moved moved_;
  std::unordered_map<resource::Key, Queue, resource::KeyHash> queues_;
  std::map<std::string, Sink, std::less<>> sinks_;
  std::deque<resource::Key> blocked_;   ///< subscriptions that wait for a place among all
  std::set<std::uint64_t> parked_ids_;  ///< ascending is oldest first
  /// Delivered or taken up again, and the store may not know it yet: not to be read back from it.
  /// Bounded by the outbox: while the store takes nothing, nothing new comes.
  std::set<std::uint64_t> unsettled_;
  std::size_t under_way_ = 0;
  std::size_t pending_ = 0;
  Counter& sent_;
  Counter& retried_;
  Counter& parked_;
  Counter& dropped_;
};

}  // namespace lobo::runtime
