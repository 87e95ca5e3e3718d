// What a NEF receives that killed others, and every combination of members that an AF may send.

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/core_sim/config.hpp"
#include "services/core_sim/test_lab.hpp"
#include "wire/http/message.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;

/// A valid session with `from` replaced by `to`.
std::string altered(std::string_view from, std::string_view to) {
  auto body = session_body("control");
  const auto at = body.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return body.replace(at, from.size(), to);
}

constexpr std::string_view rule = "permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000";

TEST(bad_input, lesson_01_an_incomplete_flow_description_is_refused_with_its_place) {
  Lab lab;
  for (const auto* bad : {"permit in", "permit", "permit out", "permit out 17",
                          "permit out 17 from", "deny in ip from any to any",
                          "permit out 17 from 192.0.2.10", "permit out 17 from 192.0.2.10 to",
                          "permit out 999 from any to any", "permit out 17 from 192.0.2.300 to any",
                          "permit out 17 from any 70000 to any", " ", "permit\\u0000in"}) {
    const auto answer = lab.post_session(altered(rule, bad));
    EXPECT_EQ(answer.status, 400) << bad;
    EXPECT_EQ(member(answer.body, "/invalidParams/0/param"), "/flowInfo/0/flowDescriptions/0")
        << bad;
  }
  EXPECT_EQ(lab.core.counts().sessions, 0U);
}

