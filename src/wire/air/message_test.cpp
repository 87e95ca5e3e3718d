#include "wire/air/message.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "model/address.hpp"

namespace lobo::air {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<unsigned> octets) {
  std::vector<std::byte> bytes;
  for (const unsigned octet : octets) bytes.push_back(static_cast<std::byte>(octet));
  return bytes;
}

TEST(air, a_data_packet_is_read_as_the_document_shows_it) {
  const auto octets = bytes_of({0x4C, 0x41, 1, 4, 0x01, 0x02, 0x03, 0x04, 0, 0, 0, 7, 0x45, 0x99});
  const View view = parse(octets);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view.type, Type::data_down);
  EXPECT_EQ(view.attachment, 0x01020304U);
  EXPECT_EQ(view.number, 7U);
  ASSERT_EQ(view.content.size(), 2U);
  EXPECT_EQ(view.content[1], std::byte{0x99});
}

TEST(air, an_acceptance_carries_mtu_and_addresses) {
  const auto octets = bytes_of({0x4C, 0x41, 1, 2, 0, 0, 0, 5, 0, 0, 0, 0,  //
                                0x05, 0x78, 0x01, 10, 45, 0, 2});
  const View view = parse(octets);
  ASSERT_TRUE(view.ok());
  const auto accepted = read_accepted(view.content);
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->mtu, 1400);
  EXPECT_EQ(accepted->v4, model::Ipv4Address::parse("10.45.0.2"));
  EXPECT_FALSE(accepted->v6);
}

TEST(air, what_is_not_ours_is_told_apart) {
  const auto fault = [](std::initializer_list<unsigned> octets) {
    const auto bytes = bytes_of(octets);
    return parse(bytes).fault;
  };
  EXPECT_EQ(fault({}), NotAir::header_cut);
  EXPECT_EQ(fault({0x4C, 0x41, 1, 6, 0, 0, 0, 0, 0, 0, 0}), NotAir::header_cut);
  EXPECT_EQ(fault({0x4C, 0x42, 1, 6, 0, 0, 0, 0, 0, 0, 0, 0}), NotAir::not_ours);
  EXPECT_EQ(fault({0x4C, 0x41, 2, 6, 0, 0, 0, 0, 0, 0, 0, 0}), NotAir::version);
  EXPECT_EQ(fault({0x4C, 0x41, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}), NotAir::type);
  EXPECT_EQ(fault({0x4C, 0x41, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0}), NotAir::type);
  EXPECT_EQ(fault({0x4C, 0x41, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}), NotAir::content) << "no name";
  EXPECT_EQ(fault({0x4C, 0x41, 1, 4, 0, 0, 0, 1, 0, 0, 0, 0}), NotAir::content) << "no packet";
  EXPECT_EQ(fault({0x4C, 0x41, 1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 5, 0x78, 1, 10}), NotAir::content);
  EXPECT_EQ(fault({0x4C, 0x41, 1, 6, 0, 0, 0, 0, 0, 0, 0, 0}), NotAir::it_is);
}

RC_GTEST_PROP(air, what_was_written_is_read_and_each_strict_prefix_of_an_acceptance_is_refused,
              (std::uint16_t mtu, bool with_v4, std::uint32_t attachment)) {
  Accepted accepted{.mtu = mtu, .v4 = {}, .v6 = {}};
  if (with_v4) accepted.v4 = model::Ipv4Address{{10, 45, 0, 2}};
  if (!with_v4 || mtu % 2 == 0) accepted.v6 = model::Ipv6Address::parse("fd00::2");
  std::array<std::byte, 64> room{};
  ByteWriter out(room);
  write_header(out, Type::accept, attachment);
  write_accepted(out, accepted);
  const Bytes whole = out.written();
  const View view = parse(whole);
  RC_ASSERT(view.ok());
  RC_ASSERT(view.attachment == attachment);
  RC_ASSERT(read_accepted(view.content) == accepted);
  for (std::size_t size = 0; size < whole.size(); ++size) RC_ASSERT(!parse(whole.first(size)).ok());
}

RC_GTEST_PROP(air, no_octets_at_all_make_the_reader_leave_them,
              (std::vector<std::uint8_t> octets)) {
  std::vector<std::byte> bytes;
  for (const auto octet : octets) bytes.push_back(std::byte{octet});
  const View view = parse(bytes);
  RC_ASSERT(view.content.size() <= bytes.size());
  RC_ASSERT(!to_string(view.fault).empty());
}

}  // namespace
}  // namespace lobo::air
