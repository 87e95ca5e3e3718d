#pragma once
// The packet path of a UPF, batch by batch, in place on the frames: ARCHITECTURE, "Life of a
// packet". One worker's; nothing here is called from two threads but what says so.
//
//   downlink   parse -> classify -> open -> track -> police -> emit on N3
//   uplink     parse -> classify -> police -> emit on N6
//
// Nothing is allocated for a packet.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/buffer.hpp"
#include "dataplane/stages/emit.hpp"
#include "dataplane/stages/monitor.hpp"
#include "dataplane/stages/open.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/police.hpp"
#include "dataplane/stages/signalling.hpp"
#include "dataplane/stages/trace.hpp"
#include "dataplane/stages/waiting_room.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::dataplane {

/// Frames to send; views on those that came in. Each packet is in one of them at most, so that a
/// batch of what came has room for all that leaves.
struct Outgoing {
  packet_io::Batch n3;
  packet_io::Batch n6;
  /// As they came, for the workers whose sessions they are of; of one of several workers only.
  packet_io::Batch others;
  std::array<std::uint8_t, packet_io::batch_packets_max> to{};  ///< of `others`

  void clear() {
    n3.clear();
    n6.clear();
    others.clear();
  }
};

class Pipeline {
 public:
  Pipeline(const PathSettings& settings, xrm::Receiver& receiver, WorkerEvents& events);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// What came on N6. `out` is filled anew, in the order of arrival.
  void downlink(packet_io::Batch& batch, const Turn& turn, Outgoing& out) noexcept;
  /// What came on N3; answers to it leave there.
  void uplink(packet_io::Batch& batch, const Turn& turn, Outgoing& out) noexcept;

  /// What waited for a next hop that is known now, for nobody else: `out` is filled anew, with one
  /// batch at most. What waited too long is dropped. The packets are good until the next batch.
  void release(const Neighbours& neighbours, Elapsed now, Outgoing& out) noexcept;
  bool anything_waits() const { return waiting_.size() != 0; }
  /// What was buffered under rules that hold no more, as downlink() of one batch at most; false
  /// where there is none. To be called until then, before what came later.
  bool resume(const Turn& turn, Outgoing& out) noexcept;
  bool anything_buffered() const { return buffer_.size() != 0; }

  /// What was decided for packet `at` of the last batch, as long as its rules are there.
  PacketTrace trace(std::size_t at) const { return trace_of(passages_[at]); }

  // For any thread.
  const PathCounters& counters() const { return counters_; }
  /// For one other thread.
  WantedAddresses& wanted() { return wanted_; }

 private:
  /// Of one batch.
  struct Sent {
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;
    std::uint64_t handed_packets = 0;
    std::uint64_t handed_octets = 0;
  };
  std::span<Passage> begin(packet_io::Batch& batch, Outgoing& out) noexcept;
  void pass_downlink(packet_io::Batch& batch, const Turn& turn, Sent& sent, Outgoing& out) noexcept;
  void end(const packet_io::Batch& batch, const Sent& sent,
           PathCounters::Direction& counters) noexcept;
  void leave(Passage& passage, const Turn& turn, PathCounters::Direction& counters, Sent& sent,
             Outgoing& out) noexcept;
  bool wait(const Passage& passage, const Turn& turn, Treatment::To to,
            PathCounters::Direction& counters) noexcept;

  PathSettings settings_;
  PathCounters counters_;
  WantedAddresses wanted_;
  Signalling signalling_;
  Opener opener_;
  Policer policer_;
  Monitor monitor_;
  Emitter emitter_;
  WaitingRoom waiting_;
  Buffer buffer_;
  packet_io::Batch resumed_;
  std::array<Passage, packet_io::batch_packets_max> passages_{};
};

}  // namespace lobo::dataplane
