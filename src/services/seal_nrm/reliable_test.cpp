// Reliable transmission over two PDU sessions: T65 and T66 of TS 23.434.

#include "services/seal_nrm/reliable.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "api/nra_reliable.hpp"
#include "api/state/nrm_reliable.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "support/nrm_driver.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {
namespace {

using namespace std::chrono_literals;
using api::nra_reliable::ReliableNotification;
using api::nra_reliable::ReliableTransmission;
using lobo::testing::NrmDriver;

const std::string pair_text = R"("appDescs":[{"ipv4Addr":"192.0.2.10","port":4433,"protocol":17},)"
                              R"({"ipv4Addr":"192.0.2.11","port":4433,"protocol":17}])";
const std::string good =
    R"({"valTgtUe":{"valUeId":"ue1"},)" + pair_text + R"(,"notifUri":"http://127.0.0.1:9000/n"})";

class Reliable : public ::testing::Test {
 protected:
  Reliable() {
    driver.settings.reliable_paths = ReliablePaths{{"red", {}}, {"blue", {}}};
    driver.settings.reliable_paths->second.snssai.emplace();
    driver.settings.reliable_paths->second.snssai->sst = 2;
  }
  NrmDriver driver;

  resource::RequestId ask(std::string text, bool deliver = true, std::string who = "app") {
    driver.last_key = {"reliable", "r" + std::to_string(++made_)};
    const auto request = driver.command(driver.last_key, "CreateReliableTransmission",
                                        std::move(text), std::move(who));
    if (deliver) driver.deliver();
    return request;
  }
  ReliableTransmission answer(resource::RequestId request) {
    auto read = json::read<ReliableTransmission>(driver.replies.at(request).body);
    EXPECT_TRUE(read) << driver.replies.at(request).body;
    return read ? *read : ReliableTransmission{};
  }
  int tells(const std::string& what) {
    const auto name = driver.core.guidance.begin()->first;
    return driver.status(driver.call_back(
        driver.last_key,
        R"({"subscription":"http://core.example/3gpp-service-parameter/v1/lobo/subscriptions/)" +
            name + R"(",)" + what + "}"));
  }
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const auto& notification : driver.notifications) {
      const auto news = json::read<ReliableNotification>(notification.body);
      EXPECT_TRUE(news) << notification.body;
      for (const auto& event : news->event_notifs)
        out.push_back(event.event.text + (event.cause ? " " + *event.cause : ""));
    }
    driver.notifications.clear();
    return out;
  }
  void nothing_is_left() {
    EXPECT_TRUE(driver.core.guidance.empty());
    EXPECT_TRUE(driver.lookup.records.empty());
    EXPECT_TRUE(driver.timers.empty());
  }

 private:
  int made_ = 0;
};

TEST_F(Reliable, transmission_guides_two_kinds_of_traffic_over_two_pdu_sessions) {
  const auto request = ask(good, false);
  EXPECT_EQ(driver.status(request), 0) << "not before the network has taken it";
  driver.deliver();
  ASSERT_EQ(driver.status(request), 201) << driver.replies.at(request).body;
  ASSERT_EQ(driver.core.guidance.size(), 1U);
  const auto& asked = driver.core.guidance.begin()->second.body;
  EXPECT_NE(asked.find(R"("gpsi":"msisdn-491700000001")"), std::string::npos) << asked;
  EXPECT_NE(asked.find("permit out 17 from 192.0.2.10 4433 to any"), std::string::npos) << asked;
  EXPECT_NE(asked.find("permit out 17 from 192.0.2.11 4433 to any"), std::string::npos) << asked;
  EXPECT_LT(asked.find(R"("dnn":"red")"), asked.find(R"("dnn":"blue")")) << asked;
  EXPECT_NE(asked.find(R"("sst":2)"), std::string::npos) << asked;
  const auto doc = answer(request);
  EXPECT_EQ(doc.rel_state->control_plane.text, "confirmed");
  EXPECT_EQ(doc.rel_state->delivery.text, "PENDING") << "taken is not delivered";
  EXPECT_EQ(driver.replies.at(request).headers.find("location"),
            "http://127.0.0.60:7777/ss-nra/v1/reliable-transmissions/r1");
}

