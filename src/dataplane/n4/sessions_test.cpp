// Sessions: established, modified, deleted, and refused.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/claims.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/n4/tunnel_pool.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/rules/packet_facts.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/session.hpp"
#include "model/address.hpp"
#include "support/n4_control_plane.hpp"
#include "support/n4_scene.hpp"
#include "wire/packet/flow.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

using pfcp::Cause;
using pfcp::IeType;
using test::ControlPlane;
using test::N4Rules;
using test::N4Scene;
using test::two_ways;

struct Pair : N4Scene {
  ControlPlane smf;
  explicit Pair(N4Config config = test::n4_config()) : N4Scene(std::move(config)) {
    associate(smf);
  }
  std::optional<test::Came<pfcp::SessionEstablishmentResponse>> try_to_establish(
      const N4Rules& rules, std::uint64_t seid = 9) {
    return ask<pfcp::SessionEstablishmentResponse>(smf, smf.establishment(rules, seid));
  }
};

TEST(n4_session, is_established_with_a_tunnel_that_we_chose) {
  Pair pair;
  const auto came = pair.try_to_establish(two_ways(1), 0xABCDEF);
  ASSERT_TRUE(came);
  const auto& told = came->message;
  EXPECT_EQ(told.cause, Cause::request_accepted);
  EXPECT_EQ(came->envelope.seid, 0xABCDEFU);
  ASSERT_TRUE(told.up_f_seid);
  EXPECT_NE(told.up_f_seid->seid, 0U);
  EXPECT_EQ(told.up_f_seid->v4, test::n4_config().n4_v4);
  ASSERT_EQ(told.created_pdrs.size(), 1U);
  const pfcp::CreatedPdr created = *told.created_pdrs.begin();
  EXPECT_EQ(created.id, pfcp::PdrId{1});
  ASSERT_TRUE(created.local_f_teid);
  EXPECT_EQ(created.local_f_teid->v4, test::n4_config().n3_v4);
  // And packets find it both ways.
  EXPECT_EQ(pair.pdr_to(1), 2);
  PacketFacts up{.from = pfcp::Interface::access, .teid = created.local_f_teid->teid};
  up.flow =
      packet::flow_between(test::ue_v4(1), 40000, *model::Ipv4Address::parse("203.0.113.9"), 5004);
  const auto found = pair.published->classify(up);
  ASSERT_NE(found.rule, nullptr);
  EXPECT_EQ(found.rule->id, pfcp::PdrId{1});
  EXPECT_EQ(found.session->seid(), told.up_f_seid->seid);
}

TEST(n4_session, the_priority_of_a_request_is_that_of_its_response) {
  Pair pair;
  const auto bytes =
      ControlPlane::bytes({.sequence_number = 99, .priority = std::uint8_t{3}},
                          two_ways(1).establishment(pair.smf.node(), pair.smf.f_seid(1)));
  const auto came = pair.ask<pfcp::SessionEstablishmentResponse>(pair.smf, bytes);
  ASSERT_TRUE(came);
  EXPECT_EQ(came->envelope.priority, std::uint8_t{3});
}

TEST(n4_session, rules_are_handed_out_once_for_all_that_changed_together) {
  Pair pair;
  (void)pair.agent.take_rules();
  for (std::uint32_t ue = 1; ue <= 10; ++ue) (void)pair.establish(pair.smf, two_ways(ue), ue);
  const auto rules = pair.agent.take_rules();
  ASSERT_TRUE(rules);
  EXPECT_EQ(rules->sessions(), 10U);
  EXPECT_FALSE(pair.agent.take_rules());
  // A request that changes nothing makes none.
  (void)pair.modify(pair.smf, {}, 1);
  EXPECT_FALSE(pair.agent.take_rules());
}

