// QoE measurement collection of the simulated network: from the job to the consumer.

#include "services/core_sim/qmc.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/net_control.hpp"
#include "base/clock.hpp"
#include "base/rng.hpp"
#include "services/core_sim/test_lab.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/qoe/configuration.hpp"
#include "wire/qoe/container.hpp"
#include "wire/qoe/report.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;
namespace view = api::net_control;

const std::string jobs = "/3GPPManagement/ProvMnS/v1800/SubNetwork=netsim";
const std::string job1 = jobs + "/QMCJob=job1";
const std::string consumer = "http://af.example/3gpp-m5/v2/metrics-reporting/s/m";

std::string job(std::string_view config, const std::string& more = {}) {
  std::string text;
  for (const char c : config) text += c == '"' ? std::string("\\\"") : std::string(1, c);
  return R"({"attributes":{"serviceType":"DASH","qoEReference":"001010000001","qMCConfigFile":")" +
         text + R"(","consumerReference":")" + consumer + "\"" + more + "}}";
}
std::string usual(const std::string& more = {}) {
  return job(qoe::write_configuration({10s, {"PlayList"}}), more);
}

std::string report_xml(Instant now) {
  qoe::QoeReport one;
  one.recording_session = "m1";
  one.time = now;
  one.period = 10s;
  one.played = 8s;
  one.stalled = 2s;
  return qoe::write_report({"c", "http://sl1.example/live.mpd", {one}});
}
std::string carried(std::string octets, std::int64_t measurement = 0) {
  view::AppLayerReport out;
  out.meas_config_app_layer_id = measurement;
  out.container.octets = std::move(octets);
  return json::write(out);
}

class qmc : public ::testing::Test {
 protected:
  view::AppLayerMeasurements configured(const std::string& ue) {
    return *json::read<view::AppLayerMeasurements>(
        lab.send("GET", "/netsim-control/v1/ues/" + ue + "/app-layer-measurements").body);
  }
  http::Response tell(const std::string& ue, const std::string& body) {
    return lab.control("/ues/" + ue + "/app-layer-reports", body);
  }
  Lab lab;
};

TEST_F(qmc, a_job_configures_a_ue_and_what_it_reports_reaches_the_consumer) {
  http::Headers seen;
  lab.answer_callback = [&](const http::Request& request) {
    seen = request.headers;
    return http::Response{204, {}, {}};
  };
  const auto made = lab.send("PUT", job1, usual());
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.headers.find("x-lobo-simulated"), "netsim");
  EXPECT_EQ(made.headers.find("location"), "http://nef.example:7777" + jobs + "/QMCJob=job1");
  const auto told = configured("ue1").configurations;
  ASSERT_EQ(told.size(), 1U);
  EXPECT_LE(told[0].container.octets.size(), qoe::container_bytes_max);
  const auto config = qoe::read_configuration(*qoe::open_container(told[0].container.octets));
  EXPECT_EQ(*config, (qoe::QoeConfiguration{10s, {"PlayList"}}));

  const auto xml = report_xml(lab.now());
  ASSERT_EQ(tell("ue1", carried(qoe::gzip(xml))).status, 204);
  lab.run_for(1ms);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.sent[0].to, consumer);
  EXPECT_EQ(*qoe::gunzip(lab.sent[0].body, qoe::report_bytes_max), xml);
  EXPECT_EQ(lab.sent[0].simulated, "netsim");
  EXPECT_EQ(seen.find("content-type"), qoe::report_media_type);
  EXPECT_EQ(seen.find("content-encoding"), "gzip");
  EXPECT_EQ(member(lab.send("GET", job1).body, "/attributes/reportsCollected"), "1");
  ASSERT_EQ(tell("ue1", carried(qoe::gzip(xml))).status, 204);
  lab.run_for(1ms);
  const auto journal =
      json::read<view::NetJournal>(lab.send("GET", "/netsim-control/v1/journal").body);
  ASSERT_TRUE(journal);
  std::string steps;
  for (const auto& entry : journal->entries)
    if (entry.steps) steps += *entry.steps + ' ';
  EXPECT_EQ(steps, "10a 10b 10d 10e 10f 31a 31b 31c ");
}

