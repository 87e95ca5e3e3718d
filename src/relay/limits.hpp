#pragma once
// Every bound and every interval of the relay.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

struct Limits {
  std::size_t links_max = 2048;
  std::size_t rooms_max = 1024;
  std::size_t rooms_of_link_max = 16;
  std::size_t flows_of_link_max = 256;
  std::size_t assets_of_room_max = 2048;
  std::size_t slots_of_room_max = 8192;  ///< components of all assets
  std::size_t components_of_asset_max = 32;

  /// How long states wait for others that go the same way.
  std::chrono::microseconds window{4000};
  /// How long a state is worth being sent where its flow does not say.
  std::chrono::milliseconds ttl_usual{100};
  /// A receiver hears of each component at least so often, and has the key frame of its deltas.
  std::chrono::milliseconds repeat{1000};

  std::size_t lossy_queue_max = 32;  ///< R1: messages that wait for one receiver
  std::size_t streams_out_max = 64;  ///< R2, R3: open to one receiver
  std::size_t streams_in_max = 64;   ///< from one publisher, unfinished
  std::size_t stream_in_bytes_max = std::size_t{256} * 1024;   ///< of one link, unfinished
  std::size_t stream_queue_bytes_max = std::size_t{1} << 20U;  ///< that wait for one receiver
  std::uint64_t control_backlog_max = std::uint64_t{1} << 20U;

  std::chrono::seconds hello_within{10};
  std::chrono::seconds idle_after{30};        ///< without a flow
  std::chrono::seconds forget_after{30};      ///< an asset that nobody publishes
  std::chrono::seconds room_remembered{600};  ///< empty, for the sake of its epoch
  std::chrono::seconds stalled_after{1};      ///< not writable
  std::chrono::seconds too_slow_after{30};
  std::chrono::milliseconds housekeeping{100};
  std::size_t closed_flows_max = 65'536;  ///< told to nobody yet

  /// What a receiver gets in one turn. Halved where its path was found full, down to one datagram;
  /// one more with each turn in which it was not: what is sent too early only grows old in a queue.
  std::int64_t turn_bytes_max = std::int64_t{64} * 1024;

  /// Of a receiver's bucket: what may leave at once.
  std::chrono::milliseconds burst{50};
  std::size_t burst_bytes_min = std::size_t{16} * 1024;
  /// The share of cwnd / srtt that states may take, in hundredths: control and streams need some.
  std::uint64_t path_share_percent = 95;
  /// A path that is faster than this is not measured by its window.
  std::chrono::microseconds path_rtt_min{500};

  /// Where a token has no ladder: 60 Hz of everything, 30 Hz, 15 Hz of root, head and hands, 5 Hz
  /// of the root (pose.hpp).
  std::array<sdd::TokenStep, 4> ladder{
      {{60'000, sdd::all_components}, {30'000, sdd::all_components}, {15'000, 0b11}, {5'000, 0b1}}};
};

}  // namespace lobo::relay
