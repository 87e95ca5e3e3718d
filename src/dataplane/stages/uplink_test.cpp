#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <optional>

#include "base/bytes.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/monitor.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/parse.hpp"
#include "wire/pfcp/usage.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;
using test::Octets;
using test::Upf;

const Octets payload(80, std::byte{0x24});

Octets octets(std::initializer_list<unsigned> values) {
  Octets made;
  for (const unsigned value : values) made.push_back(static_cast<std::byte>(value));
  return made;
}
/// A message of GTP-U's own, with a sequence number.
Octets message(unsigned type, const Octets& ies, unsigned sequence = 0) {
  Octets made = octets({0x32, type, 0, static_cast<unsigned>(4 + ies.size()), 0, 0, 0, 0,
                        sequence >> 8U, sequence & 0xFFU, 0, 0});
  made.insert(made.end(), ies.begin(), ies.end());
  return made;
}

TEST(uplink, a_packet_of_the_ue_leaves_its_tunnel_byte_for_byte) {
  Upf upf;
  upf.serve({test::session()});
  const Octets packet = test::up_packet(payload);
  const auto sent = upf.uplink({test::n3_frame(test::g_pdu(packet))});
  ASSERT_EQ(sent.n6.size(), 1U);
  EXPECT_TRUE(sent.n3.empty());
  EXPECT_EQ(Octets(sent.n6[0].begin() + 14, sent.n6[0].end()), packet);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(u8_at(sent.n6[0], i), test::router_mac.octets[i]);
    EXPECT_EQ(u8_at(sent.n6[0], 6 + i), test::n6_mac.octets[i]);
  }
  EXPECT_EQ(be16_at(sent.n6[0], 12), packet::ether_type_ipv4);
  EXPECT_TRUE(test::adds_up(upf.pipeline->counters()));
}

TEST(uplink, over_ipv6_on_both_sides) {
  Upf upf;
  auto session = test::session(1, "2001:db8:45::");
  upf.serve({session});
  const Octets packet =
      test::ip_packet(test::flow("2001:db8:45::7", 4, "2001:db8:99::1", 5), payload);
  const auto sent =
      upf.uplink({test::n3_frame(test::g_pdu(packet), "2001:db8:3::1", "2001:db8:3::2")});
  ASSERT_EQ(sent.n6.size(), 1U);
  EXPECT_EQ(Octets(sent.n6[0].begin() + 14, sent.n6[0].end()), packet);
  EXPECT_EQ(be16_at(sent.n6[0], 12), packet::ether_type_ipv6);
}

TEST(uplink, the_tunnel_and_then_the_rule_decide) {
  auto session = test::session();
  ASSERT_TRUE(session.pdrs.at({2}).qfis.add({test::video_qfi}));
  Upf upf;
  upf.serve({session});
  const Octets packet = test::up_packet(payload);
  EXPECT_EQ(upf.uplink({test::n3_frame(test::g_pdu(packet))}).n6.size(), 1U);
  EXPECT_TRUE(
      upf.uplink({test::n3_frame(test::g_pdu(packet, test::uplink_teid, {.qfi = 8}))}).n6.empty());
  EXPECT_EQ(upf.dropped_uplink(PathDrop::no_rule), 1U);
  const Octets spoofed = test::up_packet(payload, "10.45.0.3");
  EXPECT_TRUE(upf.uplink({test::n3_frame(test::g_pdu(spoofed))}).n6.empty());
  EXPECT_EQ(upf.dropped_uplink(PathDrop::no_rule), 2U) << "an address of another UE";
}