TEST_F(qmc, a_report_without_answer_is_sent_again) {
  ASSERT_EQ(lab.send("PUT", job1, usual()).status, 201);
  int asked = 0;
  lab.answer_callback = [&](const http::Request&) {
    return http::Response{++asked == 1 ? 503 : 204, {}, {}};
  };
  ASSERT_EQ(tell("ue1", carried(qoe::gzip(report_xml(lab.now())))).status, 204);
  lab.run_for(1s);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(lab.core.counts().callbacks_pending, 0U);
}

TEST_F(qmc, only_ues_of_the_area_that_are_there_are_configured) {
  ASSERT_EQ(lab.send("PUT", job1, usual(R"(,"areaScope":[["cell1"]])")).status, 201);
  EXPECT_EQ(configured("ue1").configurations.size(), 1U);
  EXPECT_TRUE(configured("away").configurations.empty());
  ASSERT_EQ(lab.control("/ues/ue1/move", R"({"cell":"cell2"})").status, 200);
  EXPECT_TRUE(configured("ue1").configurations.empty());
  EXPECT_EQ(tell("ue1", carried(qoe::gzip(report_xml(lab.now())))).status, 404);
  EXPECT_EQ(lab.control("/ues/ue2/detach").status, 200);
  EXPECT_TRUE(configured("ue2").configurations.empty());
}

TEST_F(qmc, a_job_is_replaced_and_deleted) {
  ASSERT_EQ(lab.send("PUT", job1, usual()).status, 201);
  const auto again = lab.send("PUT", job1, job(R"(<QoeConfiguration reportingInterval="5"/>)"));
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(member(lab.send("GET", jobs).body, "/QMCJobs/0/id"), "job1");
  const auto octets = configured("ue1").configurations.at(0).container.octets;
  EXPECT_EQ(qoe::read_configuration(*qoe::open_container(octets))->reporting_interval, 5s);
  EXPECT_EQ(lab.send("DELETE", job1).status, 204);
  EXPECT_EQ(lab.send("DELETE", job1).status, 404);
  EXPECT_TRUE(configured("ue1").configurations.empty());
  EXPECT_EQ(tell("ue1", carried(qoe::gzip(report_xml(lab.now())))).status, 404);
  EXPECT_TRUE(lab.sent.empty());
}

TEST_F(qmc, there_are_as_many_jobs_as_a_ue_has_measurements) {
  for (std::size_t i = 0; i < qmc_jobs_max; ++i)
    ASSERT_EQ(lab.send("PUT", jobs + "/QMCJob=" + std::to_string(i), usual()).status, 201);
  EXPECT_EQ(lab.send("PUT", job1, usual()).status, 429);
  EXPECT_EQ(lab.send("PUT", jobs + "/QMCJob=0", usual()).status, 200);
  EXPECT_EQ(lab.send("DELETE", jobs + "/QMCJob=7").status, 204);
  EXPECT_EQ(lab.send("PUT", job1, usual()).status, 201);
  EXPECT_EQ(configured("ue1").configurations.size(), qmc_jobs_max);
}

TEST_F(qmc, jobs_that_cannot_be_are_refused_by_the_member) {
  const auto blamed = [&](const std::string& body, int status = 400) {
    const auto answer = lab.send("PUT", job1, body);
    EXPECT_EQ(answer.status, status) << answer.body;
    return member(answer.body, "/invalidParams/0/param");
  };
  const std::string file = "/attributes/qMCConfigFile";
  EXPECT_EQ(blamed(job(R"(<QoeConfiguration reportingInterval="-5"/>)")),
            file + "/QoeConfiguration/reportingInterval");
  EXPECT_EQ(blamed(job(R"(<QoeConfiguration reportingInterval="0"/>)")),
            file + "/QoeConfiguration/reportingInterval");
  EXPECT_EQ(
      blamed(job(R"(<!DOCTYPE a [<!ENTITY b "c">]><QoeConfiguration reportingInterval="1"/>)")),
      file);
  std::string long_one = R"(<QoeConfiguration reportingInterval="1" x=")";
  SeededRng rng(7);
  for (int i = 0; i < 40'000; ++i) long_one += static_cast<char>('A' + rng.next() % 26);
  EXPECT_EQ(blamed(job(long_one + "\"/>"), 413), file) << "its gzip does not fit";
  EXPECT_EQ(blamed(usual(R"(,"areaScope":[["nowhere"]])"), 404), "/attributes/areaScope/0");
  auto body = usual();
  body.replace(body.find("DASH"), 4, "MTSI");
  EXPECT_EQ(blamed(body), "/attributes/serviceType");
  body = usual();
  body.replace(body.find(consumer), consumer.size(), "ftp://af.example/");
  EXPECT_EQ(blamed(body), "/attributes/consumerReference");
  EXPECT_EQ(lab.send("PUT", jobs + "/ManagedElement=1", usual()).status, 404);
  EXPECT_EQ(member(lab.send("GET", jobs).body, "/QMCJobs"), "[]");
}

