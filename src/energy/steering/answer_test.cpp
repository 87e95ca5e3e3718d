#include "energy/steering/answer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "energy/rendezvous.hpp"
#include "energy/steering/plan_file.hpp"
#include "energy/steering/plan_table.hpp"
#include "energy/steering/query.hpp"
#include "energy/steering/steering_test_support.hpp"
#include "energy/steering/token.hpp"
#include "model/date_time.hpp"

namespace lobo::energy::steering {
namespace {

using namespace std::chrono_literals;

const PlainMac mac("k1");
const Instant now = *model::parse_date_time("2026-11-22T17:00:00Z");
const SteeringSettings settings{};

Answer ask(const PlanTable& plan, const SteeringQuery& query, Instant at = now,
           std::uint64_t fresh = 1, double stretch = 1) {
  return answer(plan, query, at, mac, fresh, stretch, settings);
}

SteeringQuery with_token(const Answer& before) {
  SteeringQuery query;
  query.token = before.token;
  return query;
}

const std::string thirds = R"([{"id":"all","shares":{"SL1":1,"SL2":1,"SL3":1}}])";

TEST(steering_answer, a_first_request_without_anything_is_answered_in_full) {
  const auto first = ask(plan_with(thirds), {});
  EXPECT_EQ(first.priority.size(), 3U);
  EXPECT_TRUE(read_token(first.token, mac));
  EXPECT_EQ(first.fate, TokenFate::none);
  EXPECT_GE(first.ttl, ttl_least);
}

TEST(steering_answer, the_same_session_gets_the_same_order_from_every_replica) {
  const auto plan = plan_with(thirds);
  const auto first = ask(plan, {}, now, 77);
  const auto replica = read_plan(write_plan(plan));
  ASSERT_TRUE(replica);
  const auto second = ask(*replica, with_token(first), now + 30s, 12345);
  EXPECT_EQ(second.priority, first.priority);
  EXPECT_EQ(second.fate, TokenFate::good);
}

TEST(steering_answer, sessions_spread_as_the_shares_say) {
  const auto plan = plan_with(R"([{"id":"all","shares":{"SL1":6,"SL2":3,"SL3":1}}])");
  std::map<std::string, double> counted;
  constexpr std::uint64_t sessions = 20'000;
  for (std::uint64_t i = 0; i < sessions; ++i)
    ++counted[ask(plan, {}, now, stable_hash(std::to_string(i))).priority.front()];
  EXPECT_NEAR(counted["SL1"] / sessions, 0.6, 0.01);
  EXPECT_NEAR(counted["SL2"] / sessions, 0.3, 0.01);
  EXPECT_NEAR(counted["SL3"] / sessions, 0.1, 0.01);
}

TEST(steering_answer, what_comes_after_the_first_is_the_reserve_and_spreads_too) {
  const auto plan = plan_with(R"([{"id":"all","shares":{"SL1":1},"reserve":{"SL2":1,"SL3":1}}])");
  std::map<std::string, int> second;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto one = ask(plan, {}, now, stable_hash(std::to_string(i)));
    ASSERT_EQ(one.priority.size(), 3U);
    EXPECT_EQ(one.priority.front(), "SL1");
    ++second[one.priority[1]];
  }
  EXPECT_GT(second["SL2"], 400);
  EXPECT_GT(second["SL3"], 400);
}

TEST(steering_answer, whose_place_is_lost_goes_where_the_plan_has_room_for_it) {
  const auto plan = plan_with(R"([{"id":"all","shares":{"SL1":5,"SL2":5},"reserve":{"SL3":1},)"
                              R"("failover":{"SL1":{"SL2":1,"SL3":9},"SL2":{"SL3":1}}}])");
  const auto replica = read_plan(write_plan(plan));
  ASSERT_TRUE(replica);
  std::map<std::string, double> second;
  double at_first = 0;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const auto one = ask(plan, {}, now, stable_hash(std::to_string(i)));
    ASSERT_EQ(one.priority.size(), 3U);
    EXPECT_EQ(ask(*replica, {}, now, stable_hash(std::to_string(i))).priority, one.priority);
    if (one.priority.front() == "SL2") {
      EXPECT_EQ(one.priority[1], "SL3");
    } else {
      ++at_first;
      ++second[one.priority[1]];
    }
    // The same where the player tells that its place failed it.
    auto failed = with_token(one);
    failed.heard = {{one.priority[0], {}}, {one.priority[1], 5'000'000}};
    failed.measured = true;
    EXPECT_EQ(ask(plan, failed).priority.front(), one.priority[1]);
  }
  EXPECT_NEAR(second["SL3"] / at_first, 0.9, 0.03);
}

