#include "energy/meter/zones.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lobo::energy::meter {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t range = 262'143'328'850;  // as kernels show it for 32 bits of 61 µJ

ZoneReading zone(std::string path, std::string name, std::uint64_t energy_uj = 1000) {
  return {.path = std::move(path),
          .name = std::move(name),
          .energy_uj = energy_uj,
          .range_uj = range,
          .fault = ZoneFault::none};
}

std::vector<ZoneReading> two_sockets() {
  return {zone("intel-rapl:0", "package-0"), zone("intel-rapl:0:0", "core"),
          zone("intel-rapl:0:1", "dram"), zone("intel-rapl:1", "package-1"),
          zone("intel-rapl:1:0", "dram")};
}

TEST(rapl_zones, packages_and_memory_of_all_sockets_add_up_and_cores_are_parts_of_them) {
  const auto choice = choose_zones(two_sockets());
  EXPECT_EQ(choice.coverage, Coverage::package_and_dram);
  EXPECT_EQ(choice.zones, (std::vector<std::size_t>{0, 3, 2, 4}));
}

TEST(rapl_zones, a_platform_counter_stands_alone) {
  auto zones = two_sockets();
  zones.push_back(zone("intel-rapl:2", "psys"));
  zones.push_back(zone("intel-rapl:3", "psys"));
  EXPECT_EQ(choose_zones(zones), (Choice{{5}, Coverage::platform}));
  zones[5].fault = ZoneFault::denied;
  zones[6].fault = ZoneFault::denied;
  EXPECT_EQ(choose_zones(zones).coverage, Coverage::package_and_dram);
}

TEST(rapl_zones, a_socket_that_cannot_be_read_leaves_nothing) {
  auto zones = two_sockets();
  zones[3].fault = ZoneFault::denied;
  EXPECT_EQ(choose_zones(zones), Choice{});
  EXPECT_EQ(choose_zones({}), Choice{});
}

TEST(rapl_zones, a_second_look_at_the_same_package_is_not_counted) {
  auto zones = two_sockets();
  zones.push_back(zone("intel-rapl-mmio:0", "package-0"));
  EXPECT_EQ(choose_zones(zones).zones.size(), 4U);
}

TEST(rapl_counters, growth_is_exact_and_begins_with_the_second_reading) {
  ZoneCounters counters(1000);
  auto zones = two_sockets();
  EXPECT_EQ(counters.read(0s, zones).gap, Gap::first);
  zones[0].energy_uj += 7;
  zones[1].energy_uj += 5;  // part of the package
  zones[4].energy_uj += 11;
  const auto grown = counters.read(1s, zones);
  EXPECT_EQ(grown.energy_uj, 18U);
  EXPECT_EQ(grown.gap, Gap::none);
}

TEST(rapl_counters, a_wrap_is_counted_through) {
  ZoneCounters counters(1000);
  counters.read(0s, std::vector{zone("intel-rapl:0", "package-0", range - 40)});
  const auto grown = counters.read(1s, std::vector{zone("intel-rapl:0", "package-0", 60)});
  EXPECT_EQ(grown.energy_uj, 100U);
  EXPECT_EQ(grown.wraps, 1U);
}

TEST(rapl_counters, a_reset_is_no_wrap_and_costs_one_interval) {
  ZoneCounters counters(1000);
  counters.read(0s, std::vector{zone("intel-rapl:0", "package-0", 5'000'000'000)});
  const auto reset = counters.read(1s, std::vector{zone("intel-rapl:0", "package-0", 10)});
  EXPECT_EQ(reset.gap, Gap::reset);
  EXPECT_FALSE(reset.energy_uj);
  const auto after = counters.read(2s, std::vector{zone("intel-rapl:0", "package-0", 30)});
  EXPECT_EQ(after.energy_uj, 20U);
}

TEST(rapl_counters, a_counter_above_its_own_range_is_not_trusted) {
  ZoneCounters counters(1e9);
  counters.read(0s, std::vector{zone("intel-rapl:0", "package-0", range + 5)});
  EXPECT_EQ(counters.read(1s, std::vector{zone("intel-rapl:0", "package-0", 10)}).gap, Gap::reset);
}

TEST(rapl_counters, an_interval_that_may_hide_a_wrap_is_not_measured) {
  ZoneCounters counters(1000);  // 262 kJ in 262 s
  counters.read(0s, std::vector{zone("intel-rapl:0", "package-0", 10)});
  EXPECT_EQ(counters.read(300s, std::vector{zone("intel-rapl:0", "package-0", 20)}).gap,
            Gap::too_long);
  EXPECT_EQ(counters.read(301s, std::vector{zone("intel-rapl:0", "package-0", 25)}).energy_uj, 5U);
}

TEST(rapl_counters, a_zone_that_vanishes_or_is_closed_ends_the_interval) {
  ZoneCounters counters(1000);
  auto zones = two_sockets();
  counters.read(0s, zones);
  auto without_dram = zones;
  without_dram.pop_back();
  EXPECT_EQ(counters.read(1s, without_dram).gap, Gap::changed);
  EXPECT_EQ(counters.read(2s, without_dram).energy_uj, 0U);
  zones[0].fault = ZoneFault::denied;
  EXPECT_EQ(counters.read(3s, zones).gap, Gap::no_zone);
  EXPECT_EQ(counters.read(4s, without_dram).gap, Gap::changed);
}

RC_GTEST_PROP(rapl_counters, add_up_to_what_was_drawn_over_any_number_of_wraps, ()) {
  const auto small_range = *rc::gen::inRange<std::uint64_t>(5'000'001, 50'000'000);
  const auto steps = *rc::gen::container<std::vector<std::uint64_t>>(
      rc::gen::inRange<std::uint64_t>(0, 4'999'999));
  ZoneCounters counters(5);  // at most 5 J a second, below the range
  std::uint64_t drawn = 0;
  std::uint64_t counted = 0;
  auto reading = zone("intel-rapl:0", "package-0", 0);
  reading.range_uj = small_range;
  auto at = std::chrono::microseconds{0};
  counters.read(at, std::vector{reading});
  for (const auto step : steps) {
    drawn += step;
    reading.energy_uj = drawn % small_range;
    at += 1s;
    const auto grown = counters.read(at, std::vector{reading});
    RC_ASSERT(grown.energy_uj.has_value());
    counted += *grown.energy_uj;
  }
  RC_ASSERT(counted == drawn);
}

}  // namespace
}  // namespace lobo::energy::meter
