// Sets that come whole, in another order, in part, twice or not at all.
#include "toolbox/set_audit.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "model/pdu_set.hpp"
#include "toolbox/reason.hpp"

namespace lobo::app {
namespace {

struct Told {
  SetAudit audit;
  std::vector<std::pair<std::uint32_t, Reason>> sets;

  Reason pdu(std::uint32_t pssn, std::uint32_t psn, bool end, std::uint32_t npds = 0) {
    PduSetMark mark{.end_of_pdu_set = end, .pssn = Pssn::wrapped(pssn), .psn = Psn::wrapped(psn)};
    mark.pdus_in_set = static_cast<std::uint16_t>(npds);
    return audit.add({.mark = mark, .ip_bytes = 100}, [&](const AuditedSet& set) { note(set); });
  }
  void finish() {
    audit.finish([&](const AuditedSet& set) { note(set); });
  }
  void note(const AuditedSet& set) { sets.emplace_back(set.pssn.value(), set.reason); }
  std::uint32_t wrong() const {
    std::uint32_t count = 0;
    for (const auto& [pssn, reason] : sets) count += is_wrong(reason) ? 1 : 0;
    return count;
  }
};

TEST(set_audit, follows_the_pssn_over_its_wrap) {
  Told told;
  for (std::uint32_t set = 1000; set < 1000 + 3000; ++set)
    for (std::uint32_t psn = 0; psn < 3; ++psn)
      EXPECT_EQ(told.pdu(set, psn, psn == 2, 3), Reason::marked);
  told.finish();
  EXPECT_EQ(told.sets.size(), 3000U);
  EXPECT_EQ(told.wrong(), 0U);
}

TEST(set_audit, sets_that_overtake_each_other_are_well) {
  Told told;
  told.pdu(0, 0, true, 1);
  told.pdu(3, 0, true, 1);
  told.pdu(1, 1, true, 2);
  told.pdu(2, 0, true, 1);
  told.pdu(1, 0, false, 2);
  told.finish();
  EXPECT_EQ(told.sets.size(), 4U);
  EXPECT_EQ(told.wrong(), 0U);
}

TEST(set_audit, a_set_that_never_came_is_told_once) {
  Told told;
  told.pdu(5, 0, true, 1);
  told.pdu(7, 0, true, 1);
  told.finish();
  EXPECT_EQ(told.sets, (std::vector<std::pair<std::uint32_t, Reason>>{
                           {5, Reason::marked}, {6, Reason::set_missing}, {7, Reason::marked}}));
}

TEST(set_audit, a_long_set_is_counted_without_anything_but_its_psn) {
  Told told;
  told.pdu(0, 0, true, 1);
  for (std::uint32_t psn = 0; psn < 300; ++psn)
    EXPECT_EQ(told.pdu(1, psn, psn == 299, 300), Reason::marked);
  told.pdu(2, 0, true, 1);
  told.finish();
  EXPECT_EQ(told.wrong(), 0U);
}

TEST(set_audit, a_pdu_of_long_ago_is_late_and_one_that_comes_twice_is_repeated) {
  Told told;
  told.pdu(500, 0, false, 2);
  EXPECT_EQ(told.pdu(500, 0, false, 2), Reason::pdu_repeated);
  EXPECT_EQ(told.pdu(500, 1, true, 2), Reason::marked);
  EXPECT_EQ(told.pdu(480, 0, true, 1), Reason::set_late);
  told.finish();
  EXPECT_EQ(told.wrong(), 0U);
}

TEST(set_audit, a_flow_that_begins_or_ends_within_a_set_is_an_edge) {
  Told told;
  told.pdu(1, 4, true, 5);
  told.pdu(2, 0, false, 2);
  told.finish();
  EXPECT_EQ(told.sets,
            (std::vector<std::pair<std::uint32_t, Reason>>{{1, Reason::edge}, {2, Reason::edge}}));
}

}  // namespace
}  // namespace lobo::app
