// QoS degradation as an input of the Energy Information AF: what the network says, and what becomes
// of the session that it says it of.

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "api/media_e5.hpp"
#include "services/media_energy/ports.hpp"
#include "support/eiaf_world.hpp"
#include "support/media_driver.hpp"
#include "wire/http/message.hpp"

namespace lobo::media_energy {
namespace {

const std::string move_or_reduce =
    R"("adaptationGuidance":[{"action":"RESELECT_SERVICE_LOCATION","triggerThresholdRef":"hot"},)"
    R"({"action":"REDUCE_MAX_BITRATE","triggerThresholdRef":"hot","params":{"maxBitRate":"2 Mbps"}}])";
const std::string floor_text =
    R"("serviceEnergyProfile":{"qoeFloor":{"maxLatencyMs":100,"maxPacketLossRatio":0.02}})";

/// A NEF's word (TS 29.122 clause 5.14.2.1.6).
std::string nef_word(std::string_view event) {
  return R"({"transaction":"http://nef.example/subscriptions/1","eventReports":[{"event":")" +
         std::string(event) + R"("}]})";
}
/// What SS_NetworkResourceMonitoring measured: milliseconds, tenths of a percent.
std::string measured(int delay, int loss) {
  return R"({"valUeIds":[{"valUserId":"ue-1"}],"timestamp":"2026-11-22T12:00:00Z","measData":{"dlDelay":)" +
         std::to_string(delay) + R"(,"avgPlr":)" + std::to_string(loss) + "}}";
}

class media_network : public eiaf {
 protected:
  std::string uri(const std::string& client, std::string_view form) {
    const auto shown =
        MediaDriver::body_of(d.ask("GET", "/x-e5/v1/subscriptions/" + client, {}, "ue"));
    const auto* uris = shown.find("networkNotificationUris");
    EXPECT_NE(uris, nullptr);
    const auto whole = std::string(*uris->find(std::string(form))->text());
    EXPECT_TRUE(whole.starts_with(d.settings.api_root)) << whole;
    return whole.substr(d.settings.api_root.size());
  }
  int say(const std::string& client, std::string_view event) {
    return d.ask("POST", uri(client, "userPlane"), nef_word(event), "").status;
  }
  int say_measured(const std::string& client, int delay, int loss) {
    return d.ask("POST", uri(client, "monitoring"), measured(delay, loss), "").status;
  }
};

TEST_F(media_network, that_qos_is_not_held_leads_a_session_to_another_place) {
  const auto client = playing(object({hot, reselect, quiet}));
  d.run(3, power(120));
  d.heard(client);
  EXPECT_EQ(say(client, "QOS_NOT_GUARANTEED"), 204);
  d.run(1, power(120));
  const auto events = d.heard(client);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].energy_reporting_reason, Reason::qos_degraded);
  const auto& told = *events[0].energy_adaptation_recommendation;
  EXPECT_EQ(told.action, Action::reselect_service_location);
  EXPECT_EQ(told.service_location_priority, (std::vector<std::string>{"SL2"}));
  d.moved(client, "SL2", told.move_id);
  EXPECT_EQ(say(client, "QOS_GUARANTEED"), 204);
  d.planner.shares = {{"SL1", 1}};
  d.run(60, power(120));
  EXPECT_TRUE(d.recommended(client).empty()) << "the move has helped: that place is to blame";
}

