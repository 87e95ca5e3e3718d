#include "dataplane/radio/set_ledger.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/elapsed.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;
using Ticket = SetLedger::Ticket;

PduSetMark mark(std::uint32_t pssn, std::uint32_t psn, bool end = false,
                std::optional<std::uint32_t> size = std::nullopt, std::uint32_t psi = 2) {
  PduSetMark mark;
  mark.pssn = Pssn::wrapped(pssn);
  mark.psn = Psn::wrapped(psn);
  mark.end_of_pdu_set = end;
  mark.pdu_set_size = size;
  mark.psi = Psi::low_bits_of(psi);
  return mark;
}

/// A set of three PDUs of 100 octets.
std::vector<Ticket> three(SetLedger& ledger, std::uint32_t pssn, Elapsed at) {
  std::vector<Ticket> tickets;
  for (std::uint32_t i = 0; i < 3; ++i)
    tickets.push_back(*ledger.arrive(mark(pssn, i, i == 2, 300), 100, at));
  return tickets;
}

TEST(set_ledger, a_set_is_judged_when_the_last_of_its_pdus_is_settled) {
  SetLedger ledger;
  ledger.set_delay_budget(50ms);
  const auto whole = three(ledger, 1, 0ms);
  EXPECT_FALSE(ledger.settle(whole[0], true, 10ms));
  EXPECT_FALSE(ledger.settle(whole[1], true, 11ms));
  const auto verdict = ledger.settle(whole[2], true, 12ms);
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->whole);
  EXPECT_FALSE(verdict->late);
  EXPECT_EQ(ledger.tallies().delivered, 1U);
  EXPECT_EQ(ledger.tallies().by_psi[2].delivered, 1U);

  const auto late = three(ledger, 2, 100ms);
  ledger.settle(late[0], true, 110ms);
  ledger.settle(late[1], true, 110ms);
  EXPECT_TRUE(ledger.settle(late[2], true, 151ms)->late);
  EXPECT_EQ(ledger.tallies().late, 1U);

  const auto damaged = three(ledger, 3, 200ms);
  ledger.settle(damaged[0], true, 210ms);
  ledger.settle(damaged[1], false, 210ms);
  EXPECT_FALSE(ledger.settle(damaged[2], true, 210ms)->whole);
  const auto lost = three(ledger, 4, 300ms);
  for (const auto& ticket : lost) (void)ledger.settle(ticket, false, 300ms);
  EXPECT_EQ(ledger.tallies().damaged, 1U);
  EXPECT_EQ(ledger.tallies().lost, 1U);
  EXPECT_EQ(ledger.tallies().sets, 4U);
  EXPECT_EQ(ledger.tallies().incomplete, 0U);
}

TEST(set_ledger, a_set_that_came_with_a_hole_is_nobodys_failure_here) {
  SetLedger ledger;
  const auto first = ledger.arrive(mark(1, 0), 100, 0ms);
  const auto third = ledger.arrive(mark(1, 2, true), 100, 0ms);
  EXPECT_FALSE(ledger.settle(*first, true, 1ms));
  EXPECT_FALSE(ledger.settle(*third, true, 1ms)) << "the second may come yet";
  ledger.expire(2s);
  EXPECT_EQ(ledger.tallies().incomplete, 1U);
  EXPECT_EQ(ledger.tallies().damaged, 1U);
  EXPECT_EQ(ledger.oddities().of(Oddity::set_with_holes), 1U);
}

