#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/core_sim/test_lab.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

constexpr const char* sessions_path = "/npcf-policyauthorization/v1/app-sessions";
constexpr const char* merge_patch_type = "application/merge-patch+json";

constexpr std::string_view usual_events =
    R"({"events":[{"event":"SUCCESSFUL_RESOURCES_ALLOCATION"},)"
    R"({"event":"FAILED_RESOURCES_ALLOCATION"},{"event":"QOS_NOTIF"}],)"
    R"("notifUri":"http://app.example/cb/1"})";

std::string component(std::string_view quality, std::string_view ipv4 = "10.45.0.2") {
  std::string text = R"({"medCompN":1,)" + std::string(quality);
  text += R"(,"medSubComps":{"1":{"fNum":1,"fDescs":["permit out 17 from 192.0.2.10 5004 to )";
  text += ipv4;
  return text + R"( 40000"]}}})";
}

/// A session with `quality` as members of its media component; `more` is appended (",…").
std::string app_session(std::string_view quality, std::string_view ipv4 = "10.45.0.2",
                        std::string_view more = {}) {
  std::string body = R"({"ascReqData":{"notifUri":"http://app.example/cb/1","suppFeat":"10000",)"
                     R"("ueIpv4":")";
  body += ipv4;
  body += R"(","medComponents":{"1":)" + component(quality, ipv4);
  body += R"(},"evSubsc":)" + std::string(usual_events);
  body += more;
  return body + "}}";
}

std::string path_of(const http::Response& created) {
  const auto location = created.headers.find("location").value_or("");
  const auto at = location.find("/npcf");
  return at == std::string_view::npos ? std::string() : std::string(location.substr(at));
}

http::Response post(Lab& lab, const std::string& body) {
  return lab.send("POST", sessions_path, body);
}

/// "/terminate PDU_SESSION_TERMINATION", "/notify QOS_NOTIF NOT_GUARANTEED video-sd", in order.
Texts told(Lab& lab) {
  Texts all;
  for (const auto& one : lab.sent) {
    std::string line = one.to.substr(one.to.rfind('/'));
    for (const auto* pointer : {"/termCause", "/evNotifs/0/event", "/qncReports/0/notifType",
                                "/qncReports/0/altSerReq", "/succResourcAllocReports/0/altSerReq"})
      if (const auto value = member(one.body, pointer); !value.empty()) line += " " + value;
    all.push_back(std::move(line));
  }
  lab.sent.clear();
  return all;
}

std::int64_t reservations(Lab& lab) {
  const auto list = json::parse(lab.send("GET", "/netsim-control/v1/reservations").body);
  return static_cast<std::int64_t>(list->find("reservations")->array()->size());
}

TEST(policy_authorization, a_created_session_has_a_location_and_its_allocation_is_told) {
  Lab lab;
  const auto created = post(lab, app_session(R"("qosReference":"video-hd")"));
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(member(created.body, "/ascReqData/medComponents/1/qosReference"), "video-hd");
  EXPECT_EQ(member(created.body, "/ascRespData/suppFeat"), "10000");
  EXPECT_TRUE(
      created.headers.find("location")
          .value_or("")
          .starts_with("http://nef.example:7777/npcf-policyauthorization/v1/app-sessions/"));
  lab.run_for(20ms);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.sent[0].to, "http://app.example/cb/1/notify");
  EXPECT_EQ(member(lab.sent[0].body, "/evSubsUri"),
            std::string(created.headers.find("location").value_or("")) + "/events-subscription");
  EXPECT_EQ(member(lab.sent[0].body, "/succResourcAllocReports/0/flows/0/medCompN"), "1");
  EXPECT_EQ(member(lab.sent[0].body, "/succResourcAllocReports/0/flows/0/fNums"), "[1]");
  EXPECT_EQ(lab.send("GET", path_of(created)).body, created.body);
}

