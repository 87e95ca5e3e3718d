#include "sequence_svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lobo::app {
namespace {

// Geometry in SVG units, which browsers show as pixels.
constexpr int margin_left = 70;
constexpr int lane_width = 270;
constexpr int head_height = 46;
constexpr int row_height = 26;
constexpr std::size_t text_max = 41;  // what fits between two lanes

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Cut in the middle, since the last segment of a path says what is asked for.
std::string shortened(std::string_view text) {
  if (text.size() <= text_max) return std::string(text);
  std::size_t tail = text.rfind('/');
  if (tail == std::string_view::npos || text.size() - tail > text_max / 2) tail = text.size();
  std::size_t cut = text_max - 1 - (text.size() - tail);
  while (cut > 0 && is_continuation(text[cut])) --cut;
  return std::string(text.substr(0, cut)) + "…" + std::string(text.substr(tail));
}

int lane_x(std::size_t lane) {
  return margin_left + lane_width / 2 + static_cast<int>(lane) * lane_width;
}

std::string arrow_svg(const SequenceArrow& arrow, std::size_t from, std::size_t to, int y) {
  const int x1 = lane_x(from);
  const int x2 = from == to ? x1 + lane_width / 3 : lane_x(to);
  std::string svg = fmt::format(
      R"svg(<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}" marker-end="url(#tip)"/>)svg",
      arrow.request ? "ask" : "answer", x1, y, x2 + (x2 > x1 ? -2 : 2), y);
  svg += fmt::format(R"(<text class="message" x="{}" y="{}">{}<title>{}</title></text>)",
                     (x1 + x2) / 2, y - 5, html_escaped(shortened(arrow.text)),
                     html_escaped(arrow.text));
  if (!arrow.clause.empty())
    svg += fmt::format(R"(<text class="clause" x="{}" y="{}">{}</text>)", (x1 + x2) / 2, y + 10,
                       html_escaped(arrow.clause));
  return svg + fmt::format(R"(<text class="when" x="4" y="{}">{}</text>)", y + 4,
                           html_escaped(arrow.when));
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20U || c == '\n' || c == '\t') out += c;
    }
  }
  return out;
}

std::string sequence_svg(const std::vector<SequenceArrow>& arrows) {
  std::vector<std::string> parties;
  const auto lane_of = [&](const std::string& party) {
    const auto found = std::ranges::find(parties, party);
    if (found != parties.end()) return static_cast<std::size_t>(found - parties.begin());
    parties.push_back(party);
    return parties.size() - 1;
  };
  const std::size_t shown = std::min(arrows.size(), sequence_arrows_max);
  std::string body;
  int y = head_height + row_height;
  for (std::size_t i = 0; i < shown; ++i, y += row_height) {
    const std::size_t from = lane_of(arrows[i].from);
    const std::size_t to = lane_of(arrows[i].to);
    body += arrow_svg(arrows[i], from, to, y) + "\n";
  }
  if (shown < arrows.size())
    body += fmt::format(
        "<text class=\"when\" x=\"{}\" y=\"{}\">{} further messages are in trace.mmd</text>\n",
        margin_left, y, arrows.size() - shown);
  const int height = y + row_height;
  const int width =
      margin_left + static_cast<int>(std::max<std::size_t>(1, parties.size())) * lane_width;
  std::string lanes;
  for (std::size_t lane = 0; lane < parties.size(); ++lane)
    lanes += fmt::format(
        "<line class=\"life\" x1=\"{0}\" y1=\"{1}\" x2=\"{0}\" y2=\"{2}\"/>"
        "<rect class=\"party\" x=\"{3}\" y=\"8\" width=\"180\" height=\"28\" rx=\"4\"/>"
        "<text class=\"party\" x=\"{0}\" y=\"27\">{4}</text>\n",
        lane_x(lane), head_height - 10, height - 10, lane_x(lane) - 90,
        html_escaped(parties[lane]));
  return fmt::format(
      "<svg class=\"sequence\" xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"sequence of messages\">\n"
      "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" "
      "markerHeight=\"8\" "
      "orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n{2}{3}</svg>\n",
      width, height, lanes, body);
}

}  // namespace lobo::app
