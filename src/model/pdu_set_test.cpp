#include "model/pdu_set.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace lobo {
namespace {

TEST(pdu_set, the_pssn_wraps_after_1023) {
  EXPECT_EQ(Pssn::from(1024), std::nullopt);
  EXPECT_EQ(Pssn::wrapped(1023).next(), Pssn::wrapped(0));
  EXPECT_EQ(Pssn::wrapped(2).distance_from(Pssn::wrapped(1022)), 4U);
  EXPECT_EQ(Pssn::wrapped(1022).distance_from(Pssn::wrapped(2)), 1020U);
}

TEST(pdu_set, the_psn_wraps_after_63) {
  EXPECT_EQ(Psn::from(64), std::nullopt);
  EXPECT_EQ(Psn::wrapped(63).next().value(), 0);
  EXPECT_EQ(Psn::wrapped(130).value(), 2);
}

TEST(pdu_set, a_psi_of_0_is_unknown_and_16_is_none) {
  EXPECT_FALSE(Psi{}.known());
  EXPECT_TRUE(Psi::from(1)->known());
  EXPECT_EQ(Psi::from(16), std::nullopt);
  EXPECT_EQ(Psi::low_bits_of(0xF3).value(), 3);
}

}  // namespace
}  // namespace lobo
