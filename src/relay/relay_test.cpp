// Who is let in, what is refused, what is ordered and told.
#include "relay/relay.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "relay/measure/loss.hpp"
#include "relay/ports.hpp"
#include "relay/relay_test_support.hpp"
#include "relay/report.hpp"
#include "support/golden.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"
#include "wire/sdd/varint.hpp"

namespace lobo::relay {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::World;

sdd::EstablishRsp answer(const Client& client) { return client.heard<sdd::EstablishRsp>().back(); }

const FlowWindow& window_of(const Reports& reports, sdd::FlowId flow) {
  return *std::ranges::find(reports.windows, flow, &FlowWindow::flow);
}

TEST(relay, a_token_lets_its_flows_in_and_no_others) {
  World world;
  Client& alice = world.greet();
  const auto token = world.token("alice", {World::both(1, 1), World::sees(2)});
  world.say(alice, sdd::Establish{.request = 7, .token = World::sign(token), .flows = {1, 99}});
  EXPECT_EQ(answer(alice), (sdd::EstablishRsp{.request = 7,
                                              .flows = {{1, 1, sdd::Cause::ok, 0},
                                                        {99, 0, sdd::Cause::flow_unknown, 0}}}));
  EXPECT_EQ(world.relay().flows(), 1U);
  const auto reports = world.relay().report(world.now());
  ASSERT_EQ(reports.changes.size(), 1U);
  EXPECT_EQ(reports.changes[0], (FlowChange{1, "room", "alice", FlowState::up, sdd::Cause::ok}));
}

TEST(relay, a_forged_an_expired_and_a_foreign_token_are_refused_by_cause) {
  World world;
  Client& alice = world.greet();
  const auto show = [&](const sdd::FlowToken& token, const auto& change) {
    auto bytes = World::sign(token);
    change(bytes);
    world.say(alice, sdd::Establish{.request = 1, .token = bytes});
    return answer(alice).cause;
  };
  const auto as_it_is = [](auto&) {};
  const auto good = world.token("alice", {World::both(1, 1)});
  EXPECT_EQ(show(good, [](auto& b) { b.back() ^= std::byte{1}; }), sdd::Cause::token_refused);
  EXPECT_EQ(show(good, [](auto& b) { b.resize(10); }), sdd::Cause::token_malformed);
  auto expired = good;
  expired.expires = expired.issued - 1s;
  EXPECT_EQ(show(expired, as_it_is), sdd::Cause::token_refused);
  auto other_node = good;
  other_node.node = "node-2";
  EXPECT_EQ(show(other_node, as_it_is), sdd::Cause::token_other_node);
  EXPECT_EQ(world.relay().flows(), 0U);
  EXPECT_EQ(world.relay().counts().tokens_refused, 4U);
  EXPECT_EQ(show(good, as_it_is), sdd::Cause::ok);
  EXPECT_EQ(show(world.token("bob", {World::both(5, 5)}), as_it_is), sdd::Cause::token_other_ue);
}

TEST(relay, a_flow_ends_with_its_token_unless_that_is_renewed) {
  World world;
  Client& alice = world.greet();
  Client& bob = world.greet();
  auto token = world.token("alice", {World::both(1, 1)});
  token.expires = token.issued + 10s;
  world.establish(alice, token);
  auto other = world.token("bob", {World::both(2, 2)});
  other.expires = other.issued + 10s;
  world.establish(bob, other);
  world.run_for(5s);
  token.expires += 60s;
  world.establish(alice, token);
  world.run_for(6s);
  EXPECT_EQ(world.relay().flows(), 1U);
  EXPECT_EQ(bob.heard<sdd::Release>(), (std::vector{sdd::Release{{2}, sdd::Cause::token_refused}}));
  EXPECT_TRUE(alice.heard<sdd::Release>().empty());
}

TEST(relay, frames_of_unknown_flows_with_impossible_lengths_or_from_the_far_future_change_nothing) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  Client& bob = world.join("bob", {World::sees(2)});
  world.publish(alice, 1, 1);
  world.run_for(10ms);
  ASSERT_EQ(bob.got.size(), 1U);
  const std::vector<std::byte> payload(8);
  world.send(alice, {.flow = 77, .alias = 1, .seq = 1, .payload = payload});
  world.send(alice, {.flow = 2, .alias = 1, .seq = 1, .payload = payload});  // bob's
  world.send(alice, {.flow = 1, .alias = 9, .seq = 1, .payload = payload});
  world.send(alice, {.flow = 1, .alias = 1, .seq = 100'000, .payload = payload});
  world.send(bob, {.flow = 2, .alias = 1, .seq = 5, .payload = payload});  // to receive with
  world.relay().on_datagram(alice.link, lobo::test::from_hex("00 01 0001 00 00000005 7fff 00"),
                            world.now());
  world.relay().on_datagram(alice.link, lobo::test::from_hex("e0"), world.now());
  world.relay().on_datagram(12345, lobo::test::from_hex("00"), world.now());
  const std::vector<std::byte> too_large(sdd::fragment_payload_max + 1);
  world.send(alice, {.flow = 1, .alias = 1, .seq = 2, .payload = too_large});
  world.run_for(10ms);
  EXPECT_EQ(bob.got.size(), 1U);
  EXPECT_EQ(world.relay().counts().flows_unknown, 2U);
  EXPECT_EQ(world.relay().counts().datagrams_malformed, 2U);
  EXPECT_EQ(world.relay().counts().states.other_asset, 2U);
  EXPECT_EQ(world.relay().counts().states.too_large, 1U);
  EXPECT_EQ(world.relay().counts().states.too_far, 1U);
  const auto reports = world.relay().report(world.now());
  EXPECT_EQ(window_of(reports, 1).published.too_far, 1U);
  EXPECT_EQ(window_of(reports, 1).refused.other_asset, 1U);
  EXPECT_EQ(window_of(reports, 1).refused.too_large, 1U);
  EXPECT_EQ(window_of(reports, 2).refused.other_asset, 1U);
  world.publish(alice, 1, 1);
  world.run_for(10ms);
  EXPECT_EQ(bob.got.size(), 2U);
}

TEST(relay, who_does_not_greet_or_says_what_a_node_says_is_put_out) {
  World world;
  Client& mute = world.open();
  Client& rude = world.open();
  world.say(rude, sdd::StateRequest{});
  EXPECT_EQ(rude.why, sdd::Cause::protocol);
  Client& odd = world.greet();
  world.say(odd, sdd::Tier{});
  EXPECT_EQ(odd.why, sdd::Cause::protocol);
  Client& twice = world.greet();
  world.say(twice, sdd::Hello{});
  EXPECT_TRUE(twice.closed);
  Client& later = world.open();
  world.say(later, sdd::Hello{.version = 2});
  EXPECT_TRUE(later.closed);
  Client& garbled = world.greet();
  world.relay().on_control(garbled.link, lobo::test::from_hex("02ffff"), world.now());
  EXPECT_EQ(garbled.why, sdd::Cause::protocol);
  world.run_for(11s);
  EXPECT_EQ(mute.why, sdd::Cause::idle);
  EXPECT_EQ(world.relay().links(), 0U);
}

TEST(relay, links_rooms_flows_and_components_are_bounded) {
  World world(1, {.links_max = 3,
                  .rooms_max = 1,
                  .flows_of_link_max = 2,
                  .assets_of_room_max = 2,
                  .components_of_asset_max = 4});
  Client& alice = world.join("alice", {World::both(1, 1), World::sees(2), World::sees(3)});
  EXPECT_EQ(answer(alice).flows[2].cause, sdd::Cause::too_many);
  for (unsigned component = 0; component < 10; ++component)
    world.publish(alice, 1, 1, static_cast<sdd::Component>(component));
  EXPECT_EQ(window_of(world.relay().report(world.now()), 1).refused.too_many, 6U);
  Client& bob = world.join("bob", {World::both(12, 12), World::both(13, 13)});
  EXPECT_EQ(answer(bob).flows[1].cause, sdd::Cause::too_many);
  Client& carol = world.greet();
  auto elsewhere = world.token("carol", {World::sees(20)});
  elsewhere.room = "elsewhere";
  world.establish(carol, elsewhere);
  EXPECT_EQ(answer(carol).cause, sdd::Cause::too_many);
  EXPECT_EQ(world.open().why, sdd::Cause::too_many);
}

TEST(relay, orders_release_relocate_close_and_fence) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1), World::both(2, 2)});
  Client& bob = world.join("bob", {World::both(3, 3)});
  EXPECT_FALSE(world.relay().take(ReleaseFlow{99, sdd::Cause::released}, world.now()));
  ASSERT_TRUE(world.relay().take(ReleaseFlow{1, sdd::Cause::released}, world.now()));
  EXPECT_EQ(alice.heard<sdd::Release>(), (std::vector{sdd::Release{{1}, sdd::Cause::released}}));
  ASSERT_TRUE(world.relay().take(
      Relocate{.flow = 3, .address = "127.0.0.69:4433", .token = {std::byte{1}}}, world.now()));
  const auto told = bob.heard<sdd::Event>().back();
  EXPECT_EQ(told.kind, sdd::EventKind::relocate);
  EXPECT_EQ(told.address, "127.0.0.69:4433");
  ASSERT_TRUE(world.relay().take(FenceRoom{"room", 2}, world.now()));
  EXPECT_EQ(world.relay().flows(), 0U);
  world.establish(bob, world.token("bob", {World::both(3, 3)}));
  EXPECT_EQ(answer(bob).cause, sdd::Cause::epoch_old);
  auto newer = world.token("bob", {World::both(3, 3)});
  newer.epoch = 2;
  world.establish(bob, newer);
  EXPECT_EQ(answer(bob).cause, sdd::Cause::ok);
  ASSERT_TRUE(world.relay().take(CloseRoom{"room"}, world.now()));
  EXPECT_EQ(bob.heard<sdd::Release>().back(), (sdd::Release{{3}, sdd::Cause::room_closed}));
  EXPECT_FALSE(world.relay().take(CloseRoom{"room"}, world.now()));
}

