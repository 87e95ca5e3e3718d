// What reaches whom, and what it costs where not all can.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/rng.hpp"
#include "relay/limits.hpp"
#include "relay/measure/histogram.hpp"
#include "relay/measure/stream_meter.hpp"
#include "relay/relay_test_support.hpp"
#include "relay/report.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/pose.hpp"
#include "wire/sdd/sequence_window.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::World;

/// Publishes `rate` times a second for a while, all of them, each at its own moment.
void publish_for(World& world, const std::vector<Client*>& clients,
                 std::chrono::microseconds period, std::chrono::microseconds time,
                 std::size_t bytes = 200) {
  const Instant begin = world.now();
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const auto offset =
        period * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(clients.size());
    for (Instant when = begin + offset; when < begin + time; when += period)
      world.at(when, [&world, client = clients[i], i, bytes] {
        world.publish(*client, static_cast<sdd::FlowId>(i + 1), static_cast<sdd::Alias>(i + 1), 0,
                      bytes);
      });
  }
  world.run_for(time);
}

std::vector<Client*> crowd(World& world, std::size_t count, test::PathOf path = {}) {
  std::vector<Client*> clients;
  for (std::size_t i = 1; i <= count; ++i)
    clients.push_back(
        &world.join("ue-" + std::to_string(i),
                    {World::both(static_cast<sdd::FlowId>(i), static_cast<sdd::Alias>(i))}, path));
  return clients;
}

const FlowWindow& window_of(const Reports& reports, sdd::FlowId flow) {
  return *std::ranges::find(reports.windows, flow, &FlowWindow::flow);
}

TEST(relay_room, everyone_sees_the_others_and_nobody_itself) {
  World world;
  const auto clients = crowd(world, 3);
  publish_for(world, clients, 33ms, 1s);
  world.run_for(50ms);
  constexpr std::array<std::size_t, 4> published{0, 31, 30, 30};  // the first begins at once
  for (std::size_t i = 0; i < 3; ++i)
    for (sdd::Alias alias = 1; alias <= 3; ++alias)
      EXPECT_EQ(clients[i]->states_of(alias), alias == i + 1 ? 0U : published[alias]) << i;
  // Through its own flow, with the publisher's time.
  EXPECT_EQ(clients[0]->got[0].frame.flow, 1U);
  EXPECT_LE(clients[0]->got[0].at - world.now(), 0us);
}

TEST(relay_room, states_wait_for_each_other_no_longer_than_the_window) {
  World world;
  const auto clients = crowd(world, 10);
  publish_for(world, clients, 40ms, 2s);
  for (const Client* client : clients)
    for (const auto& got : client->got) {
      const auto transit = node_time(got.at) - *got.frame.tx_time;
      EXPECT_LE(transit, 4'000U + 1'000U);
    }
  // Ten of 200 bytes in 40 ms each: without coalescing there would be a datagram for each state.
  EXPECT_LT(clients[0]->datagrams * 10, clients[0]->got.size() * 11);
}

TEST(relay_room, a_late_joiner_gets_the_newest_state_at_once_however_old_it_is) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  world.publish(alice, 1, 1, 0);
  world.publish(alice, 1, 1, 3);
  world.run_for(30s);
  Client& bob = world.join("bob", {World::both(2, 2)});
  world.run_for(6ms);
  ASSERT_EQ(bob.got.size(), 2U);
  const auto here = bob.heard<sdd::Event>();
  ASSERT_EQ(here.size(), 1U);
  EXPECT_EQ(
      here[0],
      (sdd::Event{
          .kind = sdd::EventKind::asset_here, .alias = 1, .asset = "urn:asset:1", .ue = "alice"}));
}

