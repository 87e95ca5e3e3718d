#include "wire/sdd/frame.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "support/golden.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/types.hpp"
#include "wire/sdd/varint.hpp"

namespace lobo::sdd {
namespace {

std::string told(const Frame& f) {
  std::string text = fmt::format("kind {}\nflow {}\nalias {}\ncomponent {}\nseq {}\n",
                                 f.kind == FrameKind::state ? "state" : "fragment", f.flow, f.alias,
                                 f.component, f.seq);
  if (f.key) text += "key\n";
  if (f.dup_path) text += "dup_path\n";
  if (f.tx_time) text += fmt::format("tx_time {}\n", *f.tx_time);
  if (f.base) text += fmt::format("base {}\n", *f.base);
  if (f.kind == FrameKind::fragment)
    text += fmt::format("fragment {}{}\n", f.fragment, f.more ? " more" : " last");
  return text + "payload " + test::to_hex(f.payload) + "\n";
}

/// Every frame of a datagram, and the fault at which reading ended.
std::string told(Bytes datagram) {
  ByteReader in(datagram);
  std::string text;
  while (in.left() > 0) {
    const auto frame = read_frame(in);
    if (!frame) return text + fmt::format("fault {}\n", to_string(frame.error()));
    text += told(*frame);
  }
  return text;
}

TEST(sdd_frame, golden_datagrams_are_told_as_written_by_hand) {
  for (const auto& golden : test::goldens("sdd"))
    EXPECT_EQ(told(golden.bytes), golden.expected) << golden.name;
}

struct Sample {
  Frame frame;
  std::vector<std::byte> payload;
};

Sample any_sample() {
  Sample made;
  for (const auto octet : *rc::gen::nonEmpty(rc::gen::arbitrary<std::vector<std::uint8_t>>()))
    made.payload.push_back(std::byte{octet});
  const bool whole = *rc::gen::arbitrary<bool>();
  Frame& f = made.frame;
  f.kind = whole ? FrameKind::state : FrameKind::fragment;
  f.dup_path = *rc::gen::arbitrary<bool>();
  f.flow = *rc::gen::oneOf(rc::gen::inRange(1U, 100U), rc::gen::inRange(1U, 0xFFFFFFFFU));
  f.alias = *rc::gen::arbitrary<std::uint16_t>();
  f.component = *rc::gen::arbitrary<std::uint8_t>();
  f.seq = *rc::gen::arbitrary<std::uint32_t>();
  if (*rc::gen::arbitrary<bool>()) f.tx_time = *rc::gen::arbitrary<std::uint32_t>();
  if (*rc::gen::arbitrary<bool>()) f.base = *rc::gen::arbitrary<std::uint32_t>();
  f.key = !f.base && *rc::gen::arbitrary<bool>();
  if (!whole) {
    f.fragment = *rc::gen::inRange<std::uint8_t>(0, fragments_max);
    f.more = f.fragment + 1U < fragments_max && *rc::gen::arbitrary<bool>();
  }
  return made;
}

std::vector<std::byte> written(const Sample& sample) {
  Frame frame = sample.frame;
  frame.payload = sample.payload;
  std::vector<std::byte> bytes(frame_bytes(frame));
  ByteWriter out(bytes);
  write_frame(out, frame);
  EXPECT_TRUE(out.ok());
  EXPECT_EQ(out.left(), 0U);
  return bytes;
}

RC_GTEST_PROP(sdd_frame, frames_in_one_datagram_are_read_one_after_the_other, ()) {
  std::vector<std::byte> datagram;
  std::string expected;
  const int count = *rc::gen::inRange(1, 4);
  for (int i = 0; i < count; ++i) {
    const Sample sample = any_sample();
    Frame frame = sample.frame;
    frame.payload = sample.payload;
    expected += told(frame);
    std::ranges::copy(written(sample), std::back_inserter(datagram));
  }
  RC_ASSERT(told(datagram) == expected);
}

RC_GTEST_PROP(sdd_frame, each_strict_prefix_is_refused_as_cut, ()) {
  const auto bytes = written(any_sample());
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    ByteReader in(Bytes(bytes).first(size));
    const auto frame = read_frame(in);
    RC_ASSERT(!frame.has_value());
    RC_ASSERT(frame.error() == FrameFault::cut);
  }
}

RC_GTEST_PROP(sdd_frame, what_is_read_is_written_the_same, (std::vector<std::uint8_t> octets)) {
  if (!octets.empty()) octets[0] &= 0x3F;
  ByteReader in(std::as_bytes(std::span(octets)));
  if (const auto frame = read_frame(in)) {
    std::vector<std::byte> bytes(frame_bytes(*frame));
    ByteWriter out(bytes);
    write_frame(out, *frame);
    ByteReader again(bytes);
    RC_ASSERT(told(*read_frame(again)) == told(*frame));
  }
}

TEST(sdd_frame, a_full_fragment_fills_a_datagram_and_four_of_them_hold_the_largest_state) {
  const std::vector<std::byte> payload(fragment_payload_max);
  Frame frame;
  frame.kind = FrameKind::fragment;
  frame.flow = 0xFFFFFFFF;
  frame.tx_time = 1;
  frame.base = 1;
  frame.payload = payload;
  EXPECT_EQ(frame_bytes(frame), datagram_bytes_max);
}

TEST(sdd_varint, examples_of_rfc_9000_are_read_and_written) {
  struct Example {
    const char* hex;
    std::uint64_t value;
  };
  for (const auto& [hex, value] :
       {Example{"c2197c5eff14e88c", 151'288'809'941'952'652ULL}, Example{"9d7f3e7d", 494'878'333},
        Example{"7bbd", 15'293}, Example{"25", 37}}) {
    const auto bytes = test::from_hex(hex);
    ByteReader in(bytes);
    EXPECT_EQ(read_varint(in), value);
    EXPECT_TRUE(in.ok());
    std::array<std::byte, 8> place;
    ByteWriter out(place);
    write_varint(out, value);
    EXPECT_TRUE(std::ranges::equal(out.written(), bytes));
  }
}

RC_GTEST_PROP(sdd_stream_header, what_was_written_is_read_and_each_prefix_waits_for_more, ()) {
  const StreamHeader header{.flow = *rc::gen::inRange(1U, 0xFFFFFFFFU),
                            .reliability = static_cast<FlowClass>(*rc::gen::inRange(2, 5)),
                            .alias = *rc::gen::inRange<std::uint16_t>(1, 0xFFFF),
                            .component = *rc::gen::arbitrary<std::uint8_t>(),
                            .seq = *rc::gen::arbitrary<std::uint32_t>(),
                            .deadline = std::chrono::milliseconds(*rc::gen::inRange(0, 60'001))};
  std::array<std::byte, stream_header_bytes_max> place;
  ByteWriter out(place);
  write_stream_header(out, header);
  StreamHeader read;
  ByteReader in(out.written());
  RC_ASSERT(read_stream_header(in, read) == HeaderRead::whole);
  RC_ASSERT(read == header);
  RC_ASSERT(in.left() == 0);
  for (std::size_t size = 0; size < out.position(); ++size) {
    ByteReader cut(out.written().first(size));
    RC_ASSERT(read_stream_header(cut, read) == HeaderRead::unfinished);
  }
}

TEST(sdd_stream_header, numbers_beyond_their_range_are_refused) {
  for (const char* hex : {
           "000201010000",        // flow 0
           "010101010000",        // R1 goes by datagrams
           "010501010000",        // no such class
           "010200010000",        // alias 0
           "010201800001000000",  // component 65,536
           "01020101c00000010000000000",
           "01020101008000ea61",  // a deadline beyond a minute
       }) {
    const auto bytes = test::from_hex(hex);
    ByteReader in(bytes);
    StreamHeader header;
    EXPECT_EQ(read_stream_header(in, header), HeaderRead::bad) << hex;
  }
}

}  // namespace
}  // namespace lobo::sdd
