#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "dataplane/stages/trace.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "model/address.hpp"
#include "model/pdu_set.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/parse.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

using test::Octets;
using test::Tunnelled;
using test::Upf;

const Octets payload(120, std::byte{0x42});

/// The IP packet in a frame that a test made.
Octets packet_of(const Octets& frame) {
  return {frame.begin() + packet::ethernet_header_bytes, frame.end()};
}

TEST(downlink, a_packet_for_a_ue_leaves_in_its_tunnel_byte_for_byte) {
  Upf upf;
  upf.serve({test::session()});
  const Octets frame = test::down_frame(payload);
  const auto sent = upf.downlink({frame});
  ASSERT_EQ(sent.n3.size(), 1U);
  EXPECT_TRUE(sent.n6.empty());
  EXPECT_EQ(test::mac_at(sent.n3[0], 0), test::gnb_mac);
  EXPECT_EQ(test::mac_at(sent.n3[0], 6), test::n3_mac);
  const Tunnelled out(sent.n3[0]);
  ASSERT_TRUE(out.outer.whole_udp());
  EXPECT_TRUE(packet::ip_header_checksum_ok(out.outer));
  EXPECT_EQ(out.outer.flow, test::flow("192.168.3.1", 2152, "192.168.3.2", 2152));
  EXPECT_EQ(out.outer.ip_end, sent.n3[0].size());
  ASSERT_TRUE(out.message.ok());
  EXPECT_EQ(out.message.teid, test::gnb_teid);
  ASSERT_TRUE(out.dl_session);
  EXPECT_EQ(*out.dl_session, (gtpu::DlSession{.qfi = test::video_qfi}));
  EXPECT_FALSE(out.set_information);
  EXPECT_EQ(out.payload(), packet_of(frame));
  EXPECT_TRUE(test::adds_up(upf.pipeline->counters()));
}

TEST(downlink, over_ipv6_the_outer_checksum_is_right_unless_it_is_left_out) {
  auto session = test::session();
  auto& header = *session.fars.at({1}).outer_header;
  header = {.teid = 7, .v6 = test::ipv6("2001:db8:3::2")};
  header.description.set(pfcp::OuterHeader::gtpu_udp_ipv6);
  for (const bool zero : {false, true}) {
    Upf upf({.zero_udp_checksum_over_ipv6 = zero});
    upf.serve({session});
    const Octets frame = test::down_frame(payload);
    const auto sent = upf.downlink({frame});
    ASSERT_EQ(sent.n3.size(), 1U);
    const Tunnelled out(sent.n3[0]);
    EXPECT_EQ(out.outer.flow.ip_version, 6);
    EXPECT_EQ(packet::verify_udp_checksum(out.outer),
              zero ? packet::UdpChecksum::absent : packet::UdpChecksum::good);
    EXPECT_EQ(out.payload(), packet_of(frame));
  }
}

TEST(downlink, padding_and_tags_of_the_link_stay_behind) {
  Upf upf;
  upf.serve({test::session()});
  Octets frame = test::down_frame(Octets(2, std::byte{1}));
  const Octets packet = packet_of(frame);
  const Octets tag{std::byte{0x81}, std::byte{0}, std::byte{0}, std::byte{5}};
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  frame.resize(68, std::byte{0xEE});
  const auto sent = upf.downlink({frame});
  ASSERT_EQ(sent.n3.size(), 1U);
  EXPECT_EQ(Tunnelled(sent.n3[0]).payload(), packet);
}

