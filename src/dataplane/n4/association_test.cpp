// Nodes and messages: association, heartbeat, restart, what is no request, answers kept.
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/n4/limits.hpp"
#include "dataplane/n4/types.hpp"
#include "model/address.hpp"
#include "support/golden.hpp"
#include "support/n4_control_plane.hpp"
#include "support/n4_scene.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

using namespace std::chrono_literals;
using pfcp::Cause;
using test::ControlPlane;
using test::N4Scene;
using test::two_ways;

TEST(n4_association, is_set_up_by_the_control_plane_and_told_what_this_upf_does) {
  N4Scene scene;
  ControlPlane smf;
  const auto came = scene.ask<pfcp::AssociationSetupResponse>(smf, smf.association());
  ASSERT_TRUE(came);
  EXPECT_EQ(came->message.cause, Cause::request_accepted);
  EXPECT_EQ(std::get<pfcp::FqdnLabels>(came->message.node).text(), "upf.lobodon");
  EXPECT_EQ(came->message.up_features, served_features);
  EXPECT_EQ(came->envelope.sequence_number, smf.last_number());
  EXPECT_EQ(scene.agent.associations(), 1U);
}

TEST(n4_association, nothing_is_done_for_who_has_none) {
  N4Scene scene;
  ControlPlane smf;
  const auto refused =
      scene.ask<pfcp::SessionEstablishmentResponse>(smf, smf.establishment(two_ways(1), 77));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::no_established_association);
  EXPECT_EQ(refused->envelope.seid, 77U);
  EXPECT_FALSE(refused->message.up_f_seid);
  const auto modified = scene.modify(smf, {}, 5);
  ASSERT_TRUE(modified);
  EXPECT_EQ(modified->message.cause, Cause::no_established_association);
  EXPECT_EQ(modified->envelope.seid, 0U);
  const auto released = scene.ask<pfcp::AssociationReleaseResponse>(
      smf, smf.request(pfcp::AssociationReleaseRequest{smf.node()}));
  ASSERT_TRUE(released);
  EXPECT_EQ(released->message.cause, Cause::no_established_association);
  // And nothing of it is kept.
  EXPECT_EQ(scene.agent.answers(), 0U);
  EXPECT_EQ(scene.agent.sessions(), 0U);
  EXPECT_EQ(scene.agent.own_tunnels(), 0U);
}

TEST(n4_association, another_node_at_the_same_address_needs_its_own) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  const auto rules = two_ways(1);
  const auto request = rules.establishment(*model::Ipv4Address::parse("192.0.2.2"), smf.f_seid(1));
  const auto refused = scene.ask<pfcp::SessionEstablishmentResponse>(smf, smf.request(request));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::no_established_association);
}

TEST(n4_association, a_list_of_control_planes_keeps_others_out) {
  auto config = test::n4_config();
  config.control_planes = {*model::Ipv4Address::parse("192.0.2.1")};
  N4Scene scene(config);
  ControlPlane stranger("192.0.2.66");
  const auto refused = scene.ask<pfcp::AssociationSetupResponse>(stranger, stranger.association());
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::request_rejected);
  ControlPlane smf;
  scene.associate(smf);
  EXPECT_EQ(scene.agent.associations(), 1U);
}

TEST(n4_association, there_are_at_most_peers_max) {
  N4Scene scene;
  for (std::size_t i = 0; i < peers_max; ++i) {
    ControlPlane smf(model::Ipv4Address{{10, 0, 0, static_cast<std::uint8_t>(i)}}.text());
    scene.associate(smf);
  }
  ControlPlane late;
  const auto refused = scene.ask<pfcp::AssociationSetupResponse>(late, late.association());
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::no_resources_available);
  EXPECT_EQ(scene.agent.associations(), peers_max);
}

