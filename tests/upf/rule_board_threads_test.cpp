// The rule board and the counters under real threads; the thread sanitizer reads this one closely.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "dataplane/rules/packet_facts.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "dataplane/stages/rule_board.hpp"

namespace lobo {
namespace {

using dataplane::RuleBoard;
using dataplane::RuleSet;
using dataplane::SessionRules;

constexpr std::size_t workers = 2;
constexpr int publications = 400;

/// All rule sets have the same session, so that what a worker finds is known.
std::shared_ptr<const RuleSet> rules() {
  return std::make_shared<const RuleSet>(std::vector<std::shared_ptr<const SessionRules>>{
      std::make_shared<const SessionRules>(dataplane::test::session(42))});
}

TEST(rule_board_threads, workers_read_while_the_control_plane_publishes_and_frees) {
  RuleBoard board(workers);
  board.publish(rules());
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> running;
  for (std::size_t worker = 0; worker < workers; ++worker)
    running.emplace_back([&, worker] {
      dataplane::PacketFacts packet;
      packet.flow = dataplane::test::flow("198.51.100.7", 5004, "10.45.0.2", 40000);
      std::uint64_t turn = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        const auto found = board.take(worker).classify(packet);
        if (found.session == nullptr || found.session->seid() != 42) wrong.fetch_add(1);
        if (++turn % 7 == worker) board.rest(worker);
      }
      board.rest(worker);
    });
  std::size_t kept_most = 0;
  for (int i = 0; i < publications; ++i) {
    board.publish(rules());
    kept_most = std::max(kept_most, board.kept());
  }
  stop.store(true);
  for (std::thread& thread : running) thread.join();
  board.collect();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(board.kept(), 1U);
  EXPECT_LE(kept_most, static_cast<std::size_t>(publications) + 1);
}

}  // namespace
}  // namespace lobo
