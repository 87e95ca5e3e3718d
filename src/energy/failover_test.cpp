#include "energy/failover.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "energy/plan.hpp"
#include "energy/planner.hpp"
#include "energy/problem.hpp"
#include "energy/rendezvous.hpp"
#include "energy/synthetic.hpp"

namespace lobo::energy {
namespace {

/// The most that can flow from a source to groups to places, by the plainest of methods: augmenting
/// paths found breadth first (Edmonds, Karp). Says whether there is room, without the code under
/// test.
class MostFlow {
 public:
  explicit MostFlow(std::size_t nodes) : nodes_(nodes), room_(nodes * nodes) {}
  double& room(std::size_t from, std::size_t to) { return room_[from * nodes_ + to]; }
  double find() {
    double sum = 0;
    for (int paths = 0; paths < 100'000; ++paths) {
      std::vector<std::size_t> came(nodes_, nodes_);
      std::vector<std::size_t> queue{0};
      came[0] = 0;
      for (std::size_t i = 0; i < queue.size(); ++i)
        for (std::size_t to = 0; to < nodes_; ++to)
          if (came[to] == nodes_ && room(queue[i], to) > 1e-7) {
            came[to] = queue[i];
            queue.push_back(to);
          }
      if (came[nodes_ - 1] == nodes_) return sum;
      double amount = std::numeric_limits<double>::infinity();
      for (std::size_t at = nodes_ - 1; at != 0; at = came[at])
        amount = std::min(amount, room(came[at], at));
      for (std::size_t at = nodes_ - 1; at != 0; at = came[at]) {
        room(came[at], at) -= amount;
        room(at, came[at]) += amount;
      }
      sum += amount;
    }
    return sum;
  }

 private:
  std::size_t nodes_;
  std::vector<double> room_;
};

double full(const Location& at) { return at.server_mbps * at.servers_max; }

struct World {
  World(std::uint64_t seed, double utilisation) {
    problem = make_synthetic({.sessions = 8000,
                              .locations = 10,
                              .regions = 12,
                              .utilisation = utilisation,
                              .seed = seed});
    problem.spare_share = 0.05;
    auto made = make_plan(problem, {.steps_max = 2'000'000, .starts = 1});
    EXPECT_TRUE(made.has_value());
    plan = std::move(*made);
    load.resize(problem.locations.size());
    for (const auto& flows : plan.flows)
      for (const Flow& flow : flows) load[flow.location] += flow.mbps;
  }

  double lost_mbps(std::uint32_t lost) const { return load[lost]; }

  /// What of it can be placed elsewhere with no place beyond `level`.
  double room_at(std::uint32_t lost, double level) const {
    const std::size_t groups = problem.groups.size(), places = problem.locations.size();
    MostFlow flow(groups + places + 2);
    const std::size_t end = groups + places + 1;
    for (std::size_t g = 0; g < groups; ++g) {
      for (const Flow& one : plan.flows[g])
        if (one.location == lost) flow.room(0, 1 + g) = one.mbps;
      for (const Path& path : problem.groups[g].paths)
        if (path.location != lost && meets_floor(problem.groups[g].floor, path))
          flow.room(1 + g, 1 + groups + path.location) = 1e9;
    }
    for (std::size_t p = 0; p < places; ++p)
      flow.room(1 + groups + p, end) = std::max(0.0, level * full(problem.locations[p]) - load[p]);
    return flow.find();
  }

