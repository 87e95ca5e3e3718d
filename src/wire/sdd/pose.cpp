#include "wire/sdd/pose.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "wire/sdd/control.hpp"

namespace lobo::sdd::pose {
namespace {

constexpr std::uint8_t version = 1;
constexpr double root_units = 10'000;   // in a metre: tenths of a millimetre
constexpr double offset_units = 2'000;  // halves of a millimetre
constexpr std::size_t bone_mask_bytes = 7;

constexpr unsigned part_bits = 15;
constexpr double part_max = (1U << part_bits) - 1;
// Three of four are at most this; the fourth is the largest.
constexpr double part_range = 0.70710678118654752440;

double finite(double value) { return std::isfinite(value) ? value : 0; }

std::uint8_t share(double value) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(finite(value), 0.0, 1.0) * 255));
}

void write_u48(ByteWriter& out, std::uint64_t value) {
  out.be16(static_cast<std::uint16_t>(value >> 32U));
  out.be32(static_cast<std::uint32_t>(value & 0xFFFFFFFFU));
}
std::uint64_t read_u48(ByteReader& in) {
  const std::uint64_t upper = in.be16();
  return upper << 32U | in.be32();
}

void write_root_part(ByteWriter& out, double metres) {
  const double within = std::clamp(finite(metres), -root_range_m, root_range_m);
  out.be32(
      std::bit_cast<std::uint32_t>(static_cast<std::int32_t>(std::lround(within * root_units))));
}
void write_offset_part(ByteWriter& out, double metres) {
  const double within = std::clamp(finite(metres), -offset_range_m, offset_range_m);
  out.be16(
      std::bit_cast<std::uint16_t>(static_cast<std::int16_t>(std::lround(within * offset_units))));
}
std::int32_t read_root_part(ByteReader& in) { return std::bit_cast<std::int32_t>(in.be32()); }
double read_offset_part(ByteReader& in) {
  return std::bit_cast<std::int16_t>(in.be16()) / offset_units;
}

/// Behind the version, or why not.
tl::expected<ByteReader, PoseFault> begin(Bytes in) {
  if (in.empty()) return tl::unexpected(PoseFault::length);
  if (u8_at(in, 0) != version) return tl::unexpected(PoseFault::version);
  return ByteReader(in.subspan(1));
}

template <std::size_t count>
Read<std::array<double, count>> read_shares(Bytes in) {
  auto reader = begin(in);
  if (!reader) return tl::unexpected(reader.error());
  if (reader->left() != count) return tl::unexpected(PoseFault::length);
  std::array<double, count> shares;
  for (double& value : shares) value = reader->u8() / 255.0;
  return shares;
}

}  // namespace

std::uint64_t pack_rotation(const Rotation& rotation) {
  std::array<double, 4> parts{finite(rotation.x), finite(rotation.y), finite(rotation.z),
                              finite(rotation.w)};
  double length = 0;
  for (const double part : parts) length = std::hypot(length, part);
  if (length < 1e-9 || !std::isfinite(length)) parts = {0, 0, 0, length = 1};
  const auto size = [](double part) { return std::abs(part); };
  const auto largest =
      static_cast<std::size_t>(std::ranges::max_element(parts, {}, size) - parts.begin());
  // The sign of all of them may turn: the largest is positive where it is read.
  const double scale = (parts[largest] < 0 ? -1 : 1) / length;
  std::uint64_t bits = largest;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i == largest) continue;
    const double within = std::clamp(parts[i] * scale, -part_range, part_range);
    bits = bits << part_bits |
           static_cast<std::uint64_t>(std::lround((within / part_range + 1) / 2 * part_max));
  }
  return bits;
}

Rotation unpack_rotation(std::uint64_t bits) {
  std::array<double, 4> parts{};
  const std::size_t largest = bits >> 3U * part_bits & 3U;
  double rest = 1;
  for (std::size_t i = parts.size(); i > 0; --i) {
    if (i - 1 == largest) continue;
    const auto step = static_cast<double>(bits & ((1U << part_bits) - 1U));
    bits >>= part_bits;
    parts[i - 1] = (step / part_max * 2 - 1) * part_range;
    rest -= parts[i - 1] * parts[i - 1];
  }
  parts[largest] = std::sqrt(std::max(rest, 0.0));
  // Octets that no writer made may be longer than one.
  double length = 0;
  for (const double part : parts) length = std::hypot(length, part);
  return {parts[0] / length, parts[1] / length, parts[2] / length, parts[3] / length};
}