TEST(relay, clocks_are_compared_and_what_a_receiver_measured_is_reported) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  world.say(alice, sdd::ClockPing{5, 1234});
  const auto now = static_cast<std::uint64_t>(world.now().time_since_epoch().count());
  EXPECT_EQ(alice.heard<sdd::ClockPong>(), (std::vector{sdd::ClockPong{5, 1234, now, now}}));
  world.say(alice, sdd::FlowStats{.flow = 1,
                                  .received = 95,
                                  .lost = 5,
                                  .jitter_us = 700,
                                  .clock_error_us = 1500,
                                  .delay = {10, 95},
                                  .age = {1}});  // pairs that cannot be
  const auto reports = world.relay().report(world.now());
  const auto& window = window_of(reports, 1);
  EXPECT_EQ(window.received.loss, (LossCount{100, 5}));
  EXPECT_EQ(window.received.delay.count(10), 95U);
  EXPECT_EQ(window.received.age.total(), 0U);
  EXPECT_EQ(window.received.jitter, 700us);
  EXPECT_EQ(window.clock_error, 1500us);
  EXPECT_EQ(window_of(world.relay().report(world.now()), 1).received.states, 0U);
}

TEST(relay, what_the_sender_calls_lost_is_what_the_receiver_misses) {
  World world(3);
  Client& alice = world.join("alice", {World::both(1, 1)});
  Client& bob = world.join("bob", {World::sees(2)}, {.loss = 0.05});
  for (int i = 0; i < 2000; ++i) {
    world.publish(alice, 1, 1);
    world.run_for(17ms);
  }
  world.run_for(100ms);
  const auto reports = world.relay().report(world.now());
  const auto& window = window_of(reports, 2);
  std::set<sdd::Sequence> seen;
  for (const auto& got : bob.got) seen.insert(got.frame.seq);
  EXPECT_EQ(window.datagrams.lost, 2000 - seen.size());
  EXPECT_EQ(window.datagrams.acked, bob.datagrams);
  EXPECT_NEAR(static_cast<double>(window.datagrams.lost), 100, 30);
}

