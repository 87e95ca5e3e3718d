// A session over a node: states, messages, and what happens when things break.
#include "mmec/session.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "mmec/meter.hpp"
#include "mmec/ports.hpp"
#include "mmec/session_test_support.hpp"
#include "mmec/types.hpp"
#include "relay/report.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {
namespace {

using namespace std::chrono_literals;
using test::Lab;
using test::octets;
using test::Path;
using test::Ue;

Result<std::optional<sdd::Sequence>> publish(Lab& lab, Ue& ue, std::string_view text,
                                             sdd::Component component = 0, sdd::FlowId flow = 0) {
  return ue.session.publish(flow, component, octets(text), {}, lab.now());
}

TEST(mmec_session, two_see_each_other_and_a_late_one_sees_both_at_once) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(100ms);
  ASSERT_EQ(alice.session.phase(), Phase::up);
  EXPECT_EQ(bob.here.at("urn:asset:1"), "ue1");
  ASSERT_TRUE(publish(lab, alice, "alice waves"));
  ASSERT_TRUE(publish(lab, bob, "bob nods", 3));
  lab.run_for(50ms);
  EXPECT_EQ(bob.newest("urn:asset:1"), "alice waves");
  EXPECT_EQ(alice.newest("urn:asset:2", 3), "bob nods");
  Ue& carol = lab.begin(lab.ue(3));
  lab.run_for(20ms);
  EXPECT_EQ(carol.newest("urn:asset:1"), "alice waves");
  EXPECT_EQ(carol.newest("urn:asset:2", 3), "bob nods");
  EXPECT_TRUE(alice.here.contains("urn:asset:3"));
}

TEST(mmec_session, a_state_is_not_told_before_its_asset_even_where_the_control_stream_is_late) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  lab.run_for(100ms);
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(100ms);
  // A frame of an asset of which nothing was heard: by hand, in the name of the node.
  const auto payload = octets("early");
  std::vector<std::byte> datagram(64);
  ByteWriter out(datagram);
  sdd::write_frame(
      out, {.key = true, .flow = 29, .alias = 7, .component = 0, .seq = 1, .payload = payload});
  bob.session.datagram(2, out.written(), lab.now());
  EXPECT_TRUE(bob.newest("urn:asset:7").empty());
  const auto here = sdd::write_control(sdd::Event{
      .kind = sdd::EventKind::asset_here, .alias = 7, .asset = "urn:asset:7", .ue = "ue7"});
  bob.session.stream(2, 0, here, false, lab.now());
  EXPECT_EQ(bob.newest("urn:asset:7"), "early");
  (void)alice;
}

TEST(mmec_session, flows_are_back_with_their_newest_states_after_a_node_was_killed) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(6s);
  ASSERT_TRUE(publish(lab, alice, "before"));
  lab.run_for(100ms);
  lab.kill(lab.node());
  lab.restart(lab.node());
  const Instant begun = lab.now();
  // A still avatar: its pings alone find out, and the node is told its state again.
  while (alice.session.stats().connections < 2 || bob.session.stats().connections < 2) {
    lab.run_for(10ms);
    ASSERT_LT(lab.now() - begun, 2s);
  }
  Ue& carol = lab.begin(lab.ue(3));
  lab.run_for(100ms);
  EXPECT_EQ(carol.newest("urn:asset:1"), "before");
  ASSERT_TRUE(publish(lab, alice, "after"));
  lab.run_for(100ms);
  EXPECT_EQ(bob.newest("urn:asset:1"), "after");
  EXPECT_EQ(bob.count(EventKind::asset_here), 2U) << "alice once, she never left, and carol";
  EXPECT_EQ(bob.count(EventKind::asset_gone), 0U);
  EXPECT_EQ(bob.count(EventKind::down), 1U);
  EXPECT_EQ(bob.session.flows().size(), 4U);
}