TEST(downlink, what_belongs_to_nobody_here_is_dropped_by_its_reason) {
  Upf upf;
  upf.serve({test::session()});
  Octets arp = test::down_frame(payload);
  arp[12] = std::byte{0x08};
  arp[13] = std::byte{0x06};
  Octets other_station = test::down_frame(payload);
  other_station[5] = std::byte{0x77};
  Octets cut = test::down_frame(payload);
  cut.resize(cut.size() - 1);
  const Octets stranger = test::down_frame(payload, 5004, "10.45.0.9");
  const auto sent = upf.downlink({arp, other_station, cut, stranger});
  EXPECT_TRUE(sent.n3.empty());
  EXPECT_EQ(upf.dropped(PathDrop::not_ip), 1U);
  EXPECT_EQ(upf.dropped(PathDrop::not_ours), 1U);
  EXPECT_EQ(upf.dropped(PathDrop::ip_malformed), 1U);
  EXPECT_EQ(upf.dropped(PathDrop::no_session), 1U);
  EXPECT_TRUE(test::adds_up(upf.pipeline->counters()));
}

TEST(downlink, a_cut_packet_that_is_no_datagram_is_malformed_too) {
  Upf upf;
  upf.serve({test::session()});
  Octets tcp = test::down_frame(payload);
  tcp[14 + 9] = std::byte{6};
  EXPECT_EQ(upf.downlink({tcp}).n3.size(), 1U) << "whatever lies above IP";
  tcp.resize(tcp.size() - 1);
  EXPECT_TRUE(upf.downlink({tcp}).n3.empty());
  EXPECT_EQ(upf.dropped(PathDrop::ip_malformed), 1U);
}

TEST(downlink, rules_are_asked_by_precedence) {
  auto session = test::session();
  session.fars[{3}] = {.action = {pfcp::Action::drop}};
  Pdr video = session.pdrs.at({1});
  video.precedence = 10;
  video.filters = {test::from_port(5004)};
  video.far = {3};
  session.pdrs[{3}] = video;
  Upf upf;
  upf.serve({session});
  EXPECT_EQ(
      upf.downlink({test::down_frame(payload, 5004), test::down_frame(payload, 5005)}).n3.size(),
      1U);
  EXPECT_EQ(upf.dropped(PathDrop::rule_drops), 1U);
  const PacketTrace dropped = upf.pipeline->trace(0);
  ASSERT_TRUE(dropped.classified);
  EXPECT_EQ(dropped.classified->pdr, pfcp::PdrId{3});
  EXPECT_EQ(dropped.drop, PathDrop::rule_drops);
  const PacketTrace passed = upf.pipeline->trace(1);
  ASSERT_TRUE(passed.classified && passed.parsed);
  EXPECT_EQ(passed.classified->pdr, pfcp::PdrId{1});
  EXPECT_EQ(passed.classified->qfi, test::video_qfi);
  EXPECT_EQ(passed.parsed->flow.source_port, 5005);
  EXPECT_EQ(passed.sent_to, Treatment::To::n3);
}

TEST(downlink, a_flow_without_a_qfi_has_no_session_container) {
  auto session = test::session();
  session.qers.at({1}).qfi.reset();
  Upf upf;
  upf.serve({session});
  const auto sent = upf.downlink({test::down_frame(payload)});
  ASSERT_EQ(sent.n3.size(), 1U);
  const Tunnelled out(sent.n3[0]);
  ASSERT_TRUE(out.message.ok());
  EXPECT_EQ(out.message.extension_count, 0);
}

TEST(downlink, what_is_buffered_is_told_once_until_the_rules_change) {
  auto session = test::session();
  session.fars.at({1}).action = {pfcp::Action::buff, pfcp::Action::nocp};
  Upf upf;
  upf.serve({session});
  const Octets frame = test::down_frame(payload);
  EXPECT_TRUE(upf.downlink({frame, frame, frame}).n3.empty());
  EXPECT_EQ(upf.pipeline->counters().downlink.buffered.value(), 3U);
  const WorkerEvent told{.kind = WorkerEvent::Kind::downlink_data, .seid = 1, .id = 1};
  EXPECT_EQ(upf.events.pop(), told);
  EXPECT_EQ(upf.events.pop(), std::nullopt);
  upf.serve({session});
  (void)upf.downlink({frame});
  EXPECT_EQ(upf.events.pop(), told);
}

