// A node and its server on one clock: what is asked when, what an order does, what a lost lease
// costs.
#include "relay/lease/lease.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "relay/lease/windows.hpp"
#include "relay/report.hpp"
#include "relay/slot.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {
namespace {

using namespace std::chrono_literals;
namespace rly = api::sdd_relay;
using api::sdd_connections::SddFlowState;
using Asking = Lease::Asking;
using Question = Lease::Question;

/// What the node was told, and what it has to tell.
struct Node final : Carried {
  Result<void> take(const Order& order) override {
    taken.push_back(order);
    if (absent) return fail(Errc::not_found, "not here");
    return {};
  }
  Reports report() override {
    Reports all = changes();
    all.windows = std::exchange(windows, {});
    return all;
  }
  std::vector<Replica> replica(std::string_view room, sdd::Alias alias) override {
    const auto found = replicas.find({std::string(room), alias});
    return found == replicas.end() ? std::vector<Replica>() : found->second;
  }
  Reports changes() override {
    Reports all;
    all.changes = std::exchange(changed, {});
    return all;
  }
  Result<void> trust(const std::vector<rly::TokenKey>& told) override {
    keys = told;
    return {};
  }
  void bind(const Tenure& to) override { tenure = to; }
  void stop() override { ++stops; }

  template <class Kind>
  std::vector<Kind> orders() const {
    std::vector<Kind> found;
    for (const auto& order : taken)
      if (const auto* one = std::get_if<Kind>(&order)) found.push_back(*one);
    return found;
  }

  std::vector<Order> taken;
  bool absent = false;
  std::vector<FlowChange> changed;
  std::vector<FlowWindow> windows;
  std::map<std::pair<std::string, sdd::Alias>, std::vector<Replica>> replicas;
  std::vector<rly::TokenKey> keys;
  Tenure tenure;
  int stops = 0;
};

class relay_lease : public ::testing::Test {
 protected:
  static constexpr std::chrono::milliseconds length = 3000ms;

  relay_lease() : lease(settings(), node, [this] { return "boot" + std::to_string(++boots); }) {}

  static LeaseSettings settings() {
    LeaseSettings out;
    out.node = "n 1";
    out.said.conn_info.ipv4_addr = "127.0.0.68";
    out.said.conn_info.port = 4433;
    return out;
  }
  std::vector<Question> ask() { return lease.ask(now); }
  /// The one question of this kind, or nothing.
  static std::optional<Question> find(const std::vector<Question>& all, Asking what) {
    const auto found = std::ranges::find(all, what, &Question::what);
    return found == all.end() ? std::nullopt : std::optional(*found);
  }
  void answer(const Question& question, int status, std::string body = {}) {
    lease.answered(question, http::Response{status, {}, std::move(body)}, now);
  }
  rly::RelayNode server_says(std::int64_t epoch) const {
    rly::RelayNode out;
    out.node_id = "n 1";
    out.lease_ms = length.count();
    out.lease_until = now + length;
    out.epoch = epoch;
    out.token_keys = {{7, std::string(44, 'A')}};
    return out;
  }
  static std::string orders(std::int64_t epoch, std::vector<rly::RelayOrder> all) {
    rly::RelayOrders out;
    out.epoch = epoch;
    out.lease_ms = length.count();
    out.orders = std::move(all);
    return json::write(out);
  }
  static rly::RelayOrder order(std::int64_t number, rly::OrderKind kind) {
    rly::RelayOrder out;
    out.order = number;
    out.kind = kind;
    return out;
  }
  static rly::RelayOrder order(std::int64_t number, rly::OrderKind kind, std::int64_t flow) {
    auto out = order(number, kind);
    out.flow_id = flow;
    return out;
  }
  /// Registered; the question for orders that is under way.
  Question enrol(std::int64_t epoch = 1, const std::vector<rly::RelayRoom>& rooms = {}) {
    const auto question = find(ask(), Asking::registration);
    EXPECT_TRUE(question);
    auto said = server_says(epoch);
    said.rooms = rooms;
    answer(*question, 201, json::write(said));
    const auto poll = find(ask(), Asking::orders);
    EXPECT_TRUE(poll);
    return *poll;
  }
  static FlowChange change(sdd::FlowId flow, FlowState state) {
    return {flow, "room", "ue", state, sdd::Cause::ok};
  }
  static FlowWindow window(sdd::FlowId flow, std::uint64_t states) {
    FlowWindow out;
    out.flow = flow;
    out.published.states = states;
    out.published.bytes = 100 * states;
    out.published.loss = {states + 1, 1};
    for (std::uint64_t i = 0; i < states; ++i) out.published.delay.add(1000);
    return out;
  }
  rly::RelayReport report_of(const std::optional<Question>& question) const {
    EXPECT_TRUE(question);
    if (!question) return {};
    const auto report = json::read<rly::RelayReport>(question->body);
    EXPECT_TRUE(report) << question->body;
    return report.value_or(rly::RelayReport{});
  }

