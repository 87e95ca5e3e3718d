// The group management server of the simulated network, through its front door.

#include <gtest/gtest.h>

#include <string>

#include "services/core_sim/config.hpp"
#include "services/core_sim/test_lab.hpp"

namespace lobo::core_sim {
namespace {

const std::string documents = "/ss-gm/v1/group-documents";
const std::string control = "/netsim-control/v1/groups";

CoreConfig config() {
  auto config = lab_config();
  config.groups = {{.id = "crew", .val_ues = {"ue1"}, .val_users = {"ann"}},
                   {.id = "nobody", .val_ues = {}, .val_users = {}}};
  return config;
}

TEST(groups, are_told_by_their_identity) {
  Lab lab(config());
  const auto crew = lab.send("GET", documents + "?val-group-id=crew");
  EXPECT_EQ(crew.status, 200);
  EXPECT_EQ(member(crew.body, "/0/valGroupId"), "crew");
  EXPECT_EQ(member(crew.body, "/0/members/0/valUeId"), "ue1");
  EXPECT_EQ(member(crew.body, "/0/members/1/valUserId"), "ann");
  EXPECT_EQ(lab.send("GET", documents + "?val-group-id=nobody").body,
            R"([{"valGroupId":"nobody"}])");
  EXPECT_EQ(lab.send("GET", documents + "?val-group-id=ghosts").body, "[]");
  EXPECT_EQ(member(lab.send("GET", documents).body, "/1/valGroupId"), "nobody");
}

TEST(groups, change_by_a_persons_hand) {
  Lab lab(config());
  EXPECT_EQ(lab.send("POST", control + "/crew/add", R"({"valUeId":"ue2"})").status, 200);
  EXPECT_EQ(lab.send("POST", control + "/crew/remove", R"({"valUserId":"ann"})").status, 200);
  EXPECT_EQ(lab.send("GET", documents + "?val-group-id=crew").body,
            R"([{"valGroupId":"crew","members":[{"valUeId":"ue1"},{"valUeId":"ue2"}]}])");
  EXPECT_EQ(lab.send("POST", control + "/new/add", R"({"valUeId":"ue9"})").status, 200);
  EXPECT_EQ(member(lab.send("GET", control).body, "/groups/1/valUeIds/0"), "ue9");
  EXPECT_EQ(lab.send("POST", control + "/crew/remove", R"({"valUeId":"ue7"})").status, 404);
  EXPECT_EQ(lab.send("POST", control + "/ghosts/remove", R"({"valUeId":"ue1"})").status, 404);
  EXPECT_EQ(lab.send("POST", control + "/crew/add", R"({})").status, 400);
}

TEST(groups, and_their_members_are_bounded) {
  auto small = config();
  small.limits.groups_max = 2;
  small.limits.group_members_max = 2;
  Lab lab(small);
  EXPECT_EQ(lab.send("POST", control + "/third/add", R"({"valUeId":"a"})").status, 429);
  EXPECT_EQ(lab.send("POST", control + "/crew/add", R"({"valUeId":"a"})").status, 200);
  EXPECT_EQ(lab.send("POST", control + "/crew/add", R"({"valUeId":"b"})").status, 429);
}

}  // namespace
}  // namespace lobo::core_sim
