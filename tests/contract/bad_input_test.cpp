// Bodies of applications and of the core that are not as they should be, through the whole control
// plane: a clear refusal that names the member, nothing changed, and the server serves on.

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "contract/bad_bodies.hpp"
#include "contract/declared.hpp"
#include "support/system.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;

using contract::Members;
using contract::Spoiled;

const std::string all(collection);

bool refused(int status) { return status >= 400 && status < 500; }

/// Whether the answer blames `where`, something in it, or what it stands in.
::testing::AssertionResult names(const http::Response& response, const std::string& where) {
  const auto problem = json::read<api::common::ProblemDetails>(response.body);
  if (!problem)
    return ::testing::AssertionFailure() << "no ProblemDetails: " << response.body.substr(0, 300);
  if (response.status == 413)
    return ::testing::AssertionSuccess();  // It is the body that is too large.
  if (problem->invalid_params)
    for (const auto& param : *problem->invalid_params)
      if (where.starts_with(param.param) || param.param.starts_with(where))
        return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "does not name " << where << ": " << response.body.substr(0, 300);
}

class BadInput : public ::testing::Test {
 protected:
  BadInput() {
    system.on_answer = [](const http::Request& request, const http::Response& response) {
      const auto wrong = contract::wrong_with(request, response);
      EXPECT_TRUE(wrong.empty()) << wrong;
    };
  }

  /// Each spoiled body is refused, by its name, with nothing changed; or it was no harm.
  void hold(const std::vector<Spoiled>& bodies,
            const std::function<http::Response(const std::string&)>& ask,
            const std::function<void(const http::Response&)>& undo,
            const std::string& prefix = {}) {
    auto before = system.durable();
    std::size_t harmless = 0;
    for (const auto& body : bodies) {
      SCOPED_TRACE(body.where + ": " + body.what);
      const auto response = ask(body.text);
      if (refused(response.status)) {
        if (response.status == 400) { EXPECT_TRUE(names(response, prefix + body.where)); }
        ASSERT_TRUE(before == system.durable()) << response.status;
      } else {
        EXPECT_FALSE(body.always_wrong) << response.status << ' ' << response.body.substr(0, 200);
        ASSERT_TRUE(response.status >= 200 && response.status < 300)
            << response.status << ' ' << response.body;
        ++harmless;
        undo(response);
        before = system.durable();
      }
    }
    EXPECT_GT(bodies.size(), 30U);
    EXPECT_GT(harmless, 0U) << "what was to be spoiled was bad from the start";
    serves_on();
  }
  void serves_on() {
    const auto id = system.create("ue3", "bronze");
    ASSERT_TRUE(id);
    EXPECT_EQ(system.ask("DELETE", System::path_of(*id)).status, 204);
  }
  void release(const http::Response& response) {
    if (response.status == 201) {
      EXPECT_EQ(system.ask("DELETE", System::path_of(System::id_of(response))).status, 204);
    }
    system.loop.run_for(1s);
  }

  System system;
};

const std::string full_subscription =
    R"({"valTgtUe":{"valUeId":"ue1"},"uniQosReq":"silver","duration":"2026-12-01T00:00:00Z",)"
    R"("notifUri":"http://app1.example/n","reqTestNotif":false,"wsNotifCfg":{"requestWebsocketUri":true},)"
    R"("suppFeat":"70000000000","uniQosState":{"controlPlane":"confirmed","userPlane":"enforced","lossesUntold":1}})";

const std::string full_requirement =
    R"({"dlBitRate":"5 Mbps","ulBitRate":"5 Mbps","gbrDl":"1 Mbps","gbrUl":"1 Mbps","packetDelayBudgetMs":50,)"
    R"("packetErrorRate":"1E-4","flows":[{"flowId":1,"flowDescriptions":["permit out 17 from 192.0.2.1 5004 to any"]}],)"
    R"("pduSetQosDl":{"pduSetDelayBudget":1000,"pduSetErrRate":"1E-4","pduSetHandlingInfo":"ALL_PDUS_NEEDED"},)"
    R"("protoDescDl":{"transportProto":"SRTP","rtpHeaderExtInfo":{"rtpHeaderExtType":"PDU_SET_MARKING","rtpHeaderExtId":1},)"
    R"("rtpPayloadInfoList":[{"rtpPayloadTypeList":[96],"rtpPayloadFormat":"H264"}]},)"
    R"("datBurstSizeInd":true,"timetoNextBurstInd":false})";

std::string with_requirement(const std::string& requirement) {
  return R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://app1.example/n","uniQosReq":)" +
         contract::as_string(requirement) + '}';
}

TEST_F(BadInput, a_spoiled_subscription_is_refused_by_the_name_of_its_member) {
  hold(
      contract::spoiled(full_subscription),
      [&](const std::string& text) { return system.ask("POST", all, text); },
      [&](const http::Response& response) { release(response); });
}

