// Debian's clp and cbc as oracles. Skipped, and said so, where they are not installed.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdio.h>  // popen: POSIX, not in <cstdio>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "energy/plan.hpp"
#include "energy/planner.hpp"
#include "energy/problem.hpp"
#include "energy/synthetic.hpp"
#include "energy/verify.hpp"
#include "lp_file.hpp"
#include "support/temp_dir.hpp"

namespace lobo::energy {
namespace {

constexpr std::string_view clp = CLP;
constexpr std::string_view cbc = CBC;

struct Answer {
  double value = 0;
  double bound = 0;  ///< cbc's own; equal to value where it finished
};

std::string output_of(const std::string& command) {
  const auto close = [](std::FILE* pipe) { return ::pclose(pipe); };
  const std::unique_ptr<std::FILE, decltype(close)> pipe(::popen(command.c_str(), "r"), close);
  std::string text;
  std::array<char, 4096> buffer{};
  while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get())) text += buffer.data();
  return text;
}

std::optional<double> number_after(const std::string& text, std::string_view words) {
  const std::size_t at = text.rfind(words);
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + words.size(), nullptr);
}

/// nullopt: there is no solution (or the solver failed: its output then stands in the test's).
std::optional<Answer> solve(const Problem& problem, Whole whole, double unserved, int seconds) {
  const lobo::testing::TempDir folder;
  const std::string path = folder.file("problem.lp");
  std::ofstream(path) << lp_file(problem, whole, unserved);
  if (whole == Whole::no) {
    const std::string text = output_of(fmt::format("{} {} -dualsimplex 2>&1", clp, path));
    const auto value = number_after(text, "Optimal objective ");
    if (!value && text.find("nfeasible") == std::string::npos) std::puts(text.c_str());
    return value ? std::optional(Answer{*value, *value}) : std::nullopt;
  }
  const std::string text =
      output_of(fmt::format("{} {} -ratio 0.0001 -seconds {} -solve 2>&1", cbc, path, seconds));
  const auto value = number_after(text, "Objective value:");
  const auto lower = number_after(text, "Lower bound:");
  if (!value && text.find("nfeasible") == std::string::npos) std::puts(text.c_str());
  return value ? std::optional(Answer{*value, lower.value_or(*value)}) : std::nullopt;
}

/// What the plan says cannot be served, and a little for rounding.
double unserved(const Problem& problem, const Plan& plan) {
  double sum = 0;
  for (const Group& group : problem.groups) sum += 1e-9 * group.demand_mbps;
  for (const Shortage& shortage : plan.shortages) sum += shortage.mbps;
  return sum;
}

Problem small_fleet(std::uint64_t seed, IdleControl control = IdleControl::servers) {
  Problem problem = make_synthetic(
      {.sessions = 10'000, .locations = 20, .regions = 40, .utilisation = 0.42, .seed = seed});
  problem.idle_control = control;
  return problem;
}

/// With only load to be moved the plan is the linear program itself.
void expect_linear_optimum(Problem problem) {
  problem.idle_control = IdleControl::none;
  const auto plan = make_plan(problem);
  ASSERT_TRUE(plan.has_value());
  ASSERT_TRUE(verify(problem, *plan).has_value());
  const auto oracle = solve(problem, Whole::no, unserved(problem, *plan), 60);
  ASSERT_TRUE(oracle.has_value());
  EXPECT_NEAR(plan->certificate.cost, oracle->value, 1e-6 * oracle->value);
  EXPECT_NEAR(plan->certificate.bound, oracle->value, 1e-6 * oracle->value);
}

TEST(energy_oracle, the_transport_plan_costs_what_clp_says) {
  if (clp.empty()) GTEST_SKIP() << "clp is not installed (coinor-clp)";
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Problem problem = small_fleet(seed);
    expect_linear_optimum(problem);
    problem.switch_cost_per_mbps = 0.004;
    expect_linear_optimum(problem);
    problem.objective = Objective::carbon;
    expect_linear_optimum(problem);
  }
}

TEST(energy_oracle, paths_with_a_network_cost_of_their_own_change_nothing_about_that) {
  if (clp.empty()) GTEST_SKIP() << "clp is not installed (coinor-clp)";
  Problem problem = small_fleet(3);
  for (Group& group : problem.groups)
    for (Path& path : group.paths) path.network_w_per_mbps = 0.0005 * path.latency_ms;
  problem.switch_cost_per_mbps = 0.01;
  expect_linear_optimum(problem);
  problem.objective = Objective::price;
  expect_linear_optimum(problem);
}

TEST(energy_oracle, the_bound_of_a_plan_is_clps_relaxation_and_never_above_it) {
  if (clp.empty()) GTEST_SKIP() << "clp is not installed (coinor-clp)";
  for (const IdleControl control : {IdleControl::servers, IdleControl::sites})
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      Problem problem = small_fleet(seed, control);
      problem.switch_cost_per_mbps = seed % 2 == 0 ? 0 : 0.01;
      const auto plan = make_plan(problem, {.steps_max = 1'000'000, .starts = 1});
      ASSERT_TRUE(plan.has_value());
      const auto oracle = solve(problem, Whole::no, unserved(problem, *plan), 60);
      ASSERT_TRUE(oracle.has_value());
      EXPECT_NEAR(plan->certificate.bound_by_prices, oracle->value, 1e-6 * oracle->value);
    }
}

