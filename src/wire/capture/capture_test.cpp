// The readers against bytes written by hand from the formats' texts; both byte orders.
#include "wire/capture/capture.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "wire/capture/reader.hpp"

namespace lobo::capture {
namespace {

using namespace std::chrono_literals;

std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  std::string digits;
  for (const char c : text)
    if (c != ' ') digits += c;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

struct All {
  std::vector<Item> items;
  std::size_t taken = 0;
  Reader::Step last;
};

All read_all(Reader& reader, Bytes file) {
  All all;
  while (all.taken < file.size()) {
    all.last = reader.next(file.subspan(all.taken));
    if (all.last.status != Reader::Status::item) break;
    all.taken += all.last.size;
    all.items.push_back(all.last.item);
  }
  return all;
}

TEST(capture_reader, reads_microseconds_little_endian) {
  const auto file = from_hex(
      "d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000"
      "01000000 02000000 03000000 05000000 aabbcc");
  Reader reader;
  const auto all = read_all(reader, file);
  ASSERT_EQ(all.items.size(), 2U);
  EXPECT_EQ(reader.format(), Format::pcap_microseconds);
  const Packet& packet = all.items[1].packet;
  EXPECT_EQ(packet.time, 1s + 2us);
  EXPECT_EQ(packet.link_type, LinkType::ethernet);
  EXPECT_EQ(packet.original_length, 5U);
  EXPECT_EQ(packet.bytes.size(), 3U);
  EXPECT_EQ(packet.bytes[2], std::byte{0xCC});
  EXPECT_EQ(all.taken, file.size());
}

TEST(capture_reader, reads_nanoseconds_big_endian_and_leaves_the_fcs_bits) {
  const auto file = from_hex(
      "a1b23c4d 0002 0004 00000000 00000000 00040000 24000114"
      "00000001 00000002 00000001 00000001 ff");
  Reader reader;
  const auto all = read_all(reader, file);
  ASSERT_EQ(all.items.size(), 2U);
  EXPECT_EQ(reader.format(), Format::pcap_nanoseconds);
  EXPECT_EQ(reader.byte_order(), ByteOrder::big);
  EXPECT_EQ(all.items[1].packet.time, 1s + 2ns);
  EXPECT_EQ(all.items[1].packet.link_type, LinkType::linux_sll2);
}

constexpr std::string_view section_big =
    "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c";
// Link type 101, no snap length, if_tsresol 10^-9, if_tsoffset 3 s.
constexpr std::string_view interface_big =
    "00000001 0000002c 0065 0000 00000000 0009 0001 09000000 000e 0008 0000000000000003 0000 0000"
    "0000002c";

TEST(capture_reader, reads_pcapng_blocks_big_endian) {
  const auto file =
      from_hex(std::string(section_big) + std::string(interface_big) +
               "00000006 00000024 00000000 00000001 00000002 00000002 00000009 beef0000 00000024"
               "00000003 00000014 00000003 01020300 00000014"  // simple packet
               "00000004 00000010 00000000 00000010"           // name resolution
               "0badcafe 0000000c 0000000c"                    // nobody knows
               "00000002 00000024 0000 0000 00000000 00000005 00000001 00000001 77000000 00000024");
  Reader reader;
  const auto all = read_all(reader, file);
  ASSERT_EQ(all.items.size(), 7U);
  EXPECT_EQ(reader.format(), Format::pcapng);
  EXPECT_EQ(all.items[0].kind, Item::Kind::header);
  EXPECT_EQ(all.items[1].kind, Item::Kind::header);
  const Packet& enhanced = all.items[2].packet;
  EXPECT_EQ(enhanced.time, std::chrono::nanoseconds((1LL << 32) + 2) + 3s);
  EXPECT_EQ(enhanced.link_type, LinkType::raw);
  EXPECT_EQ(enhanced.original_length, 9U);
  ASSERT_EQ(enhanced.bytes.size(), 2U);
  EXPECT_EQ(enhanced.bytes[0], std::byte{0xBE});
  EXPECT_EQ(all.items[3].kind, Item::Kind::packet);
  EXPECT_EQ(all.items[3].packet.bytes.size(), 3U);
  EXPECT_EQ(all.items[3].packet.time, 0ns);
  EXPECT_EQ(all.items[4].kind, Item::Kind::other);
  EXPECT_EQ(all.items[5].kind, Item::Kind::other);
  EXPECT_EQ(all.items[6].kind, Item::Kind::packet);
  EXPECT_EQ(all.items[6].packet.time, 5ns + 3s);
  EXPECT_EQ(all.taken, file.size());
}

TEST(capture_reader, a_new_section_may_change_the_byte_order_and_forgets_interfaces) {
  const auto file =
      from_hex(std::string(section_big) + std::string(interface_big) +
               "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000"
               "06000000 24000000 00000000 00000000 00000000 01000000 01000000 aa000000 24000000"
               "01000000 14000000 0100 0000 00000000 14000000"
               "06000000 24000000 00000000 00000000 40420f00 01000000 01000000 aa000000 24000000");
  Reader reader;
  const auto all = read_all(reader, file);
  ASSERT_EQ(all.items.size(), 6U);
  EXPECT_EQ(all.items[3].kind, Item::Kind::packet);
  EXPECT_EQ(all.items[3].packet.link_type, LinkType::unknown);
  EXPECT_EQ(all.items[5].packet.link_type, LinkType::ethernet);
  EXPECT_EQ(all.items[5].packet.time, 1s);  // microseconds, where nothing else is said
}

TEST(capture_reader, time_resolutions_are_powers_of_ten_or_of_two) {
  const auto time_with = [](std::string_view resolution, std::string_view low) {
    const auto file = from_hex(
        std::string(section_big) + "00000001 0000001c 0065 0000 00000000 0009 0001 " +
        std::string(resolution) + "000000 0000001c" + "00000006 00000020 00000000 00000000 " +
        std::string(low) + " 00000000 00000000 00000020");
    Reader reader;
    const auto all = read_all(reader, file);
    return all.items.size() == 3 ? all.items[2].packet.time : -1ns;
  };
  EXPECT_EQ(time_with("00", "00000007"), 7s);
  EXPECT_EQ(time_with("03", "00000007"), 7ms);
  EXPECT_EQ(time_with("0c", "00001388"), 5ns);    // picoseconds
  EXPECT_EQ(time_with("8a", "00000200"), 500ms);  // 2^-10
  EXPECT_EQ(time_with("ff", "ffffffff"), 0ns);    // 2^-127
  EXPECT_EQ(time_with("7f", "ffffffff"), 0ns);    // 10^-127
}

TEST(capture_reader, says_why_the_rest_cannot_be_read) {
  const auto why = [](std::string_view hex) {
    const auto file = from_hex(hex);
    Reader reader;
    const auto all = read_all(reader, file);
    EXPECT_EQ(all.last.status, Reader::Status::broken) << hex;
    return all.last.broken;
  };
  EXPECT_EQ(why("00010203 04050607"), Broken::not_a_capture);
  EXPECT_EQ(why("d4c3b2a1 0300 0400 00000000 00000000 00000400 01000000"), Broken::version);
  EXPECT_EQ(why("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000"
                "00000000 00000000 01000400 01000400"),
            Broken::record_too_long);
  EXPECT_EQ(why("0a0d0d0a 0000001c 00000000 0001 0000 ffffffffffffffff 0000001c"),
            Broken::byte_order);
  EXPECT_EQ(why("0a0d0d0a 0000001d 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c"),
            Broken::block_length);
  EXPECT_EQ(why("0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 00000020"),
            Broken::block_length);
  EXPECT_EQ(why("0a0d0d0a 00000000 1a2b3c4d 0001 0000 ffffffffffffffff 00000000"),
            Broken::block_length);
  EXPECT_EQ(why("0a0d0d0a 0000001c 1a2b3c4d 0002 0000 ffffffffffffffff 0000001c"), Broken::version);
  EXPECT_EQ(why("0a0d0d0a 7ffffffc 1a2b3c4d 0001 0000 ffffffffffffffff 7ffffffc"),
            Broken::block_too_long);
}

TEST(capture_reader, a_block_that_contradicts_itself_is_damaged_and_the_next_is_read) {
  const auto file =
      from_hex(std::string(section_big) + std::string(interface_big) +
               // states 200 bytes in a block of 36
               "00000006 00000024 00000000 00000000 00000000 000000c8 000000c8 beef0000 00000024"
               "00000006 00000010 00000000 00000010"  // too short for its type
               "00000003 00000014 000000c8 01020300 00000014"
               // an interface whose option reaches out of it
               "00000001 0000001c 0001 0000 00000000 0009 00ff 09000000 0000001c"
               "00000006 00000020 00000000 00000000 00000001 00000000 00000000 00000020");
  Reader reader;
  const auto all = read_all(reader, file);
  ASSERT_EQ(all.items.size(), 7U);
  for (const std::size_t damaged : {2U, 3U, 4U, 5U})
    EXPECT_EQ(all.items[damaged].kind, Item::Kind::damaged) << damaged;
  EXPECT_EQ(all.items[6].kind, Item::Kind::packet);
}

}  // namespace
}  // namespace lobo::capture
