#pragma once
// Each frame of a run as a coloured stroke: what the drawings of the demos have in common.

#include <span>
#include <string>
#include <string_view>

#include "toolbox/congestion_run.hpp"

namespace lobo::app {

/// The head of a drawing of that size, with its colours; it is closed by "</svg>".
std::string open_frames_svg(int width, int height, std::string_view title);
/// What the colours mean.
std::string verdict_legend(double x, double y);
/// Frames in a row that look the same are one rectangle.
std::string frame_strokes(std::span<const Verdict> verdicts, double left, double y, double width,
                          double height);

}  // namespace lobo::app
