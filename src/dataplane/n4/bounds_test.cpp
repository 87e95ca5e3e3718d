// What happens where there is no room, and that rooms are given back.
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "dataplane/n4/answer_cache.hpp"
#include "dataplane/n4/limits.hpp"
#include "dataplane/n4/transactions.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "model/address.hpp"
#include "support/n4_control_plane.hpp"
#include "support/n4_scene.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/rules.hpp"

namespace lobo::dataplane::n4 {
namespace {

using namespace std::chrono_literals;

TEST(n4_bounds, of_one_peer_answers_are_kept_up_to_a_number_and_then_it_has_to_wait) {
  AnswerCache cache(10s);
  const Endpoint peer{*model::Ipv4Address::parse("192.0.2.1"), pfcp::udp_port};
  const auto answer = std::make_shared<const std::vector<std::byte>>(20);
  const auto key = [&](std::size_t number) {
    return AnswerCache::Key{peer, pfcp::MessageType::session_deletion_request,
                            static_cast<std::uint32_t>(number)};
  };
  const Instant start{1h};
  for (std::size_t i = 0; i < answers_per_peer_max; ++i) {
    ASSERT_TRUE(cache.has_room(peer.address));
    cache.put(key(i), *answer, answer, start);
  }
  EXPECT_FALSE(cache.has_room(peer.address));
  EXPECT_TRUE(cache.has_room(*model::Ipv4Address::parse("192.0.2.2")));
  EXPECT_EQ(cache.find(key(7), *answer), answer);
  cache.forget_old(start + 9s);
  EXPECT_FALSE(cache.has_room(peer.address));
  cache.forget_old(start + 10s);
  EXPECT_TRUE(cache.has_room(peer.address));
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(n4_bounds, a_report_waits_where_too_many_requests_are_under_way) {
  test::N4Scene scene;
  test::ControlPlane smf;
  scene.associate(smf);
  std::vector<std::uint64_t> seids;
  for (std::uint32_t ue = 0; ue <= transactions_max; ++ue) {
    auto rules = test::two_ways(ue);
    rules.fars[1].apply_action = {pfcp::Action::buff, pfcp::Action::nocp};
    seids.push_back(scene.establish(smf, rules, ue + 1));
  }
  for (const auto seid : seids)
    scene.tell({.kind = WorkerEvent::Kind::downlink_data, .seid = seid, .id = 2});
  EXPECT_EQ(scene.told.size(), transactions_max);
  EXPECT_EQ(scene.agent.transactions(), transactions_max);
  // The first one is answered, and leaves room for the last one.
  const auto first = scene.heard<pfcp::SessionReportRequest>();
  ASSERT_TRUE(first);
  scene.accept(smf, first->envelope, seids.front());
  EXPECT_EQ(scene.agent.transactions(), transactions_max - 1);
  scene.told.clear();
  scene.pass(500ms);
  const auto report = scene.heard<pfcp::SessionReportRequest>();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->envelope.seid, transactions_max + 1);
}

TEST(n4_bounds, a_transaction_has_a_number_of_its_own_and_ends_after_its_last_try) {
  Transactions all(1s, 2);
  const Endpoint to{*model::Ipv4Address::parse("192.0.2.1"), pfcp::udp_port};
  const Instant start{1h};
  const auto first = all.number();
  all.start(first, {.to = to, .type = pfcp::MessageType::heartbeat_request}, start);
  const auto second = all.number();
  EXPECT_NE(first, second);
  EXPECT_FALSE(all.next_due(start + 999ms));
  EXPECT_TRUE(all.next_due(start + 1s)->again);
  EXPECT_TRUE(all.next_due(start + 2s)->again);
  EXPECT_FALSE(all.next_due(start + 3s)->again);
  EXPECT_FALSE(all.next_due(start + 9s));
  EXPECT_EQ(all.size(), 0U);
  all.start(second, {.to = to, .type = pfcp::MessageType::heartbeat_request}, start);
  const Endpoint other{*model::Ipv4Address::parse("192.0.2.2"), pfcp::udp_port};
  EXPECT_FALSE(all.finish(second, other, pfcp::MessageType::heartbeat_response));
  EXPECT_FALSE(all.finish(second, to, pfcp::MessageType::session_report_response));
  EXPECT_TRUE(all.finish(second, to, pfcp::MessageType::heartbeat_response));
  EXPECT_FALSE(all.finish(second, to, pfcp::MessageType::heartbeat_response));
}

TEST(n4_bounds, of_two_nodes_at_one_address_each_has_its_own_restart) {
  test::N4Scene scene;
  const auto setup = [&](std::uint16_t port, const char* node, std::uint32_t recovered) {
    const auto bytes = test::ControlPlane::bytes(
        {.sequence_number = port},
        pfcp::AssociationSetupRequest{.node = *model::Ipv4Address::parse(node),
                                      .recovery_time_stamp = {recovered}});
    return scene.send({*model::Ipv4Address::parse("192.0.2.1"), port}, bytes);
  };
  ASSERT_EQ(setup(8805, "192.0.2.1", 0xE0000001).size(), 1U);
  ASSERT_EQ(setup(9905, "192.0.2.9", 0xE0000002).size(), 1U);
  EXPECT_EQ(scene.agent.associations(), 2U);
  const auto beat = [&](std::uint16_t port, std::uint32_t recovered) {
    scene.send(
        {*model::Ipv4Address::parse("192.0.2.1"), port},
        test::ControlPlane::bytes({.sequence_number = 7}, pfcp::HeartbeatRequest{{recovered}}));
  };
  beat(9905, 0xE0000002);  // later than that of the other, and no restart
  EXPECT_EQ(scene.agent.associations(), 2U);
  beat(8805, 0xE0000003);
  EXPECT_EQ(scene.agent.associations(), 1U);
}

}  // namespace
}  // namespace lobo::dataplane::n4