TEST(uplink, an_echo_is_answered_to_where_it_came_from) {
  Upf upf;
  const auto sent = upf.uplink({test::n3_frame(message(1, {}, 0xABCD))});
  ASSERT_EQ(sent.n3.size(), 1U);
  const auto outer = packet::parse_ethernet(sent.n3[0]);
  EXPECT_EQ(outer.flow, test::flow("192.168.3.1", 2152, "192.168.3.2", 2152));
  EXPECT_EQ(packet::verify_udp_checksum(outer), packet::UdpChecksum::good);
  const auto view = gtpu::parse_gtpu(outer.user_data());
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.message_type, 2);
  EXPECT_EQ(view.sequence_number, 0xABCD);
  EXPECT_EQ(Octets(view.payload().begin(), view.payload().end()), octets({14, 0}));
  EXPECT_EQ(upf.pipeline->counters().answers.value(), 1U);
  EXPECT_TRUE(test::adds_up(upf.pipeline->counters()));
}

TEST(uplink, a_tunnel_that_nobody_has_is_answered_with_an_error_indication_at_a_rate) {
  Upf upf({.error_indications_per_second = 2});
  const Octets frame = test::n3_frame(test::g_pdu(test::up_packet(payload), 0x01020304));
  const auto sent = upf.uplink({frame, frame, frame, frame});
  ASSERT_EQ(sent.n3.size(), 2U);
  const auto outer = packet::parse_ethernet(sent.n3[0]);
  EXPECT_EQ(outer.flow.destination(), test::ip("192.168.3.2"));
  const auto view = gtpu::parse_gtpu(outer.user_data());
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.message_type, 26);
  EXPECT_EQ(view.teid, 0U);
  EXPECT_EQ(Octets(view.payload().begin(), view.payload().end()),
            octets({16, 1, 2, 3, 4, 133, 0, 4, 192, 168, 3, 1}));
  EXPECT_EQ(upf.dropped_uplink(PathDrop::unknown_tunnel), 4U);
  EXPECT_EQ(upf.pipeline->counters().answers_held_back.value(), 2U);
  upf.now += 1s;
  EXPECT_EQ(upf.uplink({frame}).n3.size(), 1U);
  EXPECT_TRUE(test::adds_up(upf.pipeline->counters()));
}

TEST(uplink, an_extension_header_that_is_not_understood_is_answered_with_those_that_are) {
  Upf upf({.error_indications_per_second = 2});
  upf.serve({test::session()});
  Octets strange = test::g_pdu(test::up_packet(payload));
  strange[11] = std::byte{0xC1};
  const Octets frame = test::n3_frame(strange);
  const auto sent = upf.uplink({frame, frame, frame});
  ASSERT_EQ(sent.n3.size(), 2U);
  EXPECT_TRUE(sent.n6.empty());
  const auto outer = packet::parse_ethernet(sent.n3[0]);
  EXPECT_EQ(outer.flow.destination(), test::ip("192.168.3.2"));
  EXPECT_EQ(outer.flow.destination_port, gtpu::udp_port);
  const auto view = gtpu::parse_gtpu(outer.user_data());
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.message_type, 31);
  EXPECT_EQ(view.teid, 0U);
  EXPECT_EQ(Octets(view.payload().begin(), view.payload().end()),
            octets({141, 3, 0x85, 0x04, 0x86}));
  EXPECT_EQ(upf.dropped_uplink(PathDrop::gtpu_extension), 3U);
  EXPECT_EQ(upf.pipeline->counters().answers_held_back.value(), 1U);
  strange[1] = std::byte{31};
  EXPECT_TRUE(upf.uplink({test::n3_frame(strange)}).n3.empty()) << "a notification is not answered";
  EXPECT_TRUE(test::adds_up(upf.pipeline->counters()));
}

