#include "toolbox/frame_strokes.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

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

}  // namespace

std::string open_frames_svg(int width, int height, std::string_view title) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\" aria-label=\"{2}\">\n{3}",
      width, height, title, style);
}

std::string verdict_legend(double x, double y) {
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

std::string frame_strokes(std::span<const Verdict> verdicts, double left, double y, double width,
                          double height) {
  std::string text;
  const double step = width / static_cast<double>(verdicts.size());
  for (std::size_t i = 0; i < verdicts.size();) {
    std::size_t end = i;
    while (end < verdicts.size() && verdicts[end] == verdicts[i]) ++end;
    text +=
        fmt::format("<rect class=\"{}\" x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" height=\"{}\"/>\n",
                    to_string(verdicts[i]), left + static_cast<double>(i) * step, y,
                    static_cast<double>(end - i) * step, height);
    i = end;
  }
  return text;
}

}  // namespace lobo::app