TEST(n4_association, a_new_one_of_the_same_node_ends_the_sessions_of_the_old_one) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  (void)scene.establish(smf, two_ways(1), 1);
  EXPECT_EQ(scene.pdr_to(1), 2);
  scene.associate(smf);
  EXPECT_EQ(scene.agent.sessions(), 0U);
  EXPECT_EQ(scene.agent.own_tunnels(), 0U);
  EXPECT_EQ(scene.pdr_to(1), 0);
}

TEST(n4_association, release_ends_its_sessions_and_no_others) {
  N4Scene scene;
  ControlPlane one("192.0.2.1");
  ControlPlane two("192.0.2.2");
  scene.associate(one);
  scene.associate(two);
  (void)scene.establish(one, two_ways(1), 1);
  (void)scene.establish(two, two_ways(2), 1);
  const auto released = scene.ask<pfcp::AssociationReleaseResponse>(
      one, one.request(pfcp::AssociationReleaseRequest{one.node()}));
  ASSERT_TRUE(released);
  EXPECT_EQ(released->message.cause, Cause::request_accepted);
  EXPECT_EQ(scene.agent.sessions(), 1U);
  EXPECT_EQ(scene.pdr_to(1), 0);
  EXPECT_EQ(scene.pdr_to(2), 2);
  EXPECT_EQ(scene.agent.associations(), 1U);
}

TEST(n4_association, update_is_accepted_of_who_has_one) {
  N4Scene scene;
  ControlPlane smf;
  const auto refused = scene.ask<pfcp::AssociationUpdateResponse>(
      smf, smf.request(pfcp::AssociationUpdateRequest{.node = smf.node()}));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message.cause, Cause::no_established_association);
  scene.associate(smf);
  const auto came = scene.ask<pfcp::AssociationUpdateResponse>(
      smf, smf.request(pfcp::AssociationUpdateRequest{.node = smf.node()}));
  ASSERT_TRUE(came);
  EXPECT_EQ(came->message.cause, Cause::request_accepted);
}

TEST(n4_association, before_we_go_each_control_plane_is_asked_to_release) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  scene.agent.ask_for_release(scene.now);
  scene.pass(0s);
  const auto asked = scene.heard<pfcp::AssociationUpdateRequest>();
  ASSERT_TRUE(asked);
  EXPECT_TRUE(asked->message.release->has(pfcp::AssociationReleaseFlag::sarr));
  scene.send(smf.at(), ControlPlane::bytes({.sequence_number = asked->envelope.sequence_number},
                                           pfcp::AssociationUpdateResponse{.node = smf.node()}));
  EXPECT_EQ(scene.agent.transactions(), 0U);
}

TEST(n4_heartbeat, is_answered_to_anybody_with_the_same_time_stamp) {
  N4Scene scene;
  ControlPlane smf;
  const auto came =
      scene.ask<pfcp::HeartbeatResponse>(smf, smf.request(pfcp::HeartbeatRequest{smf.recovered()}));
  ASSERT_TRUE(came);
  const auto first = came->message.recovery_time_stamp;
  scene.pass(100s);
  const auto again =
      scene.ask<pfcp::HeartbeatResponse>(smf, smf.request(pfcp::HeartbeatRequest{smf.recovered()}));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->message.recovery_time_stamp, first);
  EXPECT_EQ(scene.agent.associations(), 0U);
}

TEST(n4_heartbeat, a_later_time_stamp_means_that_the_node_and_its_sessions_are_gone) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  (void)scene.establish(smf, two_ways(1), 1);
  // One from before, which was under way for long.
  scene.send(smf.at(), smf.request(pfcp::HeartbeatRequest{{smf.recovered().value - 5}}));
  EXPECT_EQ(scene.agent.sessions(), 1U);
  smf.restart();
  scene.send(smf.at(), smf.request(pfcp::HeartbeatRequest{smf.recovered()}));
  EXPECT_EQ(scene.agent.sessions(), 0U);
  EXPECT_EQ(scene.agent.associations(), 0U);
  EXPECT_EQ(scene.agent.own_tunnels(), 0U);
  scene.associate(smf);
  (void)scene.establish(smf, two_ways(1), 1);
}

