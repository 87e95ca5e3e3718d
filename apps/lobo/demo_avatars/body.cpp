#include "demo_avatars/body.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "wire/sdd/pose.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::app {
namespace {

namespace pose = sdd::pose;
using pose::Rotation;
using pose::Vec3;

// Bones of VRM 1.0, by their number there.
enum Bone : std::size_t {
  hips = 0,
  spine = 1,
  chest = 2,
  upper_chest = 3,
  neck = 4,
  head = 5,
  left_upper_leg = 9,
  left_lower_leg = 10,
  left_foot = 11,
  right_upper_leg = 13,
  right_lower_leg = 14,
  right_foot = 15,
  left_shoulder = 17,
  left_upper_arm = 18,
  left_lower_arm = 19,
  left_hand = 20,
  right_shoulder = 21,
  right_upper_arm = 22,
  right_lower_arm = 23,
  right_hand = 24
};
constexpr std::size_t no_bone = pose::bones_max;

struct Rest {
  std::size_t bone;
  std::size_t parent;
  Vec3 offset;
};
/// From the root to head and hands: what the upper component needs. Parents come first.
constexpr std::array<Rest, 14> rest{{{hips, no_bone, {0, 0.93, 0}},
                                     {spine, hips, {0, 0.10, 0}},
                                     {chest, spine, {0, 0.12, 0}},
                                     {upper_chest, chest, {0, 0.13, 0}},
                                     {neck, upper_chest, {0, 0.14, 0}},
                                     {head, neck, {0, 0.09, 0}},
                                     {left_shoulder, upper_chest, {0.04, 0.09, 0}},
                                     {left_upper_arm, left_shoulder, {0.12, 0, 0}},
                                     {left_lower_arm, left_upper_arm, {0.26, 0, 0}},
                                     {left_hand, left_lower_arm, {0.24, 0, 0}},
                                     {right_shoulder, upper_chest, {-0.04, 0.09, 0}},
                                     {right_upper_arm, right_shoulder, {-0.12, 0, 0}},
                                     {right_lower_arm, right_upper_arm, {-0.26, 0, 0}},
                                     {right_hand, right_lower_arm, {-0.24, 0, 0}}}};

enum class Axis : unsigned char { x, y, z };
Rotation about(Axis axis, double angle) {
  const double part = std::sin(angle / 2);
  Rotation out{0, 0, 0, std::cos(angle / 2)};
  (axis == Axis::x ? out.x : axis == Axis::y ? out.y : out.z) = part;
  return out;
}
Rotation times(const Rotation& a, const Rotation& b) {
  return {
      a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y, a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
      a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w, a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z};
}
Vec3 turned(const Rotation& by, const Vec3& v) {
  const Vec3 t{2 * (by.y * v.z - by.z * v.y), 2 * (by.z * v.x - by.x * v.z),
               2 * (by.x * v.y - by.y * v.x)};
  return {v.x + by.w * t.x + by.y * t.z - by.z * t.y, v.y + by.w * t.y + by.z * t.x - by.x * t.z,
          v.z + by.w * t.z + by.x * t.y - by.y * t.x};
}

double wave(double t, double period, double phase = 0) {
  return std::sin(2 * std::numbers::pi * (t / period + phase));
}
/// 0 to 1 and back, smoothly, for `share` of each period.
double swell(double t, double period, double share, double phase) {
  const double turns = t / period + phase;
  const double at = turns - std::floor(turns);
  if (at > share) return 0;
  const double up = std::sin(std::numbers::pi * at / share);
  return up * up;
}

/// Head and hands as they stand from the root, which does not turn with itself.
pose::Upper upper_of(const pose::Bones& bones) {
  std::array<pose::Limb, pose::bones_max + 1> found{};
  for (const Rest& one : rest) {
    const auto& from = found[one.parent];
    const Vec3 way = turned(from.turn, one.offset);
    found[one.bone] = {
        true,
        {from.at.x + way.x, from.at.y + way.y, from.at.z + way.z},
        times(from.turn, bones.there[one.bone] ? bones.turns[one.bone] : Rotation{})};
  }
  return {{found[head], found[left_hand], found[right_hand]}};
}

template <class Part>
std::vector<std::byte> octets(const Part& part) {
  std::vector<std::byte> place(pose::bones_bytes_max);
  ByteWriter out(place);
  pose::write(out, part);
  require(out.ok());
  place.resize(out.position());
  return place;
}

}  // namespace