TEST(relay_room, a_delta_is_sent_only_with_the_key_frame_that_it_changes) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  Client& bob = world.join("bob", {World::sees(2)});
  const std::vector<std::byte> payload(10);
  const auto delta = [&](sdd::Sequence seq, sdd::Sequence base) {
    sdd::Frame frame{.flow = 1, .alias = 1, .seq = seq, .base = base, .payload = payload};
    world.send(alice, frame);
  };
  world.publish(alice, 1, 1);
  delta(1, 0);
  delta(2, 7);  // on nothing that is here
  Client& carol = world.join("carol", {World::sees(3)});
  world.run_for(10ms);
  for (const Client* client : {&bob, &carol}) {
    ASSERT_EQ(client->got.size(), 2U);
    EXPECT_EQ(client->got[0].frame.seq, 0U);
    EXPECT_EQ(client->got[1].frame.base, 0U);
  }
  delta(3, 0);
  world.run_for(10ms);
  EXPECT_EQ(bob.got.size(), 3U);
  // Once a second the key frame comes with it again: one may have been lost.
  world.run_for(1s);
  const std::size_t before = bob.got.size();
  delta(4, 0);
  world.run_for(10ms);
  EXPECT_LE(bob.got.size() - before, 2U);
  EXPECT_GE(std::ranges::count_if(bob.got, [](const auto& g) { return g.frame.seq == 0; }), 2);
  EXPECT_EQ(window_of(world.relay().report(world.now()), 1).refused.base_unknown, 1U);
}

TEST(relay_room, who_is_silent_is_heard_once_a_second_all_the_same) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  Client& bob = world.join("bob", {World::sees(2)}, {.loss = 0.5});
  world.publish(alice, 1, 1);
  world.run_for(20s);
  EXPECT_GE(bob.got.size(), 3U);
  EXPECT_LE(bob.got.size(), 20U);
  EXPECT_TRUE(std::ranges::all_of(bob.got, [](const auto& g) { return g.frame.seq == 0; }));
}

TEST(relay_room, what_is_asked_for_is_sent_again) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  Client& bob = world.join("bob", {World::sees(2)});
  world.publish(alice, 1, 1, 0);
  world.publish(alice, 1, 1, 1);
  world.run_for(10ms);
  EXPECT_EQ(bob.got.size(), 2U);
  world.say(bob, sdd::StateRequest{.flow = 2, .alias = 1, .components = 0b10});
  world.run_for(10ms);
  ASSERT_EQ(bob.got.size(), 3U);
  EXPECT_EQ(bob.got.back().frame.component, 1);
}

TEST(relay_room, a_masked_component_never_arrives) {
  World world;
  auto shows = World::both(1, 1);
  shows.components = 0b0111;
  auto sees = World::sees(2);
  sees.components = 0b1011;
  Client& alice = world.join("alice", {shows});
  Client& bob = world.join("bob", {sees});
  for (int i = 0; i < 50; ++i) {
    for (sdd::Component component = 0; component < 4; ++component)
      world.publish(alice, 1, 1, component);
    world.run_for(10ms);
  }
  std::set<sdd::Component> seen;
  for (const auto& got : bob.got) seen.insert(got.frame.component);
  EXPECT_EQ(seen, (std::set<sdd::Component>{0, 1}));
  EXPECT_EQ(window_of(world.relay().report(world.now()), 1).refused.masked, 50U);
  EXPECT_EQ(world.relay().counts().states.masked, 50U);
  // An order takes one more away, from then on.
  ASSERT_TRUE(world.relay().take(SetMask{2, 0b0010}, world.now()));
  bob.got.clear();
  world.say(bob, sdd::StateRequest{.flow = 2, .alias = 0});
  for (sdd::Component component = 0; component < 4; ++component)
    world.publish(alice, 1, 1, component);
  world.run_for(3s);
  EXPECT_FALSE(bob.got.empty());
  for (const auto& got : bob.got) EXPECT_EQ(got.frame.component, 1);
}

