#pragma once
// `lobo demo congestion`: real video through a bottleneck at several overloads under each policy,
// with the same rate and the same queue, and what a viewer gets of it.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "toolbox/congestion_pictures.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/congestion_stream.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {

inline constexpr std::array<unsigned, 4> overload_percents{5, 10, 20, 30};
/// Of these the pictures and the captures are left.
inline constexpr unsigned shown_overload_percent = 20;
inline constexpr std::chrono::milliseconds congestion_queue_time{250};
inline constexpr std::chrono::milliseconds congestion_delay_budget{270};
inline constexpr double congestion_seconds_max = 120;

struct CongestionSettings {
  EncodeSettings video;
  std::string directory;
};

/// How far it is, for people: called from several threads, one at a time.
struct CongestionProgress {
  std::function<void(const std::string& what, double share)> at;
  std::function<bool()> interrupted;
};

struct CongestionPictures {
  Instant instant;
  std::vector<std::byte> before_png;
  std::vector<std::byte> after_png;
  std::vector<std::byte> before_jpeg;
  std::vector<std::byte> after_jpeg;
};

/// All that the demo found out.
struct CongestionOutcome {
  CongestionSettings settings;
  Stream stream;
  std::vector<RunResult> runs;               ///< overload by overload, contender by contender
  std::vector<CongestionPictures> pictures;  ///< one, or none where there is nothing to show
  const RunResult& run(unsigned overload_percent, Contender contender) const;
  /// No policy beats the bound, and of the test picture, where the overload is greatest, the
  /// policies that know PDU Sets are not worse than tail drop. (A short clip at a small overload
  /// fits into the queue as it is.) What comes of a user's film is told, whatever it is.
  bool sound() const;
  std::uint64_t largest_frame_bytes() const;
};

/// Link of the given overload: what it carries is offered / (1 + N %).
Link link_of(const Stream& stream, unsigned overload_percent);

/// Does everything but writing files. `unavailable` with the reason where it was interrupted.
Result<CongestionOutcome> play_congestion(const CongestionSettings& settings,
                                          const CongestionProgress& progress);

/// Writes the artefacts into the directory.
Result<void> write_congestion(const CongestionOutcome& outcome);

}  // namespace lobo::app
