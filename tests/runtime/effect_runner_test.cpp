#include "runtime/effect_runner.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/overlay.hpp"
#include "runtime/ports.hpp"
#include "sim/store.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"
#include "world.hpp"

namespace lobo::runtime {
namespace {

using namespace std::chrono_literals;

using EffectRunnerTest = World;

TEST_F(EffectRunnerTest, a_reply_leaves_only_after_the_state_behind_it_is_durable) {
  const auto created = command("a", "create");
  EXPECT_TRUE(nef.seen.empty());  // Nothing is asked before the first commit either.
  loop.run_until([&] { return created->response.has_value(); }, 10s);
  ASSERT_TRUE(created->response);
  EXPECT_EQ(created->response->status, 201);
  EXPECT_EQ(state_of("a"), "kept");
  EXPECT_EQ(created->response->headers.find("etag"), "\"2\"");
  ASSERT_EQ(nef.seen.size(), 1U);
  EXPECT_EQ(nef.seen[0].target, "/core/ask/a");
  loop.run_for(1s);
  EXPECT_TRUE(server->store.state().effects.empty());
  EXPECT_TRUE(server->runner.idle());
}

TEST_F(EffectRunnerTest, what_the_store_refuses_has_not_happened) {
  server->store.set_full(true);
  const auto created = command("a", "create");
  loop.run_for(1s);
  ASSERT_TRUE(created->response);
  EXPECT_EQ(created->response->status, 503);
  EXPECT_TRUE(nef.seen.empty());
  EXPECT_TRUE(server->store.state().records.empty());
}

TEST_F(EffectRunnerTest, an_answer_of_the_network_waits_for_a_store_that_is_gone) {
  const auto created = command("a", "create");
  loop.run_until([&] { return !nef.seen.empty(); }, 1s);
  server->store.set_gone(true);
  loop.run_for(3s);
  EXPECT_FALSE(created->response);
  server->store.set_gone(false);
  loop.run_for(6s);
  ASSERT_TRUE(created->response);
  EXPECT_EQ(created->response->status, 201);
  EXPECT_EQ(nef.seen.size(), 1U);  // The network was not asked again.
}

TEST_F(EffectRunnerTest, a_call_under_way_at_a_crash_comes_back_as_recovered) {
  nef.answer = [](const http::Request&) { return std::nullopt; };
  command("a", "create");
  loop.run_until([&] { return !nef.seen.empty(); }, 1s);
  kill_and_restart();
  loop.run_for(1s);
  EXPECT_EQ(state_of("a"), "recovered");
  EXPECT_TRUE(server->store.state().effects.empty());
}

TEST_F(EffectRunnerTest, the_requester_of_before_a_crash_is_never_mistaken_for_a_later_one) {
  nef.answer = [](const http::Request&) { return std::nullopt; };
  command("a", "create");
  loop.run_until([&] { return !nef.seen.empty(); }, 1s);
  const auto before = std::stoull(state_of("a").substr(6));
  kill_and_restart();
  const auto id = server->replies.wait([](http::Response) {});
  EXPECT_GT(*id, before);
}

TEST_F(EffectRunnerTest, a_timer_fires_once_and_survives_a_crash) {
  command("a", "create");
  loop.run_for(1s);
  command("a", "touch");
  loop.run_for(1s);
  kill_and_restart();
  loop.run_for(5s);
  EXPECT_EQ(state_of("a"), "kept");
  loop.run_for(5s);
  EXPECT_EQ(state_of("a"), "ticked");
  EXPECT_TRUE(server->store.state().timers.empty());
  const auto version = server->store.state().find({"promise", "a"})->version;
  loop.run_for(10min);
  EXPECT_EQ(server->store.state().find({"promise", "a"})->version, version);
}

TEST_F(EffectRunnerTest, a_timer_that_is_started_again_fires_at_its_new_time_only) {
  command("a", "create");
  loop.run_for(1s);
  command("a", "touch");
  loop.run_for(9s);
  command("a", "touch");
  loop.run_for(9s);
  EXPECT_EQ(state_of("a"), "kept");
  loop.run_for(2s);
  EXPECT_EQ(state_of("a"), "ticked");
}

TEST_F(EffectRunnerTest, a_timer_beyond_the_horizon_costs_no_memory_and_still_fires) {
  sim::StoreState state;
  state.apply(PutRecord{{{"promise", "a"}, "app", "ue1", 1, "kept"}});
  state.apply(PutTimer{{{"promise", "a"}, "tick", loop.now() + 24h}});
  server.reset();
  start(std::move(state));
  loop.run_for(23h);
  EXPECT_EQ(state_of("a"), "kept");
  loop.run_for(1h + 1s);
  EXPECT_EQ(state_of("a"), "ticked");
}

TEST_F(EffectRunnerTest, one_resource_tells_another) {
  command("a", "create");
  loop.run_for(1s);
  command("a", "tell");
  loop.run_for(1s);
  EXPECT_EQ(state_of("other"), "told hello by a");
  EXPECT_TRUE(server->store.state().effects.empty());
}

TEST_F(EffectRunnerTest, an_observation_alone_costs_no_commit_and_one_of_a_change_waits_for_it) {
  command("a", "create");
  loop.run_for(1s);
  std::vector<std::string> heard;
  server->runner.on_observed([&](const resource::Key& from, const resource::Observe& observed) {
    heard.push_back(from.id + " " + observed.what + " " + observed.body);
  });
  server->store.set_full(true);
  const auto measured = command("a", "measure");
  const auto renamed = command("a", "rename");
  loop.run_for(1s);
  EXPECT_EQ(measured->response->status, 204);
  EXPECT_EQ(renamed->response->status, 503);
  EXPECT_EQ(heard, (std::vector<std::string>{"a samples a"}));
  server->store.set_full(false);
  command("a", "rename");
  loop.run_for(1s);
  EXPECT_EQ(heard, (std::vector<std::string>{"a samples a", "a name renamed"}));
  EXPECT_TRUE(server->store.state().effects.empty());
}

TEST_F(EffectRunnerTest, if_match_is_held_against_the_version_at_the_moment_of_the_change) {
  command("a", "create");
  loop.run_for(1s);
  const auto first = command("a", "touch", {.if_match = "\"2\""});
  const auto second = command("a", "touch", {.if_match = "\"2\""});
  loop.run_for(1s);
  EXPECT_EQ(first->response->status, 200);
  EXPECT_EQ(first->response->headers.find("etag"), "\"3\"");
  EXPECT_EQ(second->response->status, 412);
}

TEST_F(EffectRunnerTest, a_resource_takes_a_bounded_number_of_waiting_requests) {
  server->store.set_latency(1s);
  std::vector<std::shared_ptr<Answer>> answers;
  for (std::size_t i = 0; i < events_per_resource_max + 10; ++i)
    answers.push_back(command("a", "create"));
  std::size_t refused = 0;
  for (const auto& answer : answers)
    refused += answer->response && answer->response->status == 429 ? 1U : 0U;
  EXPECT_EQ(refused, 9U);  // One is being committed, events_per_resource_max wait.
}

TEST_F(EffectRunnerTest, a_crash_before_durability_leaves_nothing_and_after_it_everything) {
  for (const auto point : {sim::CrashPoint::before_durable, sim::CrashPoint::after_durable}) {
    nef.seen.clear();
    server.reset();
    start({});
    bool crashed = false;
    server->store.crash_at_commit(1, point, [&] { crashed = true; });
    const auto created = command("a", "create");
    loop.run_until([&] { return crashed; }, 1s);
    EXPECT_FALSE(created->response);
    kill_and_restart();
    loop.run_for(1s);
    EXPECT_EQ(state_of("a"), point == sim::CrashPoint::before_durable ? "" : "recovered");
  }
}

TEST_F(EffectRunnerTest, between_its_two_commits_a_resource_is_not_read_from_the_store) {
  const auto created = command("a", "create", {.fresh = true});
  loop.run_until([&] { return !nef.seen.empty(); }, 1s);
  server->store.set_unreadable(true);
  loop.run_until([&] { return created->response.has_value(); }, 1s);
  ASSERT_TRUE(created->response);
  EXPECT_EQ(created->response->status, 201);
}

TEST_F(EffectRunnerTest, a_commit_that_failed_leaves_what_is_remembered_as_it_was) {
  command("a", "create");
  loop.run_for(1s);
  EXPECT_EQ(server->runner.lookup().by_subject("promise", "ue1", 10)->size(), 1U);
  server->store.fail_commit(1);
  const auto dropped = command("a", "drop");
  EXPECT_EQ(server->runner.lookup().find({"promise", "a"})->has_value(), false);
  EXPECT_TRUE(server->runner.lookup().by_subject("promise", "ue1", 10)->empty());
  loop.run_for(1s);
  EXPECT_EQ(dropped->response->status, 503);
  EXPECT_EQ(server->runner.lookup().find({"promise", "a"})->value().state, "kept");
  EXPECT_EQ(server->runner.lookup().by_subject("promise", "ue1", 10)->size(), 1U);
  const auto touched = command("a", "touch", {.if_match = "\"2\""});
  loop.run_for(1s);
  EXPECT_EQ(touched->response->status, 200);
  EXPECT_EQ(server->runner.lookup().find({"promise", "a"})->value().version, 3U);
}

TEST_F(EffectRunnerTest, more_of_one_subject_than_is_remembered_are_still_all_found) {
  const std::size_t many = keys_of_subject_kept_max + 2;
  for (std::size_t i = 0; i < many; ++i) {
    command("p" + std::to_string(1000 + i), "create");
    if (i % 2 == 0) loop.run_for(5ms);
    EXPECT_EQ(server->runner.lookup().by_subject("promise", "ue1", many)->size(), i + 1);
  }
  loop.run_for(1s);
  const auto some = server->runner.lookup().by_subject("promise", "ue1", 3);
  EXPECT_EQ(some->size(), 3U);
  EXPECT_EQ(some->front().id, "p1000");
  command("p1000", "drop");
  loop.run_for(1s);
  EXPECT_EQ(server->runner.lookup().by_subject("promise", "ue1", many)->size(), many - 1);
}

TEST_F(EffectRunnerTest, records_of_a_subject_are_counted_without_being_read_each_time) {
  const auto& lookup = server->runner.lookup();
  const auto counted = [&](std::size_t limit) {
    return lookup.count_by_subject("promise", "ue1", limit);
  };
  EXPECT_EQ(counted(10), 0U);
  const std::size_t many = keys_of_subject_kept_max + 2;
  for (std::size_t i = 0; i < many; ++i) {
    command("p" + std::to_string(1000 + i), "create");
    if (i % 2 == 0) loop.run_for(5ms);
    EXPECT_EQ(counted(many), i + 1);
  }
  EXPECT_EQ(counted(3), 3U) << "no further than it was asked";
  loop.run_for(1s);
  server->store.fail_commit(1);
  command("p1000", "drop");
  EXPECT_EQ(counted(many), many - 1);
  loop.run_for(1s);
  EXPECT_EQ(counted(many), many) << "it was not dropped after all";
  command("p1000", "drop");
  loop.run_for(1s);
  server->store.set_unreadable(true);
  EXPECT_EQ(counted(many), many - 1);
  server->store.set_unreadable(false);
  EXPECT_EQ(lookup.by_subject("promise", "ue1", many)->size(), many - 1);
}

TEST_F(EffectRunnerTest, a_quota_sees_what_is_still_being_committed) {
  server->store.set_latency(1s);
  command("a", "create");
  command("b", "create");
  EXPECT_EQ(server->runner.lookup().count("promise", "app"), 2U);
  EXPECT_EQ(server->runner.lookup().list("promise", "app", "", 10)->size(), 2U);
  EXPECT_EQ(server->runner.lookup().by_subject("promise", "ue1", 10)->size(), 2U);
  loop.run_for(5s);
  command("a", "drop");
  EXPECT_EQ(server->runner.lookup().count("promise", "app"), 1U);
  EXPECT_EQ(server->runner.lookup().find({"promise", "a"})->has_value(), false);
}

}  // namespace
}  // namespace lobo::runtime
