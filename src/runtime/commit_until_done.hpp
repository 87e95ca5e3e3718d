#pragma once
// For changes that must come to pass and that nobody waits for: tidying the outbox.

#include <chrono>
#include <functional>
#include <utility>
#include <vector>

#include "runtime/ports.hpp"

namespace lobo::runtime {

inline constexpr std::chrono::milliseconds commit_again_after{1000};

/// Commits `unit` again and again until the store takes it, and then calls `taken`. Only for units
/// that may be repeated and that no other commit overtakes. `scheduler` ends with the caller
/// (ScopedScheduler).
inline void commit_until_done(Store& store, Scheduler& scheduler, std::vector<StoreChange> unit,
                              std::function<void()> taken = {}) {
  auto again = unit;
  store.commit(std::move(unit), [&store, &scheduler, again = std::move(again),
                                 taken = std::move(taken)](const Result<void>& done) {
    if (done) return taken ? taken() : void();
    scheduler.after(commit_again_after, [&store, &scheduler, again, taken] {
      commit_until_done(store, scheduler, again, taken);
    });
  });
}

}  // namespace lobo::runtime
