#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

#include "toolbox/congestion.hpp"
#include "toolbox/congestion_report.hpp"
#include "toolbox/congestion_run.hpp"

namespace lobo::app {
namespace {

// Okabe and Ito's palette keeps these apart for every kind of colour vision.
constexpr std::string_view style =
    "<style>text{font:13px "
    "system-ui,sans-serif;fill:#1c2733}.soft{fill:#5b6b7b}.end{text-anchor:end}"
    ".mid{text-anchor:middle}.head{font-weight:600;font-size:14px}.small{font-size:11px}"
    ".exact{fill:#009e73}.damaged{fill:#e69f00}.lost{fill:#5a2340}"
    ".taildrop{fill:#75828e}.psihi{fill:#b8578f}.evict{fill:#0072b2}.threshold{fill:#00875f}"
    ".inside{fill:#fff;font-weight:600}"
    ".grid{stroke:#d5dde5}.bound{stroke:#1c2733;stroke-width:2;stroke-dasharray:5 3;fill:none}"
    "@media(prefers-color-scheme:dark){text{fill:#e4eaf0}.soft{fill:#9fb0c0}.grid{stroke:#36434f}"
    ".bound{stroke:#e4eaf0}.lost{fill:#c46a94}}</style>\n";

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

std::string open_svg(int width, int height, std::string_view title) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\" aria-label=\"{2}\">\n{3}",
      width, height, title, style);
}

std::string legend(double x, double y) {
  std::string text;
  struct Entry {
    Verdict verdict;
    std::string_view words;
    double width;
  };
  for (const auto& entry :
       {Entry{Verdict::exact, "bit-exact", 90}, Entry{Verdict::damaged, "damaged", 90},
        Entry{Verdict::lost, "lost: the picture stands still", 0}}) {
    text += fmt::format(
        "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"14\" height=\"14\" rx=\"2\"/>"
        "<text x=\"{}\" y=\"{}\">{}</text>\n",
        to_string(entry.verdict), x, y, x + 20, y + 12, entry.words);
    x += entry.width;
  }
  return text;
}

/// Frames in a row that look the same are one rectangle.
std::string strokes(const RunResult& run, double left, double y, double width, double height) {
  std::string text;
  const double step = width / static_cast<double>(run.verdicts.size());
  for (std::size_t i = 0; i < run.verdicts.size();) {
    std::size_t end = i;
    while (end < run.verdicts.size() && run.verdicts[end] == run.verdicts[i]) ++end;
    text +=
        fmt::format("<rect class=\"{}\" x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" height=\"{}\"/>\n",
                    to_string(run.verdicts[i]), left + static_cast<double>(i) * step, y,
                    static_cast<double>(end - i) * step, height);
    i = end;
  }
  return text;
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
  std::string svg = open_svg(left + width + right, height, "each frame under each policy");
  svg += legend(left, 8);
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
      svg += strokes(run, left, y, width, row - 6);
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
  std::string svg = open_svg(width, top + plot + 50, "bit-exact frames by overload and policy");
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
