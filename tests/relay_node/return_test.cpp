// Flows that outlive what happens below them: a node that dies, a NAT that forgets, a lossy path.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/impair/proxy.hpp"
#include "adapters/quic/links.hpp"
#include "relay_node/lab.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::testing {
namespace {

using namespace std::chrono_literals;
using relay_return = RelayLab;

TEST_F(relay_return, all_flows_are_back_soon_after_a_node_was_killed_and_started_again) {
  constexpr std::size_t many = 20;
  std::vector<std::unique_ptr<SddClient>> ues;
  for (std::size_t i = 1; i <= many; ++i) {
    ues.push_back(client(static_cast<sdd::Alias>(i)));
    ues.back()->comes_back = true;
    ues.back()->connect(target());
  }
  const auto all_up = [&] {
    return std::ranges::all_of(ues, [](const auto& ue) { return ue->up; });
  };
  ASSERT_TRUE(until(all_up));
  // They publish at 30 Hz, whatever happens.
  bool running = true;
  std::function<void()> publish = [&] {
    for (const auto& ue : ues) ue->publish("state");
    if (running) loop.after(33ms, publish);
  };
  publish();
  ASSERT_TRUE(until([&] { return ues.back()->states > 100; }));
  kill();
  start();
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(until([&] {
    return all_up() &&
           std::ranges::all_of(ues, [](const auto& ue) { return ue->closed.size() == 1; });
  }));
  const auto took = std::chrono::steady_clock::now() - begun;
  running = false;
  for (const auto& ue : ues) EXPECT_EQ(ue->closed.at(0).cause, quic::CloseCause::reset);
  EXPECT_LT(took, 2s) << "an idle timeout would have been half a minute";
  EXPECT_EQ(node->relay().flows(), 3 * many);
  RecordProperty(
      "milliseconds",
      static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
}

TEST_F(relay_return, a_nat_that_forgets_and_a_path_that_loses_cost_no_flow) {
  const auto proxy =
      adapters::impair::open_proxy(loop, {.at = loopback(),
                                          .to = at,
                                          .up = {.loss = {50'000}, .delay = 5ms, .jitter = 2ms},
                                          .down = {.loss = {50'000}, .delay = 5ms, .jitter = 2ms},
                                          .seed = 5});
  ASSERT_TRUE(proxy);
  const auto alice = client(1);
  const auto bob = client(2);
  auto through = target();
  through.to = (*proxy)->local();
  alice->connect(through);
  bob->connect(target());
  ASSERT_TRUE(until([&] { return alice->up && bob->up; }));
  std::size_t sent = 0;
  std::function<void()> publish = [&] {
    alice->publish("state " + std::to_string(sent));
    if (++sent == 60) { EXPECT_TRUE((*proxy)->rebind()); }
    if (sent < 120) loop.after(5ms, publish);
  };
  publish();
  ASSERT_TRUE(until([&] { return sent == 120 && bob->seen[1] > "state 11"; })) << bob->seen[1];
  EXPECT_TRUE(alice->closed.empty());
  EXPECT_GE(server->counters().paths_validated, 1U);
  EXPECT_GT(bob->states, 60U);
  EXPECT_EQ((*proxy)->counters().rebindings, 1U);
}

}  // namespace
}  // namespace lobo::testing
