// What is refused, for which cause, and what is not.
#include "wire/pfcp/refusal.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "model/address.hpp"
#include "support/golden.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::pfcp {
namespace {

/// A session's modification with these information elements.
std::vector<std::byte> modification(std::string_view ies) {
  const auto content = test::from_hex(ies);
  std::vector<std::byte> room(message_bytes_max);
  ByteWriter out(room);
  open_message(out, MessageType::session_modification_request, {.seid = 1, .sequence_number = 2});
  out.bytes(content);
  room.resize(close_message(out));
  return room;
}

std::optional<Refusal> refusal_of(std::string_view ies, Remarks* told = nullptr) {
  const auto bytes = modification(ies);
  const auto view = parse_message(bytes);
  Remarks remarks;
  const auto message = read_message<SessionModificationRequest>(view, remarks);
  if (told != nullptr) *told = remarks;
  return message ? std::nullopt : std::optional(message.error());
}

Refusal missing(IeType type, IeType within) { return {Cause::mandatory_ie_missing, type, within}; }
Refusal conditional(IeType type, IeType within) {
  return {Cause::conditional_ie_missing, type, within};
}

// PDR 1, precedence 255, source interface Core, FAR 1.
constexpr auto pdr_id = "0038 0002 0001";
constexpr auto precedence = "001d 0004 000000ff";
constexpr auto pdi = "0002 0005 0014 0001 01";
constexpr auto far_id = "006c 0004 00000001";

std::string group(std::string_view type, std::string_view content) {
  constexpr std::string_view digits = "0123456789abcdef";
  const std::size_t length = test::from_hex(content).size();
  std::string text(type);
  for (unsigned shift = 16; shift != 0; shift -= 4) text += digits[length >> (shift - 4) & 15U];
  return text.append(content);
}
std::string create_pdr(std::string_view content) { return group("0001", content); }
std::string all(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const auto part : parts) text.append(part).append(" ");
  return text;
}

TEST(pfcp_refusal, of_a_group_names_what_is_missing_in_it_and_the_group) {
  EXPECT_EQ(refusal_of(create_pdr(all({pdr_id, precedence, pdi, far_id}))), std::nullopt);
  EXPECT_EQ(refusal_of(create_pdr(all({precedence, pdi, far_id}))),
            missing(IeType::pdr_id, IeType::create_pdr));
  EXPECT_EQ(refusal_of(create_pdr(all({pdr_id, pdi, far_id}))),
            missing(IeType::precedence, IeType::create_pdr));
  EXPECT_EQ(refusal_of(create_pdr(all({pdr_id, precedence, far_id}))),
            missing(IeType::pdi, IeType::create_pdr));
  EXPECT_EQ(refusal_of(create_pdr(all({pdr_id, precedence, "0002 0000", far_id}))),
            missing(IeType::source_interface, IeType::pdi));
}

TEST(pfcp_refusal, of_a_pdr_that_leads_nowhere_is_a_conditional_one_missing) {
  EXPECT_EQ(refusal_of(create_pdr(all({pdr_id, precedence, pdi}))),
            conditional(IeType::far_id, IeType::create_pdr));
  EXPECT_EQ(refusal_of(create_pdr(all({pdr_id, precedence, pdi, "006a 0001 78"}))), std::nullopt)
      << "a predefined rule may have the FAR";
}

TEST(pfcp_refusal, of_a_value_that_is_too_short_is_an_invalid_length) {
  EXPECT_EQ(refusal_of(create_pdr(all({"0038 0001 00", precedence, pdi, far_id}))),
            (Refusal{Cause::invalid_length, IeType::pdr_id, IeType::create_pdr}));
  EXPECT_EQ(refusal_of(group("0007",
                             "006d 0004 00000001 0019 0001 00 001a 0009 "
                             "000000000000000000")),
            (Refusal{Cause::invalid_length, IeType::mbr, IeType::create_qer}));
}

TEST(pfcp_refusal, octets_behind_what_is_known_are_those_of_a_later_release) {
  EXPECT_EQ(refusal_of(create_pdr(all({"0038 0004 0001 ffff", precedence, pdi, far_id}))),
            std::nullopt);
  EXPECT_EQ(refusal_of("0031 0003 01 ffff"), std::nullopt);
}

TEST(pfcp_refusal, of_one_that_leads_beyond_its_group_is_an_invalid_length) {
  EXPECT_EQ(refusal_of(create_pdr(all({pdr_id, precedence, pdi, "006c 0005 00000001"}))),
            (Refusal{Cause::invalid_length, IeType::far_id, IeType::create_pdr}));
  EXPECT_EQ(refusal_of("000f 0007 0038 0002 0001"),
            (Refusal{Cause::invalid_length, IeType::remove_pdr, std::nullopt}));
  EXPECT_EQ(refusal_of("00"), (Refusal{Cause::invalid_length, IeType{}, std::nullopt}));
}