TEST(steering_answer, an_expired_token_is_answered_with_a_fresh_one_for_the_same_session) {
  const auto plan = plan_with(thirds);
  const auto first = ask(plan, {}, now, 99);
  const auto later = ask(plan, with_token(first), now + 48h, 5);
  EXPECT_EQ(later.fate, TokenFate::expired);
  EXPECT_EQ(read_token(later.token, mac)->session, 99U);
  EXPECT_GT(read_token(later.token, mac)->expires_s, read_token(first.token, mac)->expires_s);
  EXPECT_EQ(later.priority, first.priority);
}

TEST(steering_answer, a_forged_token_begins_a_new_session_and_is_no_error) {
  auto forged = with_token(ask(plan_with(thirds), {}, now, 99));
  forged.token.back() = forged.token.back() == 'A' ? 'B' : 'A';
  const auto got = ask(plan_with(thirds), forged, now, 5);
  EXPECT_EQ(got.fate, TokenFate::foreign);
  EXPECT_EQ(read_token(got.token, mac)->session, 5U);
  EXPECT_FALSE(got.priority.empty());
}

TEST(steering_answer, a_group_that_is_gone_becomes_the_default_one) {
  SteeringQuery query;
  query.group = "west";
  const auto two =
      plan_with(R"([{"id":"all","shares":{"SL1":1}},{"id":"west","shares":{"SL2":1}}])");
  const auto west = ask(two, query);
  EXPECT_EQ(west.priority.front(), "SL2");
  const auto later = ask(plan_with(R"([{"id":"all","shares":{"SL1":1}}])"), with_token(west));
  EXPECT_EQ(later.priority.front(), "SL1");
  EXPECT_EQ(later.group, "all");
}

TEST(steering_answer, a_session_that_the_manifest_names_is_that_session) {
  SteeringQuery query;
  query.session = "viewer-1";
  EXPECT_EQ(read_token(ask(plan_with(thirds), query, now, 1).token, mac)->session,
            read_token(ask(plan_with(thirds), query, now, 2).token, mac)->session);
}

// -- a location that fails a session --------------------------------------------------------------

TEST(steering_answer, a_location_without_throughput_stands_last_until_its_time_is_over) {
  const auto plan = plan_with(R"([{"id":"all","shares":{"SL1":1},"reserve":{"SL2":1,"SL3":1}}])");
  auto query = with_token(ask(plan, {}));
  query.heard = {{"SL1", {}}, {"SL2", 5'000'000}};
  query.measured = true;
  const auto told = ask(plan, query);
  EXPECT_TRUE(told.demoted);
  EXPECT_EQ(told.priority.back(), "SL1");
  EXPECT_EQ(told.priority.size(), 3U);
  // It is not named any more, and is remembered by the token alone.
  auto later = with_token(told);
  later.heard = {{"SL2", 5'000'000}};
  later.measured = true;
  EXPECT_EQ(ask(plan, later, now + 299s).priority.back(), "SL1");
  EXPECT_EQ(ask(plan, later, now + 301s).priority.front(), "SL1");
}

TEST(steering_answer, a_location_is_not_blamed_before_it_could_be_measured) {
  const auto plan = plan_with(R"([{"id":"all","shares":{"SL2":1},"reserve":{"SL1":1}}])");
  SteeringQuery moved;
  moved.heard = {{"SL1", 5'000'000}, {"SL2", {}}};  // it has just gone there
  moved.measured = true;
  EXPECT_FALSE(ask(plan, moved).demoted);
  SteeringQuery begun;
  begun.heard = {{"SL2", {}}};  // nothing has come from anywhere
  begun.measured = true;
  EXPECT_FALSE(ask(plan, begun).demoted);
  SteeringQuery unmeasured;
  unmeasured.heard = {{"SL2", {}}, {"SL1", {}}};
  EXPECT_FALSE(ask(plan, unmeasured).demoted);
}