TEST_F(BadInput, a_spoiled_requirement_is_refused_by_the_name_of_its_member) {
  hold(
      contract::spoiled(full_requirement),
      [&](const std::string& text) { return system.ask("POST", all, with_requirement(text)); },
      [&](const http::Response& response) { release(response); }, "/uniQosReq");
}

TEST_F(BadInput, a_spoiled_patch_is_refused_and_the_session_is_as_it_was) {
  const auto id = system.create();
  ASSERT_TRUE(id);
  system.loop.run_for(2s);
  const std::string good =
      R"({"uniQosReq":"bronze","duration":"2026-12-01T00:00:00Z","notifUri":"http://app1.example/m"})";
  auto bodies = contract::spoiled(good);
  std::erase_if(bodies, [](const Spoiled& one) {
    return one.where == "/duration" && one.what == "null";
  });  // Takes it away.
  for (const auto& one : contract::spoiled(full_requirement))
    bodies.push_back({one.what, "/uniQosReq" + one.where,
                      R"({"uniQosReq":)" + contract::as_string(one.text) + '}', one.always_wrong});
  hold(
      bodies,
      [&](const std::string& text) { return system.ask("PATCH", System::path_of(*id), text); },
      [&](const http::Response&) { system.loop.run_for(2s); });
}

TEST_F(BadInput, a_spoiled_report_of_the_core_is_refused_and_changes_nothing) {
  const auto id = system.create();
  ASSERT_TRUE(id);
  system.loop.run_for(2s);
  const auto path = system.callback_path(*id, system.secret_of(*id).value_or(""));
  const std::string good =
      R"({"transaction":"http://core.example/x/subscriptions/77","eventReports":[{"event":"USAGE_REPORT",)"
      R"("accumulatedUsage":{"duration":5,"totalVolume":10},"flowIds":[1],"appliedQosRef":"gold","altQosNotSuppInd":false,)"
      R"("qosMonReports":[{"ulDelays":[1],"dlDelays":[2],"rtDelays":[3]}]}]})";
  hold(
      contract::spoiled(good),
      [&](const std::string& text) { return system.ask("POST", path, text, {}, ""); },
      [&](const http::Response&) { system.loop.run_for(1s); });
}

std::string watch_callback(const System& system) {
  constexpr std::string_view prefix = "/nrm-callbacks/v1/ue-watch/";
  for (const auto& request : system.core->seen)
    if (const auto at = request.body.find(prefix); at != std::string::npos)
      return request.body.substr(at, request.body.find('"', at) - at);
  return {};
}

TEST_F(BadInput, a_spoiled_report_about_a_ue_is_refused_and_changes_nothing) {
  ASSERT_TRUE(system.create());
  system.loop.run_for(2s);
  const std::string good =
      R"({"subscription":"http://core.example/x/subscriptions/1","cancelInd":false,"monitoringEventReports":[)"
      R"({"monitoringType":"PDN_CONNECTIVITY_STATUS","externalId":"ue1@lobodon.example","eventTime":"2026-11-22T00:00:00Z",)"
      R"("lossOfConnectReason":7,"reachabilityType":"DATA","pdnConnInfoList":[{"status":"CREATED","apn":"internet",)"
      R"("pdnType":"IPV4","interfaceInd":"PDN_GATEWAY","ipv4Addr":"10.45.0.2"}]}]})";
  const auto path = watch_callback(system);
  ASSERT_FALSE(path.empty());
  ASSERT_EQ(system.ask("POST", path, good, {}, "").status, 204);
  system.loop.run_for(1s);
  hold(
      contract::spoiled(good),
      [&](const std::string& text) { return system.ask("POST", path, text, {}, ""); },
      [&](const http::Response&) { system.loop.run_for(5s); });
}

