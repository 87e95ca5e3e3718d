#include "relay/client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "relay/measure/histogram.hpp"
#include "relay/measure/loss.hpp"
#include "relay/relay_test_support.hpp"
#include "relay/report.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::PathOf;
using test::World;

/// A UE whose clock is off, behind a path that delays both ways.
class Ue final : public ClientSink {
 public:
  Ue(World& world, PathOf path, std::chrono::microseconds skew)
      : core(*this), world_(world), client_(world.open(path)), skew_(skew) {
    client_.take_datagram = [this](Bytes bytes) { core.on_datagram(bytes, clock()); };
    client_.take_control = [this](Bytes bytes) { EXPECT_TRUE(core.on_control(bytes, clock())); };
    core.on_open("test", clock());
    tick();
  }
  Instant clock() const { return world_.now() + skew_; }
  Client& link() { return client_; }
  void establish(const sdd::FlowToken& token) {
    core.say(sdd::Establish{.request = 1, .token = World::sign(token)});
  }

  void send_datagram(Bytes datagram) override {
    if (lose_each > 0 && ++sent % lose_each == 0) return;
    world_.at(world_.now() + client_.path.delay,
              [this, kept = std::vector(datagram.begin(), datagram.end())] {
                world_.relay().on_datagram(client_.link, kept, world_.now());
              });
  }
  void send_control(Bytes bytes) override {
    ++said_count;
    sdd::ControlReader reader;
    Bytes in = bytes;
    const auto message = reader.next(in).value();
    if (const auto* one = std::get_if<sdd::FlowStats>(&*message)) stats.push_back(*one);
    world_.at(world_.now() + client_.path.delay,
              [this, kept = std::vector(bytes.begin(), bytes.end())] {
                world_.relay().on_control(client_.link, kept, world_.now());
              });
  }
  void received(const Received& state) override {
    got.push_back(state);
    payloads.emplace_back(state.payload.begin(), state.payload.end());
  }
  void told(const sdd::ControlMessage& message) override { heard.push_back(message); }
  void left_out(sdd::FlowId /*flow*/, std::uint64_t states) override {
    ++answers;
    unsent += states;
  }

  ClientCore core;
  std::vector<Received> got;
  std::vector<std::vector<std::byte>> payloads;
  std::vector<sdd::ControlMessage> heard;
  std::vector<sdd::FlowStats> stats;
  std::uint64_t lose_each = 0;  ///< on the way to the node, one of so many; 0: none
  std::uint64_t sent = 0;
  std::uint64_t answers = 0;
  std::uint64_t unsent = 0;
  std::size_t said_count = 0;

 private:
  void tick() {
    world_.at(*core.next_due() - skew_, [this] {
      core.advance(clock());
      tick();
    });
  }

  World& world_;
  Client& client_;
  std::chrono::microseconds skew_;
};

