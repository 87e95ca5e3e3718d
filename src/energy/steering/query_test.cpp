#include "energy/steering/query.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace lobo::energy::steering {
namespace {

TEST(steering_query, of_dash_lists_all_locations_with_their_throughput) {
  const auto said = parse_steering_query(
      "t=1.k.g.x&_DASH_pathway=%22SL1,SL2%22&_DASH_throughput=451754750,614888250");
  EXPECT_EQ(said.token, "1.k.g.x");
  EXPECT_TRUE(said.measured);
  EXPECT_EQ(said.heard, (std::vector<Heard>{{"SL1", 451'754'750}, {"SL2", 614'888'250}}));
}

TEST(steering_query, an_empty_throughput_says_that_nothing_came_from_there) {
  const auto said = parse_steering_query("_DASH_pathway=\"SL1,SL2\"&_DASH_throughput=,5140000");
  EXPECT_TRUE(said.measured);
  EXPECT_EQ(said.heard, (std::vector<Heard>{{"SL1", {}}, {"SL2", 5'140'000}}));
}

TEST(steering_query, of_hls_names_one) {
  const auto said = parse_steering_query("_HLS_pathway=SL1&_HLS_throughput=4511.75");
  EXPECT_EQ(said.heard, (std::vector<Heard>{{"SL1", 4511}}));
}

TEST(steering_query, a_first_request_says_nothing) {
  EXPECT_EQ(parse_steering_query(""), SteeringQuery{});
}

TEST(steering_query, lists_of_unequal_length_measure_nothing) {
  const auto said = parse_steering_query("_DASH_pathway=\"SL1,SL2\"&_DASH_throughput=5");
  EXPECT_FALSE(said.measured);
  EXPECT_EQ(said.heard.size(), 2U);
}

TEST(steering_query, our_own_parameters_are_read) {
  const auto said = parse_steering_query("g=west&s=abc%20d&p=SL1,SL2");
  EXPECT_EQ(said.group, "west");
  EXPECT_EQ(said.session, "abc d");
  EXPECT_EQ(said.manifest, (std::vector<std::string>{"SL1", "SL2"}));
}

TEST(steering_query, what_is_malformed_was_not_said) {
  const auto said = parse_steering_query(
      "t=%zz&g=no%20group&p=SL1,%00,a b,SL2&_DASH_pathway=\"SL1,<x>\"&&=&x&_DASH_throughput=1,2");
  EXPECT_EQ(said.token, "");
  EXPECT_EQ(said.group, "");
  EXPECT_EQ(said.heard, (std::vector<Heard>{{"SL1", 1}}));
}

TEST(steering_query, is_read_within_bounds) {
  std::string pathways = "_DASH_pathway=";
  for (int i = 0; i < 1000; ++i) pathways += "SL" + std::to_string(i) + ',';
  EXPECT_LE(parse_steering_query(pathways).heard.size(), pathways_max);
  std::string many;
  for (std::size_t i = 0; i < query_words_max; ++i) many += "x=1&";
  EXPECT_EQ(parse_steering_query(many + "g=west").group, "");
}

RC_GTEST_PROP(steering_query, any_text_is_read_as_something_bounded, (const std::string& text)) {
  const auto said = parse_steering_query(text);
  RC_ASSERT(said.heard.size() <= pathways_max);
  RC_ASSERT(said.manifest.size() <= pathways_max);
}

}  // namespace
}  // namespace lobo::energy::steering
