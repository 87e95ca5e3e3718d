#pragma once
// One run of the congestion demo: a stream through a bottleneck under one policy, what arrived, and
// what a decoder makes of it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/set_queue.hpp"
#include "toolbox/congestion_stream.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {

/// What a viewer gets of a frame.
enum class Verdict : std::uint8_t {
  exact,    ///< the decoded picture is, bit for bit, that of the undisturbed stream
  damaged,  ///< a picture, but another one
  lost,     ///< none: the one before stays
};
constexpr std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::exact: return "exact";
    case Verdict::damaged: return "damaged";
    case Verdict::lost: return "lost";
  }
  std::abort();
}

/// The four policies, and the oracle's choice of frames sent through the same link.
enum class Contender : std::uint8_t { taildrop, psihi, evict, threshold, oracle };
inline constexpr std::array contenders{Contender::taildrop, Contender::psihi, Contender::evict,
                                       Contender::threshold, Contender::oracle};
constexpr std::string_view to_string(Contender contender) {
  switch (contender) {
    case Contender::taildrop: return "taildrop";
    case Contender::psihi: return "psihi";
    case Contender::evict: return "evict";
    case Contender::threshold: return "threshold";
    case Contender::oracle: return "oracle";
  }
  std::abort();
}

struct Link {
  BitsPerSecond rate;
  dataplane::Elapsed queue_time{};  ///< the queue holds what the link sends in this time
  dataplane::Elapsed delay_budget{};
};

struct RunResult {
  Contender contender{};
  unsigned overload_percent = 0;
  std::vector<bool> arrived;                 ///< by packet: in time
  std::vector<dataplane::Elapsed> departed;  ///< by packet: from the link; 0 where it was dropped
  std::vector<Verdict> verdicts;             ///< by frame, in the order in which they are shown
  std::vector<std::int64_t> shown;           ///< presentation times of the pictures that there are
  std::uint64_t bytes_delivered = 0;
  std::uint64_t bytes_useful = 0;  ///< of frames that are exact
  std::size_t sets_complete = 0;
  std::optional<double> psnr_db;  ///< where it was asked for: against the undisturbed stream
  std::size_t bound = 0;          ///< of the oracle: frames that no policy can exceed
  std::size_t exact_frames() const;
  double exact_share() const;
};

/// Sends the stream; fills all but the verdicts. PDUs that come after the budget of their set count
/// as lost for every contender.
RunResult send(const Stream& stream, Contender contender, const Link& link);

/// Decodes what arrived and judges each frame against `reference`.
Result<void> judge(const Stream& stream, const DecodedPictures& reference, RunResult& run);

/// What a viewer saw next to what was sent, the last picture standing where there is none.
Result<void> measure_psnr(const Stream& stream, RunResult& run);

/// The longest time for which the viewer saw one and the same picture, in frames.
std::size_t longest_freeze(const std::vector<Verdict>& verdicts);

}  // namespace lobo::app
