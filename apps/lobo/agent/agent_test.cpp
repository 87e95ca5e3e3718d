#include "agent/agent.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/agent_config.hpp"
#include "api/media_e3.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "energy/meter/power_model.hpp"
#include "energy/meter/zones.hpp"
#include "energy/problem.hpp"
#include "runtime/ports.hpp"
#include "sim/loop.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using api::media_types::AsState;

/// Remembers the last reason of each event.
class ReasonLog final : public runtime::Log {
 public:
  void event(runtime::Level, std::string_view name,
             std::initializer_list<runtime::Field> fields) override {
    for (const auto& field : fields)
      if (const auto* text = std::get_if<std::string_view>(&field.value);
          field.name == "reason" && text != nullptr)
        reasons[std::string(name)] = *text;
  }
  std::map<std::string, std::string, std::less<>> reasons;
};

/// An AF that takes what it gets, unless it is told to answer otherwise.
class FakeAf final : public runtime::HttpClient {
 public:
  explicit FakeAf(sim::SimLoop& loop) : loop_(loop) {}

  void send(http::Request request, std::chrono::milliseconds, Done done) override {
    loop_.after(10ms, [this, request = std::move(request), done = std::move(done)] {
      done(answer(request));
    });
  }

  std::deque<int> statuses;  ///< of the next report messages; 0: no answer
  api::media_e3::EnergyReportingConfiguration configuration{.configuration_id = "c",
                                                            .revision = "1",
                                                            .reporting_interval = 10,
                                                            .sampling_period = 1,
                                                            .min_report_spacing = 2,
                                                            .report_validity_time = 30,
                                                            .desired_state = AsState::active};
  std::vector<api::media_e3::AsEnergyReport> reports;
  std::vector<std::string> bodies;
  std::size_t registrations = 0;
  std::optional<http::Response> refusal;  ///< of registrations
  std::optional<api::media_e3::AsRegistration> registration;
  std::uint64_t requests_active = 0;

 private:
  Result<http::Response> answer(const http::Request& request) {
    http::Response response{.status = 200};
    if (request.target == "/status") {
      response.body = "Reading: 0 Writing: " + std::to_string(requests_active + 1) + " Waiting: 9";
      return response;
    }
    if (request.method == "PUT") {
      EXPECT_EQ(request.target, "/af/x-e3/v1/application-servers/as%201");
      ++registrations;
      if (refusal) return *refusal;
      const auto read = json::read<api::media_e3::AsRegistration>(request.body);
      EXPECT_TRUE(read);
      if (read) registration = *read;
      api::media_e3::ApplicationServer server{.as_instance_id = "as 1",
                                              .configuration = configuration};
      if (registration) server.service_locations = registration->service_locations;
      if (registration) server.host = registration->host;
      response.body = json::write(server);
      return response;
    }
    EXPECT_EQ(request.target, "/af/x-e3/v1/as-energy-reports");
    bodies.push_back(request.body);
    if (!statuses.empty()) {
      const int status = statuses.front();
      statuses.pop_front();
      if (status == 0) return fail(Errc::timeout, "no answer");
      response.status = status;
      if (status != 200) return response;
    }
    const auto read = json::read<api::media_e3::AsEnergyReports>(request.body);
    EXPECT_TRUE(read) << (read ? "" : read.error().detail);
    if (!read) return response;
    for (const auto& report : read->reports) reports.push_back(report);
    response.body = json::write(api::media_e3::AsEnergyReportReceipt{
        .accepted = static_cast<std::int64_t>(read->reports.size()),
        .repeated = 0,
        .implausible = 0,
        .configuration = configuration});
    return response;
  }
  sim::SimLoop& loop_;
};

