#include "adapters/metrics/prometheus_metrics.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "adapters/metrics/catalogue.hpp"
#include "base/text.hpp"

namespace lobo::adapters::metrics {
namespace {

bool has_line(const std::string& text, std::string_view line) {
  for (const auto each : split(text, '\n'))
    if (each == line) return true;
  return false;
}

TEST(prometheus_metrics, counted_values_stand_in_the_text_with_help_type_and_labels) {
  PrometheusMetrics metrics;
  metrics.counter("lobo_network_calls_total", {{"peer", "nef"}}).add(2);
  metrics.counter("lobo_network_calls_total", {{"peer", "nef"}}).add(1);
  metrics.counter("lobo_network_calls_total", {{"peer", "a\"b\\c\nd"}}).add(1);
  const std::string text = metrics.expose();
  EXPECT_TRUE(has_line(text, "# TYPE lobo_network_calls_total counter"));
  EXPECT_TRUE(has_line(text, "lobo_network_calls_total{peer=\"nef\"} 3"));
  EXPECT_TRUE(has_line(text, R"(lobo_network_calls_total{peer="a\"b\\c\nd"} 1)"));
}

TEST(prometheus_metrics, a_histogram_has_cumulative_buckets_in_seconds_and_a_sum) {
  PrometheusMetrics metrics;
  auto& seconds = metrics.histogram("lobo_store_commit_seconds", {});
  seconds.observe(0.0002);
  seconds.observe(100);
  const std::string text = metrics.expose();
  EXPECT_TRUE(has_line(text, "lobo_store_commit_seconds_bucket{le=\"0.0001\"} 0"));
  EXPECT_TRUE(has_line(text, "lobo_store_commit_seconds_bucket{le=\"10\"} 1"));
  EXPECT_TRUE(has_line(text, "lobo_store_commit_seconds_bucket{le=\"+Inf\"} 2"));
  EXPECT_TRUE(has_line(text, "lobo_store_commit_seconds_count 2"));
}

TEST(prometheus_metrics, handles_are_shared_and_may_be_used_by_any_thread) {
  PrometheusMetrics metrics;
  auto& counter = metrics.counter("lobo_store_units_total", {});
  EXPECT_EQ(&counter, &metrics.counter("lobo_store_units_total", {}));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 10'000; ++k) counter.add(1);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(has_line(metrics.expose(), "lobo_store_units_total 40000"));
}

TEST(prometheus_metrics, label_sets_beyond_their_bound_are_counted_together) {
  PrometheusMetrics metrics;
  for (std::size_t i = 0; i < series_max + 100; ++i)
    metrics.counter("lobo_network_calls_total", {{"peer", std::to_string(i)}}).add(1);
  EXPECT_TRUE(has_line(metrics.expose(), "lobo_network_calls_total{peer=\"other\"} 100"));
}

TEST(prometheus_metrics_death, a_name_kind_or_label_that_the_catalogue_lacks_stops_the_process) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  PrometheusMetrics metrics;
  EXPECT_DEATH(metrics.counter("lobo_unknown_total", {}), "broken promise");
  EXPECT_DEATH(metrics.gauge("lobo_store_units_total", {}), "broken promise");
  EXPECT_DEATH(metrics.counter("lobo_network_calls_total", {}), "broken promise");
  EXPECT_DEATH(metrics.counter("lobo_network_calls_total", {{"pear", "nef"}}), "broken promise");
}

TEST(metric_catalogue, names_are_unique_and_counters_end_in_total) {
  std::set<std::string_view> names;
  for (const auto& entry : catalogue()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(entry.name.ends_with("_total"), entry.kind == Kind::counter) << entry.name;
    EXPECT_EQ(find_entry(entry.name), &entry);
  }
  EXPECT_EQ(find_entry("lobo_zzz"), nullptr);
}

// With LOBO_UPDATE_DOCS=1 in the environment the page is written instead of compared.
TEST(metric_catalogue, the_documented_table_is_the_catalogue) {
  constexpr std::string_view start = "| Metric |";
  std::ifstream in(LOBO_METRICS_PAGE);
  std::string page(std::istreambuf_iterator<char>(in), {});
  const auto at = page.find(start);
  ASSERT_NE(at, std::string::npos) << LOBO_METRICS_PAGE;
  if (std::getenv("LOBO_UPDATE_DOCS") != nullptr)
    std::ofstream(LOBO_METRICS_PAGE) << page.substr(0, at) << markdown_table();
  else
    EXPECT_EQ(page.substr(at), markdown_table()) << "run with LOBO_UPDATE_DOCS=1 to mend the page";
}

}  // namespace
}  // namespace lobo::adapters::metrics
