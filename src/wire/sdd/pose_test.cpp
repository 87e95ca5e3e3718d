#include "wire/sdd/pose.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "support/golden.hpp"
#include "wire/sdd/control.hpp"

namespace lobo::sdd::pose {
namespace {

double between(double low, double high) {
  constexpr int steps = 1'000'000'000;
  return low + (high - low) * *rc::gen::inRange(0, steps + 1) / steps;
}

Rotation any_rotation() {
  // Some of them next to an axis, where the largest part changes.
  Rotation r{between(-1, 1), between(-1, 1), between(-1, 1), between(-1, 1)};
  if (*rc::gen::arbitrary<bool>()) r.x = r.w;
  if (*rc::gen::arbitrary<bool>()) r.y = -r.w;
  const double length = std::sqrt(r.x * r.x + r.y * r.y + r.z * r.z + r.w * r.w);
  if (length < 1e-3) return {};
  return {r.x / length, r.y / length, r.z / length, r.w / length};
}

/// The angle of the turn from one to the other.
double angle(const Rotation& a, const Rotation& b) {
  const double same = std::abs(a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w);
  // By the sine where the cosine has no digits left.
  const auto off = [&](double sign) {
    return std::hypot(std::hypot(a.x - sign * b.x, a.y - sign * b.y),
                      std::hypot(a.z - sign * b.z, a.w - sign * b.w));
  };
  return same < 0.5 ? 2 * std::acos(same) : 4 * std::asin(std::min(off(1), off(-1)) / 2);
}

template <class Part>
std::vector<std::byte> written(const Part& part) {
  std::vector<std::byte> bytes(512);
  ByteWriter out(bytes);
  write(out, part);
  EXPECT_TRUE(out.ok());
  bytes.resize(out.position());
  return bytes;
}

template <class Part, class Reader>
void each_prefix_is_refused(const Part& part, const Reader& read) {
  const auto bytes = written(part);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    RC_ASSERT(!read(Bytes(bytes).first(size)).has_value());
}

RC_GTEST_PROP(pose, a_rotation_of_six_octets_is_off_by_a_hundredth_of_a_degree_at_most, ()) {
  const Rotation turn = any_rotation();
  const std::uint64_t bits = pack_rotation(turn);
  RC_ASSERT((bits >> 48U) == 0U);
  RC_ASSERT(angle(unpack_rotation(bits), turn) <= rotation_error_rad);
}

RC_GTEST_PROP(pose, a_root_is_off_by_a_twentieth_of_a_millimetre_at_most, ()) {
  const Root root{{between(-1000, 1000), between(-10, 100), between(-200'000, 200'000)},
                  any_rotation()};
  const auto bytes = written(root);
  RC_ASSERT(bytes.size() == root_bytes);
  const auto read = read_root(bytes);
  RC_ASSERT(read.has_value());
  RC_ASSERT(std::abs(read->at.x - root.at.x) <= root_error_m);
  RC_ASSERT(std::abs(read->at.y - root.at.y) <= root_error_m);
  RC_ASSERT(std::abs(read->at.z - root.at.z) <= root_error_m);
  RC_ASSERT(angle(read->turn, root.turn) <= rotation_error_rad);
  const auto at = root_position(bytes);
  RC_ASSERT(at.has_value());
  RC_ASSERT(std::abs(at->x - root.at.x * 1000) <= 1.0);
  RC_ASSERT(std::abs(at->z - root.at.z * 1000) <= 1.0);
  each_prefix_is_refused(root, read_root);
}

RC_GTEST_PROP(pose, head_and_hands_are_off_by_a_quarter_of_a_millimetre_at_most, ()) {
  Upper upper;
  for (Limb& limb : upper.parts) {
    limb.there = *rc::gen::arbitrary<bool>();
    if (!limb.there) continue;
    limb.at = {between(-16, 16), between(-16, 16), between(-16, 16)};
    limb.turn = any_rotation();
  }
  const auto bytes = written(upper);
  RC_ASSERT(bytes.size() <= upper_bytes_max);
  const auto read = read_upper(bytes);
  RC_ASSERT(read.has_value());
  for (std::size_t i = 0; i < upper_parts; ++i) {
    const Limb& told = read->parts[i];
    const Limb& meant = upper.parts[i];
    RC_ASSERT(told.there == meant.there);
    RC_ASSERT(std::abs(told.at.x - meant.at.x) <= offset_error_m);
    RC_ASSERT(std::abs(told.at.y - meant.at.y) <= offset_error_m);
    RC_ASSERT(std::abs(told.at.z - meant.at.z) <= offset_error_m);
    RC_ASSERT(angle(told.turn, meant.turn) <= rotation_error_rad);
  }
  each_prefix_is_refused(upper, read_upper);
}

RC_GTEST_PROP(pose, bones_that_are_there_are_read_and_no_others, ()) {
  Bones bones;
  for (std::size_t i = 0; i < bones_max; ++i)
    if (*rc::gen::arbitrary<bool>()) {
      bones.there.set(i);
      bones.turns[i] = any_rotation();
    }
  const auto bytes = written(bones);
  RC_ASSERT(bytes.size() <= bones_bytes_max);
  const auto read = read_bones(bytes);
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->there == bones.there);
  for (std::size_t i = 0; i < bones_max; ++i)
    RC_ASSERT(angle(read->turns[i], bones.turns[i]) <= rotation_error_rad);
  each_prefix_is_refused(bones, read_bones);
}

RC_GTEST_PROP(pose, shares_of_face_and_fingers_are_off_by_half_a_step_at_most, ()) {
  Face face;
  for (double& weight : face.weights) weight = between(0, 1);
  Fingers hands;
  for (double& curl : hands.curls) curl = between(0, 1);
  const auto told = read_face(written(face));
  const auto curled = read_fingers(written(hands));
  RC_ASSERT(told.has_value());
  RC_ASSERT(curled.has_value());
  for (std::size_t i = 0; i < blendshapes; ++i)
    RC_ASSERT(std::abs(told->weights[i] - face.weights[i]) <= share_error);
  for (std::size_t i = 0; i < fingers; ++i)
    RC_ASSERT(std::abs(curled->curls[i] - hands.curls[i]) <= share_error);
  each_prefix_is_refused(face, read_face);
  each_prefix_is_refused(hands, read_fingers);
}

/// A golden vector, which the browser's module reads as well.
std::vector<std::byte> golden(std::string_view name) {
  for (auto& one : test::goldens("sdd_pose"))
    if (one.name == name) return std::move(one.bytes);
  ADD_FAILURE() << name;
  return {};
}

TEST(pose, octets_written_by_hand_are_read) {
  // 1.5 m, -0.2 m, 3 m; no turn: w is the largest, the others are in the middle of their range.
  const auto root = read_root(golden("root"));
  ASSERT_TRUE(root);
  EXPECT_DOUBLE_EQ(root->at.x, 1.5);
  EXPECT_DOUBLE_EQ(root->at.y, -0.2);
  EXPECT_DOUBLE_EQ(root->at.z, 3);
  EXPECT_NEAR(root->turn.w, 1, 1e-8);
  EXPECT_EQ(*root_position(golden("root")), (Position{1500, -200, 3000}));
  const auto turned = read_root(golden("root_half_turn"));
  ASSERT_TRUE(turned);
  EXPECT_NEAR(turned->turn.y, 1, 1e-8);
  // The left hand alone, half a metre up.
  const auto upper = read_upper(golden("upper"));
  ASSERT_TRUE(upper);
  EXPECT_FALSE(upper->parts[0].there);
  EXPECT_TRUE(upper->parts[1].there);
  EXPECT_DOUBLE_EQ(upper->parts[1].at.y, 0.5);
  const auto bones = read_bones(golden("bones"));
  ASSERT_TRUE(bones);
  EXPECT_TRUE(bones->there[0] && bones->there[54]);
  EXPECT_EQ(bones->there.count(), 2U);
  EXPECT_DOUBLE_EQ(read_fingers(golden("fingers"))->curls[1], 1);
  EXPECT_DOUBLE_EQ(read_face(golden("face"))->weights[0], 1);
  EXPECT_DOUBLE_EQ(read_face(golden("face"))->weights[1], 0);
}

TEST(pose, what_cannot_be_is_refused_by_name) {
  EXPECT_EQ(read_root(golden("bad_empty")).error(), PoseFault::length);
  EXPECT_EQ(read_root(golden("bad_version")).error(), PoseFault::version);
  EXPECT_EQ(read_upper(golden("bad_limb_four")).error(), PoseFault::bone_unknown);
  EXPECT_EQ(read_bones(golden("bad_bone_56")).error(), PoseFault::bone_unknown);
  EXPECT_EQ(read_bones(golden("bad_bone_missing")).error(), PoseFault::length);
  EXPECT_EQ(read_upper(golden("bad_behind")).error(), PoseFault::length);
}

TEST(pose, what_is_no_number_and_what_is_out_of_range_is_written_as_something_that_can_be) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto root = read_root(written(Root{{nan, inf, 1e12}, {nan, nan, 0, 0}}));
  ASSERT_TRUE(root);
  EXPECT_EQ(root->at, (Vec3{0, 0, root_range_m}));
  EXPECT_NEAR(root->turn.w, 1, 1e-8);
  Face face;
  face.weights[0] = 7;
  face.weights[1] = -7;
  EXPECT_EQ(read_face(written(face))->weights[0], 1);
  EXPECT_EQ(read_face(written(face))->weights[1], 0);
}

}  // namespace
}  // namespace lobo::sdd::pose