TEST(pfcp_refusal, the_first_of_what_stands_once_holds_and_the_next_need_not_be_readable) {
  const auto bytes = modification("0031 0001 01 0031 0001 02 0031 0000");
  Remarks remarks;
  const auto message = read_message<SessionModificationRequest>(parse_message(bytes), remarks);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->flags, ModificationFlags{ModificationFlag::drobu});
  EXPECT_EQ(remarks.repeated, 2);
}

TEST(pfcp_refusal, an_optional_one_that_is_malformed_is_taken_as_absent) {
  // A Protocol Description whose Media Transport Protocol is cut.
  const auto cut = group("0002", "0014 0001 01 014e 0004 0153 0001");
  const auto bytes = modification(create_pdr(all({pdr_id, precedence, cut, far_id})));
  Remarks remarks;
  const auto message = read_message<SessionModificationRequest>(parse_message(bytes), remarks);
  ASSERT_TRUE(message);
  EXPECT_EQ(remarks.malformed, 1);
  for (const CreatePdr& pdr : message->create_pdrs)
    EXPECT_EQ(pdr.pdi.protocol_description, std::nullopt);
  EXPECT_EQ(message->create_pdrs.size(), 1U);
}

TEST(pfcp_refusal, what_would_change_a_rule_and_is_not_served_is_told_apart) {
  Remarks remarks;
  const auto filter = group("0002", "0014 0001 01 0018 0001 61 00a0 0001 0b");
  EXPECT_EQ(refusal_of(create_pdr(all({pdr_id, precedence, filter, far_id})), &remarks),
            std::nullopt);
  EXPECT_EQ(remarks.unknown, 2);
  EXPECT_EQ(remarks.unserved, 1);
  EXPECT_EQ(remarks.first_unserved, IeType::application_id);
}

TEST(pfcp_refusal, an_action_is_one_of_drop_forward_and_buffer) {
  const auto far = [](std::string_view action, std::string_view rest = "") {
    return group("0003", all({far_id, action, rest}));
  };
  constexpr auto parameters = "0004 0005 002a 0001 00";
  const Refusal incorrect{Cause::mandatory_ie_incorrect, IeType::apply_action, IeType::create_far};
  EXPECT_EQ(refusal_of(far("002c 0001 01")), std::nullopt) << "one octet, as in Rel-15";
  EXPECT_EQ(refusal_of(far("002c 0002 0100")), std::nullopt);
  EXPECT_EQ(refusal_of(far("002c 0002 0c00")), std::nullopt) << "buffer and notify";
  EXPECT_EQ(refusal_of(far("002c 0002 2000")), std::nullopt) << "multicast stands alone";
  EXPECT_EQ(refusal_of(far("002c 0002 0000")), incorrect);
  EXPECT_EQ(refusal_of(far("002c 0002 0300")), incorrect);
  EXPECT_EQ(refusal_of(far("002c 0000")),
            (Refusal{Cause::invalid_length, IeType::apply_action, IeType::create_far}));
  EXPECT_EQ(refusal_of(far("002c 0001 02")),
            conditional(IeType::forwarding_parameters, IeType::create_far));
  EXPECT_EQ(refusal_of(far("002c 0001 02", parameters)), std::nullopt);
}

TEST(pfcp_refusal, a_trigger_needs_its_figure) {
  const auto urr = [](std::string_view triggers, std::string_view rest = "") {
    return group("0006", all({"0051 0004 00000001 003e 0001 02", triggers, rest}));
  };
  EXPECT_EQ(refusal_of(urr("0025 0002 0100")),
            conditional(IeType::measurement_period, IeType::create_urr));
  EXPECT_EQ(refusal_of(urr("0025 0002 0200")),
            conditional(IeType::volume_threshold, IeType::create_urr));
  EXPECT_EQ(refusal_of(urr("0025 0002 0400")),
            conditional(IeType::time_threshold, IeType::create_urr));
  EXPECT_EQ(refusal_of(urr("0025 0002 0001")),
            conditional(IeType::volume_quota, IeType::create_urr));
  EXPECT_EQ(refusal_of(urr("0025 0002 0002")), conditional(IeType::time_quota, IeType::create_urr));
  EXPECT_EQ(refusal_of(urr("0025 0002 0100", "0040 0004 0000000a")), std::nullopt);
  EXPECT_EQ(
      refusal_of(group("0006", "0051 0004 00000001 003e 0001 00 0025 0002 0000")),
      (Refusal{Cause::mandatory_ie_incorrect, IeType::measurement_method, IeType::create_urr}));
}

