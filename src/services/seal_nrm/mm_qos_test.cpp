// QoS of a mobile metaverse service: T69 to T71 of TS 23.434.

#include "services/seal_nrm/mm_qos.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "api/nra_mm_qos.hpp"
#include "api/state/adaptation.hpp"
#include "support/nrm_driver.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {
namespace {

using namespace std::chrono_literals;
using api::nra_mm_qos::MmQosManagement;
using api::nra_mm_qos::MmQosNotification;
using lobo::testing::NrmDriver;
using resource::Key;

const std::string servers =
    R"("valServers":[{"valServerId":"relay-1","ipv4Addr":"192.0.2.10","port":4433}])";
const std::string sessions =
    R"("mmServiceId":"xr.meet","sessions":[)"
    R"({"valSessionId":"poses","mmQos":{"gbrDl":"2 Mbps","packetDelayBudgetMs":20,"packetErrorRate":"1E-3"}},)"
    R"({"valSessionId":"faces","mmQos":{"gbrDl":"3 Mbps","gbrUl":"1 Mbps","packetDelayBudgetMs":50,"packetErrorRate":"1E-4"}}])";

std::string body(const std::string& ues, const std::string& what = sessions,
                 const std::string& more = "") {
  std::string list;
  for (const char ue : ues)
    list += (list.empty() ? "" : ",") + (R"({"valUeId":"m)" + std::string(1, ue) + "\"}");
  return R"({"ues":[)" + list + "]," + servers + "," + what +
         R"(,"notifUri":"http://127.0.0.1:9000/n")" + more + "}";
}

class MmQos : public ::testing::Test {
 protected:
  NrmDriver driver;

  resource::RequestId manage(std::string text, std::string who = "app", bool deliver = true) {
    driver.last_key = {"adaptation", "q" + std::to_string(++made_)};
    const auto request =
        driver.command(driver.last_key, "CreateMmQos", std::move(text), std::move(who));
    if (deliver) driver.deliver();
    return request;
  }
  MmQosManagement answer(resource::RequestId request) {
    auto read = json::read<MmQosManagement>(driver.replies.at(request).body);
    EXPECT_TRUE(read) << driver.replies.at(request).body;
    return read ? *read : MmQosManagement{};
  }
  /// "EVENT ue cause" of each that was told since the last time.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const auto& notification : driver.notifications) {
      const auto news = json::read<MmQosNotification>(notification.body);
      EXPECT_TRUE(news) << notification.body;
      if (!news) continue;
      EXPECT_EQ(news->notif_id, mm_qos_uri(driver.settings, driver.last_key.id));
      for (const auto& event : news->event_notifs) {
        EXPECT_EQ(event.seq, static_cast<std::int64_t>(notification.sequence));
        out.push_back(event.event.text +
                      (event.val_tgt_ue ? " " + event.val_tgt_ue->val_ue_id.value_or("") : "") +
                      (event.cause ? " " + *event.cause : ""));
      }
    }
    driver.notifications.clear();
    return out;
  }
  std::string at_core(std::size_t i = 0) {
    auto at = driver.core.sessions.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(i));
    return at->second.body;
  }
  Key member(const std::string& name) { return {"unicast", driver.last_key.id + ".e." + name}; }
  void nothing_is_left() {
    EXPECT_TRUE(driver.core.sessions.empty());
    for (const auto& [key, record] : driver.lookup.records)
      EXPECT_EQ(key.kind, "core_peer") << key.id << " is left";
  }

 private:
  int made_ = 0;
};

