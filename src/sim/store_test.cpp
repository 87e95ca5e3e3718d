#include "sim/store.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "support/test_loop.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sim {
namespace {

using namespace std::chrono_literals;
using runtime::PutFact;

class SimStoreTest : public ::testing::Test {
 protected:
  void commit(std::string value) {
    store->commit({PutFact{"n", value}}, [this, value](const Result<void>& result) {
      answers.push_back(value + (result ? "+" : "-"));
    });
  }
  std::string durable() const {
    const auto found = store->state().facts.find("n");
    return found == store->state().facts.end() ? "" : found->second;
  }
  using Answers = std::vector<std::string>;

  testing::TestLoop loop;
  std::unique_ptr<SimStore> store = std::make_unique<SimStore>(loop);
  Answers answers;
};

TEST_F(SimStoreTest, a_commit_takes_its_latency_in_virtual_time) {
  store->set_latency(3ms);
  commit("1");
  loop.run_until_idle();
  EXPECT_EQ(loop.now(), 3ms);
  EXPECT_EQ(answers, (Answers{"1+"}));
}

TEST_F(SimStoreTest, a_faster_commit_does_not_overtake_a_slower_one_before_it) {
  store->set_latency(5ms);
  commit("slow");
  store->set_latency(1ms);
  commit("fast");
  loop.run_until_idle();
  EXPECT_EQ(answers, (Answers{"slow+", "fast+"}));
  EXPECT_EQ(durable(), "fast");
}

TEST_F(SimStoreTest, a_full_store_fails_commits_and_still_reads) {
  commit("1");
  loop.run_until_idle();
  store->set_full(true);
  commit("2");
  loop.run_until_idle();
  EXPECT_EQ(store->fact("n").value(), "1");
  store->set_full(false);
  commit("3");
  loop.run_until_idle();
  EXPECT_EQ(answers, (Answers{"1+", "2-", "3+"}));
}

TEST_F(SimStoreTest, a_store_that_is_gone_answers_unavailable_to_everything) {
  store->set_gone(true);
  commit("1");
  loop.run_until_idle();
  EXPECT_EQ(answers, (Answers{"1-"}));
  EXPECT_EQ(store->fact("n").error().code, Errc::unavailable);
  EXPECT_EQ(store->find({"a", "b"}).error().code, Errc::unavailable);
  EXPECT_EQ(store->effects(0, 1).error().code, Errc::unavailable);
  store->set_gone(false);
  EXPECT_TRUE(store->fact("n"));
}

TEST_F(SimStoreTest, the_chosen_commit_fails_and_no_other) {
  commit("1");
  store->fail_commit(2);
  for (const char* value : {"2", "3", "4"}) commit(value);
  loop.run_until_idle();
  EXPECT_EQ(answers, (Answers{"1+", "2+", "3-", "4+"}));
}

TEST_F(SimStoreTest, a_crash_before_durability_loses_the_unit_and_those_behind_it) {
  bool told = false;
  store->crash_at_commit(2, CrashPoint::before_durable, [&] { told = true; });
  for (const char* value : {"1", "2", "3"}) commit(value);
  loop.run_until_idle();
  EXPECT_TRUE(told);
  EXPECT_TRUE(store->crashed());
  EXPECT_EQ(durable(), "1");
  EXPECT_EQ(answers, (Answers{"1+"}));
}

TEST_F(SimStoreTest, a_crash_after_durability_keeps_the_unit_and_tells_nobody) {
  store->crash_at_commit(2, CrashPoint::after_durable, [] {});
  for (const char* value : {"1", "2", "3"}) {
    commit(value);
    if (value == std::string("1")) loop.run_until_idle();
  }
  loop.run_until_idle();
  EXPECT_EQ(durable(), "2");
  EXPECT_EQ(answers, (Answers{"1+"}));
  EXPECT_EQ(store->fact("n").error().code, Errc::unavailable);
}

TEST_F(SimStoreTest, what_a_crash_leaves_starts_the_next_store) {
  commit("1");
  loop.run_until_idle();
  commit("2");
  store->crash();
  auto next = std::make_unique<SimStore>(loop, store->state());
  store.reset();
  loop.run_until_idle();
  EXPECT_EQ(next->fact("n").value(), "1");
  EXPECT_EQ(answers, (Answers{"1+"}));
}

TEST_F(SimStoreTest, states_of_the_same_content_are_equal_whatever_their_history) {
  StoreState a;
  StoreState b;
  const resource::Record record{{"k", "i"}, "o", "s", 1, "{}"};
  a.apply(runtime::PutRecord{record});
  b.apply(runtime::PutRecord{{{"k", "x"}, "o2", "", 1, "{}"}});
  b.apply(runtime::PutRecord{record});
  EXPECT_NE(a, b);
  b.apply(runtime::EraseRecord{{"k", "x"}});
  EXPECT_EQ(a, b);
}

}  // namespace
}  // namespace lobo::sim
