#include "energy/meter/zones.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>

namespace lobo::energy::meter {

Choice choose_zones(std::span<const ZoneReading> zones) {
  zones = zones.first(std::min(zones.size(), zones_max));
  Choice packages{.zones = {}, .coverage = Coverage::package};
  bool readable = true;
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const ZoneReading& zone = zones[i];
    if (zone.path.starts_with("intel-rapl-mmio")) continue;
    const bool good = zone.fault == ZoneFault::none;
    // One platform counter is the whole board's, whichever socket shows it.
    if (zone.name == "psys" && good) return {{i}, Coverage::platform};
    if (zone.name.starts_with("package-")) {
      readable = readable && good;
      packages.zones.push_back(i);
    }
  }
  if (!readable || packages.zones.empty()) return {};
  for (std::size_t i = 0; i < zones.size(); ++i) {
    if (zones[i].name != "dram" || zones[i].fault != ZoneFault::none) continue;
    if (zones[i].path.starts_with("intel-rapl-mmio")) continue;
    packages.zones.push_back(i);
    packages.coverage = Coverage::package_and_dram;
  }
  return packages;
}

Grown ZoneCounters::read(std::chrono::microseconds at, std::span<const ZoneReading> zones) {
  const Choice choice = choose_zones(zones);
  std::map<std::string, std::uint64_t, std::less<>> now_uj;
  for (const std::size_t i : choice.zones) now_uj.emplace(zones[i].path, zones[i].energy_uj);

  const bool first = !std::exchange(begun_, true);
  const double seconds = std::chrono::duration<double>(at - at_).count();
  const bool same = std::ranges::equal(last_uj_, now_uj, {}, &decltype(now_uj)::value_type::first,
                                       &decltype(now_uj)::value_type::first) &&
                    coverage_ == choice.coverage;
  Grown grown{.energy_uj = {}, .coverage = choice.coverage, .gap = Gap::none, .wraps = 0};
  if (choice.zones.empty())
    grown.gap = Gap::no_zone;
  else if (first)
    grown.gap = Gap::first;
  else if (!same)
    grown.gap = Gap::changed;

  std::uint64_t sum = 0;
  for (const std::size_t i : choice.zones) {
    if (grown.gap != Gap::none) break;
    const ZoneReading& zone = zones[i];
    const std::uint64_t before = last_uj_.find(zone.path)->second;
    const double most_uj = zone_w_max_ * std::max(seconds, 0.0) * 1e6;
    std::uint64_t delta = zone.energy_uj - before;
    if (zone.energy_uj < before) {
      // Round the range once. More than the zone can draw in that time means that it began anew
      // instead, and what was before is not known.
      delta = before <= zone.range_uj ? zone.range_uj - before + zone.energy_uj : 0;
      if (before > zone.range_uj || static_cast<double>(delta) > most_uj) grown.gap = Gap::reset;
      ++grown.wraps;
    }
    if (grown.gap == Gap::none && most_uj >= static_cast<double>(zone.range_uj))
      grown.gap = Gap::too_long;
    sum += delta;
  }
  at_ = at;
  coverage_ = choice.coverage;
  last_uj_ = std::move(now_uj);
  if (grown.gap == Gap::none)
    grown.energy_uj = sum;
  else
    grown.wraps = 0;
  return grown;
}

}  // namespace lobo::energy::meter
