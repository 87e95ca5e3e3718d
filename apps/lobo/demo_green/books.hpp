#pragma once
// The books of `lobo demo green`: three places, the grid of a day at each, who plays where, what
// that takes and what it would have taken with everybody at the nearest place and nothing on
// standby.

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lobo::app {

inline constexpr std::size_t green_places = 3;
inline constexpr std::array<std::string_view, green_places> green_ids{"SL1", "SL2", "SL3"};
inline constexpr std::array<std::string_view, green_places> green_towns{"west", "middle", "east"};
inline constexpr double green_idle_w = 100, green_max_w = 220, green_standby_w = 6;
inline constexpr double green_pue = 1.2;
/// What the made-up counters claim of themselves, as a platform's RAPL does.
inline constexpr double green_uncertainty = 0.05;

/// gCO2e/kWh at an hour of the day, 0 to 24: a level for each place, and sun at its own noon.
double grid_at(std::size_t place, double hour);

/// Power of a place's servers, before the PUE: `players` of `green_places` there.
double watts_at(std::size_t players, bool asleep);

struct Sums {
  double wh = 0, g = 0;
};

class Books {
 public:
  /// `hours` of the day at which `players` were at each place and some were asleep.
  void add(const std::array<std::size_t, green_places>& players,
           const std::array<bool, green_places>& asleep,
           const std::array<double, green_places>& grid, double hours);
  const Sums& spent() const { return spent_; }
  const Sums& nearest() const { return nearest_; }
  double saved_wh() const { return nearest_.wh - spent_.wh; }
  double saved_g() const { return nearest_.g - spent_.g; }
  /// At most so far off: both sums wrong by all that their method leaves open, in opposite ways.
  double saved_wh_off() const { return green_uncertainty * (nearest_.wh + spent_.wh); }
  double saved_g_off() const { return green_uncertainty * (nearest_.g + spent_.g); }
  double asleep_hours() const { return asleep_hours_; }

 private:
  Sums spent_, nearest_;
  double asleep_hours_ = 0;
};

struct Moment {
  double hour = 0;
  std::array<double, green_places> grid{};
  std::array<std::size_t, green_places> players{};
};
/// Three curves of the grid, and below them where the players were.
std::string day_svg(const std::vector<Moment>& day);

}  // namespace lobo::app
