#include "monitor_plot.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace lobo::app {
namespace {

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(monitor_plot, draws_each_line_each_mark_and_the_threshold) {
  const Plot plot{.unit = "ms",
                  .lines = {{.name = "mean", .style = "a", .points = {{0, 10}, {1, 90}}}},
                  .marks = {{.seconds = 0.5, .text = "2 UEs <above>", .up = true},
                            {.seconds = 0.9, .text = "2 UEs below", .up = false}},
                  .threshold = 60};
  const auto svg = plot_svg(plot);
  EXPECT_EQ(count(svg, "<polyline"), 1U);
  EXPECT_EQ(count(svg, "class=\"up\""), 1U);
  EXPECT_EQ(count(svg, "class=\"down\""), 1U);
  EXPECT_EQ(count(svg, "class=\"limit\""), 1U);
  EXPECT_EQ(count(svg, "<above>"), 0U);  // Names are no markup.
  EXPECT_EQ(svg.find("http"), std::string::npos);
}

TEST(monitor_plot, of_nothing_is_empty) { EXPECT_TRUE(plot_svg({}).empty()); }

}  // namespace
}  // namespace lobo::app