  Instant now{std::chrono::hours{500'000}};
  int boots = 0;
  Node node;
  Lease lease;
};

TEST_F(relay_lease, it_registers_first_and_lets_nobody_in_until_it_is_answered) {
  const auto all = ask();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].method, "PUT");
  EXPECT_EQ(all[0].target, "/sdd-rly/v1/nodes/n%201");
  const auto said = json::read<rly::RelayRegistration>(all[0].body);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->boot_id, "boot1");
  EXPECT_FALSE(node.tenure.held);
  EXPECT_TRUE(ask().empty()) << "one registration at a time";
  auto node_is = server_says(4);
  node_is.rooms = {{"r1", 1700}};
  answer(all[0], 201, json::write(node_is));
  EXPECT_TRUE(lease.held());
  EXPECT_TRUE(node.tenure.held);
  EXPECT_EQ(node.tenure.since, std::chrono::floor<std::chrono::seconds>(now));
  EXPECT_EQ(node.keys.size(), 1U);
  const auto rooms = node.orders<FenceRoom>();
  ASSERT_EQ(rooms.size(), 1U);
  EXPECT_EQ(rooms[0].epoch, 1700U);
  EXPECT_TRUE(rooms[0].owned);
}

TEST_F(relay_lease, a_change_is_told_at_once_and_one_that_comes_meanwhile_after_the_answer) {
  enrol();
  node.changed = {change(5, FlowState::up)};
  const auto first = find(ask(), Asking::report);
  const auto report = report_of(first);
  ASSERT_EQ(report.flows.value().size(), 1U);
  EXPECT_EQ(report.flows->front().state, SddFlowState::up);
  EXPECT_EQ(report.seq, 1);
  node.changed = {change(5, FlowState::stalled), change(5, FlowState::up),
                  change(6, FlowState::up)};
  EXPECT_FALSE(find(ask(), Asking::report));
  answer(*first, 200, orders(1, {}));
  const auto second = report_of(find(ask(), Asking::report));
  EXPECT_EQ(second.seq, 2);
  EXPECT_EQ(second.flows.value().size(), 2U) << "each flow once, as it is now";
}

TEST_F(relay_lease, windows_come_every_half_second_and_are_merged_while_nobody_answers) {
  enrol();
  node.windows = {window(5, 10)};
  EXPECT_FALSE(find(ask(), Asking::report)) << "not before its time";
  now += 500ms;
  const auto first = find(ask(), Asking::report);
  EXPECT_EQ(report_of(first).windows.value().size(), 1U);
  lease.answered(*first, fail(Errc::unavailable, "gone"), now);
  for (int i = 0; i < 2; ++i) {
    now += 500ms;
    node.windows = {window(5, 10)};
    const auto again = find(ask(), Asking::report);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->body, first->body) << "the report that nobody answered is sent as it was";
    if (i == 0) lease.answered(*again, fail(Errc::unavailable, "gone"), now);
    if (i == 1) answer(*again, 200, orders(1, {}));
  }
  const auto merged = report_of(find(ask(), Asking::report));
  ASSERT_EQ(merged.windows.value().size(), 1U);
  EXPECT_EQ(merged.windows->front().packets, 20);
  EXPECT_EQ(merged.windows->front().lost, 2);
  EXPECT_EQ(merged.windows->front().ms, 1000);
  EXPECT_EQ(merged.windows->front().delay->counts, std::vector<std::int64_t>{20});
}

