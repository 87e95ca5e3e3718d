// ServiceParameter of the simulated network, through its front door.

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "services/core_sim/test_lab.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;

const std::string path = "/3gpp-service-parameter/v1/lobo/subscriptions";
const std::string ue1 = R"("gpsi":"extid-ue1@lab.example")";
const std::string events =
    R"(,"subNotifEvents":["SUCCESS_UE_POL_DEL_SP","UNSUCCESS_UE_POL_DEL_SP"],)"
    R"("notificationDestination":"http://app.example/cb/1")";

std::string rule(int precedence, const std::string& port, const std::string& dnn) {
  return R"({"trafficDesc":{"flowDescs":["permit out 17 from 192.0.2.10 )" + port +
         R"( to any"]},"relatPrecedence":)" + std::to_string(precedence) +
         R"(,"routeSelParamSets":[{"dnn":")" + dnn + R"(","precedence":1}]})";
}
std::string body(const std::string& target, const std::string& more = "") {
  return "{" + target + R"(,"urspGuidance":[)" + rule(1, "5004", "red") + "," +
         rule(2, "5006", "blue") + "]" + more + "}";
}
std::vector<std::string> told(Lab& lab) {
  std::vector<std::string> out;
  for (const auto& one : lab.sent)
    out.push_back(member(one.body, "/reportEvent") + " " +
                  member(one.body, "/eventInfo/failureCause"));
  lab.sent.clear();
  return out;
}

TEST(service_parameter, lives_from_create_to_delete) {
  Lab lab;
  const auto made = lab.send("POST", path, body(ue1, events));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(member(made.body, "/self"), made.headers.find("location"));
  const auto at = location_path(made);
  EXPECT_EQ(member(lab.send("GET", at).body, "/urspGuidance/1/routeSelParamSets/0/dnn"), "blue");
  EXPECT_EQ(member(lab.send("GET", path).body, "/0/gpsi"), "extid-ue1@lab.example");
  EXPECT_EQ(lab.send("GET", path + "?gpsis=extid-ue2%40lab.example").body, "[]");
  EXPECT_EQ(lab.send("GET", "/3gpp-service-parameter/v1/other/subscriptions").body, "[]");
  EXPECT_TRUE(lab.sent.empty());
  lab.run_for(1s);
  EXPECT_EQ(told(lab), std::vector<std::string>{"SUCCESS_UE_POL_DEL_SP "});
  const auto changed =
      lab.send("PATCH", at, R"({"urspGuidance":[)" + rule(1, "5008", "green") + "]}",
               "application/merge-patch+json");
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(member(lab.send("GET", at).body, "/urspGuidance/0/routeSelParamSets/0/dnn"), "green");
  lab.run_for(1s);
  EXPECT_EQ(told(lab), std::vector<std::string>{"SUCCESS_UE_POL_DEL_SP "}) << "delivered anew";
  EXPECT_EQ(lab.send("PUT", at, body(ue1, events)).status, 200);
  EXPECT_EQ(lab.send("DELETE", at).status, 204);
  EXPECT_EQ(lab.send("GET", at).status, 404);
  lab.run_for(1s);
  EXPECT_TRUE(lab.sent.empty()) << "what is deleted is delivered to nobody";
  EXPECT_EQ(lab.core.counts().service_parameters, 0U);
}

TEST(service_parameter, is_told_not_to_have_reached_a_ue_that_is_away) {
  Lab lab;
  ASSERT_EQ(lab.send("POST", path, body(R"("gpsi":"extid-away@lab.example")", events)).status, 201);
  lab.run_for(1s);
  EXPECT_EQ(told(lab), std::vector<std::string>{"UNSUCCESS_UE_POL_DEL_SP UE_NOT_REACHABLE"});
}

TEST(service_parameter, is_refused_by_the_name_of_what_is_wrong) {
  Lab lab;
  const auto refused = [&](const std::string& text, int status, const std::string& where) {
    const auto answer = lab.send("POST", path, text);
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(member(answer.body, "/invalidParams/0/param"), where) << answer.body;
  };
  refused(body(R"("gpsi":"extid-nobody@lab.example")"), 404, "/gpsi");
  refused(body(R"("ueIpv4":"10.45.0.200")"), 404, "/ueIpv4");
  refused(body(ue1 + R"(,"ueIpv4":"10.45.0.2")"), 400, "/gpsi");
  refused(body(R"("externalGroupId":"extgroupid-g@lab.example")"), 400, "/externalGroupId");
  refused("{" + ue1 + "}", 400, "/urspGuidance");
  refused("{" + ue1 + R"(,"urspGuidance":[)" + rule(1, "1", "a") + "," + rule(1, "2", "b") + "]}",
          400, "/urspGuidance/1/relatPrecedence");
  refused("{" + ue1 +
              R"(,"urspGuidance":[{"trafficDesc":{"flowDescs":["nonsense"]},)"
              R"("routeSelParamSets":[{"dnn":"a"}]}]})",
          400, "/urspGuidance/0/trafficDesc/flowDescs/0");
  refused("{" + ue1 + R"(,"urspGuidance":[{"trafficDesc":{"dnns":["a"]}}]})", 400,
          "/urspGuidance/0/routeSelParamSets");
  refused(body(ue1, R"(,"subNotifEvents":["SUCCESS_UE_POL_DEL_SP"])"), 400,
          "/notificationDestination");
  EXPECT_EQ(lab.send("POST", "/3gpp-service-parameter/v1/stranger/subscriptions", body(ue1)).status,
            403);
  EXPECT_EQ(lab.core.counts().service_parameters, 0U);
  const auto at = location_path(lab.send("POST", path, body(ue1)));
  EXPECT_EQ(lab.send("PUT", at, body(R"("gpsi":"extid-ue2@lab.example")")).status, 400);
  EXPECT_EQ(lab.send("PATCH", at, R"({"subNotifEvents":["SUCCESS_UE_POL_DEL_SP"]})",
                     "application/merge-patch+json")
                .status,
            400);
}

TEST(service_parameter, is_struck_by_planned_faults_and_stands_in_the_journal) {
  Lab lab;
  ASSERT_EQ(lab.control("/faults",
                        R"({"kind":"STATUS","operation":"CreateServiceParameter","status":503})")
                .status,
            200);
  EXPECT_EQ(lab.send("POST", path, body(ue1)).status, 503);
  EXPECT_EQ(lab.send("POST", path, body(ue1)).status, 201);
  const auto journal = lab.send("GET", "/netsim-control/v1/journal").body;
  EXPECT_NE(journal.find("CreateServiceParameter"), std::string::npos) << journal;
}

}  // namespace
}  // namespace lobo::core_sim