TEST(bad_input, lesson_02_present_but_empty_is_refused) {
  Lab lab;
  const std::vector<std::pair<std::string, std::string>> bad{
      {altered(R"("ueIpv4Addr":"10.45.0.2")", R"("ueIpv4Addr":"")"), "/ueIpv4Addr"},
      {altered(rule, ""), "/flowInfo/0/flowDescriptions/0"},
      {altered(R"("qosReference":"control")", R"("qosReference":"")"), "/qosReference"},
      {altered(R"("http://app.example/cb/1")", R"("")"), "/notificationDestination"},
      {session_body("control", "10.45.0.2", R"(,"dnn":"")"), "/dnn"},
      {session_body("control", "10.45.0.2", R"(,"ipDomain":"")"), "/ipDomain"},
      {session_body("control", "10.45.0.2", R"(,"altQoSReferences":[])"), "/altQoSReferences"},
      {session_body("control", "10.45.0.2", R"(,"altQoSReferences":[""])"), "/altQoSReferences/0"}};
  for (const auto& [body, where] : bad) {
    const auto answer = lab.post_session(body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(member(answer.body, "/invalidParams/0/param"), where) << answer.body;
  }
}

TEST(bad_input, lesson_08_full_tables_are_status_codes) {
  auto config = lab_config();
  config.limits.callbacks_pending_max = 1;
  Lab lab(config);
  lab.answer_callback = [](const http::Request&) { return std::optional<http::Response>(); };
  for (int i = 0; i < 5; ++i) EXPECT_EQ(lab.post_session(session_body("control")).status, 201);
  lab.run_for(50ms);
  EXPECT_EQ(lab.core.counts().callbacks_dropped, 4U);
  for (std::size_t i = 0; i < faults_max; ++i)
    ASSERT_EQ(lab.control("/faults", R"({"kind":"STATUS","operation":"Nothing"})").status, 200);
  EXPECT_EQ(lab.control("/faults", R"({"kind":"STATUS"})").status, 429);
}

TEST(bad_input, lesson_12_required_members_that_are_missing_are_named) {
  Lab lab;
  const auto answer = lab.post_session(R"({"flowInfo":[{}]})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("/notificationDestination"), std::string::npos);
  EXPECT_NE(answer.body.find("/flowInfo/0/flowId"), std::string::npos);
}

struct Optional {
  std::string name;
  std::string text;
};

const std::vector<Optional>& optionals() {
  static const std::vector<Optional> all{
      {"ueIpv4Addr", R"("10.45.0.2")"},
      {"ueIpv6Addr", R"("2001:db8::2")"},
      {"macAddr", R"("02-00-00-00-00-01")"},
      {"gpsi", R"("extid-ue1@lab.example")"},
      {"flowInfo", R"([{"flowId":1}])"},
      {"ethFlowInfo", R"([{"ethType":"0800"}])"},
      {"exterAppId", R"("app")"},
      {"qosReference", R"("control")"},
      {"tscQosReq", R"({"reqGbrDl":"1 Mbps","req5Gsdelay":20,"reqPer":"1E-3"})"},
      {"altQoSReferences", R"(["best-effort"])"}};
  return all;
}

// Ten members, so every subset of them: an exhaustive table of what may stand together.
TEST(bad_input, lesson_13_every_subset_of_the_optional_members_is_created_or_refused_by_the_rules) {
  Lab lab;
  const auto& members = optionals();
  for (unsigned subset = 0; subset < (1U << members.size()); ++subset) {
    const auto has = [&](unsigned index) { return (subset >> index & 1U) != 0; };
    std::string body = R"({"notificationDestination":"http://app.example/cb")";
    for (unsigned i = 0; i < members.size(); ++i)
      if (has(i)) body += ",\"" + members[i].name + "\":" + members[i].text;
    body += "}";
    const int ues = int{has(0)} + int{has(1)} + int{has(2)} + int{has(3)};
    const int flows = int{has(4)} + int{has(5)} + int{has(6)};
    const bool ip = has(0) || has(1);
    const bool valid =
        ues == 1 && flows == 1 && has(7) != has(8) && !(has(5) && ip) && (!has(9) || has(7));
    const auto answer = lab.post_session(body);
    ASSERT_EQ(answer.status, valid ? 201 : 400) << body << answer.body;
    if (valid) lab.send("DELETE", location_path(answer));
  }
  EXPECT_EQ(lab.core.counts().sessions, 0U);
  EXPECT_TRUE(lab.core.books_balance());
}

// Beyond ten members every pair: those that go beside a valid session, by themselves or two at
// once.
TEST(bad_input, every_pair_of_further_members_is_answered_and_leaves_the_books_balanced) {
  Lab lab;
  const std::vector<std::string> further{
      R"("supportedFeatures":"F")",
      R"("dnn":"internet")",
      R"("snssai":{"sst":1})",
      R"("multiModalId":"m")",
      R"("altQosReqs":[{"altQosParamSetRef":"a","gbrDl":"1 Kbps"}])",
      R"("disUeNotif":true)",
      R"("usageThreshold":{"duration":5})",
      R"("usageThreshold":{})",
      R"("sponsorInfo":{"sponsorId":"s","aspId":"a"})",
      R"("qosMonInfo":{"reqQosMonParams":["DOWNLINK"],"repFreqs":["PERIODIC"],"repPeriod":1})",
      R"("qosMonInfo":{"reqQosMonParams":["DOWNLINK"],"repFreqs":["PERIODIC"]})",
      R"("pdvMon":{"reqQosMonParams":["UPLINK"],"repFreqs":["EVENT_TRIGGERED"],"repThreshUl":1})",
      R"("qosMonDatRate":{"reqQosMonParams":["DOWNLINK"],"repFreqs":["PERIODIC"],"repPeriod":1})",
      R"("qosDuration":9223372036854775807)",
      R"("qosInactInt":0)",
      R"("directNotifInd":false)",
      R"("tscQosReq":{"priority":1})",
      R"("tscQosReq":{"reqGbrDl":"99999999 Tbps"})",
      R"("l4sInfo":"UL")",
      R"("l4sInd":"UL_DL")",
      R"("pduSetQos":{"pduSetHandlingInfo":"ALL_PDUS_NEEDED"})",
      R"("pduSetQosDl":{"pduSetDelayBudget":1000,"pduSetErrRate":"1E-4"})",
      R"("protoDesc":{"protocol":"x"})",
      R"("protoDescUl":{"transportProto":"SRTP","mriTransferInfo":"UDP_OPTION"})",
      R"("datBurstSizeInd":true)",
      R"("timetoNextBurstInd":true)",
      R"("requestTestNotification":true)",
      R"("websockNotifConfig":{"requestWebsocketUri":true})",
      R"("events":["SOMETHING_NEW","USAGE_REPORT"])",
      R"("extGroupId":"g")",
      R"("unknownToEverybody":{"a":[1]})"};
  std::string base = session_body("control");
  base.replace(base.find(R"(,"events")"), std::string::npos, "");
  for (std::size_t i = 0; i < further.size(); ++i) {
    for (std::size_t j = i; j < further.size(); ++j) {
      const auto body = base + "," + further[i] + (i == j ? "" : "," + further[j]) + "}";
      const auto answer = lab.post_session(body);
      ASSERT_TRUE(answer.status == 201 || answer.status == 400) << answer.status << body;
      ASSERT_TRUE(lab.core.books_balance()) << body;
      lab.run_for(1100ms);
      if (answer.status == 201) lab.send("DELETE", location_path(answer));
      ASSERT_EQ(lab.core.counts().sessions, 0U) << body;
    }
  }
}

TEST(bad_input, both_names_of_a_renamed_member_at_once_are_refused_and_each_alone_is_taken) {
  Lab lab;
  const auto status = [&](std::string_view more) {
    return lab.post_session(session_body("control", "10.45.0.2", more)).status;
  };
  EXPECT_EQ(status(R"(,"l4sInfo":"UL")"), 201);
  EXPECT_EQ(status(R"(,"l4sInd":"UL")"), 201);
  EXPECT_EQ(status(R"(,"l4sInfo":"UL","l4sInd":"UL")"), 400);
}

TEST(bad_input, bodies_that_are_no_object_of_the_schema_are_refused) {
  Lab lab;
  std::string deep(200, '[');
  std::string huge = session_body("control");
  huge.insert(1, "\"x\":\"" + std::string(70'000, 'a') + "\",");
  for (const auto& body :
       {std::string("{"), std::string("[]"), std::string("null"), std::string("\"\""),
        std::string("{}"), deep, std::string("{\"a\":1,\"a\":2}"), std::string("\xff\xfe"),
        std::string("{\"gpsi\":\"\xc3\x28\"}"), session_body("control") + "x"})
    EXPECT_EQ(lab.post_session(body).status, 400) << body;
  EXPECT_EQ(lab.post_session(huge).status, 413);
  EXPECT_EQ(lab.core.counts().sessions, 0U);
}

TEST(bad_input, a_destination_that_no_callback_can_reach_is_refused) {
  Lab lab;
  for (const auto* bad : {"app", "/cb", "ftp://app.example/", "http://", "http://user@app.example/",
                          "http://127.1/x", "http://a b/"})
    EXPECT_EQ(lab.post_session(altered("http://app.example/cb/1", bad)).status, 400) << bad;
}

}  // namespace
}  // namespace lobo::core_sim
