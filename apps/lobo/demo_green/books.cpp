#include "demo_green/books.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

namespace lobo::app {
namespace {

struct Grid {
  double level = 0;  ///< g/kWh without sun
  double sun = 0;    ///< share that noon takes off
  double noon = 0;   ///< hour of this demo's clock
};
constexpr std::array<Grid, green_places> grids{{{430, 0.80, 18}, {400, 0.78, 12}, {460, 0.82, 6}}};
constexpr double half_day = 12;
constexpr double wh_per_kwh = 1000;

}  // namespace

double grid_at(std::size_t place, double hour) {
  const auto& grid = grids.at(place);
  double off = std::abs(hour - grid.noon);
  off = std::min(off, 2 * half_day - off);
  const double sun = std::max(0.0, std::cos(off / half_day * std::numbers::pi * 0.9));
  return grid.level * (1 - grid.sun * sun);
}

double watts_at(std::size_t players, bool asleep) {
  if (asleep) return green_standby_w;
  return green_idle_w + (green_max_w - green_idle_w) * static_cast<double>(players) / green_places;
}

void Books::add(const std::array<std::size_t, green_places>& players,
                const std::array<bool, green_places>& asleep,
                const std::array<double, green_places>& grid, double hours) {
  for (std::size_t i = 0; i < green_places; ++i) {
    const double spent = green_pue * watts_at(players[i], asleep[i]) * hours;
    const double nearest = green_pue * watts_at(1, false) * hours;
    spent_.wh += spent;
    spent_.g += spent / wh_per_kwh * grid[i];
    nearest_.wh += nearest;
    nearest_.g += nearest / wh_per_kwh * grid[i];
    if (asleep[i]) asleep_hours_ += hours;
  }
}

std::string day_svg(const std::vector<Moment>& day) {
  constexpr int width = 900, left = 60, top = 16, tall = 180, row = 22;
  constexpr double grid_max = 500, hours = 24;
  constexpr std::array<std::string_view, green_places> colours{"#2457a6", "#1a7f4b", "#8a5a00"};
  const auto x = [&](double hour) { return left + hour / hours * (width - left - 10); };
  std::string svg = fmt::format("<svg width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n",
                                width, top + tall + 20 + row * static_cast<int>(green_places) + 24);
  for (std::size_t i = 0; i < green_places; ++i) {
    std::string points;
    for (const auto& one : day)
      points += fmt::format("{:.1f},{:.1f} ", x(one.hour),
                            top + tall * (1 - std::min(1.0, one.grid[i] / grid_max)));
    svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n",
                       points, colours[i]);
    const int y = top + tall + 20 + row * static_cast<int>(i);
    svg += fmt::format("<text x=\"4\" y=\"{}\" class=\"left\">{} {}</text>\n", y + 14, green_ids[i],
                       green_towns[i]);
    for (std::size_t k = 0; k + 1 < day.size(); ++k) {
      if (day[k].players[i] == 0) continue;
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\" "
          "opacity=\"{:.2f}\"/>\n",
          x(day[k].hour), y, x(day[k + 1].hour) - x(day[k].hour) + 0.3, row - 4, colours[i],
          static_cast<double>(day[k].players[i]) / green_places);
    }
  }
  for (int hour = 0; hour <= 24; hour += 6)
    svg += fmt::format("<text x=\"{:.0f}\" y=\"{}\">{}:00</text>\n", x(hour),
                       top + tall + 20 + row * static_cast<int>(green_places) + 16, hour);
  svg += fmt::format("<text x=\"4\" y=\"{}\" class=\"left\">{:.0f} g</text>", top + 10, grid_max);
  return svg + "</svg>\n";
}

}  // namespace lobo::app
