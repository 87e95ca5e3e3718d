#include "dataplane/set_tracker.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "dataplane/elapsed.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

using Arrival = SetTracker::Arrival;

PduSetMark pdu(std::uint64_t pssn, std::uint64_t psn, bool end = false,
               std::optional<std::uint16_t> in_set = std::nullopt) {
  return {.end_of_pdu_set = end,
          .pssn = Pssn::wrapped(pssn),
          .psn = Psn::wrapped(psn),
          .pdus_in_set = in_set};
}

struct Flow {
  SetTracker tracker;
  Elapsed now = 10s;
  std::vector<TrackedSet> closed;

  SetTracker::Tracked take(const PduSetMark& mark,
                           std::optional<std::uint16_t> sequence = std::nullopt) {
    return tracker.track(mark, sequence, 100, now,
                         [this](const TrackedSet& set) { closed.push_back(set); });
  }
};

TEST(set_tracker, a_set_is_complete_once_all_that_its_end_announced_have_come) {
  Flow flow;
  EXPECT_EQ(flow.take(pdu(5, 0)).arrival, Arrival::first_of_set);
  EXPECT_EQ(flow.take(pdu(5, 1)).arrival, Arrival::member);
  EXPECT_FALSE(flow.take(pdu(5, 3, true)).set->complete());
  EXPECT_TRUE(flow.take(pdu(5, 2)).set->complete()) << "reordered, and complete after all";
  EXPECT_EQ(flow.tracker.tallies().pdus_reordered, 1U);
}

TEST(set_tracker, npds_tells_before_the_end_does) {
  Flow flow;
  flow.take(pdu(5, 0, false, 2));
  EXPECT_TRUE(flow.take(pdu(5, 1, false, 2)).set->complete());
}

TEST(set_tracker, the_pssn_wraps_and_the_ring_goes_on) {
  Flow flow;
  for (std::uint64_t set = 1000; set < 1100; ++set) {
    flow.now += 4ms;
    EXPECT_EQ(flow.take(pdu(set, 0, true)).arrival, Arrival::first_of_set);
  }
  EXPECT_EQ(flow.tracker.tallies().sets_begun, 100U);
  EXPECT_EQ(flow.tracker.tallies().restarts, 0U);
  EXPECT_EQ(flow.tracker.tallies().sets_skipped, 0U);
  EXPECT_EQ(flow.closed.size(), 100U - tracked_sets_max);
  EXPECT_TRUE(flow.closed.front().complete());
}

TEST(set_tracker, a_duplicate_counts_once) {
  Flow flow;
  flow.take(pdu(5, 0));
  const auto again = flow.take(pdu(5, 0));
  EXPECT_EQ(again.arrival, Arrival::duplicate);
  EXPECT_EQ(again.set->pdus, 1);
  EXPECT_EQ(again.set->bytes, 100U);
}

TEST(set_tracker, a_pdu_of_a_set_that_left_the_ring_is_late) {
  Flow flow;
  flow.take(pdu(1, 0));
  flow.take(pdu(1 + tracked_sets_max, 0));
  EXPECT_EQ(flow.take(pdu(1, 1)).arrival, Arrival::late);
  EXPECT_EQ(flow.take(pdu(2, 0)).arrival, Arrival::first_of_set) << "fifteen behind is in the ring";
  EXPECT_EQ(flow.tracker.tallies().pdus_late, 1U);
}

TEST(set_tracker, skipped_sets_are_counted_until_they_come) {
  Flow flow;
  flow.take(pdu(1, 0));
  flow.take(pdu(4, 0));
  EXPECT_EQ(flow.tracker.tallies().sets_skipped, 2U);
  flow.take(pdu(3, 0));
  EXPECT_EQ(flow.tracker.tallies().sets_skipped, 1U);
}

TEST(set_tracker, a_second_of_silence_or_a_quarter_of_the_wrap_begins_anew) {
  Flow flow;
  flow.take(pdu(5, 0));
  flow.now += 1s + 1ms;
  EXPECT_EQ(flow.take(pdu(5, 0)).arrival, Arrival::first_of_set) << "another set, 1,024 later";
  EXPECT_EQ(flow.tracker.tallies().restarts, 1U);
  EXPECT_EQ(flow.take(pdu(5 + pssn_quarter + 1, 0)).arrival, Arrival::first_of_set);
  EXPECT_EQ(flow.tracker.tallies().restarts, 2U);
  EXPECT_EQ(flow.closed.size(), 2U);
}