TEST(steering_answer, a_location_is_not_blamed_for_what_it_was_left_for_by_order) {
  const auto to_first = plan_with(R"([{"id":"all","shares":{"SL1":1},"reserve":{"SL2":1}}])");
  const auto to_second = plan_with(R"([{"id":"all","shares":{"SL2":1},"reserve":{"SL1":1}}])");
  // Sent to the second place, and back before anything of it was measured.
  auto there = with_token(ask(to_second, {}));
  there.heard = {{"SL1", 5'000'000}, {"SL2", {}}};
  there.measured = true;
  auto back = with_token(ask(to_first, there));
  back.heard = {{"SL2", {}}, {"SL1", 5'000'000}};
  back.measured = true;
  EXPECT_FALSE(ask(to_first, back).demoted);
  // Back by itself, although it was sent to stay.
  auto stays = with_token(ask(to_second, there));
  stays.heard = back.heard;
  stays.measured = true;
  const auto told = ask(to_second, stays);
  EXPECT_TRUE(told.demoted);
  EXPECT_EQ(told.failed, std::vector<std::string>{"SL2"});
}

TEST(steering_answer, when_all_have_failed_there_is_still_an_order) {
  const auto plan = plan_with(R"([{"id":"all","shares":{"SL1":1}}])");
  auto query = with_token(ask(plan, {}));
  query.heard = {{"SL1", {}}, {"SL2", 1}};
  query.measured = true;
  EXPECT_EQ(ask(plan, query).priority, (std::vector<std::string>{"SL1"}));
}

// -- standing -------------------------------------------------------------------------------------

PlanTable standing(std::string_view first) {
  return *read_plan(R"({"version":1,"validUntil":"2026-11-22T18:00:00Z","locations":[)"
                    R"({"id":"SL1","standing":")" +
                    std::string(first) +
                    R"("},{"id":"SL2"}],"groups":[{"id":"all","shares":{"SL1":9,"SL2":1}}]})");
}

TEST(steering_answer, nobody_new_is_sent_to_a_location_of_which_nothing_is_known) {
  const auto plan = standing("unknown");
  SteeringQuery there;
  there.heard = {{"SL1", 1'000'000}};
  there.measured = true;
  std::size_t stay = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    EXPECT_EQ(ask(plan, {}, now, stable_hash(std::to_string(i))).priority.front(), "SL2");
    stay += ask(plan, there, now, stable_hash(std::to_string(i))).priority.front() == "SL1" ? 1 : 0;
  }
  EXPECT_GT(stay, 400U);
}

TEST(steering_answer, a_closed_location_is_not_named_at_all_unless_nothing_else_is_left) {
  EXPECT_EQ(ask(standing("closed"), {}).priority, (std::vector<std::string>{"SL2"}));
  const auto all_closed = *read_plan(
      R"({"version":1,"validUntil":"2026-11-22T18:00:00Z","locations":[)"
      R"({"id":"SL1","standing":"closed"}],"groups":[{"id":"all","shares":{"SL1":1}}]})");
  EXPECT_EQ(ask(all_closed, {}).priority, (std::vector<std::string>{"SL1"}));
}

// -- release --------------------------------------------------------------------------------------

PlanTable releasing() {
  return *read_plan(
      R"({"version":2,"validUntil":"2026-11-22T18:00:00Z","releasedFrom":"2026-11-22T17:00:00Z",)"
      R"("releaseSeconds":60,"locations":[{"id":"SL1"},{"id":"SL2"}],)"
      R"("groups":[{"id":"all","shares":{"SL2":1},"before":{"SL1":1}}]})");
}

