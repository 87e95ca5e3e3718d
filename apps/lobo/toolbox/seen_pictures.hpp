#pragma once
// What viewers saw, as pictures: taken out of a decoder's output, and the instant at which two of
// them differ most.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {

/// An input of ffmpeg: its words up to the name, and the files that become descriptors 3, 4, ….
struct PictureSource {
  std::vector<std::string> words;
  std::vector<int> files = {};
};

/// Of coded pictures; `input` stands at its front then.
PictureSource source_of(const DecoderInput& input);
/// Of a video file.
PictureSource source_of(const std::string& file);

enum class PictureForm : std::uint8_t { png, jpeg };

/// The `nth` picture of the source. A JPEG is scaled to what a page shows.
Result<std::vector<std::byte>> nth_picture(const PictureSource& source, std::size_t nth,
                                           PictureForm form);

/// All pictures, small and grey, one behind the other.
Result<std::vector<std::byte>> thumbnails(const PictureSource& source);

/// What a viewer saw at one instant in two runs.
struct Instant {
  std::int64_t presentation = 0;  ///< of the frame that was due
  std::size_t before_nth = 0;     ///< which picture of the first run stood there
  std::size_t after_nth = 0;      ///< of the second
  bool frozen = false;            ///< the first run had no picture of its own there
  double psnr_db = 0;             ///< of the first run's picture, at a ninth of the size
};

/// A run as it was seen: a verdict for each frame in the order of presentation, the times of the
/// pictures that there were, and their thumbnails.
struct SeenRun {
  std::span<const Verdict> verdicts;
  std::span<const std::int64_t> shown;
  Bytes thumbnails;
};

/// The instant at which `after` is exact and `before` shows best what went wrong; none where there
/// is none. `times` are the presentation times of all frames, in order.
std::optional<Instant> best_instant(std::span<const std::int64_t> times, const SeenRun& before,
                                    const SeenRun& after);

}  // namespace lobo::app