TEST(n4_session, is_modified_and_answered_under_the_seid_of_its_control_plane) {
  Pair pair;
  const auto seid = pair.establish(pair.smf, two_ways(1), 9);
  N4Rules change;
  change.update_fars = {{.id = {2}, .apply_action = pfcp::ApplyAction{pfcp::Action::drop}}};
  change.moved_to = pair.smf.f_seid(10);
  const auto came = pair.modify(pair.smf, change, seid);
  ASSERT_TRUE(came);
  EXPECT_EQ(came->message.cause, Cause::request_accepted);
  EXPECT_EQ(came->envelope.seid, 10U);
  const Session* session = pair.agent.session(seid);
  ASSERT_NE(session, nullptr);
  EXPECT_TRUE(session->fars.at({2}).action.has(pfcp::Action::drop));
  EXPECT_EQ(session->control.seid, 10U);
}

TEST(n4_session, is_deleted_with_its_tunnels_and_then_not_found) {
  Pair pair;
  const auto seid = pair.establish(pair.smf, two_ways(1), 9);
  EXPECT_EQ(pair.agent.own_tunnels(), 1U);
  const auto gone = pair.remove(pair.smf, seid);
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->message.cause, Cause::request_accepted);
  EXPECT_EQ(gone->envelope.seid, 9U);
  EXPECT_EQ(pair.agent.own_tunnels(), 0U);
  EXPECT_EQ(pair.pdr_to(1), 0);
  const auto again = pair.remove(pair.smf, seid);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->message.cause, Cause::session_context_not_found);
  EXPECT_EQ(again->envelope.seid, 0U);
  const auto modified = pair.modify(pair.smf, {}, seid);
  ASSERT_TRUE(modified);
  EXPECT_EQ(modified->message.cause, Cause::session_context_not_found);
}

TEST(n4_session, is_not_there_for_another_control_plane) {
  Pair pair;
  const auto seid = pair.establish(pair.smf, two_ways(1), 9);
  ControlPlane other("192.0.2.2");
  pair.associate(other);
  const auto refused = pair.remove(other, seid);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::session_context_not_found);
  EXPECT_EQ(pair.agent.sessions(), 1U);
}

TEST(n4_session, may_be_spoken_of_from_where_its_control_plane_is) {
  Pair pair;
  const auto rules = two_ways(1);
  const auto request = rules.establishment(
      pair.smf.node(), {.seid = 9, .v4 = model::Ipv4Address::parse("192.0.2.9")});
  const auto came =
      pair.ask<pfcp::SessionEstablishmentResponse>(pair.smf, pair.smf.request(request));
  ASSERT_TRUE(came);
  ControlPlane there("192.0.2.9");
  const auto gone = pair.remove(there, came->message.up_f_seid->seid);
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->message.cause, Cause::request_accepted);
}

TEST(n4_session, that_cannot_be_read_is_refused_with_cause_and_offending_ie) {
  Pair pair;
  auto rules = two_ways(1);
  rules.fars[0].forwarding_parameters.reset();
  const auto refused = pair.try_to_establish(rules, 42);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::conditional_ie_missing);
  EXPECT_EQ(refused->envelope.seid, 42U);
  EXPECT_EQ(refused->message.offending_ie,
            pfcp::OffendingIe{static_cast<std::uint16_t>(IeType::forwarding_parameters)});
  const auto notes = pair.agent.take_notes();
  ASSERT_FALSE(notes.empty());
  EXPECT_EQ(notes.back().what, Happening::refused);
  EXPECT_EQ(notes.back().refusal->cause, Cause::conditional_ie_missing);
}

TEST(n4_session, a_rule_that_leads_nowhere_is_told_by_its_number) {
  Pair pair;
  auto rules = two_ways(1);
  rules.pdrs[1].far = pfcp::FarId{7};
  const auto refused = pair.try_to_establish(rules);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::rule_creation_modification_failure);
  EXPECT_EQ(refused->message.failed_rule, (pfcp::FailedRuleId{pfcp::RuleKind::pdr, 2}));
  EXPECT_EQ(pair.agent.own_tunnels(), 0U);
  EXPECT_EQ(pair.agent.sessions(), 0U);
}

