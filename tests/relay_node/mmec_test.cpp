// The enabler's client over real sockets: a node of its own, and a bad network between.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/impair/proxy.hpp"
#include "adapters/quic/quic.hpp"
#include "base/require.hpp"
#include "mmec/meter.hpp"
#include "mmec/ports.hpp"
#include "mmec/types.hpp"
#include "mmec_client/client.hpp"
#include "model/address.hpp"
#include "relay_node/lab.hpp"
#include "wire/impair/line.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::testing {
namespace {

using namespace std::chrono_literals;

class Person final : public mmec::Application {
 public:
  void received(const mmec::State& state) override {
    newest[std::string(state.asset)] = text_of(state.payload);
    ++states;
  }
  void told(const mmec::Event& event) override { ++events[event.kind]; }
  std::map<std::string, std::string> newest;
  std::size_t states = 0;
  std::map<mmec::EventKind, int> events;
};

class mmec_client : public RelayLab {
 protected:
  mmec::Settings settings(sdd::Alias alias, sdd::FlowClass reliability = sdd::FlowClass::newest) {
    const auto to = target();
    mmec::Place place{model::to_text(to.to.address), to.to.port, to.trust.certificate_sha256};
    mmec::Settings out;
    out.grant = mmec::read_grant(token("ue" + std::to_string(alias),
                                       {{.id = alias * 10U,
                                         .alias = alias,
                                         .asset = "urn:asset:" + std::to_string(alias),
                                         .direction = sdd::Direction::pub,
                                         .reliability = reliability},
                                        {.id = alias * 10U + 1,
                                         .direction = sdd::Direction::sub,
                                         .reliability = reliability}}),
                                 std::move(place))
                    .value();
    return out;
  }
  std::unique_ptr<app::MmecClient> join(Person& person, mmec::Settings with) {
    auto made = app::MmecClient::open(std::move(with), {loop, rng, person, {}});
    require(made.has_value() && (*made)->start().has_value());
    return std::move(*made);
  }
  static bool up(const app::MmecClient& client) {
    return client.session().phase() == mmec::Phase::up;
  }

  /// So many states at 250 Hz through a network that loses 2 % and delays by 10 to 20 ms.
  void measure(std::size_t states);

  adapters::crypto::SystemRng rng;
};

TEST_F(mmec_client, two_see_each_other_and_leave_cleanly) {
  Person alice;
  Person bob;
  const auto first = join(alice, settings(1));
  const auto second = join(bob, settings(2));
  ASSERT_TRUE(until([&] { return up(*first) && up(*second); }));
  ASSERT_TRUE(first->publish(0, 0, octets_of("alice waves")));
  ASSERT_TRUE(second->publish(0, 0, octets_of("bob nods")));
  ASSERT_TRUE(until([&] {
    return alice.newest["urn:asset:2"] == "bob nods" && bob.newest["urn:asset:1"] == "alice waves";
  }));
  first->leave(false);
  ASSERT_TRUE(until([&] { return first->session().phase() == mmec::Phase::ended; }));
  ASSERT_TRUE(until([&] { return node->relay().links() == 1; }));
}

TEST_F(mmec_client, is_back_with_its_newest_state_soon_after_its_node_was_killed) {
  Person alice;
  Person bob;
  Person carol;
  const auto first = join(alice, settings(1));
  const auto second = join(bob, settings(2));
  ASSERT_TRUE(until([&] { return up(*first) && up(*second); }));
  ASSERT_TRUE(first->publish(0, 0, octets_of("before")));
  ASSERT_TRUE(until([&] { return bob.newest["urn:asset:1"] == "before"; }));
  bob.newest.clear();
  kill();
  start();
  const auto begun = std::chrono::steady_clock::now();
  // Nobody publishes: it is the pings that find out, and what was said is said again, to whom it is
  // new.
  const auto third = join(carol, settings(3));
  ASSERT_TRUE(until([&] { return carol.newest["urn:asset:1"] == "before"; }));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s);
  EXPECT_EQ(alice.events[mmec::EventKind::down], 1);
  ASSERT_TRUE(until([&] { return up(*second); }));
  EXPECT_TRUE(bob.newest.empty()) << "who has it is not told it twice";
  EXPECT_EQ(bob.events[mmec::EventKind::asset_gone], 0);
}

