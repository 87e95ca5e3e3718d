#include "dataplane/set_queue.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "dataplane/drop_reason.hpp"
#include "dataplane/elapsed.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

QueueConfig config(Policy policy, std::uint64_t bytes) {
  return {.policy = policy, .bytes_max = bytes, .pdus_max = 64, .sets_max = 32};
}

Psi psi(unsigned value) { return Psi::low_bits_of(value); }

QueuedPdu pdu(std::uint64_t handle, std::uint32_t bytes = 100) { return {handle, bytes}; }

std::vector<std::uint64_t> drained(SetQueue& queue, Elapsed now = {}) {
  std::vector<std::uint64_t> out;
  while (const auto next = queue.dequeue(now)) out.push_back(next->handle);
  return out;
}

std::vector<std::uint64_t> dropped(SetQueue& queue) {
  std::vector<std::uint64_t> out;
  while (const auto next = queue.next_dropped()) out.push_back(next->handle);
  return out;
}

using Handles = std::vector<std::uint64_t>;

TEST(set_queue, tail_drop_drops_what_does_not_fit_and_keeps_the_order) {
  SetQueue queue(config(Policy::taildrop, 250));
  EXPECT_EQ(queue.enqueue(SetId::none, pdu(1), {}), std::nullopt);
  EXPECT_EQ(queue.enqueue(SetId::none, pdu(2), {}), std::nullopt);
  EXPECT_EQ(queue.enqueue(SetId::none, pdu(3), {}), DropReason::queue_full);
  EXPECT_EQ(queue.enqueue(SetId::none, pdu(4, 50), {}), std::nullopt);
  EXPECT_EQ(drained(queue), (Handles{1, 2, 4}));
}

TEST(set_queue, psihi_drops_the_rest_of_a_set_of_which_one_was_dropped) {
  SetQueue queue(config(Policy::psihi, 300));
  const auto a = queue.open_set(psi(1), 0, {});
  const auto b = queue.open_set(psi(2), 0, {});
  queue.enqueue(a, pdu(1), {});
  queue.enqueue(b, pdu(2), {});
  queue.enqueue(a, pdu(3), {});
  EXPECT_EQ(queue.enqueue(a, pdu(4), {}), DropReason::queue_full);
  EXPECT_EQ(dropped(queue), (Handles{1, 3})) << "both runs of the set, in their order";
  EXPECT_EQ(queue.enqueue(a, pdu(5), {}), DropReason::set_incomplete);
  EXPECT_EQ(queue.bytes(), 100U);
  EXPECT_EQ(drained(queue), (Handles{2}));
}

TEST(set_queue, the_first_pdu_decides_for_the_whole_set_by_what_it_says_of_its_size) {
  SetQueue queue(config(Policy::evict, 1000));
  const auto a = queue.open_set(psi(4), 700, {});
  EXPECT_EQ(queue.enqueue(a, pdu(1), {}), std::nullopt);
  const auto b = queue.open_set(psi(4), 400, {});
  EXPECT_EQ(queue.enqueue(b, pdu(2), {}), DropReason::not_admitted) << "600 are still to come";
  EXPECT_EQ(queue.enqueue(b, pdu(3), {}), DropReason::not_admitted);
  const auto c = queue.open_set(psi(4), 300, {});
  EXPECT_EQ(queue.enqueue(c, pdu(4), {}), std::nullopt);
}

TEST(set_queue, a_set_that_ends_early_gives_back_what_it_had_reserved) {
  SetQueue queue(config(Policy::evict, 1000));
  const auto a = queue.open_set(psi(4), 900, {});
  queue.enqueue(a, {1, 100, true}, {});
  const auto b = queue.open_set(psi(4), 900, {});
  EXPECT_EQ(queue.enqueue(b, pdu(2), {}), std::nullopt);
}

