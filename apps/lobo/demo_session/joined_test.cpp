#include "demo_session/joined.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

const JoinedUe::Time begin{};

std::string state(int sequence, int component = 0, std::string_view age = "null") {
  return fmt::format(
      R"({{"event":"state","asset":"urn:a","component":{},"seq":{},"bytes":19,"ageUs":{}}})",
      component, sequence, age);
}

TEST(joined_ue, states_of_the_root_count_and_the_longest_silence_is_kept) {
  JoinedUe ue;
  ue.hear(state(1), begin);
  ue.hear(state(1, 1), begin + 5ms);
  ue.hear(state(2), begin + 16ms);
  ue.hear(state(3), begin + 116ms);
  ASSERT_NE(ue.of("urn:a"), nullptr);
  EXPECT_EQ(ue.of("urn:a")->states, 3U);
  EXPECT_EQ(ue.of("urn:a")->silence, 100ms);
  EXPECT_EQ(ue.of("urn:a")->steps_back, 0U);
  ue.silence_from();
  ue.hear(state(4), begin + 126ms);
  EXPECT_EQ(ue.of("urn:a")->silence, 10ms);
  EXPECT_EQ(ue.of("urn:b"), nullptr);
}

TEST(joined_ue, a_number_that_comes_twice_or_goes_back_is_counted) {
  JoinedUe ue;
  for (const int sequence : {5, 6, 6, 4, 7}) ue.hear(state(sequence), begin);
  EXPECT_EQ(ue.of("urn:a")->steps_back, 2U);
}

TEST(joined_ue, a_second_counts_alike_whether_it_has_many_states_or_few) {
  JoinedUe ue;
  int sequence = 0;
  const auto second = [&](int number, int states, std::string_view age) {
    for (int i = 0; i < states; ++i)
      ue.hear(state(++sequence, 0, age), begin + std::chrono::seconds(number) + i * 10ms);
  };
  EXPECT_FALSE(ue.typical(begin, begin + 9s).has_value());
  second(0, 60, "2000");
  second(1, 15, "200000");
  second(2, 15, "250000");
  ue.hear(state(++sequence, 1, "9"), begin + 2s);
  ue.hear(state(++sequence), begin + 2s);  // without an age
  const auto all = ue.typical(begin, begin + 3s);
  ASSERT_TRUE(all.has_value());
  EXPECT_DOUBLE_EQ(all->delay_p50_ms, 200);
  EXPECT_DOUBLE_EQ(all->delay_p99_ms, 250);
  EXPECT_NEAR(all->states_a_second, 89 / 2.14, 1e-6);
  EXPECT_DOUBLE_EQ(ue.typical(begin, begin + 1s)->delay_p50_ms, 2);
  EXPECT_FALSE(ue.typical(begin + 3s, begin + 9s).has_value());
}

TEST(joined_ue, the_last_tier_holds_and_other_lines_are_passed_over) {
  JoinedUe ue;
  for (const auto* line : {"ready: ue1", "", "{", R"({"event":7})", R"([1])", R"({"event":"up"})",
                           R"({"event":"tier","tier":1,"rateHz":15})"})
    ue.hear(line, begin);
  EXPECT_EQ(ue.count("up"), 1U);
  EXPECT_EQ(ue.tier(), 1U);
  ue.hear(R"({"event":"tier","tier":0})", begin);
  EXPECT_EQ(ue.tier(), 0U);
}

}  // namespace
}  // namespace lobo::app