void write(ByteWriter& out, const Root& root) {
  out.u8(version);
  for (const double part : {root.at.x, root.at.y, root.at.z}) write_root_part(out, part);
  write_u48(out, pack_rotation(root.turn));
}

void write(ByteWriter& out, const Upper& upper) {
  out.u8(version);
  unsigned there = 0;
  for (std::size_t i = 0; i < upper_parts; ++i) there |= upper.parts[i].there ? 1U << i : 0;
  out.u8(static_cast<std::uint8_t>(there));
  for (const Limb& limb : upper.parts) {
    if (!limb.there) continue;
    for (const double part : {limb.at.x, limb.at.y, limb.at.z}) write_offset_part(out, part);
    write_u48(out, pack_rotation(limb.turn));
  }
}

void write(ByteWriter& out, const Bones& bones) {
  out.u8(version);
  const std::uint64_t there = bones.there.to_ullong();
  out.be24(static_cast<std::uint32_t>(there >> 32U));
  out.be32(static_cast<std::uint32_t>(there & 0xFFFFFFFFU));
  for (std::size_t i = 0; i < bones_max; ++i)
    if (bones.there[i]) write_u48(out, pack_rotation(bones.turns[i]));
}

void write(ByteWriter& out, const Face& face) {
  out.u8(version);
  for (const double weight : face.weights) out.u8(share(weight));
}

void write(ByteWriter& out, const Fingers& hands) {
  out.u8(version);
  for (const double curl : hands.curls) out.u8(share(curl));
}

Read<Root> read_root(Bytes in) {
  auto reader = begin(in);
  if (!reader) return tl::unexpected(reader.error());
  if (in.size() != root_bytes) return tl::unexpected(PoseFault::length);
  Root root;
  for (double* part : {&root.at.x, &root.at.y, &root.at.z})
    *part = read_root_part(*reader) / root_units;
  root.turn = unpack_rotation(read_u48(*reader));
  return root;
}

Read<Position> root_position(Bytes in) {
  auto reader = begin(in);
  if (!reader) return tl::unexpected(reader.error());
  if (in.size() != root_bytes) return tl::unexpected(PoseFault::length);
  Position at;
  for (std::int32_t* part : {&at.x, &at.y, &at.z}) *part = read_root_part(*reader) / 10;
  return at;
}

Read<Upper> read_upper(Bytes in) {
  auto reader = begin(in);
  if (!reader) return tl::unexpected(reader.error());
  Upper upper;
  const unsigned there = reader->u8();
  if (there >= 1U << upper_parts) return tl::unexpected(PoseFault::bone_unknown);
  for (std::size_t i = 0; i < upper_parts; ++i) {
    if ((there >> i & 1U) == 0) continue;
    Limb& limb = upper.parts[i];
    limb.there = true;
    for (double* part : {&limb.at.x, &limb.at.y, &limb.at.z}) *part = read_offset_part(*reader);
    limb.turn = unpack_rotation(read_u48(*reader));
  }
  if (!reader->ok() || reader->left() > 0) return tl::unexpected(PoseFault::length);
  return upper;
}

Read<Bones> read_bones(Bytes in) {
  auto reader = begin(in);
  if (!reader) return tl::unexpected(reader.error());
  const std::uint64_t upper = reader->be24();
  const std::uint64_t there = upper << 32U | reader->be32();
  if (there >> bones_max != 0) return tl::unexpected(PoseFault::bone_unknown);
  static_assert(bone_mask_bytes * 8 > bones_max);
  Bones bones;
  bones.there = there;
  if (!reader->ok() || reader->left() != bones.there.count() * rotation_bytes)
    return tl::unexpected(PoseFault::length);
  for (std::size_t i = 0; i < bones_max; ++i)
    if (bones.there[i]) bones.turns[i] = unpack_rotation(read_u48(*reader));
  return bones;
}

Read<Face> read_face(Bytes in) {
  return read_shares<blendshapes>(in).map([](const auto& weights) { return Face{weights}; });
}

Read<Fingers> read_fingers(Bytes in) {
  return read_shares<fingers>(in).map([](const auto& curls) { return Fingers{curls}; });
}

}  // namespace lobo::sdd::pose
