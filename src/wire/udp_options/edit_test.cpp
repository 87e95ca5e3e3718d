#include "wire/udp_options/edit.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "support/golden.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"

namespace lobo::udp_options {
namespace {

constexpr packet::FlowKey flow_v4{.source_low = 0x0A000001,
                                  .destination_low = 0x0A000002,
                                  .source_port = 4000,
                                  .destination_port = 5004,
                                  .protocol = 17,
                                  .ip_version = 4};

struct Packet {
  std::array<std::byte, 2048> bytes{};
  std::size_t length = 0;
  packet::PacketView view() const { return packet::parse_ethernet(Bytes(bytes).first(length)); }
};

Packet packet_with(std::size_t data_bytes, bool six = false, bool checksum = true) {
  packet::FlowKey flow = flow_v4;
  if (six) flow.ip_version = 6;
  const std::vector<std::byte> data(data_bytes, std::byte{0xA5});
  Packet packet;
  packet.length = packet::build_udp_frame(packet.bytes, {}, flow, {}, data, checksum).value_or(0);
  return packet;
}

void expect_sound(const Packet& before, const Packet& after) {
  const auto old_view = before.view();
  const auto new_view = after.view();
  ASSERT_TRUE(new_view.whole_udp());
  EXPECT_EQ(new_view.ip_end, after.length);
  EXPECT_TRUE(packet::ip_header_checksum_ok(new_view));
  EXPECT_EQ(packet::verify_udp_checksum(new_view), packet::verify_udp_checksum(old_view));
  EXPECT_TRUE(std::ranges::equal(old_view.udp_header(), new_view.udp_header()));
  EXPECT_TRUE(std::ranges::equal(old_view.user_data(), new_view.user_data()));
}

TEST(udp_options_edit, insert_and_strip_keep_everything_outside_the_surplus_area) {
  const auto option = test::from_hex("7f0a 5852 0381 556a 0000");
  for (const std::size_t data_bytes : {0U, 1U, 2U, 1199U, 1200U}) {
    for (const bool six : {false, true}) {
      for (const bool checksum : {false, true}) {
        Packet packet = packet_with(data_bytes, six, checksum);
        const Packet before = packet;
        const Edited longer = insert(packet.bytes, packet.view(), option);
        ASSERT_TRUE(longer);
        EXPECT_EQ(*longer, before.length + surplus_bytes_for(option.size(), data_bytes % 2 != 0));
        packet.length = *longer;
        expect_sound(before, packet);
        const Surplus surplus = read_surplus(packet.view());
        ASSERT_TRUE(surplus.accepted()) << to_string(surplus.verdict);
        EXPECT_FALSE(surplus.remarks.checksum_unused) << "OCS is always sent";
        ASSERT_NE(surplus.find_experiment(0x5852), nullptr);
        const Edited shorter = strip(packet.bytes, packet.view());
        ASSERT_EQ(shorter, Edited(before.length));
        packet.length = *shorter;
        EXPECT_TRUE(std::equal(packet.bytes.begin(),
                               packet.bytes.begin() + static_cast<std::ptrdiff_t>(packet.length),
                               before.bytes.begin()));
      }
    }
  }
}

TEST(udp_options_edit, a_second_option_goes_in_front_of_eol_and_comes_out_alone) {
  Packet packet = packet_with(5);
  std::array<std::byte, 32> first{};
  ByteWriter writer(first);
  write_mds(writer, 1472);
  write_eol(writer);
  packet.length = *insert(packet.bytes, packet.view(), writer.written());
  const Packet with_mds = packet;
  packet.length = *insert(packet.bytes, packet.view(), test::from_hex("7f06 5852 0102"));
  expect_sound(with_mds, packet);
  Surplus surplus = read_surplus(packet.view());
  ASSERT_EQ(surplus.options().size(), 2U);
  EXPECT_EQ(surplus.options()[0].kind, kind_mds);
  EXPECT_EQ(test::to_hex(surplus.value(surplus.options()[1])), "58520102");
  packet.length = *remove(packet.bytes, packet.view(), surplus, surplus.options()[0]);
  surplus = read_surplus(packet.view());
  ASSERT_EQ(surplus.options().size(), 1U);
  EXPECT_NE(surplus.find_experiment(0x5852), nullptr);
  packet.length = *remove(packet.bytes, packet.view(), surplus, surplus.options()[0]);
  EXPECT_TRUE(packet.view().surplus().empty());
  EXPECT_EQ(packet.length, packet_with(5).length);
}

TEST(udp_options_edit, what_cannot_be_done_leaves_the_packet_as_it_was) {
  const auto option = test::from_hex("640400ff");
  const auto refused = [&](Packet packet, std::size_t room, Unedited reason) {
    const Packet before = packet;
    const Edited edited = insert(MutableBytes(packet.bytes).first(room), packet.view(), option);
    ASSERT_FALSE(edited);
    EXPECT_EQ(edited.error(), reason);
    EXPECT_EQ(packet.bytes, before.bytes);
  };
  Packet packet = packet_with(4);
  refused(packet, packet.length + 5, Unedited::no_room);
  Packet cut = packet;
  --cut.length;
  refused(cut, 2048, Unedited::not_a_whole_datagram);
  Packet damaged = packet;
  damaged.length = *insert(damaged.bytes, damaged.view(), option);
  damaged.bytes[damaged.length - 1] ^= std::byte{1};
  refused(damaged, 2048, Unedited::options_not_accepted);
  Surplus other = read_surplus(packet.view());
  EXPECT_EQ(remove(packet.bytes, packet.view(), other, Option{}),
            Edited(tl::unexpected(Unedited::no_such_option)));
}

TEST(udp_options_edit, a_udp_fragment_is_left_alone) {
  for (const auto& golden : test::goldens("udp_options")) {
    if (golden.name != "frag_first") continue;
    auto bytes = golden.bytes;
    bytes.resize(bytes.size() + 64);
    const auto view = packet::parse_ip(Bytes(bytes).first(golden.bytes.size()));
    EXPECT_EQ(insert(bytes, view, test::from_hex("640400ff")),
              Edited(tl::unexpected(Unedited::a_fragment)));
    EXPECT_EQ(strip(bytes, view), Edited(tl::unexpected(Unedited::a_fragment)));
    bytes[golden.bytes.size() - 1] ^= std::byte{1};  // OCS does not hold: it may still be one
    EXPECT_EQ(strip(bytes, view), Edited(tl::unexpected(Unedited::a_fragment)));
    return;
  }
  FAIL() << "the vector is missing";
}

RC_GTEST_PROP(udp_options_edit, any_options_come_back_as_they_went_in, ()) {
  const std::size_t data_bytes = *rc::gen::inRange<std::size_t>(1, 100);
  const auto kinds = *rc::gen::container<std::vector<std::uint8_t>>(
      rc::gen::inRange<std::uint8_t>(kind_unassigned_first, kind_unassigned_last + 1));
  RC_PRE(kinds.size() <= options_max);
  std::vector<std::byte> options(16000);
  ByteWriter writer(options);
  std::vector<std::vector<std::byte>> values;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    std::vector<std::byte> value(*rc::gen::inRange<std::size_t>(0, 300));
    for (auto& b : value) b = static_cast<std::byte>(*rc::gen::inRange(0, 256));
    // An experiment each, so that all may stand side by side.
    write_experiment(writer, kinds[i], value);
    values.push_back(value);
  }
  RC_ASSERT(writer.ok());
  std::vector<std::byte> buffer(20000);
  const auto before = packet_with(data_bytes);
  std::copy_n(before.bytes.begin(), before.length, buffer.begin());
  const auto length =
      insert(buffer, packet::parse_ethernet(Bytes(buffer).first(before.length)), writer.written());
  RC_ASSERT(length.has_value());
  const auto view = packet::parse_ethernet(Bytes(buffer).first(*length));
  const Surplus surplus = read_surplus(view);
  RC_ASSERT(surplus.accepted());
  RC_ASSERT(surplus.options().size() == kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const auto read = read_experiment(surplus.value(surplus.options()[i]));
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->ex_id == kinds[i]);
    RC_ASSERT(std::ranges::equal(read->value, values[i]));
  }
}