TEST_F(mmec_client, a_certificate_that_is_another_one_lets_nobody_in) {
  Person alice;
  auto with = settings(1);
  with.grant->at.certificate->front() ^= 1U;
  const auto first = join(alice, std::move(with));
  ASSERT_TRUE(until([&] { return alice.events[mmec::EventKind::refused] > 0; }));
  EXPECT_EQ(alice.events[mmec::EventKind::up], 0);
}

void mmec_client::measure(std::size_t states) {
  const auto proxy =
      adapters::impair::open_proxy(loop, {.at = loopback(),
                                          .to = at,
                                          .up = {.delay = 10ms},
                                          .down = {.loss = {20'000}, .delay = 15ms, .jitter = 5ms},
                                          .seed = 9});
  ASSERT_TRUE(proxy);
  Person alice;
  Person bob;
  const auto first = join(alice, settings(1, sdd::FlowClass::lossy));
  auto through = settings(2, sdd::FlowClass::lossy);
  const auto here = (*proxy)->local();
  through.through = mmec::Place{model::to_text(here.address), here.port, {}};
  const auto second = join(bob, std::move(through));
  ASSERT_TRUE(until([&] { return up(*first) && up(*second) && second->stats().clock; }));
  ASSERT_TRUE(until([&] { return second->stats().clock->error < 30ms; }));
  // No packet has two of them, so that a packet that is lost is a state that is lost; and so few
  // that losses do not narrow the path, for then the node would drop some.
  const std::vector<std::byte> payload(700, std::byte{7});
  const auto before = (*proxy)->down();
  std::size_t sent = 0;
  std::function<void()> publish = [&] {
    if (first->publish(0, 0, payload)) ++sent;
    if (sent < states) loop.after(4ms, publish);
  };
  publish();
  // In steps that patience has room for.
  for (std::size_t step = 800; step < states + 800; step += 800)
    ASSERT_TRUE(until([&] { return sent >= std::min(step, states); }));
  bool rested = false;
  loop.after(1500ms, [&] { rested = true; });
  ASSERT_TRUE(until([&] { return rested; }));
  const auto stats = second->stats();
  ASSERT_EQ(stats.total.size(), 1U);
  const auto& told = stats.total[0];
  // Of what the network has lost, states are by far the most octets: acknowledgements and pings are
  // as many packets again, and chance treats those few otherwise.
  const auto& after = (*proxy)->down();
  const double injected = static_cast<double>(after.octets_lost - before.octets_lost) /
                          static_cast<double>(after.octets_taken - before.octets_taken);
  EXPECT_NEAR(told.loss() * 100, injected * 100, 0.1 + 100.0 / static_cast<double>(states));
  EXPECT_GE(static_cast<double>(told.expected), static_cast<double>(states) * 0.98);
  // 10 to 20 ms; the node's window, the loop and a busy machine add to it.
  ASSERT_TRUE(told.delay);
  EXPECT_GE(told.delay->p50, 15'000U);
  EXPECT_LE(told.delay->p50, 32'000U);
  EXPECT_LE(std::chrono::abs(stats.clock->offset), stats.clock->error + 1ms)
      << "one clock, two ends";
  EXPECT_GE(stats.clock->error, 9ms);
}

TEST_F(mmec_client, what_it_measures_is_what_the_network_did) { measure(800); }

// By its name of the night alone: tests/relay_node/CMakeLists.txt.
TEST_F(mmec_client, DISABLED_what_it_measures_is_what_the_network_did_to_many) { measure(20'000); }

}  // namespace
}  // namespace lobo::testing
