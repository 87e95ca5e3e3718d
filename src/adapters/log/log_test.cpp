#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/log/file_log.hpp"
#include "adapters/log/line.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "support/temp_dir.hpp"
#include "support/test_loop.hpp"

namespace lobo::adapters::log {
namespace {

using namespace std::chrono_literals;
using runtime::Level;

const Instant midnight = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};

std::string line(Format format, std::string_view value) {
  std::string out;
  write_line(out, format, "nrm", Level::info, "seen", {{"v", value}});
  return out;
}

TEST(log_line, text_names_domain_level_event_and_fields) {
  std::string out;
  Stamp stamp;
  stamp.write(out, midnight + 26min + 9s + 123ms, Format::text);
  write_line(out, Format::text, "nrm", Level::warn, "call_failed",
             {{"peer", "nef"}, {"attempt", std::int64_t{-3}}, {"why", "no answer"}});
  EXPECT_EQ(
      out,
      "11/22 00:26:09.123: [nrm] WARNING: call_failed peer=nef attempt=-3 why=\"no answer\"\n");
}

TEST(log_line, json_is_one_object_a_line) {
  std::string out;
  Stamp stamp;
  stamp.write(out, midnight + 7ms, Format::json);
  write_line(out, Format::json, "nrm", Level::error, "lost",
             {{"id", "a\"b"}, {"n", std::int64_t{7}}});
  EXPECT_EQ(out,
            "{\"time\":\"2026-11-22T00:00:00.007Z\",\"level\":\"error\",\"domain\":\"nrm\","
            "\"event\":\"lost\",\"id\":\"a\\\"b\",\"n\":7}\n");
}

TEST(log_line, the_time_moves_on_with_the_second_and_the_day) {
  Stamp stamp;
  std::string out;
  stamp.write(out, midnight - 1ms, Format::text);
  stamp.write(out, midnight, Format::text);
  EXPECT_EQ(out, "11/21 23:59:59.999: 11/22 00:00:00.000: ");
}

TEST(log_line, no_value_can_make_a_line_a_field_or_a_terminal_command_of_its_own) {
  for (const Format format : {Format::text, Format::json}) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const std::string out = line(format, std::string("a") + static_cast<char>(byte) + "b");
      ASSERT_EQ(out.find('\n'), out.size() - 1) << byte;
      for (const char c : out.substr(0, out.size() - 1))
        EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F)
            << byte;
    }
  }
  EXPECT_EQ(line(Format::text, "x level=ERROR"), "[nrm] INFO: seen v=\"x level=ERROR\"\n");
  EXPECT_EQ(line(Format::text, "x=y"), "[nrm] INFO: seen v=\"x=y\"\n");
  EXPECT_EQ(line(Format::text, "\x1b[31m\r\n"), "[nrm] INFO: seen v=\"\\x1b[31m\\r\\n\"\n");
  EXPECT_EQ(line(Format::text, "\xC2\x9B"), "[nrm] INFO: seen v=\"\\xc2\\x9b\"\n");
  EXPECT_EQ(line(Format::text, "é \xFF"), "[nrm] INFO: seen v=\"é \\xff\"\n");
  EXPECT_EQ(line(Format::text, ""), "[nrm] INFO: seen v=\"\"\n");
}

TEST(log_line, a_long_value_is_cut_between_two_characters) {
  const std::string out = line(Format::text, std::string(value_bytes_max - 1, 'x') + "éé");
  EXPECT_EQ(out, "[nrm] INFO: seen v=\"" + std::string(value_bytes_max - 1, 'x') + "…\"\n");
}

class FileLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<FileLog> open(Level level = Level::info) {
    auto opened = FileLog::open(
        {.file = file, .format = Format::text, .level = level, .domain = "nrm"}, loop, clock);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  std::string written() const {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  testing::TempDir folder;
  std::string file = folder.file("lobo.log");
  testing::TestLoop loop;
  ManualClock clock{midnight};
};

TEST_F(FileLogTest, lines_wait_for_each_other_a_moment_and_are_written_together) {
  const auto log = open();
  log->event(Level::info, "one", {});
  log->event(Level::info, "two", {});
  EXPECT_EQ(written(), "");
  loop.run_until_idle();
  EXPECT_EQ(loop.now(), buffer_time_max);
  EXPECT_EQ(lines(written()), 2U);
}

TEST_F(FileLogTest, a_warning_is_written_at_once_with_what_came_before_it) {
  const auto log = open();
  log->event(Level::info, "one", {});
  log->event(Level::warn, "two", {});
  EXPECT_EQ(lines(written()), 2U);
}

TEST_F(FileLogTest, what_is_below_the_level_is_not_written) {
  auto log = open(Level::warn);
  log->event(Level::info, "one", {});
  log->set_level(Level::debug);
  log->event(Level::debug, "two", {});
  log.reset();
  EXPECT_EQ(written(), "11/22 00:00:00.000: [nrm] DEBUG: two\n");
}

TEST_F(FileLogTest, the_same_warning_over_and_over_is_counted_and_the_count_is_told) {
  const auto log = open();
  for (int i = 0; i < 1000; ++i) log->event(Level::warn, "full", {{"disk", "a"}});
  log->event(Level::warn, "full", {{"disk", "b"}});
  EXPECT_EQ(lines(written()), repeats_max + 1);
  clock.advance(repeats_window);
  log->flush();
  EXPECT_NE(written().find("repeated event=full times=995\n"), std::string::npos);
  log->event(Level::warn, "full", {{"disk", "a"}});
  EXPECT_TRUE(written().ends_with("full disk=a\n"));
}

TEST_F(FileLogTest, the_file_is_ours_alone_and_a_missing_folder_is_an_error) {
  const auto log = open();
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0077U, 0U);
  const auto none = FileLog::open({.file = folder.file("no/such/folder.log")}, loop, clock);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::unavailable);
}

}  // namespace
}  // namespace lobo::adapters::log