AgentConfig config() {
  AgentConfig config;
  config.as_instance_id = "as 1";
  config.af_uri = "http://127.0.0.60:7777/af/";
  config.locations = {{.id = "SL1", .base_urls = {"http://127.0.1.1:8080/"}, .reserved = 3},
                      {.id = "SL2", .base_urls = {"http://127.0.1.2:8080/"}, .reserved = 1}};
  config.host.model = {.watts = {100, 200},
                       .exponent = 0,
                       .method = energy::meter::Method::model_cpu,
                       .rel_uncertainty = energy::meter::line_uncertainty};
  config.host.pue = 1.3;
  config.capacity_mbps = 10'000;
  config.status_url = "http://127.0.0.1:8088/status";
  config.commands = {.drain = {"drain"}, .standby = {"standby"}, .wake = {"wake"}};
  config.duty = {.has_drain = true, .has_standby = true, .has_wake = true};
  return config;
}

class AgentWorldTest : public ::testing::Test {
 protected:
  void start(AgentConfig with = config()) {
    AgentWorld world{
        .monotonic = [this] { return loop_.now() - begin_; },
        .zones = [this] { return zones_; },
        .proc_stat = [this]() -> std::optional<std::string> { return stat_; },
        .supply = [this] { return supply_; },
        .log =
            [this](const auto& piece, const auto&) {
              piece(log_);
              log_.clear();
            },
        .run =
            [this](const std::vector<std::string>& words, auto ended) {
              commands_.push_back(words.front());
              loop_.after(100ms, [this, ended = std::move(ended)] { ended(command_works_, ""); });
            }};
    agent_.emplace(std::move(with), std::move(world),
                   EnergyAgent::Ports{loop_, loop_, af_, nullptr, log_sink_, rng_});
    agent_->start();
  }

  sim::SimLoop loop_;
  Instant begin_ = loop_.now();
  FakeAf af_{loop_};
  ReasonLog log_sink_;
  SeededRng rng_{1};
  std::vector<energy::meter::ZoneReading> zones_;
  std::string stat_ = "cpu  0 0 0 0\ncpu0 0 0 0 0\n";
  std::string log_;
  std::optional<std::string> supply_;
  std::vector<std::string> commands_;
  bool command_works_ = true;
  std::optional<EnergyAgent> agent_;
};

using energy_agent = AgentWorldTest;

TEST_F(energy_agent, registers_with_its_name_plate_and_reports_in_the_interval_that_it_is_given) {
  start();
  loop_.run_for(35s);
  ASSERT_TRUE(af_.registration);
  EXPECT_EQ(af_.registrations, 1U);
  EXPECT_DOUBLE_EQ(af_.registration->host.max_power_w, 200);
  EXPECT_EQ(af_.registration->can_stand_by, true);
  ASSERT_EQ(af_.reports.size(), 4U);  // the initial one after a second, then each ten
  EXPECT_EQ(af_.reports[0].reason, api::media_types::EnergyReportingReason::initial);
  EXPECT_EQ(af_.reports[1].reason, api::media_types::EnergyReportingReason::periodic);
  EXPECT_EQ(af_.reports[1].configuration_revision, "1");
  EXPECT_EQ(af_.reports[1].validity_time, 30);
  for (std::size_t i = 0; i < af_.reports.size(); ++i) EXPECT_EQ(af_.reports[i].sequence, i + 1);
}

TEST_F(energy_agent,
       tells_the_grid_as_its_file_has_it_and_what_was_configured_where_that_is_unreadable) {
  auto with = config();
  with.supply.carbon_g_per_kwh = 400;
  with.supply.file = "grid.txt";
  supply_ = "210 0.6\n";
  start(with);
  loop_.run_for(2s);
  EXPECT_EQ(af_.reports.back().supply->carbon_intensity_g_per_k_wh, 210);
  EXPECT_EQ(af_.reports.back().supply->renewable_ratio, 0.6);
  for (const auto* text : {"", "green", "-1", "1 2", "99999"}) {
    supply_ = text;
    loop_.run_for(10s);
    EXPECT_EQ(af_.reports.back().supply->carbon_intensity_g_per_k_wh, 400) << text;
  }
  EXPECT_EQ(agent_->counters().supplies_unreadable, 5U);
}

