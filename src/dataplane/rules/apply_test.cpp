#include "dataplane/rules/apply.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "dataplane/rules/session.hpp"
#include "model/address.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

using pfcp::Action;
using pfcp::Cause;
using pfcp::IeType;
using pfcp::RuleKind;

class CountedTunnels final : public Tunnels {
 public:
  explicit CountedTunnels(std::size_t most = 1000) : most_(most) {}
  std::optional<pfcp::FTeid> allocate(bool v4, bool /*v6*/) override {
    if (!v4 || out_.size() == most_) return std::nullopt;
    out_.insert(++last_);
    return pfcp::FTeid{.teid = last_, .v4 = model::Ipv4Address::parse("127.0.0.60")};
  }
  void release(const pfcp::FTeid& tunnel) override { EXPECT_EQ(out_.erase(tunnel.teid), 1U); }
  std::size_t out() const { return out_.size(); }
  bool has(const pfcp::FTeid& tunnel) const { return out_.contains(tunnel.teid); }

 private:
  std::size_t most_;
  std::uint32_t last_ = 0;
  std::set<std::uint32_t> out_;
};

/// The rules of a request, kept while it is used.
struct Lists {
  std::vector<pfcp::CreatePdr> pdrs;
  std::vector<pfcp::CreateFar> fars;
  std::vector<pfcp::CreateQer> qers;
  std::vector<pfcp::CreateUrr> urrs;
  std::vector<pfcp::UpdatePdr> update_pdrs;
  std::vector<pfcp::UpdateFar> update_fars;
  std::vector<pfcp::UpdateQer> update_qers;
  std::vector<pfcp::RemovePdr> remove_pdrs;
  std::vector<pfcp::RemoveFar> remove_fars;
  std::vector<pfcp::RemoveQer> remove_qers;
  std::vector<pfcp::QueryUrr> queries;

  pfcp::SessionEstablishmentRequest establishment() const {
    pfcp::SessionEstablishmentRequest request;
    request.cp_f_seid = {.seid = 0xABC, .v4 = model::Ipv4Address::parse("127.0.0.61")};
    request.create_pdrs = std::span(pdrs);
    request.create_fars = std::span(fars);
    request.create_qers = std::span(qers);
    request.create_urrs = std::span(urrs);
    return request;
  }
  pfcp::SessionModificationRequest modification() const {
    pfcp::SessionModificationRequest request;
    request.create_pdrs = std::span(pdrs);
    request.create_fars = std::span(fars);
    request.create_qers = std::span(qers);
    request.create_urrs = std::span(urrs);
    request.update_pdrs = std::span(update_pdrs);
    request.update_fars = std::span(update_fars);
    request.update_qers = std::span(update_qers);
    request.remove_pdrs = std::span(remove_pdrs);
    request.remove_fars = std::span(remove_fars);
    request.remove_qers = std::span(remove_qers);
    request.query_urrs = std::span(queries);
    return request;
  }
};

pfcp::CreatePdr pdr(std::uint16_t id, std::uint32_t far, std::uint32_t precedence = 100) {
  pfcp::CreatePdr rule;
  rule.id = {id};
  rule.precedence = {precedence};
  rule.pdi.source_interface = pfcp::Interface::core;
  rule.far = pfcp::FarId{far};
  return rule;
}
pfcp::CreatePdr uplink_pdr(std::uint16_t id, std::uint32_t far, std::uint8_t choose_id) {
  auto rule = pdr(id, far);
  rule.pdi.source_interface = pfcp::Interface::access;
  rule.pdi.local_f_teid = pfcp::FTeidChoice{.v4 = true, .choose_id = choose_id};
  return rule;
}
pfcp::CreatePdr with_filter(pfcp::CreatePdr rule, std::string_view text,
                            std::optional<std::uint32_t> id = std::nullopt) {
  EXPECT_TRUE(rule.pdi.sdf_filters.add({.flow_description = text, .id = id}));
  return rule;
}
pfcp::CreateFar far(std::uint32_t id) {
  return {.id = {id},
          .apply_action = {Action::forw},
          .forwarding_parameters = pfcp::ForwardingParameters{}};
}