TEST_F(Reliable, transmission_says_whether_the_guidance_reached_the_ue) {
  const auto request = ask(good);
  ASSERT_EQ(driver.status(request), 201);
  EXPECT_EQ(tells(R"("reportEvent":"SUCCESS_UE_POL_DEL_SP")"), 204);
  EXPECT_EQ(tells(R"("reportEvent":"SUCCESS_UE_POL_DEL_SP")"), 204);
  EXPECT_EQ(told(), std::vector<std::string>{"GUIDANCE_DELIVERED"}) << "once";
  EXPECT_EQ(
      tells(
          R"("reportEvent":"UNSUCCESS_UE_POL_DEL_SP","eventInfo":{"failureCause":"UE_NOT_REACHABLE"})"),
      204);
  EXPECT_EQ(told(), std::vector<std::string>{"GUIDANCE_FAILED UE_NOT_REACHABLE"});
  const auto stored = json::read<api::state::nrm_reliable::StoredReliable>(
      driver.lookup.records.at(driver.last_key).state);
  EXPECT_EQ(represent_reliable(*stored, driver.settings).rel_state->delivery.text, "FAILED");
  EXPECT_EQ(driver.status(driver.call_back(
                driver.last_key, R"({"subscription":"http://x/s","reportEvent":"A"})", "forged")),
            404);
}

TEST_F(Reliable, transmission_whose_consent_is_withdrawn_says_so_and_holds_nothing) {
  ask(good);
  tells(R"("authResult":"AUTH_REVOKED")");
  driver.deliver();
  EXPECT_EQ(told(), std::vector<std::string>{"RELIABLE_TERMINATED AUTH_REVOKED"});
  EXPECT_TRUE(driver.core.guidance.empty());
  const auto request = driver.command(driver.last_key, "DeleteReliableTransmission", {}, "app");
  driver.deliver();
  EXPECT_EQ(driver.status(request), 204);
  nothing_is_left();
}

TEST_F(Reliable, transmission_ends_by_delete_and_by_its_duration) {
  ask(good);
  EXPECT_EQ(
      driver.status(driver.command(driver.last_key, "DeleteReliableTransmission", {}, "app2")),
      404);
  const auto request = driver.command(driver.last_key, "DeleteReliableTransmission", {}, "app");
  driver.deliver();
  EXPECT_EQ(driver.status(request), 204);
  nothing_is_left();
  ask(R"({"valTgtUe":{"valUeId":"ue1"},)" + pair_text + R"(,"duration":"2026-11-22T12:01:00Z"})");
  driver.run_for(120s);
  nothing_is_left();
}

TEST_F(Reliable, transmission_that_the_core_refuses_is_refused_and_leaves_nothing) {
  driver.core.refuse_creates = true;
  const auto request = ask(good);
  EXPECT_EQ(driver.status(request), 403);
  nothing_is_left();
}

TEST_F(Reliable, transmission_whose_answer_is_lost_is_found_in_the_list_and_withdrawn) {
  const auto request = ask(good, false);
  ASSERT_EQ(driver.calls.size(), 1U);
  // The core takes it, and its answer is lost.
  const auto call = driver.calls.front();
  driver.calls.clear();
  driver.core.handle(call.call.request);
  EXPECT_EQ(driver.core.guidance.size(), 1U);
  driver.apply(call.from,
               resource::NetworkAnswer{call.call.name, fail(Errc::timeout, "no answer in time")});
  EXPECT_EQ(driver.status(request), 504) << driver.replies.at(request).body;
  driver.run_for(60s);
  nothing_is_left();
}

TEST_F(Reliable, transmission_that_a_crash_interrupts_is_taken_back) {
  ask(good, false);
  const auto call = driver.calls.front();
  driver.calls.clear();
  driver.core.handle(call.call.request);
  driver.apply(call.from, resource::Recovered{call.call.name});
  driver.run_for(60s);
  nothing_is_left();
}

TEST_F(Reliable, transmission_names_every_bad_member_at_once) {
  const auto request = ask(
      R"({"valTgtUe":{"valUeId":""},"appDescs":[{"ipv4Addr":"192.0.2.1","port":1},)"
      R"({"ipv4Addr":"192.0.2.1","port":1}],"notifUri":"ftp://x","duration":"2020-01-01T00:00:00Z"})");
  EXPECT_EQ(driver.status(request), 400);
  EXPECT_EQ(driver.blamed(request),
            (std::vector<std::string>{"/valTgtUe/valUeId", "/appDescs/1", "/appDescs/0/port",
                                      "/appDescs/1/port", "/notifUri", "/duration"}));
  const auto stranger = ask(R"({"valTgtUe":{"valUeId":"ue2"},)" + pair_text + "}");
  EXPECT_EQ(driver.status(stranger), 404) << "another's UE is as one that nobody knows";
  EXPECT_TRUE(driver.lookup.records.empty());
}

TEST_F(Reliable, transmission_needs_paths_that_were_configured_and_a_nef) {
  driver.settings.reliable_paths.reset();
  const auto request = ask(good);
  EXPECT_EQ(driver.status(request), 501);
  EXPECT_EQ(driver.cause(request), "RELIABLE_PATHS_NOT_CONFIGURED");
  EXPECT_TRUE(driver.lookup.records.empty());
}

}  // namespace
}  // namespace lobo::seal_nrm