TEST(downlink, a_closed_gate_and_a_far_without_a_place_let_nothing_through) {
  auto session = test::session();
  session.qers.at({1}).gate_status.downlink_closed = true;
  Upf upf;
  upf.serve({session});
  EXPECT_TRUE(upf.downlink({test::down_frame(payload)}).n3.empty());
  EXPECT_EQ(upf.dropped(PathDrop::gate_closed), 1U);
  EXPECT_EQ(upf.served().drops({1})->packets.value(), 1U);
  session.qers.at({1}).gate_status = {.uplink_closed = true};
  session.fars.at({1}).outer_header.reset();
  upf.serve({session});
  EXPECT_TRUE(upf.downlink({test::down_frame(payload)}).n3.empty());
  EXPECT_EQ(upf.dropped(PathDrop::nowhere), 1U);
  EXPECT_EQ(upf.served().drops({1})->packets.value(), 2U) << "they are counted on under new rules";
  EXPECT_EQ(upf.served().drops({1})->octets.value(), 2 * (payload.size() + 28));
  EXPECT_EQ(upf.served().drops({9}), nullptr);
}

TEST(downlink, a_gnb_whose_address_is_not_resolved_is_wanted_once_in_a_while) {
  auto session = test::session();
  session.fars.at({1}).outer_header->v4 = test::ipv4("192.168.3.77");
  Upf upf;
  upf.serve({session});
  const Octets frame = test::down_frame(payload);
  EXPECT_TRUE(upf.downlink({frame, frame}).n3.empty());
  EXPECT_EQ(upf.pipeline->counters().downlink.waiting.value(), 2U);
  const WantedAddress wanted{PathSide::n3, test::ip("192.168.3.77")};
  EXPECT_EQ(upf.pipeline->wanted().pop(), wanted);
  EXPECT_EQ(upf.pipeline->wanted().pop(), std::nullopt);
  upf.now += WantedAddresses::told_again_after;
  (void)upf.downlink({frame});
  EXPECT_EQ(upf.pipeline->wanted().pop(), wanted);
  auto side = test::n3_side();
  side.known.push_back({test::ip("192.168.3.77"), test::gnb_mac});
  upf.neighbours = std::make_unique<Neighbours>(side, test::n6_side());
  EXPECT_EQ(upf.downlink({frame}).n3.size(), 1U);
}

TEST(downlink, beyond_the_link_a_gateway_is_the_next_hop_and_without_one_there_is_no_way) {
  auto session = test::session();
  session.fars.at({1}).outer_header->v4 = test::ipv4("203.0.113.5");
  Upf upf;
  upf.serve({session});
  EXPECT_TRUE(upf.downlink({test::down_frame(payload)}).n3.empty());
  EXPECT_EQ(upf.pipeline->wanted().pop(), std::nullopt) << "there is nobody to resolve";
  auto side = test::n3_side();
  side.gateway_v4 = test::ipv4("192.168.3.2");
  upf.neighbours = std::make_unique<Neighbours>(side, test::n6_side());
  const auto sent = upf.downlink({test::down_frame(payload)});
  ASSERT_EQ(sent.n3.size(), 1U);
  EXPECT_EQ(test::mac_at(sent.n3[0], 0), test::gnb_mac);
}

TEST(downlink, the_outer_traffic_class_is_the_rules_and_by_importance) {
  auto session = test::marked_session(test::rtp_description());
  Far& far = session.fars.at({1});
  far.transport_level_marking = pfcp::TrafficClass{.value = 0x28, .mask = 0xFC};
  ASSERT_TRUE(
      far.extended_markings.add({.importances = pfcp::PduSetImportances{1U << 1U},
                                 .marking = pfcp::TrafficClass{.value = 0xB8, .mask = 0xFC}}));
  Upf upf;
  upf.serve({session});
  const auto sent =
      upf.downlink({test::down_frame(test::rtp_packet(PduSetMark{.psi = Psi::low_bits_of(1)})),
                    test::down_frame(test::rtp_packet(PduSetMark{.psi = Psi::low_bits_of(2)})),
                    test::down_frame(test::rtp_packet(std::nullopt))});
  ASSERT_EQ(sent.n3.size(), 3U);
  EXPECT_EQ(Tunnelled(sent.n3[0]).outer.traffic_class, 0xB8);
  EXPECT_EQ(Tunnelled(sent.n3[1]).outer.traffic_class, 0x28);
  EXPECT_EQ(Tunnelled(sent.n3[2]).outer.traffic_class, 0x28);
}

