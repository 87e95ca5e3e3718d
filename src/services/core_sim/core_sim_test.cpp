#include "services/core_sim/core_sim.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/core_sim/config.hpp"
#include "services/core_sim/test_lab.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/route.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;
using Events = std::vector<std::string>;

std::string fault(std::string_view kind, std::string_view more = {}) {
  return R"({"kind":")" + std::string(kind) + "\"" + std::string(more) + "}";
}
constexpr std::string_view create = R"(,"operation":"CreateASSessionWithQoSSubscription")";

// ---- determinism, routes, protection ----------------------------------------------------------

std::string history(std::uint64_t seed) {
  Lab lab(lab_config(), seed);
  std::string all;
  const auto note = [&](const http::Response& response) {
    all += std::to_string(response.status) + response.body;
  };
  std::string body = session_body(
      "video-hd", "10.45.0.2",
      R"(,"qosMonInfo":{"reqQosMonParams":["DOWNLINK"],"repFreqs":["PERIODIC"],"repPeriod":1})");
  body.replace(body.find("[\"SUCC"), 1, "[\"QOS_MONITORING\",");
  note(lab.post_session(body));
  note(lab.post_session(session_body("video-hd", "10.45.0.3")));
  lab.run_for(5s);
  note(lab.control("/ues/ue1/degrade", R"({"lossPercent":5,"delayMs":40})"));
  lab.run_for(5s);
  note(lab.send("GET", "/netsim-control/v1/journal"));
  for (const auto& one : lab.sent) all += one.to + one.body;
  return all;
}

TEST(core_sim, the_same_seed_and_inputs_give_the_same_outputs) {
  EXPECT_EQ(history(7), history(7));
  EXPECT_NE(history(7), history(8));
}

TEST(core_sim, every_operation_is_met_by_its_own_path_and_declares_its_protection) {
  std::set<std::string_view> ids;
  for (const auto& operation : CoreSim::operations()) {
    EXPECT_TRUE(ids.insert(operation.id).second) << operation.id;
    const bool control = operation.path.starts_with("/netsim-control/") ||
                         operation.path.starts_with("/3GPPManagement/");
    EXPECT_EQ(control, operation.protection == resource::Protection::loopback) << operation.id;
  }
  EXPECT_EQ(ids.size(), 80U);
}

TEST(core_sim, the_control_api_is_for_this_machine_only) {
  Lab lab;
  for (const auto& operation : CoreSim::operations()) {
    if (operation.protection != resource::Protection::loopback) continue;
    auto request = lab.request(std::string(operation.method), std::string(operation.path));
    request.peer.loopback = false;
    EXPECT_EQ(lab.ask(request).response->status, 403) << operation.id;
  }
}

TEST(core_sim, an_unknown_path_is_404_and_an_unknown_method_405_with_allow) {
  Lab lab;
  EXPECT_EQ(lab.send("GET", "/").status, 404);
  EXPECT_EQ(lab.send("GET", "/3gpp-as-session-with-qos/v1//subscriptions").status, 404);
  EXPECT_EQ(lab.send("GET", "/3gpp-as-session-with-qos/v1/%zz/subscriptions").status, 404);
  const auto answer = lab.send("DELETE", Lab::sessions_path);
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers.find("allow"), "GET, POST");
}

// ---- tokens -----------------------------------------------------------------------------------

CoreConfig locked() {
  auto config = lab_config();
  config.tokens_required = true;
  return config;
}

http::Response token(Lab& lab, std::string form) {
  return lab.send("POST", "/oauth2/token", std::move(form), "application/x-www-form-urlencoded");
}

TEST(tokens, a_bearer_token_opens_the_nef_for_the_clients_own_afs_until_it_is_over) {
  Lab lab(locked());
  EXPECT_EQ(lab.post_session(session_body("control")).status, 401);
  const auto answer =
      token(lab, "grant_type=client_credentials&client_id=lobo-client&client_secret=s3cret%2B");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(member(answer.body, "/token_type"), "Bearer");
  auto request = lab.request("POST", Lab::sessions_path, session_body("control"));
  request.headers.add("authorization", "Bearer " + member(answer.body, "/access_token"));
  EXPECT_EQ(lab.ask(request).response->status, 201);
  auto foreign = request;
  foreign.target = "/3gpp-as-session-with-qos/v1/other/subscriptions";
  EXPECT_EQ(lab.ask(foreign).response->status, 403);
  lab.run_for(3600s);
  EXPECT_EQ(lab.ask(request).response->status, 401);
}