TEST(set_queue, a_pdu_without_a_mark_does_not_pay_for_what_others_reserve) {
  SetQueue queue(config(Policy::threshold, 1000));
  const auto a = queue.open_set(psi(1), pdu_set_size_max, {});
  queue.enqueue(a, pdu(1), {});
  EXPECT_EQ(queue.enqueue(SetId::none, pdu(2), {}), std::nullopt);
}

TEST(set_queue, the_mean_of_earlier_sets_stands_for_a_size_that_is_not_said) {
  SetQueue queue(config(Policy::evict, 1000));
  const auto a = queue.open_set(psi(4), 0, {});
  queue.enqueue(a, pdu(1, 300), {});
  queue.enqueue(a, {2, 300, true}, {});
  const auto b = queue.open_set(psi(4), 0, {});
  EXPECT_EQ(queue.enqueue(b, pdu(3), {}), DropReason::not_admitted) << "600 are expected of it";
  drained(queue);
  const auto c = queue.open_set(psi(4), 0, {});
  EXPECT_EQ(queue.enqueue(c, pdu(4), {}), std::nullopt);
}

TEST(set_queue, the_least_important_and_newest_sets_make_room) {
  SetQueue queue(config(Policy::evict, 500));
  Handles handles;
  std::uint64_t next = 1;
  for (const unsigned value : {8U, 4U, 8U, 2U, 8U}) {
    const auto set = queue.open_set(psi(value), 100, {});
    queue.enqueue(set, {next++, 100, true}, {});
  }
  const auto important = queue.open_set(psi(1), 200, {});
  EXPECT_EQ(queue.enqueue(important, pdu(6, 200), {}), std::nullopt);
  EXPECT_EQ(dropped(queue), (Handles{5, 3}));
  EXPECT_EQ(drained(queue), (Handles{1, 2, 4, 6}));
  EXPECT_EQ(queue.dropped()[static_cast<std::size_t>(DropReason::evicted)], (Tally{2, 200}));
}

TEST(set_queue, nothing_is_evicted_in_vain) {
  SetQueue queue(config(Policy::evict, 500));
  for (std::uint64_t i = 0; i < 5; ++i) {
    const auto set = queue.open_set(psi(i < 4 ? 2 : 8), 100, {});
    queue.enqueue(set, pdu(i), {});
  }
  const auto set = queue.open_set(psi(2), 200, {});
  EXPECT_EQ(queue.enqueue(set, pdu(9, 200), {}), DropReason::not_admitted);
  EXPECT_TRUE(dropped(queue).empty());
}

TEST(set_queue, a_set_of_which_something_was_sent_and_one_that_says_nothing_stay) {
  SetQueue queue(config(Policy::evict, 300));
  const auto begun = queue.open_set(psi(8), 0, {});
  queue.enqueue(begun, pdu(1), {});
  queue.enqueue(begun, pdu(2), {});
  EXPECT_EQ(queue.dequeue({})->handle, 1U);
  const auto unknown = queue.open_set(psi(0), 0, {});
  queue.enqueue(unknown, pdu(3), {});
  queue.enqueue(unknown, pdu(4), {});
  const auto important = queue.open_set(psi(1), 0, {});
  EXPECT_EQ(queue.enqueue(important, pdu(5), {}), DropReason::not_admitted);
}

TEST(set_queue, each_importance_fills_its_share_and_no_more) {
  SetQueue queue(config(Policy::threshold, 1000));
  const auto fill = [&](unsigned value, std::uint32_t bytes) {
    const auto set = queue.open_set(psi(value), bytes, {});
    return queue.enqueue(set, {1, bytes, true}, {});
  };
  EXPECT_EQ(fill(8, 400), std::nullopt);
  EXPECT_EQ(fill(8, 10), DropReason::not_admitted);
  EXPECT_EQ(fill(4, 200), std::nullopt);
  EXPECT_EQ(fill(2, 300), std::nullopt);
  EXPECT_EQ(fill(1, 100), std::nullopt);
  EXPECT_EQ(queue.bytes(), 1000U);
}