TEST(uplink, an_error_indication_is_told_where_a_session_sends_into_that_tunnel) {
  Upf upf;
  upf.serve({test::session(5)});
  const auto error = [](unsigned teid, unsigned last) {
    return message(26, octets({16, 0, 0, 0, teid, 133, 0, 4, 192, 168, 3, last}));
  };
  (void)upf.uplink({test::n3_frame(error(test::gnb_teid, 2)), test::n3_frame(error(0x98, 2)),
                    test::n3_frame(error(test::gnb_teid, 3)), test::n3_frame(message(26, {}))});
  EXPECT_EQ(upf.events.pop(), (WorkerEvent{.kind = WorkerEvent::Kind::error_indication,
                                           .seid = 5,
                                           .id = test::gnb_teid,
                                           .peer_v4 = 0xC0A80302}));
  EXPECT_EQ(upf.events.pop(), std::nullopt);
  EXPECT_EQ(upf.pipeline->counters().errors_unmatched.value(), 3U);
}

TEST(uplink, end_markers_are_passed_over_and_other_messages_dropped) {
  Upf upf;
  (void)upf.uplink({test::n3_frame(message(254, {})), test::n3_frame(message(99, {}))});
  EXPECT_EQ(upf.pipeline->counters().signals_seen[Signal::end_marker].value(), 1U);
  EXPECT_EQ(upf.dropped_uplink(PathDrop::gtpu_message), 1U);
}

TEST(uplink, what_is_not_for_us_or_cannot_be_is_dropped_by_its_reason) {
  Upf upf;
  upf.serve({test::session()});
  const Octets good = test::g_pdu(test::up_packet(payload));
  Octets long_length = good;
  long_length[2] = std::byte{0x7F};
  Octets version = good;
  version[0] = std::byte{0x54};
  Octets extension = good;
  extension[11] = std::byte{0xC1};  // a type that we would have to understand
  const Octets inner = test::g_pdu(octets({0x99, 1, 2}));
  const Octets to_other_port =
      test::frame(test::n3_mac, test::flow("192.168.3.2", 2152, "192.168.3.1", 2153), good);
  (void)upf.uplink({test::n3_frame(long_length), test::n3_frame(version), test::n3_frame(extension),
                    test::n3_frame(inner), to_other_port, test::n3_frame(good, "192.168.3.9")});
  EXPECT_EQ(upf.dropped_uplink(PathDrop::gtpu_malformed), 2U);
  EXPECT_EQ(upf.pipeline->counters().gtpu_faulty[gtpu::NotGtpu::length].value(), 1U);
  EXPECT_EQ(upf.pipeline->counters().gtpu_faulty[gtpu::NotGtpu::version].value(), 1U);
  EXPECT_EQ(upf.dropped_uplink(PathDrop::gtpu_extension), 1U);
  EXPECT_EQ(upf.dropped_uplink(PathDrop::inner_malformed), 1U);
  EXPECT_EQ(upf.dropped_uplink(PathDrop::not_ours), 2U);
  EXPECT_TRUE(test::adds_up(upf.pipeline->counters()));
}

Session monitored_session() {
  Session session = test::session();
  pfcp::Srr srr{.id = {1}};
  pfcp::QosMonitoringControl control;
  EXPECT_TRUE(control.qfis.add({test::video_qfi}));
  EXPECT_TRUE(srr.monitored.add(control));
  session.srrs[{1}] = srr;
  return session;
}

TEST(monitoring, one_packet_in_an_interval_carries_a_time_stamp) {
  Upf upf;
  upf.serve({monitored_session()});
  const Octets frame = test::down_frame(payload);
  const auto sent = upf.downlink({frame, frame});
  EXPECT_EQ(test::Tunnelled(sent.n3.at(0)).dl_session->sending_time, ntp_stamp(upf.since_1970));
  EXPECT_EQ(test::Tunnelled(sent.n3.at(1)).dl_session->sending_time, std::nullopt);
  upf.now += 99ms;
  EXPECT_FALSE(test::Tunnelled(upf.downlink({frame}).n3.at(0)).dl_session->sending_time);
  upf.serve({monitored_session()});
  EXPECT_FALSE(test::Tunnelled(upf.downlink({frame}).n3.at(0)).dl_session->sending_time)
      << "a change of rules begins no new interval";
  upf.now += 1ms;
  EXPECT_TRUE(test::Tunnelled(upf.downlink({frame}).n3.at(0)).dl_session->sending_time);
  upf.serve({test::session()});
  upf.now += 1s;
  EXPECT_FALSE(test::Tunnelled(upf.downlink({frame}).n3.at(0)).dl_session->sending_time);
}

