#pragma once
// The same instant under two policies, as pictures: which instant shows the difference best, and
// the two frames.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/congestion_stream.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {

/// What a viewer saw at one instant in two runs.
struct Instant {
  std::int64_t presentation = 0;  ///< of the frame that was due
  std::size_t before_nth = 0;     ///< which picture of the first run stood there
  std::size_t after_nth = 0;      ///< of the second
  bool frozen = false;            ///< the first run had no picture of its own there
  double psnr_db = 0;             ///< of the first run's picture, at a ninth of the size
};

/// The instant at which `after` is exact and `before` shows best what went wrong; none where there
/// is none.
Result<std::optional<Instant>> best_instant(const Stream& stream, const RunResult& before,
                                            const RunResult& after);

enum class PictureForm : std::uint8_t { png, jpeg };

/// The `nth` decoded picture of a run.
Result<std::vector<std::byte>> picture(const Stream& stream, const RunResult& run, std::size_t nth,
                                       PictureForm form);

}  // namespace lobo::app