Session established(const Lists& lists, Tunnels& tunnels) {
  return establish(7, lists.establishment(), {}, tunnels).value().session;
}
RuleRefusal refusal(const Session& session, const Lists& lists) {
  CountedTunnels tunnels;
  const auto applied = modify(session, lists.modification(), {}, tunnels);
  EXPECT_FALSE(applied);
  EXPECT_EQ(tunnels.out(), 0U);
  return applied ? RuleRefusal{} : applied.error();
}
RuleRefusal failed(RuleKind kind, std::uint32_t id,
                   std::optional<IeType> offending = std::nullopt) {
  return {{Cause::rule_creation_modification_failure, offending, std::nullopt},
          pfcp::FailedRuleId{kind, id}};
}

TEST(pfcp_rules, a_session_is_what_its_request_says) {
  CountedTunnels tunnels;
  auto down = with_filter(pdr(1, 1), "permit out 17 from 192.0.2.10 5004 to assigned");
  ASSERT_TRUE(down.qers.add({1}));
  const Lists lists{.pdrs = {down, uplink_pdr(2, 2, 1)},
                    .fars = {far(1), far(2)},
                    .qers = {{.id = {1}, .qfi = pfcp::Qfi{9}}}};
  const auto applied = establish(7, lists.establishment(), {}, tunnels);
  ASSERT_TRUE(applied);
  const Session& session = applied->session;
  EXPECT_EQ(session.seid, 7U);
  EXPECT_EQ(session.control.seid, 0xABCU);
  EXPECT_EQ(session.pdrs.size(), 2U);
  EXPECT_EQ(session.pdrs.at({1}).filters.size(), 1U);
  EXPECT_EQ(session.qers.at({1}).qfi, pfcp::Qfi{9});
  ASSERT_EQ(applied->created.size(), 1U);
  EXPECT_EQ(applied->created[0].id, pfcp::PdrId{2});
  EXPECT_EQ(applied->created[0].local_f_teid, session.pdrs.at({2}).tunnel);
}

TEST(pfcp_rules, pdrs_with_one_choose_id_share_a_tunnel_and_free_it_together) {
  CountedTunnels tunnels;
  const Lists lists{.pdrs = {uplink_pdr(1, 1, 5), uplink_pdr(2, 1, 5), uplink_pdr(3, 1, 6)},
                    .fars = {far(1)}};
  const auto session = established(lists, tunnels);
  EXPECT_EQ(tunnels.out(), 2U);
  EXPECT_EQ(session.pdrs.at({1}).tunnel, session.pdrs.at({2}).tunnel);
  EXPECT_NE(session.pdrs.at({1}).tunnel, session.pdrs.at({3}).tunnel);
  const Lists first{.remove_pdrs = {{{1}}}};
  const auto one_left = modify(session, first.modification(), {}, tunnels);
  ASSERT_TRUE(one_left);
  EXPECT_TRUE(one_left->freed.empty());
  const Lists second{.remove_pdrs = {{{2}}}};
  const auto none_left = modify(one_left->session, second.modification(), {}, tunnels);
  ASSERT_TRUE(none_left);
  EXPECT_EQ(none_left->freed, std::vector{*session.pdrs.at({1}).tunnel});
}

TEST(pfcp_rules, without_a_tunnel_left_those_that_were_chosen_go_back) {
  CountedTunnels tunnels(2);
  const Lists lists{.pdrs = {uplink_pdr(1, 1, 1), uplink_pdr(2, 1, 2), uplink_pdr(3, 1, 3)},
                    .fars = {far(1)}};
  const auto applied = establish(7, lists.establishment(), {}, tunnels);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().refusal.cause, Cause::no_resources_available);
  EXPECT_EQ(applied.error().refusal.offending, IeType::f_teid);
  EXPECT_EQ(tunnels.out(), 0U);
}