TEST_F(media_network, a_move_that_does_not_help_clears_the_place_and_lowers_the_rate) {
  const auto client = playing(object({hot, move_or_reduce, quiet}));
  d.run(3, power(120));
  say(client, "QOS_NOT_GUARANTEED");
  d.run(1, power(120));
  const auto told = d.recommended(client);
  ASSERT_EQ(told.size(), 1U);
  ASSERT_EQ(told[0].action, Action::reselect_service_location);
  d.moved(client, "SL2", told[0].move_id);
  d.run(8, power(120));
  EXPECT_TRUE(d.recommended(client).empty()) << "it has ten seconds to help";
  d.run(4, power(120));
  const auto then = d.recommended(client);
  ASSERT_EQ(then.size(), 1U);
  EXPECT_EQ(then[0].action, Action::reduce_max_bitrate);
  say(client, "QOS_GUARANTEED");
  d.run(5, power(120));
  EXPECT_TRUE(d.recommended(client).empty()) << "held for five seconds only";
  d.run(7, power(120));
  const auto last = d.heard(client);
  ASSERT_FALSE(last.empty());
  EXPECT_EQ(last.back().energy_reporting_reason, Reason::qos_restored);
  EXPECT_EQ(last.back().energy_adaptation_recommendation->action, Action::resume);
  d.run(3, {{"as1", {.power_w = 110}}, {"as2", {.power_w = 180}}});
  const auto home = d.recommended(client);
  ASSERT_EQ(home.size(), 1U) << "the first place is not vetoed any more";
  EXPECT_EQ(home[0].service_location_priority->front(), "SL1");
}

TEST_F(media_network, quality_rises_and_plans_move_nobody_while_the_network_does_not_hold) {
  const auto client = playing(object({hot, reduce(), quiet}));
  d.run(2, power(180));
  ASSERT_EQ(d.recommended(client).size(), 1U) << "lowered for the threshold";
  say(client, "QOS_NOT_GUARANTEED");
  d.run(20, power(120));
  EXPECT_TRUE(d.recommended(client).empty()) << "the threshold is clear, the network is not";
  say(client, "QOS_GUARANTEED");
  d.run(2, power(120));
  ASSERT_EQ(d.recommended(client).size(), 1U);
}

TEST_F(media_network, a_plan_moves_nobody_meanwhile) {
  d.planner.shares = {{"SL2", 1}};
  const auto client = playing(object(
      {hot,
       R"("adaptationGuidance":[{"action":"RESELECT_SERVICE_LOCATION","triggerThresholdRef":"hot"}])",
       R"("serviceEnergyProfile":{"maxMovesPerSessionPerHour":1})", quiet}));
  say(client, "QOS_NOT_GUARANTEED");
  d.run(1, {{"as1", {.power_w = 120}}, {"as2", {.power_w = 180}}});
  d.run(32, {{"as1", {.power_w = 120}}, {"as2", {.power_w = 180}}});
  EXPECT_TRUE(d.recommended(client).empty()) << "nowhere to go: the other place is too hot";
  d.run(32, power(120));
  EXPECT_TRUE(d.recommended(client).empty()) << "and the plan waits";
  say(client, "QOS_GUARANTEED");
  d.run(40, power(120));
  EXPECT_EQ(d.recommended(client).size(), 1U);
}

TEST_F(media_network, figures_are_held_against_the_floor) {
  const auto client = playing(object({hot, reduce(), floor_text, quiet}));
  d.run(2, power(120));
  EXPECT_EQ(say_measured(client, 100, 20), 204);
  d.run(2, power(120));
  EXPECT_TRUE(d.recommended(client).empty()) << "as much as is allowed";
  EXPECT_EQ(say_measured(client, 101, 0), 204);
  d.run(1, power(120));
  EXPECT_EQ(d.recommended(client).size(), 1U);
  say_measured(client, 20, 0);
  d.run(12, power(120));
  EXPECT_EQ(d.recommended(client).at(0).action, Action::resume);
  say_measured(client, 20, 21);
  d.run(1, power(120));
  EXPECT_EQ(d.recommended(client).at(0).action, Action::reduce_max_bitrate);
}

TEST_F(media_network, figures_without_a_floor_say_nothing) {
  const auto client = playing(object({hot, reduce(), quiet}));
  EXPECT_EQ(say_measured(client, 5000, 1000), 204);
  d.run(2, power(120));
  EXPECT_TRUE(d.recommended(client).empty());
}

