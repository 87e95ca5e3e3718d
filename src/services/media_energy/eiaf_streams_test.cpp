// Events as one answer that grows: what a reader gets, what it gets again, and who gets none.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/ports.hpp"
#include "support/media_driver.hpp"
#include "wire/http/growing_body.hpp"
#include "wire/http/message.hpp"

namespace lobo::media_energy {
namespace {

using lobo::testing::MediaDriver;
using State = http::GrowingBody::State;

class eiaf_streams : public ::testing::Test {
 protected:
  eiaf_streams() : session(d.session()) {
    d.host(session);
    d.expose(session);
    d.server("as1", "SL1");
    policy = d.policy(
        session, R"({"reporting":{"mode":"PERIODIC","reportingInterval":1,"minReportSpacing":1}})");
    client = subscribe();
  }
  std::string subscribe() {
    return d.subscribe(session, policy, "play-" + std::to_string(++players),
                       R"(,"serviceLocationId":"SL1")");
  }
  http::Response ask(const std::string& subscription, std::string_view last = {},
                     const std::string& who = "ue") {
    http::Request request;
    request.method = "GET";
    request.target = "/x-e5/v1/subscriptions/" + subscription + "/events";
    request.headers.add("accept", "text/event-stream");
    if (!last.empty()) request.headers.add("last-event-id", std::string(last));
    return d.ask(std::move(request), who);
  }
  http::GrowingBodyPtr open(const std::string& subscription, std::string_view last = {}) {
    auto answer = ask(subscription, last);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.headers.find("content-type"), "text/event-stream");
    return d.eiaf.growing()->claim(answer);
  }
  static std::string take(const http::GrowingBodyPtr& body) {
    std::string out(body->pending());
    body->taken(out.size());
    return out;
  }
  static std::size_t count(std::string_view text, std::string_view what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
      ++found;
    return found;
  }
  std::string last_id() { return std::to_string(d.eiaf.events(client, 0)->last); }

  MediaDriver d;
  std::string session, policy, client;
  int players = 0;
};

TEST_F(eiaf_streams, gives_what_there_is_and_then_each_event_as_it_happens) {
  const auto body = open(client);
  ASSERT_TRUE(body);
  const auto first = take(body);
  EXPECT_TRUE(first.starts_with("retry: 2000\n\nid: ")) << first;
  EXPECT_EQ(count(first, "\nevent: report\ndata: {"), 1U);
  EXPECT_NE(first.find(R"("energyReportingReason":"INITIAL")"), std::string::npos);
  EXPECT_TRUE(first.ends_with("}\n\n"));
  d.run(3, {{"as1", {.power_w = 120}}});
  const auto next = take(body);
  EXPECT_GE(count(next, "event: report"), 2U);
  EXPECT_NE(next.find("id: " + last_id() + '\n'), std::string::npos);
  EXPECT_EQ(count(next, "event: lost"), 0U);
}

TEST_F(eiaf_streams, resumes_behind_the_last_event_that_the_reader_has) {
  const auto had = last_id();
  d.run(5, {{"as1", {.power_w = 120}}});
  const auto again = take(open(client, had));
  EXPECT_EQ(again.find("id: " + had + '\n'), std::string::npos);
  EXPECT_NE(again.find("id: " + std::to_string(std::stoull(had) + 1) + '\n'), std::string::npos);
  EXPECT_EQ(count(again, "event: lost"), 0U);
  EXPECT_EQ(count(take(open(client, last_id())), "event: "), 0U) << "it has them all";
}

TEST_F(eiaf_streams, says_that_events_were_lost_before_what_is_still_kept) {
  const auto had = last_id();
  d.run(static_cast<int>(3 * events_kept_max), {{"as1", {.power_w = 120}}});
  const auto again = take(open(client, had));
  ASSERT_EQ(count(again, "event: lost"), 1U);
  EXPECT_LT(again.find(R"(event: lost
data: {"after":)" + had +
                       ','),
            again.find("event: report"));
  EXPECT_EQ(count(again, "event: report"), events_kept_max);
}

TEST_F(eiaf_streams, refuses_an_event_id_that_is_no_number) {
  const auto answer = ask(client, "seven");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("last-event-id"), std::string::npos) << answer.body;
}

TEST_F(eiaf_streams, is_not_for_others_than_the_subscriber) {
  EXPECT_EQ(ask(client, {}, "somebody").status, 404);
  EXPECT_EQ(d.eiaf.streams(), 0U);
}

TEST_F(eiaf_streams, says_something_now_and_then_and_keeps_the_subscription) {
  d.settings.subscription_idle = std::chrono::seconds{60};
  policy = d.policy(session, R"({"reporting":{"mode":"THRESHOLD"}})");
  const auto quiet = subscribe();
  const auto body = open(quiet);
  take(body);
  d.run(150);
  EXPECT_EQ(take(body), ":\n\n:\n\n:\n\n:\n\n:\n\n:\n\n:\n\n:\n\n:\n\n:\n\n")
      << "every fifteen seconds";
  EXPECT_TRUE(d.eiaf.events(quiet, 0));
  body->leave();
  d.run(70);
  EXPECT_FALSE(d.eiaf.events(quiet, 0)) << "nobody listens any more";
}

TEST_F(eiaf_streams, cuts_a_reader_off_that_takes_nothing) {
  const auto body = open(client);
  d.run(400, {{"as1", {.power_w = 120}}});
  EXPECT_EQ(body->state(), State::cut);
  EXPECT_TRUE(body->pending().empty());
  EXPECT_EQ(d.eiaf.streams(), 0U);
}

TEST_F(eiaf_streams, ends_after_a_while_so_that_its_reader_comes_with_its_credentials_again) {
  policy = d.policy(session, R"({"reporting":{"mode":"THRESHOLD"}})");
  const auto body = open(subscribe());
  d.run(599);
  EXPECT_EQ(body->state(), State::open);
  d.run(2);
  EXPECT_EQ(body->state(), State::ended);
  EXPECT_EQ(d.eiaf.streams(), 0U);
}

TEST_F(eiaf_streams, ends_with_the_subscription) {
  const auto body = open(client);
  EXPECT_EQ(d.ask("DELETE", "/x-e5/v1/subscriptions/" + client, {}, "ue").status, 204);
  EXPECT_EQ(body->state(), State::ended);
  EXPECT_EQ(d.eiaf.streams(), 0U);
  EXPECT_EQ(ask(client).status, 404);
}

TEST_F(eiaf_streams, of_one_subscription_the_older_ends_for_a_third) {
  const auto first = open(client);
  const auto second = open(client);
  const auto third = open(client);
  EXPECT_EQ(first->state(), State::ended);
  EXPECT_EQ(second->state(), State::open);
  EXPECT_EQ(third->state(), State::open);
  EXPECT_EQ(d.eiaf.streams(), streams_per_subscription_max);
}

TEST_F(eiaf_streams, of_one_client_are_bounded_and_those_that_were_left_give_their_place_back) {
  std::vector<http::GrowingBodyPtr> all;
  for (std::size_t i = 0; i < streams_per_client_max; ++i) all.push_back(open(subscribe()));
  const auto one_more = subscribe();
  const auto refused = ask(one_more);
  EXPECT_EQ(refused.status, 429);
  EXPECT_NE(refused.body.find("streams of events"), std::string::npos) << refused.body;
  all.front()->leave();
  EXPECT_TRUE(open(one_more));
}

}  // namespace
}  // namespace lobo::media_energy