TEST(tokens, what_is_no_valid_token_request_is_refused_by_rfc_6749) {
  Lab lab(locked());
  EXPECT_EQ(member(token(lab, "grant_type=password&client_id=a&client_secret=b").body, "/error"),
            "unsupported_grant_type");
  EXPECT_EQ(member(token(lab, "client_id=a").body, "/error"), "invalid_request");
  EXPECT_EQ(member(token(lab, "grant_type=client_credentials&grant_type=x").body, "/error"),
            "invalid_request");
  const auto wrong =
      token(lab, "grant_type=client_credentials&client_id=lobo-client&client_secret=no");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(member(wrong.body, "/error"), "invalid_client");
  auto basic = lab.request("POST", "/oauth2/token", "grant_type=client_credentials",
                           "application/x-www-form-urlencoded");
  basic.headers.add("authorization",
                    "Basic bG9iby1jbGllbnQ6czNjcmV0JTJC");  // lobo-client:s3cret%2B
  EXPECT_EQ(lab.ask(basic).response->status, 200);
}

// ---- faults of requests -----------------------------------------------------------------------

TEST(faults, a_request_can_be_refused_unanswered_cut_or_late) {
  Lab lab;
  lab.control("/faults", fault("REFUSE", create));
  lab.control("/faults", fault("NEVER_ANSWER", create));
  lab.control("/faults", fault("CLOSE_MIDWAY", create));
  lab.control("/faults", fault("DELAY", std::string(create) + R"(,"delayMs":700)"));
  const auto body = session_body("control");
  const auto refused = lab.ask(lab.request("POST", Lab::sessions_path, body));
  EXPECT_TRUE(refused.refuse);
  EXPECT_FALSE(refused.response);
  EXPECT_EQ(lab.core.counts().sessions, 0U);
  EXPECT_FALSE(lab.ask(lab.request("POST", Lab::sessions_path, body)).response);
  EXPECT_EQ(lab.core.counts().sessions, 1U);  // and the asker never learns of it
  const auto cut = lab.ask(lab.request("POST", Lab::sessions_path, body));
  EXPECT_TRUE(cut.close_midway);
  EXPECT_EQ(lab.core.counts().sessions, 2U);
  const auto late = lab.ask(lab.request("POST", Lab::sessions_path, body));
  EXPECT_EQ(late.delay, 700ms);
  EXPECT_EQ(late.response->status, 201);
  EXPECT_EQ(lab.post_session(body).status, 201);
}

TEST(faults, statuses_and_redirects_have_no_effect_unless_told_so) {
  Lab lab;
  lab.control("/faults", fault("STATUS", std::string(create) +
                                             R"(,"status":429,"retryAfter":7,"count":2,"skip":1)"));
  const auto body = session_body("control");
  EXPECT_EQ(lab.post_session(body).status, 201);
  const auto busy = lab.post_session(body);
  EXPECT_EQ(busy.status, 429);
  EXPECT_EQ(busy.headers.find("retry-after"), "7");
  EXPECT_EQ(lab.post_session(body).status, 429);
  EXPECT_EQ(lab.core.counts().sessions, 1U);
  lab.control("/faults", fault("STATUS", std::string(create) + R"(,"performed":true)"));
  EXPECT_EQ(lab.post_session(body).status, 503);
  EXPECT_EQ(lab.core.counts().sessions, 2U);
  lab.control("/faults",
              fault("REDIRECT", R"(,"permanent":true,"location":"http://nef2.example/x")"));
  const auto moved = lab.post_session(body);
  EXPECT_EQ(moved.status, 308);
  EXPECT_EQ(moved.headers.find("location"), "http://nef2.example/x");
  lab.control("/faults", fault("REDIRECT"));
  EXPECT_EQ(lab.post_session(body).headers.find("location"),
            "http://nef.example:7777" + std::string(Lab::sessions_path));
}

TEST(faults, an_early_callback_leaves_before_the_answer_and_a_failing_allocation_fails) {
  Lab lab;
  lab.control("/faults", fault("EARLY_CALLBACK"));
  const auto early = lab.ask(lab.request("POST", Lab::sessions_path, session_body("control")));
  EXPECT_EQ(early.callbacks.size(), 1U);
  EXPECT_GT(early.delay, 0ms);
  lab.events();
  lab.control("/faults", fault("ALLOCATION_FAILS"));
  const auto made = lab.post_session(session_body("control"));
  EXPECT_EQ(made.status, 201);
  lab.run_for(1s);
  EXPECT_EQ(lab.events(), Events{"FAILED_RESOURCES_ALLOCATION"});
  EXPECT_EQ(lab.send("DELETE", location_path(made)).status, 204);
}

// ---- faults of callbacks ----------------------------------------------------------------------

TEST(callbacks, one_can_be_sent_twice_lost_or_late) {
  Lab lab;
  lab.control("/faults", fault("DUPLICATE_CALLBACK"));
  lab.post_session(session_body("control"));
  lab.run_for(1s);
  EXPECT_EQ(lab.events(),
            (Events{"SUCCESSFUL_RESOURCES_ALLOCATION", "SUCCESSFUL_RESOURCES_ALLOCATION"}));
  lab.control("/faults", fault("DROP_CALLBACK"));
  lab.post_session(session_body("control"));
  lab.run_for(1s);
  EXPECT_EQ(lab.events(), Events{});
  EXPECT_EQ(lab.core.counts().callbacks_dropped, 1U);
  lab.control("/faults", fault("DELAY_CALLBACK", R"(,"delayMs":5000)"));
  lab.post_session(session_body("control"));
  lab.run_for(5s);
  EXPECT_EQ(lab.events(), Events{});
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), Events{"SUCCESSFUL_RESOURCES_ALLOCATION"});
}

