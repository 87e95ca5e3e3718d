#pragma once
// For changes that must come to pass and that nobody waits for: tidying the outbox.

#include <chrono>
#include <utility>
#include <vector>

#include "runtime/ports.hpp"

namespace lobo::runtime {

inline constexpr std::chrono::milliseconds commit_again_after{1000};

/// Commits `unit` again and again until the store takes it. Only for units that may be repeated and
/// that no other commit overtakes. `scheduler` ends with the caller (ScopedScheduler).
inline void commit_until_done(Store& store, Scheduler& scheduler, std::vector<StoreChange> unit) {
  auto again = unit;
  store.commit(std::move(unit),
               [&store, &scheduler, again = std::move(again)](const Result<void>& done) {
                 if (!done)
                   scheduler.after(commit_again_after, [&store, &scheduler, again] {
                     commit_until_done(store, scheduler, again);
                   });
               });
}

}  // namespace lobo::runtime
