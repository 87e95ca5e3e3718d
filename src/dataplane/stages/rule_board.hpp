#pragma once
// Where the control plane publishes rules and workers take them. A worker never waits, never frees
// and never sees a RuleSet go away that it uses; the control plane frees what no worker uses any
// more.
//
// Each RuleSet has a number, one more than the one before. A worker tells the number of what it has
// taken; what is older than the smallest number told can go, since numbers only grow.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "dataplane/rules/rule_set.hpp"

namespace lobo::dataplane {

class RuleBoard {
 public:
  /// For so many workers, each with a number of its own below `workers`. Begins with no rules.
  explicit RuleBoard(std::size_t workers = 1);

  // The control plane, from one thread.

  void publish(std::shared_ptr<const RuleSet> rules);
  /// Frees what no worker uses. publish() does it as well; a worker that holds something back keeps
  /// all that came after it.
  void collect();
  /// RuleSets that are kept: the one that holds, and those in use.
  std::size_t kept() const { return published_.size(); }

  // The worker `at`. What take() gave holds until its next take() or rest(). A worker that waits
  // for packets rests, so that it keeps nothing from being freed.

  const RuleSet& take(std::size_t at = 0) noexcept;
  void rest(std::size_t at = 0) noexcept;
  /// Of what take() gave last.
  std::uint64_t number(std::size_t at = 0) const noexcept {
    return seen_[at].number.load(std::memory_order_relaxed);
  }

 private:
  struct Published {
    std::uint64_t number = 0;
    std::shared_ptr<const RuleSet> rules;
  };
  static constexpr std::uint64_t resting = ~std::uint64_t{0};
  static constexpr std::uint64_t about_to_take = 0;
  static constexpr std::size_t cache_line = 64;
  struct alignas(cache_line) Seen {
    std::atomic<std::uint64_t> number{resting};
  };

  std::deque<std::unique_ptr<Published>> published_;  ///< oldest first; the last one holds
  std::atomic<const Published*> current_{nullptr};
  std::vector<Seen> seen_;
};

}  // namespace lobo::dataplane
