#include "services/media_energy/counters.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "api/media_e3.hpp"
#include "base/clock.hpp"
#include "model/date_time.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::media_energy {
namespace {

using namespace std::chrono_literals;
namespace e3 = api::media_e3;

const Instant noon = *model::parse_date_time("2026-11-22T12:00:00Z");

class counters : public ::testing::Test {
 protected:
  counters() {
    settings.locations.emplace("SL1", LocationSettings{.server_mbps_max = 2000, .idle_w_min = 5});
    registered.service_locations.push_back({"SL1", {"http://sl1.example/"}});
    registered.host.capacity_mbps = 1000;
    registered.host.idle_power_w = 100;
    registered.host.max_power_w = 200;
  }
  /// The report of second `sequence` since boot, of a server of 120 W that sends 1 MB a second.
  e3::AsEnergyReport report(std::uint64_t sequence, const std::string& boot = "b1") const {
    e3::AsEnergyReport out;
    out.sequence = sequence;
    out.boot_id = boot;
    const auto end = noon + std::chrono::seconds{sequence};
    out.measurement_time = {end - 1s, end};
    out.timestamp = end;
    out.validity_time = 30;
    out.host.power_w = 120;
    out.host.rel_uncertainty = 0.1;
    out.host.energy_j = 120.0 * static_cast<double>(sequence);
    auto& part = out.per_service_location.emplace_back();
    part.service_location_id = "SL1";
    part.idle_share_j = 100.0 * static_cast<double>(sequence);
    part.dynamic_j = 20.0 * static_cast<double>(sequence);
    part.energy_j = part.idle_share_j + part.dynamic_j;
    part.bytes_tx = 1'000'000 * sequence;
    return out;
  }
  Taken take(const e3::AsEnergyReport& one) {
    return c.take(one, registered, settings, one.timestamp);
  }
  double joules() const { return c.meters().at("SL1").energy_j; }
  double octets() const { return c.meters().at("SL1").octets_tx; }
  e3::AsReporting counts() const { return c.reporting(noon, 10s); }