TEST(callbacks, one_can_let_its_successor_pass) {
  Lab lab;
  lab.post_session(session_body("video-hd"));
  lab.run_for(1s);
  lab.events();
  lab.control("/faults", fault("REORDER_CALLBACKS"));
  lab.control("/ues/ue1/degrade", R"({"lossPercent":5})");
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), Events{});
  lab.control("/ues/ue1/restore");
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), (Events{"QOS_GUARANTEED", "QOS_NOT_GUARANTEED"}));
}

TEST(callbacks, one_that_is_not_taken_is_repeated_and_holds_back_those_behind_it) {
  Lab lab;
  int failures = 3;
  lab.answer_callback = [&](const http::Request&) -> std::optional<http::Response> {
    if (failures-- > 0) return std::nullopt;
    return http::Response{204, {}, {}};
  };
  lab.post_session(session_body("video-hd"));
  lab.run_for(25ms);
  lab.control("/ues/ue1/degrade", R"({"lossPercent":5})");
  lab.run_for(10s);
  const std::string success = "SUCCESSFUL_RESOURCES_ALLOCATION";
  EXPECT_EQ(lab.events(), (Events{success, success, success, success, "QOS_NOT_GUARANTEED"}));
  EXPECT_EQ(lab.core.counts().callbacks_pending, 0U);
}

TEST(callbacks, one_that_is_never_taken_is_given_up_and_counted) {
  auto config = lab_config();
  config.callback_attempts_max = 3;
  Lab lab(config);
  lab.answer_callback = [](const http::Request&) { return http::Response{503, {}, {}}; };
  lab.post_session(session_body("control"));
  lab.run_for(1h);
  EXPECT_EQ(lab.sent.size(), 3U);
  EXPECT_EQ(lab.core.counts().callbacks_dropped, 1U);
  EXPECT_FALSE(lab.core.next_due());
}

TEST(callbacks, a_permanent_redirect_holds_for_what_follows_and_a_loop_ends) {
  Lab lab;
  lab.answer_callback = [](const http::Request& request) {
    if (request.authority == "new.example") return http::Response{204, {}, {}};
    return http::Response{308, {{"location", "http://new.example/cb"}}, {}};
  };
  lab.post_session(session_body("video-hd"));
  lab.run_for(1s);
  lab.control("/ues/ue1/degrade", R"({"lossPercent":5})");
  lab.run_for(1s);
  ASSERT_EQ(lab.sent.size(), 3U);
  EXPECT_EQ(lab.sent[1].to, "http://new.example/cb");
  EXPECT_EQ(lab.sent[2].to, "http://new.example/cb");
  lab.sent.clear();
  lab.answer_callback = [](const http::Request&) {
    return http::Response{307, {{"location", "http://loop.example/"}}, {}};
  };
  lab.control("/ues/ue1/restore");
  lab.run_for(1h);
  EXPECT_EQ(lab.sent.size(), 1U + callback_hops_max);
}

// ---- journal, summary, reset ------------------------------------------------------------------

TEST(journal, holds_requests_and_callbacks_with_their_answers_and_no_secrets) {
  Lab lab;
  lab.post_session(session_body("control"));
  lab.run_for(1s);
  token(lab, "grant_type=client_credentials&client_id=lobo-client&client_secret=s3cret%2B");
  const auto page = lab.send("GET", "/netsim-control/v1/journal").body;
  EXPECT_EQ(member(page, "/entries/0/direction"), "in");
  EXPECT_EQ(member(page, "/entries/0/operation"), "CreateASSessionWithQoSSubscription");
  EXPECT_EQ(member(page, "/entries/0/status"), "201");
  EXPECT_EQ(member(page, "/entries/0/body"), session_body("control"));
  EXPECT_EQ(member(page, "/entries/1/direction"), "out");
  EXPECT_EQ(member(page, "/entries/1/path"), "http://app.example/cb/1");
  EXPECT_EQ(member(page, "/entries/1/status"), "204");
  EXPECT_EQ(page.find("s3cret"), std::string::npos);
  EXPECT_EQ(member(lab.send("GET", "/netsim-control/v1/journal?after=2&limit=1").body,
                   "/entries/0/sequence"),
            "3");
  EXPECT_EQ(lab.send("GET", "/netsim-control/v1/journal?after=x").status, 400);
}