std::vector<std::byte> stream_of(const sdd::StreamHeader& header,
                                 const std::vector<std::vector<std::byte>>& messages) {
  std::vector<std::byte> bytes(sdd::stream_header_bytes_max + 100'000);
  ByteWriter out(bytes);
  sdd::write_stream_header(out, header);
  for (const auto& message : messages) {
    if (header.reliability == sdd::FlowClass::ordered) sdd::write_varint(out, message.size());
    out.bytes(message);
  }
  bytes.resize(out.position());
  return bytes;
}

sdd::TokenFlow of_class(sdd::FlowId id, sdd::Alias alias, sdd::FlowClass kind) {
  auto flow = World::both(id, alias);
  flow.reliability = kind;
  return flow;
}

const std::vector<std::byte> hello_bytes = lobo::test::from_hex("68656c6c6f");
const std::vector<std::byte> world_bytes = lobo::test::from_hex("776f726c64");

TEST(relay, ordered_messages_go_on_one_stream_in_pieces_as_they_come) {
  World world;
  Client& alice = world.join("alice", {of_class(1, 1, sdd::FlowClass::ordered)});
  Client& bob = world.join("bob", {World::sees(2)});
  const sdd::StreamHeader header{
      .flow = 1, .reliability = sdd::FlowClass::ordered, .alias = 1, .seq = 5};
  const auto bytes = stream_of(header, {hello_bytes, {}, world_bytes});
  for (const std::byte& octet : bytes)
    world.relay().on_stream(alice.link, 2, Bytes(&octet, 1), false, world.now());
  ASSERT_EQ(bob.streams.size(), 1U);
  auto expected = header;
  expected.flow = 2;
  EXPECT_EQ(bob.streams.begin()->second.bytes, stream_of(expected, {hello_bytes, {}, world_bytes}));
  EXPECT_FALSE(bob.streams.begin()->second.fin);
}

TEST(relay, unordered_messages_have_a_stream_each_and_wait_while_the_path_is_full) {
  World world;
  Client& alice = world.join("alice", {of_class(1, 1, sdd::FlowClass::unordered)});
  Client& bob = world.join("bob", {World::sees(2)});
  const sdd::StreamHeader header{.flow = 1, .reliability = sdd::FlowClass::unordered, .alias = 1};
  world.relay().on_stream(alice.link, 2, stream_of(header, {hello_bytes}), true, world.now());
  bob.path.reads = false;
  world.relay().on_stream(alice.link, 6, stream_of(header, {world_bytes}), true, world.now());
  world.run_for(1s);
  EXPECT_EQ(bob.streams.size(), 1U);
  bob.path.reads = true;
  world.run_for(10ms);
  ASSERT_EQ(bob.streams.size(), 2U);
  for (const auto& [no, stream] : bob.streams) EXPECT_TRUE(stream.fin);
}

TEST(relay, a_message_with_a_deadline_is_given_up_then) {
  World world;
  Client& alice = world.join("alice", {of_class(1, 1, sdd::FlowClass::deadline)});
  Client& bob = world.join("bob", {World::sees(2)});
  Client& carol = world.join("carol", {World::sees(3)});
  const sdd::StreamHeader header{
      .flow = 1, .reliability = sdd::FlowClass::deadline, .alias = 1, .deadline = 200ms};
  carol.path.reads = false;
  world.relay().on_stream(alice.link, 2, stream_of(header, {hello_bytes}), true, world.now());
  world.run_for(150ms);
  EXPECT_FALSE(bob.streams.begin()->second.reset);
  world.run_for(200ms);
  EXPECT_TRUE(bob.streams.begin()->second.reset);
  carol.path.reads = true;
  world.run_for(1s);
  EXPECT_TRUE(carol.streams.empty());
  EXPECT_EQ(window_of(world.relay().report(world.now()), 3).delivered.expired, 1U);
}

TEST(relay, who_does_not_read_what_may_not_be_lost_is_put_out_and_nobody_else) {
  World world;
  Client& alice = world.join("alice", {of_class(1, 1, sdd::FlowClass::ordered)});
  Client& bob = world.join("bob", {World::sees(2)});
  Client& deaf = world.join("deaf", {World::sees(3)});
  deaf.path.reads = false;
  const sdd::StreamHeader header{.flow = 1, .reliability = sdd::FlowClass::ordered, .alias = 1};
  world.relay().on_stream(alice.link, 2, stream_of(header, {}), false, world.now());
  std::vector<std::byte> message(4 + 60'000);
  ByteWriter out(message);
  sdd::write_varint(out, 60'000);
  for (int i = 0; i < 20; ++i) world.relay().on_stream(alice.link, 2, message, false, world.now());
  EXPECT_EQ(deaf.why, sdd::Cause::too_slow);
  EXPECT_FALSE(bob.closed);
  EXPECT_GT(bob.streams.begin()->second.bytes.size(), 20U * 60'000);
}

TEST(relay, streams_that_claim_too_much_or_never_end_are_refused_and_cost_a_bounded_place) {
  World world;
  Client& alice = world.join("alice", {of_class(1, 1, sdd::FlowClass::unordered)});
  Client& bob = world.join("bob", {World::sees(2)});
  const sdd::StreamHeader header{.flow = 1, .reliability = sdd::FlowClass::unordered, .alias = 1};
  const auto begun = stream_of(header, {std::vector<std::byte>(10'000)});
  for (StreamNo no = 0; no < 200; ++no)
    world.relay().on_stream(alice.link, no, begun, false, world.now());
  // 26 of 10 kB fill the link's place, 64 are remembered at most.
  EXPECT_EQ(world.relay().counts().streams_refused, 200U - 26);
  world.relay().on_stream(alice.link, 0, {}, true, world.now());
  EXPECT_EQ(bob.streams.size(), 1U);
  world.relay().on_stream_reset(alice.link, 1);
  world.relay().on_stream(alice.link, 1000, stream_of(header, {hello_bytes}), true, world.now());
  EXPECT_EQ(bob.streams.size(), 2U);
  const auto bad = lobo::test::from_hex("0001");
  world.relay().on_stream(alice.link, 1001, bad, true, world.now());
  EXPECT_EQ(bob.streams.size(), 2U);
}

TEST(relay, nothing_is_left_where_everyone_has_gone) {
  World world;
  for (int round = 0; round < 20; ++round) {
    const auto flow = static_cast<sdd::FlowId>(round + 1);
    Client& client = world.join("ue-" + std::to_string(round), {World::both(flow, 1)});
    world.publish(client, flow, 1);
    world.run_for(20ms);
    world.relay().on_closed(client.link, world.now());
  }
  world.run_for(11min);
  EXPECT_EQ(world.relay().links(), 0U);
  EXPECT_EQ(world.relay().flows(), 0U);
  EXPECT_EQ(world.relay().rooms(), 0U);
  EXPECT_FALSE(world.relay().next_due());
}

TEST(relay, what_drains_goes_on_for_a_while_and_ends_then) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  ASSERT_TRUE(world.relay().take(ReleaseFlow{.flow = 1, .drain = 500ms}, world.now()));
  (void)world.relay().changes();
  world.run_for(300ms);
  EXPECT_EQ(world.relay().flows(), 1U);
  EXPECT_TRUE(alice.heard<sdd::Release>().empty());
  world.run_for(400ms);
  EXPECT_EQ(world.relay().flows(), 0U);
  ASSERT_EQ(alice.heard<sdd::Release>().size(), 1U);
  const auto changes = world.relay().changes().changes;
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].state, FlowState::closed);
}

TEST(relay, who_is_sent_elsewhere_drains_with_all_flows_and_one_that_came_back_does_not) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1), World::sees(2)});
  Client& bob = world.join("bob", {World::both(3, 2)});
  ASSERT_TRUE(world.relay().take(
      Relocate{.flow = 1, .address = "127.0.0.1:1", .token = {}, .drain = 500ms}, world.now()));
  EXPECT_EQ(alice.heard<sdd::Event>().back().kind, sdd::EventKind::relocate);
  // By a new connection to the same node: that one stays.
  Client& again = world.join("alice", {World::both(1, 1)});
  world.run_for(1s);
  EXPECT_EQ(answer(again).flows.at(0).cause, sdd::Cause::ok);
  EXPECT_EQ(world.relay().flows(), 2U) << "alice's first flow, and bob's";
  EXPECT_TRUE(bob.heard<sdd::Release>().empty());
}

