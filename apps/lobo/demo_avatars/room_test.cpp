#include "demo_avatars/room.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>

#include "base/bytes.hpp"
#include "demo_avatars/body.hpp"
#include "demo_avatars/web_files.hpp"
#include "wire/sdd/pose.hpp"

namespace lobo::app {
namespace {

TEST(avatars_room, a_perfect_network_loses_nothing_and_every_step_down_is_worse) {
  EXPECT_EQ(quality_of(100).loss_percent, 0);
  EXPECT_EQ(quality_of(100).delay_ms, 0);
  for (int slider = 0; slider < 100; ++slider) {
    EXPECT_GT(quality_of(slider).loss_percent, quality_of(slider + 1).loss_percent);
    EXPECT_GT(quality_of(slider).delay_ms, quality_of(slider + 1).delay_ms);
    EXPECT_LT(quality_of(slider).jitter_ms, quality_of(slider).delay_ms);
  }
  EXPECT_EQ(quality_of(-5).loss_percent, quality_of(0).loss_percent);
}

TEST(avatars_room, a_body_is_written_as_poses_that_are_read_back) {
  for (std::size_t seat = 0; seat < people.size(); ++seat)
    for (double at = 0; at < 30; at += 0.37) {
      const auto body = moving(stand_of(seat, people.size()), at);
      const auto parts = payloads(body, 0b11111);
      ASSERT_EQ(parts.size(), 5U);
      const auto root = sdd::pose::read_root(parts[0].second);
      const auto upper = sdd::pose::read_upper(parts[1].second);
      ASSERT_TRUE(root && upper && sdd::pose::read_bones(parts[2].second));
      EXPECT_LT(std::hypot(root->at.x, root->at.z), 2.5);
      // Above the feet, and arms no longer than arms are.
      const auto& head = upper->parts[0].at;
      EXPECT_NEAR(head.y, 1.5, 0.15);
      for (const std::size_t hand : {1U, 2U})
        EXPECT_LT(std::hypot(upper->parts[hand].at.x, upper->parts[hand].at.y - head.y,
                             upper->parts[hand].at.z),
                  1.0);
    }
}

TEST(avatars_room, a_tiers_mask_leaves_components_out) {
  const auto body = moving(stand_of(0, 6), 1);
  EXPECT_EQ(payloads(body, 0b00011).size(), 2U);
  EXPECT_EQ(payloads(body, 0b00001).front().first, sdd::pose::component_root);
}

TEST(avatars_room, the_pages_files_are_in_the_program) {
  for (const auto* name : {"lobo-mmec.js", "drive.mjs", "avatars/index.html", "avatars/page.js",
                           "avatars/body.js", "avatars/stage.js"})
    EXPECT_TRUE(web_file(name)) << name;
  EXPECT_FALSE(web_file("avatars/../secret"));
  EXPECT_NE(web_file("lobo-mmec.js")->find("export async function join"), std::string::npos);
}

}  // namespace
}  // namespace lobo::app