TEST(steering_answer, a_new_plan_is_released_little_by_little_and_nobody_goes_back) {
  const auto plan = releasing();
  constexpr std::uint64_t sessions = 4000;
  std::set<std::uint64_t> moved;
  for (const auto second : {0s, 15s, 30s, 45s, 60s}) {
    std::size_t there = 0;
    for (std::uint64_t i = 0; i < sessions; ++i) {
      const auto got = ask(plan, {}, now + second, stable_hash(std::to_string(i)));
      const bool has_moved = got.priority.front() == "SL2";
      if (has_moved) moved.insert(i);
      EXPECT_EQ(has_moved, moved.contains(i));
      EXPECT_EQ(got.move_pending, !has_moved);
      if (has_moved) ++there;
    }
    EXPECT_NEAR(static_cast<double>(there) / sessions, static_cast<double>(second.count()) / 60,
                0.03);
  }
}

TEST(steering_answer, who_cannot_stay_moves_at_once) {
  const auto plan = *read_plan(
      R"({"version":2,"validUntil":"2026-11-22T18:00:00Z","releasedFrom":"2026-11-22T17:00:00Z",)"
      R"("releaseSeconds":60,"locations":[{"id":"SL1","standing":"closed"},{"id":"SL2"}],)"
      R"("groups":[{"id":"all","shares":{"SL2":1},"before":{"SL1":1}}]})");
  EXPECT_EQ(ask(plan, {}).priority.front(), "SL2");
}

TEST(steering_answer, only_sessions_with_a_move_to_come_ask_soon) {
  const auto plan = releasing();
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto got = ask(plan, {}, now + 30s, stable_hash(std::to_string(i)));
    if (got.move_pending)
      EXPECT_LE(got.ttl, 10s);
    else
      EXPECT_GE(got.ttl, 24s);
  }
}

// -- TTL ------------------------------------------------------------------------------------------

TEST(steering_answer, ttls_spread_around_the_plan_s) {
  const auto plan = plan_with(thirds);
  double sum = 0;
  std::set<std::int64_t> seen;
  constexpr std::uint64_t sessions = 2000;
  for (std::uint64_t i = 0; i < sessions; ++i) {
    const auto ttl = ask(plan, {}, now, i).ttl;
    EXPECT_GE(ttl, 24s);
    EXPECT_LE(ttl, 36s);
    sum += static_cast<double>(ttl.count());
    seen.insert(ttl.count());
  }
  EXPECT_NEAR(sum / sessions, 30, 0.5);
  EXPECT_GT(seen.size(), 10U);
}

TEST(steering_answer, a_ttl_ends_with_the_plan_and_an_old_plan_is_not_asked_for_faster) {
  const auto plan = plan_with(thirds);
  const Instant end = plan.said().valid_until;
  for (std::uint64_t i = 0; i < 200; ++i) {
    EXPECT_LE(ask(plan, {}, end - 12s, i).ttl, 12s);
    EXPECT_EQ(ask(plan, {}, end - 1s, i).ttl, ttl_least);
    EXPECT_GE(ask(plan, {}, end + 1h, i).ttl, 24s);
  }
}

TEST(steering_answer, a_plan_that_is_not_valid_any_more_moves_nobody) {
  const auto plan = plan_with(R"([{"id":"all","shares":{"SL2":1},"reserve":{"SL1":1}}])");
  const auto late = plan.said().valid_until + 1s;
  const auto at_time = [&](Instant at, std::string_view query) {
    return ask(plan, parse_steering_query(query), at);
  };
  const std::string_view at_first = "_DASH_pathway=%22SL1%22&_DASH_throughput=5000";
  EXPECT_EQ(at_time(plan.said().valid_until - 1s, at_first).priority.front(), "SL2");
  const auto held = at_time(late, at_first);
  EXPECT_EQ(held.priority.front(), "SL1");
  EXPECT_TRUE(held.held);
  EXPECT_FALSE(held.move_pending);
  EXPECT_EQ(at_time(late, "").priority.front(), "SL2") << "who is nowhere yet begins where it said";
  EXPECT_EQ(at_time(late, "_DASH_pathway=%22SL1,SL2%22&_DASH_throughput=,5000").priority.front(),
            "SL2")
      << "what failed a session does not hold it";
}