TEST(mmec_session, an_asset_that_the_new_node_does_not_know_is_gone_after_a_while) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(1s);
  alice.path.open = false;
  lab.kill(lab.node());
  lab.restart(lab.node());
  lab.run_for(2s);
  EXPECT_EQ(bob.count(EventKind::asset_gone), 0U);
  lab.run_for(3s);
  EXPECT_EQ(bob.count(EventKind::asset_gone), 1U);
}

TEST(mmec_session, silence_is_noticed_and_attempts_grow_rarer_by_chance_and_end) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  lab.run_for(1s);
  alice.path.open = false;
  lab.run_for(3500ms);
  EXPECT_EQ(alice.count(EventKind::down), 1U);
  EXPECT_NE(alice.last(EventKind::down)->error->detail.find("silence"), std::string::npos);
  EXPECT_NE(alice.last(EventKind::down)->error->detail.find("127.0.0.1:4001"), std::string::npos);
  lab.run_for(3600s);
  EXPECT_EQ(alice.session.phase(), Phase::ended);
  ASSERT_NE(alice.last(EventKind::ended), nullptr);
  EXPECT_TRUE(alice.last(EventKind::ended)->error);
  EXPECT_EQ(alice.connects.size(), attempts_max + 1);
  for (std::size_t i = 2; i + 1 < alice.connects.size(); ++i) {
    const auto pause = alice.connects[i + 1] - alice.connects[i] - connect_within;
    const auto wanted = std::min<std::chrono::microseconds>(
        pause_first * (1ULL << std::min<std::size_t>(i - 1, 8)), pause_max);
    EXPECT_GE(pause, wanted / 2) << i;
    EXPECT_LE(pause, wanted) << i;
  }
}

TEST(mmec_session, a_path_that_comes_back_brings_the_session_back) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(1s);
  alice.path.open = false;
  lab.run_for(8s);
  ASSERT_TRUE(publish(lab, alice, "said in the tunnel"));
  EXPECT_NE(alice.session.phase(), Phase::up);
  alice.path.open = true;
  lab.run_for(20s);
  EXPECT_EQ(alice.session.phase(), Phase::up);
  EXPECT_EQ(bob.newest("urn:asset:1"), "said in the tunnel");
}

TEST(mmec_session, an_application_that_knows_of_another_path_takes_it_at_once) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  lab.run_for(1s);
  alice.session.path_changed(lab.now());
  lab.run_for(100ms);
  EXPECT_EQ(alice.session.phase(), Phase::up);
  EXPECT_EQ(alice.session.stats().connections, 2U);
  EXPECT_EQ(lab.node().relay->flows(), 4U) << "the old connection has none any more";
}

RC_GTEST_PROP(mmec_session, what_is_told_only_ever_grows_newer_and_the_last_state_arrives,
              (std::uint64_t seed)) {
  Lab lab(seed);
  const auto loss = *rc::gen::inRange(0, 30);
  const auto twice = *rc::gen::inRange(0, 30);
  const auto jitter = *rc::gen::inRange(0, 40);
  const Path bad{.delay = 10ms,
                 .jitter = std::chrono::milliseconds(jitter),
                 .loss = loss / 100.0,
                 .twice = twice / 100.0};
  Ue& alice = lab.begin(lab.ue(1, bad));
  Ue& bob = lab.begin(lab.ue(2, bad));
  lab.run_for(500ms);
  std::map<sdd::Component, std::string> last;
  for (int i = 0; i < 40; ++i) {
    const auto component = static_cast<sdd::Component>(*rc::gen::inRange(0, 3));
    // Of one datagram and of several.
    last[component] = std::string(i % 5 == 0 ? 2000 : 20, 'a') + std::to_string(i);
    RC_ASSERT(publish(lab, alice, last[component], component).has_value());
    if (*rc::gen::inRange(0, 20) == 0) {
      lab.kill(lab.node());
      lab.restart(lab.node());
    }
    lab.run_for(std::chrono::milliseconds(*rc::gen::inRange(1, 60)));
  }
  // Some fourteen repeats: of a hundred runs with up to 30 % loss none misses them all.
  lab.run_for(15s);
  std::map<sdd::Component, int> newest;
  for (const auto& one : bob.got) {
    const int number = std::stoi(one.payload.substr(one.payload.find_last_of('a') + 1));
    RC_ASSERT(!newest.contains(one.component) || newest[one.component] <= number);
    newest[one.component] = number;
  }
  for (const auto& [component, text] : last)
    RC_ASSERT(bob.newest("urn:asset:1", component) == text);
}

