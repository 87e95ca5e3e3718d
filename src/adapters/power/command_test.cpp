#include "adapters/power/command.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/temp_dir.hpp"
#include "support/test_loop.hpp"

namespace lobo::adapters::power {
namespace {

using namespace std::chrono_literals;

/// Virtual time passes as fast as the loop is looked at, so "in time" is a long time.
CommandEnd run(const std::vector<std::string>& words, std::chrono::milliseconds limit = 240h) {
  lobo::testing::TestLoop loop;
  Commands commands(loop);
  std::optional<CommandEnd> end;
  commands.run(words, limit, [&](CommandEnd got) { end = std::move(got); });
  EXPECT_FALSE(end) << "never inside the call";
  EXPECT_TRUE(loop.run_until([&] { return end.has_value(); }));
  return end.value_or(CommandEnd{});
}

TEST(operator_command, that_ends_with_zero_is_done) { EXPECT_TRUE(run({"true"}).done); }

TEST(operator_command, that_ends_otherwise_is_not_done_and_says_how) {
  const auto end = run({"sh", "-c", "exit 7"});
  EXPECT_FALSE(end.done);
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_EQ(end.why, "it ended with 7");
}

TEST(operator_command, gets_its_words_as_they_are_and_no_shell) {
  const lobo::testing::TempDir folder;
  const auto name = folder.file("a b; $(x)");
  EXPECT_TRUE(run({"touch", name}).done);
  EXPECT_TRUE(std::filesystem::exists(name));
}

TEST(operator_command, that_takes_too_long_is_killed) {
  const auto end = run({"sleep", "3600"}, 100ms);
  EXPECT_FALSE(end.done);
  EXPECT_EQ(end.why, "it took longer than its limit");
}

TEST(operator_command, that_does_not_exist_is_not_done) {
  EXPECT_EQ(run({"/no/such/program"}).why, "No such file or directory");
  EXPECT_FALSE(run({}).done);
}

TEST(operator_command, that_still_runs_ends_with_us) {
  lobo::testing::TestLoop loop;
  bool called = false;
  {
    Commands commands(loop);
    commands.run({"sleep", "3600"}, 240h, [&](const CommandEnd&) { called = true; });
  }
  loop.run_until_idle();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace lobo::adapters::power