TEST(downlink, usage_is_counted_told_at_its_threshold_and_ends_at_its_quota) {
  auto session = test::session();
  session.urrs[{7}] = {.id = {7}};
  ASSERT_TRUE(session.pdrs.at({1}).urrs.add({7}));
  Upf upf;
  upf.serve({session});
  const Octets frame = test::down_frame(payload);
  const std::uint64_t octets = frame.size() - packet::ethernet_header_bytes;
  UsageMeter& meter = *upf.served().meter({7});
  meter.tell_at({.total = 2 * octets});
  meter.close_at({.downlink = 3 * octets});
  EXPECT_EQ(upf.downlink({frame, frame, frame, frame}).n3.size(), 3U);
  EXPECT_EQ(upf.dropped(PathDrop::quota_exhausted), 1U);
  EXPECT_EQ(meter.read().downlink_octets, 3 * octets);
  EXPECT_EQ(meter.read().first_packet_ns, static_cast<std::uint64_t>(upf.since_1970.count()));
  EXPECT_EQ(upf.events.pop(), (WorkerEvent{.kind = WorkerEvent::Kind::usage, .seid = 1, .id = 7}));
  EXPECT_EQ(upf.events.pop(), std::nullopt);
}

TEST(downlink, what_a_policer_drops_counts_only_where_usage_is_measured_before_it) {
  auto session = test::session();
  session.qers.at({1}).maximum_bit_rate = test::kbps(0, 0);
  session.urrs[{7}] = {.id = {7}};
  session.urrs[{8}] = {
      .id = {8},
      .information = pfcp::MeasurementInformation{pfcp::MeasurementDetail::before_qos_enforcement}};
  session.urrs[{9}] = {
      .id = {9}, .information = pfcp::MeasurementInformation{pfcp::MeasurementDetail::inactive}};
  for (const std::uint32_t id : {7U, 8U, 9U}) ASSERT_TRUE(session.pdrs.at({1}).urrs.add({id}));
  Upf upf;
  upf.serve({session});
  EXPECT_TRUE(upf.downlink({test::down_frame(payload)}).n3.empty());
  EXPECT_EQ(upf.dropped(PathDrop::rate_exceeded), 1U);
  EXPECT_EQ(upf.served().meter({7})->read().downlink_packets, 0U);
  EXPECT_EQ(upf.served().meter({8})->read().downlink_packets, 1U);
  EXPECT_EQ(upf.served().meter({9})->read().downlink_packets, 0U);
}

TEST(downlink, numbers_paging_policy_and_reflection_are_told_where_they_are_asked_for) {
  auto session = test::session();
  Qer& qer = session.qers.at({1});
  qer.indications = pfcp::QerIndications{pfcp::QerIndication::iqfisn};
  qer.paging_policy = pfcp::PagingPolicy{5};
  qer.reflective_qos = pfcp::ReflectiveQos{pfcp::Reflective::rqi};
  Upf upf;
  upf.serve({session});
  const Octets frame = test::down_frame(payload);
  auto sent = upf.downlink({frame, frame});
  upf.serve({session});
  sent.n3.push_back(upf.downlink({frame}).n3.at(0));
  for (std::uint32_t i = 0; i < 3; ++i) {
    const Tunnelled out(sent.n3.at(i));
    ASSERT_TRUE(out.dl_session);
    EXPECT_EQ(out.dl_session->qfi_sequence_number, i + 1) << "also behind a change of rules";
    EXPECT_EQ(out.dl_session->paging_policy, 5);
    EXPECT_TRUE(out.dl_session->reflective_qos);
  }
}

}  // namespace
}  // namespace lobo::dataplane
