#include "energy/meter/ledger.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "energy/meter/access_log.hpp"
#include "energy/meter/attribution.hpp"
#include "energy/meter/host_meter.hpp"
#include "energy/meter/power_model.hpp"
#include "energy/problem.hpp"

namespace lobo::energy::meter {
namespace {

using namespace std::chrono_literals;

const Instant now = ManualClock{}.now();

HostEnergy second(double idle_j, double dynamic_j, Method method, double uncertainty) {
  return {.seconds = 1,
          .energy_j = idle_j + dynamic_j,
          .idle_j = idle_j,
          .dynamic_j = dynamic_j,
          .utilisation = 0.5,
          .method = method,
          .rel_uncertainty = uncertainty};
}

Traffic sent(std::vector<std::uint64_t> bytes) {
  Traffic traffic;
  for (const auto each : bytes)
    traffic.of.push_back({.bytes_tx = each, .bytes_rx = 0, .requests = 1, .errors_5xx = 0});
  return traffic;
}

TEST(energy_ledger, flows_have_that_part_of_their_locations_energy_that_they_have_of_its_octets) {
  Ledger ledger({1, 1});
  ledger.tell_apart({{"a.example", "b.example"}, {}});
  auto traffic = ledger.traffic();
  traffic.of[0].bytes_tx = 4000;
  traffic.flows[0]["a.example"].bytes_tx = 1000;
  ledger.add(second(80, 20, Method::measured_rapl, 0.1), traffic);
  ledger.add(second(80, 20, Method::measured_rapl, 0.1), ledger.traffic());
  const auto report = ledger.take(now, Reason::periodic, LocationState::active);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->flows[0].at("a.example").energy, (Part{10, 5}))
      << "a quarter of what the location had while it sent";
  EXPECT_EQ(report->flows[0].at("b.example").energy, (Part{}));
  ledger.tell_apart({{"a.example"}, {}});
  EXPECT_EQ(ledger.traffic().flows[0].size(), 1U);
  ledger.add(second(80, 20, Method::measured_rapl, 0.1), ledger.traffic());
  EXPECT_EQ(ledger.take(now, Reason::periodic, LocationState::active)->flows[0].at("a.example"),
            report->flows[0].at("a.example"))
      << "what stays keeps its sums";
  std::vector<std::string> many;
  for (std::size_t i = 0; i < 2 * flows_of_host_max; ++i) many.push_back(std::to_string(i));
  ledger.tell_apart({many, many});
  EXPECT_EQ(ledger.traffic().flows[0].size() + ledger.traffic().flows[1].size(), flows_of_host_max);
}

TEST(energy_ledger, sums_go_on_and_means_are_of_the_interval) {
  Ledger ledger({1, 1});
  EXPECT_FALSE(ledger.take(now, Reason::initial, LocationState::active));
  ledger.add(second(80, 20, Method::measured_rapl, 0.1), sent({1'000'000, 3'000'000}));
  ledger.add(second(80, 60, Method::measured_rapl, 0.1), sent({0, 0}));
  const auto first = ledger.take(now, Reason::periodic, LocationState::active);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->sequence, 1U);
  EXPECT_DOUBLE_EQ(first->power_w, 120);
  EXPECT_DOUBLE_EQ(first->idle_w, 80);
  EXPECT_DOUBLE_EQ(first->tx_mbps, 16);
  EXPECT_EQ(first->end - first->start, 2s);
  EXPECT_EQ(first->of[1].energy, (Part{80, 45}));
  ledger.add(second(80, 0, Method::measured_rapl, 0.1), sent({0, 0}));
  const auto next = ledger.take(now + 1s, Reason::periodic, LocationState::active);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->sequence, 2U);
  EXPECT_DOUBLE_EQ(next->power_w, 80);
  EXPECT_DOUBLE_EQ(next->energy_j, 320);
  EXPECT_EQ(next->of[0].use.bytes_tx, 1'000'000U);
}

TEST(energy_ledger, one_modelled_second_makes_the_report_a_modelled_one) {
  Ledger ledger({1});
  ledger.add(second(100, 0, Method::measured_rapl, 0.1), sent({1}));
  ledger.add(second(300, 0, Method::model_cpu, 0.3), sent({1}));
  const auto report = ledger.take(now, Reason::periodic, LocationState::active);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->method, Method::model_cpu);
  EXPECT_DOUBLE_EQ(report->rel_uncertainty, 0.25);
  ledger.add(second(100, 0, Method::measured_rapl, 0.1), sent({1}));
  EXPECT_EQ(ledger.take(now, Reason::periodic, LocationState::active)->method,
            Method::measured_rapl);
}

RC_GTEST_PROP(energy_ledger, locations_and_the_rest_add_up_to_the_host, ()) {
  const auto steps = *rc::gen::container<std::vector<std::uint64_t>>(
      rc::gen::inRange<std::uint64_t>(1, 1'000'000));
  Ledger ledger({1, 2, 5});
  ledger.add(second(1, 1, Method::declared, 0.4), sent({0, 0, 0}));
  for (const auto step : steps) {
    auto traffic = sent({step, step % 7, step % 11});
    traffic.other.bytes_tx = step % 5;
    ledger.add(second(static_cast<double>(step % 97), static_cast<double>(step % 31),
                      Method::declared, 0.4),
               traffic);
  }
  const auto report = ledger.take(now, Reason::periodic, LocationState::active);
  RC_ASSERT(report.has_value());
  double sum = report->other.energy.idle_j + report->other.energy.dynamic_j;
  for (const auto& of : report->of) sum += of.energy.idle_j + of.energy.dynamic_j;
  RC_ASSERT(std::abs(sum - report->energy_j) <= 1e-9 * std::max(1.0, report->energy_j));
}

Report numbered(std::uint64_t sequence) {
  Report report;
  report.sequence = sequence;
  return report;
}

TEST(energy_outbox, the_same_report_comes_again_until_it_is_taken) {
  Outbox outbox;
  outbox.push(numbered(1));
  outbox.push(numbered(2));
  const auto first = outbox.batch();
  outbox.failed(first.size());
  outbox.push(numbered(3));
  auto again = outbox.batch();
  ASSERT_EQ(again.size(), 3U);
  EXPECT_EQ(again[0], first[0]);
  outbox.taken(2);
  EXPECT_EQ(outbox.batch().front().sequence, 3U);
}

TEST(energy_outbox, a_full_one_loses_the_oldest_and_counts_it) {
  Outbox outbox;
  for (std::uint64_t i = 1; i <= reports_kept_max + 2; ++i) outbox.push(numbered(i));
  EXPECT_EQ(outbox.waiting(), reports_kept_max);
  EXPECT_EQ(outbox.given_up(), 2U);
  EXPECT_EQ(outbox.batch().front().sequence, 3U);
  EXPECT_EQ(outbox.batch().size(), reports_at_once_max);
}

TEST(energy_outbox, what_was_tried_often_enough_is_given_up) {
  Outbox outbox;
  outbox.push(numbered(1));
  for (unsigned i = 0; i < attempts_max; ++i) {
    EXPECT_EQ(outbox.waiting(), 1U);
    outbox.failed(1);
  }
  EXPECT_EQ(outbox.waiting(), 0U);
  EXPECT_EQ(outbox.given_up(), 1U);
}

}  // namespace
}  // namespace lobo::energy::meter
