
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/core_sim/test_lab.hpp"
#include "wire/json/value.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;
using Events = std::vector<std::string>;

TEST(as_session_with_qos, a_created_session_is_answered_with_its_absolute_location) {
  Lab lab;
  const auto created = lab.post_session(session_body("video-hd"));
  ASSERT_EQ(created.status, 201) << created.body;
  const auto location = created.headers.find("location").value_or("");
  EXPECT_TRUE(location.starts_with(
      "http://nef.example:7777/3gpp-as-session-with-qos/v1/lobo/subscriptions/"));
  EXPECT_EQ(member(created.body, "/self"), location);
  EXPECT_EQ(created.headers.find("x-lobo-simulated"), "netsim");
  const auto read = lab.send("GET", location_path(created));
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, created.body);
}

TEST(as_session_with_qos, the_allocation_event_follows_after_the_201) {
  Lab lab;
  const auto created = lab.post_session(session_body("video-hd"));
  EXPECT_TRUE(lab.sent.empty());
  lab.run_for(20ms);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.sent[0].to, "http://app.example/cb/1");
  EXPECT_EQ(member(lab.sent[0].body, "/transaction"), created.headers.find("location"));
  EXPECT_EQ(member(lab.sent[0].body, "/eventReports/0/flowIds"), "[65537]");
  EXPECT_EQ(lab.events(), Events{"SUCCESSFUL_RESOURCES_ALLOCATION"});
}

TEST(as_session_with_qos, the_allocation_event_can_leave_before_the_201) {
  auto config = lab_config();
  config.early_allocation_event = true;
  Lab lab(config);
  const auto output = lab.ask(lab.request("POST", Lab::sessions_path, session_body("video-hd")));
  ASSERT_EQ(output.response->status, 201);
  EXPECT_EQ(output.callbacks.size(), 1U);
  EXPECT_GT(output.delay, 0ms);
  lab.run_for(10s);
  EXPECT_EQ(lab.events(), Events{"SUCCESSFUL_RESOURCES_ALLOCATION"});
}

TEST(as_session_with_qos, what_nobody_subscribed_to_is_not_sent) {
  Lab lab;
  std::string body = session_body("video-hd");
  body.replace(body.find(R"(,"events")"), std::string::npos, "}");
  ASSERT_EQ(lab.post_session(body).status, 201);
  lab.run_for(1s);
  EXPECT_TRUE(lab.sent.empty());
}