TEST(policy_authorization, sessions_of_both_apis_share_the_cell) {
  Lab lab;
  ASSERT_EQ(lab.post_session(session_body("video-hd")).status, 201);
  const auto refused = post(lab, app_session(R"("qosReference":"video-hd")", "10.45.0.3"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(member(refused.body, "/cause"), "REQUESTED_SERVICE_NOT_AUTHORIZED");
  EXPECT_EQ(member(refused.body, "/acceptableServInfo/marBwDl"), "40 Mbps");
  EXPECT_EQ(member(refused.body, "/acceptableServInfo/accBwMedComps/1/qosReference"), "video-sd");
  EXPECT_EQ(post(lab, app_session(R"("qosReference":"video-sd")", "10.45.0.3")).status, 201);
  EXPECT_TRUE(lab.core.books_balance());
  EXPECT_EQ(lab.core.counts().sessions, 2U);
}

TEST(policy_authorization, neither_api_sees_the_sessions_of_the_other) {
  Lab lab;
  const auto n33 = lab.post_session(session_body("control"));
  const auto n5 =
      post(lab, app_session(R"("qosReference":"control")", "10.45.0.2", R"(,"afAppId":"lobo")"));
  const auto id = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
  EXPECT_EQ(lab.send("GET", std::string(sessions_path) + "/" + id(location_path(n33))).status, 404);
  EXPECT_EQ(lab.send("GET", std::string(Lab::sessions_path) + "/" + id(path_of(n5))).status, 404);
  EXPECT_EQ(json::parse(lab.send("GET", Lab::sessions_path).body)->array()->size(), 1U);
}

TEST(policy_authorization, figures_reserve_the_minimum_and_are_checked_against_the_maximum) {
  Lab lab;
  const auto body = app_session(
      R"("mirBwDl":"30 Mbps","mirBwUl":"5 Mbps","marBwDl":"40 Mbps","desMaxLatency":20)");
  ASSERT_EQ(post(lab, body).status, 201);
  EXPECT_EQ(
      member(lab.send("GET", "/netsim-control/v1/reservations").body, "/reservations/0/reservedDl"),
      "30 Mbps");
  const auto wrong = post(lab, app_session(R"("mirBwDl":"30 Mbps","marBwDl":"20 Mbps")"));
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(member(wrong.body, "/cause"), "INVALID_SERVICE_INFORMATION");
  EXPECT_EQ(member(wrong.body, "/invalidParams/0/param"), "/ascReqData/medComponents/1/marBwDl");
}

TEST(policy_authorization, what_is_wrong_with_a_body_is_named) {
  struct Case {
    std::string body;
    std::string cause;
    std::string param;
  };
  const Case cases[] = {
      {app_session(R"("altSerReqs":["video-sd"],"medType":"VIDEO")"), "INVALID_SERVICE_INFORMATION",
       "/ascReqData/medComponents/1/altSerReqs"},
      {app_session(R"("fStatus":"ENABLED")"), "INVALID_SERVICE_INFORMATION",
       "/ascReqData/medComponents/1/qosReference"},
      {R"({"ascReqData":{"notifUri":"http://app.example/cb/1","suppFeat":"0","ueIpv4":"10.45.0.2",)"
       R"("medComponents":{"1":{"medCompN":1,"qosReference":"control",)"
       R"("medSubComps":{"1":{"fNum":1,"fDescs":["permit out ip from any"]}}}}}})",
       "FILTER_RESTRICTIONS", "/ascReqData/medComponents/1/medSubComps/1/fDescs/0"},
      {R"({"ascReqData":{"notifUri":"http://app.example/cb/1","suppFeat":"0","ueIpv4":"10.45.0.2",)"
       R"("medComponents":{"2":{"medCompN":1,"qosReference":"control"}}}})",
       "INVALID_SERVICE_INFORMATION", "/ascReqData/medComponents/2/medCompN"},
      {R"({"ascReqData":{"notifUri":"ftp://app/x","suppFeat":"0","ueIpv4":"10.45.0.2"}})",
       "INVALID_SERVICE_INFORMATION", "/ascReqData/notifUri"},
      {app_session(R"("qosReference":"control")", "10.45.0.2", R"(,"ipDomain":"a","ueIpv4":"x")"),
       "", ""},
      {R"({"ascReqData":{"notifUri":"http://app.example/cb/1","suppFeat":"0"}})", "", ""},
      {R"({"ascReqData":{"notifUri":"http://app.example/cb/1","suppFeat":"0",)"
       R"("ueIpv4":"10.45.0.2","ueMac":"02-00-00-00-00-01"}})",
       "", ""},
      {R"({})", "", "/ascReqData"},
  };
  Lab lab;
  for (const auto& [body, cause, param] : cases) {
    const auto refused = post(lab, body);
    EXPECT_EQ(refused.status, 400) << body;
    if (!cause.empty()) { EXPECT_EQ(member(refused.body, "/cause"), cause) << refused.body; }
    if (!param.empty()) {
      EXPECT_EQ(member(refused.body, "/invalidParams/0/param"), param) << body;
    }
  }
  EXPECT_EQ(reservations(lab), 0);
}

TEST(policy_authorization, an_unknown_reference_and_a_ue_without_a_session_have_their_causes) {
  Lab lab;
  const auto unknown = post(lab, app_session(R"("qosReference":"platinum")"));
  EXPECT_EQ(unknown.status, 403);
  EXPECT_EQ(member(unknown.body, "/cause"), "REQUESTED_SERVICE_NOT_AUTHORIZED");
  const auto away = post(lab, app_session(R"("qosReference":"control")", "10.45.0.9"));
  EXPECT_EQ(away.status, 500);
  EXPECT_EQ(member(away.body, "/cause"), "PDU_SESSION_NOT_AVAILABLE");
  const auto gone = lab.send("GET", std::string(sessions_path) + "/none");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(member(gone.body, "/cause"), "APPLICATION_SESSION_CONTEXT_NOT_FOUND");
}

TEST(policy_authorization, a_loss_and_its_end_are_told_as_qos_notif) {
  Lab lab;
  const auto created =
      post(lab, app_session(R"("qosReference":"video-hd","altSerReqs":["video-sd"])"));
  ASSERT_EQ(created.status, 201) << created.body;
  lab.run_for(20ms);
  told(lab);
  lab.control("/ues/ue1/degrade", R"({"rateDl":"30 Mbps"})");
  lab.run_for(1s);
  lab.control("/ues/ue1/restore");
  lab.run_for(1s);
  EXPECT_EQ(told(lab),
            (Texts{"/notify QOS_NOTIF NOT_GUARANTEED video-sd", "/notify QOS_NOTIF GUARANTEED"}));
}

TEST(policy_authorization, the_end_of_the_pdu_session_is_told_at_the_other_uri) {
  Lab lab;
  auto body = app_session(R"("qosReference":"control")");
  const auto at = body.find("http://app.example/cb/1\"}");
  body.replace(at, 23, "http://app.example/ev/1");
  const auto created = post(lab, body);
  ASSERT_EQ(created.status, 201) << created.body;
  lab.run_for(20ms);
  lab.control("/ues/ue1/detach");
  lab.run_for(1s);
  ASSERT_EQ(lab.sent.size(), 2U);
  EXPECT_EQ(lab.sent[0].to, "http://app.example/ev/1/notify");
  EXPECT_EQ(lab.sent[1].to, "http://app.example/cb/1/terminate");
  EXPECT_EQ(member(lab.sent[1].body, "/termCause"), "PDU_SESSION_TERMINATION");
  EXPECT_EQ(member(lab.sent[1].body, "/resUri"), created.headers.find("location"));
  EXPECT_EQ(lab.send("POST", path_of(created) + "/delete").status, 404);
}

TEST(policy_authorization, a_patch_merges_and_takes_away) {
  Lab lab;
  const auto created =
      post(lab, app_session(R"("mirBwDl":"30 Mbps","marBwDl":"40 Mbps","marBwUl":"4 Mbps")"));
  ASSERT_EQ(created.status, 201) << created.body;
  const auto changed = lab.send(
      "PATCH", path_of(created),
      R"({"ascReqData":{"medComponents":{"1":{"medCompN":1,"mirBwDl":"20 Mbps","marBwDl":null}}}})",
      merge_patch_type);
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(member(changed.body, "/ascReqData/medComponents/1/mirBwDl"), "20 Mbps");
  EXPECT_EQ(member(changed.body, "/ascReqData/medComponents/1/marBwDl"), "");
  EXPECT_EQ(member(changed.body, "/ascReqData/medComponents/1/marBwUl"), "4 Mbps");
  const auto moved = lab.send("PATCH", path_of(created), R"({"ascReqData":{"ueIpv4":"10.45.0.3"}})",
                              merge_patch_type);
  EXPECT_EQ(moved.status, 400);
  const auto refused =
      lab.send("PATCH", path_of(created),
               R"({"ascReqData":{"medComponents":{"1":{"medCompN":1,"mirBwDl":"200 Mbps"}}}})",
               merge_patch_type);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(lab.send("GET", path_of(created)).body, changed.body);
}

TEST(policy_authorization, a_pcf_that_does_not_merge_forgets_what_a_patch_does_not_say) {
  auto config = lab_config();
  config.pcf.patch_replaces = true;
  Lab lab(config);
  const auto created =
      post(lab, app_session(R"("mirBwDl":"30 Mbps","marBwDl":"40 Mbps","marBwUl":"4 Mbps")"));
  const auto changed = lab.send(
      "PATCH", path_of(created),
      R"({"ascReqData":{"medComponents":{"1":{"medCompN":1,"mirBwDl":"20 Mbps","marBwDl":null}}}})",
      merge_patch_type);
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(member(changed.body, "/ascReqData/medComponents/1"),
            R"({"mirBwDl":"20 Mbps","medCompN":1})");
  EXPECT_EQ(member(changed.body, "/ascReqData/ueIpv4"), "10.45.0.2");
}

TEST(policy_authorization, quirks_of_real_ones_can_be_had) {
  auto config = lab_config();
  config.pcf = {.patch_replaces = false,
                .no_get = true,
                .no_events_resource = true,
                .silent = true,
                .media_type_needed = true,
                .plain_404_on_create = true};
  Lab lab(config);
  const auto created = post(lab, app_session(R"("qosReference":"video-hd")"));
  ASSERT_EQ(created.status, 201);
  EXPECT_EQ(lab.send("GET", path_of(created)).status, 405);
  EXPECT_EQ(
      lab.send("PUT", path_of(created) + "/events-subscription", std::string(usual_events)).status,
      400);
  EXPECT_EQ(post(lab, app_session(R"("medType":"DATA","mirBwDl":"1 Mbps")")).status, 400);
  EXPECT_EQ(post(lab, app_session(R"("medType":"VIDEO","mirBwDl":"1 Mbps")")).status, 201);
  const auto away = post(lab, app_session(R"("qosReference":"control")", "10.45.0.9"));
  EXPECT_EQ(away.status, 404);
  EXPECT_EQ(member(away.body, "/cause"), "");
  lab.control("/ues/ue1/degrade", R"({"rateDl":"1 Mbps"})");
  lab.run_for(1s);
  EXPECT_EQ(told(lab), Texts{}) << "subscriptions are taken, and nothing is told";
  lab.control("/ues/ue1/detach");
  lab.run_for(1s);
  EXPECT_EQ(told(lab),
            (Texts{"/terminate PDU_SESSION_TERMINATION", "/terminate PDU_SESSION_TERMINATION"}));
}

TEST(policy_authorization, the_events_have_a_resource_of_their_own) {
  Lab lab;
  auto body = app_session(R"("qosReference":"control")");
  body.replace(body.find(R"(,"evSubsc")"), std::string::npos, "}}");
  const auto created = post(lab, body);
  ASSERT_EQ(created.status, 201) << created.body;
  const auto events = path_of(created) + "/events-subscription";
  EXPECT_EQ(lab.send("DELETE", events).status, 404);
  const auto made = lab.send("PUT", events, std::string(usual_events));
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_TRUE(made.headers.find("location").value_or("").ends_with("/events-subscription"));
  EXPECT_EQ(lab.send("PUT", events, std::string(usual_events)).status, 200);
  lab.run_for(1s);
  EXPECT_EQ(told(lab), Texts{"/notify SUCCESSFUL_RESOURCES_ALLOCATION"});
  EXPECT_EQ(lab.send("PUT", events, R"({"events":[{"event":"QOS_MONITORING"}]})").status, 400);
  EXPECT_EQ(lab.send("DELETE", events).status, 204);
  lab.control("/ues/ue1/degrade", R"({"lossPercent":50})");
  lab.run_for(1s);
  EXPECT_EQ(told(lab), Texts{});
}

TEST(policy_authorization, measurements_and_usage_are_reported) {
  Lab lab;
  auto body = app_session(R"("qosReference":"video-sd")");
  const std::string events =
      R"({"events":[{"event":"QOS_MONITORING","notifMethod":"PERIODIC","repPeriod":2},)"
      R"({"event":"USAGE_REPORT"}],"notifUri":"http://app.example/cb/1",)"
      R"("reqQosMonParams":["DOWNLINK","UPLINK_DATA_RATE"],"usgThres":{"totalVolume":1000000}})";
  body.replace(body.find(usual_events), usual_events.size(), events);
  const auto created = post(lab, body);
  ASSERT_EQ(created.status, 201) << created.body;
  lab.run_for(2s);
  const auto find = [&](const char* pointer) {
    return std::ranges::any_of(lab.sent,
                               [&](const Sent& one) { return !member(one.body, pointer).empty(); });
  };
  EXPECT_TRUE(find("/qosMonReports/0/dlDelays/0"));
  EXPECT_TRUE(find("/qosMonDatRateReps/0/ulDataRate"));
  EXPECT_TRUE(find("/usgRep/totalVolume"));
  const auto ended = lab.send("POST", path_of(created) + "/delete", R"({"events":[]})");
  EXPECT_EQ(ended.status, 400) << "an empty list is none";
  const auto last = lab.send("POST", path_of(created) + "/delete");
  ASSERT_EQ(last.status, 200);
  EXPECT_FALSE(member(last.body, "/evsNotif/usgRep/totalVolume").empty());
  EXPECT_EQ(reservations(lab), 0);
}

TEST(policy_authorization, callbacks_come_twice_and_in_wrong_order_as_planned) {
  Lab lab;
  ASSERT_EQ(post(lab, app_session(R"("qosReference":"video-hd","altSerReqs":["video-sd"])")).status,
            201);
  lab.run_for(20ms);
  told(lab);
  lab.control("/faults", R"({"kind":"REORDER_CALLBACKS","operation":"EventsNotification"})");
  lab.control("/ues/ue1/degrade", R"({"rateDl":"30 Mbps"})");
  lab.control("/ues/ue1/restore");
  lab.run_for(2s);
  EXPECT_EQ(told(lab),
            (Texts{"/notify QOS_NOTIF GUARANTEED", "/notify QOS_NOTIF NOT_GUARANTEED video-sd"}));
  lab.control("/faults", R"({"kind":"DUPLICATE_CALLBACK","operation":"TerminationInfo"})");
  lab.control("/ues/ue1/detach");
  lab.run_for(2s);
  EXPECT_EQ(told(lab),
            (Texts{"/terminate PDU_SESSION_TERMINATION", "/terminate PDU_SESSION_TERMINATION"}));
}

TEST(policy_authorization, faults_strike_by_operation_as_for_the_nef) {
  Lab lab;
  lab.control("/faults", R"({"kind":"EARLY_CALLBACK","operation":"PostAppSessions"})");
  const auto output =
      lab.ask(lab.request("POST", sessions_path, app_session(R"("qosReference":"control")")));
  EXPECT_EQ(output.callbacks.size(), 1U);
  lab.control("/faults", R"({"kind":"ALLOCATION_FAILS","operation":"PostAppSessions"})");
  told(lab);
  ASSERT_EQ(post(lab, app_session(R"("qosReference":"control")", "10.45.0.3")).status, 201);
  lab.run_for(1s);
  EXPECT_EQ(told(lab), Texts{"/notify FAILED_RESOURCES_ALLOCATION"});
}

TEST(bsf, names_the_pcf_of_the_ue_that_has_an_address) {
  auto config = lab_config();
  config.bsf_names = "http://127.0.0.9:7780";
  Lab lab(config);
  const std::string path = "/nbsf-management/v1/pcfBindings";
  const auto found = lab.send("GET", path + "?ipv4Addr=10.45.0.2&dnn=internet");
  ASSERT_EQ(found.status, 200) << found.body;
  EXPECT_EQ(member(found.body, "/pcfIpEndPoints/0/ipv4Address"), "127.0.0.9");
  EXPECT_EQ(member(found.body, "/pcfIpEndPoints/0/port"), "7780");
  EXPECT_EQ(member(found.body, "/gpsi"), "msisdn-15551230001");
  EXPECT_EQ(member(found.body, "/ipv6Prefix"), "2001:db8::/64");
  EXPECT_EQ(lab.send("GET", path + "?ipv6Prefix=2001:db8::/64").body, found.body);
  EXPECT_EQ(lab.send("GET", path + "?ipv6Prefix=2001:db8::2/128").body, found.body);
  EXPECT_EQ(lab.send("GET", path + "?macAddr48=02-00-00-00-00-01").body, found.body);
}

TEST(bsf, says_204_where_no_pdu_session_has_the_address_and_400_without_one) {
  Lab lab;
  const std::string path = "/nbsf-management/v1/pcfBindings";
  EXPECT_EQ(lab.send("GET", path + "?ipv4Addr=10.45.0.9").status, 204) << "not attached";
  EXPECT_EQ(lab.send("GET", path + "?ipv4Addr=192.0.2.1").status, 204);
  EXPECT_EQ(lab.send("GET", path + "?ipv4Addr=10.45.0.2&dnn=ims").status, 204);
  EXPECT_EQ(lab.send("GET", path + "?ipv4Addr=10.45.0.2&gpsi=msisdn-4900000").status, 204);
  const auto missing = lab.send("GET", path + "?dnn=internet");
  EXPECT_EQ(missing.status, 400);
  EXPECT_EQ(member(missing.body, "/cause"), "MANDATORY_QUERY_PARAM_MISSING");
  EXPECT_EQ(lab.send("GET", path + "?ipv4Addr=10.45.0.256").status, 400);
  EXPECT_EQ(lab.send("GET", path + "?ipv6Prefix=2001:db8::2").status, 400);
}

}  // namespace
}  // namespace lobo::core_sim
