#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "toolbox/congestion.hpp"
#include "toolbox/congestion_report.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/frame_strokes.hpp"

namespace lobo::app {
namespace {

std::string_view words(Contender contender) {
  switch (contender) {
    case Contender::taildrop: return "tail drop";
    case Contender::psihi: return "+ rest of the set";
    case Contender::evict: return "+ eviction by importance";
    case Contender::threshold: return "+ share by importance";
    case Contender::oracle: return "chosen with the future known";
  }
  std::abort();
}

}  // namespace

std::string timeline_svg(const CongestionOutcome& outcome) {
  constexpr int left = 210;
  constexpr int width = 680;
  constexpr int right = 70;
  constexpr int row = 26;
  constexpr int panel_head = 34;
  constexpr int top = 40;
  const int panel = panel_head + row * static_cast<int>(contenders.size()) + 30;
  const int height = top + panel * static_cast<int>(overload_percents.size());
  std::string svg = open_frames_svg(left + width + right, height, "each frame under each policy");
  svg += verdict_legend(left, 8);
  const double seconds =
      static_cast<double>(outcome.stream.frames.size()) / outcome.stream.frames_per_second();
  int y = top;
  for (const unsigned percent : overload_percents) {
    svg += fmt::format("<text class=\"head\" x=\"0\" y=\"{}\">{} % overload</text>\n", y + 20,
                       percent);
    y += panel_head;
    for (const auto contender : contenders) {
      const auto& run = outcome.run(percent, contender);
      svg += fmt::format("<text class=\"end\" x=\"{}\" y=\"{}\">{}</text>\n", left - 10, y + 15,
                         words(contender));
      svg += frame_strokes(run.verdicts, left, y, width, row - 6);
      svg += fmt::format("<text x=\"{}\" y=\"{}\">{:.1f} %</text>\n", left + width + 8, y + 15,
                         run.exact_share() * 100);
      y += row;
    }
    const int ticks = std::clamp(static_cast<int>(seconds), 1, 10);
    for (int i = 0; i <= ticks; ++i)
      svg += fmt::format("<text class=\"mid small soft\" x=\"{:.1f}\" y=\"{}\">{:.3g}{}</text>\n",
                         left + static_cast<double>(width) * i / ticks, y + 12, seconds * i / ticks,
                         i == ticks ? " s" : "");
    y += 30;
  }
  return svg + "</svg>\n";
}

std::string shares_svg(const CongestionOutcome& outcome) {
  constexpr int left = 50;
  constexpr int top = 46;
  constexpr int plot = 260;
  constexpr int group = 220;
  constexpr int bar = 42;
  const int width = left + group * static_cast<int>(overload_percents.size()) + 20;
  std::string svg =
      open_frames_svg(width, top + plot + 50, "bit-exact frames by overload and policy");
  int x = left;
  for (const auto contender : contenders) {
    if (contender == Contender::oracle) {
      svg += fmt::format(
          "<line class=\"bound\" x1=\"{0}\" y1=\"15\" x2=\"{1}\" y2=\"15\"/><text x=\"{2}\" "
          "y=\"20\">upper bound</text>\n",
          x, x + 24, x + 30);
      continue;
    }
    svg += fmt::format(
        "<rect class=\"{}\" x=\"{}\" y=\"8\" width=\"14\" height=\"14\" rx=\"2\"/><text "
        "x=\"{}\" y=\"20\">{}</text>\n",
        to_string(contender), x, x + 20, words(contender));
    x += 50 + static_cast<int>(words(contender).size()) * 7;
  }
  const auto height_of = [](double share) { return share * plot; };
  for (int percent = 0; percent <= 100; percent += 25) {
    const double y = top + plot - height_of(percent / 100.0);
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" y1=\"{1:.1f}\" x2=\"{2}\" y2=\"{1:.1f}\"/><text "
        "class=\"end small soft\" x=\"{3}\" y=\"{4:.1f}\">{5} %</text>\n",
        left, y, width - 10, left - 6, y + 4, percent);
  }
  int at = left + 20;
  for (const unsigned percent : overload_percents) {
    int bar_at = at;
    for (const auto contender : contenders) {
      if (contender == Contender::oracle) continue;
      const double share = outcome.run(percent, contender).exact_share();
      // The number stands in its bar, or above it where the bar is too low.
      const double head = top + plot - height_of(share);
      const bool inside = height_of(share) > 28;
      svg += fmt::format(
          "<rect class=\"{}\" x=\"{}\" y=\"{:.1f}\" width=\"{}\" height=\"{:.1f}\" rx=\"2\"/>"
          "<text class=\"mid {}\" x=\"{}\" y=\"{:.1f}\">{:.0f}</text>\n",
          to_string(contender), bar_at, head, bar - 4, height_of(share), inside ? "inside" : "",
          bar_at + bar / 2 - 2, inside ? head + 20 : head - 6, share * 100);
      bar_at += bar;
    }
    const double bound = static_cast<double>(outcome.run(percent, Contender::oracle).bound) /
                         static_cast<double>(outcome.stream.frames.size());
    svg += fmt::format(
        "<line class=\"bound\" x1=\"{0}\" y1=\"{2:.1f}\" x2=\"{1}\" y2=\"{2:.1f}\"/>\n"
        "<text class=\"small soft\" x=\"{3}\" y=\"{4:.1f}\">{5:.0f}</text>\n"
        "<text class=\"mid head\" x=\"{6}\" y=\"{7}\">{8} % overload</text>\n",
        at - 6, bar_at + 2, top + plot - height_of(bound), bar_at + 5,
        top + plot - height_of(bound) + 4, bound * 100, (at + bar_at) / 2, top + plot + 24,
        percent);
    at += group;
  }
  return svg + "</svg>\n";
}

}  // namespace lobo::app