TEST(pfcp_rules, a_rule_that_is_referred_to_cannot_go) {
  CountedTunnels tunnels;
  auto down = pdr(1, 1);
  ASSERT_TRUE(down.qers.add({4}));
  const auto session =
      established({.pdrs = {down}, .fars = {far(1)}, .qers = {{.id = {4}}}}, tunnels);
  EXPECT_EQ(refusal(session, {.remove_fars = {{{1}}}}), failed(RuleKind::pdr, 1, IeType::far_id));
  EXPECT_EQ(refusal(session, {.remove_qers = {{{4}}}}), failed(RuleKind::pdr, 1, IeType::qer_id));
  const Lists together{.remove_pdrs = {{{1}}}, .remove_fars = {{{1}}}, .remove_qers = {{{4}}}};
  EXPECT_TRUE(modify(session, together.modification(), {}, tunnels));
}

TEST(pfcp_rules, a_rule_is_created_once_and_changed_only_when_it_is_there) {
  CountedTunnels tunnels;
  const auto session = established({.pdrs = {pdr(1, 1)}, .fars = {far(1)}}, tunnels);
  EXPECT_EQ(refusal(session, {.pdrs = {pdr(1, 1)}}), failed(RuleKind::pdr, 1));
  EXPECT_EQ(refusal(session, {.fars = {far(1)}}), failed(RuleKind::far, 1));
  EXPECT_EQ(refusal(session, {.update_pdrs = {{.id = {2}}}}), failed(RuleKind::pdr, 2));
  EXPECT_EQ(refusal(session, {.update_qers = {{.id = {2}}}}), failed(RuleKind::qer, 2));
  EXPECT_EQ(refusal(session, {.remove_pdrs = {{{2}}}}), failed(RuleKind::pdr, 2));
  EXPECT_EQ(refusal(session, {.queries = {{{3}}}}), failed(RuleKind::urr, 3, IeType::urr_id));
  EXPECT_EQ(refusal(session, {.pdrs = {pdr(2, 9)}}), failed(RuleKind::pdr, 2, IeType::far_id));
}

TEST(pfcp_rules, the_same_identifier_may_go_and_come_back_in_one_request) {
  CountedTunnels tunnels;
  const auto session = established({.pdrs = {pdr(1, 1)}, .fars = {far(1)}}, tunnels);
  const Lists again{.pdrs = {pdr(1, 1, 5)}, .remove_pdrs = {{{1}}}};
  const auto applied = modify(session, again.modification(), {}, tunnels);
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->session.pdrs.at({1}).precedence, 5U);
}

TEST(pfcp_rules, what_an_update_does_not_name_stays) {
  CountedTunnels tunnels;
  const auto session = established(
      {.pdrs = {with_filter(pdr(1, 1), "permit out ip from any to assigned")}, .fars = {far(1)}},
      tunnels);
  const Lists lists{.update_pdrs = {{.id = {1}, .precedence = pfcp::Precedence{3}}},
                    .update_fars = {{.id = {1}, .apply_action = pfcp::ApplyAction{Action::buff}}}};
  const auto applied = modify(session, lists.modification(), {}, tunnels);
  ASSERT_TRUE(applied);
  auto expected = session;
  expected.pdrs.at({1}).precedence = 3;
  expected.fars.at({1}).action = {Action::buff};
  EXPECT_EQ(applied->session, expected);
}

TEST(pfcp_rules, a_far_that_buffered_needs_to_know_where_to_forward) {
  CountedTunnels tunnels;
  const pfcp::CreateFar buffering{.id = {1}, .apply_action = {Action::buff}};
  const auto session = established({.pdrs = {pdr(1, 1)}, .fars = {buffering}}, tunnels);
  pfcp::UpdateFar forward{.id = {1}, .apply_action = pfcp::ApplyAction{Action::forw}};
  EXPECT_EQ(refusal(session, {.update_fars = {forward}}).refusal,
            (pfcp::Refusal{Cause::conditional_ie_missing, IeType::update_forwarding_parameters,
                           std::nullopt}));
  forward.forwarding_parameters =
      pfcp::UpdateForwardingParameters{.destination_interface = pfcp::Interface::access};
  const Lists lists{.update_fars = {forward}};
  EXPECT_TRUE(modify(session, lists.modification(), {}, tunnels));
}

