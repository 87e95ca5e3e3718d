#include "wire/rtp/packet.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "support/golden.hpp"
#include "wire/rtp/pdu_set_marking.hpp"
#include "wire/rtp/registry.hpp"

namespace lobo::rtp {
namespace {

const char* to_text(Form form) {
  switch (form) {
    case Form::none: return "none";
    case Form::one_byte: return "one_byte";
    case Form::two_byte: return "two_byte";
    case Form::other: return "other";
  }
  return "";
}

std::string to_text(const PduSetMark& mark) {
  std::string text = fmt::format("E={} D={} PSI={} PSSN={} PSN={}", mark.end_of_pdu_set ? 1 : 0,
                                 mark.end_of_data_burst ? 1 : 0, mark.psi.value(),
                                 mark.pssn.value(), mark.psn.value());
  if (mark.pdu_set_size) text += fmt::format(" PSSize={}", *mark.pdu_set_size);
  if (mark.pdus_in_set) text += fmt::format(" NPDS={}", *mark.pdus_in_set);
  return text;
}

ExtensionRegistry registry_with_id_1() {
  ExtensionRegistry registry;
  EXPECT_TRUE(registry.bind(1, pdu_set_marking_urn));
  return registry;
}

std::string described(const RtpView& view) {
  std::string text = fmt::format("rtp = {}\n", to_string(view.fault));
  if (!view.ok()) return text;
  text += fmt::format("pt = {}{}\nsequence = {}\ntimestamp = {}\nssrc = {:08x}\ncsrc = {}\n",
                      view.payload_type, view.marker ? " marker" : "", view.sequence_number,
                      view.timestamp, view.ssrc, view.csrc_count);
  text += fmt::format("form = {}\n", to_text(view.form));
  Elements elements(view);
  while (const auto element = elements.next()) {
    const std::string value = test::to_hex(element->value);
    text += fmt::format("element = {} {}\n", element->id, value.empty() ? "-" : value);
  }
  PduSetMark mark;
  const MarkFrom from = registry_with_id_1().read(view, mark);
  text += fmt::format("mark = {}\n",
                      from == MarkFrom::marked ? to_text(mark) : std::string(to_string(from)));
  return text + fmt::format("payload = {}\n", test::to_hex(view.payload()));
}

TEST(rtp, every_golden_packet_is_read_as_its_text_says) {
  for (const auto& golden : test::goldens("rtp")) {
    SCOPED_TRACE(golden.name);
    EXPECT_EQ(described(parse_rtp(golden.bytes)), golden.expected);
  }
}

TEST(rtp, every_strict_prefix_up_to_the_end_of_the_extension_is_refused) {
  for (const auto& golden : test::goldens("rtp")) {
    const RtpView whole = parse_rtp(golden.bytes);
    if (!whole.ok()) continue;
    SCOPED_TRACE(golden.name);
    for (std::size_t length = 0; length < whole.payload_at; ++length)
      EXPECT_FALSE(parse_rtp(Bytes(golden.bytes).first(length), false).ok()) << length;
  }
}

PduSetMark any_mark() {
  PduSetMark mark;
  mark.end_of_pdu_set = *rc::gen::arbitrary<bool>();
  mark.end_of_data_burst = *rc::gen::arbitrary<bool>();
  mark.psi = Psi::low_bits_of(*rc::gen::arbitrary<std::uint32_t>());
  mark.pssn = Pssn::wrapped(*rc::gen::arbitrary<std::uint64_t>());
  mark.psn = Psn::wrapped(*rc::gen::arbitrary<std::uint64_t>());
  if (*rc::gen::arbitrary<bool>())
    mark.pdu_set_size = *rc::gen::arbitrary<std::uint32_t>() & pdu_set_size_max;
  if (*rc::gen::arbitrary<bool>()) mark.pdus_in_set = *rc::gen::arbitrary<std::uint16_t>();
  return mark;
}

RC_GTEST_PROP(rtp, a_marking_is_read_back_as_it_was_written, ()) {
  const PduSetMark mark = any_mark();
  std::array<std::byte, pdu_set_marking_bytes_max> room{};
  ByteWriter out(room);
  write_pdu_set_marking(out, mark);
  RC_ASSERT(out.ok());
  RC_ASSERT(out.position() == pdu_set_marking_bytes(mark));
  PduSetMark back;
  RC_ASSERT(read_pdu_set_marking(out.written(), back));
  RC_ASSERT(back == mark);
}

TEST(rtp, a_marking_of_any_other_length_is_refused_and_leaves_the_mark) {
  const std::array<std::byte, 12> bytes{};
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    PduSetMark mark;
    mark.psi = Psi::low_bits_of(7);
    const PduSetMark before = mark;
    const bool one_of_four = length == 3 || length == 5 || length == 6 || length == 8;
    EXPECT_EQ(read_pdu_set_marking(Bytes(bytes).first(length), mark), one_of_four) << length;
    EXPECT_EQ(mark == before, !one_of_four);
  }
}

RC_GTEST_PROP(rtp, any_bytes_give_parts_that_lie_within_the_datagram, ()) {
  std::vector<std::byte> bytes;
  for (const auto value :
       *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>()))
    bytes.push_back(std::byte{value});
  if (!bytes.empty()) bytes[0] = (bytes[0] & std::byte{0x3F}) | std::byte{0x80};
  const RtpView view = parse_rtp(bytes);
  if (view.ok()) {
    RC_ASSERT(view.payload_at <= view.payload_end);
    RC_ASSERT(view.payload_end <= bytes.size());
    std::size_t total = 0;
    Elements elements(view);
    while (const auto element = elements.next()) total += element->value.size() + 1;
    RC_ASSERT(total <= view.elements().size());
  }
  PduSetMark mark;
  (void)registry_with_id_1().read(view, mark);
}

