#include "services/media_energy/figures.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "model/date_time.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::media_energy {
namespace {

using namespace std::chrono_literals;
using api::media_types::EnergyMetric;
namespace types = api::media_types;

const Instant noon = *model::parse_date_time("2026-11-22T12:00:00Z");

/// A server of SL1 whose second report says that it took these watts for a second.
Server server(double watts, double uncertainty, types::EnergyMethod method,
              types::AsState state = types::AsState::active) {
  Server out;
  out.registered.service_locations.push_back({"SL1", {"http://sl1.example/"}});
  out.registered.host.capacity_mbps = 1000;
  out.registered.host.idle_power_w = 100;
  out.registered.host.max_power_w = 400;
  Settings settings;
  settings.locations.emplace("SL1", LocationSettings{});
  for (std::uint64_t i = 1; i <= 2; ++i) {
    api::media_e3::AsEnergyReport report;
    report.sequence = i;
    report.boot_id = "b";
    const auto end = noon - 2s + std::chrono::seconds{i};
    report.measurement_time = {end - 1s, end};
    report.timestamp = end;
    report.host.power_w = watts;
    report.host.method = method;
    report.host.rel_uncertainty = uncertainty;
    report.host.state = state;
    auto& part = report.per_service_location.emplace_back();
    part.service_location_id = "SL1";
    part.idle_share_j = watts * static_cast<double>(i);
    part.energy_j = part.idle_share_j;
    part.bytes_tx = 12'500'000 * i;
    out.counters.take(report, out.registered, settings, end);
  }
  return out;
}

TEST(figures, have_the_buildings_share_in_them) {
  const auto one = server(120, 0.1, types::EnergyMethod::measured_rapl);
  const auto figures = figures_at("SL1", {&one}, {.pue = 1.5}, noon, 10s);
  EXPECT_DOUBLE_EQ(figures.power_w, 180);
  EXPECT_DOUBLE_EQ(figures.energy_wh, 180 / 3600.0);
  EXPECT_DOUBLE_EQ(figures.mbps, 100);
  EXPECT_DOUBLE_EQ(*figures.wh_per_gb, 180 / 3600.0 / 0.0125);
  EXPECT_DOUBLE_EQ(*figures.bit_per_joule, 1e8 / 180);
}

TEST(figures, hold_for_three_intervals_where_a_report_does_not_say_how_long) {
  const auto one = server(120, 0.1, types::EnergyMethod::measured_rapl);
  EXPECT_EQ(figures_at("SL1", {&one}, {}, noon, 10s).valid_until, noon + 30s);
}

TEST(figures, of_several_servers_are_as_good_as_the_worst_method_and_the_mean_uncertainty) {
  const auto measured = server(100, 0.05, types::EnergyMethod::measured_rapl);
  const auto modelled = server(300, 0.45, types::EnergyMethod::model_cpu);
  const auto figures = figures_at("SL1", {&measured, &modelled}, {}, noon, 10s);
  EXPECT_EQ(figures.method, types::EnergyMethod::model_cpu);
  EXPECT_DOUBLE_EQ(figures.rel_uncertainty, (100 * 0.05 + 300 * 0.45) / 400);
  EXPECT_EQ(figures.servers, 2U);
}

TEST(figures, of_a_place_are_what_its_best_server_can_do) {
  const auto failed = server(120, 0.1, types::EnergyMethod::model_cpu, types::AsState::failed);
  const auto drains = server(120, 0.1, types::EnergyMethod::model_cpu, types::AsState::draining);
  EXPECT_EQ(figures_at("SL1", {&failed}, {}, noon, 10s).state, LocationState::down);
  EXPECT_EQ(figures_at("SL1", {&failed, &drains}, {}, noon, 10s).state, LocationState::draining);
  EXPECT_EQ(figures_at("SL1", {&failed, &drains}, {}, noon + 1h, 10s).state,
            LocationState::unknown);
  EXPECT_EQ(figures_at("SL1", {}, {}, noon, 10s).state, LocationState::unknown);
}

TEST(figures, together_are_sums_and_means_by_power) {
  Figures a, b;
  a.servers_known = b.servers_known = 1;
  a.power_w = 100;
  b.power_w = 300;
  a.carbon_g_per_kwh = 100;
  b.carbon_g_per_kwh = 500;
  const auto both = together({a, b});
  EXPECT_EQ(both.power_w, 400);
  EXPECT_EQ(both.carbon_g_per_kwh, 400);
  EXPECT_EQ(metric_of(both, EnergyMetric::carbon_rate_g_per_h, 0), 160);
  EXPECT_FALSE(metric_of(together({Figures{}}), EnergyMetric::power_w, 0)) << "nothing is known";
}

}  // namespace
}  // namespace lobo::media_energy