TEST(udp_options_edit, each_writer_is_read_back_by_its_reader) {
  std::array<std::byte, 128> room{};
  ByteWriter out(room);
  out.be16(0);
  const auto data = test::from_hex("313233343536373839");
  const auto mac = test::from_hex("000102030405060708090a0b");
  write_apc(out, data);
  write_mds(out, 1472);
  write_mrds(out, {.size = 2926, .segments = 2});
  write_req(out, 1);
  write_res(out, 2);
  write_time(out, {.value = 3, .echo_reply = 4});
  write_auth(out, {.key_id = 5, .r_next_key_id = 6, .mac = mac});
  write_nop(out);
  write_eol(out);
  const MutableBytes area = out.written();
  put_be16_at(area, 0, option_checksum(area, false));
  const Surplus surplus = read_surplus(area, {.udp_checksum = 1});
  ASSERT_TRUE(surplus.accepted());
  const auto value = [&](std::uint8_t kind) { return surplus.value(*surplus.find(kind)); };
  EXPECT_EQ(read_apc(value(kind_apc)), 0xE3069283);
  EXPECT_EQ(verify_apc(surplus, data), Apc::good);
  EXPECT_EQ(read_mds(value(kind_mds)), 1472);
  EXPECT_EQ(read_mrds(value(kind_mrds)), (Mrds{2926, 2}));
  EXPECT_EQ(read_req(value(kind_req)), 1U);
  EXPECT_EQ(read_res(value(kind_res)), 2U);
  EXPECT_EQ(read_time(value(kind_time)), (Time{3, 4}));
  const auto auth = read_auth(value(kind_auth));
  ASSERT_TRUE(auth);
  EXPECT_EQ(auth->key_id, 5);
  EXPECT_EQ(auth->r_next_key_id, 6);
  EXPECT_TRUE(std::ranges::equal(auth->mac, mac));
}

TEST(udp_options_edit, an_option_that_does_not_fit_is_not_begun) {
  std::array<std::byte, 5> room{};
  ByteWriter out(room);
  write_req(out, 0xFFFFFFFF);
  EXPECT_FALSE(out.ok());
  EXPECT_EQ(out.position(), 0U);
}

}  // namespace
}  // namespace lobo::udp_options