TEST(n4_session, the_address_of_another_session_is_refused_and_not_shadowed) {
  Pair pair;
  (void)pair.establish(pair.smf, two_ways(1), 1);
  auto rules = two_ways(2);
  rules.pdrs[1] = test::downlink_pdr(2, 2, 1);
  const auto refused = pair.try_to_establish(rules, 2);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::rule_creation_modification_failure);
  EXPECT_EQ(refused->message.failed_rule, (pfcp::FailedRuleId{pfcp::RuleKind::pdr, 2}));
  EXPECT_EQ(refused->message.offending_ie,
            pfcp::OffendingIe{static_cast<std::uint16_t>(IeType::ue_ip_address)});
  EXPECT_EQ(pair.agent.own_tunnels(), 1U);
  // In a modification as well; and what a session had before it may keep.
  const auto second = pair.establish(pair.smf, two_ways(2), 2);
  N4Rules change;
  change.update_pdrs = {{.id = {2}, .pdi = test::downlink_pdr(2, 2, 1).pdi}};
  const auto modified = pair.modify(pair.smf, change, second);
  ASSERT_TRUE(modified);
  EXPECT_EQ(modified->message.cause, Cause::rule_creation_modification_failure);
  change.update_pdrs = {{.id = {2}, .pdi = test::downlink_pdr(2, 2, 2).pdi}};
  const auto same = pair.modify(pair.smf, change, second);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->message.cause, Cause::request_accepted);
  EXPECT_EQ(pair.pdr_to(1), 2);
  EXPECT_EQ(pair.published->conflicts(), 0U);
}

TEST(n4_session, an_address_is_free_again_when_its_session_lets_go) {
  Pair pair;
  const auto first = pair.establish(pair.smf, two_ways(1), 1);
  N4Rules change;
  change.update_pdrs = {{.id = {2}, .pdi = test::downlink_pdr(2, 2, 5).pdi}};
  ASSERT_EQ(pair.modify(pair.smf, change, first)->message.cause, Cause::request_accepted);
  (void)pair.establish(pair.smf, two_ways(1), 2);
  ASSERT_TRUE(pair.remove(pair.smf, first));
  (void)pair.establish(pair.smf, two_ways(5), 3);
  EXPECT_EQ(pair.agent.sessions(), 2U);
}

TEST(n4_session, the_tunnel_of_another_session_is_refused) {
  Pair pair;
  auto rules = two_ways(1);
  rules.pdrs[0].pdi.local_f_teid = pfcp::FTeid{.teid = 5, .v4 = test::n4_config().n3_v4};
  (void)pair.establish(pair.smf, rules, 1);
  auto second = two_ways(2);
  second.pdrs[0].pdi.local_f_teid = rules.pdrs[0].pdi.local_f_teid;
  const auto refused = pair.try_to_establish(second, 2);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::rule_creation_modification_failure);
  EXPECT_EQ(refused->message.offending_ie,
            pfcp::OffendingIe{static_cast<std::uint16_t>(IeType::f_teid)});
}

TEST(n4_session, a_tunnel_over_an_address_that_we_do_not_have_is_refused) {
  Pair pair;
  auto rules = two_ways(1);
  rules.pdrs[0].pdi.local_f_teid = pfcp::FTeidChoice{.v6 = true};
  const auto refused = pair.try_to_establish(rules);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::no_resources_available);
}

struct Measured {
  const char* what;
  pfcp::CreateUrr urr;
  Cause cause;
  IeType offending;
};