TEST(n4_heartbeat, a_restart_is_seen_in_the_response_too) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  (void)scene.establish(smf, two_ways(1), 1);
  scene.pass(10s);
  const auto asked = scene.heard<pfcp::HeartbeatRequest>();
  ASSERT_TRUE(asked);
  smf.restart();
  scene.send(smf.at(), ControlPlane::bytes({.sequence_number = asked->envelope.sequence_number},
                                           pfcp::HeartbeatResponse{smf.recovered()}));
  EXPECT_EQ(scene.agent.sessions(), 0U);
}

TEST(n4_heartbeat, a_silent_control_plane_keeps_its_sessions_for_a_while) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  (void)scene.establish(smf, two_ways(1), 1);
  scene.pass(299s);
  EXPECT_EQ(scene.agent.sessions(), 1U);
  const auto before = scene.told.size();
  EXPECT_GT(before, 20U);
  EXPECT_LT(before, 130U);  // one a 10 s, each sent 4 times at most
  scene.pass(30s);
  EXPECT_EQ(scene.agent.sessions(), 0U);
  EXPECT_EQ(scene.agent.associations(), 0U);
  EXPECT_EQ(scene.agent.next_call(), std::nullopt);
}

TEST(n4_messages, of_another_version_are_answered_with_ours) {
  N4Scene scene;
  ControlPlane smf;
  auto bytes = smf.association();
  bytes[0] = std::byte{0x40};
  const auto sent = scene.send(smf.at(), bytes);
  ASSERT_EQ(sent.size(), 1U);
  const auto view = pfcp::parse_message(*sent[0].bytes);
  EXPECT_EQ(view.type, pfcp::MessageType::version_not_supported_response);
  EXPECT_EQ(view.envelope.sequence_number, smf.last_number());
  // Two that answer each other so do not go on.
  auto same = *sent[0].bytes;
  same[0] = std::byte{0x40};
  EXPECT_TRUE(scene.send(smf.at(), same).empty());
}

TEST(n4_messages, of_procedures_that_are_not_served_are_refused) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  const auto ask = [&](pfcp::MessageType type) {
    std::vector<std::byte> room(64);
    ByteWriter out(room);
    pfcp::open_message(out, type, {.sequence_number = 4711});
    room.resize(pfcp::close_message(out));
    return room;
  };
  const auto pfd =
      scene.ask<pfcp::PfdManagementResponse>(smf, ask(pfcp::MessageType::pfd_management_request));
  ASSERT_TRUE(pfd);
  EXPECT_EQ(pfd->message.cause, Cause::service_not_supported);
  EXPECT_EQ(pfd->envelope.sequence_number, 4711U);
  const auto set = scene.ask<pfcp::SessionSetDeletionResponse>(
      smf, ask(pfcp::MessageType::session_set_deletion_request));
  ASSERT_TRUE(set);
  EXPECT_EQ(set->message.cause, Cause::service_not_supported);
  const auto changed = scene.ask<pfcp::SessionSetModificationResponse>(
      smf, ask(pfcp::MessageType::session_set_modification_request));
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->message.cause, Cause::service_not_supported);
}

TEST(n4_messages, that_are_no_requests_of_a_control_plane_are_noted_and_not_answered) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  (void)scene.agent.take_notes();
  EXPECT_TRUE(scene.send(smf.at(), smf.request(pfcp::SessionReportRequest{}, 1)).empty());
  EXPECT_TRUE(scene.send(smf.at(), smf.request(pfcp::HeartbeatResponse{})).empty());
  EXPECT_TRUE(scene.send(smf.at(), test::from_hex("201f0004 00000100")).empty());
  EXPECT_TRUE(scene.send(smf.at(), test::from_hex("2001")).empty());
  EXPECT_TRUE(scene.send(smf.at(), test::from_hex("20010004 00000100")).empty());
  const auto notes = scene.agent.take_notes();
  ASSERT_EQ(notes.size(), 5U);
  EXPECT_EQ(notes[0].what, Happening::unknown_message);
  EXPECT_EQ(notes[1].what, Happening::stale_response);
  EXPECT_EQ(notes[2].what, Happening::unknown_message);
  EXPECT_EQ(notes[3].what, Happening::not_pfcp);
  EXPECT_EQ(notes[4].what, Happening::cannot_answer);
}

