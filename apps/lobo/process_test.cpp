#include "process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <csignal>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

ChildProcess shell(const std::string& script) {
  auto child = ChildProcess::start({"/bin/sh", "-c", script}, "/dev/null");
  EXPECT_TRUE(child);
  return std::move(*child);
}

TEST(child_process, its_lines_are_read_one_by_one_and_its_end_is_told) {
  auto child = shell("echo one; echo two; exit 3");
  EXPECT_EQ(child.read_line(10s).value_or("nothing"), "one");
  EXPECT_EQ(child.read_line(10s).value_or("nothing"), "two");
  const auto end = child.read_line(10s);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::unavailable);
  const auto status = child.wait(10s);
  ASSERT_TRUE(status);
  EXPECT_EQ(WEXITSTATUS(*status), 3);
}

TEST(child_process, one_that_says_nothing_is_a_timeout_and_not_a_hang) {
  auto child = shell("kill -STOP $$");
  const auto line = child.read_line(20ms);
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, Errc::timeout);
  child.signal(SIGKILL);
}

TEST(child_process, one_that_was_killed_is_reaped_and_gone) {
  auto child = shell("echo ready; kill -STOP $$");
  EXPECT_EQ(child.read_line(10s).value_or("nothing"), "ready");
  const pid_t pid = child.pid();
  child.signal(SIGKILL);
  ASSERT_TRUE(child.wait(10s));
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(child_process, a_program_that_does_not_exist_ends_at_once) {
  auto child = ChildProcess::start({"/nonexistent/program"}, "/dev/null");
  ASSERT_TRUE(child);
  const auto status = child->wait(10s);
  ASSERT_TRUE(status);
  EXPECT_EQ(WEXITSTATUS(*status), 127);
}

}  // namespace
}  // namespace lobo::app
