// What nobody should send: each is refused by name and place, and costs nothing.

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.hpp"
#include "metaverse/operations.hpp"
#include "metaverse/world.hpp"
#include "services/metaverse/ports.hpp"

namespace lobo::app::testing {
namespace {

TEST(mm_bad_input, each_body_that_is_cut_off_or_altered_is_answered_and_never_with_500) {
  SeededRng rng{42};
  for (const auto& operation : mm_operations()) {
    if (operation.body.empty()) continue;
    MmWorld w;
    const auto at = operation.path(w);
    for (std::size_t cut = 0; cut < operation.body.size(); cut += 23)
      EXPECT_EQ(
          w.ask(operation.method, at, operation.body.substr(0, cut) + "\x01", {}, operation.who)
              .status,
          400)
          << operation.id << ' ' << cut;
    for (int i = 0; i < 60; ++i) {
      auto body = operation.body;
      for (int flips = 0; flips < 3; ++flips)
        body[rng.below(body.size())] = static_cast<char>(0x20 + rng.below(0x5F));
      const auto status = w.ask(operation.method, at, body, {}, operation.who).status;
      EXPECT_TRUE(status < 500) << operation.id << ' ' << status << ' ' << body;
    }
  }
}

TEST(mm_bad_input, a_fault_is_named_by_its_pointer) {
  MmWorld w;
  const auto says = [&](std::string_view assets, std::string_view pointer) {
    const auto answer = w.ask("POST", "/mm-das/v1/sessions", MmWorld::session_text(assets));
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_NE(answer.body.find('"' + std::string(pointer) + '"'), std::string::npos) << answer.body;
  };
  says("", "/assets");
  says(MmWorld::asset("1", "ue", R"({"pdbDl":0})"), "/assets/0/qos/pdbDl");
  says(MmWorld::asset("1", "ue", R"({"mbrDl":"fast"})"), "/assets/0/qos/mbrDl");
  says(MmWorld::asset("1", "ue", "{}", R"(,"direction":"UP")"), "/assets/0/direction");
  says(MmWorld::asset("1", "ue") + ',' + MmWorld::asset("1", "ue"), "/assets/1");
}

TEST(mm_bad_input, more_assets_than_a_session_may_have_are_refused) {
  MmWorld w;
  std::string assets;
  for (int i = 0; i <= 256; ++i)
    assets += (i == 0 ? "" : ",") + MmWorld::asset(std::to_string(i), "ue");
  const auto answer = w.ask("POST", "/mm-das/v1/sessions", MmWorld::session_text(assets));
  EXPECT_EQ(answer.status, 400);
  EXPECT_TRUE(w.sealdd.seen.empty());
}

TEST(mm_bad_input, a_policy_that_contradicts_itself_is_refused_and_none_is_kept) {
  MmWorld w;
  const auto answer = w.ask("POST", "/mm-pol/v1/policies",
                            R"({"match":{},"qosFloor":{"pdbDl":9},"qosCeil":{"pdbDl":8}})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("/qosFloor/pdbDl"), std::string::npos);
  EXPECT_TRUE(w.durable().records.empty());
}

TEST(mm_bad_input, nobody_is_notified_where_the_operator_forbids_it) {
  MmWorld w;
  const auto answer = w.ask("POST", "/mm-das/v1/subscriptions",
                            R"({"notifUri":"http://10.0.0.1/s","events":["FLOW_STATE"]})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("/notifUri"), std::string::npos);
}

TEST(mm_bad_input, no_subscription_beyond_its_quota) {
  MmWorld w;
  int made = 0;
  for (std::size_t i = 0; i <= metaverse::subscriptions_per_owner_max; ++i)
    if (w.ask("POST", "/mm-das/v1/subscriptions",
              R"({"notifUri":"http://val.example/s","events":["FLOW_STATE"]})")
            .status == 201)
      ++made;
  EXPECT_EQ(made, static_cast<int>(metaverse::subscriptions_per_owner_max));
}

}  // namespace
}  // namespace lobo::app::testing
