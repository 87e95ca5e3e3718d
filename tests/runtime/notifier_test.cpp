#include "runtime/notifier.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wire/http/message.hpp"
#include "world.hpp"

namespace lobo::runtime {
namespace {

using namespace std::chrono_literals;

class NotifierTest : public World {
 public:
  NotifierTest() {
    command("a", "create");
    loop.run_for(1s);
  }
  std::vector<std::string> bodies() const {
    std::vector<std::string> all;
    for (const auto& request : sink.seen) all.push_back(request.body);
    return all;
  }
  std::size_t parked() const {
    std::size_t count = 0;
    for (const auto& [id, effect] : server->store.state().effects) count += effect.parked ? 1U : 0U;
    return count;
  }
};

TEST_F(NotifierTest, notifications_of_one_subscription_arrive_in_order) {
  sink.answer = [](const http::Request&) { return http::Response{204, {}, {}}; };
  command("a", "touch");
  loop.run_for(1s);
  EXPECT_EQ(bodies(), (std::vector<std::string>{"a:1", "a:2", "a:3"}));
  EXPECT_EQ(sink.seen[2].headers.find("x-lobo-sequence"), "3");
  EXPECT_TRUE(server->store.state().effects.empty());
  EXPECT_EQ(server->notifier.pending(), 0U);
}

TEST_F(NotifierTest, a_failing_sink_is_asked_again_and_the_order_is_kept) {
  int failures = 3;
  sink.answer = [&](const http::Request&) {
    return http::Response{failures-- > 0 ? 503 : 204, {}, {}};
  };
  command("a", "touch");
  loop.run_for(10s);
  EXPECT_EQ(bodies(), (std::vector<std::string>{"a:1", "a:1", "a:1", "a:1", "a:2", "a:3"}));
}

TEST_F(NotifierTest, one_that_is_given_up_is_parked_and_the_next_goes_out) {
  sink.answer = [](const http::Request& request) {
    return http::Response{request.body == "a:1" ? 400 : 204, {}, {}};
  };
  command("a", "touch");
  loop.run_for(1s);
  EXPECT_EQ(bodies(), (std::vector<std::string>{"a:1", "a:2", "a:3"}));
  EXPECT_EQ(parked(), 1U);

  sink.answer = [](const http::Request&) { return http::Response{204, {}, {}}; };
  const auto id = server->store.state().effects.begin()->first;
  ASSERT_TRUE(server->notifier.resend(id));
  loop.run_for(1s);
  EXPECT_EQ(bodies().back(), "a:1");
  EXPECT_TRUE(server->store.state().effects.empty());
  EXPECT_FALSE(server->notifier.resend(id));
}

TEST_F(NotifierTest, a_delivery_that_the_store_could_not_record_is_recorded_when_it_can) {
  sink.answer = [&](const http::Request&) {
    server->store.set_full(true);
    return http::Response{204, {}, {}};
  };
  command("a", "touch");
  loop.run_for(5s);
  EXPECT_EQ(server->store.state().effects.size(), 3U);
  server->store.set_full(false);
  loop.run_for(2s);
  EXPECT_TRUE(server->store.state().effects.empty());
  EXPECT_EQ(sink.seen.size(), 3U);
}

TEST_F(NotifierTest, a_dead_sink_is_tried_a_bounded_number_of_times) {
  network.attach("sink", nullptr);
  command("a", "touch");
  loop.run_for(30min);
  EXPECT_EQ(parked(), 3U);
  EXPECT_EQ(server->metrics.total("lobo_notifications_total"), 3.0 * NotifierLimits{}.attempts_max);
}

TEST_F(NotifierTest, beyond_so_many_that_wait_for_one_sink_they_are_parked_at_once) {
  network.attach("sink", nullptr);
  const std::size_t most = NotifierLimits{}.waiting_max;
  const std::size_t touches = most / 3 + 2;
  for (std::size_t i = 0; i < touches; ++i) {
    command("a", "touch");
    loop.run_for(5ms);
  }
  EXPECT_EQ(server->notifier.pending(), most);
  EXPECT_EQ(parked(), 3 * touches - most);
  network.attach("sink", &sink);
  loop.run_for(1min);
  EXPECT_EQ(sink.seen.size(), most);
  EXPECT_EQ(server->notifier.pending(), 0U);
  EXPECT_EQ(parked(), 3 * touches - most) << "they stay to be read and sent again";
}

TEST_F(NotifierTest, the_parked_are_bounded_and_the_oldest_goes_first_also_after_a_restart) {
  sink.answer = [](const http::Request&) { return http::Response{400, {}, {}}; };
  for (int i = 0; i < 3; ++i) command("a", "touch");
  loop.run_for(1s);
  EXPECT_EQ(parked(), 9U);
  kill_and_restart();
  const auto oldest = server->store.state().effects.begin()->first;
  command("a", "touch");
  loop.run_for(1s);
  EXPECT_EQ(parked(), 10U);
  EXPECT_FALSE(server->store.state().effects.contains(oldest));
}

TEST_F(NotifierTest, what_was_not_delivered_before_a_crash_is_delivered_after_it) {
  network.attach("sink", nullptr);
  command("a", "touch");
  loop.run_for(1s);
  kill_and_restart();
  network.attach("sink", &sink);
  loop.run_for(5s);
  EXPECT_EQ(bodies(), (std::vector<std::string>{"a:1", "a:2", "a:3"}));
}

TEST_F(NotifierTest, a_308_is_followed_and_remembered) {
  Party elsewhere;
  network.attach("elsewhere", &elsewhere);
  sink.answer = [](const http::Request&) {
    return http::Response{308, {{"location", "http://elsewhere/moved"}}, {}};
  };
  command("a", "touch");
  loop.run_for(1s);
  ASSERT_FALSE(elsewhere.seen.empty());
  EXPECT_EQ(elsewhere.seen[0].target, "/moved");
  EXPECT_EQ(state_of("a"), "told notif_uri_moved by http://elsewhere/moved");
}

TEST_F(NotifierTest, a_chain_of_redirects_ends_after_three) {
  sink.answer = [](const http::Request&) {
    return http::Response{307, {{"location", "/again"}}, {}};
  };
  command("a", "touch");
  loop.run_for(1s);
  EXPECT_EQ(sink.seen.size(), 3U * 4U);
  EXPECT_EQ(parked(), 3U);
}

TEST_F(NotifierTest, a_slow_sink_delays_only_its_own_subscriptions) {
  // More subscriptions than one sink may be asked for at once; all arrive once it answers.
  sink.answer = [](const http::Request&) { return std::nullopt; };
  for (int i = 0; i < 40; ++i) command("s" + std::to_string(i), "create");
  loop.run_for(2s);
  for (int i = 0; i < 40; ++i) command("s" + std::to_string(i), "touch");
  loop.run_for(2s);
  EXPECT_EQ(sink.seen.size(), NotifierLimits{}.per_sink_max);
  sink.answer = [](const http::Request&) { return http::Response{204, {}, {}}; };
  loop.run_for(2min);
  EXPECT_EQ(server->notifier.pending(), 0U);
}

TEST_F(NotifierTest, what_did_not_fit_into_memory_is_read_back_and_goes_out_once_each) {
  // While the store is slow to forget what was delivered, and to tell of what it has taken.
  server->store.set_latency(20ms);
  sink.answer = [](const http::Request&) { return http::Response{204, {}, {}}; };
  const std::size_t touches = 2 * NotifierLimits{}.in_memory_per_subscription;
  for (std::size_t i = 0; i < touches; ++i) {
    command("a", "touch");
    loop.run_for(21ms);
  }
  loop.run_for(1min);
  ASSERT_EQ(sink.seen.size(), 3 * touches);
  EXPECT_EQ(server->notifier.pending(), 0U);
  EXPECT_TRUE(server->store.state().effects.empty());
  for (std::size_t i = 0; i < sink.seen.size(); ++i)
    EXPECT_EQ(sink.seen[i].body, "a:" + std::to_string(i % 3 + 1));
}

TEST_F(NotifierTest, a_sink_that_never_answers_holds_up_nobody_who_waits_for_another) {
  Party silent;
  silent.answer = [](const http::Request&) { return std::nullopt; };
  network.attach("silent", &silent);
  sink.answer = [](const http::Request&) { return http::Response{204, {}, {}}; };
  std::uint64_t id = 1000;
  const auto notify_each = [&](const std::string& host, int subscriptions) {
    for (int i = 0; i < subscriptions; ++i, ++id)
      server->notifier.enqueue(
          {.id = id,
           .of = {"promise", host + std::to_string(i)},
           .what = {.to = "http://" + host + "/n", .sequence = 1, .body = "{}", .clause = {}}});
  };
  notify_each("silent", 400);
  notify_each("sink", 40);
  loop.run_for(1s);
  EXPECT_EQ(sink.seen.size(), 40U);
  EXPECT_EQ(silent.seen.size(), NotifierLimits{}.per_sink_max);
}

}  // namespace
}  // namespace lobo::runtime
