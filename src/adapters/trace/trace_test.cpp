#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/trace/trace_file.hpp"
#include "adapters/trace/trace_view.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "support/temp_dir.hpp"
#include "wire/json/value.hpp"

namespace lobo::adapters::trace {
namespace {

runtime::TraceMessage message(int at, std::string from, std::string to, std::string span,
                              std::string text, bool request) {
  return {.at = Instant{Instant::duration{1'800'000'000'000'000 + at}},
          .from = std::move(from),
          .to = std::move(to),
          .span = std::move(span),
          .trace = "t",
          .text = std::move(text),
          .clause = "14.3.3",
          .request = request,
          .body = "{}"};
}

std::unique_ptr<TraceFile> party(const testing::TempDir& folder, std::string name,
                                 std::string run) {
  auto opened = TraceFile::open({folder.path().string(), std::move(name), std::move(run)});
  EXPECT_TRUE(opened);
  return std::move(*opened);
}

TEST(trace, what_both_ends_saw_is_one_message_and_the_order_is_that_of_time) {
  const testing::TempDir folder;
  const auto lobo = party(folder, "lobo", "run1");
  const auto nef = party(folder, "nef", "run1");
  lobo->message(message(0, "127.0.0.1", "lobo", "s1", "POST /a", true));
  lobo->message(message(10, "lobo", "nef", "s2", "POST /b", true));
  nef->message(message(15, "127.0.0.60", "nef", "s2", "POST /b", true));
  nef->message(message(20, "nef", "127.0.0.60", "s2", "201", false));
  lobo->message(message(25, "nef", "lobo", "s2", "201", false));
  lobo->message(message(30, "lobo", "127.0.0.1", "s1", "201", false));

  const auto run = read_last_run(folder.path().string());
  ASSERT_TRUE(run) << run.error().detail;
  ASSERT_EQ(run->messages.size(), 4U);
  EXPECT_EQ(run->messages[1].from, "lobo");
  EXPECT_EQ(run->messages[1].to, "nef");
  EXPECT_EQ(run->messages[1].seen_by, (std::vector<std::string>{"lobo", "nef"}));
  EXPECT_EQ(run->messages[2].from, "nef");
  EXPECT_EQ(run->messages[2].to, "lobo");
  EXPECT_EQ(run->messages[2].took, std::chrono::microseconds{10});
  EXPECT_EQ(run->messages[3].took, std::chrono::microseconds{30});
  EXPECT_EQ(to_mermaid(*run),
            "sequenceDiagram\n"
            "  participant p0 as 127.0.0.1\n"
            "  participant p1 as lobo\n"
            "  participant p2 as nef\n"
            "  p0->>p1: POST /a (14.3.3)\n"
            "  p1->>p2: POST /b (14.3.3)\n"
            "  p2-->>p1: 201 (14.3.3)\n"
            "  p1-->>p0: 201 (14.3.3)\n");
}

TEST(trace, only_the_run_that_began_last_is_shown) {
  const testing::TempDir folder;
  party(folder, "lobo", "zz_old")->message(message(0, "a", "b", "s1", "old", true));
  party(folder, "lobo", "aa_new")->message(message(50, "a", "b", "s1", "new", true));
  const auto run = read_last_run(folder.path().string());
  ASSERT_TRUE(run);
  EXPECT_EQ(run->id, "aa_new");
  ASSERT_EQ(run->messages.size(), 1U);
  EXPECT_EQ(run->messages[0].text, "new");
}

TEST(trace, without_a_name_a_run_is_what_was_alive_together) {
  const testing::TempDir folder;
  const auto texts = [&] {
    std::vector<std::string> out;
    const auto run = read_last_run(folder.path().string());
    if (run)
      for (const auto& one : run->messages) out.push_back(one.text);
    return out;
  };
  const auto say = [&](TraceFile& who, int at, const std::string& text) {
    who.message(message(at, "a", "b", "s" + std::to_string(at), text, true));
  };
  {
    const auto old_lobo = party(folder, "lobo", "");
    const auto old_nef = party(folder, "nef", "");
    say(*old_lobo, 0, "old");
    say(*old_nef, 1, "old");
    say(*old_lobo, 2, "old");
  }
  EXPECT_EQ(texts(), std::vector<std::string>(3, "old"));
  // Everything was started again: a run of its own, though every party has its old name.
  const auto nef = party(folder, "nef", "");
  say(*nef, 100, "n1");
  const auto killed = party(folder, "lobo", "");
  say(*killed, 101, "l1");
  say(*nef, 102, "n2");
  EXPECT_EQ(texts(), (std::vector<std::string>{"n1", "l1", "n2"}));
  // One was killed and started again while the other went on: the same run.
  const auto again = party(folder, "lobo", "");
  say(*again, 200, "l2");
  say(*nef, 201, "n3");
  EXPECT_EQ(texts(), (std::vector<std::string>{"n1", "l1", "n2", "l2", "n3"}));
}

TEST(trace, a_retry_within_a_span_is_a_message_of_its_own) {
  const testing::TempDir folder;
  const auto lobo = party(folder, "lobo", "r");
  const auto nef = party(folder, "nef", "r");
  for (const int at : {0, 10}) {
    lobo->message(message(at, "lobo", "nef", "s", "PUT /a", true));
    nef->message(message(at + 1, "lobo", "nef", "s", "PUT /a", true));
  }
  EXPECT_EQ(read_last_run(folder.path().string())->messages.size(), 2U);
}

TEST(trace, no_text_of_a_peer_breaks_the_file_the_diagram_or_the_json) {
  const testing::TempDir folder;
  const auto lobo = party(folder, "lobo", "r");
  auto odd = message(0, "a\"b", "c;d", "s", "GET /x;end#<b>\n\xFF\"", true);
  odd.body = std::string("\x00\xFF\n\"{", 5);
  lobo->message(odd);
  const auto run = read_last_run(folder.path().string());
  ASSERT_TRUE(run);
  ASSERT_EQ(run->messages.size(), 1U);
  EXPECT_EQ(run->lines_unreadable, 0U);
  EXPECT_TRUE(json::parse(to_json(*run)));
  EXPECT_NE(to_mermaid(*run).find("p0->>p1: GET /x#59;end#35;#60;b#62; "), std::string::npos);
}

TEST(trace, a_line_cut_by_a_kill_is_counted_and_skipped) {
  const testing::TempDir folder;
  party(folder, "lobo", "r")->message(message(0, "a", "b", "s", "GET /", true));
  std::ofstream(folder.file("nef-1.ndjson")) << "{\"v\":1,\"run\":\"r\",\"at_us\":18";
  const auto run = read_last_run(folder.path().string());
  ASSERT_TRUE(run);
  EXPECT_EQ(run->messages.size(), 1U);
  EXPECT_EQ(run->lines_unreadable, 1U);
}

TEST(trace, the_files_of_a_process_stay_within_their_bound) {
  const testing::TempDir folder;
  const auto lobo = party(folder, "lobo", "r");
  auto large = message(0, "a", "b", "s", "GET /", true);
  large.body = std::string(100'000, 'x');
  for (int i = 0; i < 10'000; ++i) lobo->message(large);  // 43 MB after bodies are cut
  std::uintmax_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.path()))
    bytes += file.file_size();
  EXPECT_LE(bytes, 2 * trace_file_bytes_max);
  EXPECT_GE(bytes, trace_file_bytes_max);
  EXPECT_TRUE(read_last_run(folder.path().string()));
}

TEST(trace, an_empty_or_missing_folder_is_a_clear_error) {
  const testing::TempDir folder;
  EXPECT_EQ(read_last_run(folder.path().string()).error().code, Errc::not_found);
  EXPECT_EQ(read_last_run(folder.file("none")).error().code, Errc::not_found);
  EXPECT_EQ(TraceFile::open({"/sys/trace", "lobo", "r"}).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace lobo::adapters::trace
