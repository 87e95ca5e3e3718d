#include "energy/synthetic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {
namespace {

struct Point {
  double x_km = 0;
  double y_km = 0;
};

struct ServiceClass {
  double latency_ms_max = 0;
  double bit_rate_mbps_min = 0;
};

constexpr double map_km = 3000;
constexpr double ms_per_km = 0.02;  // there and back in fibre, with detours
constexpr std::array<ServiceClass, 4> classes{{{20, 0.8}, {35, 1.5}, {60, 1.5}, {100, 0.8}}};
constexpr std::array<double, 5> ladder_mbps{1.0, 2.5, 4.0, 6.0, 8.0};

class Maker {
 public:
  explicit Maker(const Synthetic& wanted) : wanted_(wanted), rng_(wanted.seed) {}

  Problem make() {
    for (std::uint32_t i = 0; i < wanted_.locations; ++i) location(i);
    for (std::uint32_t r = 0; r < wanted_.regions; ++r) region(r);
    std::erase_if(problem_.groups, [](const Group& g) { return g.sessions == 0; });
    size_fleet();
    for (Group& group : problem_.groups) place_at_random(group);
    return std::move(problem_);
  }

 private:
  double uniform(double from, double to) {
    return from + (to - from) * static_cast<double>(rng_.next() >> 11U) * 0x1p-53;
  }

  void location(std::uint32_t index) {
    const double rank = (index + 0.5) / wanted_.locations;
    Location l;
    l.id = fmt::format("location-{:03}", index);
    // Share of the fleet's capacity relative to an edge site; size_fleet() makes servers of it.
    const double size = rank < 0.15 ? 12 : rank < 0.5 ? 4 : 1;
    last_mile_ms_.push_back(rank < 0.15 ? 12 : rank < 0.5 ? 6 : 2);
    sizes_.push_back(size * uniform(0.7, 1.3));
    places_.push_back({uniform(0, map_km), uniform(0, map_km)});
    l.server_mbps = std::round(uniform(6, 12)) * 1000;
    l.idle_w = uniform(90, 220);
    l.max_w = l.idle_w * (wanted_.fleet == Fleet::wide_range ? uniform(2.1, 2.8) : 1.08);
    l.standby_w = uniform(4, 12);
    l.site_w = 40 * std::sqrt(size);
    l.pue = uniform(1.08, 1.6);
    l.carbon_g_per_kwh = std::round(uniform(30, 600));
    l.price_per_kwh = uniform(0.05, 0.3);
    problem_.locations.push_back(std::move(l));
  }

  void region(std::uint32_t index) {
    const Point centre{uniform(0, map_km), uniform(0, map_km)};
    // Few regions are large: one over the rank.
    const double weight = 1.0 / (1.0 + index * 8.0 / wanted_.regions);
    const double of_all = weight / weights_sum();
    for (std::size_t c = 0; c < classes.size(); ++c) {
      Group group;
      group.id = fmt::format("region-{}-class-{}", index, c);
      group.sessions = static_cast<std::uint32_t>(
          std::floor(of_all * wanted_.sessions / classes.size() + uniform(0, 1)));
      group.floor = {classes[c].latency_ms_max, classes[c].bit_rate_mbps_min};
      double mean = 0;
      for (const double rate : ladder_mbps) mean += rate * uniform(0.5, 1.5) / ladder_mbps.size();
      group.demand_mbps = std::round(group.sessions * mean * 1000) / 1000;
      paths(group, centre);
      problem_.groups.push_back(std::move(group));
    }
  }

  void paths(Group& group, Point from) {
    std::uint32_t nearest = 0;
    double nearest_ms = 1e9;
    for (std::uint32_t i = 0; i < places_.size(); ++i) {
      const double km = std::hypot(places_[i].x_km - from.x_km, places_[i].y_km - from.y_km);
      Path path{.location = i};
      path.latency_ms = last_mile_ms_[i] + km * ms_per_km;
      path.throughput_mbps = uniform(2, 40);
      if (path.latency_ms < nearest_ms) {
        nearest_ms = path.latency_ms;
        nearest = i;
      }
      group.paths.push_back(path);
    }
    // Somebody serves each region: the nearest location does for every class.
    group.paths[nearest].throughput_mbps = 50;
    group.floor.latency_ms_max = std::max(group.floor.latency_ms_max, std::ceil(nearest_ms));
  }

  double weights_sum() {
    if (weights_sum_ > 0) return weights_sum_;
    for (std::uint32_t r = 0; r < wanted_.regions; ++r)
      weights_sum_ += 1.0 / (1.0 + r * 8.0 / wanted_.regions);
    return weights_sum_;
  }

  void size_fleet() {
    double demand = 0;
    double sizes = 0;
    for (const Group& group : problem_.groups) demand += group.demand_mbps;
    for (const double size : sizes_) sizes += size;
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
      Location& l = problem_.locations[i];
      const double mbps = demand / wanted_.utilisation * sizes_[i] / sizes;
      // A small audience gets small servers, so that a location has some of them.
      while (mbps < 2 * l.server_mbps * problem_.utilisation_target && l.server_mbps > 1000) {
        l.server_mbps /= 2;
        l.idle_w *= 0.6;
        l.max_w *= 0.6;
        l.standby_w *= 0.6;
      }
      l.servers_max = std::max(1U, static_cast<std::uint32_t>(std::round(
                                       mbps / (l.server_mbps * problem_.utilisation_target))));
    }
  }

  void place_at_random(Group& group) {
    std::vector<Path*> good;
    for (Path& path : group.paths)
      if (meets_floor(group.floor, path)) good.push_back(&path);
    constexpr std::uint32_t parts = 4;
    for (std::uint32_t i = 0; i < parts; ++i)
      good[rng_.below(good.size())]->current_mbps +=
          group.demand_mbps * wanted_.placed_share / parts;
  }

  const Synthetic& wanted_;
  SeededRng rng_;
  Problem problem_;
  std::vector<Point> places_;
  std::vector<double> last_mile_ms_;
  std::vector<double> sizes_;
  double weights_sum_ = 0;
};

}  // namespace

Problem make_synthetic(const Synthetic& synthetic) { return Maker(synthetic).make(); }

}  // namespace lobo::energy