TEST(as_session_with_qos, a_full_cell_is_a_403_that_says_what_would_fit) {
  Lab lab;
  ASSERT_EQ(lab.post_session(session_body("video-hd")).status, 201);
  const auto refused = lab.post_session(session_body("video-hd", "10.45.0.3"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.headers.find("content-type"), "application/problem+json");
  EXPECT_EQ(member(refused.body, "/cause"), "REQUESTED_SERVICE_NOT_AUTHORIZED");
  EXPECT_EQ(member(refused.body, "/acceptableServInfo/marBwDl"), "40 Mbps");
  EXPECT_EQ(member(refused.body, "/acceptableServInfo/marBwUl"), "40 Mbps");
  EXPECT_EQ(member(refused.body, "/acceptableServInfo/accBwMedComps/1/qosReference"), "video-sd");
  EXPECT_EQ(lab.post_session(session_body("video-sd", "10.45.0.3")).status, 201);
  EXPECT_TRUE(lab.core.books_balance());
}

TEST(as_session_with_qos, an_alternative_that_fits_is_taken_and_told) {
  Lab lab;
  ASSERT_EQ(lab.post_session(session_body("video-hd")).status, 201);
  lab.run_for(1s);
  lab.events();
  const auto created = lab.post_session(
      session_body("video-hd", "10.45.0.3", R"(,"altQoSReferences":["video-sd"])"));
  ASSERT_EQ(created.status, 201);
  lab.run_for(1s);
  EXPECT_EQ(lab.events(), Events{"SUCCESSFUL_RESOURCES_ALLOCATION video-sd"});
}

TEST(as_session_with_qos, a_network_without_alternatives_refuses_instead) {
  auto config = lab_config();
  config.admit_alternatives = false;
  Lab lab(config);
  ASSERT_EQ(lab.post_session(session_body("video-hd")).status, 201);
  const auto refused =
      lab.post_session(session_body("video-hd", "10.45.0.3", R"(,"altQoSReferences":["control"])"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(member(refused.body, "/acceptableServInfo/accBwMedComps/1/qosReference"), "control");
}

TEST(as_session_with_qos, a_network_that_admits_late_fails_by_an_event) {
  auto config = lab_config();
  config.admit_at_allocation = true;
  Lab lab(config);
  ASSERT_EQ(lab.post_session(session_body("video-hd")).status, 201);
  ASSERT_EQ(lab.post_session(session_body("video-hd", "10.45.0.3")).status, 201);
  lab.run_for(1s);
  EXPECT_EQ(lab.events(),
            (Events{"SUCCESSFUL_RESOURCES_ALLOCATION", "FAILED_RESOURCES_ALLOCATION"}));
  EXPECT_TRUE(lab.core.books_balance());
}

TEST(as_session_with_qos, deleting_gives_back_exactly_what_was_taken) {
  Lab lab;
  const auto created = lab.post_session(session_body("video-hd"));
  EXPECT_EQ(lab.send("DELETE", location_path(created)).status, 204);
  EXPECT_EQ(lab.send("GET", location_path(created)).status, 404);
  EXPECT_EQ(lab.core.counts().sessions, 0U);
  const auto cells = lab.send("GET", "/netsim-control/v1/cells");
  EXPECT_EQ(member(cells.body, "/cells/0/reservedDl"), "0 bps");
  EXPECT_EQ(member(cells.body, "/cells/0/reservedUl"), "0 bps");
  lab.run_for(10s);
  EXPECT_TRUE(lab.sent.empty());
}

TEST(as_session_with_qos, an_af_that_counts_usage_gets_the_last_count_with_the_deletion) {
  Lab lab;
  std::string body =
      session_body("video-hd", "10.45.0.2", R"(,"usageThreshold":{"totalVolume":1000000000000})");
  body.replace(body.find("[\"SUCC"), 1, "[\"USAGE_REPORT\",");
  const auto created = lab.post_session(body);
  ASSERT_EQ(created.status, 201) << created.body;
  lab.run_for(20ms + 8s);
  const auto deleted = lab.send("DELETE", location_path(created));
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(member(deleted.body, "/eventReports/0/event"), "USAGE_REPORT");
  EXPECT_EQ(member(deleted.body, "/eventReports/0/accumulatedUsage/downlinkVolume"), "60000000");
  EXPECT_EQ(member(deleted.body, "/eventReports/0/accumulatedUsage/uplinkVolume"), "10000000");
}

TEST(as_session_with_qos, patch_changes_the_quality_and_allocates_anew) {
  Lab lab;
  const auto created = lab.post_session(session_body("video-hd"));
  lab.run_for(1s);
  lab.events();
  const auto patched = lab.send("PATCH", location_path(created),
                                R"({"qosReference":"video-sd","altQoSReferences":["control"]})",
                                "application/merge-patch+json");
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(member(patched.body, "/qosReference"), "video-sd");
  lab.run_for(1s);
  EXPECT_EQ(lab.events(), Events{"SUCCESSFUL_RESOURCES_ALLOCATION"});
  const auto without = lab.send("PATCH", location_path(created), R"({"altQoSReferences":null})",
                                "application/merge-patch+json");
  EXPECT_EQ(member(without.body, "/altQoSReferences"), "");
}

TEST(as_session_with_qos, patch_of_the_destination_alone_leaves_the_reservation_alone) {
  Lab lab;
  const auto created = lab.post_session(session_body("video-hd"));
  lab.run_for(1s);
  lab.events();
  ASSERT_EQ(lab.send("PATCH", location_path(created),
                     R"({"notificationDestination":"http://app.example/new"})",
                     "application/merge-patch+json")
                .status,
            200);
  lab.run_for(1s);
  EXPECT_TRUE(lab.sent.empty());
  lab.control("/ues/ue1/degrade", R"({"lossPercent":5})");
  lab.run_for(1s);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.sent[0].to, "http://app.example/new");
}

TEST(as_session_with_qos, a_refused_change_leaves_everything_as_it_was) {
  Lab lab;
  const auto created = lab.post_session(session_body("video-sd"));
  ASSERT_EQ(lab.post_session(session_body("video-hd", "10.45.0.3")).status, 201);
  lab.run_for(1s);
  lab.events();
  const auto path = location_path(created);
  const auto before = lab.send("GET", path).body;
  const auto reservations = lab.send("GET", "/netsim-control/v1/reservations").body;
  for (const auto* patch :
       {R"({"qosReference":"video-hd"})", R"({"qosReference":"unknown"})", R"({"qosReference":""})",
        R"({"notificationDestination":null})", R"({"ueIpv4Addr":"10.45.0.3"})",
        R"({"flowInfo":[]})", R"({"flowInfo":null})", R"({"events":["QOS_MONITORING"]})", "[]", "{",
        ""}) {
    const auto answer = lab.send("PATCH", path, patch, "application/merge-patch+json");
    EXPECT_GE(answer.status, 400) << patch;
    EXPECT_LT(answer.status, 500) << patch;
    EXPECT_EQ(lab.send("GET", path).body, before) << patch;
    EXPECT_EQ(lab.send("GET", "/netsim-control/v1/reservations").body, reservations) << patch;
  }
  lab.run_for(1s);
  EXPECT_TRUE(lab.sent.empty());
}

TEST(as_session_with_qos, put_replaces_all_but_the_ue) {
  Lab lab;
  const auto path = location_path(
      lab.post_session(session_body("video-hd", "10.45.0.2", R"(,"qosDuration":3600)")));
  const auto replaced = lab.send("PUT", path, session_body("video-sd"));
  ASSERT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_EQ(member(replaced.body, "/qosReference"), "video-sd");
  EXPECT_EQ(member(replaced.body, "/qosDuration"), "");
  const auto other = lab.send("PUT", path, session_body("video-sd", "10.45.0.3"));
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(member(other.body, "/invalidParams/0/param"), "/ueIpv4Addr");
}

TEST(as_session_with_qos, the_list_shows_the_afs_own_sessions_and_can_be_narrowed_to_a_ue) {
  Lab lab;
  lab.post_session(session_body("control"));
  lab.post_session(session_body("control", "10.45.0.3"));
  const std::string path = Lab::sessions_path;
  EXPECT_EQ(json::parse(lab.send("GET", path).body)->array()->size(), 2U);
  EXPECT_EQ(lab.send("GET", "/3gpp-as-session-with-qos/v1/other/subscriptions").body, "[]");
  const auto one = lab.send("GET", path + "?ip-addrs=%5B%7B%22ipv4Addr%22:%2210.45.0.3%22%7D%5D");
  EXPECT_EQ(member(one.body, "/0/ueIpv4Addr"), "10.45.0.3");
  EXPECT_EQ(json::parse(one.body)->array()->size(), 1U);
  EXPECT_EQ(lab.send("GET", path + "?mac-addrs=02-00-00-00-00-01").body.substr(0, 2), "[{");
}

TEST(as_session_with_qos, a_query_that_should_be_json_and_is_not_is_refused_not_ignored) {
  Lab lab;
  const std::string path = Lab::sessions_path;
  for (const auto* query : {"?ip-addrs=10.45.0.2", "?ip-addrs=", "?ip-addrs=%5B%5D",
                            "?ip-addrs=%7B%7D", "?ip-addrs=%5B%7B%7D%5D", "?ip-addrs=%zz"})
    EXPECT_EQ(lab.send("GET", path + query).status, 400) << query;
}

TEST(as_session_with_qos, another_afs_session_does_not_exist) {
  Lab lab;
  auto path = location_path(lab.post_session(session_body("control")));
  path.replace(path.find("/lobo/"), 6, "/other/");
  EXPECT_EQ(lab.send("GET", path).status, 404);
  EXPECT_EQ(lab.send("DELETE", path).status, 404);
  EXPECT_EQ(lab.core.counts().sessions, 1U);
}

TEST(as_session_with_qos, an_af_that_nobody_configured_is_refused) {
  Lab lab;
  EXPECT_EQ(lab.send("POST", "/3gpp-as-session-with-qos/v1/stranger/subscriptions",
                     session_body("control"))
                .status,
            403);
}

TEST(as_session_with_qos, a_ue_without_pdu_session_is_answered_as_the_operators_pcf_does) {
  Lab lab;
  const auto answer = lab.post_session(session_body("control", "10.45.0.9"));
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(member(answer.body, "/cause"), "PDU_SESSION_NOT_AVAILABLE");
  auto config = lab_config();
  config.no_session_status = 404;
  Lab other(config);
  EXPECT_EQ(other.post_session(session_body("control", "10.99.0.1")).status, 404);
}

TEST(as_session_with_qos, content_types_are_checked) {
  Lab lab;
  const auto path = location_path(lab.post_session(session_body("control")));
  EXPECT_EQ(lab.send("POST", Lab::sessions_path, session_body("control"), "text/plain").status,
            415);
  EXPECT_EQ(lab.send("PATCH", path, "{}", "application/json").status, 415);
  EXPECT_EQ(lab.send("PATCH", path, "{}", "application/json-patch+json").status, 415);
  auto read = lab.request("GET", path);
  read.headers.add("accept", "text/html");
  EXPECT_EQ(lab.ask(read).response->status, 406);
  EXPECT_EQ(lab.send("POST", path, "{}").status, 405);
}

TEST(as_session_with_qos, the_quota_of_an_af_is_a_status_code) {
  auto config = lab_config();
  config.limits.sessions_per_af_max = 2;
  Lab lab(config);
  EXPECT_EQ(lab.post_session(session_body("control")).status, 201);
  EXPECT_EQ(lab.post_session(session_body("control")).status, 201);
  const auto refused = lab.post_session(session_body("control"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(member(refused.body, "/cause"), "QUOTA_EXCEEDED");
}

TEST(as_session_with_qos, supported_features_are_the_intersection) {
  auto config = lab_config();
  config.supported_features = "2a";
  Lab lab(config);
  const auto created =
      lab.post_session(session_body("control", "10.45.0.2", R"(,"supportedFeatures":"F0F")"));
  EXPECT_EQ(member(created.body, "/supportedFeatures"), "a");
}

TEST(as_session_with_qos, a_test_notification_comes_when_it_was_asked_for) {
  Lab lab;
  const auto created =
      lab.post_session(session_body("control", "10.45.0.2", R"(,"requestTestNotification":true)"));
  lab.run_for(1ms);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(member(lab.sent[0].body, "/subscription"), created.headers.find("location"));
}

TEST(as_session_with_qos, a_session_with_a_duration_ends_by_itself) {
  Lab lab;
  lab.post_session(session_body("control", "10.45.0.2", R"(,"qosDuration":5)"));
  lab.run_for(5s);
  EXPECT_EQ(lab.events(), (Events{"SUCCESSFUL_RESOURCES_ALLOCATION", "SESSION_TERMINATION"}));
  EXPECT_EQ(lab.core.counts().sessions, 0U);
}

}  // namespace
}  // namespace lobo::core_sim