TEST_F(MmQos, is_one_reservation_for_each_ue_that_bears_the_services_multi_modal_id) {
  const auto request = manage(body("12"));
  ASSERT_EQ(driver.status(request), 201) << driver.replies.at(request).body;
  ASSERT_EQ(driver.core.sessions.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto asked = at_core(i);
    EXPECT_NE(asked.find(R"("multiModalId":"app/xr.meet")"), std::string::npos) << asked;
    EXPECT_NE(asked.find("permit out 17 from 192.0.2.10 4433 to 10.45.0.2"), std::string::npos)
        << asked;
    EXPECT_NE(asked.find(R"("reqGbrDl":"5 Mbps")"), std::string::npos) << "rates add up: " << asked;
    EXPECT_NE(asked.find(R"("reqGbrUl":"1 Mbps")"), std::string::npos) << asked;
    EXPECT_NE(asked.find(R"("req5Gsdelay":20)"), std::string::npos) << "the strictest: " << asked;
    EXPECT_NE(asked.find(R"("reqPer":"1E-4")"), std::string::npos) << asked;
  }
  const auto doc = answer(request);
  EXPECT_EQ(driver.replies.at(request).headers.find("location"),
            "http://127.0.0.60:7777/ss-nra/v1/mm-qos/" + driver.last_key.id);
  EXPECT_EQ(doc.mm_qos_state->ues.confirmed, 2);
  EXPECT_EQ(doc.ues->size(), 2U);
  EXPECT_EQ(doc.report_config->packet_delay_budget_ms, 20) << "T70: beyond which a loss is told";
}

TEST_F(MmQos, configuration_of_each_session_is_told) {
  ASSERT_EQ(driver.status(
                manage(body("1", R"("mmServiceId":"xr.meet","mmQos":{"packetDelayBudgetMs":30},)"
                                 R"("sessions":[{"valSessionId":"poses"}])"))),
            201);
  ASSERT_EQ(driver.notifications.size(), 1U);
  const auto news = json::read<MmQosNotification>(driver.notifications.front().body);
  ASSERT_TRUE(news);
  EXPECT_EQ(news->mm_service_id, "xr.meet");
  const auto& event = news->event_notifs.at(0);
  EXPECT_EQ(event.event.text, "MM_QOS_CONFIGURED");
  EXPECT_EQ(event.sessions->at(0).val_session_id, "poses");
  EXPECT_EQ(event.sessions->at(0).mm_qos->packet_delay_budget_ms, 30) << "the service's";
  EXPECT_EQ(event.report_config->packet_delay_budget_ms, 30);
}

TEST_F(MmQos, is_all_or_nothing_unless_a_part_is_wanted) {
  const std::string two = R"({"ues":[{"valUeId":"m1"},{"valUeId":"ghost"}],)" + servers + "," +
                          sessions + R"(,"notifUri":"http://127.0.0.1:9000/n")";
  const auto all = manage(two + "}");
  EXPECT_EQ(driver.status(all), 403);
  EXPECT_EQ(driver.cause(all), "USER_NOT_FOUND");
  driver.run_for(60s);
  nothing_is_left();
  const auto some = manage(two + R"(,"partial":true})");
  EXPECT_EQ(driver.status(some), 201);
  EXPECT_EQ(answer(some).mm_qos_state->ues.refused, 1);
  EXPECT_EQ(driver.core.sessions.size(), 1U);
}

TEST_F(MmQos, that_is_answered_late_is_refused_and_taken_back) {
  const auto request = manage(body("12"), "app", false);
  driver.deliver_tells();
  const auto late = std::exchange(driver.calls, {});  // The core answers after its time.
  driver.run_for(6s, false);
  EXPECT_EQ(driver.status(request), 504);
  driver.calls.insert(driver.calls.begin(), late.begin(), late.end());
  driver.run_for(120s);
  nothing_is_left();
}

TEST_F(MmQos, loss_and_return_are_told_with_the_ue_and_the_reason) {
  ASSERT_EQ(driver.status(manage(body("1"))), 201);
  told();
  driver.event(member("m1"), "QOS_NOT_GUARANTEED");
  driver.deliver();
  EXPECT_EQ(told(), std::vector<std::string>{"QOS_NOT_GUARANTEED m1 QOS_NOT_GUARANTEED"});
  driver.event(member("m1"), "QOS_GUARANTEED");
  driver.deliver();
  EXPECT_EQ(told(), std::vector<std::string>{"QOS_GUARANTEED m1 QOS_GUARANTEED"});
}

