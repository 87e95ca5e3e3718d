// What every store of past measurements must do, in memory and on disk alike.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/series/series_log.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "series/disk_series.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/series.hpp"
#include "services/seal_nrm/series_memory.hpp"
#include "support/temp_dir.hpp"

namespace lobo::contract {
namespace {

using seal_nrm::monitor::Aggregate;
using seal_nrm::monitor::Measure;
using seal_nrm::monitor::Measures;
using seal_nrm::monitor::Series;
using seal_nrm::monitor::SeriesPoint;

constexpr std::size_t points_kept = 512;
constexpr std::chrono::seconds age_max{10'000};
constexpr Instant origin{std::chrono::hours{24 * 365 * 56}};
Instant second(std::int64_t s) { return origin + std::chrono::seconds{s}; }

struct SeriesWorld {
  SeriesWorld() = default;
  SeriesWorld(const SeriesWorld&) = delete;
  SeriesWorld& operator=(const SeriesWorld&) = delete;
  virtual ~SeriesWorld() = default;
  virtual Series& series() = 0;
};

struct MemoryWorld final : SeriesWorld {
  Series& series() override { return memory; }
  seal_nrm::monitor::MemorySeries memory{points_kept, age_max};
};

struct DiskWorld final : SeriesWorld {
  Series& series() override { return disk; }
  testing::TempDir folder;
  std::unique_ptr<adapters::series::SeriesLog> log = *adapters::series::SeriesLog::open(
      {.folder = folder.path() / "series",
       .octets_max = points_kept * adapters::series::record_octets,
       .age_max = age_max,
       .segment_records = 32},
      origin);
  DiskSeries disk{*log};
};

struct SeriesMaker {
  const char* name;
  std::function<std::unique_ptr<SeriesWorld>()> make;
};

class series_contract : public ::testing::TestWithParam<SeriesMaker> {
 protected:
  Series& series() { return world_->series(); }
  static SeriesPoint point(Measure measure, std::int64_t s, double value) {
    return {.measure = measure,
            .from = second(s),
            .to = second(s + 1),
            .value = {.average = value,
                      .minimum = value - 1,
                      .maximum = value + 1,
                      .total = 7 * value,
                      .covered = std::chrono::milliseconds{900},
                      .samples = 3}};
  }
  std::vector<SeriesPoint> read(const std::string& target, Measures measures, std::int64_t from,
                                std::int64_t to) {
    return series().read(target, measures, second(from), second(to)).value();
  }

 private:
  std::unique_ptr<SeriesWorld> world_ = GetParam().make();
};

TEST_P(series_contract, a_point_is_read_as_it_was_appended) {
  const SeriesPoint one = point(Measure::ul_volume, 5, 12.25);
  ASSERT_TRUE(series().append("ue-1", one, second(6)));
  EXPECT_EQ(read("ue-1", {Measure::ul_volume}, 0, 10), std::vector{one});
}

TEST_P(series_contract, only_what_was_asked_for_is_read_oldest_first) {
  for (std::int64_t s = 0; s < 20; ++s) {
    ASSERT_TRUE(series().append("ue-1", point(Measure::dl_delay, s, 10), second(s + 1)));
    ASSERT_TRUE(series().append("ue-1", point(Measure::loss_rate, s, 20), second(s + 1)));
    ASSERT_TRUE(series().append("ue-2", point(Measure::dl_delay, s, 30), second(s + 1)));
  }
  const auto found = read("ue-1", {Measure::dl_delay}, 5, 8);
  ASSERT_EQ(found.size(), 3U);
  for (std::int64_t s = 5; s < 8; ++s)
    EXPECT_EQ(found[static_cast<std::size_t>(s - 5)], point(Measure::dl_delay, s, 10));
  EXPECT_EQ(read("ue-1", {Measure::dl_delay, Measure::loss_rate}, 5, 8).size(), 6U);
  EXPECT_TRUE(read("ue-1", {Measure::rt_delay}, 0, 20).empty());
  EXPECT_TRUE(read("ue-3", {Measure::dl_delay}, 0, 20).empty());
  EXPECT_TRUE(read("ue-1", {Measure::dl_delay}, 20, 30).empty());
}

TEST_P(series_contract, a_point_that_overlaps_the_time_asked_for_is_read) {
  ASSERT_TRUE(series().append("ue-1", point(Measure::dl_delay, 5, 1), second(6)));
  const auto half = std::chrono::milliseconds{500};
  const auto found =
      series().read("ue-1", {Measure::dl_delay}, second(5) + half, second(5) + half + half);
  EXPECT_EQ(found->size(), 1U);
  EXPECT_TRUE(read("ue-1", {Measure::dl_delay}, 6, 7).empty());
  EXPECT_TRUE(read("ue-1", {Measure::dl_delay}, 4, 5).empty());
}

TEST_P(series_contract, it_keeps_no_more_than_its_bound_and_the_newest_of_all) {
  for (std::int64_t s = 0; s < 5000; ++s)
    ASSERT_TRUE(series().append("ue-" + std::to_string(s % 3), point(Measure::dl_delay, s, 1),
                                second(s + 1)));
  std::size_t kept = 0;
  for (int ue = 0; ue < 3; ++ue)
    kept += read("ue-" + std::to_string(ue), {Measure::dl_delay}, 0, 5000).size();
  EXPECT_LE(kept, points_kept);
  EXPECT_GE(kept, points_kept - 64);
  EXPECT_EQ(read("ue-1", {Measure::dl_delay}, 4999, 5000).size(), 1U);
}

TEST_P(series_contract, what_is_too_old_goes_when_new_points_come) {
  ASSERT_TRUE(series().append("old", point(Measure::dl_delay, 0, 1), second(1)));
  for (std::int64_t s = 20'000; s < 20'100; ++s)
    ASSERT_TRUE(series().append("new", point(Measure::dl_delay, s, 1), second(s + 1)));
  EXPECT_TRUE(read("old", {Measure::dl_delay}, 0, 10).empty());
  EXPECT_EQ(read("new", {Measure::dl_delay}, 0, 30'000).size(), 100U);
}

TEST_P(series_contract, what_is_no_point_is_refused) {
  SeriesPoint empty = point(Measure::dl_delay, 1, 1);
  empty.to = empty.from;
  EXPECT_EQ(series().append("ue-1", empty, origin).error().code, Errc::out_of_range);
  const SeriesPoint good = point(Measure::dl_delay, 1, 1);
  EXPECT_EQ(series().append("", good, origin).error().code, Errc::out_of_range);
  const std::string overlong(seal_nrm::monitor::series_target_octets_max + 1, 'x');
  EXPECT_EQ(series().append(overlong, good, origin).error().code, Errc::out_of_range);
  EXPECT_TRUE(read("ue-1", {Measure::dl_delay}, 0, 10).empty());
}

TEST_P(series_contract, names_that_look_alike_are_different_targets) {
  SeededRng rng(3);
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back("ue-" + std::to_string(rng.below(100'000'000)));
  for (std::size_t i = 0; i < names.size(); ++i)
    ASSERT_TRUE(
        series().append(names[i], point(Measure::dl_delay, 1, static_cast<double>(i)), second(2)));
  for (std::size_t i = 0; i < names.size(); ++i)
    EXPECT_EQ(read(names[i], {Measure::dl_delay}, 0, 10).front().value.average,
              static_cast<double>(i));
}

INSTANTIATE_TEST_SUITE_P(
    all, series_contract,
    ::testing::Values(SeriesMaker{"memory", [] { return std::make_unique<MemoryWorld>(); }},
                      SeriesMaker{"disk", [] { return std::make_unique<DiskWorld>(); }}),
    [](const auto& made) { return made.param.name; });

TEST(series_merge, means_weigh_by_samples_and_volumes_add_up) {
  using seal_nrm::monitor::merge;
  std::vector<SeriesPoint> points(3);
  points[0].value = {.average = 10, .minimum = 5, .maximum = 20, .samples = 1};
  points[1].value = {.average = 40, .minimum = 30, .maximum = 50, .samples = 2};
  points[2].measure = Measure::dl_volume;
  points[2].value = {.average = 9, .minimum = 9, .maximum = 9, .total = 9, .samples = 1};
  const auto delay = merge(points, Measure::dl_delay);
  ASSERT_TRUE(delay);
  EXPECT_EQ(delay->average, 30);
  EXPECT_EQ(delay->minimum, 5);
  EXPECT_EQ(delay->maximum, 50);
  points.push_back(points[2]);
  const auto volume = merge(points, Measure::dl_volume);
  ASSERT_TRUE(volume);
  EXPECT_EQ(volume->total, 18);
  EXPECT_EQ(volume->average, 9);
  EXPECT_FALSE(merge(points, Measure::ul_delay));
}

}  // namespace
}  // namespace lobo::contract
