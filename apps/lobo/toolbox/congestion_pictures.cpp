#include "toolbox/congestion_pictures.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/congestion_stream.hpp"
#include "toolbox/seen_pictures.hpp"

namespace lobo::app {

Result<std::optional<Instant>> best_instant(const Stream& stream, const RunResult& before,
                                            const RunResult& after) {
  const auto small = [&](const RunResult& run) -> Result<std::vector<std::byte>> {
    const auto input = received(stream, run.arrived);
    if (!input) return fail(input.error());
    return thumbnails(source_of(*input));
  };
  const auto first = small(before);
  if (!first) return fail(first.error());
  const auto second = small(after);
  if (!second) return fail(second.error());
  std::vector<std::int64_t> times;
  times.reserve(stream.frames.size());
  for (const auto& frame : stream.frames) times.push_back(frame.presentation);
  std::ranges::sort(times);
  return best_instant(times,
                      {.verdicts = before.verdicts, .shown = before.shown, .thumbnails = *first},
                      {.verdicts = after.verdicts, .shown = after.shown, .thumbnails = *second});
}

Result<std::vector<std::byte>> picture(const Stream& stream, const RunResult& run, std::size_t nth,
                                       PictureForm form) {
  const auto input = received(stream, run.arrived);
  if (!input) return fail(input.error());
  return nth_picture(source_of(*input), nth, form);
}

}  // namespace lobo::app
