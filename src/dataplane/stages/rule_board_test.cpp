#include "dataplane/stages/rule_board.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "dataplane/rules/rule_set.hpp"

namespace lobo::dataplane {
namespace {

TEST(rule_board, a_worker_keeps_what_it_took_and_the_control_plane_frees_it_afterwards) {
  RuleBoard board;
  const RuleSet& first = board.take();
  EXPECT_EQ(first.sessions(), 0U);
  auto next = std::make_shared<const RuleSet>();
  const std::weak_ptr<const RuleSet> watched = next;
  board.publish(std::move(next));
  EXPECT_EQ(board.kept(), 2U) << "the first is in use";
  EXPECT_EQ(&board.take(), watched.lock().get());
  board.collect();
  EXPECT_EQ(board.kept(), 1U);
  board.publish(std::make_shared<const RuleSet>());
  EXPECT_FALSE(watched.expired());
  (void)board.take();
  EXPECT_FALSE(watched.expired()) << "a worker frees nothing";
  board.collect();
  EXPECT_TRUE(watched.expired());
}

TEST(rule_board, a_worker_that_rests_keeps_nothing) {
  RuleBoard board(2);
  (void)board.take(0);
  (void)board.take(1);
  board.rest(1);
  for (int i = 0; i < 5; ++i) board.publish(std::make_shared<const RuleSet>());
  EXPECT_EQ(board.kept(), 6U) << "worker 0 has the first one, so none behind it goes";
  board.rest(0);
  board.collect();
  EXPECT_EQ(board.kept(), 1U);
  (void)board.take(1);
  board.publish(std::make_shared<const RuleSet>());
  EXPECT_EQ(board.kept(), 2U);
}

}  // namespace
}  // namespace lobo::dataplane
