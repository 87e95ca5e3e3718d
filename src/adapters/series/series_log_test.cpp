// The log of past values: what is kept, found again, cut and deleted.

#include "adapters/series/series_log.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "support/temp_dir.hpp"

namespace lobo::adapters::series {
namespace {

constexpr Instant start{std::chrono::hours{24 * 365 * 56}};

Instant second(std::int64_t s) { return start + std::chrono::seconds{s}; }

SeriesRecord record(std::int64_t n) {
  return {.kind = static_cast<std::uint8_t>(n % 8),
          .samples = static_cast<std::uint32_t>(n),
          .from = second(n),
          .to = second(n + 1),
          .values = {1.5 * static_cast<double>(n), 2, 3, 4},
          .covered = n};
}

class SeriesLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<SeriesLog> open(std::int64_t now = 0) {
    auto log = SeriesLog::open(settings, second(now));
    EXPECT_TRUE(log) << (log ? "" : log.error().detail);
    return log ? std::move(*log) : nullptr;
  }
  static std::vector<SeriesRecord> all(const SeriesLog& log, const std::string& key) {
    return log.read(key, ~0U, Instant::min(), Instant::max(), 100'000).value();
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found;
    for (const auto& file : std::filesystem::directory_iterator(settings.folder))
      found.push_back(file.path());
    std::sort(found.begin(), found.end());
    return found;
  }

  testing::TempDir dir;
  SeriesLogSettings settings{.folder = dir.path() / "series",
                             .octets_max = 64 * record_octets,
                             .age_max = std::chrono::seconds{1000},
                             .segment_records = 16};
};

using series_log = SeriesLogTest;

TEST_F(series_log, what_was_appended_is_read_again_after_a_restart_by_key_kind_and_time) {
  {
    auto log = open();
    for (int n = 0; n < 40; ++n)
      ASSERT_TRUE(log->append(n % 2 == 0 ? "ue-a" : "ue-b", record(n), second(n)));
    EXPECT_EQ(all(*log, "ue-a").size(), 20U);
  }
  const auto log = open(40);
  EXPECT_EQ(log->counters().damaged, 0U);
  const auto a = all(*log, "ue-a");
  ASSERT_EQ(a.size(), 20U);
  EXPECT_EQ(a[3], record(6));
  EXPECT_EQ(log->read("ue-b", 1U << 3U, second(0), second(40), 99)->size(), 5U);
  const auto some = log->read("ue-a", ~0U, second(10), second(13), 99).value();
  ASSERT_EQ(some.size(), 2U);  // 10 and 12; what ends at 10 does not overlap
  EXPECT_EQ(some[0], record(10));
  EXPECT_TRUE(all(*log, "ue-c").empty());
}

TEST_F(series_log, more_values_than_asked_for_are_an_error_not_a_part) {
  auto log = open();
  for (int n = 0; n < 5; ++n) ASSERT_TRUE(log->append("a", record(n), second(n)));
  EXPECT_EQ(log->read("a", ~0U, second(0), second(9), 4).error().code, Errc::too_large);
}

TEST_F(series_log, never_more_octets_than_its_bound_and_the_oldest_go_first) {
  auto log = open();
  for (int n = 0; n < 1000; ++n) {
    ASSERT_TRUE(log->append("a", record(n), second(n)));
    ASSERT_LE(log->octets(), settings.octets_max);
  }
  const auto kept = all(*log, "a");
  EXPECT_EQ(kept.back(), record(999));
  EXPECT_GT(kept.size(), 32U);
  EXPECT_LE(kept.size(), 64U);
  EXPECT_EQ(kept.size(), static_cast<std::size_t>(1000 - kept.front().covered));
  EXPECT_EQ(files().size(), log->segments());
}

TEST_F(series_log, what_is_older_than_its_age_is_deleted_with_its_segment) {
  auto log = open();
  for (int n = 0; n < 17; ++n) ASSERT_TRUE(log->append("a", record(n), second(n)));
  EXPECT_EQ(log->segments(), 2U);
  log.reset();
  log = open(1010);
  EXPECT_EQ(log->segments(), 2U);
  log.reset();
  log = open(1017);
  EXPECT_EQ(log->segments(), 1U);
  EXPECT_EQ(files().size(), 1U);
}

TEST_F(series_log, a_torn_tail_is_cut_at_every_length) {
  for (std::uintmax_t torn = 1; torn < 2 * record_octets; torn += 7) {
    std::filesystem::remove_all(settings.folder);
    {
      auto log = open();
      for (int n = 0; n < 10; ++n) ASSERT_TRUE(log->append("a", record(n), second(n)));
    }
    std::filesystem::resize_file(files().back(), 10 * record_octets - torn);
    auto log = open();
    const std::size_t left = torn <= record_octets ? 9 : 8;
    EXPECT_EQ(all(*log, "a").size(), left) << torn;
    EXPECT_EQ(log->octets(), left * record_octets);
    ASSERT_TRUE(log->append("a", record(10), second(10)));
    log = open();
    EXPECT_EQ(all(*log, "a").size(), left + 1);
    EXPECT_EQ(log->counters().octets_cut, 0U);
  }
}

TEST_F(series_log, a_tail_of_zeros_as_a_loss_of_power_leaves_it_is_cut) {
  {
    auto log = open();
    for (int n = 0; n < 3; ++n) ASSERT_TRUE(log->append("a", record(n), second(n)));
  }
  std::filesystem::resize_file(files().back(), 12 * record_octets);
  const auto log = open();
  EXPECT_EQ(all(*log, "a").size(), 3U);
  EXPECT_EQ(log->counters().octets_cut, 9 * record_octets);
}

TEST_F(series_log, one_damaged_octet_loses_one_record_and_is_counted) {
  for (std::size_t octet = 0; octet < record_octets; octet += 5) {
    std::filesystem::remove_all(settings.folder);
    {
      auto log = open();
      for (int n = 0; n < 10; ++n) ASSERT_TRUE(log->append("a", record(n), second(n)));
    }
    {
      std::fstream file(files().back(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(4 * record_octets + octet));
      const int was = file.get();
      file.seekp(static_cast<std::streamoff>(4 * record_octets + octet));
      file.put(static_cast<char>(was ^ 0x10));
    }
    const auto log = open();
    EXPECT_EQ(log->counters().damaged, 1U);
    EXPECT_EQ(all(*log, "a").size(), 9U);
  }
}

TEST_F(series_log, a_full_disk_is_told_and_the_next_append_goes_on) {
  auto log = open();
  for (int n = 0; n < 3; ++n) ASSERT_TRUE(log->append("a", record(n), second(n)));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit full = before;
  full.rlim_cur = 3 * record_octets + 40;  // a part of the next record fits
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  const auto failed = log->append("a", record(3), second(3));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, ignored);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::unavailable);
  EXPECT_EQ(log->counters().failed, 1U);
  EXPECT_EQ(all(*log, "a").size(), 3U);
  ASSERT_TRUE(log->append("a", record(4), second(4)));
  log = open();
  const auto kept = all(*log, "a");
  ASSERT_EQ(kept.size(), 4U);
  EXPECT_EQ(kept.back(), record(4));
}

TEST_F(series_log, a_folder_that_cannot_be_made_is_an_error_not_an_end) {
  std::ofstream(dir.path() / "series") << "a file is in the way";
  EXPECT_EQ(SeriesLog::open(settings, start).error().code, Errc::unavailable);
}

TEST_F(series_log, a_bound_too_small_for_two_segments_is_refused) {
  settings.octets_max = 31 * record_octets;
  EXPECT_EQ(SeriesLog::open(settings, start).error().code, Errc::out_of_range);
}

TEST_F(series_log, killed_at_any_moment_it_keeps_all_that_was_acknowledged) {
  settings.octets_max = 100'000 * record_octets;
  settings.segment_records = 64;
  SeededRng rng(7);
  std::int64_t there = 0;
  for (int round = 0; round < 12; ++round) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    const auto child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      auto log = SeriesLog::open(settings, start);
      if (!log) ::_exit(3);
      for (std::int64_t n = there;; ++n)
        if (!(*log)->append("a", record(n), start) || ::write(ends[1], &n, sizeof n) != sizeof n)
          ::_exit(4);
    }
    ::close(ends[1]);
    const std::uint64_t enough = 1 + rng.below(300);
    std::int64_t last = there - 1;
    std::uint64_t seen = 0;
    for (std::int64_t n = 0; ::read(ends[0], &n, sizeof n) == sizeof n; last = n)
      if (++seen == enough) ::kill(child, SIGKILL);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    const auto log = open();
    const auto kept = all(*log, "a");
    ASSERT_GE(std::ssize(kept), last + 1);
    ASSERT_LE(std::ssize(kept), last + 2);
    for (std::int64_t n = 0; n < std::ssize(kept); ++n)
      ASSERT_EQ(kept[static_cast<std::size_t>(n)], record(n));
    there = std::ssize(kept);
  }
}

}  // namespace
}  // namespace lobo::adapters::series