bool read_burst(Bytes value, PduSetMark& mark) {
  if (value.size() != 5) return false;
  mark.burst_size = be24_at(value, 0);
  mark.time_to_next_burst = be16_at(value, 3);
  return true;
}

TEST(rtp_registry, an_extension_of_a_later_release_is_plugged_in_beside_the_first) {
  ExtensionRegistry registry = registry_with_id_1();
  EXPECT_FALSE(registry.bind(2, "urn:example:dynamic-traffic"));
  EXPECT_TRUE(registry.add("urn:example:dynamic-traffic", read_burst));
  EXPECT_FALSE(registry.add("urn:example:dynamic-traffic", read_burst));
  EXPECT_TRUE(registry.bind(2, "urn:example:dynamic-traffic"));
  EXPECT_EQ(registry.urn_of(2), "urn:example:dynamic-traffic");
  EXPECT_EQ(registry.urn_of(3), std::nullopt);
  EXPECT_FALSE(registry.bind(0, pdu_set_marking_urn));
  const auto packet =
      test::from_hex("9060 0001 00000000 00000001 bede0003 12 81556a 24 0186a0 00a7 0000");
  PduSetMark mark;
  ASSERT_EQ(registry.read(parse_rtp(packet), mark), MarkFrom::marked);
  EXPECT_TRUE(mark.end_of_pdu_set);
  EXPECT_EQ(mark.burst_size, 100000U);
  EXPECT_EQ(mark.time_to_next_burst, 167);
  registry.unbind(1);
  registry.unbind(2);
  EXPECT_EQ(registry.read(parse_rtp(packet), mark), MarkFrom::no_element);
}

TEST(rtp_registry, binding_anew_and_unbinding_keep_what_is_looked_for) {
  ExtensionRegistry registry = registry_with_id_1();
  ASSERT_TRUE(registry.add("urn:example:dynamic-traffic", read_burst));
  ASSERT_TRUE(registry.bind(1, "urn:example:dynamic-traffic"));
  ASSERT_TRUE(registry.bind(1, pdu_set_marking_urn));
  ASSERT_TRUE(registry.bind(2, "urn:example:dynamic-traffic"));
  const auto both =
      test::from_hex("9060 0001 00000000 00000001 bede0003 12 81556a 24 0186a0 00a7 0000");
  PduSetMark mark;
  ASSERT_EQ(registry.read(parse_rtp(both), mark), MarkFrom::marked);
  EXPECT_EQ(mark.burst_size, 100000U) << "the second is still looked for";
  registry.unbind(2);
  registry.unbind(2);
  PduSetMark alone;
  ASSERT_EQ(registry.read(parse_rtp(both), alone), MarkFrom::marked);
  EXPECT_TRUE(alone.end_of_pdu_set);
  EXPECT_EQ(alone.burst_size, std::nullopt);
}

/// What a lone binding of identifier 3 is to find: the first element with it, and nothing behind
/// it.
MarkFrom first_marking(const RtpView& view, PduSetMark& mark) {
  if (!view.ok()) return MarkFrom::not_rtp;
  if (view.form == Form::none || view.form == Form::other) return MarkFrom::no_extension;
  Elements elements(view);
  while (const auto element = elements.next())
    if (element->id == 3)
      return read_pdu_set_marking(element->value, mark) ? MarkFrom::marked : MarkFrom::bad_value;
  return elements.damaged() ? MarkFrom::damaged_extension : MarkFrom::no_element;
}

// The usual marking, alone and first, is read without the loop: that must not be told from outside.
RC_GTEST_PROP(rtp_registry, a_lone_binding_reads_the_first_element_that_has_it, ()) {
  ExtensionRegistry lone;
  RC_ASSERT(lone.bind(3, pdu_set_marking_urn));
  std::vector<std::byte> packet =
      test::from_hex("9060 0001 00000000 00000001 bede0003 3781556a 007530 0019 000000");
  const auto at = *rc::gen::inRange<std::size_t>(12, packet.size());
  packet[at] = std::byte{*rc::gen::arbitrary<std::uint8_t>()};
  const RtpView view = parse_rtp(packet);
  PduSetMark read;
  PduSetMark expected;
  const MarkFrom from = first_marking(view, expected);
  RC_ASSERT(lone.read(view, read) == from);
  if (from == MarkFrom::marked) RC_ASSERT(read == expected);
}

TEST(rtp_registry, the_table_of_types_is_bounded) {
  ExtensionRegistry registry;
  for (std::size_t i = 1; i < extension_types_max; ++i)
    EXPECT_TRUE(registry.add("urn:example:" + std::to_string(i), read_burst));
  EXPECT_FALSE(registry.add("urn:example:one-more", read_burst));
}

}  // namespace
}  // namespace lobo::rtp
