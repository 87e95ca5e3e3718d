#pragma once
// The same instant under two policies, as pictures: which instant shows the difference best, and
// the two frames.

#include <cstddef>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/congestion_stream.hpp"
#include "toolbox/seen_pictures.hpp"

namespace lobo::app {

/// The instant at which `after` is exact and `before` shows best what went wrong; none where there
/// is none.
Result<std::optional<Instant>> best_instant(const Stream& stream, const RunResult& before,
                                            const RunResult& after);

/// The `nth` decoded picture of a run.
Result<std::vector<std::byte>> picture(const Stream& stream, const RunResult& run, std::size_t nth,
                                       PictureForm form);

}  // namespace lobo::app