TEST(mmec_session, messages_arrive_once_each_and_ordered_ones_in_order) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  EXPECT_EQ(publish(lab, alice, "too early", 0, 13).error().code, Errc::unavailable);
  lab.run_for(100ms);
  const std::string large(60'000, 'x');
  ASSERT_TRUE(publish(lab, alice, large, 1, 13));
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(publish(lab, alice, "message " + std::to_string(i), 5, 13));
    ASSERT_TRUE(publish(lab, alice, "edit " + std::to_string(i), 6, 14));
    lab.run_for(2ms);
  }
  lab.run_for(500ms);
  EXPECT_EQ(bob.newest("urn:asset:1", 1), large);
  std::vector<std::string> edits;
  std::size_t messages = 0;
  for (const auto& one : bob.got) {
    if (one.component == 5) ++messages;
    if (one.component == 6) edits.push_back(one.payload);
  }
  EXPECT_EQ(messages, 200U);
  ASSERT_EQ(edits.size(), 200U);
  for (std::size_t i = 0; i < edits.size(); ++i) EXPECT_EQ(edits[i], "edit " + std::to_string(i));
  EXPECT_EQ(publish(lab, alice, std::string(65'537, 'x'), 1, 13).error().code, Errc::too_large);
}

TEST(mmec_session, a_full_path_takes_the_newest_state_when_it_has_room) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(100ms);
  alice.takes = false;
  for (const auto* text : {"one", "two", "three"}) {
    const auto sent = publish(lab, alice, text);
    ASSERT_TRUE(sent);
    EXPECT_FALSE(*sent) << "it waits";
    lab.run_for(30ms);
  }
  EXPECT_TRUE(bob.got.empty());
  alice.takes = true;
  lab.run_for(50ms);
  ASSERT_EQ(bob.got.size(), 1U);
  EXPECT_EQ(bob.got[0].payload, "three");
  EXPECT_EQ(alice.session.stats().states_replaced, 2U);
}

TEST(mmec_session, a_delta_needs_the_key_frame_that_this_connection_has_sent) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(100ms);
  const auto key = publish(lab, alice, "key");
  ASSERT_TRUE(key && *key);
  lab.run_for(20ms);
  ASSERT_TRUE(alice.session.publish(0, 0, octets("delta"), *key, lab.now()));
  lab.run_for(20ms);
  EXPECT_EQ(bob.newest("urn:asset:1"), "delta");
  const auto wrong = alice.session.publish(0, 0, octets("delta"), **key + 7, lab.now());
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::precondition);
  EXPECT_EQ(wrong.error().faults.at(0).where, "/base");
}

TEST(mmec_session, what_may_not_be_published_is_refused_with_its_member) {
  Lab lab;
  Settings settings;
  auto flow = Lab::publishes(1);
  flow.components = 0b11;
  settings.grant =
      read_grant(lab.token("ue1", {flow, Lab::sees(1)}), {"127.0.0.1", 4001, {}}).value();
  Ue& alice = lab.begin(lab.add(std::move(settings)));
  lab.run_for(100ms);
  EXPECT_TRUE(publish(lab, alice, "x", 1));
  const auto masked = publish(lab, alice, "x", 2);
  ASSERT_FALSE(masked);
  EXPECT_EQ(masked.error().code, Errc::forbidden);
  EXPECT_EQ(masked.error().faults.at(0).where, "/component");
  EXPECT_EQ(publish(lab, alice, "", 0).error().code, Errc::missing);
  EXPECT_EQ(publish(lab, alice, std::string(4097, 'x'), 0).error().code, Errc::too_large);
  EXPECT_EQ(publish(lab, alice, "x", 0, 19).error().code, Errc::not_found) << "it sees only";
  EXPECT_EQ(lab.node().relay->counts().flows_unknown, 0U);
}

