#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/rng.hpp"
#include "dataplane/set_tracker.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "dataplane/stages/trace.hpp"
#include "model/pdu_set.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/parse.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/udp_options/edit.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::dataplane {
namespace {

using test::Octets;
using test::Tunnelled;
using test::Upf;

PduSetMark any_mark(SeededRng& rng) {
  PduSetMark mark{.end_of_pdu_set = rng.below(2) == 0,
                  .end_of_data_burst = rng.below(2) == 0,
                  .psi = Psi::low_bits_of(static_cast<std::uint32_t>(rng.below(16))),
                  .pssn = Pssn::wrapped(rng.next()),
                  .psn = Psn::wrapped(rng.next())};
  if (rng.below(4) != 0)
    mark.pdu_set_size = static_cast<std::uint32_t>(2000 + rng.below(1U << 20U));
  if (rng.below(4) != 0) mark.pdus_in_set = static_cast<std::uint16_t>(1 + rng.below(5));
  return mark;
}

/// A frame with `mark` in a clear UDP option behind `user_data`.
Octets with_option(const Octets& frame, const PduSetMark& mark, Bytes other = {}) {
  std::array<std::byte, 128> options{};
  ByteWriter out(options);
  out.bytes(other);
  std::array<std::byte, 64> body{};
  ByteWriter inner(body);
  xrm::write_body(inner, mark);
  xrm::write_option(out, xrm::OptionKind(), inner.written());
  Octets room = frame;
  room.resize(frame.size() + 160);
  const auto view = packet::parse_ethernet(Bytes(room).first(frame.size()));
  room.resize(udp_options::insert(room, view, out.written()).value());
  return room;
}

Octets packet_of(const Octets& frame) {
  return {frame.begin() + packet::ethernet_header_bytes, frame.end()};
}

/// What the RAN is told of `mark`: NPDS, BSize and TTNB stay with us.
PduSetMark conveyed(PduSetMark mark) {
  mark.pdus_in_set.reset();
  mark.burst_size.reset();
  mark.time_to_next_burst.reset();
  mark.psn16.reset();
  return mark;
}

RC_GTEST_PROP(marking, a_mark_in_an_rtp_extension_reaches_the_gnb_as_it_was, ()) {
  SeededRng rng(*rc::gen::arbitrary<std::uint64_t>());
  Upf upf;
  upf.serve({test::marked_session(test::rtp_description())});
  const PduSetMark mark = any_mark(rng);
  const Octets frame = test::down_frame(test::rtp_packet(mark));
  const auto sent = upf.downlink({frame});
  RC_ASSERT(sent.n3.size() == 1U);
  const Tunnelled out(sent.n3[0]);
  RC_ASSERT(out.set_information.has_value());
  RC_ASSERT(out.set_information->qfi == test::video_qfi);
  RC_ASSERT(out.set_information->mark == conveyed(mark));
  RC_ASSERT(out.payload() == packet_of(frame));
  RC_ASSERT(out.message.extensions()[0].type == gtpu::type_pdu_session_container);
  RC_ASSERT(out.message.extensions()[1].type == gtpu::type_pdu_set_information);
}

RC_GTEST_PROP(marking, an_option_is_read_and_taken_out_and_the_size_follows, ()) {
  SeededRng rng(*rc::gen::arbitrary<std::uint64_t>());
  Upf upf;
  upf.serve({test::marked_session(test::option_description())});
  const PduSetMark mark = any_mark(rng);
  const Octets plain = test::down_frame(Octets(100 + rng.below(2), std::byte{7}));
  const Octets frame = with_option(plain, mark);
  const auto sent = upf.downlink({frame});
  RC_ASSERT(sent.n3.size() == 1U);
  const Tunnelled out(sent.n3[0]);
  RC_ASSERT(out.payload() == packet_of(plain));
  RC_ASSERT(out.set_information.has_value());
  PduSetMark expected = conveyed(mark);
  const auto removed = static_cast<std::uint32_t>(frame.size() - plain.size());
  if (mark.pdu_set_size && !mark.pdus_in_set) expected.pdu_set_size.reset();
  if (mark.pdu_set_size && mark.pdus_in_set)
    expected.pdu_set_size = *mark.pdu_set_size - *mark.pdus_in_set * removed;
  RC_ASSERT(out.set_information->mark == expected);
  RC_ASSERT(upf.pipeline->trace(0).options_removed == removed);
}

TEST(marking, pdus_of_a_set_tell_one_size_whatever_each_of_them_lost) {
  Upf upf;
  upf.serve({test::marked_session(test::option_description())});
  PduSetMark mark{.psi = Psi::low_bits_of(3),
                  .pdu_set_size = 3000,
                  .pdus_in_set = std::uint16_t{3},
                  .burst_size = 3000};
  std::vector<std::uint32_t> sizes;
  for (const std::size_t octets : {100U, 101U, 102U}) {
    const auto sent =
        upf.downlink({with_option(test::down_frame(Octets(octets, std::byte{7})), mark)});
    ASSERT_EQ(sent.n3.size(), 1U);
    sizes.push_back(Tunnelled(sent.n3[0]).set_information.value().mark.pdu_set_size.value());
    mark.psn = Psn::wrapped(mark.psn.value() + 1U);
    mark.burst_size.reset();
  }
  EXPECT_EQ(sizes, std::vector(3, sizes[0]));
}

TEST(marking, options_are_kept_where_that_is_asked_for) {
  Upf upf({.strip_options = false});
  upf.serve({test::marked_session(test::option_description())});
  const PduSetMark mark{.psi = Psi::low_bits_of(3), .pdu_set_size = 1000};
  const Octets frame = with_option(test::down_frame(Octets(99, std::byte{7})), mark);
  const auto sent = upf.downlink({frame});
  ASSERT_EQ(sent.n3.size(), 1U);
  const Tunnelled out(sent.n3[0]);
  EXPECT_EQ(out.payload(), packet_of(frame));
  EXPECT_EQ(out.set_information.value().mark, mark);
}

TEST(marking, only_our_option_is_taken_out_and_others_still_hold) {
  std::array<std::byte, 16> other{};
  ByteWriter out(other);
  udp_options::write_mds(out, 1400);
  const Octets plain = test::down_frame(Octets(51, std::byte{7}));
  const Octets frame = with_option(plain, {.psi = Psi::low_bits_of(3)}, out.written());
  Upf upf;
  upf.serve({test::marked_session(test::option_description())});
  const auto sent = upf.downlink({frame});
  ASSERT_EQ(sent.n3.size(), 1U);
  const Octets payload = Tunnelled(sent.n3[0]).payload();
  const auto view = packet::parse_ip(payload);
  EXPECT_TRUE(packet::ip_header_checksum_ok(view));
  const auto surplus = udp_options::read_surplus(view);
  ASSERT_TRUE(surplus.accepted());
  ASSERT_EQ(surplus.count, 1);
  EXPECT_EQ(udp_options::read_mds(surplus.value(surplus.options()[0])), 1400);
}

TEST(marking, without_a_protocol_description_options_are_the_endpoints_and_stay) {
  Upf upf;
  upf.serve({test::session()});
  const Octets frame = with_option(test::down_frame(Octets(51, std::byte{7})), {});
  const auto sent = upf.downlink({frame});
  ASSERT_EQ(sent.n3.size(), 1U);
  EXPECT_EQ(Tunnelled(sent.n3[0]).payload(), packet_of(frame));
  EXPECT_EQ(upf.pipeline->counters().marked.value(), 0U);
}

TEST(marking, a_gnb_is_told_only_what_the_qer_asks_for) {
  auto session = test::marked_session(test::option_description());
  const PduSetMark mark{.end_of_data_burst = true,
                        .psi = Psi::low_bits_of(2),
                        .burst_size = 5000,
                        .time_to_next_burst = std::uint16_t{167}};
  const Octets frame = with_option(test::down_frame(Octets(51, std::byte{7})), mark);
  using enum pfcp::QerIndication;
  const auto told = [&](pfcp::QerIndications indications, std::uint8_t container) {
    session.qers.at({1}).indications = indications;
    Upf upf({.set_container = container});
    upf.serve({session});
    return upf.downlink({frame}).n3.at(0);
  };
  const Octets nothing = told({}, gtpu::type_pdu_set_information);
  EXPECT_FALSE(Tunnelled(nothing).set_information);
  const Octets sets = told({pdusm}, gtpu::type_pdu_set_information_required);
  const Tunnelled of_sets(sets);
  ASSERT_TRUE(of_sets.set_information);
  EXPECT_FALSE(of_sets.set_information->mark.end_of_data_burst);
  EXPECT_EQ(of_sets.message.extensions()[1].type, gtpu::type_pdu_set_information_required);
  EXPECT_FALSE(of_sets.dl_session->burst_size);
  const Octets bursts = told({pdusm, edbmi, dbsmi, tnbmi}, gtpu::type_pdu_set_information);
  const Tunnelled of_bursts(bursts);
  EXPECT_TRUE(of_bursts.set_information->mark.end_of_data_burst);
  EXPECT_EQ(of_bursts.dl_session->burst_size, 5000U);
  EXPECT_EQ(of_bursts.dl_session->time_to_next_burst, 167);
}

TEST(marking, a_bad_rtp_marking_is_counted_and_the_packet_goes_on_as_it_was) {
  Upf upf;
  upf.serve({test::marked_session(test::rtp_description(pfcp::RtpExtensionFormat::one_byte))});
  Octets bad_length =
      test::rtp_packet(PduSetMark{.pdu_set_size = 1, .pdus_in_set = std::uint16_t{1}});
  bad_length[16] = std::byte{0x36};  // seven octets
  Octets two_byte = test::rtp_packet(PduSetMark{});
  two_byte[12] = std::byte{0x10};
  two_byte[13] = std::byte{0x00};
  Octets damaged = test::rtp_packet(PduSetMark{});
  damaged[16] = std::byte{0x2F};  // another one, of 16 octets
  const std::vector<Octets> frames{test::down_frame(Octets(3, std::byte{})),
                                   test::down_frame(test::rtp_packet(std::nullopt)),
                                   test::down_frame(bad_length),
                                   test::down_frame(two_byte),
                                   test::down_frame(test::rtp_packet(PduSetMark{}, 1, 100, 4)),
                                   test::down_frame(damaged)};
  const auto sent = upf.downlink(frames);
  ASSERT_EQ(sent.n3.size(), frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const Tunnelled out(sent.n3[i]);
    EXPECT_FALSE(out.set_information) << i;
    EXPECT_EQ(out.payload(), packet_of(frames[i])) << i;
  }
  const auto& counted = upf.pipeline->counters().unmarked_rtp;
  for (const auto reason :
       {RtpUnmarked::not_rtp, RtpUnmarked::no_extension, RtpUnmarked::bad_value,
        RtpUnmarked::other_form, RtpUnmarked::no_element, RtpUnmarked::damaged_extension})
    EXPECT_EQ(counted[reason].value(), 1U) << to_string(reason);
  EXPECT_EQ(upf.pipeline->trace(2).opened.value().unmarked_rtp, RtpUnmarked::bad_value);
}

TEST(marking, clear_options_are_not_believed_where_protected_ones_are_asked_for) {
  Upf upf({}, {.accept = xrm::Accept::protected_only});
  upf.serve({test::marked_session(test::option_description())});
  const Octets plain = test::down_frame(Octets(60, std::byte{7}));
  const auto sent = upf.downlink({with_option(plain, {.psi = Psi::low_bits_of(1)}), plain});
  ASSERT_EQ(sent.n3.size(), 2U);
  EXPECT_FALSE(Tunnelled(sent.n3[0]).set_information);
  EXPECT_EQ(Tunnelled(sent.n3[0]).payload(), packet_of(plain));
  const auto& counted = upf.pipeline->counters().unmarked_option;
  EXPECT_EQ(counted[xrm::Unmarked::clear_not_accepted].value(), 1U);
  EXPECT_EQ(counted[xrm::Unmarked::no_option].value(), 1U);
  EXPECT_EQ(upf.pipeline->trace(0).opened.value().unmarked_option,
            xrm::Unmarked::clear_not_accepted);
}

TEST(marking, a_damaged_surplus_area_goes_on_untouched) {
  Upf upf;
  upf.serve({test::marked_session(test::option_description())});
  Octets frame =
      with_option(test::down_frame(Octets(60, std::byte{7})), {.psi = Psi::low_bits_of(1)});
  frame.back() ^= std::byte{1};
  const auto sent = upf.downlink({frame});
  ASSERT_EQ(sent.n3.size(), 1U);
  EXPECT_EQ(Tunnelled(sent.n3[0]).payload(), packet_of(frame));
  EXPECT_EQ(upf.pipeline->counters().unmarked_option[xrm::Unmarked::options_refused].value(), 1U);
}

TEST(marking, sets_are_tracked_over_batches_and_changes_of_rules) {
  auto session = test::marked_session(test::rtp_description());
  session.qers.at({1}).maximum_bit_rate = test::kbps(10'000, 10'000);
  Upf upf;
  upf.serve({session});
  const auto pdu = [](unsigned pssn, unsigned psn) {
    return test::down_frame(test::rtp_packet(PduSetMark{.psi = Psi::low_bits_of(1),
                                                        .pssn = Pssn::wrapped(pssn),
                                                        .psn = Psn::wrapped(psn),
                                                        .pdu_set_size = 400}));
  };
  (void)upf.downlink({pdu(1, 0)});
  EXPECT_EQ(upf.pipeline->trace(0).arrival, SetTracker::Arrival::first_of_set);
  session.pdrs.at({1}).precedence = 7;
  upf.serve({session});
  (void)upf.downlink({pdu(1, 1), pdu(1, 1), pdu(2, 0)});
  EXPECT_EQ(upf.pipeline->trace(0).arrival, SetTracker::Arrival::member);
  EXPECT_EQ(upf.pipeline->trace(0).verdict, SetVerdict::admitted);
  EXPECT_EQ(upf.pipeline->trace(1).arrival, SetTracker::Arrival::duplicate);
  EXPECT_EQ(upf.pipeline->trace(2).arrival, SetTracker::Arrival::first_of_set);
}

}  // namespace
}  // namespace lobo::dataplane
