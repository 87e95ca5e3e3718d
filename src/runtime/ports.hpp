#pragma once
// What the runtime needs from outside. adapters/ implement these on the real world, sim/ on a
// virtual one; tests/contract/ holds both to one suite. Everything is called and calls back on the
// one control-plane loop unless it says otherwise.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::runtime {

// ---- event loop -------------------------------------------------------------------------------

struct Scheduler {
  Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  virtual ~Scheduler() = default;

  using TimerId = std::uint64_t;  ///< 0 is never given
  /// Runs `work` on the loop after `delay`; never inside the call itself.
  virtual TimerId after(std::chrono::microseconds delay, std::function<void()> work) = 0;
  /// A timer that fired or was cancelled already is ignored.
  virtual void cancel(TimerId timer) = 0;
  /// Runs `work` on the loop soon. The one function that any thread may call.
  virtual void post(std::function<void()> work) = 0;
};

// ---- store ------------------------------------------------------------------------------------

struct PutRecord {
  resource::Record record;
};  ///< inserts, or replaces an older version
struct EraseRecord {
  resource::Key key;
};

/// An effect that waits in the outbox. `id` is given by the runtime, ascending.
struct StoredEffect {
  std::uint64_t id{};
  resource::Key from;
  std::string type;     ///< "call", "notify" or "tell"
  std::string body;     ///< resource::to_json
  bool parked = false;  ///< given up: kept to be read and re-sent
  std::uint32_t attempts = 0;
  bool operator==(const StoredEffect&) const = default;
};
struct PutEffect {
  StoredEffect effect;
};  ///< inserts or replaces by id
struct EraseEffect {
  std::uint64_t id{};
};

struct StoredTimer {
  resource::Key of;
  std::string name;
  Instant due;
  bool operator==(const StoredTimer&) const = default;
};
struct PutTimer {
  StoredTimer timer;
};  ///< replaces one of the same resource and name
struct EraseTimer {
  resource::Key of;
  std::string name;
};
struct EraseTimersOf {
  resource::Key of;
};

/// Remembers which resource an Idempotency-Key made, until `expires`.
struct StoredIdempotency {
  std::string owner;
  std::string key;
  std::string digest;  ///< of the request: the same key with another request is refused
  resource::Key made;
  Instant expires;
  bool operator==(const StoredIdempotency&) const = default;
};
struct PutIdempotency {
  StoredIdempotency entry;
};
struct EraseIdempotency {
  std::string owner;
  std::string key;
};
struct EraseIdempotencyBefore {
  Instant expires;
};

/// A small value by name: counters, the last effect id.
struct PutFact {
  std::string name;
  std::string value;
};

using StoreChange =
    std::variant<PutRecord, EraseRecord, PutEffect, EraseEffect, PutTimer, EraseTimer,
                 EraseTimersOf, PutIdempotency, EraseIdempotency, EraseIdempotencyBefore, PutFact>;

/// Durable state. Reads see what was committed, never what is under way.
struct Store {
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  /// Applies all changes or none, in order, and calls `done` on the loop once they are durable.
  /// Units become durable in the order of the calls. On failure nothing of the unit has happened.
  virtual void commit(std::vector<StoreChange> unit, std::function<void(Result<void>)> done) = 0;

  virtual Result<std::optional<resource::Record>> find(const resource::Key& key) const = 0;
  virtual Result<std::vector<resource::Record>> list(std::string_view kind, std::string_view owner,
                                                     std::string_view after,
                                                     std::size_t limit) const = 0;
  virtual Result<std::vector<resource::Key>> by_subject(std::string_view kind,
                                                        std::string_view subject,
                                                        std::size_t limit) const = 0;
  virtual Result<std::uint64_t> count(std::string_view kind, std::string_view owner) const = 0;
  /// Effects in ascending order of id, ids after `after`, at most `limit`.
  virtual Result<std::vector<StoredEffect>> effects(std::uint64_t after,
                                                    std::size_t limit) const = 0;
  /// Effects of one resource, ascending.
  virtual Result<std::vector<StoredEffect>> effects_of(const resource::Key& from) const = 0;
  /// Timers due at or before `until`, earliest first, at most `limit`.
  virtual Result<std::vector<StoredTimer>> timers(Instant until, std::size_t limit) const = 0;
  virtual Result<std::optional<StoredIdempotency>> idempotency(std::string_view owner,
                                                               std::string_view key) const = 0;
  virtual Result<std::optional<std::string>> fact(std::string_view name) const = 0;
};