Stand stand_of(std::size_t seat, std::size_t seats) {
  constexpr double wide = 4.6, deep = 1.1, camera = 3.5;
  const double share = (static_cast<double>(seat) + 0.5) / static_cast<double>(seats) - 0.5;
  const double x = wide * share, z = 0.35 - deep * (1 - 4 * share * share);
  return {.seed = static_cast<double>(seat) + 1,
          .x = x,
          .z = z,
          .facing = 0.6 * std::atan2(-x, camera - z)};
}

Body moving(const Stand& who, double t) {
  const double s = who.seed;
  const double beat = 2.1 + 0.2 * std::fmod(s, 3);
  const double sway = wave(t, beat, s * 0.37), breath = wave(t, 3.7, s * 0.21);
  const double greet = swell(t, 11, 0.34, s * 0.29), lift = swell(t, 13, 0.3, s * 0.53 + 0.4);
  const double arm = 1.22 + 0.04 * breath;
  Body out;
  out.root = {{who.x + 0.03 * sway, 0.012 * std::abs(sway), who.z},
              about(Axis::y, who.facing + 0.12 * wave(t, 7.3, s * 0.11))};
  const auto set = [&](std::size_t bone, const Rotation& turn) {
    out.bones.there.set(bone);
    out.bones.turns.at(bone) = turn;
  };
  using enum Axis;
  set(hips, times(about(y, 0.10 * sway), about(z, 0.035 * sway)));
  set(spine, about(z, -0.04 * sway));
  set(chest, about(x, 0.025 * breath));
  set(upper_chest, about(y, -0.08 * sway));
  set(neck, about(y, 0.10 * wave(t, 5.1, s * 0.17)));
  set(head, times(about(y, 0.22 * wave(t, 6.3, s * 0.41)),
                  about(x, 0.07 * wave(t, beat, s * 0.37 + 0.2))));
  set(left_shoulder, about(z, 0.05 * lift));
  set(left_upper_arm, times(about(y, -0.25 * lift), about(z, -arm + 1.35 * lift)));
  set(left_lower_arm, about(y, -0.35 - 0.12 * sway - 0.7 * lift));
  set(left_hand, about(z, 0.2 * lift * wave(t, 1.1)));
  set(right_shoulder, about(z, -0.08 * greet));
  set(right_upper_arm, times(about(z, arm - 1.65 * greet), about(y, 0.2 * (1 - greet))));
  set(right_lower_arm, times(about(z, greet * (-1.15 + 0.45 * wave(t, 0.75))),
                             about(y, (1 - greet) * (0.35 - 0.12 * sway))));
  set(right_hand, about(z, greet * 0.3 * wave(t, 0.75, 0.1)));
  set(left_upper_leg, about(z, 0.03 - 0.03 * sway));
  set(right_upper_leg, about(z, -0.03 - 0.03 * sway));
  set(left_lower_leg, about(x, 0.06 + 0.05 * sway));
  set(right_lower_leg, about(x, 0.06 - 0.05 * sway));
  set(left_foot, about(x, -0.06));
  set(right_foot, about(x, -0.06));
  out.upper = upper_of(out.bones);
  // ARKit's list: both blinks, the jaw, both smiles.
  constexpr std::size_t blink_left = 0, blink_right = 7, jaw = 17, smile_left = 23,
                        smile_right = 24;
  const double blink = swell(t, 4.3, 0.04, s * 0.23);
  out.face.weights[blink_left] = out.face.weights[blink_right] = blink;
  out.face.weights[jaw] = swell(t, 9, 0.4, s * 0.31) * (0.5 + 0.5 * wave(t, 0.31));
  out.face.weights[smile_left] = out.face.weights[smile_right] = 0.5 + 0.4 * greet;
  out.fingers.curls.fill(0.25 + 0.2 * (1 - greet));
  return out;
}

std::vector<std::pair<sdd::Component, std::vector<std::byte>>> payloads(const Body& body,
                                                                        sdd::ComponentMask mask) {
  std::vector<std::pair<sdd::Component, std::vector<std::byte>>> out;
  const auto add = [&](sdd::Component component, const auto& part) {
    if (sdd::allows(mask, component)) out.emplace_back(component, octets(part));
  };
  add(pose::component_root, body.root);
  add(pose::component_upper, body.upper);
  add(pose::component_bones, body.bones);
  add(pose::component_face, body.face);
  add(pose::component_fingers, body.fingers);
  return out;
}

}  // namespace lobo::app
