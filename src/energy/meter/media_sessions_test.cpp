#include "energy/meter/media_sessions.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "energy/meter/access_log.hpp"

namespace lobo::energy::meter {
namespace {

using namespace std::chrono_literals;

NamedSession named(std::string id, Named by = Named::cmcd) { return {std::move(id), by}; }

TEST(media_sessions, a_line_names_its_session) {
  const std::string start = "1732300000.123 127.0.1.1 8080 200 765432 210 sl1.example ";
  const auto of = [&](const std::string& rest, std::string_view name = "session") {
    const auto entry = parse_log_line(start + rest);
    EXPECT_TRUE(entry) << rest;
    return entry ? session_of(*entry, name) : std::nullopt;
  };
  EXPECT_EQ(of("/m4/7.m4s?t=1&CMCD=bl%3D2100%2Csid%3D%22a%22"), named("a"));
  EXPECT_EQ(of(R"(/m4/7.m4s?session=b "sid=\x22a\x22")"), named("a"));
  EXPECT_EQ(of(R"(/m4/7.m4s?session=b&CMCD=sid%3D%22a%22 "-")"), named("a"));
  EXPECT_EQ(of(R"(/m4/7.m4s?session=b "-")"), named("b", Named::query));
  EXPECT_EQ(of(R"(/m4/7.m4s?session=b%20c "-")"), std::nullopt);
  EXPECT_EQ(of(R"(/m4/7.m4s?session=b "-")", ""), std::nullopt);
  EXPECT_EQ(of(R"(/m4/7.m4s "open)"), std::nullopt);
  EXPECT_EQ(of(R"(/m4/7.m4s "sid=\x2)"), std::nullopt);
  EXPECT_EQ(of("/m4/7.m4s"), std::nullopt);
  const auto refused = parse_log_line(
      "1732300000.123 127.0.1.1 8080 403 765432 210 sl1.example /m4/7.m4s?session=b");
  EXPECT_EQ(session_of(*refused, "session"), std::nullopt);
}

TEST(media_sessions, is_told_when_it_is_new_or_elsewhere_and_once_a_minute) {
  MediaSessions sessions;
  sessions.saw(named("a"), 0, 1s);
  sessions.saw(named("b", Named::query), 1, 1s);
  auto told = sessions.take(2, 2s);
  EXPECT_EQ(told[0], (SessionsTold{{"a"}, {}}));
  EXPECT_EQ(told[1], (SessionsTold{{}, {"b"}}));
  sessions.saw(named("a"), 0, 3s);
  EXPECT_EQ(sessions.take(2, 4s), std::vector<SessionsTold>(2));
  sessions.saw(named("a"), 1, 5s);
  EXPECT_EQ(sessions.take(2, 6s)[1], (SessionsTold{{"a"}, {}}));
  sessions.saw(named("a"), 1, 60s);
  EXPECT_EQ(sessions.take(2, 67s)[1], (SessionsTold{{"a"}, {}}));
  EXPECT_EQ(sessions.size(), 1U) << "b has ended";
}

TEST(media_sessions, has_a_bound_in_a_report_and_in_all_and_each_has_its_turn) {
  MediaSessions sessions;
  for (std::size_t i = 0; i < media_sessions_max + 10; ++i)
    sessions.saw(named(std::to_string(i)), 0, 1s);
  EXPECT_EQ(sessions.passed_over(), 10U);
  std::set<std::string> all;
  for (std::size_t round = 0; round < media_sessions_max / media_sessions_told_max; ++round) {
    const auto told = sessions.take(1, 2s)[0].by_cmcd;
    EXPECT_EQ(told.size(), media_sessions_told_max);
    all.insert(told.begin(), told.end());
  }
  EXPECT_EQ(all.size(), media_sessions_max);
  EXPECT_TRUE(sessions.take(1, 2s)[0].by_cmcd.empty());
}

}  // namespace
}  // namespace lobo::energy::meter
