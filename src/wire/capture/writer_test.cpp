// What is written is read again; what was rewritten and put back is the same file.
#include "wire/capture/writer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/reader.hpp"
#include "wire/capture/rewriter.hpp"

namespace lobo::capture {
namespace {

struct Sample {
  std::chrono::nanoseconds time{};
  LinkType link_type{};
  std::uint32_t cut = 0;
  std::vector<std::byte> bytes;
};

rc::Gen<std::vector<std::byte>> some_bytes() {
  return rc::gen::map(rc::gen::arbitrary<std::vector<std::uint8_t>>(), [](const auto& numbers) {
    std::vector<std::byte> bytes;
    bytes.reserve(numbers.size());
    for (const std::uint8_t number : numbers) bytes.push_back(static_cast<std::byte>(number));
    return bytes;
  });
}

std::vector<Sample> samples(Format format) {
  const auto count = *rc::gen::inRange(0, 8);
  const auto type = *rc::gen::element(LinkType::ethernet, LinkType::raw, LinkType::linux_sll2);
  std::vector<Sample> all;
  for (int i = 0; i < count; ++i) {
    Sample one;
    one.time = std::chrono::nanoseconds(*rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000'000));
    if (format == Format::pcap_microseconds)
      one.time = std::chrono::floor<std::chrono::microseconds>(one.time);
    one.link_type =
        format == Format::pcapng ? *rc::gen::element(LinkType::ethernet, LinkType::raw) : type;
    one.cut = *rc::gen::inRange<std::uint32_t>(0, 100);
    one.bytes = *some_bytes();
    all.push_back(std::move(one));
  }
  return all;
}

std::vector<std::byte> written(Format format, const std::vector<Sample>& all) {
  Writer writer(format);
  std::vector<std::byte> file;
  std::vector<std::byte> room(4096 + writer_room);
  for (const auto& one : all) {
    const auto size =
        writer.packet({.time = one.time,
                       .link_type = one.link_type,
                       .original_length = static_cast<std::uint32_t>(one.bytes.size()) + one.cut,
                       .bytes = one.bytes},
                      room);
    RC_ASSERT(size.has_value());
    file.insert(file.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(*size));
  }
  return file;
}

Format any_format() {
  return *rc::gen::element(Format::pcap_microseconds, Format::pcap_nanoseconds, Format::pcapng);
}

RC_GTEST_PROP(capture_writer, what_is_written_is_read_again, ()) {
  const Format format = any_format();
  const auto all = samples(format);
  const auto file = written(format, all);
  Reader reader;
  std::size_t at = 0;
  std::size_t seen = 0;
  while (at < file.size()) {
    const auto step = reader.next(Bytes(file).subspan(at));
    RC_ASSERT(step.status == Reader::Status::item);
    at += step.size;
    if (step.item.kind != Item::Kind::packet) continue;
    const Packet& packet = step.item.packet;
    RC_ASSERT(packet.time == all[seen].time);
    RC_ASSERT(packet.link_type == all[seen].link_type);
    RC_ASSERT(packet.original_length == all[seen].bytes.size() + all[seen].cut);
    RC_ASSERT(std::ranges::equal(packet.bytes, all[seen].bytes));
    ++seen;
  }
  RC_ASSERT(seen == all.size());
}

RC_GTEST_PROP(capture_reader, each_strict_prefix_of_an_item_asks_for_more, ()) {
  const Format format = any_format();
  const auto file = written(format, samples(format));
  for (std::size_t at = 0; at < file.size();) {
    Reader reader;
    std::size_t walked = 0;
    while (walked < at) walked += reader.next(Bytes(file).subspan(walked)).size;
    const auto whole = Reader(reader).next(Bytes(file).subspan(at));
    RC_ASSERT(whole.status == Reader::Status::item);
    for (std::size_t size = 0; size < whole.size; ++size) {
      const auto step = Reader(reader).next(Bytes(file).subspan(at, size));
      RC_ASSERT(step.status == Reader::Status::need_more);
      RC_ASSERT(step.size > size);
      RC_ASSERT(step.size <= whole.size);
    }
    at += whole.size;
  }
}

RC_GTEST_PROP(capture_rewriter, what_is_rewritten_and_put_back_is_the_same_file, ()) {
  const Format format = any_format();
  const auto all = samples(format);
  const auto file = written(format, all);
  const auto other = *some_bytes();
  // Both passes: first every packet becomes `other`, then what it was.
  const auto pass = [](const std::vector<std::byte>& in, const auto& bytes_of) {
    Reader reader;
    std::vector<std::byte> out;
    std::size_t packet = 0;
    for (std::size_t at = 0; at < in.size();) {
      const auto step = reader.next(Bytes(in).subspan(at));
      RC_ASSERT(step.status == Reader::Status::item);
      at += step.size;
      if (step.item.kind != Item::Kind::packet) {
        out.insert(out.end(), step.item.raw.begin(), step.item.raw.end());
        continue;
      }
      const Bytes bytes = bytes_of(packet++);
      std::vector<std::byte> room(step.item.raw.size() + bytes.size() + rewrite_room);
      const auto size = rewrite(step.item, bytes, room);
      RC_ASSERT(size > 0U);
      out.insert(out.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size));
    }
    return out;
  };
  const auto changed = pass(file, [&](std::size_t) { return Bytes(other); });
  RC_ASSERT(pass(changed, [&](std::size_t i) { return Bytes(all[i].bytes); }) == file);
}

TEST(capture_writer, classic_pcap_refuses_a_second_link_type) {
  Writer writer(Format::pcap_nanoseconds);
  std::vector<std::byte> room(writer_room);
  EXPECT_TRUE(writer.packet({.link_type = LinkType::raw}, room));
  const auto refused = writer.packet({.link_type = LinkType::ethernet}, room);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::not_allowed);
}

TEST(capture_rewriter, a_simple_packet_whose_data_was_cut_is_left_alone) {
  const Packet cut{.original_length = 9, .bytes = {}};
  std::vector<std::byte> raw(16);
  raw[0] = std::byte{3};
  std::vector<std::byte> room(256);
  EXPECT_EQ(rewrite({.kind = Item::Kind::packet, .raw = raw, .packet = cut}, {}, room), 0U);
}

TEST(capture_rewriter, a_length_on_the_wire_below_what_was_captured_does_not_wrap) {
  Writer writer(Format::pcap_nanoseconds);
  std::vector<std::byte> room(writer_room + 64);
  const std::vector<std::byte> bytes(40);
  const auto size = writer.packet({.original_length = 4, .bytes = bytes}, room);
  ASSERT_TRUE(size);
  Reader reader;
  auto step = reader.next(room);
  step = reader.next(Bytes(room).subspan(step.size));
  ASSERT_EQ(step.item.packet.original_length, 4U);
  std::vector<std::byte> shorter(step.item.raw.size() + rewrite_room);
  ASSERT_GT(rewrite(step.item, Bytes(bytes).first(20), shorter), 0U);
  EXPECT_EQ(reader.next(shorter).item.packet.original_length, 0U);
}

}  // namespace
}  // namespace lobo::capture