TEST(monitoring, what_the_gnb_answers_becomes_delays) {
  const auto sent_at = 1'800'000'000s;
  const gtpu::UlSession report{
      .qfi = test::video_qfi,
      // The gNB's clock is 1 s ahead: 3 ms there, 40 ms between, 5 ms back.
      .time_stamps = {{ntp_stamp(sent_at), ntp_stamp(sent_at + 1s + 3ms),
                       ntp_stamp(sent_at + 1s + 43ms)}},
      .dl_delay = 10,
      .ul_delay = 20};
  Upf upf;
  upf.serve({monitored_session()});
  upf.since_1970 = sent_at + 48ms;
  (void)upf.uplink(
      {test::n3_frame(test::g_pdu(test::up_packet(payload), test::uplink_teid, report))});
  const auto event = upf.events.pop();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, WorkerEvent::Kind::delay);
  EXPECT_EQ(event->id, test::video_qfi);
  EXPECT_NEAR(event->delay_us[0].value(), 14'000, 2) << "half of 8 ms, and 10 ms in the RAN";
  EXPECT_NEAR(event->delay_us[1].value(), 24'000, 2);
  EXPECT_NEAR(event->delay_us[2].value(), 38'000, 2);

  Upf agreed({.clocks_agree = true});
  agreed.serve({monitored_session()});
  agreed.since_1970 = sent_at + 1s + 48ms;
  (void)agreed.uplink({test::n3_frame(test::g_pdu({}, test::uplink_teid, report))});
  const auto one_way = agreed.events.pop();
  ASSERT_TRUE(one_way) << "also in a G-PDU that carries nothing";
  EXPECT_NEAR(one_way->delay_us[1].value(), 25'000, 2);
  EXPECT_EQ(agreed.pipeline->counters().signals_seen[Signal::empty_packet].value(), 1U);
}

TEST(monitoring, what_nobody_asked_for_or_nobody_can_believe_is_not_told) {
  const gtpu::UlSession backwards{
      .qfi = test::video_qfi, .time_stamps = {{ntp_stamp(1'800'000'100s), 0, 0xFFFFFFFFFFFFFFFF}}};
  const Octets frame =
      test::n3_frame(test::g_pdu(test::up_packet(payload), test::uplink_teid, backwards));
  Upf upf;
  upf.serve({test::session()});
  EXPECT_EQ(upf.uplink({frame}).n6.size(), 1U);
  EXPECT_EQ(upf.events.pop(), std::nullopt);
  upf.serve({monitored_session()});
  EXPECT_EQ(upf.uplink({frame}).n6.size(), 1U);
  const auto event = upf.events.pop();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->delay_us[2], std::nullopt);
}

TEST(monitoring, stamps_are_those_of_ntp_and_their_difference_crosses_an_era) {
  EXPECT_EQ(ntp_stamp(0s) >> 32U, 2'208'988'800U);
  EXPECT_EQ(ntp_stamp(500ms) & 0xFFFFFFFFU, 0x80000000U);
  EXPECT_EQ(ntp_difference(0x0000000080000000, 0xFFFFFFFF80000000), 1s);
  EXPECT_EQ(ntp_difference(0xFFFFFFFF80000000, 0x0000000080000000), -1s);
  EXPECT_EQ(ntp_difference(0x0000000200000000, 0x0000000180000000), 500ms);
  EXPECT_EQ(ntp_difference(0x0000000180000000, 0x0000000200000000), -500ms);
}

}  // namespace
}  // namespace lobo::dataplane
