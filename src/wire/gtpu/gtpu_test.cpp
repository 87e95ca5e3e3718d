#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "support/golden.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/edit.hpp"
#include "wire/gtpu/flow_header.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::gtpu {
namespace {

template <class T>
void add(std::string& text, const char* name, const std::optional<T>& value) {
  if (value) text += fmt::format(" {}={}", name, *value);
}

std::string described_uplink(Bytes content) {
  UlSession ul;
  const auto fault =
      read_ul_session(content, {.release = Release::rel19, .uplink_reports = true}, ul);
  if (fault != NotContainer::it_is) return std::string(to_string(fault));
  std::string text = fmt::format("UL qfi={}", ul.qfi);
  if (ul.time_stamps)
    text += fmt::format(" stamps={},{},{}", (*ul.time_stamps)[0], (*ul.time_stamps)[1],
                        (*ul.time_stamps)[2]);
  add(text, "dl_delay", ul.dl_delay);
  add(text, "ul_delay", ul.ul_delay);
  add(text, "qfi_sn", ul.qfi_sequence_number);
  add(text, "n3_n9_delay", ul.n3_n9_delay);
  add(text, "d1_ul_pdcp_delay", ul.d1_ul_pdcp_delay);
  add(text, "ul_congestion", ul.ul_congestion);
  add(text, "dl_congestion", ul.dl_congestion);
  add(text, "ul_bitrate", ul.ul_bitrate);
  add(text, "dl_bitrate", ul.dl_bitrate);
  return text;
}

std::string described_session(Bytes content) {
  DlSession dl;
  const auto fault = read_dl_session(content, Release::rel19, dl);
  if (fault == NotContainer::pdu_type) return described_uplink(content);
  if (fault != NotContainer::it_is) return std::string(to_string(fault));
  std::string text = fmt::format("DL qfi={}{}", dl.qfi, dl.reflective_qos ? " rqi" : "");
  add(text, "ppi", dl.paging_policy);
  if (dl.sending_time) text += fmt::format(" sent={:x}", *dl.sending_time);
  add(text, "qfi_sn", dl.qfi_sequence_number);
  add(text, "mbs_qfi_sn", dl.mbs_qfi_sequence_number);
  add(text, "BSize", dl.burst_size);
  add(text, "TTNB", dl.time_to_next_burst);
  return text;
}

std::string described_set(Bytes content) {
  PduSetInformation set;
  const auto fault = read_pdu_set_information(content, set);
  if (fault != NotContainer::it_is) return std::string(to_string(fault));
  const PduSetMark& mark = set.mark;
  std::string text = fmt::format("qfi={} E={} D={} PSI={} PSSN={} PSN={}", set.qfi,
                                 mark.end_of_pdu_set ? 1 : 0, mark.end_of_data_burst ? 1 : 0,
                                 mark.psi.value(), mark.pssn.value(), mark.psn.value());
  add(text, "PSSize", mark.pdu_set_size);
  return text;
}

std::string described(const GtpuView& view) {
  std::string text = fmt::format("gtpu = {}\n", to_string(view.fault));
  if (!view.ok()) return text;
  text += fmt::format("type = {}\nteid = {:08x}\n", view.message_type, view.teid);
  if (view.sequence_number) text += fmt::format("sequence = {}\n", *view.sequence_number);
  for (const Extension& extension : view.extensions())
    text += fmt::format("extension = {:02x} {}\n", extension.type, test::to_hex(extension.content));
  if (const auto* session = view.find(type_pdu_session_container))
    text += fmt::format("session = {}\n", described_session(session->content));
  if (const auto* set = view.find_pdu_set_information())
    text += fmt::format("set = {}\n", described_set(set->content));
  const std::string payload = test::to_hex(view.payload());
  return text + fmt::format("payload = {}\n", payload.empty() ? "-" : payload);
}

TEST(gtpu, every_golden_message_is_read_as_its_text_says) {
  for (const auto& golden : test::goldens("gtpu")) {
    SCOPED_TRACE(golden.name);
    EXPECT_EQ(described(parse_gtpu(golden.bytes)), golden.expected);
  }
}

TEST(gtpu, every_strict_prefix_of_a_message_is_refused) {
  for (const auto& golden : test::goldens("gtpu")) {
    const GtpuView whole = parse_gtpu(golden.bytes);
    if (!whole.ok()) continue;
    SCOPED_TRACE(golden.name);
    for (std::size_t length = 0; length < whole.message.size(); ++length)
      EXPECT_FALSE(parse_gtpu(Bytes(golden.bytes).first(length)).ok()) << length;
  }
}

TEST(gtpu, uplink_reports_are_not_read_unless_enabled) {
  UlSession ul;
  EXPECT_EQ(read_ul_session(test::from_hex("1009"), {}, ul), NotContainer::not_enabled);
  EXPECT_EQ(read_ul_session(test::from_hex("1009"), {.uplink_reports = true}, ul),
            NotContainer::it_is);
  EXPECT_EQ(read_ul_session(test::from_hex("0009"), {.uplink_reports = true}, ul),
            NotContainer::pdu_type);
}

TEST(gtpu, the_bits_of_a_later_release_mean_nothing_to_an_earlier_one) {
  DlSession dl;
  ASSERT_EQ(read_dl_session(test::from_hex("0089030186a000a70000"), Release::rel18, dl),
            NotContainer::it_is);
  EXPECT_EQ(dl.burst_size, std::nullopt);
  EXPECT_EQ(dl.time_to_next_burst, std::nullopt);
  std::array<std::byte, 32> room{};
  ByteWriter out(room);
  write_dl_session(out, {.qfi = 9, .burst_size = 100000, .time_to_next_burst = 167},
                   Release::rel18);
  EXPECT_EQ(test::to_hex(out.written()), "0009");
  UlSession ul;
  EXPECT_EQ(read_ul_session(test::from_hex("10490809c4"),
                            {.release = Release::rel18, .uplink_reports = true}, ul),
            NotContainer::unknown_new_fields);
}

template <class T>
std::optional<T> maybe(std::uint64_t mask) {
  if (!*rc::gen::arbitrary<bool>()) return std::nullopt;
  return static_cast<T>(*rc::gen::arbitrary<std::uint64_t>() & mask);
}

RC_GTEST_PROP(gtpu, a_downlink_container_is_read_back_as_it_was_written, ()) {
  DlSession dl;
  dl.qfi = *rc::gen::inRange<std::uint8_t>(0, 64);
  dl.reflective_qos = *rc::gen::arbitrary<bool>();
  dl.paging_policy = maybe<std::uint8_t>(7);
  dl.sending_time = maybe<std::uint64_t>(~std::uint64_t{0});
  dl.qfi_sequence_number = maybe<std::uint32_t>(0xFFFFFF);
  dl.mbs_qfi_sequence_number = maybe<std::uint32_t>(0xFFFFFFFF);
  dl.burst_size = maybe<std::uint32_t>(0xFFFFFF);
  dl.time_to_next_burst = maybe<std::uint16_t>(0xFFFF);
  if (dl.paging_policy == 0 && (dl.burst_size || dl.time_to_next_burst))
    dl.paging_policy = std::nullopt;
  std::array<std::byte, container_content_bytes_max> room{};
  ByteWriter out(room);
  write_dl_session(out, dl, Release::rel19);
  RC_ASSERT(out.ok());
  DlSession back;
  RC_ASSERT(read_dl_session(out.written(), Release::rel19, back) == NotContainer::it_is);
  RC_ASSERT(back == dl);
  for (std::size_t length = 0; length < out.position(); ++length)
    RC_ASSERT(read_dl_session(out.written().first(length), Release::rel19, back) ==
              NotContainer::cut);
}

RC_GTEST_PROP(gtpu, an_uplink_container_is_read_back_as_it_was_written, ()) {
  UlSession ul;
  ul.qfi = *rc::gen::inRange<std::uint8_t>(0, 64);
  if (*rc::gen::arbitrary<bool>())
    ul.time_stamps =
        *rc::gen::container<std::array<std::uint64_t, 3>>(rc::gen::arbitrary<std::uint64_t>());
  ul.dl_delay = maybe<std::uint32_t>(0xFFFFFFFF);
  ul.ul_delay = maybe<std::uint32_t>(0xFFFFFFFF);
  ul.qfi_sequence_number = maybe<std::uint32_t>(0xFFFFFF);
  ul.n3_n9_delay = maybe<std::uint32_t>(0xFFFFFFFF);
  ul.d1_ul_pdcp_delay = maybe<std::uint8_t>(0xFF);
  ul.ul_congestion = maybe<std::uint16_t>(0xFFFF);
  ul.dl_congestion = maybe<std::uint16_t>(0xFFFF);
  ul.ul_bitrate = maybe<std::uint32_t>(0xFFFFFFFF);
  ul.dl_bitrate = maybe<std::uint32_t>(0xFFFFFFFF);
  std::array<std::byte, 64> room{};
  ByteWriter out(room);
  write_ul_session(out, ul, Release::rel19);
  const ContainerRules rules{.release = Release::rel19, .uplink_reports = true};
  UlSession back;
  RC_ASSERT(read_ul_session(out.written(), rules, back) == NotContainer::it_is);
  RC_ASSERT(back == ul);
  for (std::size_t length = 0; length < out.position(); ++length)
    RC_ASSERT(read_ul_session(out.written().first(length), rules, back) == NotContainer::cut);
}

RC_GTEST_PROP(gtpu, a_g_pdu_with_both_containers_is_read_back_and_the_payload_does_not_move, ()) {
  PduSetMark mark;
  mark.end_of_pdu_set = *rc::gen::arbitrary<bool>();
  mark.end_of_data_burst = *rc::gen::arbitrary<bool>();
  mark.psi = Psi::low_bits_of(*rc::gen::arbitrary<std::uint32_t>());
  mark.pssn = Pssn::wrapped(*rc::gen::arbitrary<std::uint64_t>());
  mark.psn = Psn::wrapped(*rc::gen::arbitrary<std::uint64_t>());
  mark.pdu_set_size = maybe<std::uint32_t>(0xFFFFFF);
  const auto qfi = *rc::gen::inRange<std::uint8_t>(0, 64);
  std::array<std::byte, 16> session_room{};
  ByteWriter session(session_room);
  write_dl_session(session, {.qfi = qfi}, Release::rel19);
  std::array<std::byte, 16> set_room{};
  ByteWriter set(set_room);
  write_pdu_set_information(set, qfi, mark);
  const std::array<Extension, 2> chain{
      {{type_pdu_session_container, session.written()}, {type_pdu_set_information, set.written()}}};
  const std::size_t payload_bytes = *rc::gen::inRange<std::size_t>(0, 300);
  std::vector<std::byte> buffer(64 + payload_bytes, std::byte{0xA5});
  const auto teid = *rc::gen::arbitrary<std::uint32_t>();
  const auto begin = encapsulate(buffer, 64, teid, chain);
  RC_ASSERT(begin.has_value());
  RC_ASSERT(*begin == 64 - encapsulation_bytes(chain));
  const GtpuView view = parse_gtpu(Bytes(buffer).subspan(*begin));
  RC_ASSERT(view.ok());
  RC_ASSERT(view.teid == teid);
  RC_ASSERT(view.payload().data() == buffer.data() + 64);
  RC_ASSERT(view.payload().size() == payload_bytes);
  RC_ASSERT(std::ranges::all_of(view.payload(), [](std::byte b) { return b == std::byte{0xA5}; }));
  PduSetInformation back;
  const Extension* found = view.find_pdu_set_information();
  RC_ASSERT(found != nullptr);
  RC_ASSERT(read_pdu_set_information(found->content, back) == NotContainer::it_is);
  RC_ASSERT(back.mark == mark);
  RC_ASSERT(back.qfi == qfi);
}

TEST(gtpu, a_header_that_does_not_fit_the_headroom_is_not_written) {
  const auto content = test::from_hex("0009");
  const std::array<Extension, 1> chain{{{type_pdu_session_container, content}}};
  for (std::size_t headroom = 0; headroom < 16; ++headroom) {
    std::vector<std::byte> buffer(headroom + 4, std::byte{0x77});
    EXPECT_EQ(encapsulate(buffer, headroom, 1, chain), std::nullopt);
    EXPECT_EQ(buffer, std::vector<std::byte>(headroom + 4, std::byte{0x77}));
  }
  std::vector<std::byte> enough(20);
  EXPECT_EQ(encapsulate(enough, 16, 1, chain), 0U);
  std::vector<std::byte> huge(16 + 0x10000);
  EXPECT_EQ(encapsulate(huge, 16, 1, chain), std::nullopt);
  const std::vector<Extension> nine(extension_headers_max + 1, chain[0]);
  std::vector<std::byte> room(256);
  EXPECT_EQ(encapsulate(room, 200, 1, nine), std::nullopt);
}

RC_GTEST_PROP(gtpu, any_bytes_give_parts_that_lie_within_the_datagram, ()) {
  std::vector<std::byte> bytes;
  for (const auto value :
       *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>()))
    bytes.push_back(std::byte{value});
  if (bytes.size() >= 8) {
    bytes[0] = (bytes[0] & std::byte{0x07}) | std::byte{0x30};
    put_be16_at(bytes, 2, static_cast<std::uint16_t>(bytes.size() - 8));
  }
  const GtpuView view = parse_gtpu(bytes);
  RC_ASSERT(!view.ok() || view.payload_at <= view.message.size());
  (void)described(view);
}

