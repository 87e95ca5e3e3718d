#include "dataplane/stages/rule_board.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/require.hpp"
#include "dataplane/rules/rule_set.hpp"

namespace lobo::dataplane {

RuleBoard::RuleBoard(std::size_t workers) : seen_(workers) {
  publish(std::make_shared<const RuleSet>());
}

void RuleBoard::publish(std::shared_ptr<const RuleSet> rules) {
  require(rules != nullptr);
  const std::uint64_t number = published_.empty() ? 1 : published_.back()->number + 1;
  published_.push_back(std::make_unique<Published>(number, std::move(rules)));
  current_.store(published_.back().get(), std::memory_order_seq_cst);
  collect();
}

void RuleBoard::collect() {
  std::uint64_t used = published_.back()->number;
  for (const Seen& seen : seen_) used = std::min(used, seen.number.load(std::memory_order_seq_cst));
  while (published_.front()->number < used) published_.pop_front();
}

/// Whoever rested says first that it is about to take: of the two, this store and the publication
/// of a newer RuleSet, one comes first in the order that all threads see. Either collect() sees the
/// store and frees nothing, or current_ is the newer one already.
const RuleSet& RuleBoard::take(std::size_t at) noexcept {
  std::atomic<std::uint64_t>& seen = seen_[at].number;
  if (seen.load(std::memory_order_relaxed) == resting)
    seen.store(about_to_take, std::memory_order_seq_cst);
  const Published* const now = current_.load(std::memory_order_seq_cst);
  if (seen.load(std::memory_order_relaxed) != now->number)
    seen.store(now->number, std::memory_order_seq_cst);
  return *now->rules;
}

void RuleBoard::rest(std::size_t at) noexcept {
  seen_[at].number.store(resting, std::memory_order_seq_cst);
}

}  // namespace lobo::dataplane