TEST(energy_oracle, nobody_goes_short_whom_a_plan_could_serve) {
  if (clp.empty()) GTEST_SKIP() << "clp is not installed (coinor-clp)";
  int short_fleets = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Problem problem = make_synthetic(
        {.sessions = 10'000, .locations = 12, .regions = 40, .utilisation = 0.97, .seed = seed});
    problem.switch_cost_per_mbps = 0.05;
    const auto plan = make_plan(problem, {.steps_max = 4'000'000});
    ASSERT_TRUE(plan.has_value() && verify(problem, *plan).has_value());
    if (plan->shortages.empty()) continue;
    ++short_fleets;
    const double least = unserved(problem, *plan);
    EXPECT_TRUE(solve(problem, Whole::no, least, 60).has_value());
    EXPECT_FALSE(solve(problem, Whole::no, 0.999 * least, 60).has_value());
  }
  EXPECT_GE(short_fleets, 4);
}

TEST(energy_oracle, a_million_sessions_at_a_hundred_locations_are_planned_as_clp_would) {
  if (clp.empty()) GTEST_SKIP() << "clp is not installed (coinor-clp)";
  Problem problem =
      make_synthetic({.sessions = 1'000'000, .locations = 100, .regions = 200, .seed = 1});
  const auto plan = make_plan(problem);
  ASSERT_TRUE(plan.has_value());
  EXPECT_LE(plan->certificate.gap, 0.002);
  const auto oracle = solve(problem, Whole::no, unserved(problem, *plan), 300);
  ASSERT_TRUE(oracle.has_value());
  EXPECT_NEAR(plan->certificate.bound_by_prices, oracle->value, 1e-6 * oracle->value);
  EXPECT_LE(plan->certificate.cost, 1.002 * oracle->value);
}

TEST(energy_oracle, small_fleets_are_within_two_percent_of_cbcs_optimum_and_five_at_worst) {
  if (cbc.empty()) GTEST_SKIP() << "cbc is not installed (coinor-cbc)";
  std::vector<double> gaps;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Problem problem = small_fleet(seed);
    problem.switch_cost_per_mbps = seed % 4 == 0 ? 0.01 : 0;
    const auto plan = make_plan(problem);
    ASSERT_TRUE(plan.has_value());
    const auto oracle = solve(problem, Whole::yes, unserved(problem, *plan), 10);
    ASSERT_TRUE(oracle.has_value());
    EXPECT_TRUE(verify(problem, *plan).has_value());
    EXPECT_LE(plan->certificate.bound, oracle->value * (1 + 1e-6)) << "seed " << seed;
    EXPECT_GE(plan->certificate.cost, oracle->bound * (1 - 2e-4)) << "seed " << seed;
    gaps.push_back(plan->certificate.cost / oracle->value - 1);
    std::printf(
        "seed %2d: planner %.3f, certified gap %.4f, cbc %.3f (bound %.3f), planner over cbc "
        "%+.4f, %llu steps\n",
        static_cast<int>(seed), plan->certificate.cost, plan->certificate.gap, oracle->value,
        oracle->bound, gaps.back(), static_cast<unsigned long long>(plan->steps));
  }
  std::sort(gaps.begin(), gaps.end());
  EXPECT_LE(gaps[18], 0.02);  // the 95th percentile of twenty
  EXPECT_LE(gaps[19], 0.05);
}

}  // namespace
}  // namespace lobo::energy
