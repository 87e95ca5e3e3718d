#pragma once
// Timers of resources. All of them are in the store; in memory are only those due within the
// horizon, so that a million idle subscriptions with an expiry cost nothing here.

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "base/clock.hpp"
#include "runtime/ports.hpp"

namespace lobo::runtime {

inline constexpr std::chrono::minutes timer_horizon{2};
inline constexpr std::size_t timers_loaded_at_once_max = 1000;
inline constexpr std::chrono::milliseconds timer_reload_retry{500};

class TimerQueue {
 public:
  using Fire = std::function<void(const resource::Key&, const std::string& name)>;

  TimerQueue(const Store& store, Scheduler& scheduler, const Clock& clock, Fire fire);
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  /// Reads what is due within the horizon; again by itself before the horizon ends.
  void load();
  /// A committed timer; replaces one of the same resource and name. A timer that fired stays known
  /// until it is put or erased, so that reading the store again does not fire it twice.
  void put(const resource::Key& of, const std::string& name, Instant due);
  void erase(const resource::Key& of, const std::string& name);
  void erase_all(const resource::Key& of);
  std::size_t in_memory() const { return armed_.size(); }

 private:
  using Entry =
      std::tuple<Instant, std::string, std::string, std::string>;  ///< due, kind, id, name
  using Name = std::tuple<std::string, std::string, std::string>;  ///< kind, id, name
  void arm();
  void run_due();

  const Store& store_;
  Scheduler& scheduler_;
  const Clock& clock_;
  Fire fire_;
  std::set<Entry> due_order_;
  std::map<Name, Instant> armed_;
  std::set<Name> fired_;   ///< fired, and not yet settled by a commit
  Instant horizon_end_{};  ///< timers due later are in the store only
  Scheduler::TimerId wake_ = 0;
  Instant wake_at_{};
};

}  // namespace lobo::runtime