TEST_F(media_network, is_understood_from_each_of_its_senders) {
  const auto lost = [&](std::string_view form, std::string_view below, const std::string& body) {
    const auto client = playing(object({hot, reduce(), floor_text, quiet}));
    d.heard(client);
    const auto answer = d.ask("POST", uri(client, form) + std::string(below), body, "");
    EXPECT_EQ(answer.status, 204) << answer.body;
    d.run(1, power(120));
    return d.recommended(client).size() == 1;
  };
  d.run(2, power(120));
  EXPECT_TRUE(
      lost("resource", "",
           R"({"notifId":"http://val.example/n","eventNotifs":[{"event":"QOS_NOT_GUARANTEED",)"
           R"("ts":"2026-11-22T12:00:00Z"}]})"));
  EXPECT_FALSE(lost("resource", "",
                    R"({"notifId":"http://val.example/n","eventNotifs":[{"event":"QOS_TERMINATED",)"
                    R"("ts":"2026-11-22T12:00:00Z"}]})"))
      << "what is not promised any more is not broken";
  EXPECT_TRUE(lost("appSession", "/notify",
                   R"({"evSubsUri":"http://pcf.example/s","evNotifs":[{"event":"QOS_NOTIF"}],)"
                   R"("qncReports":[{"notifType":"GUARANTEED"},{"notifType":"NOT_GUARANTEED"}]})"));
  EXPECT_FALSE(lost("appSession", "/notify",
                    R"({"evSubsUri":"http://pcf.example/s","evNotifs":[{"event":"QOS_NOTIF"}],)"
                    R"("qncReports":[{"notifType":"GUARANTEED"}]})"));
  EXPECT_TRUE(lost("appSession", "/notify",
                   R"({"evSubsUri":"http://pcf.example/s","evNotifs":[{"event":"QOS_MONITORING"}],)"
                   R"("qosMonReports":[{"dlDelays":[20,140]}]})"));
  EXPECT_TRUE(
      lost("userPlane", "",
           R"({"transaction":"http://nef.example/1","eventReports":[{"event":"QOS_MONITORING",)"
           R"("qosMonReports":[{"rtDelays":[202]}]}]})"));
  EXPECT_FALSE(
      lost("userPlane", "",
           R"({"transaction":"http://nef.example/1","eventReports":[{"event":"USAGE_REPORT"}]})"));
  EXPECT_FALSE(
      lost("userPlane", "",
           R"({"transaction":"http://nef.example/1","eventReports":[{"event":"OF_2031"}]})"));
}

TEST_F(media_network, needs_the_secret_and_its_form) {
  const auto client = playing(object({hot, reduce(), quiet}));
  const auto right = uri(client, "userPlane");
  auto wrong = right;
  auto& letter = wrong[wrong.rfind('/') - 1];
  letter = letter == 'x' ? 'y' : 'x';
  EXPECT_EQ(d.ask("POST", wrong, nef_word("QOS_NOT_GUARANTEED"), "").status, 404);
  EXPECT_EQ(d.ask("POST", right, "{}", "").status, 400);
  EXPECT_EQ(d.ask("POST", right, R"({"transaction":1,"eventReports":[{}]})", "").status, 400);
  EXPECT_EQ(d.ask("POST", uri(client, "monitoring"), nef_word("QOS_NOT_GUARANTEED"), "").status,
            400);
  d.run(2, power(120));
  EXPECT_TRUE(d.recommended(client).empty());
  d.ask("DELETE", "/x-e5/v1/subscriptions/" + client, {}, "ue");
  EXPECT_EQ(d.ask("POST", right, nef_word("QOS_NOT_GUARANTEED"), "").status, 404);
}

TEST_F(media_network, the_provider_hears_of_it) {
  const auto client = playing(object(
      {hot, reduce(), quiet,
       R"("recipients":[{"type":"EIC"},{"type":"ASP_CALLBACK","notificationUri":"http://asp.example/n"}])"}));
  say(client, "QOS_NOT_GUARANTEED_DL");
  ASSERT_FALSE(d.notified.empty());
  EXPECT_NE(d.notified.back().body.find("QOS_DEGRADED"), std::string::npos);
  const auto told = d.notified.size();
  say(client, "QOS_NOT_GUARANTEED_DL");
  EXPECT_EQ(d.notified.size(), told) << "said already";
}

}  // namespace
}  // namespace lobo::media_energy
