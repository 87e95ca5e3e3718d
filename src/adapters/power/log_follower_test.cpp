#include "adapters/power/log_follower.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <ios>
#include <string>
#include <string_view>

#include "support/temp_dir.hpp"

namespace lobo::adapters::power {
namespace {

class Log {
 public:
  std::string path() const { return folder_.file("access.log"); }
  void append(std::string_view text) const { append_to(path(), text); }
  void append_to(const std::string& path, std::string_view text) const {
    std::ofstream(path, std::ios::app) << text;
  }
  const lobo::testing::TempDir& folder() const { return folder_; }

 private:
  lobo::testing::TempDir folder_;
};

/// What one look gave; '|' where another file began.
std::string look(LogFollower& follower) {
  std::string read;
  follower.look([&](std::string_view piece) { read += piece; }, [&] { read += '|'; });
  return read;
}

TEST(log_follower, tells_what_was_written_since_it_began) {
  const Log log;
  log.append("before\n");
  LogFollower follower(log.path());
  EXPECT_EQ(look(follower), "");
  log.append("one\ntw");
  EXPECT_EQ(look(follower), "one\ntw");
  log.append("o\n");
  EXPECT_EQ(look(follower), "o\n");
}

TEST(log_follower, a_log_that_comes_later_is_read_from_its_beginning) {
  const Log log;
  LogFollower follower(log.path());
  EXPECT_FALSE(follower.open());
  EXPECT_EQ(look(follower), "");
  log.append("one\n");
  EXPECT_EQ(look(follower), "|one\n");
}

TEST(log_follower, reads_a_renamed_log_to_its_end_and_goes_on_in_the_new_one) {
  const Log log;
  log.append("x\n");
  LogFollower follower(log.path());
  std::filesystem::rename(log.path(), log.folder().file("access.log.1"));
  log.append_to(log.folder().file("access.log.1"), "old\n");  // the writer has not noticed yet
  EXPECT_EQ(look(follower), "old\n");
  log.append("new\n");
  EXPECT_EQ(look(follower), "|new\n");
  EXPECT_EQ(follower.rotations(), 1U);
}

TEST(log_follower, a_truncated_log_begins_again) {
  const Log log;
  log.append("a long line\n");
  LogFollower follower(log.path());
  std::filesystem::resize_file(log.path(), 0);
  log.append("new\n");
  EXPECT_EQ(look(follower), "|new\n");
  EXPECT_EQ(follower.rotations(), 1U);
}

TEST(log_follower, one_look_reads_a_bounded_amount_and_the_next_the_rest) {
  const Log log;
  log.append("");
  LogFollower follower(log.path());
  log.append(std::string(bytes_a_look_max + 100, 'x'));
  EXPECT_EQ(look(follower).size(), bytes_a_look_max);
  EXPECT_EQ(look(follower).size(), 100U);
}

TEST(log_follower, what_is_no_regular_file_is_not_followed) {
  const Log log;
  std::filesystem::create_directory(log.path());
  LogFollower follower(log.path());
  EXPECT_FALSE(follower.open());
}

}  // namespace
}  // namespace lobo::adapters::power