TEST(n4_session, measurements_that_are_not_served_are_refused) {
  using pfcp::ReportingTrigger;
  const auto urr = [](std::initializer_list<ReportingTrigger> triggers) {
    pfcp::CreateUrr made{.id = {1}, .method = {pfcp::Measurement::volume}};
    for (const auto trigger : triggers) made.triggers.set(trigger);
    return made;
  };
  auto events = urr({});
  events.method = {pfcp::Measurement::event};
  auto before = urr({});
  before.information =
      pfcp::MeasurementInformation{pfcp::MeasurementDetail::before_qos_enforcement};
  auto nothing = urr({ReportingTrigger::volume_threshold});
  nothing.volume_threshold = pfcp::Volume{.total = pfcp::OctetCount{0}};
  auto no_time = urr({ReportingTrigger::periodic});
  no_time.period = pfcp::Seconds32{0};
  const std::vector<Measured> all{
      {"mac addresses", urr({ReportingTrigger::mac_addresses}), Cause::service_not_supported,
       IeType::reporting_triggers},
      {"quota validity", urr({ReportingTrigger::quota_validity_time}), Cause::service_not_supported,
       IeType::reporting_triggers},
      {"events", events, Cause::service_not_supported, IeType::measurement_method},
      {"before enforcement", before, Cause::service_not_supported, IeType::measurement_information},
      {"threshold of nothing", nothing, Cause::mandatory_ie_incorrect, IeType::volume_threshold},
      {"period of nothing", no_time, Cause::mandatory_ie_incorrect, IeType::measurement_period},
  };
  for (const Measured& one : all) {
    SCOPED_TRACE(one.what);
    Pair pair;
    auto rules = two_ways(1);
    rules.urrs = {one.urr};
    const auto refused = pair.try_to_establish(rules);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->message.cause, one.cause);
    EXPECT_EQ(refused->message.offending_ie,
              pfcp::OffendingIe{static_cast<std::uint16_t>(one.offending)});
    EXPECT_EQ(pair.agent.own_tunnels(), 0U);
  }
}

TEST(n4_session, an_update_that_brings_a_trigger_without_its_figure_is_refused) {
  Pair pair;
  auto rules = two_ways(1);
  rules.urrs = {{.id = {1}, .method = {pfcp::Measurement::volume}}};
  const auto seid = pair.establish(pair.smf, rules, 1);
  N4Rules change;
  change.update_urrs = {
      {.id = {1}, .triggers = pfcp::ReportingTriggers{pfcp::ReportingTrigger::volume_threshold}}};
  const auto refused = pair.modify(pair.smf, change, seid);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::conditional_ie_missing);
}

TEST(n4_session, monitoring_of_gtpu_paths_or_of_too_many_flows_is_refused) {
  Pair pair;
  pfcp::QosMonitoringControl control{.requested = {pfcp::MonitoredDelay::gtpu_path},
                                     .frequency = {pfcp::Frequency::at_session_release}};
  ASSERT_TRUE(control.qfis.add({9}));
  auto rules = two_ways(1);
  rules.srrs = {{.id = {1}}};
  ASSERT_TRUE(rules.srrs[0].monitored.add(control));
  const auto path = pair.try_to_establish(rules);
  ASSERT_TRUE(path);
  EXPECT_EQ(path->message.cause, Cause::service_not_supported);
  control.requested = {pfcp::MonitoredDelay::downlink};
  for (std::uint8_t qfi = 0; control.qfis.size() < 64; ++qfi)
    ASSERT_TRUE(control.qfis.add({static_cast<std::uint8_t>(qfi & 63U)}));
  rules.srrs[0].monitored.clear();
  ASSERT_TRUE(rules.srrs[0].monitored.add(control));
  ASSERT_TRUE(rules.srrs[0].monitored.add(control));
  const auto many = pair.try_to_establish(rules, 10);
  ASSERT_TRUE(many);
  EXPECT_EQ(many->message.cause, Cause::no_resources_available);
}

TEST(n4_session, what_is_passed_over_is_noted) {
  Pair pair;
  const auto rules = two_ways(1);
  auto request = rules.establishment(pair.smf.node(), pair.smf.f_seid(1));
  request.inactivity_timer = pfcp::Seconds32{60};
  const auto came =
      pair.ask<pfcp::SessionEstablishmentResponse>(pair.smf, pair.smf.request(request));
  ASSERT_TRUE(came);
  EXPECT_EQ(came->message.cause, Cause::request_accepted);
  N4Rules change;
  change.update_fars = {{.id = {2}}};
  change.update_fars[0].forwarding_parameters.emplace().flags =
      pfcp::ModificationFlags{pfcp::ModificationFlag::sndem};
  (void)pair.modify(pair.smf, change, came->message.up_f_seid->seid);
  std::vector<IeType> noted;
  for (const Note& note : pair.agent.take_notes())
    if (note.what == Happening::not_served) noted.push_back(*note.refusal->offending);
  EXPECT_EQ(noted, (std::vector{IeType::user_plane_inactivity_timer, IeType::pfcpsm_req_flags}));
}

