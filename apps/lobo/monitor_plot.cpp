#include "monitor_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "sequence_svg.hpp"

namespace lobo::app {
namespace {

constexpr double width = 1000;
constexpr double height = 420;
constexpr double left = 56;
constexpr double right = 16;
constexpr double top = 76;
constexpr double bottom = 40;
constexpr int ticks = 5;
constexpr double mark_row = 14;  ///< marks close to each other stand below each other
constexpr int mark_rows = 4;

}  // namespace

std::string plot_svg(const Plot& plot) {
  double last = 1;
  double highest = std::max(1.0, plot.threshold);
  bool any = false;
  for (const auto& line : plot.lines)
    for (const auto& point : line.points) {
      any = true;
      last = std::max(last, point.seconds);
      highest = std::max(highest, point.value);
    }
  if (!any) return {};
  for (const auto& mark : plot.marks) last = std::max(last, mark.seconds);
  highest *= 1.1;
  const auto x = [&](double seconds) { return left + seconds / last * (width - left - right); };
  const auto y = [&](double value) {
    return height - bottom - value / highest * (height - top - bottom);
  };

  std::string svg = fmt::format(
      "<svg class=\"plot\" width=\"{0:g}\" height=\"{1:g}\" viewBox=\"0 0 {0:g} {1:g}\" "
      "role=\"img\">\n<style>.plot .a{{stroke:var(--accent);stroke-width:2;fill:none}}"
      ".plot .b{{stroke:var(--soft);stroke-width:1.2;fill:none;stroke-dasharray:4 3}}"
      ".plot .grid{{stroke:var(--line)}}.plot .up{{stroke:var(--bad)}}"
      ".plot .down{{stroke:var(--good)}}.plot .end{{text-anchor:end}}</style>\n",
      width, height);
  for (int i = 0; i <= ticks; ++i) {
    const double value = highest * i / ticks;
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{2:.1f}\" y2=\"{1:.1f}\"/>"
        "<text class=\"end\" x=\"{3:.1f}\" y=\"{4:.1f}\">{5:.0f}</text>\n",
        left, y(value), width - right, left - 6, y(value) + 4, value);
    const double seconds = last * i / ticks;
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{:.0f} s</text>\n", x(seconds),
                       height - bottom + 18, seconds);
  }
  svg += fmt::format("<text class=\"left\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", left, 16.0,
                     html_escaped(plot.unit));
  if (plot.threshold > 0)
    svg += fmt::format(
        "<line class=\"limit\" x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{2:.1f}\" y2=\"{1:.1f}\"/>"
        "<text class=\"end\" x=\"{2:.1f}\" y=\"{3:.1f}\">threshold {4:g}</text>\n",
        left, y(plot.threshold), width - right, y(plot.threshold) - 5, plot.threshold);
  double at = left + 120;
  for (const auto& line : plot.lines) {
    std::string points;
    for (const auto& point : line.points)
      points += fmt::format("{:.1f},{:.1f} ", x(point.seconds), y(point.value));
    svg += fmt::format("<polyline class=\"{}\" points=\"{}\"/>\n", line.style, points);
    svg += fmt::format(
        "<line class=\"{0}\" x1=\"{1:.1f}\" y1=\"12\" x2=\"{2:.1f}\" y2=\"12\"/>"
        "<text class=\"left\" x=\"{3:.1f}\" y=\"16\">{4}</text>\n",
        line.style, at, at + 28, at + 34, html_escaped(line.name));
    at += 220;
  }
  int row = 0;
  for (const auto& mark : plot.marks) {
    svg += fmt::format(
        "<line class=\"{0}\" x1=\"{1:.1f}\" y1=\"{2:.1f}\" x2=\"{1:.1f}\" y2=\"{3:.1f}\"/>"
        "<text x=\"{1:.1f}\" y=\"{4:.1f}\">{5}</text>\n",
        mark.up ? "up" : "down", x(mark.seconds), top - 6, height - bottom,
        top - 12 - mark_row * (row % mark_rows), html_escaped(mark.text));
    ++row;
  }
  return svg + "</svg>\n";
}

}  // namespace lobo::app
