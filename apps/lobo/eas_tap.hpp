#pragma once
// `lobo eas --tap`: stands as a bridge between the application's interface and the network's. The
// application keeps sending to the UE itself and knows nothing; of what passes, the RTP to the
// named ports leaves marked, all else as it came, in both directions.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "eas_keys.hpp"
#include "live/leased_marks.hpp"
#include "live/live_marks.hpp"
#include "toolbox/mark_writer.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::app {

/// Batches taken from one side before the other has its turn.
inline constexpr unsigned tap_batches_max = 4;
/// System calls for a batch before what an interface does not take is dropped.
inline constexpr unsigned tap_pushes_max = 64;

struct TapSettings {
  std::string inside;   ///< the interface towards the application
  std::string outside;  ///< the interface towards the network
  WriteSettings writing;
  LiveSettings live;  ///< `marks.ports` says which destination ports; never empty
  std::string counters;
  EasKeys* keys = nullptr;  ///< where keys come from, where `writing.keys_come`; outlives the tap
  std::function<void(std::string_view)> tell;
};

struct TapTallies {
  std::uint64_t out = 0;      ///< frames from the application, marked or not
  std::uint64_t back = 0;     ///< frames to the application
  std::uint64_t dropped = 0;  ///< which an interface did not take
};

class EasTap {
 public:
  /// not_found: no such interface; forbidden: the right to open it is missing.
  static Result<std::unique_ptr<EasTap>> open(TapSettings settings);
  /// Until SIGINT, SIGTERM, or `at_most` (0: no end) is over, or an interface is gone.
  Result<void> run(std::chrono::seconds at_most);

  LeasedMarks& leased() { return *leased_; }
  const LeasedMarks& leased() const { return *leased_; }
  const TapTallies& tallies() const { return tallies_; }
  /// What the interfaces lost by reason, in a word each ("aggregated 3, cut 1"); empty: nothing.
  std::string lost();
  std::string describe() const;

 private:
  using Clock = std::chrono::steady_clock;

  explicit EasTap(TapSettings settings) : settings_(std::move(settings)) {}
  bool take(Clock::time_point now);
  void gather(Bytes frame);
  void flush();
  std::uint64_t push(packet_io::Port& port, std::span<const packet_io::Packet> packets);
  Result<void> check(packet_io::Port& port) const;

  TapSettings settings_;
  std::unique_ptr<packet_io::Port> inside_;
  std::unique_ptr<packet_io::Port> outside_;
  std::unique_ptr<LeasedMarks> leased_;
  std::vector<std::byte> gathered_;  ///< batch_packets_max places for a frame
  packet_io::Batch leaving_;
  TapTallies tallies_;
};

}  // namespace lobo::app
