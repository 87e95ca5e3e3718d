#pragma once
// What all parts of sdd/1 speak of: flows, classes, components (docs/sdd.md).

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace lobo::sdd {

using FlowId = std::uint32_t;    ///< of one UE's flow; 0 is none
using Alias = std::uint16_t;     ///< stands for an asset in the frames of a room; 0 is all of them
using Component = std::uint8_t;  ///< a part of an asset's state
using Sequence = std::uint32_t;  ///< of an asset's component; wraps
using NodeTime = std::uint32_t;  ///< microseconds of the node's clock; wraps after 71 minutes
using ComponentMask = std::uint32_t;

inline constexpr Component components_masked = 32;  ///< those from here on are never masked
inline constexpr ComponentMask all_components = 0xFFFFFFFF;

constexpr bool allows(ComponentMask mask, Component component) {
  return component >= components_masked || (mask >> component & 1U) != 0;
}

/// How much later `a` is than `b` on a circle of 2^32; negative where it is earlier.
constexpr std::int32_t distance(Sequence a, Sequence b) { return static_cast<std::int32_t>(a - b); }
static_assert(distance(2, 0xFFFFFFFF) == 3);

/// How a flow's states are carried and kept.
enum class FlowClass : std::uint8_t {
  newest = 0,     ///< R0: datagrams, the newest state alone
  lossy = 1,      ///< R1: datagrams, each of them, none again
  deadline = 2,   ///< R2: a stream each, given up at its deadline
  unordered = 3,  ///< R3: a stream each
  ordered = 4,    ///< R4: one stream
};
inline constexpr std::uint64_t flow_class_max = 4;

constexpr std::string_view to_string(FlowClass c) {
  switch (c) {
    case FlowClass::newest: return "R0";
    case FlowClass::lossy: return "R1";
    case FlowClass::deadline: return "R2";
    case FlowClass::unordered: return "R3";
    case FlowClass::ordered: return "R4";
  }
  std::abort();
}
constexpr std::optional<FlowClass> flow_class_of(std::uint64_t number) {
  if (number > flow_class_max) return std::nullopt;
  return static_cast<FlowClass>(number);
}
constexpr bool by_datagram(FlowClass c) { return c == FlowClass::newest || c == FlowClass::lossy; }

/// As seen by the client.
enum class Direction : std::uint8_t { pub = 0, sub = 1, bidi = 2 };
inline constexpr std::uint64_t direction_max = 2;

constexpr std::string_view to_string(Direction d) {
  switch (d) {
    case Direction::pub: return "PUB";
    case Direction::sub: return "SUB";
    case Direction::bidi: return "BIDI";
  }
  std::abort();
}
constexpr bool publishes(Direction d) { return d != Direction::sub; }
constexpr bool receives(Direction d) { return d != Direction::pub; }

/// What the far end is.
enum class Role : std::uint8_t { client = 0, relay = 1 };
inline constexpr std::uint64_t role_max = 1;

}  // namespace lobo::sdd
