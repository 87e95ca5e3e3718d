#pragma once
// What a node tells SEALDD's server, and what it is told to do.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "relay/measure/loss.hpp"
#include "relay/measure/stream_meter.hpp"
#include "relay/ports.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

enum class FlowState : std::uint8_t { up, stalled, draining, closed };

constexpr std::string_view to_string(FlowState state) {
  switch (state) {
    case FlowState::up: return "UP";
    case FlowState::stalled: return "STALLED";
    case FlowState::draining: return "DRAINING";
    case FlowState::closed: return "CLOSED";
  }
  std::abort();
}

struct FlowChange {
  sdd::FlowId flow = 0;
  std::string room;
  std::string ue;
  FlowState state = FlowState::up;
  sdd::Cause cause = sdd::Cause::ok;
  bool operator==(const FlowChange&) const = default;
};

/// To one receiver through one of its flows.
struct Delivered {
  std::uint64_t states = 0;
  std::uint64_t bytes = 0;
  std::uint64_t conflated = 0;  ///< replaced by a later one before their turn
  std::uint64_t expired = 0;    ///< older than their time to live at their turn
  std::uint64_t dropped = 0;    ///< R1 and R2: no room in the queue
  std::uint64_t repeated = 0;   ///< of `states`: sent again
  bool operator==(const Delivered&) const = default;
};

/// What a publisher said that was not taken.
struct Refused {
  std::uint64_t masked = 0;       ///< a component that it may not publish
  std::uint64_t other_asset = 0;  ///< an alias that is not the flow's, or a flow to receive with
  std::uint64_t too_large = 0;
  std::uint64_t too_many = 0;      ///< components or assets
  std::uint64_t base_unknown = 0;  ///< deltas on nothing
  std::uint64_t too_far = 0;       ///< a sequence ahead of what can be
  bool operator==(const Refused&) const = default;
};

struct FlowWindow {
  sdd::FlowId flow = 0;
  std::string room;
  std::string ue;
  std::string asset;
  Window published;  ///< from this UE to the node
  Window received;   ///< as this UE says of what it was sent
  Delivered delivered;
  Refused refused;
  PathStats path;
  DatagramLoss::Counts datagrams;  ///< of the whole connection
  std::chrono::microseconds clock_error{};
  std::uint8_t tier = 0;
};

struct Reports {
  std::vector<FlowChange> changes;  ///< in order
  std::uint64_t changes_lost = 0;   ///< nobody asked for too long
  std::vector<FlowWindow> windows;
};

/// Of all since the start: what is refused of a flow outlives it here.
struct NodeCounts {
  std::uint64_t datagrams = 0;
  std::uint64_t datagrams_malformed = 0;
  std::uint64_t flows_unknown = 0;
  std::uint64_t streams_refused = 0;
  std::uint64_t tokens_refused = 0;
  std::uint64_t links_refused = 0;
  Refused states;
  bool operator==(const NodeCounts&) const = default;
};

/// Where a drain is given, what ends goes on for so long, and is told as draining meanwhile.
struct ReleaseFlow {
  sdd::FlowId flow = 0;
  sdd::Cause cause = sdd::Cause::released;
  std::chrono::milliseconds drain{};
};
struct SetTier {
  sdd::FlowId flow = 0;
  std::uint8_t tier = 0;
  sdd::TierReason reason = sdd::TierReason::ordered;
};
struct SetMask {
  sdd::FlowId flow = 0;
  sdd::ComponentMask components = sdd::all_components;
};
/// What the receiver of the flow may be sent; 0: anything.
struct SetRate {
  sdd::FlowId flow = 0;
  std::uint64_t bps = 0;
};
/// Whether its states go over two connections.
struct SetRedundancy {
  sdd::FlowId flow = 0;
  bool dual = false;
};
/// The UE of the flow is told to go; its connection here stays until it leaves or is released.
/// Where a drain is given, all flows that the UE has in the room end after it.
struct Relocate {
  sdd::FlowId flow = 0;
  std::string address;
  std::vector<std::byte> token;
  std::string certificate_hash;
  std::chrono::milliseconds drain{};
};
/// Another node owns the room, with this epoch where it is not 0.
struct CloseRoom {
  std::string room;
  std::uint64_t epoch = 0;
  std::chrono::milliseconds drain{};
};
/// Tokens of an older epoch do not let in any more; whoever came with one is put out. A room that
/// is owned is remembered until it is closed.
struct FenceRoom {
  std::string room;
  std::uint64_t epoch = 0;
  bool owned = false;
};
using Order = std::variant<ReleaseFlow, SetTier, SetMask, SetRate, SetRedundancy, Relocate,
                           CloseRoom, FenceRoom>;

/// What a server's lease says of whom a node may let in.
struct Tenure {
  bool held = false;
  /// A room that the node does not know as its own was given to it later than this, or the token is
  /// of a time before.
  sdd::Seconds since{};
};

}  // namespace lobo::relay