TEST(pfcp_refusal, monitoring_needs_the_thresholds_or_the_period_that_it_speaks_of) {
  const auto control = [](std::string_view rest) {
    return group("00d4", all({"00d7 0001 01", group("00f2", all({"007c 0001 09", rest}))}));
  };
  constexpr auto delays = "00f3 0001 01";
  EXPECT_EQ(refusal_of(control(all({delays, "00f4 0001 01"}))),
            conditional(IeType::packet_delay_thresholds, IeType::qos_monitoring_control));
  EXPECT_EQ(refusal_of(control(all({delays, "00f4 0001 02"}))),
            conditional(IeType::measurement_period, IeType::qos_monitoring_control));
  EXPECT_EQ(refusal_of(control(all({delays, "00f4 0001 04"}))), std::nullopt);
  EXPECT_EQ(refusal_of(control("00f4 0001 04")),
            missing(IeType::requested_qos_monitoring, IeType::qos_monitoring_control));
}

TEST(pfcp_refusal, a_tunnels_end_has_an_address_or_asks_for_one) {
  const auto with = [](std::string_view f_teid) {
    const auto detected = group("0002", all({"0014 0001 00", f_teid}));
    return refusal_of(create_pdr(all({pdr_id, precedence, detected, far_id})));
  };
  const Refusal incorrect{Cause::mandatory_ie_incorrect, IeType::f_teid, IeType::pdi};
  EXPECT_EQ(with("0015 0009 01 00000001 7f00003c"), std::nullopt);
  EXPECT_EQ(with("0015 0005 00 00000001"), incorrect);
  EXPECT_EQ(with("0015 0001 05"), std::nullopt);
  EXPECT_EQ(with("0015 0002 0d 07"), std::nullopt);
  EXPECT_EQ(with("0015 0001 04"), incorrect) << "of which IP version?";
  EXPECT_EQ(with("0015 000a 09 00000001 7f00003c 07"), incorrect) << "an id without a choice";
  EXPECT_EQ(with("0015 0001 0d"), (Refusal{Cause::invalid_length, IeType::f_teid, IeType::pdi}));
}

TEST(pfcp_refusal, a_list_that_is_too_long_finds_no_resources) {
  std::string filters = "0014 0001 01";
  for (std::size_t i = 0; i < sdf_filters_per_pdi_max; ++i) filters += " 0017 0002 0000";
  EXPECT_EQ(refusal_of(create_pdr(all({pdr_id, precedence, group("0002", filters), far_id}))),
            std::nullopt);
  filters += " 0017 0002 0000";
  EXPECT_EQ(refusal_of(create_pdr(all({pdr_id, precedence, group("0002", filters), far_id}))),
            (Refusal{Cause::no_resources_available, IeType::sdf_filter, IeType::pdi}));
}

TEST(pfcp_refusal, becomes_the_offending_ie_of_a_response) {
  EXPECT_EQ(offending_ie_of({Cause::mandatory_ie_missing, IeType::far_id, IeType::create_pdr}),
            OffendingIe{108});
  EXPECT_EQ(offending_ie_of({Cause::system_failure, std::nullopt, std::nullopt}), std::nullopt);
}

TEST(pfcp_refusal, of_an_establishment_still_tells_where_to_answer) {
  std::array<std::byte, 64> room{};
  ByteWriter out(room);
  open_message(out, MessageType::session_establishment_request, {});
  out.bytes(test::from_hex("0039 000d 02 0000000000001234 7f000001"));
  const auto size = close_message(out);
  const auto view = parse_message(Bytes(room).first(size));
  Remarks remarks;
  EXPECT_FALSE(read_message<SessionEstablishmentRequest>(view, remarks));
  EXPECT_EQ(find_f_seid(view),
            (FSeid{.seid = 0x1234, .v4 = model::Ipv4Address::parse("127.0.0.1")}));
  EXPECT_EQ(find_f_seid(parse_message(modification("0031 0001 01"))), std::nullopt);
  EXPECT_EQ(find_f_seid(parse_message(modification("0039 0001 02"))), std::nullopt);
}

TEST(pfcp_header, a_session_message_needs_a_seid_and_a_nodes_message_may_have_one) {
  EXPECT_EQ(parse_message(test::from_hex("2036 0004 000001 00")).fault, NotPfcp::no_seid);
  const auto node = test::from_hex("2101 0014 0000000000000007 000001 00 0060 0004 00000001");
  EXPECT_TRUE(parse_message(node).ok());
  EXPECT_EQ(parse_message(node).envelope, (Envelope{.sequence_number = 1}));
}