RC_GTEST_PROP(n4_session, a_refused_modification_leaves_the_session_and_its_rules_as_they_were,
              ()) {
  SeededRng rng(*rc::gen::arbitrary<std::uint64_t>());
  Pair pair;
  const auto seid = pair.establish(pair.smf, two_ways(1), 1);
  (void)pair.establish(pair.smf, two_ways(2), 2);
  const auto some = [&](std::uint64_t bound) {
    return static_cast<std::uint16_t>(1 + rng.below(bound));
  };
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    N4Rules change;
    // Many parts of which each may be wrong: numbers that are there or not, another's address.
    if (rng.below(3) == 0) change.remove_pdrs = {{{some(4)}}};
    if (rng.below(3) == 0) change.remove_fars = {{{some(4)}}};
    if (rng.below(3) == 0) change.fars = {test::forward_to(some(4), pfcp::Interface::core)};
    if (rng.below(3) == 0)
      change.pdrs = {test::downlink_pdr(some(4), some(4), static_cast<std::uint32_t>(some(4)))};
    if (rng.below(3) == 0) {
      auto pdr = test::uplink_pdr(some(4), some(4));
      change.update_pdrs = {{.id = pdr.id, .pdi = pdr.pdi, .far = pdr.far}};
    }
    if (rng.below(3) == 0) change.urrs = {{.id = {some(2)}, .method = {pfcp::Measurement::volume}}};
    if (rng.below(4) == 0) change.queries = {{{some(2)}}};
    const Session before = *pair.agent.session(seid);
    const auto tunnels = pair.agent.own_tunnels();
    (void)pair.agent.take_rules();
    const auto came = pair.modify(pair.smf, change, seid);
    RC_ASSERT(came.has_value());
    if (came->message.cause == Cause::request_accepted) continue;
    ++refused;
    RC_ASSERT(*pair.agent.session(seid) == before);
    RC_ASSERT(pair.agent.own_tunnels() == tunnels);
    RC_ASSERT(!pair.agent.take_rules());
  }
  RC_CLASSIFY(refused > 0, "refused");
}

TEST(n4_tunnels, are_never_zero_never_twice_and_come_back_in_no_near_time) {
  SeededRng rng(7);
  const Claims claims;
  TunnelPool pool(model::Ipv4Address{}, std::nullopt, rng, claims);
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 100'000; ++i) {
    const auto tunnel = pool.allocate(true, false);
    ASSERT_TRUE(tunnel);
    ASSERT_NE(tunnel->teid, 0U);
    ASSERT_TRUE(seen.insert(tunnel->teid).second);
    pool.release(*tunnel);
  }
  EXPECT_EQ(pool.size(), 0U);
}

TEST(n4_tunnels, on_trial_go_back_unless_they_are_kept) {
  SeededRng rng(7);
  const Claims claims;
  TunnelPool pool(model::Ipv4Address{}, std::nullopt, rng, claims);
  {
    TunnelsOnTrial trial(pool);
    const auto first = trial.allocate(true, false);
    ASSERT_TRUE(trial.allocate(true, false));
    trial.release(*first);
    EXPECT_EQ(pool.size(), 1U);
  }
  EXPECT_EQ(pool.size(), 0U);
  TunnelsOnTrial trial(pool);
  ASSERT_TRUE(trial.allocate(true, false));
  trial.keep();
  EXPECT_EQ(pool.size(), 1U);
}

}  // namespace
}  // namespace lobo::dataplane::n4