RC_GTEST_PROP(gtpu, the_usual_header_is_what_the_general_writer_makes_of_it, ()) {
  const auto qfi = *rc::gen::inRange<std::uint8_t>(0, 64);
  const bool reflective = *rc::gen::arbitrary<bool>();
  const auto teid = *rc::gen::arbitrary<std::uint32_t>();
  const auto payload = *rc::gen::inRange<std::size_t>(0, 1500);
  PduSetMark mark{.end_of_pdu_set = *rc::gen::arbitrary<bool>(),
                  .end_of_data_burst = *rc::gen::arbitrary<bool>(),
                  .psi = Psi::low_bits_of(*rc::gen::arbitrary<std::uint32_t>()),
                  .pssn = Pssn::wrapped(*rc::gen::arbitrary<std::uint32_t>()),
                  .psn = Psn::wrapped(*rc::gen::arbitrary<std::uint32_t>())};
  if (*rc::gen::arbitrary<bool>()) mark.pdu_set_size = *rc::gen::arbitrary<std::uint32_t>();

  std::array<std::byte, container_content_bytes_max> session{};
  std::array<std::byte, container_content_bytes_max> set{};
  ByteWriter session_out(session);
  ByteWriter set_out(set);
  write_dl_session(session_out, {.qfi = qfi, .reflective_qos = reflective}, Release::rel19);
  write_pdu_set_information(set_out, qfi, mark);
  std::vector<Extension> chain{{type_pdu_session_container, session_out.written()}};
  FlowHeader header(qfi, reflective);
  if (*rc::gen::arbitrary<bool>()) {
    chain.push_back({type_pdu_set_information, set_out.written()});
    header.add_set(type_pdu_set_information, mark, mark.end_of_data_burst, mark.pdu_set_size);
  }
  RC_ASSERT(header.bytes() == encapsulation_bytes(chain));
  std::vector<std::byte> expected(header.bytes() + payload, std::byte{0xA5});
  std::vector<std::byte> message = expected;
  RC_ASSERT(encapsulate(expected, header.bytes(), teid, chain) == std::size_t{0});
  RC_ASSERT(header.write(message, teid));
  RC_ASSERT(message == expected);
}