TEST(pfcp_header, a_length_within_the_header_or_beyond_the_datagram_is_refused) {
  EXPECT_EQ(parse_message(test::from_hex("2001 0003 000001 00")).fault, NotPfcp::length);
  EXPECT_EQ(parse_message(test::from_hex("2001 0005 000001 00")).fault, NotPfcp::length);
  EXPECT_EQ(parse_message(test::from_hex("2136 000b 0000000000000007 000001 00")).fault,
            NotPfcp::length);
  EXPECT_EQ(parse_message(test::from_hex("2136 000c 0000000000000007 000001 00")).fault,
            NotPfcp::it_is);
  EXPECT_EQ(parse_message(test::from_hex("20010004")).fault, NotPfcp::header_cut);
}

TEST(pfcp_header, another_version_is_answered_with_its_sequence_number) {
  const auto view = parse_message(test::from_hex("4001 0004 000abc 00"));
  EXPECT_EQ(view.fault, NotPfcp::version);
  std::array<std::byte, 8> room{};
  ASSERT_EQ(write_version_not_supported(room, view.envelope.sequence_number), room.size());
  EXPECT_EQ(test::to_hex(room), "200b0004000abc00");
}

TEST(pfcp_header, a_bundled_message_has_the_next_behind_it) {
  const auto both =
      test::from_hex("2536 000c 0000000000000007 000001 00 2136 000c 0000000000000008 000002 00");
  const auto first = parse_message(both);
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first.follow_on);
  const auto second = parse_message(first.behind);
  ASSERT_TRUE(second.ok());
  EXPECT_FALSE(second.follow_on);
  EXPECT_EQ(second.envelope.seid, 8U);
}

TEST(pfcp_values, times_go_on_after_february_2036) {
  using std::chrono::sys_days;
  using std::chrono::sys_seconds;
  using namespace std::chrono_literals;
  const sys_seconds first = sys_days(std::chrono::January / 1 / 1970);
  EXPECT_EQ(NtpSeconds::at(first).value, 2208988800U);
  for (const sys_seconds time : {sys_seconds(sys_days(std::chrono::November / 22 / 2026)),
                                 sys_seconds(sys_days(std::chrono::March / 1 / 2036)),
                                 sys_seconds(sys_days(std::chrono::June / 1 / 2090))})
    EXPECT_EQ(NtpSeconds::at(time).time(), time);
}

TEST(pfcp_values, a_network_instance_is_text_or_labels) {
  EXPECT_EQ(network_instance_text({bytes_of("internet")}), "internet");
  EXPECT_EQ(network_instance_text({bytes_of("\x08internet")}), "internet");
  EXPECT_EQ(network_instance_text({bytes_of("\x02n6\x07lobodon")}), "n6.lobodon");
  EXPECT_EQ(network_instance_text({bytes_of("\x05n6")}), "\x05n6");
  EXPECT_EQ(network_instance_text({}), "");
}

TEST(pfcp_values, a_release_period_has_units_and_may_have_no_end) {
  using namespace std::chrono_literals;
  EXPECT_EQ((GracefulReleasePeriod{0, 5}.duration()), 10s);
  EXPECT_EQ((GracefulReleasePeriod{1, 5}.duration()), 5min);
  EXPECT_EQ((GracefulReleasePeriod{2, 5}.duration()), 50min);
  EXPECT_EQ((GracefulReleasePeriod{3, 5}.duration()), 5h);
  EXPECT_EQ((GracefulReleasePeriod{4, 5}.duration()), 50h);
  EXPECT_EQ((GracefulReleasePeriod{7, 5}.duration()), std::nullopt);
}

TEST(pfcp_values, masks_are_sent_with_as_many_octets_as_they_need_and_peers_expect) {
  EXPECT_EQ(ApplyAction{Action::forw}.octets().size(), 1U);
  EXPECT_EQ((ApplyAction{Action::forw, Action::bdpn}.octets().size()), 2U);
  EXPECT_EQ(ReportingTriggers{ReportingTrigger::periodic}.octets().size(), 2U);
  EXPECT_EQ(UpFeatures{}.octets().size(), 2U);
  EXPECT_EQ(UpFeatures{UpFeature::udpopt}.octets().size(), 11U);
  EXPECT_EQ(UpFeatures{UpFeature::udpopt}.octets()[10], 0x10);
}

}  // namespace
}  // namespace lobo::pfcp
