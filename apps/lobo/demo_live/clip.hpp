#pragma once
// The video of the live demo: encoded once by x264, so that every pass sends the same bits and each
// of its pictures is known.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {

/// RTP packets of a clip are this long at most; the rest of an MTU of 1500 is for marks and tunnel.
inline constexpr std::size_t clip_rtp_bytes_max = 1200;
/// Sent behind what is judged, so that its last pictures are not held up in a receiver.
inline constexpr double clip_tail_seconds = 1;
/// Of the test picture. With fewer, single pictures are so large that they do not fit behind each
/// other into a queue of a quarter of a second.
inline constexpr unsigned clip_pictures_per_second = 60;
/// From one IDR picture to the next.
inline constexpr unsigned clip_pictures_per_group = 60;

struct ClipSettings {
  std::string video;  ///< a file of the user's; empty: the test picture
  double seconds = 6;
  unsigned kilobits_per_second = 3000;
  unsigned height = 360;  ///< of the test picture
  std::uint32_t seed = 1;
};

struct Clip {
  std::string file;                      ///< what the sender reads, in NUT
  CodedVideo coded;                      ///< the same
  std::vector<PictureDigest> reference;  ///< of the judged pictures, in the order of presentation
  std::vector<std::int64_t> times;       ///< theirs
  BitsPerSecond rate;                    ///< of its RTP as IP packets
  double frames_per_second = 0;
  double seconds_sent = 0;  ///< tail included
  double judged_seconds() const { return static_cast<double>(times.size()) / frames_per_second; }
};

/// `directory` gets the file.
Result<Clip> make_clip(const ClipSettings& settings, const std::string& directory,
                       const std::function<void(double)>& progress);

/// What an unmodified receiver has to know: payload type 96 is H.264 and comes to this port.
std::string session_description(const std::string& sender, unsigned port);

}  // namespace lobo::app
