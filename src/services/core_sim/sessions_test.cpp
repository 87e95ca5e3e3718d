
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "services/core_sim/test_lab.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;
using Events = std::vector<std::string>;

/// A lab with one allocated session of ue1.
class Guarantee : public ::testing::Test {
 protected:
  void start(std::string_view more = {}) {
    const auto created = lab.post_session(session_body("video-hd", "10.45.0.2", more));
    ASSERT_EQ(created.status, 201) << created.body;
    path = location_path(created);
    lab.run_for(1s);
    lab.events();
  }
  Events after(const std::string& control, std::string body = {}) {
    EXPECT_EQ(lab.control(control, std::move(body)).status, 200);
    lab.run_for(100ms);
    return lab.events();
  }
  Lab lab;
  std::string path;
};

TEST_F(Guarantee, a_degraded_link_is_told_once_and_its_return_once) {
  start();
  EXPECT_EQ(after("/ues/ue1/degrade", R"({"lossPercent":5})"), Events{"QOS_NOT_GUARANTEED"});
  EXPECT_EQ(after("/ues/ue1/degrade", R"({"lossPercent":6})"), Events{});
  EXPECT_EQ(after("/ues/ue1/degrade", R"({"delayMs":500})"), Events{});
  EXPECT_EQ(after("/ues/ue1/restore"), Events{"QOS_GUARANTEED"});
  EXPECT_EQ(after("/ues/ue1/restore"), Events{});
}

TEST_F(Guarantee, loss_delay_and_rate_each_break_it) {
  start();
  for (const auto* bad : {R"({"lossPercent":1.1})", R"({"delayMs":93})", R"({"rateDl":"59 Mbps"})",
                          R"({"rateUl":"9 Mbps"})"}) {
    EXPECT_EQ(after("/ues/ue1/degrade", bad), Events{"QOS_NOT_GUARANTEED"}) << bad;
    EXPECT_EQ(after("/ues/ue1/restore"), Events{"QOS_GUARANTEED"}) << bad;
  }
  for (const auto* bearable : {R"({"lossPercent":1})", R"({"delayMs":88})",
                               R"({"rateDl":"60 Mbps"})", R"({"rateUl":"10 Mbps"})"})
    EXPECT_EQ(after("/ues/ue1/degrade", bearable), Events{}) << bearable;
}

TEST_F(Guarantee, the_alternative_that_can_be_kept_is_named_and_its_change_told) {
  start(R"(,"altQoSReferences":["video-sd","best-effort"])");
  EXPECT_EQ(after("/ues/ue1/degrade", R"({"lossPercent":5})"),
            Events{"QOS_NOT_GUARANTEED video-sd"});
  EXPECT_EQ(after("/ues/ue1/degrade", R"({"lossPercent":50})"),
            Events{"QOS_NOT_GUARANTEED best-effort"});
  EXPECT_EQ(after("/ues/ue1/degrade", R"({"lossPercent":5})"),
            Events{"QOS_NOT_GUARANTEED video-sd"});
  EXPECT_EQ(after("/ues/ue1/restore"), Events{"QOS_GUARANTEED"});
}

TEST_F(Guarantee, each_direction_can_be_told_apart) {
  start();
  const auto patched =
      lab.send("PATCH", path, R"({"events":["QOS_NOT_GUARANTEED_DL","QOS_NOT_GUARANTEED_UL"]})",
               "application/merge-patch+json");
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(after("/ues/ue1/degrade", R"({"rateDl":"1 Mbps"})"), Events{"QOS_NOT_GUARANTEED_DL"});
  EXPECT_EQ(after("/ues/ue1/degrade", R"({"rateUl":"1 Mbps"})"), Events{"QOS_NOT_GUARANTEED_UL"});
}

TEST_F(Guarantee, a_link_of_another_ue_changes_nothing) {
  start();
  EXPECT_EQ(after("/ues/ue2/degrade", R"({"lossPercent":90})"), Events{});
}

TEST_F(Guarantee, a_handover_into_a_full_cell_loses_it_and_room_brings_it_back) {
  start();
  ASSERT_EQ(lab.control("/ues/ue2/move", R"({"cell":"cell2"})").status, 200);
  const auto other = lab.post_session(session_body("video-hd", "10.45.0.3"));
  ASSERT_EQ(other.status, 201);
  lab.run_for(1s);
  lab.events();
  EXPECT_EQ(after("/ues/ue1/move", R"({"cell":"cell2"})"), Events{"QOS_NOT_GUARANTEED"});
  EXPECT_TRUE(lab.core.books_balance());
  lab.send("DELETE", location_path(other));
  lab.run_for(1s);
  EXPECT_EQ(lab.events(), Events{"QOS_GUARANTEED"});
  EXPECT_TRUE(lab.core.books_balance());
}