TEST_F(qmc, a_bomb_an_entity_and_a_container_above_the_limit_are_refused_and_counted) {
  ASSERT_EQ(lab.send("PUT", job1, usual()).status, 201);
  const auto refused = [&](std::string octets) {
    const auto answer = tell("ue1", carried(std::move(octets)));
    EXPECT_TRUE(member(answer.body, "/invalidParams/0/param").starts_with("/container"))
        << answer.body;
    return answer.status;
  };
  const auto xml = report_xml(lab.now());
  EXPECT_EQ(refused(qoe::gzip(std::string(4'000'000, ' '))), 413) << "a bomb";
  EXPECT_EQ(refused(std::string(qoe::container_bytes_max + 1, 'x')), 413);
  EXPECT_EQ(refused(xml), 400) << "no gzip";
  EXPECT_EQ(refused(qoe::gzip(R"(<!DOCTYPE a [<!ENTITY b "c">]>)" + xml)), 400);
  EXPECT_EQ(tell("ue1", carried(qoe::gzip(xml), 3)).status, 404) << "not its measurement";
  EXPECT_EQ(tell("nobody", carried(qoe::gzip(xml))).status, 404);
  EXPECT_EQ(tell("ue1", carried(qoe::gzip(xml), -1)).status, 400);
  EXPECT_EQ(tell("ue1", R"({"measConfigAppLayerId":0,"container":"%"})").status, 400);
  lab.run_for(1s);
  EXPECT_TRUE(lab.sent.empty());
  EXPECT_EQ(member(lab.send("GET", job1).body, "/attributes/reportsRefused"), "4");
}

TEST(qmc_over_lte, takes_containers_of_a_thousand_octets_and_no_more) {
  auto config = lab_config();
  config.cells[1].eutra = true;
  Lab lab(config);
  std::string more;  // that gzip cannot make small
  SeededRng rng(7);
  for (int i = 0; i < 1'500; ++i) more += static_cast<char>('A' + rng.next() % 26);
  const auto large = job(R"(<QoeConfiguration reportingInterval="1" x=")" + more + "\"/>",
                         R"(,"areaScope":[["cell2"]])");
  EXPECT_EQ(lab.send("PUT", job1, large).status, 413);
  EXPECT_EQ(lab.send("PUT", job1, usual()).status, 201) << "small enough for everywhere";
  auto xml = report_xml(lab.now());
  xml.insert(xml.rfind("</"), "<!--" + more + "-->");
  const auto tell = [&] {
    return lab.control("/ues/ue1/app-layer-reports", carried(qoe::gzip(xml))).status;
  };
  EXPECT_EQ(tell(), 204);
  lab.control("/ues/ue1/move", R"({"cell":"cell2"})");
  EXPECT_EQ(tell(), 413);
  EXPECT_EQ(
      lab.control("/ues/ue1/app-layer-reports", carried(qoe::gzip(report_xml(lab.now())))).status,
      204);
}

TEST_F(qmc, only_this_machine_manages) {
  auto request = lab.request("PUT", job1, usual());
  request.peer = {.address = "192.0.2.1", .loopback = false, .certificate_subject = {}};
  EXPECT_EQ(lab.ask(request).response->status, 403);
}

}  // namespace
}  // namespace lobo::core_sim