TEST(client_core, injected_loss_delay_and_jitter_are_told_as_they_are) {
  World world(11);
  Ue alice(world, {.delay = 5ms}, 3s);
  Ue bob(world, {.delay = 20ms, .jitter = 6ms, .loss = 0.03}, -7s);
  alice.establish(world.token("alice", {World::both(1, 1)}));
  bob.establish(world.token("bob", {World::sees(2)}));
  world.run_for(3s);
  const std::vector<std::byte> payload(200);
  const auto lost_before = bob.link().lost;
  bob.stats.clear();
  constexpr int states = 1200;
  for (int i = 0; i < states; ++i) {
    ASSERT_TRUE(alice.core.publish(1, 1, 0, payload, std::nullopt, alice.clock()));
    world.run_for(33ms);
  }
  world.run_for(2s);
  // Half of the round trip bounds the offset: both ways take the same here, so it is nearly right.
  ASSERT_TRUE(bob.core.clock());
  EXPECT_NEAR(static_cast<double>(bob.core.clock()->offset.count()), 7e6, 200);
  EXPECT_LE(bob.core.clock()->error, 20'001us);
  Histogram delay;
  LossCount loss;
  double jitter = 0;
  for (const auto& told : bob.stats) {
    delay.merge(Histogram::from_sparse(told.delay).value());
    loss.merge({told.received + told.lost, told.lost});
    jitter += told.jitter_us / static_cast<double>(bob.stats.size());
  }
  EXPECT_NEAR(static_cast<double>(loss.lost), static_cast<double>(bob.link().lost - lost_before),
              2);
  EXPECT_NEAR(static_cast<double>(loss.expected), states, 1);
  // 5 ms up, a window of 4, 20 to 26 down; buckets are a sixteenth wide.
  EXPECT_NEAR(static_cast<double>(*delay.percentile(50)), 32'000, 1'000);
  EXPECT_LE(*delay.percentile(100), 35'000U * 17 / 16);
  // Two delays that are uniform in 6 ms are 2 ms apart in the mean.
  EXPECT_NEAR(jitter, 2'000, 200);
  const auto reports = world.relay().report(world.now());
  for (const FlowWindow& window : reports.windows) {
    if (window.flow == 1) {
      EXPECT_EQ(window.published.loss.lost, 0U);
      EXPECT_NEAR(static_cast<double>(*window.published.delay.percentile(50)), 5'000, 400);
    } else {
      EXPECT_EQ(window.received.loss.lost, loss.lost);
      EXPECT_EQ(window.received.delay.total(), delay.total());
    }
  }
}

/// What a receiver's windows said in all, as the node has them.
FlowWindow told_of(const Reports& reports, sdd::FlowId flow) {
  const auto found = std::ranges::find(reports.windows, flow, &FlowWindow::flow);
  return found == reports.windows.end() ? FlowWindow{} : *found;
}

TEST(client_core, states_that_a_tier_leaves_out_are_not_lost) {
  World world(5);
  Ue alice(world, {.delay = 2ms}, 0s);
  Ue bob(world, {.delay = 40ms}, 0s);
  alice.establish(world.token("alice", {World::both(1, 1)}));
  bob.establish(world.token("bob", {World::sees(2)}));
  world.run_for(1s);
  ASSERT_TRUE(world.relay().take(SetTier{.flow = 2, .tier = 3}, world.now()));
  const std::vector<std::byte> payload(40);
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(alice.core.publish(1, 1, 0, payload, std::nullopt, alice.clock()));
    world.run_for(16ms);
  }
  // Back at full rate: what was left out before is no loss either.
  ASSERT_TRUE(world.relay().take(SetTier{.flow = 2, .tier = 0}, world.now()));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(alice.core.publish(1, 1, 0, payload, std::nullopt, alice.clock()));
    world.run_for(16ms);
  }
  world.run_for(2s);
  const auto told = told_of(world.relay().report(world.now()), 2);
  EXPECT_GT(told.delivered.conflated, 400U);
  EXPECT_EQ(told.received.states, bob.got.size());
  EXPECT_EQ(told.received.loss.lost, 0U);
}

TEST(client_core, of_what_a_tier_leaves_over_the_paths_losses_are_told) {
  World world(23);
  Ue alice(world, {.delay = 2ms}, 0s);
  Ue bob(world, {.delay = 40ms, .jitter = 5ms, .loss = 0.08}, 0s);
  alice.establish(world.token("alice", {World::both(1, 1)}));
  bob.establish(world.token("bob", {World::sees(2)}));
  world.run_for(1s);
  ASSERT_TRUE(world.relay().take(SetTier{.flow = 2, .tier = 2}, world.now()));
  const auto lost_before = bob.link().lost;
  const std::vector<std::byte> payload(40);
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(alice.core.publish(1, 1, 0, payload, std::nullopt, alice.clock()));
    world.run_for(16ms);
  }
  world.run_for(2s);
  const auto told = told_of(world.relay().report(world.now()), 2);
  const auto lost = bob.link().lost - lost_before;
  EXPECT_GT(lost, 20U);
  EXPECT_NEAR(static_cast<double>(told.received.loss.lost), static_cast<double>(lost), 3);
}

TEST(client_core, the_node_says_what_it_left_out_and_what_never_came_to_it_stays_lost) {
  World world(31);
  Ue alice(world, {.delay = 2ms}, 0s);
  Ue bob(world, {.delay = 40ms, .loss = 0.05}, 0s);
  alice.lose_each = 20;
  alice.establish(world.token("alice", {World::both(1, 1)}));
  bob.establish(world.token("bob", {World::sees(2)}));
  world.run_for(1s);
  ASSERT_TRUE(world.relay().take(SetTier{.flow = 2, .tier = 2}, world.now()));
  const std::vector<std::byte> payload(40);
  constexpr std::uint64_t published = 3000;
  for (std::uint64_t i = 0; i < published; ++i) {
    ASSERT_TRUE(alice.core.publish(1, 1, 0, payload, std::nullopt, alice.clock()));
    world.run_for(16ms);
  }
  world.run_for(2s);
  const auto reports = world.relay().report(world.now());
  const auto up = told_of(reports, 1);
  const auto down = told_of(reports, 2);
  std::uint64_t missed = 0;
  for (const auto& told : bob.stats) missed += told.lost;
  EXPECT_GT(bob.unsent, published / 4);
  EXPECT_GT(up.published.loss.lost, 100U);
  EXPECT_GT(down.received.loss.lost, 20U);
  // Of what he misses beyond that, this leg lost as much as the relay says, and the other one its
  // share, of which a part fell between two states that he was sent anyway.
  EXPECT_NEAR(static_cast<double>(missed - bob.unsent),
              static_cast<double>(up.published.loss.lost + down.received.loss.lost), 8);
  EXPECT_GE(bob.answers, bob.stats.size() - 1);
}

TEST(client_core, a_state_of_four_fragments_is_one_state_and_a_copy_of_it_is_none) {
  World world;
  Ue alice(world, {}, 0s);
  Ue bob(world, {}, 0s);
  alice.establish(world.token("alice", {World::both(1, 1)}));
  bob.establish(world.token("bob", {World::sees(2)}));
  world.run_for(100ms);
  std::vector<std::byte> large(sdd::state_bytes_max);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::byte>(i * 7 & 0xFFU);
  ASSERT_TRUE(alice.core.publish(1, 1, 2, large, std::nullopt, alice.clock()));
  world.run_for(100ms);
  ASSERT_EQ(bob.got.size(), 1U);
  EXPECT_EQ(bob.payloads[0], large);
  bob.core.say(sdd::StateRequest{.flow = 2});
  world.run_for(100ms);
  EXPECT_EQ(bob.got.size(), 1U);
  EXPECT_EQ(bob.link().datagrams, 8U);
}

TEST(client_core, what_cannot_be_published_is_refused) {
  World world;
  Ue alice(world, {}, 0s);
  EXPECT_FALSE(alice.core.publish(1, 1, 0, {}, std::nullopt, alice.clock()));
  EXPECT_FALSE(
      alice.core.publish(1, 1, 0, std::vector<std::byte>(4097), std::nullopt, alice.clock()));
}

TEST(client_core, it_sees_its_states_again_after_it_was_connected_anew) {
  World world;
  Ue alice(world, {}, 0s);
  alice.establish(world.token("alice", {World::both(1, 1)}));
  Ue bob(world, {}, 0s);
  bob.establish(world.token("bob", {World::sees(2)}));
  world.run_for(100ms);
  const std::vector<std::byte> payload(20);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(alice.core.publish(1, 1, 0, payload, std::nullopt, alice.clock()));
    world.run_for(20ms);
  }
  EXPECT_EQ(bob.got.size(), 5U);
  Ue again(world, {}, 0s);
  again.establish(world.token("bob", {World::sees(2)}));
  world.run_for(10ms);
  ASSERT_EQ(again.got.size(), 1U);
  EXPECT_EQ(again.got[0].seq, bob.got.back().seq);
  ASSERT_TRUE(alice.core.publish(1, 1, 0, payload, std::nullopt, alice.clock()));
  world.run_for(20ms);
  EXPECT_EQ(again.got.size(), 2U);
  EXPECT_EQ(bob.got.size(), 5U);
}

}  // namespace
}  // namespace lobo::relay