TEST(relay, a_rate_that_is_ordered_bounds_what_a_receiver_is_sent) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  Client& bob = world.join("bob", {World::sees(2)});
  ASSERT_TRUE(world.relay().take(SetRate{.flow = 2, .bps = 40'000}, world.now()));
  world.run_for(100ms);
  const auto before = bob.bytes;
  for (int i = 0; i < 400; ++i) {
    for (sdd::Component part = 0; part < 4; ++part) world.publish(alice, 1, 1, part, 400);
    world.run_for(10ms);
  }
  EXPECT_LT(bob.bytes - before, 40'000U) << "5 kB/s for 4 s, and a bucket of 16 kB";
  EXPECT_GT(bob.states_of(1), 10U);
}

TEST(relay, without_a_lease_who_comes_waits_and_is_let_in_when_it_is_there) {
  World world;
  world.relay().bind({.held = false, .since = {}}, world.now());
  Client& alice = world.join("alice", {World::both(1, 1)});
  EXPECT_TRUE(alice.heard<sdd::EstablishRsp>().empty());
  world.establish(alice, world.token("alice", {World::both(1, 1)}));
  EXPECT_EQ(answer(alice).cause, sdd::Cause::too_many) << "one token waits, no more";
  world.relay().bind({.held = true, .since = {}}, world.now());
  EXPECT_EQ(answer(alice).cause, sdd::Cause::ok);
  EXPECT_EQ(world.relay().flows(), 1U);
}

TEST(relay, a_token_of_before_the_lease_is_good_for_a_room_that_the_lease_names_and_no_other) {
  World world;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(world.now());
  const auto old = [&](const std::string& room) {
    auto token = world.token("alice", {World::both(1, 1)});
    token.room = room;
    token.epoch = 5;
    token.issued = seconds - 10s;
    return token;
  };
  world.relay().bind({.held = false, .since = {}}, world.now());
  ASSERT_TRUE(world.relay().take(FenceRoom{"mine", 5, true}, world.now()));
  world.relay().bind({.held = true, .since = seconds}, world.now());
  Client& one = world.greet();
  world.establish(one, old("lost"));
  EXPECT_EQ(answer(one).cause, sdd::Cause::epoch_old);
  Client& two = world.greet();
  world.establish(two, old("mine"));
  EXPECT_EQ(answer(two).cause, sdd::Cause::ok);
  // A token that is newer than the lease proves that the room was given since.
  auto fresh = old("new");
  fresh.issued = seconds;
  Client& three = world.greet();
  world.establish(three, fresh);
  EXPECT_EQ(answer(three).cause, sdd::Cause::ok);
}

TEST(relay, a_lease_that_is_over_puts_everybody_out) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  world.relay().bind({.held = false, .since = {}}, world.now());
  world.relay().stop(world.now());
  EXPECT_EQ(world.relay().flows(), 0U);
  ASSERT_EQ(alice.heard<sdd::Release>().size(), 1U);
  EXPECT_EQ(alice.heard<sdd::Release>()[0].cause, sdd::Cause::epoch_old);
}

TEST(relay, a_room_that_went_elsewhere_drains_and_lets_the_tokens_of_before_in_no_more) {
  World world;
  Client& alice = world.join("alice", {World::both(1, 1)});
  ASSERT_TRUE(
      world.relay().take(CloseRoom{.room = "room", .epoch = 2, .drain = 500ms}, world.now()));
  Client& late = world.join("bob", {World::both(2, 2)});
  EXPECT_EQ(answer(late).cause, sdd::Cause::epoch_old);
  EXPECT_EQ(world.relay().flows(), 1U);
  world.run_for(1s);
  EXPECT_EQ(world.relay().flows(), 0U);
  EXPECT_EQ(alice.heard<sdd::Release>().at(0).cause, sdd::Cause::room_closed);
}

}  // namespace
}  // namespace lobo::relay