TEST(steering_answer, says_which_locations_failed_a_session) {
  const auto plan = plan_with(R"([{"id":"all","shares":{"SL1":1},"reserve":{"SL2":1}}])");
  const auto told =
      ask(plan, parse_steering_query("s=me&_DASH_pathway=%22SL1,SL2%22&_DASH_throughput=,5000"));
  EXPECT_EQ(told.failed, std::vector<std::string>{"SL1"});
  EXPECT_EQ(told.session, stable_hash("me"));
}

TEST(steering_answer, load_is_shed_by_a_longer_ttl_that_stays_bounded) {
  const auto plan = plan_with(thirds);
  EXPECT_GE(ask(plan, {}, now, 1, 4).ttl, 96s);
  EXPECT_EQ(ask(plan, {}, now, 1, 1000).ttl, ttl_most);
  EXPECT_LE(ask(plan, {}, now, 1, 0).ttl, 36s);
}

// -- clones ---------------------------------------------------------------------------------------

TEST(steering_answer, only_locations_that_the_manifest_lacks_are_cloned) {
  const auto plan = plan_with(thirds);
  SteeringQuery query;
  query.manifest = {"SL1"};
  const auto got = ask(plan, query);
  EXPECT_EQ(got.priority.size(), 3U);
  ASSERT_EQ(got.clones.size(), 2U);
  for (const auto& clone : got.clones) {
    EXPECT_NE(clone.id, "SL1");
    EXPECT_EQ(clone.base_id, "SL1");
    EXPECT_EQ(clone.host, clone.id == "SL2" ? "127.0.1.2" : "127.0.1.3");
  }
  EXPECT_TRUE(ask(plan, {}).clones.empty());
  query.manifest = {"SL1", "SL2", "SL3"};
  EXPECT_TRUE(ask(plan, query).clones.empty());
}

TEST(steering_answer, a_location_on_another_port_or_path_is_no_clone_and_not_named) {
  const auto plan = *read_plan(
      R"({"version":1,"validUntil":"2026-11-22T18:00:00Z","locations":[)"
      R"({"id":"SL1","baseUrl":"http://a.example:8080/"},{"id":"SL2","baseUrl":"http://b.example:81/"},)"
      R"({"id":"SL3","baseUrl":"http://c.example:8080/x/"},{"id":"SL4","baseUrl":"https://d.example:8080/"}],)"
      R"("groups":[{"id":"all","shares":{"SL2":1,"SL3":1,"SL4":1}}]})");
  SteeringQuery query;
  query.manifest = {"SL1"};
  const auto got = ask(plan, query);
  EXPECT_TRUE(got.clones.empty());
  EXPECT_EQ(got.priority, (std::vector<std::string>{"SL1"}));
}

// -- the text -------------------------------------------------------------------------------------

TEST(steering_answer, is_written_as_players_read_it) {
  const Answer got{.ttl = 7s,
                   .priority = {"SL2", "SL1"},
                   .clones = {{"SL1", "SL2", "127.0.1.2"}},
                   .token = "1.k1.all.0.0.-.x",
                   .group = "all"};
  EXPECT_EQ(write_answer(got, "/steer/dash", {"SL1"}),
            R"({"VERSION":1,"TTL":7,"RELOAD-URI":"/steer/dash?t=1.k1.all.0.0.-.x&p=SL1",)"
            R"("PATHWAY-PRIORITY":["SL2","SL1"],"PATHWAY-CLONES":[{"BASE-ID":"SL1","ID":"SL2",)"
            R"("URI-REPLACEMENT":{"HOST":"127.0.1.2"}}]})");
}

RC_GTEST_PROP(steering_answer, any_query_gets_a_location_a_token_and_a_bounded_ttl,
              (const std::string& text, std::uint64_t fresh)) {
  static const auto plan = plan_with(thirds);
  const auto query = parse_steering_query(text);
  const auto got = ask(plan, query, now, fresh);
  RC_ASSERT(!got.priority.empty());
  RC_ASSERT(got.ttl >= ttl_least && got.ttl <= ttl_most);
  RC_ASSERT(read_token(got.token, mac).has_value());
  auto ids = got.priority;
  std::ranges::sort(ids);
  RC_ASSERT(std::ranges::adjacent_find(ids) == ids.end());
}

}  // namespace
}  // namespace lobo::energy::steering
