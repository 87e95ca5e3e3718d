#include "model/address.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdint>

namespace lobo::model {
namespace {

TEST(ipv4_address, four_octets_without_leading_zeros_are_read) {
  EXPECT_EQ(Ipv4Address::parse("192.0.2.10"), (Ipv4Address{{192, 0, 2, 10}}));
  for (const auto* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "1.2..4",
                           "1.2.3.-4", "1.2.3.+4", "0x1.2.3.4", "1.2.3.0000004"})
    EXPECT_FALSE(Ipv4Address::parse(text)) << text;
}

TEST(ipv6_address, the_forms_of_rfc_4291_clause_2_2_are_one_value) {
  const auto loopback = Ipv6Address::parse("::1");
  ASSERT_TRUE(loopback);
  EXPECT_EQ(Ipv6Address::parse("0:0:0:0:0:0:0:1"), loopback);
  EXPECT_EQ(Ipv6Address::parse("0000::0001"), loopback);
  EXPECT_TRUE(Ipv6Address::parse("::"));
  EXPECT_TRUE(Ipv6Address::parse("2001:DB8::8:800:200C:417A"));
}

TEST(ipv6_address, whatever_is_no_address_is_refused) {
  for (const auto* text : {"", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::", "12345::", "g::", "::ffff:192.0.2.1",
                           "fe80::1%eth0", ":1::2", "1::2:", "[::1]", "::1 "})
    EXPECT_FALSE(Ipv6Address::parse(text)) << text;
}

TEST(ipv6_address, text_follows_rfc_5952) {
  const auto again = [](std::string_view text) { return Ipv6Address::parse(text)->text(); };
  EXPECT_EQ(again("2001:DB8:0:0:8:800:200C:417A"), "2001:db8::8:800:200c:417a");
  EXPECT_EQ(again("2001:db8:0:1:1:1:1:1"),
            "2001:db8:0:1:1:1:1:1");                              // clause 4.2.2: not for one group
  EXPECT_EQ(again("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");        // clause 4.2.3: the longest run
  EXPECT_EQ(again("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");  // the first of equal runs
  EXPECT_EQ(again("0:0:0:0:0:0:0:0"), "::");
  EXPECT_EQ(again("1:0:0:0:0:0:0:0"), "1::");
}

TEST(mac_address, both_cases_are_read_and_upper_case_is_written) {
  const auto mac = MacAddress::parse("02-00-00-aB-00-0f");
  ASSERT_TRUE(mac);
  EXPECT_EQ(mac->text(), "02-00-00-AB-00-0F");
  for (const auto* text : {"", "02:00:00:ab:00:0f", "02-00-00-ab-00", "02-00-00-ab-00-0",
                           "02-00-00-ab-00-0g", "02-00-00-ab-00-0f-", "0200-00-ab-00-0f-"})
    EXPECT_FALSE(MacAddress::parse(text)) << text;
}

TEST(network_of, bits_behind_the_prefix_become_zero) {
  const auto network = [](std::string_view text, unsigned length) {
    return to_text(network_of(*parse_ip_address(text), length));
  };
  EXPECT_EQ(network("192.0.2.129", 25), "192.0.2.128");
  EXPECT_EQ(network("192.0.2.129", 32), "192.0.2.129");
  EXPECT_EQ(network("192.0.2.129", 0), "0.0.0.0");
  EXPECT_EQ(network("2001:db8:ffff::1", 33), "2001:db8:8000::");
}

RC_GTEST_PROP(address, what_is_written_is_read_back, ()) {
  const Ipv4Address v4{*rc::gen::arbitrary<std::array<std::uint8_t, 4>>()};
  // Half of the octets are zero, so that "::" is met in every place.
  const Ipv6Address v6{
      *rc::gen::container<std::array<std::uint8_t, 16>>(rc::gen::weightedOneOf<std::uint8_t>(
          {{1, rc::gen::just<std::uint8_t>(0)}, {1, rc::gen::arbitrary<std::uint8_t>()}}))};
  const MacAddress mac{*rc::gen::arbitrary<std::array<std::uint8_t, 6>>()};
  RC_ASSERT(parse_ip_address(v4.text()) == IpAddress{v4});
  RC_ASSERT(parse_ip_address(v6.text()) == IpAddress{v6});
  RC_ASSERT(MacAddress::parse(mac.text()) == mac);
}

}  // namespace
}  // namespace lobo::model
