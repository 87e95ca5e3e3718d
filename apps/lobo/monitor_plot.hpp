#pragma once
// What was measured over time, and when somebody was told: a picture of lines and marks.

#include <string>
#include <vector>

namespace lobo::app {

struct PlotPoint {
  double seconds = 0;
  double value = 0;
};
struct PlotLine {
  std::string name;
  std::string style;  ///< class of its stroke: "a", "b"
  std::vector<PlotPoint> points;
};
struct PlotMark {
  double seconds = 0;
  std::string text;
  bool up = true;  ///< otherwise down
};
struct Plot {
  std::string unit;  ///< of the values
  std::vector<PlotLine> lines;
  std::vector<PlotMark> marks;
  double threshold = 0;
};

/// A self-contained picture; empty where there is nothing to draw.
std::string plot_svg(const Plot& plot);

}  // namespace lobo::app