// ---- HTTP -------------------------------------------------------------------------------------

/// Sends one request. `done` is called exactly once, on the loop, at `deadline` at the latest.
/// Errors: unavailable (no connection), timeout, malformed (the reply is not HTTP), too_large.
/// Redirects are not followed here: whoever asked decides whether the new target is allowed.
struct HttpClient {
  HttpClient() = default;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  virtual ~HttpClient() = default;
  using Done = std::function<void(Result<http::Response>)>;
  virtual void send(http::Request request, std::chrono::milliseconds deadline, Done done) = 0;
};

/// What a server hands each request to. `reply` may be called at once or later, once, on the loop;
/// it does nothing when the requester has gone.
struct HttpHandler {
  HttpHandler() = default;
  HttpHandler(const HttpHandler&) = delete;
  HttpHandler& operator=(const HttpHandler&) = delete;
  virtual ~HttpHandler() = default;
  using ReplyFn = std::function<void(http::Response)>;
  virtual void handle(http::Request request, ReplyFn reply) = 0;
};

// ---- identity ---------------------------------------------------------------------------------

/// Turns credentials into a principal. May need to fetch keys, therefore asynchronous; a cache hit
/// answers inside the call.
struct Authenticator {
  Authenticator() = default;
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;
  virtual ~Authenticator() = default;
  virtual void authenticate(const http::Request& request, Instant now,
                            std::function<void(Result<resource::Principal>)> done) = 0;
};

// ---- observation ------------------------------------------------------------------------------

enum class Level : std::uint8_t { debug, info, warn, error };

struct Field {
  std::string_view name;
  std::variant<std::string_view, std::int64_t> value;
};

struct Log {
  Log() = default;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  virtual ~Log() = default;
  /// One event a line: log.event(Level::info, "resource_created", {{"id", id}, {"clause",
  /// "14.3.3.3.2"}}).
  virtual void event(Level level, std::string_view name, std::initializer_list<Field> fields) = 0;
};

/// A counter or gauge; handles are fetched once and live as long as their Metrics.
struct Counter {
  virtual ~Counter() = default;
  virtual void add(double amount) = 0;
};
struct Histogram {
  virtual ~Histogram() = default;
  virtual void observe(double value) = 0;
};
using Labels = std::vector<std::pair<std::string, std::string>>;

struct Metrics {
  Metrics() = default;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  virtual ~Metrics() = default;
  virtual Counter& counter(std::string_view name, const Labels& labels) = 0;
  virtual Counter& gauge(std::string_view name, const Labels& labels) = 0;
  virtual Histogram& histogram(std::string_view name, const Labels& labels) = 0;  ///< seconds
};

/// One message between two parties, for `lobo trace`. Each side records what it saw; `span` joins
/// them.
struct TraceMessage {
  Instant at;
  std::string from, to;  ///< party names: "app", "lobo", "nef"
  std::string span;      ///< of the traceparent header
  std::string trace;
  std::string text;  ///< "POST /ss-nra/v1/unicast-subscriptions" or "201"
  std::string clause;
  bool request = true;
  std::string body;  ///< cut to trace_body_bytes_max
};

struct Trace {
  Trace() = default;
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  virtual ~Trace() = default;
  virtual void message(const TraceMessage& message) = 0;
};

}  // namespace lobo::runtime