TEST(set_tracker, a_set_whose_state_is_older_than_a_second_is_another_set) {
  Flow flow;
  flow.take(pdu(5, 0));
  for (int i = 0; i < 30; ++i) {
    flow.now += 50ms;
    flow.take(pdu(6, 0));
  }
  EXPECT_EQ(flow.take(pdu(5, 0)).arrival, Arrival::first_of_set);
}

TEST(set_tracker, what_is_older_than_the_budget_can_be_forgotten) {
  Flow flow;
  flow.take(pdu(5, 0));
  flow.now += 20ms;
  flow.take(pdu(6, 0));
  std::vector<unsigned> gone;
  flow.tracker.expire(flow.now + 5ms, 10ms,
                      [&](const TrackedSet& set) { gone.push_back(set.pssn); });
  EXPECT_EQ(gone, (std::vector<unsigned>{5}));
}

TEST(set_tracker, a_pdu_is_lost_only_when_more_than_the_reordering_has_passed) {
  Flow flow;
  flow.take(pdu(5, 0));
  for (unsigned psn = 2; psn <= reordered_pdus_max; ++psn)
    EXPECT_FALSE(flow.take(pdu(5, psn)).set->lost_a_pdu());
  EXPECT_TRUE(flow.take(pdu(5, reordered_pdus_max + 1)).set->lost_a_pdu());
  Flow late;
  late.take(pdu(5, reordered_pdus_max));
  EXPECT_TRUE(late.take(pdu(5, reordered_pdus_max + 1)).set->lost_a_pdu()) << "the first were lost";
}