TEST(mmec_session, a_later_token_is_asked_for_in_time_and_the_flows_outlive_the_first) {
  Lab lab;
  Settings settings;
  settings.grant = lab.grant(1, 10s);
  Ue& alice = lab.begin(lab.add(std::move(settings)));
  lab.run_for(7s);
  EXPECT_EQ(alice.count(EventKind::token_wanted), 0U);
  lab.run_for(1100ms);
  ASSERT_EQ(alice.count(EventKind::token_wanted), 1U);
  alice.session.use(lab.grant(1, 10s), lab.now());
  lab.run_for(7s);
  EXPECT_EQ(alice.count(EventKind::token_wanted), 1U);
  EXPECT_EQ(alice.session.stats().connections, 1U);
  EXPECT_EQ(lab.node().relay->flows(), 4U);
}

TEST(mmec_session, a_later_token_that_comes_while_it_connects_is_for_the_next_attempt) {
  Lab lab;
  Settings settings;
  settings.grant = lab.grant(1, 10s);
  lab.node().relay.reset();
  Ue& alice = lab.begin(lab.add(std::move(settings)));
  lab.run_for(1ms);
  alice.session.use(lab.grant(1, 20s), lab.now());
  lab.run_for(100ms);
  lab.restart(lab.node());
  lab.run_for(2s);
  ASSERT_EQ(alice.session.phase(), Phase::up);
  lab.run_for(10s);
  EXPECT_EQ(alice.count(EventKind::token_wanted), 0U) << "the first one is over by now";
}

TEST(mmec_session, whose_token_ended_waits_for_another_and_says_so) {
  Lab lab;
  Settings settings;
  settings.grant = lab.grant(1, 10s);
  Ue& alice = lab.begin(lab.add(std::move(settings)));
  lab.run_for(60s);
  EXPECT_NE(alice.session.phase(), Phase::up);
  EXPECT_GE(alice.count(EventKind::token_wanted), 2U);
  if (alice.session.phase() == Phase::ended) return;  // All its flows were released.
  alice.session.use(lab.grant(1), lab.now());
  lab.run_for(1s);
  EXPECT_EQ(alice.session.phase(), Phase::up);
}

TEST(mmec_session, a_token_that_the_node_does_not_take_is_told_with_the_nodes_reason) {
  Lab lab;
  Settings settings;
  auto grant = lab.grant(1);
  grant.token.back() ^= std::byte{1};
  settings.grant = std::move(grant);
  Ue& alice = lab.begin(lab.add(std::move(settings)));
  lab.run_for(1s);
  ASSERT_NE(alice.last(EventKind::token_wanted), nullptr);
  EXPECT_EQ(alice.last(EventKind::token_wanted)->error->code, Errc::unauthenticated);
  EXPECT_EQ(alice.connects.size(), 1U) << "the same token would be refused again";
  alice.session.use(lab.grant(1), lab.now());
  lab.run_for(1s);
  EXPECT_EQ(alice.session.phase(), Phase::up);
}

