#pragma once
// One connection in one room: what it publishes, what it is owed.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "relay/bits.hpp"
#include "relay/measure/loss.hpp"
#include "relay/measure/loss_guard.hpp"
#include "relay/measure/stream_meter.hpp"
#include "relay/ports.hpp"
#include "relay/report.hpp"
#include "relay/slot.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

inline constexpr std::size_t no_asset = SIZE_MAX;

/// A flow that a token let in.
struct Flow {
  sdd::TokenFlow claims;
  sdd::Seconds expires;
  std::uint64_t epoch = 0;
  bool pose = false;             ///< its components are those of the pose codec
  std::size_t asset = no_asset;  ///< what it publishes

  std::uint8_t tier = 0;
  sdd::ComponentMask ordered = sdd::all_components;
  sdd::ComponentMask wished = sdd::all_components;
  std::uint32_t rate_wished_mhz = 0;

  // Followed from the above by settle().
  sdd::ComponentMask seen = sdd::all_components;
  std::chrono::microseconds period{};
  std::chrono::microseconds ttl{};  ///< two windows at least: one is what the relay itself takes

  FlowState state = FlowState::up;
  std::optional<Instant> ends;  ///< it drains until then
  sdd::Cause ends_for = sdd::Cause::released;
  Window published;
  Window received;
  Delivered delivered;
  Refused refused;
  /// Numbers that the receiver was not sent and will find missing: since its last statistics, and
  /// those of before that it had not come to by then.
  std::uint64_t skipped = 0;
  std::uint64_t skipped_before = 0;
  /// Of the skipped ones, by asset, those that were here to be sent: not told yet.
  std::map<sdd::Alias, std::uint32_t> left_out;
  std::chrono::microseconds clock_error{};

  sdd::ComponentMask may_publish() const { return claims.components & ordered; }
};

/// How far a receiver is with one slot.
struct Progress {
  std::int64_t due_us = 0;            ///< not before, by its tier's rate
  std::int64_t heard_us = 0;          ///< when it was sent something last
  std::int64_t key_us = 0;            ///< when it was sent `key` last
  sdd::Sequence key = 0;              ///< the key frame that it has
  std::optional<sdd::Sequence> sent;  ///< the latest that it was sent
  std::uint32_t order = 0;            ///< of that (State::order())
  std::uint16_t flow = 0;             ///< of the member, through which it sees the slot
  sdd::Alias alias = 0;               ///< of the asset
  std::uint8_t priority = 0;
  bool has_key = false;
};

struct LossyState {
  std::shared_ptr<const State> state;
  std::uint16_t flow = 0;
  std::uint32_t slot = 0;
};

struct StreamMessage {
  std::shared_ptr<const std::vector<std::byte>> payload;
  sdd::StreamHeader header;
  std::optional<Instant> deadline;
  std::size_t flow = 0;
};

/// What one that waits costs: an empty message is not free.
inline constexpr std::size_t message_overhead = 128;
inline std::size_t cost(const StreamMessage& message) {
  return message.payload->size() + message_overhead;
}

struct OpenStream {
  StreamNo stream = 0;
  Instant until;
};

/// A stream of R4: one for each asset's component.
struct OrderedStream {
  sdd::Alias alias = 0;
  sdd::Component component = 0;
  StreamNo stream = 0;
};

struct Member {
  LinkId link = 0;
  std::string ue;
  std::uint32_t ue_number = 0;
  std::vector<std::unique_ptr<Flow>> flows;  ///< their places are Progress::flow

  // What it is owed.
  Bits wanted;  ///< slots that it may and wants to see
  Bits dirty;   ///< those with something new; a part of wanted
  Bits again;   ///< those whose newest state it gets however old that is; a part of dirty
  std::vector<Progress> progress;
  std::deque<LossyState> lossy;
  std::deque<StreamMessage> messages;
  std::size_t message_bytes = 0;
  std::vector<OpenStream> open;
  std::vector<OrderedStream> ordered;

  // What it wants.
  std::uint32_t nearest = 0;          ///< of so many assets; 0: of all
  std::vector<std::uint32_t> chosen;  ///< assets, sorted: the nearest
  std::map<sdd::Alias, std::uint8_t> wishes;
  std::uint64_t bps_wished = 0;
  std::optional<sdd::Position> position;

  // What it can take.
  std::uint64_t bps = 0;  ///< 0: no limit is known
  std::int64_t budget_bytes = 0;
  Instant budget_at{};
  std::int64_t turn_bytes = 0;  ///< it may have in a turn; Limits::turn_bytes_max at first
  std::int64_t turn_left = 0;
  bool scarce = false;  ///< the budget did not do the last time: the most urgent come first
  std::optional<Instant> blocked_since;
  bool second_path = false;  ///< the same UE was here by another connection before
  std::size_t datagram_max = sdd::datagram_bytes_max;  ///< that the far end said it takes
  std::uint64_t next_tag = 0;
  DatagramLoss datagrams;
  LossGuard guard;
  std::uint64_t bps_guarded = 0;  ///< by the guard's last look; 0: no limit

  bool owed() const { return dirty.any() || !lossy.empty() || !messages.empty(); }
};

}  // namespace lobo::relay