TEST_F(energy_agent, tells_whose_energy_it_was_with_method_and_uncertainty) {
  start();
  loop_.run_for(500ms);
  log_ =
      "1732300000.123 127.0.1.1 8080 200 3000000 100 127.0.1.1 /a\n"
      "1732300000.123 127.0.1.2 8080 503 1000000 100 127.0.1.2 /b\n";
  stat_ = "cpu  50 0 0 50\ncpu0 50 0 0 50\n";
  loop_.run_for(1s);
  ASSERT_EQ(af_.reports.size(), 1U);
  const auto& report = af_.reports.front();
  EXPECT_NEAR(report.host.energy_j, 150, 1e-9);
  EXPECT_DOUBLE_EQ(*report.host.pue, 1.3);
  EXPECT_EQ(report.host.method, api::media_types::EnergyMethod::model_cpu);
  EXPECT_DOUBLE_EQ(report.host.rel_uncertainty, energy::meter::line_uncertainty);
  ASSERT_EQ(report.per_service_location.size(), 2U);
  EXPECT_NEAR(report.per_service_location[0].idle_share_j, 75, 1e-9);
  EXPECT_NEAR(report.per_service_location[0].dynamic_j, 37.5, 1e-9);
  EXPECT_NEAR(report.per_service_location[1].idle_share_j, 25, 1e-9);
  EXPECT_NEAR(report.per_service_location[1].dynamic_j, 12.5, 1e-9);
  EXPECT_EQ(report.per_service_location[0].bytes_tx, 3'000'000U);
  EXPECT_EQ(report.per_service_location[1].server_errors, 1U);
}

TEST_F(energy_agent, tells_which_sessions_were_served_from_where) {
  auto known = config();
  known.session_query = "session";
  start(known);
  log_ += "1732300000.000 127.0.1.1 8080 200 1000 10 a /m4/1.m4s?CMCD=sid%3D%22play-1%22\n";
  log_ += "1732300000.000 127.0.1.2 8080 206 1000 10 a /m4/1.m4s \"sid=\\x22play-2\\x22\"\n";
  log_ += "1732300000.000 127.0.1.2 8080 200 1000 10 a /m4/1.m4s?session=play-3 \"-\"\n";
  log_ += "1732300000.000 127.0.1.2 8080 404 1000 10 a /m4/1.m4s?session=play-4 \"-\"\n";
  loop_.run_for(25s);
  ASSERT_GE(af_.reports.size(), 2U);
  using Ids = std::vector<std::string>;
  std::map<std::string, std::size_t> told;
  for (const auto& report : af_.reports)
    for (const auto& part : report.per_service_location) {
      for (const auto& id : part.cmcd_session_ids.value_or(Ids{}))
        ++told["cmcd " + part.service_location_id + ' ' + id];
      for (const auto& id : part.access_log_session_ids.value_or(Ids{}))
        ++told["log " + part.service_location_id + ' ' + id];
    }
  EXPECT_EQ(told, (std::map<std::string, std::size_t>{
                      {"cmcd SL1 play-1", 1}, {"cmcd SL2 play-2", 1}, {"log SL2 play-3", 1}}));
}