TEST(mmec_session, it_moves_to_another_node_without_a_gap_and_without_a_step_back) {
  Lab lab;
  auto& second = lab.node("node-2", 4002);
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(1s);
  for (Ue* ue : {&alice, &bob}) {
    const sdd::Alias alias = ue == &alice ? 1 : 2;
    const auto grant = lab.grant(alias, 3600s, &second);
    const auto order = sdd::write_control(sdd::Event{
        .kind = sdd::EventKind::relocate, .address = "127.0.0.1:4002", .token = grant.token});
    ue->session.stream(alias, 0, order, false, lab.now());
  }
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(publish(lab, alice, std::to_string(1000 + i)));
    lab.run_for(10ms);
  }
  lab.run_for(100ms);
  EXPECT_EQ(alice.count(EventKind::relocating), 1U);
  EXPECT_EQ(alice.count(EventKind::down), 0U);
  EXPECT_EQ(bob.session.phase(), Phase::up);
  EXPECT_EQ(lab.node().relay->flows(), 0U);
  EXPECT_EQ(second.relay->flows(), 8U);
  std::vector<std::string> seen;
  for (const auto& one : bob.got) seen.push_back(one.payload);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end()) << "none twice";
  EXPECT_GE(seen.size(), 95U);
  EXPECT_EQ(bob.count(EventKind::asset_here), 1U);
  EXPECT_EQ(bob.count(EventKind::asset_gone), 0U);
}

TEST(mmec_session, a_node_that_says_nonsense_is_left_and_tried_again_with_pauses) {
  Lab lab;
  SeededRng rng(5);
  lab.node().relay.reset();
  lab.node().stranger = [&](ConnectionNo number) {
    std::vector<std::byte> nonsense(200);
    for (auto& octet : nonsense) octet = static_cast<std::byte>(rng.below(256));
    lab.node().send_datagram(number, nonsense, 0);
    lab.node().send_control(number, nonsense);
  };
  Ue& alice = lab.begin(lab.ue(1));
  lab.run_for(60s);
  EXPECT_EQ(alice.count(EventKind::up), 0U);
  EXPECT_GE(alice.connects.size(), 5U);
  EXPECT_LE(alice.connects.size(), 20U);
  EXPECT_EQ(alice.last(EventKind::refused)->error->code, Errc::malformed);
}

TEST(mmec_session, a_node_that_answers_nothing_is_given_up) {
  Lab lab;
  lab.node().relay.reset();
  lab.node().stranger = [](ConnectionNo) {};
  Ue& alice = lab.begin(lab.ue(1));
  lab.run_for(6s);
  ASSERT_NE(alice.last(EventKind::refused), nullptr);
  EXPECT_EQ(alice.last(EventKind::refused)->error->code, Errc::timeout);
  EXPECT_NE(alice.last(EventKind::refused)->error->detail.find("no answer"), std::string::npos);
}

