#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "simulation/checkers.hpp"
#include "simulation/plants.hpp"
#include "simulation/run.hpp"

namespace lobo::app::simulation {
namespace {

std::string told(const Report& report) {
  std::string all = "seed " + std::to_string(report.seed);
  for (const auto& finding : report.findings) all += "\n  " + finding.checker + ": " + finding.what;
  return all;
}

TEST(simulation, every_checker_is_green_for_a_hundred_histories_with_all_faults) {
  std::uint64_t crashes = 0, confirmed = 0, notifications = 0, reports = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto report = run({.seed = seed});
    ASSERT_TRUE(report.findings.empty()) << told(report);
    EXPECT_GE(report.events, 1000U);
    crashes += report.crashes;
    confirmed += report.confirmed;
    notifications += report.notifications;
    reports += report.reports;
  }
  // Histories in which nothing happens prove nothing.
  EXPECT_GT(crashes, 100U);
  EXPECT_GT(confirmed, 500U);
  EXPECT_GT(notifications, 100U);
  EXPECT_GT(reports, 5000U);
}

TEST(simulation, every_checker_is_green_at_sixty_pcfs_with_all_their_ways) {
  std::uint64_t confirmed = 0, notifications = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto report = run({.seed = seed, .door = Door::pcf});
    ASSERT_TRUE(report.findings.empty()) << told(report);
    confirmed += report.confirmed;
    notifications += report.notifications;
  }
  EXPECT_GT(confirmed, 300U);
  EXPECT_GT(notifications, 60U);
}

TEST(simulation, one_seed_gives_one_history) {
  const auto once = run({.seed = 7}), again = run({.seed = 7}), other = run({.seed = 8});
  EXPECT_EQ(once.digest, again.digest);
  EXPECT_EQ(once.messages, again.messages);
  EXPECT_NE(once.digest, other.digest);
}

class Planted : public testing::TestWithParam<Plant> {};

bool red(const Report& report, std::string_view checker) {
  return std::ranges::any_of(report.findings,
                             [&](const auto& finding) { return finding.checker == checker; });
}

TEST_P(Planted, bug_turns_its_checker_red) {
  const auto checker = caught_by(GetParam());
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    if (!red(run({.seed = seed, .plant = GetParam()}), checker)) continue;
    // Worlds with a plant have no audits, and it must not be that alone.
    if (GetParam() == Plant::no_audit ||
        !red(run({.seed = seed, .plant = Plant::no_audit}), checker))
      return;
  }
  FAIL() << to_string(GetParam()) << " was not caught by " << caught_by(GetParam());
}

INSTANTIATE_TEST_SUITE_P(simulation, Planted, testing::ValuesIn(plants()),
                         [](const auto& plant) { return std::string(to_string(plant.param)); });

TEST(simulation, every_checker_has_a_plant_that_it_catches) {
  for (const auto checker : Checkers::names()) {
    bool caught = false;
    for (const auto plant : plants()) caught = caught || caught_by(plant) == checker;
    EXPECT_TRUE(caught) << checker;
  }
}

}  // namespace
}  // namespace lobo::app::simulation