TEST_F(energy_agent, tells_data_flows_apart_that_it_is_asked_for) {
  af_.configuration.scope = api::media_types::EnergyScope::service_data_flow;
  af_.configuration.service_data_flows = {
      {{.service_location_id = "SL1", .domain_name = "a.example"},
       {.service_location_id = "SL9", .domain_name = "a.example"}}};
  start();
  loop_.run_for(500ms);
  log_ =
      "1732300000.123 127.0.1.1 8080 200 1000000 100 a.example /a\n"
      "1732300000.123 127.0.1.1 8080 200 2000000 100 127.0.1.1 /a\n";
  stat_ = "cpu  50 0 0 50\ncpu0 50 0 0 50\n";
  loop_.run_for(1s);
  ASSERT_EQ(af_.reports.size(), 1U);
  const auto& report = af_.reports.front();
  ASSERT_TRUE(report.per_service_data_flow);
  ASSERT_EQ(report.per_service_data_flow->size(), 1U);
  const auto& flow = report.per_service_data_flow->front();
  EXPECT_EQ(flow.service_location_id, "SL1");
  EXPECT_EQ(flow.domain_name, "a.example");
  EXPECT_EQ(flow.bytes_tx, 1'000'000U);
  EXPECT_NEAR(flow.energy_j, report.per_service_location[0].energy_j / 3, 1e-9);
}