TEST(relay_room, under_half_too_much_load_states_are_dropped_and_none_grows_old) {
  constexpr auto period = 33ms;
  World world;
  const auto clients = crowd(world, 30);
  // 29 others of 216 bytes and some at 30 Hz are 190 kB/s.
  Client& narrow = world.join("narrow", {World::sees(100)}, {.bytes_per_second = 130'000});
  publish_for(world, clients, period, 3s);
  narrow.got.clear();
  (void)world.relay().report(world.now());
  publish_for(world, clients, period, 20s);
  Histogram age;
  std::map<sdd::Alias, sdd::NodeTime> newest;
  for (const auto& got : narrow.got) {
    const auto last = newest.find(got.frame.alias);
    if (last != newest.end()) age.add(node_time(got.at) - last->second);
    newest[got.frame.alias] = *got.frame.tx_time;
  }
  EXPECT_EQ(newest.size(), 30U);
  EXPECT_LE(*age.percentile(99),
            static_cast<std::uint64_t>(std::chrono::microseconds(3 * period).count()));
  const auto window = window_of(world.relay().report(world.now()), 100);
  EXPECT_GT(window.delivered.conflated, 0U);
  EXPECT_GT(window.delivered.states, 20U * 30 * 30 / 2);
  // The others are not held up.
  EXPECT_NEAR(static_cast<double>(clients[0]->states_of(2)), 23'000.0 / 33, 3);
}

TEST(relay_room, a_receiver_that_never_reads_costs_a_bounded_queue_and_is_put_out) {
  World world;
  auto lossy = World::both(1, 1);
  lossy.reliability = sdd::FlowClass::lossy;
  lossy.ttl = 60s;
  Client& alice = world.join("alice", {lossy, World::both(3, 3)});
  auto deaf_flow = World::sees(2);
  deaf_flow.ttl = 60s;
  Client& deaf = world.join("deaf", {deaf_flow});
  deaf.path.reads = false;
  for (int i = 0; i < 200; ++i) {
    world.publish(alice, 1, 1, 0, 1000);
    world.publish(alice, 3, 3, 0, 1000);
    world.run_for(20ms);
  }
  EXPECT_FALSE(deaf.closed);
  const auto reports = world.relay().report(world.now());
  const auto stalled = std::ranges::find_if(
      reports.changes, [](const FlowChange& c) { return c.state == FlowState::stalled; });
  ASSERT_NE(stalled, reports.changes.end());
  EXPECT_EQ(stalled->flow, 2U);
  EXPECT_EQ(window_of(reports, 2).delivered.dropped, 200U - world.limits().lossy_queue_max);
  world.run_for(30s);
  EXPECT_TRUE(deaf.closed);
  EXPECT_EQ(deaf.why, sdd::Cause::too_slow);
  EXPECT_EQ(deaf.datagrams, 0U);
  EXPECT_EQ(world.relay().links(), 1U);
}

TEST(relay_room,
     over_two_paths_one_in_four_hundred_is_lost_at_most_where_each_loses_one_in_twenty) {
  World world(42);
  auto first = World::both(1, 1);
  first.redundant = true;
  auto second = first;
  second.id = 2;
  auto sees_first = World::sees(3);
  auto sees_second = World::sees(4);
  sees_first.redundant = sees_second.redundant = true;
  Client& out = world.join("alice", {first});
  Client& out_again = world.join("alice", {second});
  Client& in = world.join("bob", {sees_first}, {.delay = 20ms, .loss = 0.05});
  Client& in_again = world.join("bob", {sees_second}, {.delay = 25ms, .loss = 0.05});
  SeededRng rng(7);
  constexpr sdd::Sequence states = 20'000;
  for (sdd::Sequence seq = 0; seq < states; ++seq) {
    // Uplink: the second copy a little later, each lost one time in twenty.
    const auto sent = world.now();
    for (Client* path : {&out, &out_again}) {
      if (rng.below(20) == 0) continue;
      const auto flow = path == &out ? 1U : 2U;
      world.at(sent + 5ms * flow, [&world, path, flow, seq, sent] {
        const std::vector<std::byte> payload(200);
        world.send(*path, {.key = true,
                           .dup_path = flow == 2,
                           .flow = flow,
                           .alias = 1,
                           .seq = seq,
                           .tx_time = node_time(sent),
                           .payload = payload});
      });
    }
    world.run_for(16ms);
  }
  world.run_for(100ms);
  sdd::SequenceWindow seen;
  std::vector<test::Got> all = in.got;
  all.insert(all.end(), in_again.got.begin(), in_again.got.end());
  std::ranges::stable_sort(all, {}, &test::Got::at);
  std::size_t delivered = 0;
  std::size_t eliminated = 0;
  for (const auto& got : all) {
    const auto arrival = seen.take(got.frame.seq);
    delivered += arrival == sdd::Arrival::newest || arrival == sdd::Arrival::late ? 1U : 0U;
    eliminated += arrival == sdd::Arrival::duplicate ? 1U : 0U;
  }
  // 1 - (1 - 0.05^2)^2 is 0.5 %: both hops count here, each loses one in four hundred.
  EXPECT_GE(delivered, states * 994 / 1000);
  EXPECT_GT(eliminated, states * 85 / 100);
  EXPECT_TRUE(std::ranges::all_of(in_again.got, [](const auto& g) { return g.frame.dup_path; }));
  EXPECT_TRUE(std::ranges::none_of(in.got, [](const auto& g) { return g.frame.dup_path; }));
  const auto reports = world.relay().report(world.now());
  EXPECT_GT(window_of(reports, 1).published.duplicates + window_of(reports, 2).published.duplicates,
            states * 85 / 100);
}

/// Who publishes as often as the tier lets through is not to wait for its turn each time: what
/// waits makes way for the next one once, and from then on each is in time.
TEST(relay_room, the_rate_of_a_tier_costs_states_and_no_standing_delay) {
  for (const auto begin : {20ms, 60ms, 100ms, 140ms, 180ms}) {
    SCOPED_TRACE(std::to_string(begin.count()) + " ms after a state that was sent");
    World world;
    Client& alice = world.join("alice", {World::both(1, 1)});
    Client& bob = world.join("bob", {World::sees(2)});
    ASSERT_TRUE(world.relay().take(SetTier{2, 3, sdd::TierReason::delay}, world.now()));
    world.run_for(1s);
    world.publish(alice, 1, 1);
    world.run_for(begin);
    bob.got.clear();
    std::map<sdd::Sequence, Instant> published;
    for (int i = 0; i < 50; ++i) {
      published[alice.next[{sdd::Alias{1}, sdd::Component{0}}]] = world.now();
      world.publish(alice, 1, 1);
      world.run_for(200ms);
    }
    EXPECT_GE(bob.got.size(), 48U);
    int late = 0;
    for (const auto& got : bob.got)
      if (got.at - published.at(got.frame.seq) > 20ms) ++late;
    EXPECT_LE(late, 1);
  }
}

TEST(relay_room, the_last_state_before_a_silence_arrives) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  Client& bob = world.join("bob", {World::sees(2)});
  ASSERT_TRUE(world.relay().take(SetTier{2, 3, sdd::TierReason::delay}, world.now()));
  for (int i = 0; i < 60; ++i) {
    world.publish(alice, 1, 1);
    world.run_for(16'667us);
  }
  const auto last = alice.next[{sdd::Alias{1}, sdd::Component{0}}] - 1;
  world.run_for(1100ms);  // Where it grew too old for its turn, it comes with what is repeated.
  ASSERT_FALSE(bob.got.empty());
  EXPECT_EQ(bob.got.back().frame.seq, last);
}

TEST(relay_room, a_tier_limits_rate_and_components) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  Client& bob = world.join("bob", {World::sees(2)});
  const auto for_ten_seconds = [&] {
    bob.got.clear();
    for (int i = 0; i < 600; ++i) {
      for (const auto component : {sdd::Component{0}, sdd::Component{2}})
        world.publish(alice, 1, 1, component, 50);
      world.run_for(16'667us);
    }
  };
  for_ten_seconds();
  EXPECT_NEAR(static_cast<double>(bob.got.size()), 1200, 4);
  ASSERT_TRUE(world.relay().take(SetTier{2, 1, sdd::TierReason::loss}, world.now()));
  EXPECT_EQ(bob.heard<sdd::Tier>().back(),
            (sdd::Tier{2, 1, sdd::TierReason::loss, 30'000, sdd::all_components}));
  for_ten_seconds();
  EXPECT_NEAR(static_cast<double>(bob.got.size()), 600, 12);
  ASSERT_TRUE(world.relay().take(SetTier{2, 3, sdd::TierReason::delay}, world.now()));
  for_ten_seconds();
  EXPECT_NEAR(static_cast<double>(bob.got.size()), 50, 3);
  EXPECT_TRUE(std::ranges::all_of(bob.got, [](const auto& g) { return g.frame.component == 0; }));
  ASSERT_TRUE(world.relay().take(SetTier{2, 0, sdd::TierReason::restored}, world.now()));
  for_ten_seconds();
  EXPECT_NEAR(static_cast<double>(bob.got.size()), 1200, 8);
}

TEST(relay_room, a_cap_holds_and_the_more_important_comes_more_often) {
  World world;
  const auto clients = crowd(world, 20);
  auto capped = World::sees(100);
  capped.mbr_dl_bps = 400'000;  // a third of what is owed
  Client& bob = world.join("bob", {capped});
  world.say(bob, sdd::Update{.flow = 100, .wishes = {{{1, 7}, {2, 0}}}});
  publish_for(world, clients, 33ms, 10s);
  EXPECT_LE(bob.bytes * 8, 400'000U * 10 + 8 * (world.limits().burst_bytes_min + 1150));
  EXPECT_GE(bob.bytes * 8, 400'000U * 9);
  EXPECT_GT(bob.states_of(1), 2 * bob.states_of(3));
  EXPECT_EQ(bob.states_of(2), 0U);
  std::size_t least = SIZE_MAX;
  std::size_t most = 0;
  for (sdd::Alias alias = 3; alias <= 20; ++alias) {
    least = std::min(least, bob.states_of(alias));
    most = std::max(most, bob.states_of(alias));
  }
  EXPECT_GT(least * 2, most);  // nobody starves
}

TEST(relay_room, large_states_go_in_fragments_and_are_dropped_whole) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  Client& bob = world.join("bob", {World::sees(2)});
  const std::vector<std::byte> part(sdd::fragment_payload_max, std::byte{7});
  const auto fragment = [&](sdd::Sequence seq, std::uint8_t number, bool more) {
    world.send(alice, {.kind = sdd::FrameKind::fragment,
                       .key = true,
                       .more = more,
                       .flow = 1,
                       .alias = 1,
                       .seq = seq,
                       .fragment = number,
                       .payload = part});
  };
  fragment(1, 0, true);  // its second never comes
  fragment(2, 1, true);
  fragment(2, 2, false);
  fragment(1, 1, false);
  world.run_for(10ms);
  EXPECT_TRUE(bob.got.empty());
  fragment(2, 0, true);
  world.run_for(10ms);
  ASSERT_EQ(bob.got.size(), 3U);
  for (const auto& got : bob.got) EXPECT_EQ(got.frame.seq, bob.got[0].frame.seq);
  EXPECT_EQ(bob.got[0].payload, part);
  EXPECT_EQ(bob.datagrams, 3U);
}

TEST(relay_room, of_a_crowd_the_nearest_are_seen) {
  World world;
  const auto clients = crowd(world, 40);
  for (std::size_t i = 0; i < clients.size(); ++i)
    world.say(*clients[i],
              sdd::Update{.flow = static_cast<sdd::FlowId>(i + 1),
                          .position = sdd::Position{static_cast<std::int32_t>(i) * 1000, 0, 0}});
  Client& bob = world.join("bob", {World::sees(100)});
  world.say(bob, sdd::Update{.flow = 100,
                             .nearest = 5,
                             .wishes = {{{40, 1}, {12, 0}}},
                             .position = sdd::Position{10'200, 0, 0}});
  publish_for(world, clients, 33ms, 2s);
  bob.got.clear();
  publish_for(world, clients, 33ms, 1s);
  std::set<sdd::Alias> seen;
  for (const auto& got : bob.got) seen.insert(got.frame.alias);
  // Aliases 9 to 13 stand at 8 to 12 m; 12 is not wanted, 40 is, wherever it is.
  EXPECT_EQ(seen, (std::set<sdd::Alias>{9, 10, 11, 13, 40}));
}

TEST(relay_room, who_asks_for_the_nearest_has_them_at_once) {
  World world;
  const auto clients = crowd(world, 10);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const auto flow = static_cast<sdd::FlowId>(i + 1);
    world.say(*clients[i],
              sdd::Update{.flow = flow,
                          .position = sdd::Position{static_cast<std::int32_t>(i) * 1000, 0, 0}});
    world.publish(*clients[i], flow, static_cast<sdd::Alias>(flow));
  }
  world.run_for(5s);
  Client& bob = world.join("bob", {World::sees(100)});
  world.say(bob, sdd::Update{.flow = 100, .nearest = 2, .position = sdd::Position{8'800, 0, 0}});
  world.run_for(6ms);
  std::set<sdd::Alias> seen;
  for (const auto& got : bob.got) seen.insert(got.frame.alias);
  EXPECT_EQ(seen, (std::set<sdd::Alias>{9, 10}));
}

TEST(relay_room, a_pose_tells_where_its_asset_is) {
  World world;
  Client& far = world.greet();
  Client& near = world.greet();
  world.establish(far, world.token("far", {World::both(1, 1)}), {1});
  world.establish(near, world.token("near", {World::both(2, 2)}), {2});
  Client& bob = world.join("bob", {World::sees(3)});
  world.say(bob, sdd::Update{.flow = 3, .nearest = 1, .position = sdd::Position{}});
  const auto show = [&](Client& client, sdd::FlowId flow, double x) {
    std::array<std::byte, sdd::pose::root_bytes> payload;
    ByteWriter out(payload);
    sdd::pose::write(out, sdd::pose::Root{{x, 0, 0}, {}});
    world.send(client, {.key = true,
                        .flow = flow,
                        .alias = static_cast<sdd::Alias>(flow),
                        .seq = client.next[{static_cast<sdd::Alias>(flow), 0}]++,
                        .payload = payload});
  };
  show(far, 1, 40);
  show(near, 2, -3);
  world.run_for(1s);
  bob.got.clear();
  show(far, 1, 41);
  show(near, 2, -3.1);
  world.run_for(10ms);
  EXPECT_EQ(bob.states_of(1), 0U);
  EXPECT_EQ(bob.states_of(2), 1U);
}

TEST(relay_room, a_replica_is_what_a_late_joiner_would_get) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  world.publish(alice, 1, 1, 3, 50);
  world.publish(alice, 1, 1, 0, 20);
  const std::vector<std::byte> change(7, std::byte{9});
  world.send(alice,
             {.flow = 1, .alias = 1, .component = 3, .seq = 1, .base = 0, .payload = change});
  const auto replica = world.relay().replica("room", 1);
  ASSERT_EQ(replica.size(), 2U);
  EXPECT_EQ(replica[0].state, std::vector<std::byte>(20, std::byte{0}));
  EXPECT_TRUE(replica[0].delta.empty());
  EXPECT_EQ(replica[1].component, 3);
  EXPECT_EQ(replica[1].seq, 1U);
  EXPECT_EQ(replica[1].state, std::vector<std::byte>(50, std::byte{3}));
  EXPECT_EQ(replica[1].delta, change);
  EXPECT_TRUE(world.relay().replica("room", 2).empty());
  EXPECT_TRUE(world.relay().replica("elsewhere", 1).empty());
}

TEST(relay_room, who_comes_back_with_numbers_from_0_is_seen_all_the_same) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  Client& bob = world.join("bob", {World::sees(2)});
  for (int i = 0; i < 100; ++i) world.publish(alice, 1, 1);
  world.run_for(10ms);
  const auto last = bob.got.back().frame.seq;
  Client& again = world.join("alice", {World::both(1, 1)});
  EXPECT_FALSE(alice.heard<sdd::Release>().empty());
  world.publish(again, 1, 1);
  world.run_for(10ms);
  EXPECT_EQ(bob.got.back().frame.seq, last + 1);
}

TEST(relay_room, an_asset_that_nobody_publishes_is_forgotten_after_a_while) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  Client& bob = world.join("bob", {World::sees(2)});
  world.publish(alice, 1, 1);
  world.run_for(10ms);
  world.say(alice, sdd::Release{});
  world.run_for(29s);
  EXPECT_EQ(bob.heard<sdd::Event>().size(), 1U);
  world.run_for(2s);
  ASSERT_EQ(bob.heard<sdd::Event>().size(), 2U);
  EXPECT_EQ(bob.heard<sdd::Event>()[1].kind, sdd::EventKind::asset_gone);
  bob.got.clear();
  world.run_for(5s);
  EXPECT_TRUE(bob.got.empty());
}

}  // namespace
}  // namespace lobo::relay
