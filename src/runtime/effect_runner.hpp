#pragma once
// Decide, commit, act.
//
// The problem: an answer that was given must survive `kill -9`, a reservation in the network must
// never be forgotten, and yet every decision should stay a pure function. So the runner takes one
// event at a time for each resource, lets its machine decide, commits the new state together with
// the effects (the outbox), and only then performs the effects. Their results come back as events.
//
// Invariants:
// - A resource has at most one commit under way; its next event waits for it. Different resources
//   overlap freely, which is what gives the store something to group.
// - An effect is performed only after its commit; a stored effect leaves the outbox in the same
//   commit as the state change that its result caused.
// - An event that is not a request of somebody outside is never dropped: when the store fails it is
//   tried again (commit_retry_first … commit_retry_max) until the store comes back.

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/calls.hpp"
#include "runtime/notifier.hpp"
#include "runtime/overlay.hpp"
#include "runtime/ports.hpp"
#include "runtime/replies.hpp"
#include "runtime/timer_queue.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::runtime {

inline constexpr std::size_t events_per_resource_max = 64;  ///< requests from outside that may wait
inline constexpr std::chrono::milliseconds commit_retry_first{50};
inline constexpr std::chrono::milliseconds commit_retry_max{5000};
inline constexpr std::size_t recovery_page = 1000;
/// How often keys of requests that nobody will repeat any more are forgotten.
inline constexpr std::chrono::minutes tidy_every{10};

/// What a request from outside brings along besides its event.
struct Submission {
  std::optional<std::string> if_match;           ///< the ETag that the request insists on
  std::optional<StoredIdempotency> idempotency;  ///< to be stored with the resource it makes
  bool fresh = false;  ///< the key was drawn at random for this: nothing is stored under it
};

class EffectRunner {
 public:
  /// All of them outlive the runner.
  struct Ports {
    Store& store;
    Scheduler& scheduler;
    const Clock& clock;
    Log& log;
    Metrics& metrics;
    Replies& replies;
    Calls& calls;
    Notifier& notifier;
  };
  explicit EffectRunner(Ports ports);

  /// Every kind that the store may hold must be added before recover().
  void add(const resource::Machine& machine);

  /// Hears every Observe effect, inside the decision's turn: it must not call back into the runner
  /// but through the scheduler. Set before the first event.
  using Observer = std::function<void(const resource::Key& from, const resource::Observe&)>;
  void on_observed(Observer observer) { observer_ = std::move(observer); }

  /// Reads the outbox and the timers of the previous run: calls come back as Recovered,
  /// notifications and tells go out again. Call once, before the first event.
  Result<void> recover();

  /// Hands an event of the outside world (Command, Callback) to a resource. A resource that has
  /// events_per_resource_max waiting already answers 429.
  void submit(const resource::Key& key, resource::Event event, Submission with = {});
  /// Whether it would be taken now; for events that nobody is told the refusal of.
  bool takes(const resource::Key& key) const;

  /// Committed state with the commits under way laid over it.
  const resource::Lookup& lookup() const { return overlay_; }

  /// True when nothing is waiting, being committed or being called.
  bool idle() const { return slots_.empty() && ports_.calls.idle(); }

 private:
  struct Work {
    resource::Event event;
    Submission with;
    std::optional<std::uint64_t> cause;  ///< the stored effect that this event settles
  };
  struct Slot {
    std::list<Work> queue;
    bool busy = false;  ///< a commit or a retry is under way
    std::chrono::milliseconds retry_after = commit_retry_first;
  };
  struct Decided {
    Work work;
    RecordPtr before;
    RecordPtr after;  ///< null: erased, or never there
    std::vector<resource::Effect> effects;
    std::vector<std::uint64_t> effect_ids;  ///< one per effect, 0 for those not stored
    std::string clause;
  };

  void enqueue(const resource::Key& key, Work work);
  void pump(const resource::Key& key);
  /// True when the slot may go on with its next event at once.
  bool process(const resource::Key& key, Slot& slot, Work work);
  std::vector<StoreChange> unit_of(const resource::Key& key, Decided& decided,
                                   resource::Change change);
  void committed(const resource::Key& key, Decided& decided);
  void not_committed(const resource::Key& key, Decided& decided, const Error& why);
  void perform(const resource::Key& key, Decided& decided);
  void refuse(const resource::Key& key, const Work& work, const Error& why);
  void retry_later(const resource::Key& key, Slot& slot, Work work, const Error& why);
  void resume(const resource::Key& key);
  void recover_effect(StoredEffect stored);
  void tidy();

  Ports ports_;
  Overlay overlay_;
  TimerQueue timers_;
  std::map<std::string, const resource::Machine*, std::less<>> machines_;
  std::unordered_map<resource::Key, Slot, resource::KeyHash> slots_;
  Observer observer_;
  std::uint64_t effect_id_last_ = 0;
  Counter& commits_failed_;
  Counter& events_refused_;
};

}  // namespace lobo::runtime