TEST_F(energy_agent, measures_by_counters_over_a_wrap) {
  zones_ = {{.path = "intel-rapl:0",
             .name = "package-0",
             .energy_uj = 262'143'000'000,
             .range_uj = 262'143'328'850}};
  start();
  loop_.run_for(500ms);
  zones_[0].energy_uj = 120'000'000;
  loop_.run_for(1s);
  ASSERT_EQ(af_.reports.size(), 1U);
  EXPECT_NEAR(af_.reports[0].host.energy_j, 120.328850, 1e-6);
  EXPECT_EQ(af_.reports[0].host.method, api::media_types::EnergyMethod::measured_rapl);
}

TEST_F(energy_agent, a_report_without_answer_comes_again_as_the_same_report) {
  af_.statuses = {0, 503};
  start();
  loop_.run_for(9s);
  ASSERT_EQ(af_.bodies.size(), 3U);
  EXPECT_EQ(af_.bodies[1], af_.bodies[0]);
  EXPECT_EQ(af_.bodies[2], af_.bodies[0]);
  EXPECT_EQ(af_.reports.size(), 1U);
  EXPECT_EQ(agent_->counters().send_failures, 2U);
}

TEST_F(energy_agent, what_could_not_be_sent_for_a_while_goes_out_in_order_and_once) {
  af_.statuses = std::deque<int>(6, 0);  // for 1 + 2 + 4 + 8 + 16 + 32 s
  start();
  loop_.run_for(120s);
  std::set<std::uint64_t> seen;
  for (const auto& report : af_.reports) EXPECT_TRUE(seen.insert(report.sequence).second);
  EXPECT_TRUE(std::ranges::is_sorted(af_.reports, {}, &api::media_e3::AsEnergyReport::sequence));
  EXPECT_EQ(*seen.rbegin(), seen.size());
  EXPECT_EQ(agent_->reports_given_up(), 0U);
}

TEST_F(energy_agent, a_report_that_is_refused_for_what_it_says_is_not_sent_again) {
  af_.statuses = {400};
  start();
  loop_.run_for(15s);
  ASSERT_EQ(af_.bodies.size(), 2U);
  EXPECT_NE(af_.bodies[1], af_.bodies[0]);
  EXPECT_EQ(agent_->counters().reports_refused, 1U);
}

TEST_F(energy_agent, an_af_that_forgot_it_gets_its_name_plate_again_and_then_the_report) {
  af_.statuses = {404};
  start();
  loop_.run_for(9s);
  EXPECT_EQ(af_.registrations, 2U);
  ASSERT_EQ(af_.reports.size(), 1U);
  EXPECT_EQ(af_.reports[0].sequence, 1U);
}

TEST_F(energy_agent, tells_which_member_of_its_name_plate_the_af_refuses) {
  af_.refusal = http::Response{
      .status = 400,
      .body =
          R"({"status":400,"invalidParams":[{"param":"/host/maxPowerW","reason":"is too high"}]})"};
  start();
  loop_.run_for(2s);
  EXPECT_EQ(log_sink_.reasons["not_registered"],
            "the AF did not take the registration: /host/maxPowerW is too high");
}

TEST_F(energy_agent, a_changed_configuration_holds_from_the_receipt_on) {
  start();
  loop_.run_for(3s);
  af_.configuration.revision = "2";
  af_.configuration.reporting_interval = 2;
  loop_.run_for(10s);  // the next report brings it
  const auto before = af_.reports.size();
  loop_.run_for(10s);
  EXPECT_EQ(af_.reports.size(), before + 5);
  EXPECT_EQ(af_.reports.back().configuration_revision, "2");
}

TEST_F(energy_agent, a_threshold_reports_at_once_but_keeps_its_distance) {
  af_.configuration.reporting_interval = 1000;
  af_.configuration.triggers = {{.threshold_ref = "hot",
                                 .metric = api::media_types::EnergyMetric::power_w,
                                 .direction = api::media_types::ThresholdDirection::up,
                                 .crossing = 180,
                                 .clear = 120,
                                 .dwell = 0}};
  start();
  loop_.run_for(5500ms);
  ASSERT_EQ(af_.reports.size(), 1U);
  stat_ = "cpu  100 0 0 0\ncpu0 100 0 0 0\n";
  loop_.run_for(1s);
  ASSERT_EQ(af_.reports.size(), 2U);
  EXPECT_EQ(af_.reports[1].reason, api::media_types::EnergyReportingReason::threshold_crossed);
  stat_ = "cpu  100 0 0 1000\ncpu0 100 0 0 1000\n";
  loop_.run_for(1s);
  EXPECT_EQ(af_.reports.size(), 2U);  // two seconds lie between two reports
  loop_.run_for(1s);
  ASSERT_EQ(af_.reports.size(), 3U);
  EXPECT_EQ(af_.reports[2].reason, api::media_types::EnergyReportingReason::threshold_cleared);
}

TEST_F(energy_agent, stands_by_when_it_is_told_to_and_nobody_is_served_and_wakes_again) {
  af_.requests_active = 2;
  af_.configuration.desired_state = AsState::standby;
  start();
  loop_.run_for(20s);
  EXPECT_EQ(commands_, std::vector<std::string>{"drain"});
  EXPECT_EQ(af_.reports.back().host.state, AsState::draining);
  af_.requests_active = 0;
  loop_.run_for(20s);
  EXPECT_EQ(commands_, (std::vector<std::string>{"drain", "standby"}));
  EXPECT_EQ(af_.reports.back().host.state, AsState::standby);
  af_.configuration.desired_state = AsState::active;
  loop_.run_for(25s);
  EXPECT_EQ(commands_.back(), "wake");
  EXPECT_EQ(af_.reports.back().host.state, AsState::active);
}

TEST_F(energy_agent, a_state_is_told_without_waiting_for_the_interval) {
  af_.configuration.reporting_interval = 1000;
  af_.configuration.desired_state = AsState::standby;
  start();
  loop_.run_for(30s);
  ASSERT_GE(af_.reports.size(), 2U);
  EXPECT_EQ(af_.reports.back().host.state, AsState::standby);
  EXPECT_EQ(af_.reports.back().reason,
            api::media_types::EnergyReportingReason::location_state_changed);
}

TEST_F(energy_agent, a_command_that_fails_is_reported_as_the_state_that_is) {
  command_works_ = false;
  af_.configuration.desired_state = AsState::standby;
  start();
  loop_.run_for(30s);
  EXPECT_EQ(agent_->state(), energy::LocationState::draining);
  EXPECT_EQ(af_.reports.back().host.state, AsState::draining);
  EXPECT_GT(agent_->counters().commands_failed, 0U);
}

TEST_F(energy_agent, ends_with_messages_under_way_without_harm) {
  start();
  loop_.run_for(1s);
  agent_.reset();
  loop_.run_for(60s);
  EXPECT_LE(af_.reports.size(), 1U);
}

}  // namespace
}  // namespace lobo::app