TEST_F(Guarantee, the_youngest_loses_when_a_cell_is_narrowed_and_the_oldest_returns_first) {
  start();
  const auto young = lab.post_session(session_body("video-sd", "10.45.0.3"));
  ASSERT_EQ(young.status, 201);
  lab.run_for(1s);
  lab.events();
  EXPECT_EQ(lab.control("/cells/cell1/capacity", R"({"capacityDl":"70 Mbps"})").status, 200);
  lab.run_for(1s);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(member(lab.sent[0].body, "/transaction"), young.headers.find("location"));
  EXPECT_EQ(lab.events(), Events{"QOS_NOT_GUARANTEED"});
  EXPECT_TRUE(lab.core.books_balance());
  EXPECT_EQ(after("/cells/cell1/capacity", R"({"capacityDl":"80 Mbps"})"),
            Events{"QOS_GUARANTEED"});
}

TEST_F(Guarantee, a_detached_ue_ends_its_sessions_and_they_are_gone) {
  start();
  EXPECT_EQ(after("/ues/ue1/detach"), Events{"SESSION_TERMINATION"});
  EXPECT_EQ(lab.send("GET", path).status, 404);
  EXPECT_EQ(lab.post_session(session_body("control")).status, 500);
  EXPECT_EQ(after("/ues/ue1/attach"), Events{});
  EXPECT_EQ(lab.post_session(session_body("control")).status, 201);
}

TEST_F(Guarantee, a_new_address_ends_the_session_on_the_old_one) {
  start();
  EXPECT_EQ(after("/ues/ue1/address", R"({"ipv4Addr":"10.45.0.77"})"),
            Events{"SESSION_TERMINATION"});
  EXPECT_EQ(lab.post_session(session_body("control")).status, 500);
  EXPECT_EQ(lab.post_session(session_body("control", "10.45.0.77")).status, 201);
  EXPECT_EQ(lab.control("/ues/ue2/address", R"({"ipv4Addr":"10.45.0.77"})").status, 409);
}

TEST_F(Guarantee, the_network_can_end_a_session_by_itself) {
  start();
  const auto id = path.substr(path.rfind('/') + 1);
  EXPECT_EQ(lab.control("/reservations/" + id + "/terminate").status, 204);
  lab.run_for(1s);
  EXPECT_EQ(lab.events(), Events{"SESSION_TERMINATION"});
  EXPECT_EQ(lab.core.counts().sessions, 0U);
  EXPECT_EQ(lab.control("/reservations/" + id + "/terminate").status, 404);
}

TEST(session_reports, delays_and_rates_are_reported_in_their_periods) {
  Lab lab;
  std::string body =
      session_body("video-hd", "10.45.0.2",
                   R"(,"qosMonInfo":{"reqQosMonParams":["DOWNLINK","UPLINK","ROUND_TRIP"],)"
                   R"("repFreqs":["PERIODIC"],"repPeriod":10},)"
                   R"("qosMonDatRate":{"reqQosMonParams":["DOWNLINK_DATA_RATE"],)"
                   R"("repFreqs":["PERIODIC"],"repPeriod":20})");
  body.replace(body.find("[\"SUCC"), 1, "[\"QOS_MONITORING\",");
  ASSERT_EQ(lab.post_session(body).status, 201);
  lab.run_for(1s);
  lab.sent.clear();
  lab.run_for(20s);
  ASSERT_EQ(lab.sent.size(), 3U);
  const auto delay =
      parse_decimal(member(lab.sent[0].body, "/eventReports/0/qosMonReports/0/dlDelays/0"));
  ASSERT_TRUE(delay);
  EXPECT_GE(*delay, 8U);
  EXPECT_LE(*delay, 11U);
  const auto round =
      parse_decimal(member(lab.sent[0].body, "/eventReports/0/qosMonReports/0/rtDelays/0"));
  ASSERT_TRUE(round);
  EXPECT_GE(*round, 20U);
  EXPECT_LE(*round, 26U);
}

