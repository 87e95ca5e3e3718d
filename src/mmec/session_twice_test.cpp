// Flows that go twice (+D): two ways to one node.
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <utility>

#include "mmec/session.hpp"
#include "mmec/session_test_support.hpp"
#include "mmec/types.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {
namespace {

using namespace std::chrono_literals;
using test::Lab;
using test::octets;
using test::Ue;

constexpr sdd::FlowId first_flow = 100, copy_flow = 200, sees_flow = 300, sees_copy = 400,
                      ordered_flow = 500;

class twice : public ::testing::Test {
 protected:
  /// A UE whose states go and come twice, beside edits (R4) that go once.
  Ue& ue(sdd::Alias alias, sdd::FlowClass reliability = sdd::FlowClass::newest) {
    const auto flow = [&](sdd::FlowId id, sdd::Direction direction) {
      sdd::TokenFlow out = Lab::publishes(alias, reliability);
      out.id = id + alias;
      out.direction = direction;
      out.redundant = true;
      if (direction == sdd::Direction::sub) out.alias = 0, out.asset.clear();
      return out;
    };
    auto edits = Lab::publishes(alias, sdd::FlowClass::ordered);
    edits.id = ordered_flow + alias;
    Settings settings;
    settings.grant = read_grant(lab.token("ue" + std::to_string(alias),
                                          {flow(first_flow, sdd::Direction::pub),
                                           flow(copy_flow, sdd::Direction::pub),
                                           flow(sees_flow, sdd::Direction::sub),
                                           flow(sees_copy, sdd::Direction::sub), edits}),
                                {"127.0.0.1", lab.node().port(), {}, {}})
                         .value();
    settings.second = Place{.host = {}, .port = 0, .certificate = {}, .from = "192.0.2.7"};
    return lab.begin(lab.add(std::move(settings)));
  }
  void play(Ue& from, std::size_t states, std::chrono::microseconds every = 10ms) {
    for (std::size_t i = 0; i < states; ++i) {
      const auto text = "state " + std::to_string(++said);
      ASSERT_TRUE(from.session.publish(0, 0, octets(text), {}, lab.now()));
      lab.run_for(every);
    }
  }
  /// States of the asset that came, each counted as often as it came.
  static std::multiset<std::string> of(const Ue& ue, const std::string& asset) {
    std::multiset<std::string> out;
    for (const auto& one : ue.got)
      if (one.asset == asset) out.insert(one.payload);
    return out;
  }
  static void expect_each_once(const std::multiset<std::string>& states) {
    EXPECT_EQ(states.size(), std::set<std::string>(states.begin(), states.end()).size());
  }
  Lab lab;
  std::size_t said = 0;
};

TEST_F(twice, what_one_way_loses_the_other_brings_and_nothing_comes_twice) {
  Ue& alice = ue(1);
  Ue& bob = ue(2);
  for (Ue* one : {&alice, &bob}) one->path.loss = one->second.loss = 0.2;
  lab.run_for(1s);
  ASSERT_EQ(alice.session.stats().ways, 2U);
  ASSERT_EQ(bob.session.stats().ways, 2U);
  play(alice, 1000);
  lab.run_for(200ms);
  const auto got = of(bob, "urn:asset:1");
  expect_each_once(got);
  // Lost on both of two ways that lose 20 %: 4 % there, and 4 % from there; one way loses 36 %.
  EXPECT_GT(got.size(), 880U);
  EXPECT_GT(alice.session.stats().states_twice, 900U);
  EXPECT_GT(bob.session.stats().copies, 500U);
}

TEST_F(twice, states_in_a_row_of_r1_come_once_each) {
  Ue& alice = ue(1, sdd::FlowClass::lossy);
  Ue& bob = ue(2, sdd::FlowClass::lossy);
  bob.second.delay = 40ms;  // Copies come behind what is newer.
  lab.run_for(1s);
  play(alice, 300);
  lab.run_for(200ms);
  const auto got = of(bob, "urn:asset:1");
  expect_each_once(got);
  EXPECT_EQ(got.size(), 300U);
}

TEST_F(twice, one_way_that_is_gone_interrupts_nothing_and_is_taken_again_when_it_is_back) {
  Ue& alice = ue(1);
  Ue& bob = ue(2);
  lab.run_for(1s);
  for (auto* path : {&alice.path, &alice.second}) {
    const auto before = of(bob, "urn:asset:1").size();
    path->open = false;
    play(alice, 600);
    EXPECT_EQ(of(bob, "urn:asset:1").size(), before + 600);
    EXPECT_EQ(alice.session.phase(), Phase::up);
    path->open = true;
    lab.run_for(12s);
    EXPECT_EQ(alice.session.stats().ways, 2U);
  }
  EXPECT_EQ(alice.count(EventKind::down), 0U);
  EXPECT_EQ(alice.count(EventKind::up), 1U);
  expect_each_once(of(bob, "urn:asset:1"));
}

TEST_F(twice, what_goes_once_goes_by_the_way_that_has_it) {
  Ue& alice = ue(1);
  Ue& bob = ue(2);
  const auto edit = [&](const std::string& text) {
    return alice.session.publish(ordered_flow + 1, 0, octets(text), {}, lab.now());
  };
  lab.run_for(1s);
  ASSERT_TRUE(edit("first"));
  alice.path.open = false;
  play(alice, 500);
  EXPECT_FALSE(edit("nobody takes this")) << "its way is not there";
  alice.path.open = true;
  lab.run_for(12s);
  ASSERT_EQ(alice.session.stats().ways, 2U);
  ASSERT_TRUE(edit("second"));
  lab.run_for(100ms);
  for (const auto* text : {"first", "second"})
    EXPECT_EQ(of(bob, "urn:asset:1").count(text), 1U) << text;
}

TEST_F(twice, a_node_that_is_killed_has_both_ways_back) {
  Ue& alice = ue(1);
  Ue& bob = ue(2);
  lab.run_for(1s);
  play(alice, 10);
  lab.kill(lab.node());
  lab.run_for(500ms);
  lab.restart(lab.node());
  lab.run_for(10s);
  EXPECT_EQ(alice.session.stats().ways, 2U);
  EXPECT_EQ(bob.session.stats().ways, 2U);
  play(alice, 50);
  EXPECT_EQ(bob.newest("urn:asset:1"), "state " + std::to_string(said));
  expect_each_once(of(bob, "urn:asset:1"));
}

TEST_F(twice, without_a_second_way_there_is_one) {
  Ue& alice = lab.begin(lab.ue(1));
  lab.run_for(1s);
  EXPECT_EQ(alice.session.stats().ways, 1U);
}

}  // namespace
}  // namespace lobo::mmec
