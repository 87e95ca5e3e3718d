#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "adapters/quic/links.hpp"
#include "relay_node/lab.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::testing {
namespace {

using relay_room = RelayLab;

TEST_F(relay_room, two_ues_see_each_other_and_a_third_that_comes_late_sees_both_at_once) {
  const auto alice = client(1);
  const auto bob = client(2);
  alice->connect(target());
  bob->connect(target());
  ASSERT_TRUE(until([&] { return alice->up && bob->up; }));
  alice->publish("alice waves");
  bob->publish("bob nods");
  ASSERT_TRUE(until([&] { return alice->seen.contains(2) && bob->seen.contains(1); }));
  EXPECT_EQ(bob->seen.at(1), "alice waves");
  EXPECT_EQ(alice->seen.at(2), "bob nods");
  EXPECT_FALSE(alice->seen.contains(1)) << "nobody is shown himself";
  const auto carol = client(3);
  carol->connect(target());
  ASSERT_TRUE(until([&] { return carol->seen.size() == 2; }));
  EXPECT_EQ(carol->seen.at(1), "alice waves");
  EXPECT_EQ(node->relay().links(), 3U);
}

TEST_F(relay_room, a_message_by_a_stream_of_its_own_arrives_once_each_and_streams_do_not_run_out) {
  const auto alice = client(1);
  const auto bob = client(2);
  alice->connect(target());
  bob->connect(target());
  ASSERT_TRUE(until([&] { return alice->up && bob->up; }));
  constexpr std::size_t many = 300;  // more than may be open at a time
  std::size_t said = 0;
  ASSERT_TRUE(until([&] {
    for (int i = 0; i < 8 && said < many; ++i)
      if (alice->tell("message " + std::to_string(said), 12)) ++said;
    return bob->messages.size() == many;
  })) << bob->messages.size();
  std::ranges::sort(bob->messages);
  EXPECT_EQ(std::ranges::unique(bob->messages).size(), 0U);
}

TEST_F(relay_room, a_token_of_somebody_else_lets_nobody_in_and_says_why) {
  auto bytes = token("ue1", {{.id = 10, .alias = 1, .asset = "a"}});
  bytes.back() ^= std::byte{1};
  SddClient forger(loop, bytes, 10, 1);
  forger.connect(target());
  ASSERT_TRUE(until([&] { return forger.answer.has_value(); }));
  EXPECT_EQ(forger.answer->cause, sdd::Cause::token_refused);
  EXPECT_EQ(node->relay().counts().tokens_refused, 1U);
}

TEST_F(relay_room, a_component_that_a_receiver_may_not_see_never_reaches_it) {
  const auto alice = client(1);
  SddClient bob(loop,
                token("ue2", {{.id = 21, .direction = sdd::Direction::sub, .components = 0b01}}),
                21, 2);
  alice->connect(target());
  bob.connect(target());
  ASSERT_TRUE(until([&] { return alice->up && bob.up; }));
  for (int i = 0; i < 20; ++i) {
    alice->publish("a face", 1);
    alice->publish("a place", 0);
    const auto before = bob.states;
    ASSERT_TRUE(until([&] { return bob.states > before; }));
  }
  EXPECT_TRUE(std::ranges::all_of(bob.components, [](auto component) { return component == 0; }));
}

TEST_F(relay_room, a_client_that_ends_its_control_stream_is_let_go) {
  const auto alice = client(1);
  alice->connect(target());
  ASSERT_TRUE(until([&] { return alice->up; }));
  alice->end_control();
  ASSERT_TRUE(until([&] { return !alice->closed.empty() && node->relay().links() == 0; }));
  EXPECT_EQ(alice->closed.at(0).cause, quic::CloseCause::peer);
  EXPECT_EQ(alice->closed.at(0).code, static_cast<std::uint64_t>(sdd::Cause::protocol));
}

}  // namespace
}  // namespace lobo::testing
