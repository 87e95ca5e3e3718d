// TS 23.434 clause 14.3.3.3.2, from the request to the answer.

#include <gtest/gtest.h>

#include <vector>

#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/representation.hpp"
#include "support/nrm_driver.hpp"

namespace lobo::seal_nrm {
namespace {

using namespace std::chrono_literals;
using lobo::testing::plain_create;
using Driver = lobo::testing::NrmDriver;

TEST(unicast_create, is_answered_only_after_the_network_confirmed) {
  Driver d;
  const auto request = d.create(plain_create);
  d.deliver_tells();  // The watch asks the core where the UE is.
  EXPECT_EQ(d.status(request), 0);
  EXPECT_EQ(d.stage(d.last_key), "resolving");
  d.answer_by_core();
  d.deliver_tells();
  EXPECT_EQ(d.stage(d.last_key), "reserving");
  EXPECT_EQ(d.status(request), 0);
  d.answer_by_core();
  EXPECT_EQ(d.stage(d.last_key), "confirmed");
  ASSERT_EQ(d.status(request), 201);
  EXPECT_EQ(d.replies.at(request).headers.find("location"),
            "http://127.0.0.60:7777/ss-nra/v1/unicast-subscriptions/u1");
  const auto body = d.body(request);
  EXPECT_EQ(*body.find("suppFeat")->text(), "70000000001");
  EXPECT_EQ(*body.find("uniQosState")->find("controlPlane")->text(), "confirmed");
  EXPECT_EQ(*body.find("uniQosState")->find("userPlane")->text(), "unknown");
  EXPECT_FALSE(d.has_timer(d.last_key));
}

TEST(unicast_create, takes_two_commits_where_the_ue_is_watched_already) {
  Driver d;
  d.create(plain_create);
  d.deliver();
  const auto request = d.create(plain_create);
  EXPECT_EQ(d.stage(d.last_key), "reserving");
  EXPECT_TRUE(d.tells.empty());
  d.answer_by_core();
  EXPECT_EQ(d.status(request), 201);
  EXPECT_EQ(d.lookup.records.at(d.last_key).version, 2U);
}

TEST(unicast_create, says_simulated_where_the_network_is_none) {
  Driver d;
  const auto request = d.create(plain_create);
  d.deliver_tells();
  d.answer_by_core();
  d.deliver_tells();
  auto response = d.core.handle(d.calls.front().call.request);
  response.headers.add("x-lobo-simulated", "1");
  d.answer(response);
  const auto body = d.body(request);
  EXPECT_EQ(*body.find("uniQosState")->find("controlPlane")->text(), "simulated");
  EXPECT_EQ(*body.find("uniQosState")->find("userPlane")->text(), "simulated");
}

TEST(unicast_create, says_enforced_as_long_as_the_network_says_it) {
  Driver d;
  d.settings.core.allocation_events = AllocationEvents::always;
  const auto request = d.create(plain_create);
  d.deliver_tells();
  d.answer_by_core();
  d.deliver_tells();
  auto response = d.core.handle(d.calls.front().call.request);
  response.headers.add("x-lobo-simulated", "netsim");
  d.answer(response);
  d.said_of_packets = "netsim; user-plane=enforced";
  d.event(d.last_key, "SUCCESSFUL_RESOURCES_ALLOCATION");
  const auto made = d.body(request);
  EXPECT_EQ(*made.find("uniQosState")->find("controlPlane")->text(), "simulated");
  EXPECT_EQ(*made.find("uniQosState")->find("userPlane")->text(), "enforced");
  const auto user_plane = [&] { return truth(d.state(d.last_key), d.settings).user_plane.text; };
  d.said_of_packets = "netsim";
  d.event(d.last_key, "QOS_NOT_GUARANTEED");
  EXPECT_EQ(user_plane(), "simulated") << "the user plane was lost";
  d.said_of_packets = "netsim; user-plane=enforced";
  d.event(d.last_key, "QOS_GUARANTEED");
  EXPECT_EQ(user_plane(), "enforced");
}

TEST(unicast_create, shows_no_extension_to_who_did_not_negotiate_it) {
  Driver d;
  const auto request =
      d.create(R"({"valTgtUe":{"valUserId":"alice"},"notifUri":"http://127.0.0.1:9000/n",
    "wsNotifCfg":{"requestWebsocketUri":true},"suppFeat":"3"})");
  d.deliver();
  ASSERT_EQ(d.status(request), 201);
  const auto body = d.body(request);
  EXPECT_EQ(body.find("uniQosState"), nullptr);
  EXPECT_EQ(body.find("wsNotifCfg"), nullptr);
  EXPECT_EQ(*body.find("suppFeat")->text(), "1");
}

TEST(unicast_create, refused_by_admission_tells_what_the_network_offers_and_leaves_nothing) {
  Driver d;
  const auto request = d.create(plain_create);
  d.deliver_tells();
  d.answer_by_core();
  d.deliver_tells();
  d.answer(http::Response{
      403, {}, R"({"cause":"REQUESTED_SERVICE_TEMPORARILY_NOT_AUTHORIZED","detail":"cell is full",
    "acceptableServInfo":{"marBwDl":"2 Mbps"}})"});
  ASSERT_EQ(d.status(request), 403);
  EXPECT_EQ(d.cause(request), "REQUESTED_SERVICE_TEMPORARILY_NOT_AUTHORIZED");
  EXPECT_EQ(*d.body(request).find("acceptableServInfo")->find("marBwDl")->text(), "2 Mbps");
  EXPECT_FALSE(d.exists(d.last_key));
  d.deliver();  // Nobody needs the watch any more.
  EXPECT_TRUE(d.lookup.records.empty());
  EXPECT_TRUE(d.core.watches.empty());
}

struct Mapped {
  http::Response core;
  int status;
  std::string cause;
};

TEST(unicast_create, passes_on_what_the_network_said_as_it_was_meant) {
  const std::vector<Mapped> cases = {
      {{400, {}, R"({"invalidParams":[{"param":"/tscQosReq/reqGbrDl","reason":"too much"}]})"},
       400,
       "OPTIONAL_IE_INCORRECT"},
      {{400, {}, R"({"invalidParams":[{"param":"/dnn"}]})"},
       403,
       "REQUESTED_SERVICE_NOT_AUTHORIZED"},
      {{400, {}, "<html>"}, 403, "REQUESTED_SERVICE_NOT_AUTHORIZED"},
      {{404, {}, {}}, 403, "UE_NOT_CONNECTED"},
      {{401, {}, {}}, 503, "NETWORK_UNAVAILABLE"},
      {{429, {{"retry-after", "7"}}, {}}, 503, "NETWORK_CONGESTED"},
      {{503, {{"retry-after", "-1"}}, {}}, 503, "NETWORK_UNAVAILABLE"},
      {{500, {}, R"({"cause":"PDU_SESSION_NOT_AVAILABLE"})"}, 403, "UE_NOT_CONNECTED"},
      {{500, {}, {}}, 503, "NETWORK_UNAVAILABLE"},
      {{200, {}, {}}, 503, "NETWORK_UNAVAILABLE"},
  };
  for (const auto& one : cases) {
    Driver d;
    const auto request = d.create(plain_create);
    d.deliver_tells();
    d.answer_by_core();
    d.deliver_tells();
    d.answer(one.core);
    EXPECT_EQ(d.status(request), one.status) << one.core.status << one.core.body;
    EXPECT_EQ(d.cause(request), one.cause) << one.core.status << one.core.body;
    EXPECT_EQ(d.replies.at(request).headers.find("retry-after").has_value(), one.status == 503);
    if (one.core.status == 429) {
      EXPECT_EQ(d.replies.at(request).headers.find("retry-after"), "7");
    }
    if (one.status == 400) { EXPECT_EQ(d.blamed(request), std::vector<std::string>{"/uniQosReq"}); }
    d.run_for(60s);
    EXPECT_TRUE(d.lookup.records.empty()) << one.core.status;
  }
}

TEST(unicast_create, that_is_not_confirmed_in_time_is_answered_504_and_released) {
  Driver d;
  d.settings.core.allocation_events = AllocationEvents::always;
  const auto request = d.create(plain_create);
  d.deliver();
  EXPECT_EQ(d.stage(d.last_key), "allocating");
  d.run_for(4900ms);
  EXPECT_EQ(d.status(request), 0);
  EXPECT_EQ(d.core.sessions.size(), 1U);
  d.run_for(200ms);
  EXPECT_EQ(d.status(request), 504);
  d.deliver();
  EXPECT_TRUE(d.core.sessions.empty());
  EXPECT_TRUE(d.lookup.records.find(d.last_key) == d.lookup.records.end());
}

TEST(unicast_create, whose_answer_is_lost_is_found_in_the_cores_list_and_released) {
  Driver d;
  const auto request = d.create(plain_create);
  d.deliver_tells();
  d.answer_by_core();
  d.deliver_tells();
  d.core.handle(d.calls.front().call.request);  // The core has it, we never learn.
  d.answer(fail(Errc::timeout, "no answer"));
  EXPECT_EQ(d.status(request), 504);
  EXPECT_EQ(d.stage(d.last_key), "releasing");
  d.run_for(1s);
  EXPECT_TRUE(d.core.sessions.empty());
  EXPECT_TRUE(d.lookup.records.empty());
}

TEST(unicast_create, whose_answer_is_lost_is_looked_for_a_second_time) {
  Driver d;
  d.create(plain_create);
  d.deliver_tells();
  d.answer_by_core();
  d.deliver_tells();
  const auto slow = d.calls.front().call.request;
  d.answer(fail(Errc::timeout, "no answer"));
  d.run_for(5s);
  EXPECT_EQ(d.stage(d.last_key), "releasing");  // The first list was clean.
  d.core.handle(slow);                          // Only now does the request arrive inside the core.
  d.run_for(10s);
  EXPECT_TRUE(d.core.sessions.empty());
  EXPECT_TRUE(d.lookup.records.empty());
}

TEST(unicast_create, waits_for_the_allocation_event_of_a_core_that_sends_it) {
  Driver d;
  d.settings.core.allocation_events = AllocationEvents::always;
  const auto request = d.create(plain_create);
  d.deliver();
  EXPECT_EQ(d.status(request), 0);
  const auto callback = d.event(d.last_key, "SUCCESSFUL_RESOURCES_ALLOCATION");
  EXPECT_EQ(d.status(callback), 204);
  EXPECT_EQ(d.status(request), 201);
}

TEST(unicast_create, learns_from_the_first_event_that_this_core_sends_them) {
  Driver d;
  d.settings.core.allocation_events = AllocationEvents::learned;
  const auto first = d.create(plain_create);
  d.deliver();
  EXPECT_EQ(d.status(first), 201);  // Nothing known: its 2xx counts.
  d.event(d.last_key, "SUCCESSFUL_RESOURCES_ALLOCATION");
  d.deliver();
  const auto second = d.create(plain_create);
  d.deliver();
  EXPECT_EQ(d.status(second), 0);
  d.event(d.last_key, "SUCCESSFUL_RESOURCES_ALLOCATION");
  EXPECT_EQ(d.status(second), 201);
}

TEST(unicast_create, remembers_a_callback_that_came_before_the_201) {
  for (const std::string event :
       {"SUCCESSFUL_RESOURCES_ALLOCATION", "FAILED_RESOURCES_ALLOCATION"}) {
    Driver d;
    d.settings.core.allocation_events = AllocationEvents::always;
    const auto request = d.create(plain_create);
    d.deliver_tells();
    d.answer_by_core();
    d.deliver_tells();
    const auto response = d.core.handle(d.calls.front().call.request);
    const auto early =
        d.call_back(d.last_key, R"({"transaction":"http://core.example/a/subscriptions/s2",
      "eventReports":[{"event":")" + event +
                                    "\"}]}");
    EXPECT_EQ(d.status(early), 204);
    EXPECT_EQ(d.status(request), 0);
    d.answer(response);
    EXPECT_EQ(d.status(request), event[0] == 'S' ? 201 : 403);
    d.deliver();
    EXPECT_EQ(d.core.sessions.size(), event[0] == 'S' ? 1U : 0U);
  }
}

TEST(unicast_create, whose_allocation_fails_is_refused_and_released) {
  Driver d;
  d.settings.core.allocation_events = AllocationEvents::always;
  const auto request = d.create(plain_create);
  d.deliver();
  d.event(d.last_key, "FAILED_RESOURCES_ALLOCATION");
  EXPECT_EQ(d.status(request), 403);
  EXPECT_EQ(d.cause(request), "FAILED_RESOURCES_ALLOCATION");
  d.deliver();
  EXPECT_TRUE(d.core.sessions.empty());
  EXPECT_TRUE(d.core.watches.empty());
}

TEST(unicast_create, for_a_ue_without_connection_is_refused) {
  Driver d;
  d.core.address = "";
  const auto request = d.create(plain_create);
  d.deliver();
  EXPECT_EQ(d.status(request), 403);
  EXPECT_EQ(d.cause(request), "UE_NOT_CONNECTED");
  EXPECT_TRUE(d.lookup.records.empty());
}

TEST(unicast_create, asks_for_the_address_where_the_core_does_not_watch) {
  Driver d;
  d.core.watches_ues = false;
  const auto request = d.create(plain_create);
  d.deliver();
  ASSERT_EQ(d.status(request), 201);
  EXPECT_EQ(*d.body(request).find("uniQosState")->find("cause")->text(), "UE_ADDRESS_NOT_FOLLOWED");
}

TEST(unicast_create, with_a_test_notification_sends_it_right_after_the_201) {
  Driver d;
  const auto request = d.create(
      R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://127.0.0.1:9000/n","reqTestNotif":true})");
  d.deliver();
  ASSERT_EQ(d.status(request), 201);
  ASSERT_EQ(d.notifications.size(), 1U);
  EXPECT_EQ(d.notifications[0].sequence, 1U);
  EXPECT_EQ(d.notifications[0].body,
            R"({"subscription":"http://127.0.0.60:7777/ss-nra/v1/unicast-subscriptions/u1"})");
}

TEST(unicast_create, again_with_the_same_key_gets_the_same_answer) {
  Driver d;
  const auto first = d.create(plain_create);
  d.deliver();
  const auto again = d.create(plain_create, "app", "u1");
  EXPECT_EQ(d.status(again), 201);
  EXPECT_EQ(d.replies.at(again), d.replies.at(first));
  EXPECT_EQ(d.core.sessions.size(), 1U);
}

TEST(unicast_create, again_while_the_first_attempt_is_undone_says_when_to_ask) {
  Driver d;
  d.create(plain_create);
  d.deliver_tells();
  d.answer_by_core();  // The watch.
  d.deliver_tells();
  const auto again = [&] {
    return d.command(d.last_key, "CreateUnicastSubscription", plain_create, "app");
  };
  const auto under_way = again();
  EXPECT_EQ(d.status(under_way), 409);
  EXPECT_EQ(d.replies.at(under_way).headers.find("retry-after"), "1");
  d.answer(fail(Errc::timeout, "lost"));
  ASSERT_EQ(d.stage(d.last_key), "releasing");
  const auto undone = again();
  EXPECT_EQ(d.status(undone), 409);
  EXPECT_EQ(d.cause(undone), "RESOURCE_NOT_SETTLED");
  EXPECT_EQ(d.replies.at(undone).headers.find("retry-after"), "1");
}

TEST(unicast_create, beyond_what_one_ue_may_have_is_refused) {
  Driver d;
  d.settings.limits.unicasts_per_ue_max = 2;
  d.create(plain_create);
  d.create(plain_create);
  EXPECT_EQ(d.status(d.create(plain_create)), 429);
}

TEST(unicast_create, without_a_store_is_refused_and_not_begun) {
  Driver d;
  d.lookup.broken = true;
  EXPECT_EQ(d.status(d.create(plain_create)), 503);
  EXPECT_TRUE(d.calls.empty());
}

// ---- hostile answers
// ------------------------------------------------------------------------------

TEST(unicast_create, lesson_03_survives_a_201_with_a_short_location) {
  for (const std::string location :
       {"", "/", "x", "s2", "http://core.example", "http://core.example/", "//", "http://",
        "/subscriptions", "/subscriptions/", "/subscriptions/..", "http://evil.example/other/s2",
        "/subscriptions/a%2Fb", "/subscriptions/a b"}) {
    Driver d;
    const auto request = d.create(plain_create);
    d.deliver_tells();
    d.answer_by_core();
    d.deliver_tells();
    auto response = d.core.handle(d.calls.front().call.request);
    response.headers.set("location", location);
    response.body = "{}";
    d.answer(response);
    EXPECT_EQ(d.status(request), 0) << location;
    d.deliver();  // It exists, so the core's list has it.
    EXPECT_EQ(d.status(request), 201) << location;
    EXPECT_EQ(d.session_of(d.last_key), "s2") << location;
    d.remove(d.last_key);
    d.run_for(30s);
    EXPECT_TRUE(d.core.sessions.empty()) << location;
  }
}

TEST(unicast_create, takes_the_name_from_a_location_of_any_host_and_never_goes_there) {
  Driver d;
  d.create(plain_create);
  d.deliver_tells();
  d.answer_by_core();
  d.deliver_tells();
  auto response = d.core.handle(d.calls.front().call.request);
  response.headers.set("location", "http://evil.example/elsewhere/subscriptions/s2?x=1");
  d.answer(response);
  d.remove(d.last_key);
  ASSERT_EQ(d.calls.size(), 1U);
  EXPECT_EQ(d.calls[0].call.request.target, "/3gpp-as-session-with-qos/v1/lobo/subscriptions/s2");
  EXPECT_EQ(d.calls[0].call.request.authority, "");
}

TEST(unicast_create, lesson_12_survives_a_201_without_any_of_what_is_mandatory) {
  Driver d;
  const auto request = d.create(plain_create);
  d.deliver_tells();
  d.answer_by_core();
  d.deliver_tells();
  d.core.handle(d.calls.front().call.request);
  d.answer(http::Response{201, {}, {}});
  d.deliver();
  EXPECT_EQ(d.status(request), 201);
}

}  // namespace
}  // namespace lobo::seal_nrm