TEST(gtpu, a_message_that_its_length_cannot_tell_is_not_begun) {
  std::vector<std::byte> message(header_bytes + 0x10000);
  EXPECT_FALSE(FlowHeader(9, false).write(message, 1));
  EXPECT_EQ(message, std::vector<std::byte>(message.size()));
}

TEST(gtpu, a_size_is_fixed_only_where_its_sum_is_known) {
  EXPECT_EQ(fixed_pdu_set_size(30000, std::uint16_t{25}, 24), 29400U);
  EXPECT_EQ(fixed_pdu_set_size(30000, std::nullopt, 24), std::nullopt);
  EXPECT_EQ(fixed_pdu_set_size(30000, std::uint16_t{0}, 24), std::nullopt);
  EXPECT_EQ(fixed_pdu_set_size(30000, std::nullopt, 0), 30000U);
  EXPECT_EQ(fixed_pdu_set_size(0, std::uint16_t{25}, 24), 0U) << "unknown stays unknown";
  EXPECT_EQ(fixed_pdu_set_size(600, std::uint16_t{25}, 24), std::nullopt);
  EXPECT_EQ(fixed_pdu_set_size(std::nullopt, std::uint16_t{25}, 24), std::nullopt);
}

TEST(gtpu, without_its_marks_a_message_keeps_all_else) {
  // Sequence number 1234; 0x85 with QFI 9, BSize and TTNB; 0x04; an unknown 0x20; two octets.
  const auto message = test::from_hex(
      "36ff0022 00000007 1234 00 85 03 0089 03 0186a0 00a7 0000 04 03 06 2555 01 2a 007530 0000 20 "
      "01 abcd 00 4500");
  const auto view = parse_gtpu(message);
  ASSERT_TRUE(view.ok());
  std::vector<std::byte> out(message.size());
  const auto size = write_without_marks(out, view, Release::rel19);
  EXPECT_EQ(std::vector<std::byte>(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)),
            test::from_hex("36ff000e 00000007 1234 00 85 01 0009 20 01 abcd 00 4500"));
  const auto again = parse_gtpu(Bytes(out).first(size));
  EXPECT_EQ(write_without_marks(out, again, Release::rel19), 0U);
  EXPECT_EQ(write_without_marks({}, view, Release::rel19), 0U);
}

}  // namespace
}  // namespace lobo::gtpu
