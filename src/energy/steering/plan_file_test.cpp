#include "energy/steering/plan_file.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "energy/steering/plan_table.hpp"
#include "energy/steering/steering_test_support.hpp"

namespace lobo::energy::steering {
namespace {

TEST(steering_plan, is_read_and_written) {
  const std::string_view text =
      R"({"version":7,"validUntil":"2026-11-22T18:00:00Z","ttl":20,)"
      R"("releasedFrom":"2026-11-22T17:00:00Z","releaseSeconds":60,"defaultGroup":"east",)"
      R"("locations":[{"id":"SL1","standing":"serving","baseUrl":"https://sl1.example/m4/"},)"
      R"({"id":"SL2","standing":"unknown"},{"id":"SL3","standing":"closed"}],)"
      R"("groups":[{"id":"west","shares":{"SL1":0.75,"SL2":0.25},"before":{"SL3":1},)"
      R"("reserve":{"SL2":10}},{"id":"east","shares":{"SL1":1}}]})";
  const auto plan = read_plan(text);
  ASSERT_TRUE(plan) << plan.error().faults.front().where;
  EXPECT_EQ(plan->default_group().id, "east");
  EXPECT_EQ(plan->said().locations[0].base, (Base{"https", "sl1.example", 443, "/m4/"}));
  EXPECT_EQ(plan->group("west").shares, (std::vector<double>{0.75, 0.25, 0}));
  const auto again = read_plan(write_plan(*plan));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->said(), plan->said());
}

TEST(steering_plan, every_fault_is_told_with_its_place) {
  const auto plan = read_plan(
      R"({"version":-1,"validUntil":"soon","ttl":2,"releaseSeconds":1e9,"x":1,"defaultGroup":"none",)"
      R"("locations":[{"id":"S L"},{"id":"SL1"},{"id":"SL1","standing":"up","baseUrl":"ftp://x/"}],)"
      R"("groups":[{"id":"a.b","shares":{"SL9":1}},{"id":"g","shares":{"SL1":-1}},3]})");
  ASSERT_FALSE(plan);
  std::string places;
  for (const auto& fault : plan.error().faults) places += fault.where + ' ';
  for (const auto* wanted :
       {"/version ", "/validUntil ", "/ttl ", "/releaseSeconds ", "/x ", "/locations/0/id ",
        "/locations/2/id ", "/locations/2/standing ", "/locations/2/baseUrl ", "/groups/0/id ",
        "/groups/0/shares/SL9 ", "/groups/0/shares ", "/groups/1/shares/SL1 ", "/groups/2 "})
    EXPECT_NE(places.find(wanted), std::string::npos) << wanted << " in " << places;
}

TEST(steering_plan, without_locations_groups_or_shares_is_none) {
  static constexpr auto without_shares =
      R"({"version":1,"validUntil":"2026-11-22T18:00:00Z","locations":[{"id":"a"}],)"
      R"("groups":[{"id":"g","shares":{}}]})";
  for (const auto* text :
       {"", "[]", "{}", R"({"version":1,"validUntil":"2026-11-22T18:00:00Z"})",
        R"({"version":1,"validUntil":"2026-11-22T18:00:00Z","locations":[],"groups":[]})",
        without_shares})
    EXPECT_FALSE(read_plan(text)) << text;
}

TEST(steering_plan, warns_of_hosts_that_a_player_bans_together) {
  EXPECT_TRUE(plan_with(R"([{"id":"g","shares":{"SL1":1}}])").warnings().empty());
  const auto near = read_plan(
      R"({"version":1,"validUntil":"2026-11-22T18:00:00Z","locations":[)"
      R"({"id":"a","baseUrl":"http://cdn.example/"},{"id":"b","baseUrl":"http://b.cdn.example/"},)"
      R"({"id":"c","baseUrl":"http://cdn.example:81/"}],"groups":[{"id":"g","shares":{"a":1}}]})");
  ASSERT_TRUE(near);
  EXPECT_EQ(near->warnings().size(), 3U);  // b with a, b with c, a with c
}

}  // namespace
}  // namespace lobo::energy::steering