  Settings settings;
  e3::AsRegistration registered;
  Counters c;
};

TEST_F(counters, begin_where_the_server_became_known) {
  EXPECT_EQ(take(report(1000)), Taken::counted);
  EXPECT_EQ(joules(), 0);
  EXPECT_EQ(take(report(1001)), Taken::counted);
  EXPECT_DOUBLE_EQ(joules(), 120);
  EXPECT_DOUBLE_EQ(c.meters().at("SL1").idle_j, 100);
  EXPECT_DOUBLE_EQ(c.meters().at("SL1").dynamic_j, 20);
  EXPECT_DOUBLE_EQ(c.rates().at("SL1").mbps, 8);
  EXPECT_EQ(counts().lost, 0U);
}

TEST_F(counters, lose_nothing_with_a_lost_report) {
  take(report(1));
  take(report(5));
  EXPECT_DOUBLE_EQ(joules(), 480);
  EXPECT_DOUBLE_EQ(octets(), 4e6);
  EXPECT_DOUBLE_EQ(c.rates().at("SL1").mbps, 8) << "over the four seconds, not over the last one";
  EXPECT_EQ(counts().lost, 3U);
}

TEST_F(counters, add_nothing_for_a_repeated_report) {
  take(report(1));
  take(report(2));
  EXPECT_EQ(take(report(2)), Taken::repeated);
  EXPECT_EQ(take(report(1)), Taken::repeated);
  EXPECT_DOUBLE_EQ(joules(), 120);
  EXPECT_EQ(counts().repeated, 2U);
}

TEST_F(counters, sum_data_flows_as_their_locations) {
  const auto with = [&](std::uint64_t sequence, double joules, std::uint64_t octets) {
    auto out = report(sequence);
    auto& flow = out.per_service_data_flow.emplace().emplace_back();
    flow.domain_name = "a.example";
    flow.energy_j = joules;
    flow.bytes_tx = octets;
    return out;
  };
  const FlowKey a{"SL1", "a.example"};
  take(with(1, 1000, 1'000'000));
  EXPECT_EQ(c.flow_meters().at(a).energy_j, 0) << "consumed before the server was known";
  take(with(3, 1060, 2'000'000));
  EXPECT_DOUBLE_EQ(c.flow_meters().at(a).energy_j, 60);
  EXPECT_DOUBLE_EQ(c.flow_rates().at(a).power_w, 30) << "a quarter of the joules of two seconds";
  EXPECT_DOUBLE_EQ(c.flow_rates().at(a).mbps, 4);
  take(with(4, 30, 500'000));
  EXPECT_DOUBLE_EQ(c.flow_meters().at(a).energy_j, 90) << "it fell, thus began anew";
  take(report(5));
  EXPECT_TRUE(c.flow_rates().empty()) << "not told apart any more";
  take(with(6, 40, 500'000));
  EXPECT_DOUBLE_EQ(c.flow_meters().at(a).energy_j, 130) << "and came back with new counters";
}

TEST_F(counters, leave_a_data_flow_that_may_be_of_two_locations_to_none) {
  auto two = report(1);
  two.per_service_location.push_back(two.per_service_location.front());
  two.per_service_location.back().service_location_id = "SL2";
  settings.locations.emplace("SL2", settings.locations.at("SL1"));
  registered.service_locations.push_back({"SL2", {"http://sl2.example/"}});
  auto& flow = two.per_service_data_flow.emplace().emplace_back();
  flow.domain_name = "a.example";
  EXPECT_EQ(take(two), Taken::counted);
  EXPECT_TRUE(c.flow_meters().contains({"", "a.example"}));
}

TEST_F(counters, take_a_late_report_for_late_and_not_for_lost) {
  take(report(1));
  take(report(3));
  EXPECT_EQ(counts().lost, 1U);
  EXPECT_EQ(take(report(2)), Taken::reordered);
  EXPECT_EQ(counts().lost, 0U);
  EXPECT_EQ(take(report(2)), Taken::repeated);
  EXPECT_DOUBLE_EQ(joules(), 240);
}

TEST_F(counters, go_on_when_the_server_boots_again) {
  take(report(1));
  take(report(10));
  take(report(2, "b2"));
  EXPECT_DOUBLE_EQ(joules(), 9 * 120 + 2 * 120);
  EXPECT_EQ(counts().resets, 1U);
  EXPECT_EQ(counts().lost, 8U + 1U);
  EXPECT_EQ(take(report(11)), Taken::reordered) << "of the boot before";
  EXPECT_DOUBLE_EQ(joules(), 11 * 120);
}

TEST_F(counters, wrap_where_they_are_said_to) {
  auto before = report(1);
  before.per_service_location[0].bytes_tx = 4'294'967'000;
  before.per_service_location[0].bytes_max = 4'294'967'295;
  take(before);
  auto after = report(2);
  after.per_service_location[0].bytes_tx = 704;
  after.per_service_location[0].bytes_max = 4'294'967'295;
  take(after);
  EXPECT_DOUBLE_EQ(octets(), 1000);
}

TEST_F(counters, begin_anew_where_they_fall_without_a_word) {
  take(report(9));
  auto fallen = report(10);
  fallen.per_service_location[0].bytes_tx = 500;
  fallen.per_service_location[0].idle_share_j = 10;
  fallen.per_service_location[0].dynamic_j = 1;
  take(fallen);
  EXPECT_DOUBLE_EQ(octets(), 500);
  EXPECT_DOUBLE_EQ(joules(), 11);
}

TEST_F(counters, do_not_believe_what_no_server_of_this_place_can_do) {
  const auto implausible = [&](auto change) {
    auto one = report(1);
    change(one);
    return take(one) == Taken::implausible;
  };
  EXPECT_TRUE(implausible([](auto& one) { one.host.power_w = 0; }));
  EXPECT_TRUE(implausible([](auto& one) { one.host.idle_power_w = 0.1; }));
  EXPECT_TRUE(implausible([](auto& one) { one.host.power_w = 500; }));
  EXPECT_TRUE(implausible([](auto& one) { one.host.capacity_mbps = 10'000; }));
  EXPECT_TRUE(implausible([](auto& one) { one.host.nic_tx_mbps = 5'000; }));
  EXPECT_TRUE(
      implausible([](auto& one) { one.per_service_location[0].service_location_id = "SL2"; }));
  EXPECT_EQ(counts().implausible, 6U);
  EXPECT_FALSE(c.known(noon, 10s));
}

TEST_F(counters, do_not_believe_growth_that_no_server_has_time_for) {
  take(report(1));
  const auto why = [&](auto change) {
    auto one = report(2);
    change(one.per_service_location[0]);
    return c.disbelief(one, registered, settings, one.timestamp);
  };
  EXPECT_EQ(why([](auto&) {}), "");
  // 200 W and a fifth more, for the second and two of slack.
  EXPECT_EQ(why([](auto& part) { part.dynamic_j = 1e15; }),
            "perServiceLocation: growth of idleShareJ and dynamicJ: 1e+15 is more than the 720 "
            "that are possible");
  EXPECT_EQ(why([](auto& part) { part.bytes_tx = 1ULL << 60U; }),
            "perServiceLocation: growth of bytesTx: 1.15292e+18 is more than the 4.5e+08 that are "
            "possible");
  auto liar = report(2);
  liar.per_service_location[0].idle_share_j = 1e15;
  EXPECT_EQ(take(liar), Taken::implausible);
  EXPECT_EQ(joules(), 0);
  EXPECT_EQ(take(report(3)), Taken::counted) << "the truth goes on from what was believed last";
  EXPECT_DOUBLE_EQ(joules(), 240);
}

TEST_F(counters, do_not_believe_time_that_has_not_passed_here) {
  take(report(1));
  double most_j = 0;
  for (std::uint64_t second = 2; second < 200; ++second) {
    auto one = report(second);
    // As much energy as the claimed time could have taken, ever further ahead or in turns.
    const std::chrono::seconds claimed{second % 2 == 0 ? 3600 : 30};
    one.measurement_time = {noon, one.timestamp + claimed};
    one.per_service_location[0].idle_share_j = most_j + 240.0 * 60;
    if (take(one) == Taken::counted) most_j = one.per_service_location[0].idle_share_j;
  }
  // 200 seconds, the skew, and each report's slack.
  EXPECT_LE(joules(), 240.0 * (200 + 60 + 2 * 200));
}

TEST_F(counters, believe_what_was_consumed_while_reports_were_lost_for_long) {
  take(report(1));
  EXPECT_EQ(take(report(4000)), Taken::counted);
  EXPECT_DOUBLE_EQ(joules(), 3999 * 120.0);
  EXPECT_DOUBLE_EQ(c.rates().at("SL1").mbps, 8) << "over all that time";
}

TEST_F(counters, begin_where_a_location_came_to_a_known_server) {
  settings.locations.emplace("SL2", settings.locations.at("SL1"));
  registered.service_locations.push_back({"SL2", {"http://sl2.example/"}});
  take(report(1));
  auto two = report(2);
  two.per_service_location.push_back(two.per_service_location.front());
  two.per_service_location.back().service_location_id = "SL2";
  two.per_service_location.back().idle_share_j = 1e9;
  EXPECT_EQ(take(two), Taken::counted);
  EXPECT_EQ(c.meters().at("SL2").energy_j, 0);
}

TEST_F(counters, believe_no_flow_more_than_its_server) {
  take(report(1));
  for (std::uint64_t second = 2; second < 4; ++second) {
    auto one = report(second);
    auto& flow = one.per_service_data_flow.emplace().emplace_back();
    flow.domain_name = "a.example";
    flow.energy_j = 1e15;
    flow.bytes_tx = 1ULL << 60U;
    take(one);
  }
  const FlowKey a{"SL1", "a.example"};
  EXPECT_LE(c.flow_meters().at(a).energy_j, joules());
  EXPECT_LE(c.flow_meters().at(a).octets_tx, octets());
}

TEST_F(counters, are_unknown_after_three_missed_reports) {
  auto one = report(1);
  one.validity_time = 3600;
  take(one);
  EXPECT_TRUE(c.known(noon + 1s + 29s, 10s));
  EXPECT_FALSE(c.known(noon + 1s + 30s, 10s));
}

TEST_F(counters, are_unknown_when_the_report_is_not_valid_any_more) {
  auto one = report(1);
  one.validity_time = 5;
  take(one);
  EXPECT_TRUE(c.known(noon + 5s, 10s));
  EXPECT_FALSE(c.known(noon + 6s, 10s));
}

TEST_F(counters, do_not_outlive_their_validity_by_a_clock_that_is_ahead) {
  auto one = report(1);
  one.timestamp = noon + 24h;
  c.take(one, registered, settings, noon);
  EXPECT_FALSE(c.known(noon + 30s, 1h));
}

TEST_F(counters, of_a_clock_that_is_behind_are_not_known_and_not_planned_with) {
  auto one = report(1);
  one.timestamp = noon - 24h;
  c.take(one, registered, settings, noon);
  EXPECT_FALSE(c.known(noon + 1s, 10s));
  take(report(2));
  EXPECT_TRUE(c.known(noon + 3s, 10s)) << "its clock was set";
}

}  // namespace
}  // namespace lobo::media_energy
