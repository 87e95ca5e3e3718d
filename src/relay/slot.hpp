#pragma once
// The newest state of one component of one asset, encoded once for all who get it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "relay/measure/stream_meter.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/sequence_window.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

/// A frame without its start, which differs from one receiver to the next.
struct Block {
  std::uint8_t first = 0;  ///< the frame's first octet, without the mark of a second path
  Bytes rest;
};

/// One state as it goes out: a frame, or up to four fragments. Its bytes are used again.
class State {
 public:
  void begin(sdd::Sequence seq, std::optional<sdd::Sequence> base, std::uint32_t order,
             Instant received) {
    bytes_.clear();
    count_ = 0;
    seq_ = seq;
    base_ = base;
    order_ = order;
    received_ = received;
  }
  void add(const sdd::Frame& frame);

  bool empty() const { return count_ == 0; }
  std::size_t blocks() const { return count_; }
  Block block(std::size_t at) const {
    const std::size_t from = at == 0 ? 0 : ends_[at - 1];
    return {firsts_[at], Bytes(bytes_).subspan(from, ends_[at] - from)};
  }
  std::size_t bytes() const { return bytes_.size(); }
  /// What the publisher wrote, of all fragments together.
  std::vector<std::byte> payload() const;
  sdd::Sequence seq() const { return seq_; }
  std::optional<sdd::Sequence> base() const { return base_; }
  /// Its place among those of its slot that came here: what was lost before has none.
  std::uint32_t order() const { return order_; }
  Instant received() const { return received_; }

 private:
  std::vector<std::byte> bytes_;
  std::array<std::uint32_t, sdd::fragments_max> ends_{};
  std::array<std::uint8_t, sdd::fragments_max> firsts_{};
  std::size_t count_ = 0;
  sdd::Sequence seq_ = 0;
  std::optional<sdd::Sequence> base_;
  std::uint32_t order_ = 0;
  Instant received_{};
};

/// One component as it is now: what stands alone, and what changes it where that is a delta.
struct Replica {
  sdd::Component component = 0;
  sdd::Sequence seq = 0;
  std::vector<std::byte> state;
  std::vector<std::byte> delta;  ///< empty: there is none
  Instant received{};
};

/// Fragments of one state until all are there; another state's first one ends the wait.
class Assembly {
 public:
  /// True where this one made it whole; pieces() has it then.
  bool take(const sdd::Frame& fragment);
  std::size_t count() const { return *last_ + std::size_t{1}; }
  /// In its place, with the payload that is kept here.
  sdd::Frame piece(std::size_t at) const;

 private:
  sdd::Frame frame_;  ///< of the first that came
  std::array<std::vector<std::byte>, sdd::fragments_max> payloads_;
  unsigned have_ = 0;
  std::optional<std::uint8_t> last_;
  bool open_ = false;
};

/// What became of a frame that was published.
enum class Taken : std::uint8_t {
  stored,      ///< the newest now
  queued,      ///< R1: one of those that count
  incomplete,  ///< a fragment; others are to come
  late,        ///< R0: a later one is there
  duplicate,
  too_old,
  too_far,
  base_unknown,  ///< a delta on a key frame that is not here
};

/// One component of one asset of a room.
struct Slot {
  std::size_t asset = 0;
  sdd::Component component = 0;
  bool used = false;   ///< else free for the next component that comes
  bool lossy = false;  ///< R1: each state counts

  // Another publisher, or the same one anew, goes on where the numbers stopped.
  std::uint32_t publisher = 0;  ///< UE's number in the room; 0: the next frame says
  std::uint32_t author = 0;     ///< of the newest state; it is not sent back to it
  sdd::Sequence offset = 0;     ///< from its numbers to ours
  sdd::SequenceWindow seen;     ///< in our numbers
  std::uint32_t came = 0;       ///< states, each once; wraps

  Assembly assembly;
  State newest;
  State key;  ///< what `newest` changes, where that is a delta
  StreamMeter meter;

  Taken publish(std::uint32_t from, sdd::Frame frame, Window& window, Instant now);
  void anchor_anew() { publisher = 0; }

 private:
  void follow(std::uint32_t from, const sdd::Frame& frame);
  Taken store(const sdd::Frame& frame, bool whole, Instant now);
  void fill(State& state, const sdd::Frame& frame, bool whole, Instant now);
};

}  // namespace lobo::relay