TEST_F(relay_lease, windows_have_a_bound_and_no_more_wait_than_it) {
  WindowsWaiting waiting;
  for (std::uint32_t flow = 1; flow <= windows_waiting_max + 10; ++flow)
    waiting.add(window(flow, 1), now, now + 500ms);
  EXPECT_EQ(waiting.size(), windows_waiting_max);
  EXPECT_EQ(waiting.lost(), 10U);
  EXPECT_LE(waiting.take().size(), report_windows_max);
}

TEST_F(relay_lease, each_kind_of_order_does_what_it_says_once) {
  const auto poll = enrol();
  auto tier = order(11, rly::OrderKind::set_tier, 5);
  tier.tier = 2;
  tier.tier_reason = api::sync_types::TierReason::loss;
  auto mask = order(12, rly::OrderKind::set_mask, 5);
  mask.components = 3;
  auto rate = order(13, rly::OrderKind::set_rate, 5);
  rate.mbr_dl_bps = 64'000;
  auto dual = order(14, rly::OrderKind::set_redundancy, 5);
  dual.redundancy = api::sync_types::Redundancy::dual;
  auto open = order(15, rly::OrderKind::open_room);
  open.room = "r2";
  open.epoch = 1800;
  auto close = order(16, rly::OrderKind::close_room);
  close.room = "r1";
  close.epoch = 1801;
  close.drain_ms = 500;
  auto go = order(17, rly::OrderKind::relocate, 5);
  go.conn_info.emplace().ipv4_addr = "127.0.0.69";
  go.conn_info->port = 4433;
  go.token = sdd::token_text(std::vector<std::byte>(8, std::byte{1}));
  go.drain_ms = 500;
  auto release = order(18, rly::OrderKind::release_flow, 5);
  release.drain_ms = 100;
  const std::vector<rly::RelayOrder> all{tier, mask, rate, dual, open, close, go, release};
  answer(poll, 200, orders(1, all));
  EXPECT_EQ(node.orders<SetTier>().at(0).tier, 2);
  EXPECT_EQ(node.orders<SetTier>().at(0).reason, sdd::TierReason::loss);
  EXPECT_EQ(node.orders<SetMask>().at(0).components, 3U);
  EXPECT_EQ(node.orders<SetRate>().at(0).bps, 64'000U);
  EXPECT_TRUE(node.orders<SetRedundancy>().at(0).dual);
  EXPECT_EQ(node.orders<FenceRoom>().at(0).epoch, 1800U);
  EXPECT_EQ(node.orders<CloseRoom>().at(0).drain, 500ms);
  EXPECT_EQ(node.orders<Relocate>().at(0).address, "127.0.0.69:4433");
  EXPECT_EQ(node.orders<Relocate>().at(0).token.size(), 8U);
  EXPECT_EQ(node.orders<ReleaseFlow>().at(0).drain, 100ms);
  EXPECT_EQ(node.taken.size(), all.size());
  // Told that they were seen, at once; and the next question asks for later ones.
  const auto questions = ask();
  EXPECT_EQ(report_of(find(questions, Asking::report)).orders_seen, 18);
  const auto next = find(questions, Asking::orders);
  ASSERT_TRUE(next);
  EXPECT_NE(next->target.find("after=18&"), std::string::npos);
  answer(*next, 200, orders(1, all));
  EXPECT_EQ(node.taken.size(), all.size()) << "heard twice, done once";
}

TEST_F(relay_lease, tells_the_newest_state_that_it_is_asked_for_once) {
  const auto poll = enrol();
  node.replicas[{"room", 7}] = {{.component = 2,
                                 .seq = 9,
                                 .state = std::vector<std::byte>(3, std::byte{'k'}),
                                 .delta = std::vector<std::byte>(1, std::byte{'d'}),
                                 .received = now - 250ms}};
  std::vector<rly::RelayOrder> both;
  for (const std::int64_t alias : {7, 8}) {
    both.push_back(order(10 + alias, rly::OrderKind::tell_state));
    both.back().room = "room";
    both.back().alias = alias;
  }
  answer(poll, 200, orders(1, both));
  const auto report = find(ask(), Asking::report);
  ASSERT_TRUE(report);
  const auto said = json::read<rly::RelayReport>(report->body);
  ASSERT_TRUE(said && said->states);
  ASSERT_EQ(said->states->size(), 2U);
  EXPECT_EQ((*said->states)[0].order, 17);
  ASSERT_EQ((*said->states)[0].components.size(), 1U);
  const auto& part = (*said->states)[0].components[0];
  EXPECT_EQ(part.component, 2);
  EXPECT_EQ(part.seq, 9);
  EXPECT_EQ(part.age_us, 250'000);
  EXPECT_EQ(part.state.octets, "kkk");
  EXPECT_EQ(part.delta->octets, "d");
  EXPECT_TRUE((*said->states)[1].components.empty()) << "nobody published that";
  answer(*report, 200, orders(1, {}));
  now += 600ms;
  if (const auto next = find(ask(), Asking::report)) {
    EXPECT_EQ(next->body.find("states"), std::string::npos) << next->body;
  }
}

TEST_F(relay_lease, states_and_windows_are_told_in_reports_of_their_own) {
  const auto poll = enrol();
  node.windows = {window(5, 10)};
  now += lease_window;
  auto asked = order(1, rly::OrderKind::tell_state);
  asked.room = "room";
  asked.alias = 1;
  answer(poll, 200, orders(1, {asked}));
  const auto first = find(ask(), Asking::report);
  EXPECT_TRUE(report_of(first).windows);
  EXPECT_FALSE(report_of(first).states);
  answer(*first, 200, orders(1, {}));
  EXPECT_LE(lease.next_due(now), now) << "at once";
  EXPECT_TRUE(report_of(find(ask(), Asking::report)).states);
}

TEST_F(relay_lease, states_that_do_not_fit_into_one_report_come_with_the_next) {
  const auto poll = enrol();
  node.replicas[{"room", 1}] = {
      {.component = 0, .seq = 1, .state = std::vector<std::byte>(200'000), .delta = {}}};
  std::vector<rly::RelayOrder> many;
  for (std::int64_t i = 1; i <= 5; ++i) {
    many.push_back(order(i, rly::OrderKind::tell_state));
    many.back().room = "room";
    many.back().alias = 1;
  }
  answer(poll, 200, orders(1, many));
  std::size_t told = 0;
  for (int round = 0; round < 5 && told < 5; ++round) {
    const auto report = find(ask(), Asking::report);
    ASSERT_TRUE(report);
    EXPECT_LT(report->body.size(), 1'048'576U) << "as much as the server takes";
    told += json::read<rly::RelayReport>(report->body)->states->size();
    answer(*report, 200, orders(1, {}));
  }
  EXPECT_EQ(told, 5U);
}

TEST_F(relay_lease, what_was_ordered_before_the_client_came_is_done_when_it_comes) {
  const auto poll = enrol();
  node.absent = true;
  auto tier = order(1, rly::OrderKind::set_tier, 9);
  tier.tier = 3;
  answer(poll, 200, orders(1, {tier}));
  node.absent = false;
  node.taken.clear();
  node.changed = {change(9, FlowState::up)};
  ask();
  ASSERT_EQ(node.orders<SetTier>().size(), 1U);
  EXPECT_EQ(node.orders<SetTier>()[0].tier, 3);
  EXPECT_EQ(lease.counts().orders_late, 1U);
}

TEST_F(relay_lease, a_flow_that_is_released_and_never_came_is_told_as_closed) {
  const auto poll = enrol();
  node.absent = true;
  answer(poll, 200, orders(1, {order(1, rly::OrderKind::release_flow, 9)}));
  const auto report = report_of(find(ask(), Asking::report));
  ASSERT_EQ(report.flows.value().size(), 1U);
  EXPECT_EQ(report.flows->front().state, SddFlowState::closed);
}

TEST_F(relay_lease, it_goes_on_without_the_server_until_the_lease_ends_and_stops_then) {
  enrol(1);
  const auto until = lease.lease_until();
  EXPECT_EQ(until, now + length) << "reckoned from when it was asked for";
  std::uint64_t asked = 0;
  while (now + 100ms < until) {
    now += 100ms;
    for (const auto& question : ask()) {
      ++asked;
      lease.answered(question, fail(Errc::unavailable, "no connection"), now);
    }
    ASSERT_TRUE(lease.held());
    ASSERT_EQ(node.stops, 0);
  }
  EXPECT_LT(asked, 20U) << "with pauses that grow";
  now = until;
  const auto anew = find(ask(), Asking::registration);
  EXPECT_EQ(node.stops, 1);
  EXPECT_FALSE(node.tenure.held);
  ASSERT_TRUE(anew);
  EXPECT_EQ(json::read<rly::RelayRegistration>(anew->body)->boot_id, "boot2");
  answer(*anew, 200, json::write(server_says(2)));
  EXPECT_TRUE(lease.held());
  EXPECT_EQ(lease.epoch(), 2);
}

TEST_F(relay_lease, an_epoch_that_is_over_stops_the_node_before_it_asks_for_another) {
  enrol(1, {{"r1", 7}});
  node.changed = {change(5, FlowState::up)};
  const auto report = find(ask(), Asking::report);
  ASSERT_TRUE(report);
  answer(*report, 409, R"({"cause":"STALE_EPOCH"})");
  EXPECT_EQ(node.stops, 1);
  EXPECT_FALSE(lease.held());
  const auto all = ask();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].what, Asking::registration);
}

TEST_F(relay_lease, a_renewal_that_brings_a_higher_epoch_stops_the_node) {
  enrol(1);
  now += length / 3;
  const auto renewal = find(ask(), Asking::registration);
  ASSERT_TRUE(renewal);
  answer(*renewal, 200, json::write(server_says(2)));
  EXPECT_EQ(node.stops, 1);
  EXPECT_FALSE(lease.held());
}

TEST_F(relay_lease, an_answer_of_a_lease_that_is_over_means_nothing) {
  const auto poll = enrol(1);
  now += length;
  ask();
  ASSERT_EQ(node.stops, 1);
  auto open = order(1, rly::OrderKind::open_room);
  open.room = "r2";
  answer(poll, 200, orders(1, {open}));
  EXPECT_TRUE(node.orders<FenceRoom>().empty());
}

TEST_F(relay_lease, a_lease_that_was_over_before_it_was_answered_is_none) {
  const auto question = find(ask(), Asking::registration);
  ASSERT_TRUE(question);
  const auto said = server_says(1);
  now += length;
  answer(*question, 201, json::write(said));
  EXPECT_FALSE(lease.held());
}

TEST_F(relay_lease, a_report_that_is_refused_for_good_is_not_sent_again) {
  enrol();
  node.changed = {change(5, FlowState::up)};
  const auto report = find(ask(), Asking::report);
  ASSERT_TRUE(report);
  answer(*report, 400);
  EXPECT_TRUE(lease.held());
  EXPECT_FALSE(find(ask(), Asking::report));
  EXPECT_EQ(lease.counts().reports_refused, 1U);
}

TEST_F(relay_lease, questions_that_are_answered_with_nothing_at_once_are_not_asked_without_end) {
  auto poll = std::optional(enrol());
  for (int i = 0; i < 3; ++i) {
    answer(*poll, 200, orders(1, {}));
    EXPECT_FALSE(find(ask(), Asking::orders));
    now += orders_pause;
    poll = find(ask(), Asking::orders);
    ASSERT_TRUE(poll);
  }
}

TEST_F(relay_lease, a_node_that_carries_nothing_is_looked_at_a_few_times_a_second) {
  enrol();
  int looks = 0;
  for (const Instant end = now + 2s; now < end; ++looks) {
    now = std::max(lease.next_due(now), now + 1us);
    for (const auto& question : ask())
      if (question.what == Asking::registration) answer(question, 200, json::write(server_says(1)));
  }
  EXPECT_LT(looks, 20);
}

}  // namespace
}  // namespace lobo::relay
