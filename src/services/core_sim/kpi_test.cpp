// Energy and performance of cells: the arithmetic, and files from the first period to the consumer.
#include "services/core_sim/kpi.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/net_control.hpp"
#include "api/oam_files.hpp"
#include "model/date_time.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/kpi_meter.hpp"
#include "services/core_sim/test_lab.hpp"
#include "services/core_sim/test_upf.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;
namespace view = api::net_control;
namespace files = api::oam_files;

const Instant noon = *model::parse_date_time("2026-11-22T12:00:00Z");

class kpi_meter : public ::testing::Test {
 protected:
  static std::vector<CellConfig> cells() {
    std::vector<CellConfig> out(2);
    out[0].power = PowerModel{.idle_w = 100, .max_w = 300};
    return out;
  }
  void at(Instant now, double share, std::uint64_t octets = 0, std::uint64_t reports = 0) {
    meter.advance(now, {{share, octets, reports}, {share, octets, reports}});
  }
  KpiMeter meter{cells(), 60s};
};

TEST_F(kpi_meter, integrates_what_was_promised_meanwhile) {
  at(noon, 0);
  at(noon + 15s, 0);        // 15 s idle: 1500 J
  at(noon + 45s, 0.5);      // 30 s at 200 W: 6000 J
  at(noon + 70s, 2, 0, 0);  // 15 s overbooked, at full load: 4500 J; 10 s of the next period
  ASSERT_EQ(meter.periods().size(), 1U);
  const auto& period = meter.periods().front();
  EXPECT_EQ(period.begin, noon);
  EXPECT_EQ(period.end, noon + 60s);
  EXPECT_FALSE(period.suspect);
  ASSERT_TRUE(period.cells[0].power);
  EXPECT_DOUBLE_EQ(period.cells[0].power->joules, 12'000);
  EXPECT_DOUBLE_EQ(period.cells[0].power->avg_w, 200);
  EXPECT_DOUBLE_EQ(period.cells[0].power->min_w, 100);
  EXPECT_DOUBLE_EQ(period.cells[0].power->max_w, 300);
  EXPECT_FALSE(period.cells[1].power) << "it has no model";
  EXPECT_FALSE(period.efficiency()) << "nobody counted octets";
}

TEST_F(kpi_meter, says_nothing_of_octets_that_no_gnb_counted) {
  at(noon, 0, 1000, 1);
  at(noon + 30s, 0, 751'000, 2);
  at(noon + 60s, 0, 751'000, 2);
  at(noon + 120s, 0, 751'000, 2);
  at(noon + 150s, 0, 751'000, 3);
  at(noon + 180s, 0, 751'000, 3);
  ASSERT_EQ(meter.periods().size(), 3U);
  EXPECT_EQ(meter.periods()[0].cells[0].octets_dl, 750'000U);
  EXPECT_DOUBLE_EQ(*meter.periods()[0].efficiency(), 1000);  // 6 Mbit with 6000 J
  EXPECT_FALSE(meter.periods()[1].cells[0].octets_dl);
  EXPECT_EQ(meter.periods()[2].cells[0].octets_dl, 0U) << "one told that there was nothing";
}

TEST_F(kpi_meter, a_period_that_it_did_not_see_whole_is_suspect_and_one_before_it_is_not_there) {
  EXPECT_EQ(meter.next_due(), Instant{});
  at(noon + 20s, 1);
  EXPECT_EQ(meter.next_due(), noon + 60s);
  at(noon + 120s, 1);
  ASSERT_EQ(meter.periods().size(), 2U);
  EXPECT_TRUE(meter.periods()[0].suspect);
  EXPECT_DOUBLE_EQ(meter.periods()[0].cells[0].power->joules, 40 * 300.0);
  EXPECT_DOUBLE_EQ(meter.periods()[0].cells[0].power->avg_w, 300);
  EXPECT_FALSE(meter.periods()[1].suspect);
}

TEST_F(kpi_meter, a_clock_that_steps_makes_a_gap_and_no_figures) {
  at(noon, 1);
  at(noon + 60s, 1);
  at(noon - 10min, 1);  // back
  at(noon - 9min, 1);
  ASSERT_EQ(meter.periods().size(), 2U);
  EXPECT_EQ(meter.periods()[1].end, noon - 9min);
  at(noon + 48h, 1);  // far ahead
  EXPECT_EQ(meter.periods().size(), 2U);
  for (int minute = 1; minute <= 200; ++minute) at(noon + 48h + minute * 1min, 1);
  EXPECT_EQ(meter.periods().size(), kpi_periods_max);
}

CoreConfig powered() {
  auto config = lab_config();
  config.cells[0].power = PowerModel{.idle_w = 400, .max_w = 1000};
  config.granularity_period = 10s;
  return config;
}

class kpis : public ::testing::Test {
 protected:
  view::NetKpis shown(std::string_view query = "") {
    const auto answer = lab.send("GET", "/netsim-control/v1/kpis" + std::string(query));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return *json::read<view::NetKpis>(answer.body);
  }
  http::Response listed(std::string_view query) {
    return lab.send("GET", base + "/files?" + std::string(query));
  }
  static std::size_t count(const http::Response& listed) {
    return json::parse(listed.body)->array()->size();
  }
  const std::string base = "/3GPPManagement/fileDataReportingMnS/v1800";
  Lab lab{powered()};
};

TEST_F(kpis, follow_what_the_cell_has_promised) {
  lab.run_for(1s);                                                    // begins at once
  ASSERT_EQ(lab.post_session(session_body("video-hd")).status, 201);  // 60 of 100 Mbit/s
  lab.run_for(30s);
  const auto all = shown("?periods=96");
  EXPECT_EQ(all.granularity_period, 10);
  ASSERT_GE(all.periods.size(), 2U);
  const auto& last = all.periods.back();
  ASSERT_EQ(last.cells.size(), 2U);
  EXPECT_EQ(last.cells[0].cell, "cell1");
  EXPECT_NEAR(last.cells[0].avg_power.value_or(0), 400 + 0.6 * 600, 1e-9);
  EXPECT_NEAR(last.cells[0].energy_j.value_or(0), 7600, 1e-6);
  EXPECT_FALSE(last.cells[1].avg_power);
  EXPECT_FALSE(last.cells[0].octets_dl) << "no gNB counted anything, and nothing is made up";
  EXPECT_FALSE(last.energy_efficiency);
  EXPECT_EQ(shown().periods.size(), 1U);
}

TEST_F(kpis, are_announced_listed_and_fetched) {
  const auto made = lab.send("POST", base + "/subscriptions",
                             R"({"consumerReference":"http://oam.example/files"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.headers.find("x-lobo-simulated"), "netsim");
  lab.run_for(25s);
  ASSERT_GE(lab.sent.size(), 2U);
  EXPECT_EQ(lab.sent[0].to, "http://oam.example/files");
  EXPECT_EQ(lab.sent[0].simulated, "netsim");
  const auto told = json::read<files::NotifyFileReady>(lab.sent.back().body);
  ASSERT_TRUE(told) << lab.sent.back().body;
  ASSERT_EQ(told->file_info_list->size(), 1U);
  const auto& info = told->file_info_list->front();
  EXPECT_EQ(info.file_data_type, files::FileDataType::performance);
  const std::string root = "http://nef.example:7777";
  ASSERT_TRUE(info.file_location->starts_with(root + base + "/files/A"));
  const auto file = lab.send("GET", info.file_location->substr(root.size()));
  ASSERT_EQ(file.status, 200);
  EXPECT_EQ(file.headers.find("content-type"), "application/xml");
  EXPECT_EQ(file.headers.find("x-lobo-simulated"), "netsim");
  EXPECT_EQ(static_cast<std::int64_t>(file.body.size()), info.file_size);
  for (const auto* part : {"<measType p=\"1\">PEE.AvgPower</measType>", "<r p=\"1\">400</r>",
                           "<r p=\"5\">NIL</r>", "NRCellDU=cell2\">\n        <r p=\"1\">NIL</r>"})
    EXPECT_NE(file.body.find(part), std::string::npos) << part << " in " << file.body;

  EXPECT_EQ(count(listed("fileDataType=Performance")), lab.sent.size());
  EXPECT_EQ(count(listed("fileDataType=Trace")), 0U);
  const auto ready = model::format_date_time(*info.file_ready_time);
  EXPECT_EQ(count(listed("fileDataType=Performance&beginTime=" + ready)), 1U);
  EXPECT_EQ(count(listed("fileDataType=Performance&endTime=2000-01-01T00:00:00Z")), 0U);

  const auto path = std::string(*made.headers.find("location")).substr(root.size());
  EXPECT_EQ(lab.send("DELETE", path).status, 204);
  EXPECT_EQ(lab.send("DELETE", path).status, 404);
  lab.sent.clear();
  lab.run_for(30s);
  EXPECT_TRUE(lab.sent.empty());
}

TEST_F(kpis, questions_that_cannot_be_answered_are_refused_by_their_member) {
  lab.run_for(25s);
  for (const auto& [query, where] : std::vector<std::pair<std::string, std::string>>{
           {"", "fileDataType"},
           {"fileDataType=Energy", "fileDataType"},
           {"fileDataType=Performance&beginTime=noon", "beginTime"},
           {"fileDataType=Performance&endTime=", "endTime"}}) {
    const auto answer = listed(query);
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_NE(answer.body.find("query:" + where), std::string::npos) << answer.body;
  }
  for (const auto* periods : {"0", "97", "-1", "x", ""})
    EXPECT_EQ(lab.send("GET", "/netsim-control/v1/kpis?periods=" + std::string(periods)).status,
              400)
        << periods;
  for (const auto* body :
       {R"({})", R"({"consumerReference":"oam"})", R"({"consumerReference":"ftp://oam/"})",
        R"({"consumerReference":"http://oam.example/","timeTick":5})",
        R"({"consumerReference":"http://oam.example/","filter":"//x"})", "[]", "nonsense"})
    EXPECT_EQ(lab.send("POST", base + "/subscriptions", body).status, 400) << body;
  EXPECT_EQ(lab.send("GET", base + "/files/A2026.xml").status, 404);
  EXPECT_EQ(lab.send("GET", base + "/files/%2e%2e%2fetc%2fpasswd").status, 404);
  for (std::size_t i = 0; i < file_subscriptions_max; ++i)
    ASSERT_EQ(
        lab.send("POST", base + "/subscriptions", R"({"consumerReference":"http://o.example/"})")
            .status,
        201);
  EXPECT_EQ(
      lab.send("POST", base + "/subscriptions", R"({"consumerReference":"http://o.example/"})")
          .status,
      429);
}

TEST(kpis_of_a_gnb, are_of_the_octets_that_it_counted_in_the_cell_where_the_ue_was) {
  auto config = smf_config();
  config.cells[0].power = config.cells[1].power = PowerModel{.idle_w = 100, .max_w = 100};
  config.granularity_period = 10s;
  SmfLab lab(config);
  lab.register_ue("ue1");
  const auto counted = [&](int octets) {
    const auto body =
        R"({"deliveredDl":1,"lostDl":0,"octetsDl":)" + std::to_string(octets) + R"(,"delayDl":0})";
    EXPECT_EQ(lab.control("/ues/ue1/pdu-session/measurements", body).status, 204);
  };
  counted(1'000'000);
  lab.control("/ues/ue1/move", R"({"cell":"cell2"})");
  counted(1'500'000);
  lab.run_for(10s);
  const auto told = json::read<view::NetKpis>(lab.send("GET", "/netsim-control/v1/kpis").body);
  ASSERT_TRUE(told);
  ASSERT_EQ(told->periods.size(), 1U);
  const auto& period = told->periods[0];
  EXPECT_EQ(period.cells[0].octets_dl, 1'000'000);
  EXPECT_EQ(period.cells[1].octets_dl, 500'000);
  ASSERT_TRUE(period.cells[0].energy_j && period.energy_efficiency);
  EXPECT_NEAR(*period.energy_efficiency,
              12e6 / (*period.cells[0].energy_j + *period.cells[1].energy_j), 1e-6);
}

TEST_F(kpis, without_a_power_model_there_are_none) {
  Lab plain;
  plain.run_for(5min);
  EXPECT_EQ(plain.core.next_due(), std::nullopt);
  const auto answer = plain.send("GET", "/netsim-control/v1/kpis");
  EXPECT_EQ(answer.status, 404);
  EXPECT_NE(answer.body.find("power"), std::string::npos);
}

}  // namespace
}  // namespace lobo::core_sim