TEST(pfcp_rules, a_filter_may_be_named_by_its_identifier_and_is_then_the_same) {
  CountedTunnels tunnels;
  auto up = uplink_pdr(2, 1, 1);
  ASSERT_TRUE(up.pdi.sdf_filters.add({.id = 77}));
  const auto down = with_filter(pdr(1, 1), "permit out 17 from 192.0.2.10 5004 to assigned", 77);
  const auto session = established({.pdrs = {down, up}, .fars = {far(1)}}, tunnels);
  EXPECT_EQ(session.pdrs.at({2}).filters, session.pdrs.at({1}).filters);
  ASSERT_TRUE(up.pdi.sdf_filters.add({.id = 78}));
  up.id = {3};
  EXPECT_EQ(refusal(session, {.pdrs = {up}}), failed(RuleKind::pdr, 3, IeType::sdf_filter));
}

TEST(pfcp_rules, what_cannot_be_done_as_it_was_asked_for_is_refused) {
  CountedTunnels tunnels;
  const auto session = established({.pdrs = {pdr(1, 1)}, .fars = {far(1)}}, tunnels);
  const auto refuses = [&](const Lists& lists) { return refusal(session, lists).refusal.cause; };
  EXPECT_EQ(refusal(session, {.pdrs = {with_filter(pdr(2, 1), "permit out udp")}}),
            failed(RuleKind::pdr, 2, IeType::sdf_filter));
  auto rule = pdr(2, 1);
  ASSERT_TRUE(rule.pdi.sdf_filters.add({.flow_label = 5}));
  EXPECT_EQ(refuses({.pdrs = {rule}}), Cause::service_not_supported);
  rule = pdr(2, 1);
  rule.outer_header_removal = pfcp::OuterHeaderRemoval{.description = 2};
  EXPECT_EQ(refuses({.pdrs = {rule}}), Cause::service_not_supported);
  rule = pdr(2, 1);
  ASSERT_TRUE(rule.pdi.ue_addresses.add({.choose_v4 = true}));
  EXPECT_EQ(refuses({.pdrs = {rule}}), Cause::service_not_supported);
  auto duplicating = far(2);
  duplicating.apply_action.set(Action::dupl);
  EXPECT_EQ(refuses({.fars = {duplicating}}), Cause::service_not_supported);
  const pfcp::BitRates most{.uplink = {100}, .downlink = {100}};
  const pfcp::BitRates more{.uplink = {100}, .downlink = {101}};
  EXPECT_EQ(refusal(session,
                    {.qers = {{.id = {1}, .maximum_bit_rate = most, .guaranteed_bit_rate = more}}}),
            failed(RuleKind::qer, 1, IeType::gbr));
  pfcp::Remarks remarks{.unknown = 1, .unserved = 1, .first_unserved = IeType::application_id};
  const Lists nothing;
  const auto unserved = modify(session, nothing.modification(), remarks, tunnels);
  ASSERT_FALSE(unserved);
  EXPECT_EQ(unserved.error().refusal.offending, IeType::application_id);
}

TEST(pfcp_rules, a_session_has_so_many_rules_and_no_more) {
  CountedTunnels tunnels;
  Lists lists{.fars = {far(1)}};
  for (std::uint16_t id = 1; id <= pdrs_per_session_max; ++id) lists.pdrs.push_back(pdr(id, 1));
  const auto session = established(lists, tunnels);
  EXPECT_EQ(refusal(session, {.pdrs = {pdr(1000, 1)}}).refusal.cause,
            Cause::no_resources_available);
}