TEST(journal, is_a_ring_that_says_what_it_lost) {
  auto config = lab_config();
  config.limits.journal_entries_max = 2;
  Lab lab(config);
  for (int i = 0; i < 5; ++i) lab.send("GET", Lab::sessions_path);
  const auto page = lab.send("GET", "/netsim-control/v1/journal").body;
  EXPECT_EQ(member(page, "/first"), "4");
  EXPECT_EQ(member(page, "/next"), "6");
  EXPECT_EQ(member(page, "/lost"), "3");
}

TEST(core_sim, reset_is_as_after_the_start) {
  Lab lab;
  lab.post_session(session_body("video-hd"));
  lab.control("/ues/ue1/degrade", R"({"lossPercent":5})");
  lab.control("/faults", fault("REFUSE"));
  EXPECT_EQ(lab.control("/reset").status, 204);
  const auto summary = lab.send("GET", "/netsim-control/v1/summary").body;
  EXPECT_EQ(member(summary, "/sessionsWithQos"), "0");
  EXPECT_EQ(member(summary, "/requests"), "0");
  EXPECT_EQ(member(lab.send("GET", "/netsim-control/v1/ues/ue1").body, "/link/lossPercent"), "0");
  EXPECT_EQ(member(lab.send("GET", "/netsim-control/v1/faults").body, "/faults"), "[]");
  EXPECT_EQ(lab.post_session(session_body("video-hd")).status, 201);
}

// ---- UE directory -----------------------------------------------------------------------------

TEST(ue_directory, addresses_of_a_gpsi_and_the_id_behind_an_address) {
  Lab lab;
  const auto addresses = lab.send("POST", "/3gpp-ue-address/v1/retrieve",
                                  R"({"afId":"lobo","gpsi":"msisdn-15551230001"})");
  ASSERT_EQ(addresses.status, 200) << addresses.body;
  EXPECT_EQ(member(addresses.body, "/ueIpAddrs/0/ipv4Addr"), "10.45.0.2");
  EXPECT_EQ(member(addresses.body, "/ueIpAddrs/1/ipv6Addr"), "2001:db8::2");
  const auto id = lab.send("POST", "/3gpp-ueid/v1/retrieve",
                           R"({"afId":"lobo","ueIpAddr":{"ipv6Addr":"2001:db8:0:0::2"}})");
  EXPECT_EQ(member(id.body, "/externalId"), "ue1@lab.example") << id.body;
  const auto by_mac = lab.send("POST", "/3gpp-ueid/v1/retrieve",
                               R"({"afId":"lobo","ueMacAddr":"02-00-00-00-00-01"})");
  EXPECT_EQ(member(by_mac.body, "/externalId"), "ue1@lab.example");
}

TEST(ue_directory, who_is_not_there_is_404_and_a_bad_question_400) {
  Lab lab;
  const std::string address = "/3gpp-ue-address/v1/retrieve";
  const std::string id = "/3gpp-ueid/v1/retrieve";
  EXPECT_EQ(lab.send("POST", address, R"({"afId":"lobo","gpsi":"extid-away@lab.example"})").status,
            404);
  EXPECT_EQ(lab.send("POST", address, R"({"afId":"lobo","gpsi":"msisdn-19999999999"})").status,
            404);
  EXPECT_EQ(lab.send("POST", address, R"({"afId":"stranger","gpsi":"msisdn-15551230001"})").status,
            403);
  EXPECT_EQ(lab.send("POST", address, R"({"afId":"lobo"})").status, 400);
  EXPECT_EQ(lab.send("POST", address, R"({"afId":"lobo","gpsi":""})").status, 400);
  EXPECT_EQ(lab.send("POST", id, R"({"afId":"lobo","ueIpAddr":{"ipv4Addr":"10.45.0.9"}})").status,
            404);
  EXPECT_EQ(lab.send("POST", id, R"({"afId":"lobo"})").status, 400);
  EXPECT_EQ(lab.send("POST", id, R"({"afId":"lobo","ueIpAddr":{"ipv4Addr":""}})").status, 400);
}

// ---- configuration ----------------------------------------------------------------------------

TEST(core_config, every_fault_is_found_at_once) {
  EXPECT_TRUE(check(lab_config()));
  auto config = lab_config();
  config.api_root = "nef";
  config.ues[0].cell = "nowhere";
  config.ues[1].ipv4 = "10.45.0";
  config.ues[2].name = "ue2";
  config.clients[0].scs_as_ids = {"stranger"};
  const auto checked = check(config);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().faults.size(), 5U);
}

}  // namespace
}  // namespace lobo::core_sim