  Problem problem;
  Plan plan;
  std::vector<double> load;
};

TEST(energy_failover, no_single_loss_fills_another_place_beyond_the_limit_where_there_is_room) {
  std::size_t with_room = 0, without = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const World world(seed, 0.4 + 0.025 * static_cast<double>(seed));
    const auto failover = plan_failover(world.problem, world.plan.flows, world.plan.servers);
    for (std::uint32_t lost = 0; lost < world.load.size(); ++lost) {
      if (!(world.load[lost] > 0)) continue;
      const double wanted = world.lost_mbps(lost);
      if (world.room_at(lost, failover_load_max) >= wanted * (1 - 1e-9)) {
        ++with_room;
        EXPECT_LE(failover.peak[lost], failover_load_max + 1e-9) << seed << ' ' << lost;
        EXPECT_EQ(failover.homeless_mbps[lost], 0) << seed << ' ' << lost;
      } else {
        ++without;
        EXPECT_NEAR(wanted - failover.homeless_mbps[lost], world.room_at(lost, 1), 1e-6 * wanted);
      }
    }
  }
  EXPECT_GT(with_room, 50U);
  EXPECT_GT(without, 5U);  // else the other half was not tried
}

TEST(energy_failover, everybody_who_was_there_has_a_way_and_only_to_places_that_meet_the_floor) {
  const World world(3, 0.5);
  const auto failover = plan_failover(world.problem, world.plan.flows, world.plan.servers);
  for (std::size_t g = 0; g < world.problem.groups.size(); ++g) {
    ASSERT_EQ(failover.ways[g].size(), world.plan.flows[g].size());
    for (std::size_t i = 0; i < failover.ways[g].size(); ++i) {
      const auto& way = failover.ways[g][i];
      EXPECT_EQ(way.lost, world.plan.flows[g][i].location);
      double sum = 0;
      for (const Flow& flow : way.to) {
        sum += flow.mbps;
        EXPECT_NE(flow.location, way.lost);
        const auto& paths = world.problem.groups[g].paths;
        const auto path = std::ranges::find(paths, flow.location, &Path::location);
        ASSERT_NE(path, paths.end());
        EXPECT_TRUE(meets_floor(world.problem.groups[g].floor, *path));
      }
      if (failover.homeless_mbps[way.lost] == 0) {
        EXPECT_NEAR(sum, world.plan.flows[g][i].mbps, 1e-6 * sum);
      }
    }
  }
}

TEST(energy_failover, servers_that_are_awake_come_before_those_that_must_be_woken) {
  Problem problem;
  for (const auto* id : {"a", "awake", "asleep"})
    problem.locations.push_back({.id = id, .servers_max = 10, .server_mbps = 100, .max_w = 1});
  problem.locations[1].max_w = 2;  // dearer to use, and yet it comes first
  problem.groups.push_back({.id = "g", .sessions = 100, .demand_mbps = 300});
  for (std::uint32_t l = 0; l < 3; ++l)
    problem.groups[0].paths.push_back({.location = l, .throughput_mbps = 1});
  const auto few = plan_failover(problem, {{{0, 300}}}, {4, 6, 0});
  ASSERT_EQ(few.ways[0].size(), 1U);
  EXPECT_EQ(few.ways[0][0].to, (std::vector<Flow>{{1, 300}}));
  const auto many = plan_failover(problem, {{{0, 900}}}, {10, 6, 0});
  ASSERT_EQ(many.ways[0][0].to.size(), 2U);
  EXPECT_LE(many.peak[0], 0.7);
  problem.locations[1].state = LocationState::draining;
  EXPECT_EQ(plan_failover(problem, {{{0, 300}}}, {4, 6, 0}).ways[0][0].to,
            (std::vector<Flow>{{2, 300}}));
}

TEST(energy_failover, sessions_drawn_one_by_one_are_where_the_plan_has_room_for_them) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const World world(seed, 0.55);
    const auto failover = plan_failover(world.problem, world.plan.flows, world.plan.servers);
    const auto name = [&](std::uint32_t l) { return stable_hash(world.problem.locations[l].id); };
    const auto busiest = static_cast<std::uint32_t>(
        std::max_element(world.load.begin(), world.load.end()) - world.load.begin());
    if (failover.peak[busiest] > failover_load_max) continue;
    SeededRng rng(seed);
    std::vector<double> drawn(world.load.size()), planned(world.load), count(world.load.size());
    planned[busiest] = 0;
    double each_most = 0;
    for (std::size_t g = 0; g < world.problem.groups.size(); ++g) {
      const Group& group = world.problem.groups[g];
      std::vector<Share> shares, next;
      for (const Flow& flow : world.plan.flows[g])
        shares.push_back({name(flow.location), flow.mbps});
      const FailoverWay* way = nullptr;
      for (const auto& one : failover.ways[g])
        if (one.lost == busiest) way = &one;
      for (const Flow& flow : way == nullptr ? std::vector<Flow>{} : way->to) {
        next.push_back({name(flow.location), flow.mbps});
        planned[flow.location] += flow.mbps;
      }
      const double each = group.demand_mbps / group.sessions;
      each_most = std::max(each_most, each);
      for (std::uint32_t i = 0; i < group.sessions; ++i) {
        const std::uint64_t session = rng.next();
        const std::size_t first = pick(session, shares);
        if (first == no_location) continue;
        auto at = world.plan.flows[g][first].location;
        if (at == busiest) {
          const auto order = failover_ranks(session, name(busiest), next);
          ASSERT_EQ(order.size(), next.size());
          at = way->to[order.front()].location;
        }
        drawn[at] += each;
        ++count[at];
      }
    }
    for (std::size_t l = 0; l < drawn.size(); ++l)  // five times the deviation of as many draws
      EXPECT_NEAR(drawn[l], planned[l], 5 * each_most * std::sqrt(count[l] + 9))
          << seed << ' ' << l;
  }
}

}  // namespace
}  // namespace lobo::energy
