#include "demo_live/viewing.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "toolbox/congestion_run.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {
namespace {

using Pictures = std::vector<PictureDigest>;
using Verdicts = std::vector<Verdict>;

const Pictures clip{{6000, "a"}, {9000, "b"}, {12000, "c"}, {15000, "d"}, {18000, "e"}};

TEST(judge_pictures, a_picture_with_the_digest_of_the_clip_is_exact_wherever_its_clock_begins) {
  const auto viewing =
      judge_pictures(clip, Pictures{{0, "a"}, {103000, "b"}, {106000, "c"}, {109000, "d"}});
  EXPECT_EQ(viewing.verdicts, (Verdicts{Verdict::exact, Verdict::exact, Verdict::exact,
                                        Verdict::exact, Verdict::lost}));
  EXPECT_EQ(viewing.shown, (std::vector<std::int64_t>{6000, 9000, 12000, 15000}));
  EXPECT_DOUBLE_EQ(viewing.share(Verdict::exact), 0.8);
}

TEST(judge_pictures, another_picture_at_the_time_of_one_is_damaged_and_none_is_lost) {
  const auto viewing = judge_pictures(
      clip, Pictures{{1006000, "a"}, {1009000, "x"}, {1015000, "d"}, {1018000, "e"}});
  EXPECT_EQ(viewing.verdicts, (Verdicts{Verdict::exact, Verdict::damaged, Verdict::lost,
                                        Verdict::exact, Verdict::exact}));
  EXPECT_EQ(viewing.count(Verdict::lost), 1U);
}

TEST(judge_pictures, nothing_received_is_everything_lost) {
  EXPECT_EQ(judge_pictures(clip, {}).count(Verdict::lost), clip.size());
}

TEST(judge_pictures, an_exact_picture_stays_exact_when_it_is_shown_again_with_scars) {
  const auto viewing = judge_pictures(clip, Pictures{{6000, "a"}, {9000, "b"}, {9000, "y"}});
  EXPECT_EQ(viewing.verdicts[1], Verdict::exact);
}

}  // namespace
}  // namespace lobo::app
