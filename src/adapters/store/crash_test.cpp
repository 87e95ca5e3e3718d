// kill -9 loses nothing that was acknowledged, and no unit is ever half there.

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "adapters/store/sqlite_store.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "support/temp_dir.hpp"
#include "support/test_loop.hpp"
#include "wire/resource/record.hpp"

namespace lobo::adapters::store {
namespace {

constexpr std::uint64_t in_flight = 48;

std::vector<runtime::StoreChange> unit(std::uint64_t n) {
  const std::string id = std::to_string(n);
  return {runtime::PutRecord{{{"unicast", id}, "vas1", "", 1, std::string(600, 'x')}},
          runtime::PutEffect{{n, {"unicast", id}, "call", "{}", false, 0}},
          runtime::PutTimer{{{"unicast", id}, "expiry", Instant{}}}, runtime::PutFact{"last", id}};
}

/// Commits for ever, and writes the number of each acknowledged unit into the pipe.
[[noreturn]] void commit_until_killed(const std::string& file, std::uint64_t next, int pipe) {
  testing::TestLoop loop;
  auto store = SqliteStore::open({.file = file}, loop);
  if (!store) ::_exit(3);
  std::function<void()> one = [&] {
    const std::uint64_t n = next++;
    (*store)->commit(unit(n), [&, n](const Result<void>& result) {
      if (!result || ::write(pipe, &n, sizeof n) != sizeof n) ::_exit(4);
      one();
    });
  };
  for (std::uint64_t i = 0; i < in_flight; ++i) one();
  loop.run_until([] { return false; });
  ::_exit(5);
}

/// Kills the child once it has acknowledged `acks` units; the number of the last acknowledged one.
std::uint64_t run_and_kill(const std::string& file, std::uint64_t next, std::uint64_t acks) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    commit_until_killed(file, next, ends[1]);
  }
  ::close(ends[1]);
  std::uint64_t last = next - 1;
  for (std::uint64_t seen = 0, n = 0; ::read(ends[0], &n, sizeof n) == sizeof n;) {
    EXPECT_EQ(n, last + 1) << "acknowledged out of order";
    last = n;
    // What was still in the pipe when it died had been acknowledged as well: read on to its end.
    if (++seen == acks) ::kill(child, SIGKILL);
  }
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "exit code " << WEXITSTATUS(status);
  return last;
}

TEST(sqlite_store_crash, killed_at_any_moment_it_keeps_each_acknowledged_unit_and_each_unit_whole) {
  const testing::TempDir folder;
  const std::string file = folder.file("lobo.db");
  SeededRng rng(20);
  std::uint64_t there = 0;
  for (int round = 0; round < 15; ++round) {
    SCOPED_TRACE(round);
    const std::uint64_t acked = run_and_kill(file, there + 1, 1 + rng.below(400));

    testing::TestLoop loop;
    auto store = SqliteStore::open({.file = file}, loop);
    ASSERT_TRUE(store) << store.error().detail;
    const std::uint64_t before = there;
    there = std::stoull((*store)->fact("last").value().value_or("0"));
    EXPECT_GE(there, acked);
    EXPECT_LE(there, acked + in_flight);
    EXPECT_EQ((*store)->count("unicast", "vas1").value(), there);
    EXPECT_EQ((*store)->effects(0, there + 9)->size(), there);
    EXPECT_EQ((*store)->timers(Instant{}, there + 9)->size(), there);
    for (std::uint64_t n = before + 1; n <= there + in_flight; ++n) {
      const bool whole = n <= there;
      const resource::Key key{"unicast", std::to_string(n)};
      EXPECT_EQ((*store)->find(key)->has_value(), whole) << n;
      EXPECT_EQ((*store)->effects_of(key)->size(), whole ? 1U : 0U) << n;
    }
  }
}

}  // namespace
}  // namespace lobo::adapters::store
