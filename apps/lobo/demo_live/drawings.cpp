#include "demo_live/drawings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "demo_live/clip.hpp"
#include "demo_live/viewing.hpp"
#include "toolbox/base64.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/frame_strokes.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {

std::string live_timeline_svg(const Clip& clip, const std::vector<DrawnPass>& passes) {
  constexpr int left = 190;
  constexpr int width = 700;
  constexpr int right = 110;
  constexpr int row = 48;
  constexpr int top = 40;
  constexpr int ticks_max = 10;
  const int height = top + row * static_cast<int>(passes.size()) + 24;
  std::string svg =
      open_frames_svg(left + width + right, height, "each frame that the receiver was sent");
  svg += verdict_legend(left, 8);
  int y = top;
  for (const auto& pass : passes) {
    svg += fmt::format(
        "<text class=\"end head\" x=\"{0}\" y=\"{1}\">{2}</text>"
        "<text class=\"end small soft\" x=\"{0}\" y=\"{3}\">{4}</text>\n",
        left - 12, y + 16, pass.name, y + 31, pass.note);
    svg += frame_strokes(pass.viewing->verdicts, left, y, width, row - 14);
    svg += fmt::format(
        "<text class=\"head\" x=\"{0}\" y=\"{1}\">{2:.1f} %</text>"
        "<text class=\"small soft\" x=\"{0}\" y=\"{3}\">bit-exact</text>\n",
        left + width + 10, y + 16, pass.viewing->share(Verdict::exact) * 100, y + 31);
    y += row;
  }
  const double seconds = static_cast<double>(clip.times.size()) / clip.frames_per_second;
  const int ticks = std::clamp(static_cast<int>(seconds), 1, ticks_max);
  for (int i = 0; i <= ticks; ++i)
    svg += fmt::format("<text class=\"mid small soft\" x=\"{:.1f}\" y=\"{}\">{:.3g}{}</text>\n",
                       left + static_cast<double>(width) * i / ticks, y + 6, seconds * i / ticks,
                       i == ticks ? " s" : "");
  return svg + "</svg>\n";
}

std::string live_lead_html(const std::optional<PicturePair>& pair, double overload_percent,
                           const std::vector<DrawnPass>& passes) {
  std::string html;
  if (pair) {
    html += fmt::format(
        "<div class=\"pair\"><figure><img alt=\"plain scheduling\" "
        "src=\"data:image/jpeg;base64,{0}\"><figcaption><b>Plain scheduling.</b> "
        "{1}</figcaption></figure>\n"
        "<figure><img alt=\"PDU-Set handling\" src=\"data:image/jpeg;base64,{2}\"><figcaption>"
        "<b>PDU-Set handling.</b> Bit for bit the picture that was sent.</figcaption></figure>"
        "</div>\n<p class=\"sub\">The same instant of the same video ({3:.2f} s) at the unmodified "
        "receiver, the same rate, the same queue, {4:.0f} % overload. Of all instants this one "
        "shows best what went wrong.</p>\n",
        base64(pair->before_jpeg),
        pair->instant.frozen ? "The picture stands still: this is an older one."
                             : "Decoded with holes, or without the pictures that it needs.",
        base64(pair->after_jpeg), static_cast<double>(pair->instant.presentation) / rtp_clock_hz,
        overload_percent);
  }
  html += "<div class=\"numbers\">";
  for (const auto& pass : passes)
    html += fmt::format("<div><b>{:.1f} %</b><span>of the frames bit-exact: {}, {}</span></div>",
                        pass.viewing->share(Verdict::exact) * 100, pass.name, pass.note);
  return html + "</div>\n";
}

}  // namespace lobo::app