TEST(session_reports, a_measurement_that_fails_is_told_as_such) {
  Lab lab;
  std::string body = session_body(
      "video-hd", "10.45.0.2",
      R"(,"qosMonInfo":{"reqQosMonParams":["DOWNLINK"],"repFreqs":["PERIODIC"],"repPeriod":1})");
  body.replace(body.find("[\"SUCC"), 1, "[\"QOS_MONITORING\",");
  ASSERT_EQ(lab.post_session(body).status, 201);
  lab.control("/ues/ue1/degrade", R"({"measurementFails":true})");
  lab.run_for(1500ms);
  ASSERT_EQ(lab.sent.size(), 2U);
  EXPECT_EQ(member(lab.sent[1].body, "/eventReports/0/qosMonReports/0/pdmf"), "true");
  EXPECT_EQ(member(lab.sent[1].body, "/eventReports/0/qosMonReports/0/dlDelays"), "");
}

TEST(session_reports, a_passed_threshold_is_reported_once_until_it_was_back) {
  Lab lab;
  std::string body = session_body("best-effort", "10.45.0.2",
                                  R"(,"qosMonInfo":{"reqQosMonParams":["DOWNLINK"],)"
                                  R"("repFreqs":["EVENT_TRIGGERED"],"repThreshDl":50})");
  body.replace(body.find("[\"SUCC"), 1, "[\"QOS_MONITORING\",");
  ASSERT_EQ(lab.post_session(body).status, 201);
  lab.run_for(1s);
  lab.events();
  const auto after = [&](const char* link) {
    lab.control("/ues/ue1/degrade", link);
    lab.run_for(100ms);
    return lab.events();
  };
  EXPECT_EQ(after(R"({"delayMs":42})"), Events{});
  EXPECT_EQ(after(R"({"delayMs":43})"), Events{"QOS_MONITORING"});
  EXPECT_EQ(after(R"({"delayMs":60})"), Events{});
  EXPECT_EQ(after(R"({"delayMs":0})"), Events{});
  EXPECT_EQ(after(R"({"delayMs":60})"), Events{"QOS_MONITORING"});
}

TEST(session_reports, usage_is_reported_each_time_the_threshold_is_reached) {
  Lab lab;
  std::string body =
      session_body("video-hd", "10.45.0.2", R"(,"usageThreshold":{"downlinkVolume":75000000})");
  body.replace(body.find("[\"SUCC"), 1, "[\"USAGE_REPORT\",");
  ASSERT_EQ(lab.post_session(body).status, 201);
  lab.run_for(20ms);
  lab.events();
  lab.run_for(10s);  // 60 Mbit/s carry 7.5 MB each second
  EXPECT_EQ(lab.events(), Events{"USAGE_REPORT"});
  lab.run_for(20s);
  EXPECT_EQ(lab.events(), (Events{"USAGE_REPORT", "USAGE_REPORT"}));
}

RC_GTEST_PROP(sessions, whatever_is_asked_and_done_the_books_balance_and_nothing_stays_behind, ()) {
  Lab lab;
  std::vector<std::string> paths;
  const std::vector<std::string> addresses{"10.45.0.2", "10.45.0.3", "10.45.0.4"};
  const std::vector<std::string> references{"video-hd", "video-sd", "control", "best-effort"};
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 8), rc::gen::inRange(0, 12)));
  for (const auto& [what, which] : steps) {
    const auto pick = static_cast<std::size_t>(which);
    const auto ue = "/ues/ue" + std::to_string(1 + which % 3);
    const auto& reference = references[pick % 4];
    if (what <= 2) {
      const auto made = lab.post_session(session_body(
          reference, addresses[pick % 3], what == 2 ? R"(,"altQoSReferences":["video-sd"])" : ""));
      if (made.status == 201) paths.push_back(location_path(made));
    } else if (what == 3 && !paths.empty()) {
      lab.send("DELETE", paths[pick % paths.size()]);
    } else if (what == 4 && !paths.empty()) {
      lab.send("PATCH", paths[pick % paths.size()], R"({"qosReference":")" + reference + "\"}",
               "application/merge-patch+json");
    } else if (what == 5) {
      lab.control(ue + "/move", which % 2 == 0 ? R"({"cell":"cell1"})" : R"({"cell":"cell2"})");
    } else if (what == 6) {
      lab.control(ue + (which % 2 == 0 ? "/restore" : "/degrade"),
                  which % 2 == 0 ? "" : R"({"lossPercent":5})");
    } else {
      lab.run_for(10ms);
    }
    RC_ASSERT(lab.core.books_balance());
  }
  for (const auto& path : paths) lab.send("DELETE", path);
  RC_ASSERT(lab.core.counts().sessions == 0U);
  RC_ASSERT(member(lab.send("GET", "/netsim-control/v1/cells").body, "/cells/0/reservedDl") ==
            "0 bps");
  RC_ASSERT(lab.core.books_balance());
}

}  // namespace
}  // namespace lobo::core_sim