TEST(set_tracker, sets_of_over_64_pdus_are_ordered_by_the_rtp_sequence) {
  Flow flow;
  std::uint16_t sequence = 65'500;
  for (unsigned psn = 0; psn < 200; ++psn, ++sequence)
    EXPECT_EQ(flow.take(pdu(5, psn, psn == 199), sequence).arrival,
              psn == 0 ? Arrival::first_of_set : Arrival::member);
  EXPECT_EQ(flow.take(pdu(5, 130), static_cast<std::uint16_t>(65'500 + 130)).arrival,
            Arrival::duplicate);
  const auto last = flow.take(pdu(5, 199, true), static_cast<std::uint16_t>(65'500 + 199));
  EXPECT_EQ(last.set->psn_high, 199);
  EXPECT_TRUE(last.set->complete());
}

TEST(set_tracker, sixty_four_lost_pdus_show_by_the_sequence_and_not_by_the_psn) {
  Flow with;
  Flow without;
  for (unsigned psn = 0; psn < 200; ++psn) {
    if (psn >= 40 && psn < 104) continue;
    with.take(pdu(5, psn, psn == 199), static_cast<std::uint16_t>(psn));
    without.take(pdu(5, psn, psn == 199));
  }
  EXPECT_EQ(with.take(pdu(5, 199, true), std::uint16_t{199}).set->pdus_in_set, 200);
  EXPECT_EQ(without.take(pdu(5, 199, true)).set->pdus_in_set, 136) << "six bits cannot tell";
}

TEST(set_tracker, the_end_of_the_set_before_tells_where_a_set_began_whose_first_64_were_lost) {
  Flow flow;
  flow.take(pdu(4, 0, true), std::uint16_t{999});
  EXPECT_EQ(flow.take(pdu(5, 70), std::uint16_t{1070}).set->psn_high, 70);
  EXPECT_EQ(flow.take(pdu(5, 2), std::uint16_t{1002}).set->psn_high, 70);
  Flow alone;
  alone.take(pdu(5, 70), std::uint16_t{1070});
  EXPECT_EQ(alone.take(pdu(5, 2), std::uint16_t{1002}).set->psn_high, 70) << "an earlier one tells";
}

TEST(set_tracker, psn16_is_believed_as_it_stands) {
  Flow flow;
  auto mark = pdu(5, 130);
  mark.psn16 = 130;
  EXPECT_EQ(flow.take(mark).set->psn_high, 130);
  EXPECT_EQ(flow.take(mark).arrival, Arrival::duplicate);
}

// Any order of the PDUs of a few sets, each once, ends with all complete and nothing twice.
RC_GTEST_PROP(set_tracker, any_order_within_the_ring_ends_complete, (std::uint16_t first)) {
  struct Sent {
    PduSetMark mark;
    std::uint16_t sequence;
  };
  std::vector<Sent> sent;
  std::uint16_t sequence = first;
  const auto sets = *rc::gen::inRange<std::size_t>(1, 9);
  for (std::size_t set = 0; set < sets; ++set) {
    const auto count = *rc::gen::inRange<std::size_t>(1, 40);
    for (std::size_t psn = 0; psn < count; ++psn)
      sent.push_back({pdu(1020 + set, psn, psn + 1 == count), sequence++});
  }
  for (std::size_t i = sent.size(); i > 1; --i)
    std::swap(sent[i - 1], sent[*rc::gen::inRange<std::size_t>(0, i)]);
  Flow flow;
  for (const auto& one : sent) {
    const auto tracked = flow.take(one.mark, one.sequence);
    RC_ASSERT(tracked.arrival == Arrival::first_of_set || tracked.arrival == Arrival::member);
    RC_ASSERT(flow.take(one.mark, one.sequence).arrival == Arrival::duplicate);
  }
  flow.tracker.clear([&](const TrackedSet& set) { flow.closed.push_back(set); });
  RC_ASSERT(flow.closed.size() == sets);
  RC_ASSERT(flow.tracker.tallies().sets_complete == sets);
}

// ---- the short way and the long one -----------------------------------------------------------

struct Come {
  std::size_t place = 0;  ///< by which they come
  PduSetMark mark;
  std::optional<std::uint16_t> sequence;
  Elapsed pause{};
};

/// Some sets of a sender, of which PDUs are lost, doubled and late, and which falls silent or
/// begins anew somewhere else at times.
std::vector<Come> any_arrivals(SeededRng& rng) {
  const auto one_in = [&rng](std::uint64_t count) { return rng.below(count) == 0; };
  const bool sequenced = one_in(2);
  const bool exact = one_in(4);
  const std::uint64_t mishaps = 4U << rng.below(5);  // one in so many, of each kind
  std::vector<Come> all;
  std::uint64_t pssn = rng.below(1024);
  std::uint16_t sequence = static_cast<std::uint16_t>(rng.next());
  for (std::uint64_t set = rng.below(30); set > 0; --set) {
    pssn += one_in(mishaps) ? rng.below(600) : 1;
    const std::uint64_t count = 1 + rng.below(one_in(8) ? 200 : 12);
    const bool npds = one_in(2);
    for (std::uint64_t psn = 0; psn < count; ++psn, ++sequence) {
      if (one_in(mishaps)) continue;
      Come one{.place = all.size(), .mark = pdu(pssn, psn, psn + 1 == count)};
      if (npds) one.mark.pdus_in_set = static_cast<std::uint16_t>(count);
      if (exact && !one_in(5)) one.mark.psn16 = static_cast<std::uint16_t>(psn);
      if (sequenced && !one_in(5)) one.sequence = sequence;
      one.pause = std::chrono::microseconds(rng.below(one_in(30) ? 1'200'000 : 3'000));
      // After so long the microseconds that are kept of a set's beginning are the same again.
      if (one_in(200)) one.pause += std::chrono::microseconds(std::uint64_t{1} << 32U);
      if (one_in(mishaps)) one.place += rng.below(one_in(4) ? 100 : 10);
      all.push_back(one);
      if (!one_in(mishaps)) continue;
      one.place += rng.below(20);
      all.push_back(one);
    }
  }
  std::ranges::stable_sort(all, {}, &Come::place);
  return all;
}

RC_GTEST_PROP(set_tracker, the_short_way_leads_where_the_long_one_does, (std::uint64_t seed)) {
  SeededRng rng(seed);
  SetTracker both[2];
  std::vector<TrackedSet> closed[2];
  const auto close_of = [&closed](std::size_t which) {
    return [&closed, which](const TrackedSet& set) { closed[which].push_back(set); };
  };
  Elapsed now = std::chrono::seconds(rng.below(10'000));  // its microseconds wrap after 4,295 s
  for (const Come& one : any_arrivals(rng)) {
    now += one.pause;
    if (rng.below(40) == 0)
      for (std::size_t which = 0; which < 2; ++which)
        both[which].expire(now, 10ms, close_of(which));
    const auto bytes = static_cast<std::uint32_t>(1 + rng.below(1400));
    const auto short_way = both[0].track(one.mark, one.sequence, bytes, now, close_of(0));
    const auto long_way = both[1].track_any(one.mark, one.sequence, bytes, now, close_of(1));
    RC_ASSERT(short_way.arrival == long_way.arrival);
    RC_ASSERT((short_way.set == nullptr) == (long_way.set == nullptr));
    RC_ASSERT(both[0].tallies() == both[1].tallies());
    if (short_way.set == nullptr) continue;
    RC_ASSERT(*short_way.set == *long_way.set);
    if (rng.below(10) == 0) short_way.set->queue_set = long_way.set->queue_set = bytes;
  }
  for (std::size_t which = 0; which < 2; ++which) both[which].clear(close_of(which));
  RC_ASSERT(closed[0] == closed[1]);
  RC_ASSERT(both[0].tallies() == both[1].tallies());
}

}  // namespace
}  // namespace lobo::dataplane