// Requests over few identifiers, so that about half of them can be done.
Lists any_lists(SeededRng& rng) {
  const auto id16 = [&] { return static_cast<std::uint16_t>(1 + rng.below(4)); };
  const auto id32 = [&] { return static_cast<std::uint32_t>(1 + rng.below(3)); };
  const auto some = [&](auto& list, auto make) {
    for (auto left = rng.below(6) / 4; left > 0; --left) list.push_back(make());
  };
  Lists lists;
  some(lists.fars, [&] { return far(id32()); });
  some(lists.qers, [&] { return pfcp::CreateQer{.id = {id32()}, .qfi = pfcp::Qfi{9}}; });
  some(lists.pdrs, [&] {
    auto rule = rng.below(2) == 0 ? pdr(id16(), id32())
                                  : uplink_pdr(id16(), id32(), static_cast<std::uint8_t>(id16()));
    if (rng.below(2) == 0) (void)rule.qers.add({id32()});  // the first fits
    return rule;
  });
  some(lists.update_pdrs, [&] {
    pfcp::UpdatePdr rule{.id = {id16()}, .far = pfcp::FarId{id32()}};
    if (rng.below(2) == 0) rule.pdi = uplink_pdr(1, 1, 1).pdi;
    return rule;
  });
  some(lists.update_fars, [&] {
    return pfcp::UpdateFar{.id = {id32()}, .apply_action = pfcp::ApplyAction{Action::drop}};
  });
  some(lists.remove_pdrs, [&] { return pfcp::RemovePdr{{id16()}}; });
  some(lists.remove_fars, [&] { return pfcp::RemoveFar{{id32()}}; });
  some(lists.remove_qers, [&] { return pfcp::RemoveQer{{id32()}}; });
  return lists;
}

bool holds_together(const Session& session, const CountedTunnels& tunnels) {
  for (const auto& [id, rule] : session.pdrs) {
    if (!session.fars.contains(rule.far)) return false;
    for (const auto qer : rule.qers)
      if (!session.qers.contains(qer)) return false;
    if (rule.tunnel_is_ours && !tunnels.has(rule.tunnel.value())) return false;
  }
  return own_tunnels(session).size() == tunnels.out();
}

RC_GTEST_PROP(pfcp_rules, a_request_is_done_as_a_whole_or_not_at_all, ()) {
  SeededRng rng(*rc::gen::arbitrary<std::uint64_t>());
  CountedTunnels tunnels(3);
  Session session;
  std::size_t done = 0;
  for (int i = 0; i < 60; ++i) {
    const Session before = session;
    const std::size_t out_before = tunnels.out();
    const Lists lists = any_lists(rng);
    const auto applied = modify(session, lists.modification(), {}, tunnels);
    if (!applied) {
      RC_ASSERT(session == before);
      RC_ASSERT(tunnels.out() == out_before);
      RC_ASSERT(!pfcp::is_accepted(applied.error().refusal.cause));
      continue;
    }
    ++done;
    session = applied->session;
    for (const auto& tunnel : applied->freed) tunnels.release(tunnel);
    RC_ASSERT(holds_together(session, tunnels));
  }
  RC_CLASSIFY(done > 10, "more than ten of sixty were done");
}

RC_GTEST_PROP(pfcp_rules, the_order_of_rules_in_a_request_is_immaterial, ()) {
  SeededRng rng(*rc::gen::arbitrary<std::uint64_t>());
  Lists lists{.fars = {far(1), far(2), far(3)}, .qers = {{.id = {1}}, {.id = {2}}}};
  for (std::uint16_t id = 1; id <= 6; ++id)
    lists.pdrs.push_back(pdr(id, 1 + static_cast<std::uint32_t>(rng.below(3)),
                             static_cast<std::uint32_t>(rng.below(100))));
  CountedTunnels tunnels;
  const auto session = established(lists, tunnels);
  for (std::size_t i = lists.pdrs.size(); i > 1; --i)
    std::swap(lists.pdrs[i - 1], lists.pdrs[rng.below(i)]);
  std::ranges::reverse(lists.fars);
  std::ranges::reverse(lists.qers);
  RC_ASSERT(established(lists, tunnels) == session);
}

}  // namespace
}  // namespace lobo::dataplane