TEST(n4_messages, bundled_in_a_datagram_are_each_answered) {
  N4Scene scene;
  ControlPlane smf;
  auto bundle = smf.association();
  bundle[0] |= std::byte{0x04};
  const auto second = smf.establishment(two_ways(1), 9);
  bundle.insert(bundle.end(), second.begin(), second.end());
  EXPECT_EQ(scene.send(smf.at(), bundle).size(), 2U);
  EXPECT_EQ(scene.agent.sessions(), 1U);
}

TEST(n4_answers, a_repeated_request_gets_the_same_bytes_and_is_not_done_twice) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  const auto bytes = smf.establishment(two_ways(1), 9);
  const auto first = scene.send(smf.at(), bytes);
  const auto again = scene.send(smf.at(), bytes);
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(*first[0].bytes, *again[0].bytes);
  EXPECT_EQ(scene.agent.sessions(), 1U);
  // The association, late, does not end what came after it.
  ControlPlane same;
  EXPECT_EQ(scene.send(smf.at(), same.association()).size(), 1U);
  EXPECT_EQ(scene.agent.sessions(), 1U);
  EXPECT_EQ(scene.agent.counters().repeated, 2U);
}

TEST(n4_answers, the_same_number_with_other_content_is_another_request) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  (void)scene.establish(smf, two_ways(1), 9);
  smf.restart();
  scene.associate(smf);
  EXPECT_EQ(scene.agent.sessions(), 0U);
}

TEST(n4_answers, of_before_a_restart_are_no_answers_after_it) {
  N4Scene scene;
  ControlPlane smf;
  const auto release = [&] {
    return scene.ask<pfcp::AssociationReleaseResponse>(
        smf, smf.request(pfcp::AssociationReleaseRequest{smf.node()}));
  };
  scene.associate(smf);
  ASSERT_TRUE(release());
  smf.restart();
  scene.associate(smf);
  ASSERT_TRUE(release());  // the same bytes as before
  EXPECT_EQ(scene.agent.associations(), 0U);
}

TEST(n4_answers, are_forgotten_when_they_are_old) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  (void)scene.establish(smf, two_ways(1), 9);
  EXPECT_EQ(scene.agent.answers(), 2U);
  scene.pass(15s);
  EXPECT_EQ(scene.agent.answers(), 0U);
}

TEST(n4_notes, are_bounded_and_the_lost_ones_counted) {
  N4Scene scene;
  ControlPlane smf;
  for (std::size_t i = 0; i < notes_max + 10; ++i) (void)scene.modify(smf, {}, 1);
  EXPECT_EQ(scene.agent.take_notes().size(), notes_max);
  EXPECT_EQ(scene.agent.counters().notes_lost, 10U);
}

TEST(n4_datagrams, what_could_not_be_answered_is_not_done) {
  N4Scene scene;
  ControlPlane smf;
  scene.associate(smf);
  const auto beat = smf.request(pfcp::HeartbeatRequest{smf.recovered()});
  for (std::size_t i = 0; i < datagrams_waiting_max + 10; ++i)
    scene.agent.receive(smf.at(), beat, scene.now);
  scene.agent.receive(smf.at(), smf.establishment(two_ways(1), 9), scene.now);
  EXPECT_EQ(scene.agent.sessions(), 0U);
  EXPECT_GT(scene.agent.counters().not_taken, 10U);
  EXPECT_LE(scene.agent.take_datagrams().size(), datagrams_waiting_max);
}

}  // namespace
}  // namespace lobo::dataplane::n4
