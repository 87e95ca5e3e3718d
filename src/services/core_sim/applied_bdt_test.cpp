// ApplyingBdtPolicy of the simulated network, through its front door.

#include <gtest/gtest.h>

#include <string>

#include "services/core_sim/config.hpp"
#include "services/core_sim/test_lab.hpp"

namespace lobo::core_sim {
namespace {

const std::string path = "/3gpp-applying-bdt-policy/v1/lobo/subscriptions";

CoreConfig config() {
  auto config = lab_config();
  config.bdt_references = {"night", "noon"};
  return config;
}
std::string body(const std::string& target, const std::string& reference) {
  return "{" + target + R"(,"bdtRefId":")" + reference + R"(","suppFeat":"0"})";
}
const std::string ue1 = R"("gpsi":"extid-ue1@lab.example")";

TEST(applied_bdt, lives_from_create_to_delete) {
  Lab lab(config());
  const auto made = lab.send("POST", path, body(ue1, "night"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(member(made.body, "/self"), made.headers.find("location"));
  const auto at = location_path(made);
  EXPECT_EQ(member(lab.send("GET", at).body, "/bdtRefId"), "night");
  EXPECT_EQ(member(lab.send("GET", path).body, "/0/gpsi"), "extid-ue1@lab.example");
  EXPECT_EQ(lab.send("GET", "/3gpp-applying-bdt-policy/v1/other/subscriptions").body, "[]");
  const auto changed =
      lab.send("PATCH", at, R"({"bdtRefId":"noon"})", "application/merge-patch+json");
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(member(changed.body, "/bdtRefId"), "noon");
  EXPECT_EQ(lab.send("DELETE", at).status, 204);
  EXPECT_EQ(lab.send("GET", at).status, 404);
  EXPECT_EQ(lab.core.counts().bdt_policies, 0U);
}

TEST(applied_bdt, is_refused_by_the_name_of_what_is_wrong) {
  Lab lab(config());
  const auto refused = [&](const std::string& text, int status, const std::string& where) {
    const auto answer = lab.send("POST", path, text);
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(member(answer.body, "/invalidParams/0/param"), where) << answer.body;
  };
  refused(body(ue1, "never"), 404, "/bdtRefId");
  refused(body(R"("gpsi":"extid-nobody@lab.example")", "night"), 404, "/gpsi");
  refused(body(R"("externalGroupId":"extgroupid-g@lab.example")", "night"), 400,
          "/externalGroupId");
  EXPECT_EQ(lab.send("POST", path, R"({"bdtRefId":"night","suppFeat":"0"})").status, 400)
      << "neither UE nor group";
  EXPECT_EQ(
      lab.send("POST", "/3gpp-applying-bdt-policy/v1/stranger/subscriptions", body(ue1, "night"))
          .status,
      403);
  EXPECT_EQ(lab.core.counts().bdt_policies, 0U);
}

}  // namespace
}  // namespace lobo::core_sim