// users.md row 13: a missing optional member, or an unknown id.
TEST(lessons, lesson_13_every_subset_of_what_is_optional_is_served_or_refused_by_name) {
  System system;
  std::size_t served = 0;
  const auto create = [&](const std::string& body, const std::string& where) {
    SCOPED_TRACE(body);
    const auto response = system.ask("POST", all, body);
    if (response.status == 201) {
      ++served;
      EXPECT_EQ(system.ask("DELETE", System::path_of(System::id_of(response))).status, 204);
    } else {
      ASSERT_EQ(response.status, 400) << response.body;
      EXPECT_TRUE(names(response, where));
    }
  };
  for (const auto* target : {R"({"valUeId":"ue1"})", R"({"valUserId":"user1"})"})
    for (const auto& body : contract::subsets(
             {{"valTgtUe", target}, {"notifUri", R"("http://app1.example/n")"}},
             {{"uniQosReq", R"("silver")"},
              {"duration", R"("2026-12-01T00:00:00Z")"},
              {"reqTestNotif", "true"},
              {"wsNotifCfg", "{}"},
              {"suppFeat", R"("70000000000")"},
              {"uniQosState", R"({"controlPlane":"confirmed","userPlane":"enforced"})"}}))
      create(body, "/nothing is wrong");
  EXPECT_EQ(served, 128U);
  served = 0;
  const auto requirement = json::parse(full_requirement);
  ASSERT_TRUE(requirement);
  Members optional{{"qosReference", R"("gold")"}, {"altQoSReferences", R"(["silver","bronze"])"}};
  for (const auto& member : *requirement->object())
    optional.emplace_back(member.name, json::to_text(member.value));
  for (const auto& text : contract::pairs({}, optional))
    create(with_requirement(text), "/uniQosReq");
  EXPECT_GT(served, 40U);
  system.settle();
  EXPECT_EQ(system.unjust(true), "");
}

TEST(lessons, lesson_13_every_subset_of_a_report_is_taken_from_the_core) {
  System system;
  const auto id = system.create();
  ASSERT_TRUE(id);
  system.loop.run_for(1s);
  const auto path = system.callback_path(*id, system.secret_of(*id).value_or(""));
  for (const auto& report : contract::subsets({{"event", R"("QOS_MONITORING")"}},
                                              {{"accumulatedUsage", R"({"duration":5})"},
                                               {"flowIds", "[1]"},
                                               {"appliedQosRef", R"("gold")"},
                                               {"altQosNotSuppInd", "true"},
                                               {"qosMonReports", R"([{"dlDelays":[2]}])"},
                                               {"qosMonDatRateReps", R"([{"dlDelays":[2]}])"}}))
    EXPECT_EQ(
        system
            .ask("POST", path,
                 R"({"transaction":"http://core.example/a/subscriptions/7","eventReports":[)" +
                     report + "]}",
                 {}, "")
            .status,
        204)
        << report;
  const auto watch = watch_callback(system);
  ASSERT_FALSE(watch.empty());
  for (
      const auto& report : contract::subsets(
          {{"monitoringType", R"("PDN_CONNECTIVITY_STATUS")"}},
          {{"externalId", R"("ue1@lobodon.example")"},
           {"msisdn", R"("15551230001")"},
           {"eventTime", R"("2026-11-22T00:00:00Z")"},
           {"locationInfo", "{}"},
           {"lossOfConnectReason", "1"},
           {"reachabilityType", R"("DATA")"},
           {"pdnConnInfoList",
            R"([{"status":"CREATED","apn":"internet","pdnType":"IPV4","interfaceInd":"PDN_GATEWAY","ipv4Addr":"10.45.0.2"}])"}}))
    for (const auto& body :
         contract::subsets({{"subscription", R"("http://core.example/a/subscriptions/1")"}},
                           {{"monitoringEventReports", '[' + report + ']'}}))
      EXPECT_EQ(system.ask("POST", watch, body, {}, "").status, 204) << body;
  system.settle();
  EXPECT_EQ(system.unjust(), "");
}

TEST(lessons,
     lesson_13_an_unknown_or_foreign_object_is_404_for_every_operation_and_reads_the_same) {
  System system;
  const auto mine = system.create("ue1", "silver", "app1");
  ASSERT_TRUE(mine);
  system.loop.run_for(1s);
  const auto before = system.durable();
  const std::string patch = R"({"uniQosReq":"gold"})";
  const std::vector<std::string> unknown{"nobody", std::string(4000, 'a'), "%2e%2e", "%00", "%ff",
                                         "1%2f2"};
  for (const auto& [method, body] : std::vector<std::pair<std::string, std::string>>{
           {"GET", ""}, {"PATCH", patch}, {"DELETE", ""}}) {
    const auto foreign = system.ask(method, System::path_of(*mine), body, {}, "app2");
    EXPECT_EQ(foreign.status, 404) << method;
    const auto missing = system.ask(method, System::path_of("nobody"), body, {}, "app2");
    EXPECT_EQ(foreign.body, missing.body) << method;
    for (const auto& id : unknown)
      EXPECT_EQ(system.ask(method, System::path_of(id), body).status, 404) << method << ' ' << id;
  }
  EXPECT_EQ(system.ask("GET", all, {}, {}, "app2").body, R"({"items":[]})");
  // A UE that exists, for somebody else, and one that does not exist at all.
  const auto foreign_ue = system.ask("POST", all, System::body("ue4", "gold"), {}, "app2");
  const auto missing_ue = system.ask("POST", all, System::body("ue9", "gold"), {}, "app2");
  EXPECT_EQ(foreign_ue.status, 404);
  EXPECT_EQ(foreign_ue.body, missing_ue.body);
  EXPECT_TRUE(before == system.durable());
}

}  // namespace
}  // namespace lobo::app::testing
