#include "sync/resolve.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_das.hpp"
#include "api/mm_pol.hpp"
#include "api/sync_types.hpp"
#include "base/rng.hpp"
#include "sync/level.hpp"
#include "sync/policy.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::sync {
namespace {

using api::mm_das::PolicyDecision;
using api::mm_das::ResolvedAsset;
using api::mm_das::SyncSessionReq;
using api::mm_das::TraceOrigin;
using api::sync_types::Direction;

SyncSessionReq session_of(std::string_view qos, std::string_view more = "") {
  const auto text =
      R"({"valServiceId":"xr","requesterId":"val","assets":[{"assetId":"urn:a:1",)"
      R"("serverEp":{"id":"https://val/1"},"clientEp":{"id":"ue"},"hostUe":{"valUeId":"ue-1"},"qos":)" +
      std::string(qos) + std::string(more) + "}]}";
  auto read = json::read<SyncSessionReq>(text);
  EXPECT_TRUE(read) << text;
  return read ? *read : SyncSessionReq{};
}

PolicyPtr policy(std::string id, std::string_view text, std::uint64_t version = 1) {
  auto said = json::read<api::mm_pol::SyncPolicyReq>(text);
  EXPECT_TRUE(said) << text;
  return std::make_shared<const Policy>(
      Policy{std::move(id), version, said ? *said : api::mm_pol::SyncPolicyReq{}});
}

ResolvedAsset only(const SyncSessionReq& session, const std::vector<PolicyPtr>& policies) {
  return resolve(session, policies).assets.at(0);
}

const api::mm_das::TraceEntry& traced(const ResolvedAsset& asset, std::string_view member) {
  static const api::mm_das::TraceEntry none;
  const auto found = std::ranges::find(asset.trace, member, &api::mm_das::TraceEntry::member);
  EXPECT_NE(found, asset.trace.end()) << member;
  return found == asset.trace.end() ? none : *found;
}

using Sources = std::vector<std::string>;

TEST(sync_resolve, a_request_without_policies_is_taken_as_it_is) {
  const auto out = only(session_of(R"({"mbrDl":"4 Mbps","pdbDl":20})", R"(,"components":7)"), {});
  EXPECT_EQ(out.decision, PolicyDecision::accept);
  EXPECT_EQ(out.qos->mbr_dl, "4 Mbps");
  EXPECT_EQ(out.components, 7);
  EXPECT_EQ(out.direction, Direction::bidi);
  EXPECT_EQ(traced(out, "/qos/mbrDl").origin, TraceOrigin::requested);
  EXPECT_EQ(traced(out, "/direction").origin, TraceOrigin::default_);
  EXPECT_EQ(out.ladder->size(), 1U);
}

TEST(sync_resolve, numbers_are_clamped_and_say_by_whom) {
  const auto out =
      only(session_of(R"({"mbrDl":"40 Mbps","pdbDl":1,"per":"1E-5","updateRateHz":90})"),
           {policy("p",
                   R"({"match":{},"qosCeil":{"mbrDl":"4000 Kbps","updateRateHz":60},)"
                   R"("qosFloor":{"pdbDl":10,"per":"1E-3"}})",
                   3)});
  EXPECT_EQ(out.decision, PolicyDecision::trim);
  EXPECT_EQ(out.qos->mbr_dl, "4000 Kbps");
  EXPECT_EQ(out.qos->pdb_dl, 10);
  EXPECT_EQ(out.qos->per, "1E-3");
  EXPECT_EQ(out.qos->update_rate_hz, 60);
  EXPECT_EQ(traced(out, "/qos/mbrDl").sources, (Sources{"p@3"}));
  EXPECT_EQ(traced(out, "/qos/mbrDl").origin, TraceOrigin::ceiling);
  EXPECT_EQ(traced(out, "/qos/pdbDl").origin, TraceOrigin::floor);
}

TEST(sync_resolve, what_is_absent_is_no_limit_and_a_guaranteed_rate_of_nothing) {
  const auto out = only(session_of("{}"),
                        {policy("p", R"({"match":{},"qosCeil":{"gbrUl":"1 Mbps","mbrUl":"2 Mbps"},)"
                                     R"("qosFloor":{"gbrDl":"64 Kbps","pdbUl":5}})")});
  EXPECT_FALSE(out.qos->gbr_ul);
  EXPECT_EQ(out.qos->mbr_ul, "2 Mbps");
  EXPECT_EQ(out.qos->gbr_dl, "64 Kbps");
  EXPECT_FALSE(out.qos->pdb_ul);
}

TEST(sync_resolve, urllc_has_two_paths_unless_somebody_says_otherwise) {
  const auto with = [](std::string_view hints, std::string_view more = "") {
    auto session = session_of("{}", more);
    session.lower_layer_hints = json::read<api::mm_das::LowerLayerHints>(hints).value();
    return session;
  };
  const std::string urllc = R"({"transType":"urllc"})";
  using enum api::sync_types::Redundancy;
  const auto usual = only(with(urllc), {});
  EXPECT_EQ(usual.redundancy, dual);
  EXPECT_EQ(usual.decision, PolicyDecision::accept);
  EXPECT_EQ(traced(usual, "/redundancy").origin, TraceOrigin::default_);
  EXPECT_EQ(only(with("{}"), {}).redundancy, none);
  EXPECT_EQ(only(session_of(R"({"per":"1E-6"})"), {}).redundancy, none) << "a rate is not a path";
  EXPECT_EQ(only(with(urllc, R"(,"redundancy":"NONE")"), {}).redundancy, none);
  const auto ruled = only(with(urllc), {policy("p", R"({"match":{},"redundancy":"NONE"})")});
  EXPECT_EQ(ruled.redundancy, none);
  EXPECT_EQ(traced(ruled, "/redundancy").sources, (Sources{"p@1"}));
}

TEST(sync_resolve, a_policy_that_refuses_instead_of_trimming_is_named) {
  const auto out =
      only(session_of(R"({"mbrDl":"40 Mbps"})"),
           {policy("p", R"({"match":{},"outOfRange":"REFUSE","qosCeil":{"mbrDl":"4 Mbps"}})")});
  EXPECT_EQ(out.decision, PolicyDecision::refuse);
  EXPECT_EQ(out.cause, cause_not_supportable);
  EXPECT_EQ(traced(out, "/cause").sources, (Sources{"p@1"}));
  EXPECT_FALSE(out.qos);
}

TEST(sync_resolve, where_floor_and_ceiling_of_two_cross_the_higher_priority_wins) {
  const auto low = policy("a", R"({"match":{},"priority":1,"qosFloor":{"pdbDl":50}})");
  const auto high = policy("b", R"({"match":{},"priority":2,"qosCeil":{"pdbDl":20}})");
  const auto out = only(session_of(R"({"pdbDl":30})"), {low, high});
  EXPECT_EQ(out.qos->pdb_dl, 20);
  EXPECT_EQ(traced(out, "/qos/pdbDl").sources, (Sources{"b@1"}));
}

TEST(sync_resolve, a_direction_without_a_permitted_component_goes) {
  const auto watch_only = policy("p", R"({"match":{},"permission":{"publish":0}})");
  const auto both = only(session_of("{}"), {watch_only});
  EXPECT_EQ(both.decision, PolicyDecision::trim);
  EXPECT_EQ(both.direction, Direction::sub);
  EXPECT_EQ(traced(both, "/direction").sources, (Sources{"p@1"}));
  const auto pub = only(session_of("{}", R"(,"direction":"PUB")"), {watch_only});
  EXPECT_EQ(pub.decision, PolicyDecision::refuse);
  EXPECT_EQ(pub.cause, cause_denied);
}

TEST(sync_resolve, one_denial_is_enough_whatever_its_priority) {
  const auto out = only(session_of("{}"), {policy("a", R"({"match":{},"priority":9})"),
                                           policy("b", R"({"match":{},"effect":"DENY"})")});
  EXPECT_EQ(out.decision, PolicyDecision::refuse);
  EXPECT_EQ(traced(out, "/cause").sources, (Sources{"b@1"}));
}

TEST(sync_resolve, the_ladder_is_the_policys_and_each_step_is_whole) {
  const auto out = only(
      session_of(R"({"updateRateHz":60,"mbrDl":"4 Mbps","alternatives":[{"updateRateHz":50}]})"),
      {policy("p", R"({"match":{},"ladder":[{"updateRateHz":30},{"components":3},)"
                   R"({"updateRateHz":30}]})")});
  ASSERT_EQ(out.ladder->size(), 3U);  // The last step is no step.
  EXPECT_EQ((*out.ladder)[1].update_rate_hz, 30);
  EXPECT_EQ((*out.ladder)[2].update_rate_hz, 30);
  EXPECT_EQ((*out.ladder)[2].mbr_dl, "4 Mbps");
  EXPECT_EQ((*out.ladder)[2].components, 3);
  EXPECT_FALSE(out.qos->alternatives);
  const auto own =
      only(session_of(R"({"updateRateHz":60,"alternatives":[{"updateRateHz":50}]})"), {});
  ASSERT_EQ(own.ladder->size(), 2U);
  EXPECT_EQ((*own.ladder)[1].update_rate_hz, 50);
}

TEST(sync_resolve, a_policy_counts_only_where_all_of_its_match_fits) {
  const auto session = session_of(R"({"mbrDl":"4 Mbps"})", R"(,"assetClass":"avatar")");
  const auto deny = [](std::string_view match) {
    return policy("p", R"({"effect":"DENY","match":)" + std::string(match) + "}");
  };
  const auto refused = [&](std::string_view match) {
    return only(session, {deny(match)}).decision == PolicyDecision::refuse;
  };
  EXPECT_TRUE(refused("{}"));
  EXPECT_TRUE(refused(
      R"({"assetIds":["urn:a:1"],"assetClass":"avatar","valServiceId":"xr","ueIds":["ue-1"]})"));
  EXPECT_FALSE(refused(R"({"assetIds":["urn:a:2"]})"));
  EXPECT_FALSE(refused(R"({"assetClass":"twin"})"));
  EXPECT_FALSE(refused(R"({"valServiceId":"other"})"));
  EXPECT_FALSE(refused(R"({"ueIds":["ue-2"]})"));
  EXPECT_FALSE(refused(R"({"serviceArea":"hall"})"));
}

TEST(sync_resolve, a_ue_keeps_its_most_important_assets_and_what_hangs_on_the_others_goes) {
  auto session = session_of("{}");
  const auto add = [&](std::string id, std::int64_t priority, std::vector<std::string> needs = {}) {
    auto asset = session.assets.front();
    asset.asset_id = std::move(id);
    asset.qos.priority = priority;
    if (!needs.empty()) asset.depends_on = std::move(needs);
    session.assets.push_back(std::move(asset));
  };
  add("urn:a:2", 5);
  add("urn:a:3", 7);
  add("urn:a:4", 6, {"urn:a:1"});
  const auto out = resolve(session, std::vector{policy("p", R"({"match":{},"maxAssetsPerUe":3})")});
  EXPECT_EQ(out.assets[0].cause, cause_too_many);
  EXPECT_EQ(out.assets[1].decision, PolicyDecision::accept);
  EXPECT_EQ(out.assets[2].decision, PolicyDecision::accept);
  EXPECT_EQ(out.assets[3].cause, cause_depends);
}

TEST(sync_resolve, its_version_changes_with_each_policy_that_counts_and_with_no_other) {
  const auto session = session_of("{}");
  const auto here = policy("p", R"({"match":{}})");
  const auto elsewhere = policy("q", R"({"match":{"valServiceId":"other"}})");
  const auto version = [&](std::vector<PolicyPtr> all) {
    return resolve(session, all).policy_version;
  };
  EXPECT_EQ(version({here}), version({here, elsewhere}));
  EXPECT_NE(version({here}), version({}));
  EXPECT_NE(version({here}), version({policy("p", R"({"match":{}})", 2)}));
}

// ---- properties -------------------------------------------------------------------------------

/// Any policy that check_policy() takes.
PolicyPtr any_policy(Rng& rng, const std::string& id) {
  const auto coin = [&] { return rng.below(2) == 0; };
  Policy out{id, 1 + rng.below(9), {}};
  auto& said = out.said;
  said.priority = static_cast<std::int64_t>(rng.below(3));
  const auto level = [&](std::uint64_t from) {
    SyncQosLevel made;
    const auto number = [&] { return static_cast<std::int64_t>(from + rng.below(50)); };
    if (coin()) made.mbr_dl = std::to_string(number()) + " Mbps";
    if (coin()) made.gbr_ul = std::to_string(number()) + " Kbps";
    if (coin()) made.pdb_dl = number();
    if (coin()) made.jitter_ul = number();
    if (coin()) made.update_rate_hz = static_cast<double>(number());
    if (coin()) made.max_state_bytes = number();
    return made;
  };
  if (coin()) said.qos_floor = level(1);
  if (coin()) said.qos_ceil = level(51);
  if (coin()) {
    said.permission.emplace();
    if (coin()) said.permission->publish = static_cast<std::int64_t>(rng.below(256)) | 1;
    if (coin()) said.permission->subscribe = static_cast<std::int64_t>(rng.below(256)) | 1;
  }
  if (coin()) said.redundancy = api::sync_types::Redundancy::dual;
  if (coin())
    said.thresholds =
        api::mm_pol::QualityThresholds{.latency_ms = 5, .jitter = {}, .loss_permille = {}};
  if (coin()) said.retention_sec = static_cast<std::int64_t>(rng.below(100));
  if (coin()) {
    SyncQosLevel step;
    step.components = static_cast<std::int64_t>(rng.below(256));
    said.ladder = std::vector{step};
  }
  return std::make_shared<const Policy>(std::move(out));
}

SyncSessionReq any_session(Rng& rng) {
  auto session = session_of("{}");
  auto& asset = session.assets.front();
  const auto coin = [&] { return rng.below(2) == 0; };
  if (coin()) asset.qos.mbr_dl = std::to_string(1 + rng.below(200)) + " Mbps";
  if (coin()) asset.qos.gbr_ul = std::to_string(1 + rng.below(200)) + " Kbps";
  if (coin()) asset.qos.pdb_dl = static_cast<std::int64_t>(1 + rng.below(200));
  if (coin()) asset.qos.jitter_ul = static_cast<std::int64_t>(rng.below(200));
  if (coin()) asset.qos.update_rate_hz = static_cast<double>(1 + rng.below(200));
  if (coin()) asset.components = static_cast<std::int64_t>(1 + rng.below(255));
  if (coin()) asset.direction = static_cast<Direction>(rng.below(3));
  return session;
}

struct Drawn {
  SyncSessionReq session;
  std::vector<PolicyPtr> policies;
};
Drawn drawn() {
  SeededRng rng{*rc::gen::arbitrary<std::uint64_t>()};
  Drawn out{any_session(rng), {}};
  const auto count = rng.below(5);
  for (std::uint64_t i = 0; i < count; ++i)
    out.policies.push_back(any_policy(rng, "p" + std::to_string(i)));
  return out;
}

/// The pointers of all members that a resolved asset has, leaves of qos one by one.
std::set<std::string> members_of(const ResolvedAsset& asset) {
  std::set<std::string> out;
  const auto value = json::parse(json::write(asset));
  for (const auto& [name, member] : *value->object()) {
    if (name == "assetId" || name == "hostUe" || name == "decision" || name == "trace") continue;
    if (name != "qos") {
      out.insert('/' + name);
      continue;
    }
    for (const auto& [inner, ignored] : *member.object()) out.insert("/qos/" + inner);
  }
  return out;
}

TEST(sync_resolve_property, each_member_of_the_result_says_where_it_comes_from_once) {
  EXPECT_TRUE(rc::check([] {
    const auto given = drawn();
    const auto out = only(given.session, given.policies);
    std::set<std::string> told;
    for (const auto& entry : out.trace) {
      RC_ASSERT(told.insert(entry.member).second);
      const bool by_policy =
          entry.origin != TraceOrigin::requested && entry.origin != TraceOrigin::default_;
      RC_ASSERT(by_policy != entry.sources.empty());
      for (const auto& source : entry.sources)
        RC_ASSERT(std::ranges::any_of(
            given.policies, [&](const PolicyPtr& one) { return one->source() == source; }));
    }
    RC_ASSERT(told == members_of(out));
  }));
}

TEST(sync_resolve_property, the_order_in_which_policies_come_is_immaterial) {
  EXPECT_TRUE(rc::check([] {
    auto given = drawn();
    const auto before = resolve(given.session, given.policies);
    std::ranges::reverse(given.policies);
    const auto after = resolve(given.session, given.policies);
    RC_ASSERT(before.assets == after.assets);
    RC_ASSERT(before.policy_version == after.policy_version);
  }));
}

TEST(sync_resolve_property, no_policy_adds_a_component_and_none_is_left_that_one_forbids) {
  EXPECT_TRUE(rc::check([] {
    const auto given = drawn();
    const auto out = only(given.session, given.policies);
    if (out.decision == PolicyDecision::refuse) return;
    const auto asked = given.session.assets.front().components.value_or(0xFFFFFFFF);
    RC_ASSERT((*out.components & asked) == *out.components);
    for (const auto& policy : given.policies) {
      if (!policy->said.permission) continue;
      if (out.direction != Direction::sub && policy->said.permission->publish)
        RC_ASSERT((*out.components & *policy->said.permission->publish) == *out.components);
      if (out.direction != Direction::pub && policy->said.permission->subscribe)
        RC_ASSERT((*out.components & *policy->said.permission->subscribe) == *out.components);
    }
    for (const auto& step : *out.ladder)
      if (step.components) RC_ASSERT((*step.components & *out.components) == *step.components);
  }));
}

TEST(sync_resolve_property, clamping_what_was_clamped_changes_nothing) {
  EXPECT_TRUE(rc::check([] {
    auto given = drawn();
    const auto once = only(given.session, given.policies);
    if (once.decision == PolicyDecision::refuse) return;
    auto& asset = given.session.assets.front();
    asset.qos = *once.qos;
    asset.direction = once.direction;
    asset.components = once.components;
    asset.redundancy = once.redundancy;
    const auto twice = only(given.session, given.policies);
    RC_ASSERT(twice.decision == PolicyDecision::accept);
    RC_ASSERT(twice.qos == once.qos);
    RC_ASSERT(twice.components == once.components);
    RC_ASSERT(twice.direction == once.direction);
  }));
}

TEST(sync_policy, one_that_contradicts_itself_is_refused_at_the_member) {
  const auto fault = [](std::string_view text) {
    const auto said = json::read<api::mm_pol::SyncPolicyReq>(text);
    EXPECT_TRUE(said) << text;
    const auto done = check_policy(*said);
    return done ? std::string("none") : done.error().faults.front().where;
  };
  EXPECT_EQ(fault(R"({"match":{},"qosFloor":{"pdbDl":9},"qosCeil":{"pdbDl":8}})"),
            "/qosFloor/pdbDl");
  EXPECT_EQ(fault(R"({"match":{},"qosFloor":{"mbrDl":"2 Mbps"},"qosCeil":{"mbrDl":"1999 Kbps"}})"),
            "/qosFloor/mbrDl");
  EXPECT_EQ(fault(R"({"match":{},"ladder":[{"updateRateHz":5},{"updateRateHz":6}]})"),
            "/ladder/1/updateRateHz");
  EXPECT_EQ(fault(R"({"match":{},"sealdd":{"bdwCtrlSets":["REALLOCATE_DL","NOT_REALLOCATE_DL"]}})"),
            "/sealdd/bdwCtrlSets");
  EXPECT_EQ(fault(R"({"match":{},"permission":{"publish":0,"subscribe":0}})"), "/permission");
  EXPECT_EQ(fault(R"({"match":{},"sched":[{"timeOfDayEnd":"25:00"}]})"), "/sched/0/timeOfDayEnd");
  EXPECT_EQ(fault(R"({"match":{},"qosFloor":{"pdbDl":8},"qosCeil":{"pdbDl":8}})"), "none");
}

}  // namespace
}  // namespace lobo::sync
