#pragma once
// The pose of an avatar, in components that a relay filters and thins out without looking into
// them: who is far away needs the root alone, who may not see faces gets none. docs/sdd.md has the
// bytes and the error that each may have.

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/bytes.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::sdd::pose {

inline constexpr Component component_root = 0;
inline constexpr Component component_upper = 1;  ///< head and hands
inline constexpr Component component_bones = 2;
inline constexpr Component component_face = 3;
inline constexpr Component component_fingers = 4;

inline constexpr std::size_t bones_max = 55;  ///< of a humanoid in VRM 1.0, numbered in its order
inline constexpr std::size_t blendshapes = 52;
inline constexpr std::size_t fingers = 10;  ///< thumb to little one, the left hand first

// What what was read may differ by from what was written.
inline constexpr double root_error_m = 0.000'051;
inline constexpr double offset_error_m = 0.000'26;
inline constexpr double rotation_error_rad = 0.000'175;  ///< a hundredth of a degree
inline constexpr double share_error = 0.5 / 255 + 1e-6;

inline constexpr double root_range_m = 200'000;  ///< further away is written as this
inline constexpr double offset_range_m = 16.38;

inline constexpr std::size_t rotation_bytes = 6;
inline constexpr std::size_t root_bytes = 1 + 3 * 4 + rotation_bytes;
inline constexpr std::size_t upper_bytes_max = 2 + 3 * (3 * 2 + rotation_bytes);
inline constexpr std::size_t bones_bytes_max = 1 + 7 + bones_max * rotation_bytes;
inline constexpr std::size_t face_bytes = 1 + blendshapes;
inline constexpr std::size_t fingers_bytes = 1 + fingers;

struct Vec3 {
  double x = 0;
  double y = 0;
  double z = 0;
  bool operator==(const Vec3&) const = default;
};
/// Of length one; q and -q are the same turn.
struct Rotation {
  double x = 0;
  double y = 0;
  double z = 0;
  double w = 1;
  bool operator==(const Rotation&) const = default;
};

struct Root {
  Vec3 at;  ///< metres in the room
  Rotation turn;
};
struct Limb {
  bool there = false;
  Vec3 at;  ///< metres from the root
  Rotation turn;
};
enum class UpperPart : std::uint8_t { head = 0, left_hand = 1, right_hand = 2 };
inline constexpr std::size_t upper_parts = 3;
struct Upper {
  std::array<Limb, upper_parts> parts;
};
struct Bones {
  std::bitset<bones_max> there;
  std::array<Rotation, bones_max> turns;  ///< from the bone's rest
};
struct Face {
  std::array<double, blendshapes> weights{};  ///< 0 to 1
};
struct Fingers {
  std::array<double, fingers> curls{};  ///< 0 stretched, 1 closed
};

enum class PoseFault : std::uint8_t { length, version, bone_unknown };
constexpr std::string_view to_string(PoseFault fault) {
  switch (fault) {
    case PoseFault::length: return "length";
    case PoseFault::version: return "version";
    case PoseFault::bone_unknown: return "bone_unknown";
  }
  std::abort();
}
template <class T>
using Read = tl::expected<T, PoseFault>;

/// Three of four in 15 bits each; the largest follows from them.
std::uint64_t pack_rotation(const Rotation& rotation);
Rotation unpack_rotation(std::uint64_t bits);

// What is no number is written as 0, what is out of range as its end.
void write(ByteWriter& out, const Root& root);
void write(ByteWriter& out, const Upper& upper);
void write(ByteWriter& out, const Bones& bones);
void write(ByteWriter& out, const Face& face);
void write(ByteWriter& out, const Fingers& hands);

Read<Root> read_root(Bytes in);
Read<Upper> read_upper(Bytes in);
Read<Bones> read_bones(Bytes in);
Read<Face> read_face(Bytes in);
Read<Fingers> read_fingers(Bytes in);

/// All that the relay reads: where a root is, in millimetres.
Read<Position> root_position(Bytes in);

}  // namespace lobo::sdd::pose