TEST(set_queue, what_is_older_than_its_budget_is_not_sent) {
  auto with_budget = config(Policy::psihi, 1000);
  with_budget.delay_budget = 10ms;
  SetQueue queue(with_budget);
  const auto old = queue.open_set(psi(1), 0, 0ms);
  const auto young = queue.open_set(psi(1), 0, 5ms);
  queue.enqueue(old, pdu(1), 0ms);
  queue.enqueue(young, pdu(2), 5ms);
  queue.enqueue(old, pdu(3), 5ms);
  EXPECT_EQ(queue.dequeue(11ms)->handle, 2U);
  EXPECT_EQ(dropped(queue), (Handles{1, 3}));
  EXPECT_EQ(queue.enqueue(old, pdu(4), 11ms), DropReason::expired);
}

TEST(set_queue, a_full_table_of_sets_makes_lone_pdus_and_one_of_pdus_drops) {
  auto small = config(Policy::evict, 10'000);
  small.sets_max = 1;
  small.pdus_max = 2;
  SetQueue queue(small);
  EXPECT_NE(queue.open_set(psi(1), 0, {}), SetId::none);
  EXPECT_EQ(queue.open_set(psi(1), 0, {}), SetId::none);
  EXPECT_EQ(queue.enqueue(SetId::none, pdu(1), {}), std::nullopt);
  EXPECT_EQ(queue.enqueue(SetId::none, pdu(2), {}), std::nullopt);
  EXPECT_EQ(queue.enqueue(SetId::none, pdu(3), {}), DropReason::no_slot);
}

TEST(set_queue, a_set_that_is_closed_and_gone_gives_its_number_back) {
  auto small = config(Policy::evict, 1000);
  small.sets_max = 1;
  SetQueue queue(small);
  for (std::uint64_t i = 0; i < 5; ++i) {
    const auto set = queue.open_set(psi(8), 0, {});
    ASSERT_NE(set, SetId::none);
    queue.enqueue(set, pdu(i), {});
    queue.close_set(set);
    EXPECT_EQ(drained(queue), (Handles{i}));
  }
}

// ---- properties: the queue against a list that is searched from its beginning ------------------

struct Known {
  unsigned psi = 0;
  bool doomed = false;
  bool closed = false;
};
struct Waiting {
  std::uint32_t set;
  QueuedPdu pdu;
};

/// What is offered, taken, delivered and dropped, and a naive list beside the queue.
class Play {
 public:
  explicit Play(Policy policy, std::uint64_t bytes) : queue_(config(policy, bytes)) {}

  void run() {
    const auto steps = *rc::gen::inRange<std::size_t>(0, 200);
    for (std::size_t i = 0; i < steps; ++i) {
      switch (*rc::gen::inRange(0, 8)) {
        case 0: begin(); break;
        case 1: close(); break;
        case 2: doom(); break;
        case 3:
        case 4: take(); break;
        default: give(); break;
      }
      settle();
    }
    while (!list_.empty()) take();
    settle();
    RC_ASSERT(!queue_.dequeue({}).has_value());
    RC_ASSERT(offered_ == delivered_ + refused_ + dropped_);
    std::uint64_t counted = 0;
    for (const auto& tally : queue_.dropped()) counted += tally.bytes;
    RC_ASSERT(counted == refused_ + dropped_);
    RC_ASSERT(queue_.delivered().bytes == delivered_);
  }

 private:
  void begin() {
    const unsigned value = *rc::gen::inRange(0U, 16U);
    const auto size = *rc::gen::inRange(0U, 900U);
    const auto set = queue_.open_set(psi(value), size, {});
    if (set != SetId::none) sets_[static_cast<std::uint32_t>(set)] = {value, false, false};
  }
  std::optional<std::uint32_t> some_set() {
    std::vector<std::uint32_t> open;
    for (const auto& [id, known] : sets_)
      if (!known.closed) open.push_back(id);
    if (open.empty()) return std::nullopt;
    return open[*rc::gen::inRange<std::size_t>(0, open.size())];
  }
  void close() {
    const auto set = some_set();
    if (!set) return;
    queue_.close_set(SetId{*set});
    sets_[*set].closed = true;
  }
  void doom() {
    const auto set = some_set();
    if (!set || queue_.config().policy == Policy::taildrop) return;
    queue_.doom(SetId{*set}, DropReason::set_lost_pdu);
    sets_[*set].doomed = true;
  }
  void give() {
    const auto set = some_set();
    const QueuedPdu pdu{++next_, *rc::gen::inRange(1U, 300U), *rc::gen::inRange(0, 4) == 0};
    offered_ += pdu.bytes;
    const auto refused = queue_.enqueue(set ? SetId{*set} : SetId::none, pdu, {});
    if (set && queue_.config().policy != Policy::taildrop) {
      if (sets_[*set].doomed) RC_ASSERT(refused.has_value());
      if (refused) sets_[*set].doomed = true;
    }
    if (refused)
      refused_ += pdu.bytes;
    else
      list_.push_back({set ? *set : static_cast<std::uint32_t>(SetId::none), pdu});
    // A set may have been evicted, or dropped with this PDU: the list learns that from settle().
    RC_ASSERT(queue_.bytes() <= queue_.config().bytes_max);
  }
  void take() {
    settle();
    const auto pdu = queue_.dequeue({});
    RC_ASSERT(pdu.has_value() == !list_.empty());
    if (!pdu) return;
    RC_ASSERT(pdu->handle == list_.front().pdu.handle);
    const auto found = sets_.find(list_.front().set);
    if (found != sets_.end() && !found->second.closed) RC_ASSERT(!found->second.doomed);
    delivered_ += pdu->bytes;
    list_.erase(list_.begin());
  }
  /// What the queue dropped must be whole sets: all that the list holds of each.
  void settle() {
    std::map<std::uint32_t, std::vector<std::uint64_t>> gone;
    while (const auto pdu = queue_.next_dropped()) {
      const auto at =
          std::ranges::find(list_, pdu->handle, [](const auto& w) { return w.pdu.handle; });
      RC_ASSERT(at != list_.end());
      RC_ASSERT(at->set != static_cast<std::uint32_t>(SetId::none));
      gone[at->set].push_back(pdu->handle);
      dropped_ += pdu->bytes;
    }
    for (const auto& [set, handles] : gone) {
      std::vector<std::uint64_t> all;
      for (const auto& waiting : list_)
        if (waiting.set == set) all.push_back(waiting.pdu.handle);
      RC_ASSERT(all == handles);
      std::erase_if(list_, [id = set](const auto& waiting) { return waiting.set == id; });
      sets_[set].doomed = true;
    }
    std::uint64_t bytes = 0;
    for (const auto& waiting : list_) bytes += waiting.pdu.bytes;
    RC_ASSERT(queue_.bytes() == bytes);
    RC_ASSERT(queue_.pdus() == list_.size());
    // A number that is used again belongs to another set.
    std::erase_if(sets_, [this](const auto& entry) {
      return entry.second.closed && std::ranges::none_of(list_, [&](const auto& waiting) {
               return waiting.set == entry.first;
             });
    });
  }

  SetQueue queue_;
  std::vector<Waiting> list_;
  std::map<std::uint32_t, Known> sets_;
  std::uint64_t next_ = 0;
  std::uint64_t offered_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t dropped_ = 0;
};

RC_GTEST_PROP(set_queue, bytes_are_conserved_order_is_kept_and_sets_go_as_a_whole, ()) {
  const auto policy = *rc::gen::elementOf(std::vector<Policy>(policies.begin(), policies.end()));
  Play(policy, *rc::gen::inRange<std::uint64_t>(100, 4000)).run();
}

}  // namespace
}  // namespace lobo::dataplane