TEST(mmec_session, a_sequence_from_the_far_future_does_not_silence_what_follows) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(100ms);
  ASSERT_TRUE(publish(lab, alice, "one"));
  lab.run_for(50ms);
  const auto frame = [&](sdd::Sequence seq, std::string_view text) {
    const auto payload = octets(text);
    std::vector<std::byte> datagram(64);
    ByteWriter out(datagram);
    sdd::write_frame(
        out, {.key = true, .flow = 29, .alias = 1, .component = 0, .seq = seq, .payload = payload});
    bob.session.datagram(2, out.written(), lab.now());
  };
  frame(2'000'000'000, "far");
  frame(2'000'000'001, "further");
  EXPECT_EQ(bob.newest("urn:asset:1"), "further") << "a node whose numbers are far is another one";
  for (int i = 0; i < 4; ++i) frame(4'000'000'000U + static_cast<sdd::Sequence>(i), "beyond");
  EXPECT_EQ(bob.session.phase(), Phase::up);
}

TEST(mmec_session, frames_of_flows_that_are_not_ours_are_counted_and_not_told) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  lab.run_for(100ms);
  const auto payload = octets("?");
  std::vector<std::byte> datagram(64);
  ByteWriter out(datagram);
  sdd::write_frame(out, {.key = true, .flow = 4711, .alias = 1, .seq = 1, .payload = payload});
  alice.session.datagram(1, out.written(), lab.now());
  EXPECT_TRUE(alice.got.empty());
  EXPECT_EQ(alice.session.stats().refused, 1U);
}

TEST(mmec_session, what_it_measures_is_what_the_path_does) {
  Lab lab(3);
  Ue& alice = lab.begin(lab.ue(1, {.delay = 5ms}));
  Ue& bob = lab.begin(lab.ue(2, {.delay = 20ms, .jitter = 6ms, .loss = 0.05}));
  lab.run_for(2s);
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(publish(lab, alice, "a state"));
    lab.run_for(20ms);
  }
  const Stats stats = bob.session.stats();
  ASSERT_EQ(stats.total.size(), 1U);
  EXPECT_NEAR(stats.total[0].loss(), 0.05, 0.01);
  EXPECT_NEAR(static_cast<double>(stats.total[0].delay->p50), 32'000, 3'000);
  EXPECT_NEAR(static_cast<double>(stats.recent[0].jitter_us), 2'000, 600);
  ASSERT_TRUE(stats.clock);
  EXPECT_LE(stats.clock->error, 20'001us);
  EXPECT_LE(std::chrono::abs(stats.clock->offset), stats.clock->error);
  EXPECT_GT(stats.recent[0].bps, 1000U);
  EXPECT_EQ(alice.session.stats().states_sent, 3000U);
}

TEST(mmec_session, a_tier_is_told_as_the_node_orders_it) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  lab.run_for(100ms);
  ASSERT_TRUE(lab.node().relay->take(relay::SetTier{19, 2, sdd::TierReason::loss}, lab.now()));
  lab.run_for(100ms);
  ASSERT_NE(alice.last(EventKind::tier), nullptr);
  EXPECT_EQ(alice.last(EventKind::tier)->flow, 19U);
  EXPECT_EQ(alice.last(EventKind::tier)->tier, 2);
  EXPECT_EQ(alice.last(EventKind::tier)->reason, sdd::TierReason::loss);
  EXPECT_EQ(alice.last(EventKind::tier)->rate_mhz, 15'000U);
}

TEST(mmec_session, what_it_wants_holds_again_after_it_came_back) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(100ms);
  ASSERT_TRUE(bob.session.want({.flow = 29, .components = 0b10}, lab.now()));
  EXPECT_EQ(bob.session.want({.flow = 77}, lab.now()).error().code, Errc::not_found);
  lab.kill(lab.node());
  lab.restart(lab.node());
  lab.run_for(3s);
  ASSERT_TRUE(publish(lab, alice, "unseen", 0));
  ASSERT_TRUE(publish(lab, alice, "seen", 1));
  lab.run_for(100ms);
  EXPECT_EQ(bob.newest("urn:asset:1", 0), "");
  EXPECT_EQ(bob.newest("urn:asset:1", 1), "seen");
}

TEST(mmec_session, who_leaves_leaves_nothing_behind) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(100ms);
  alice.session.leave(false, lab.now());
  EXPECT_EQ(publish(lab, alice, "x").error().code, Errc::conflict);
  lab.run_for(1s);
  EXPECT_EQ(alice.session.phase(), Phase::ended);
  EXPECT_FALSE(alice.last(EventKind::ended)->error);
  EXPECT_FALSE(alice.session.next_due());
  EXPECT_EQ(lab.node().relay->links(), 1U);
  EXPECT_EQ(lab.node().relay->flows(), 4U);
  EXPECT_EQ(bob.count(EventKind::down), 0U);
}

TEST(mmec_session, publishing_while_a_state_is_told_is_allowed) {
  Lab lab;
  Ue& alice = lab.begin(lab.ue(1));
  Ue& bob = lab.begin(lab.ue(2));
  lab.run_for(100ms);
  bob.when_received = [&](const State& state) {
    EXPECT_TRUE(bob.session.publish(0, 0, state.payload, {}, lab.now()));
  };
  ASSERT_TRUE(publish(lab, alice, "echo"));
  lab.run_for(100ms);
  EXPECT_EQ(alice.newest("urn:asset:2"), "echo");
}

}  // namespace
}  // namespace lobo::mmec
