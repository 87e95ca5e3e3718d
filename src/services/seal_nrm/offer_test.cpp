#include "services/seal_nrm/offer.hpp"

#include <gtest/gtest.h>

#include <string>

#include "api/ss_nra.hpp"
#include "support/nrm_driver.hpp"

namespace lobo::seal_nrm {
namespace {

using api::ss_nra::UniQosRequirement;

UniQosRequirement reference(const std::string& name) {
  UniQosRequirement out;
  out.qos_reference = name;
  return out;
}

TEST(offer, of_a_reference_is_the_best_one_that_is_agreed_on) {
  const auto settings = lobo::testing::test_settings();
  const auto offered = offered_quality(
      reference("video-hd"),
      R"({"accBwMedComps":{"1":{"medCompN":1,"qosReference":"haptic","altSerReqs":["video-hd","secret","video-sd"]}}})",
      settings);
  ASSERT_TRUE(offered);
  EXPECT_EQ(offered->qos_reference, "video-sd");
}

TEST(offer, of_what_nobody_agreed_on_or_was_refused_just_now_is_none) {
  const auto settings = lobo::testing::test_settings();
  for (const std::string_view text :
       {R"({"accBwMedComps":{"1":{"medCompN":1,"qosReference":"video-hd"}}})",
        R"({"accBwMedComps":{"1":{"medCompN":1,"qosReference":"platinum"}}})",
        R"({"marBwDl":"1 Mbps"})", R"({"accBwMedComps":7})", "[]", ""})
    EXPECT_FALSE(offered_quality(reference("video-hd"), text, settings)) << text;
}

TEST(offer, lowers_figures_and_never_raises_them) {
  const auto settings = lobo::testing::test_settings();
  UniQosRequirement wanted;
  wanted.gbr_dl = "8 Mbps";
  wanted.dl_bit_rate = "10 Mbps";
  wanted.gbr_ul = "1 Mbps";
  const auto offered =
      offered_quality(wanted, R"({"marBwDl":"3 Mbps","marBwUl":"20 Mbps"})", settings);
  ASSERT_TRUE(offered);
  EXPECT_EQ(offered->gbr_dl, "3 Mbps");
  EXPECT_EQ(offered->dl_bit_rate, "3 Mbps");
  EXPECT_EQ(offered->gbr_ul, "1 Mbps");
  EXPECT_FALSE(offered_quality(wanted, R"({"marBwDl":"20 Mbps"})", settings)) << "no less";
  EXPECT_FALSE(offered_quality(wanted, R"({"marBwDl":"0 bps"})", settings)) << "nothing left";
}

}  // namespace
}  // namespace lobo::seal_nrm