TEST(set_ledger, what_is_odd_in_marks_is_counted_by_name) {
  SetLedger ledger;
  (void)three(ledger, 1, 0ms);
  EXPECT_FALSE(ledger.arrive(mark(1, 1, false, 300), 100, 1ms)) << "it came before";
  EXPECT_EQ(ledger.oddities().of(Oddity::duplicate), 1U);
  (void)ledger.arrive(mark(1, 3, false, 300), 100, 1ms);
  EXPECT_EQ(ledger.oddities().of(Oddity::behind_end), 1U);
  (void)ledger.arrive(mark(5, 0, true, 300), 100, 2ms);
  EXPECT_EQ(ledger.oddities().of(Oddity::pssn_skipped), 3U);
  EXPECT_EQ(ledger.oddities().of(Oddity::size_differs), 1U);
  (void)ledger.arrive(mark(6, 0, false, 200, 1), 100, 3ms);
  (void)ledger.arrive(mark(6, 1, false, 200, 3), 100, 3ms);
  (void)ledger.arrive(mark(6, 2, false, 250, 1), 100, 3ms);
  EXPECT_EQ(ledger.oddities().of(Oddity::importance_changed), 1U);
  EXPECT_EQ(ledger.oddities().of(Oddity::size_changed), 1U);
  (void)ledger.arrive(mark(100, 0, true), 100, 4ms);
  EXPECT_EQ(ledger.oddities().of(Oddity::end_missing), 0U) << "sets end when they are forgotten";
  EXPECT_FALSE(ledger.arrive(mark(6, 3), 100, 5ms)) << "94 sets behind";
  EXPECT_EQ(ledger.oddities().of(Oddity::late), 1U);
  ledger.expire(2s);
  EXPECT_EQ(ledger.oddities().of(Oddity::end_missing), 1U);
}

TEST(set_ledger, sets_wait_for_their_pdus_longer_than_the_tracker_remembers) {
  SetLedger ledger;
  std::vector<std::vector<Ticket>> all;
  for (std::uint32_t pssn = 0; pssn < 200; ++pssn) all.push_back(three(ledger, pssn, 0ms));
  for (const auto& tickets : all)
    for (const auto& ticket : tickets) (void)ledger.settle(ticket, true, 300ms);
  EXPECT_EQ(ledger.tallies().delivered, 200U);
}

RC_GTEST_PROP(set_ledger, each_set_that_came_whole_is_judged_once_whatever_the_order,
              (std::vector<std::uint16_t> fates, std::uint8_t sets_less_one)) {
  SetLedger ledger;
  const std::uint32_t sets = sets_less_one % 40U + 1U;
  std::vector<std::pair<Ticket, bool>> under_way;
  for (std::uint32_t pssn = 0; pssn < sets; ++pssn)
    for (const auto& ticket : three(ledger, pssn, std::chrono::milliseconds(pssn)))
      under_way.emplace_back(ticket, true);
  std::size_t verdicts = 0;
  for (std::size_t i = 0; !under_way.empty(); ++i) {
    const std::uint16_t fate = fates.empty() ? std::uint16_t{0} : fates[i % fates.size()];
    const std::size_t pick = fate % under_way.size();
    std::swap(under_way[pick], under_way.back());
    if (ledger.settle(under_way.back().first, fate % 3 != 0, 1s)) ++verdicts;
    under_way.pop_back();
  }
  const auto& tallies = ledger.tallies();
  RC_ASSERT(verdicts == sets);
  RC_ASSERT(tallies.delivered + tallies.damaged + tallies.lost == sets);
}

RC_GTEST_PROP(set_ledger, any_marks_at_all_leave_every_set_counted_once,
              (const std::vector<std::uint32_t>& seeds)) {
  SetLedger ledger;
  Elapsed now{};
  for (const std::uint32_t seed : seeds) {
    now += std::chrono::milliseconds(seed >> 28U);
    const auto ticket = ledger.arrive(
        mark(seed, seed >> 10U, (seed >> 16U & 1U) != 0, seed >> 17U & 511U), 100, now);
    if (ticket && (seed >> 26U & 1U) != 0)
      (void)ledger.settle(*ticket, (seed & 1U) != 0, now);
    else if (ticket)
      (void)ledger.settle(*ticket, true, now + 1ms);
  }
  ledger.expire(now + 10s);
  const auto& tallies = ledger.tallies();
  RC_ASSERT(tallies.delivered + tallies.damaged + tallies.lost + tallies.unjudged == tallies.sets);
  RC_ASSERT(tallies.incomplete <= tallies.damaged + tallies.lost);
}

}  // namespace
}  // namespace lobo::dataplane