TEST_F(MmQos, change_is_answered_after_the_network_agreed_and_configured_anew) {
  ASSERT_EQ(driver.status(manage(body("1"))), 201);
  told();
  const auto request = driver.command(
      driver.last_key, "ModifyMmQos",
      R"({"sessions":[{"valSessionId":"poses","mmQos":{"gbrDl":"1 Mbps"}}],)"
      R"("valServers":[{"valServerId":"relay-2","ipv4Addr":"192.0.2.20","port":4433}]})",
      "app");
  driver.deliver();
  ASSERT_EQ(driver.status(request), 200) << driver.replies.at(request).body;
  EXPECT_NE(at_core().find(R"("reqGbrDl":"1 Mbps")"), std::string::npos) << at_core();
  EXPECT_NE(at_core().find("from 192.0.2.20 4433"), std::string::npos) << at_core();
  EXPECT_EQ(answer(request).val_servers.at(0).val_server_id, "relay-2");
  EXPECT_EQ(told(), std::vector<std::string>{"MM_QOS_CONFIGURED"});
}

TEST_F(MmQos, change_that_nobody_gets_leaves_all_as_it_was) {
  ASSERT_EQ(driver.status(manage(body("1", R"("mmQos":{"qosReference":"video-sd"})"))), 201);
  driver.core.refused_references["video-hd"] = R"({"cause":"SERVICE_NOT_ALLOWED"})";
  const auto request = driver.command(driver.last_key, "ModifyMmQos",
                                      R"({"mmQos":{"qosReference":"video-hd"}})", "app");
  driver.deliver();
  EXPECT_EQ(driver.status(request), 403);
  const auto kept = json::read<api::state::adaptation::AdaptationState>(
      driver.lookup.records.at(driver.last_key).state);
  EXPECT_EQ(kept->mm->mm_qos->qos_reference, "video-sd");
}

TEST_F(MmQos, end_leaves_nothing_at_the_core) {
  ASSERT_EQ(driver.status(manage(body("12"))), 201);
  const auto request = driver.command(driver.last_key, "DeleteMmQos", {}, "app");
  driver.deliver();
  EXPECT_EQ(driver.status(request), 204);
  driver.run_for(60s);
  nothing_is_left();
}

TEST_F(MmQos, bad_members_are_named_at_once) {
  const auto request = manage(
      R"({"ues":[{"valUeId":"m1"},{"valUeId":"m1"}],"valGroupId":"crew","valServers":[)"
      R"({"valServerId":"a","port":1},{"valServerId":"a","ipv4Addr":"192.0.2.1","ipv6Addr":"2001:db8::1"}],)"
      R"("sessions":[{"valSessionId":"s","mmQos":{"gbrDl":"9 Mbps","dlBitRate":"1 Mbps"}},)"
      R"({"valSessionId":"s"}],"serviceArea":{"a":"b"},"sessionDependencies":{"s":"t"},)"
      R"("notifUri":"ftp://x"})");
  EXPECT_EQ(driver.status(request), 400);
  EXPECT_EQ(driver.blamed(request),
            (std::vector<std::string>{"/valServers/0/port", "/valServers/1/valServerId",
                                      "/valServers/1/ipv6Addr", "/sessions/1/valSessionId",
                                      "/sessionDependencies", "/serviceArea",
                                      "/sessions/0/mmQos/gbrDl", "/sessions/1/mmQos", "/notifUri",
                                      "/valGroupId", "/ues/1/valUeId"}));
  EXPECT_TRUE(driver.lookup.records.empty());
}

TEST_F(MmQos, references_cannot_be_added_up) {
  const auto request =
      manage(body("1", R"("sessions":[{"valSessionId":"a","mmQos":{"qosReference":"video-hd"}},)"
                       R"({"valSessionId":"b","mmQos":{"gbrDl":"1 Mbps"}}])"));
  EXPECT_EQ(driver.status(request), 400);
  EXPECT_EQ(driver.blamed(request), std::vector<std::string>{"/sessions/1/mmQos"});
}

}  // namespace
}  // namespace lobo::seal_nrm
