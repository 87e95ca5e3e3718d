#include "wire/json/formats.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace lobo::json {
namespace {

struct Case {
  std::string_view name;
  bool (*matches)(std::string_view);
  std::initializer_list<std::string_view> taken;
  std::initializer_list<std::string_view> refused;
};

TEST(formats, each_matcher_takes_what_its_pattern_says_and_nothing_else) {
  const Case cases[]{
      {"uri",
       format::uri,
       {"http://127.0.0.1:8080/a?b=c#d", "https://[2001:db8::1]/x", "urn:x:y", "mailto:a@b",
        "file:///etc", "a:%41"},
       {"", "/a", "a", "a:", "1a:b", ":b", "http://", "http:///a", "a:b c", "a:%4", "a:%zz", "a:\"",
        "a:\xC3\xA9", "a:b\n"}},
      {"ipv4",
       format::ipv4,
       {"0.0.0.0", "255.255.255.255"},
       {"", "1.2.3", "256.1.1.1", "01.1.1.1", "1.1.1.1/8"}},
      {"ipv4_mask",
       format::ipv4_mask,
       {"10.0.0.0/8", "1.1.1.1/32", "0.0.0.0/0"},
       {"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "/8"}},
      {"ipv6",
       format::ipv6,
       {"::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8"},
       {"", "2001:DB8::1", "2001:0db8::1", "1::2::3", "::ffff:1.2.3.4", "::/64", "00::1"}},
      {"ipv6_prefix",
       format::ipv6_prefix,
       {"2001:db8::/32", "::/0", "::1/128"},
       {"", "2001:db8::", "::/129", "::/", "::/00", "::/064"}},
      {"mac48",
       format::mac48,
       {"02-00-00-aB-00-01"},
       {"", "02:00:00:ab:00:01", "02-00-00-ab-00", "02-00-00-ab-00-0g"}},
      {"hexadecimal", format::hexadecimal, {"", "0aF"}, {"g", "0x1", " "}},
      {"hexadecimal_not_empty", format::hexadecimal_not_empty, {"0aF"}, {"", "g"}},
      {"hexadecimal_2", format::hexadecimal_2, {"aF"}, {"", "a", "aFa", "ag"}},
      {"hexadecimal_4", format::hexadecimal_4, {"aF09"}, {"", "aF0", "aF099", "aF0g"}},
      {"hexadecimal_6", format::hexadecimal_6, {"aF0912"}, {"", "aF091", "aF09123", "aF091g"}},
      {"hexadecimal_4_or_6", format::hexadecimal_4_or_6, {"aF09", "aF0912"}, {"", "aF091", "aF0"}},
      {"hexadecimal_7", format::hexadecimal_7, {"aF09123"}, {"aF0912", "aF091234"}},
      {"hexadecimal_9", format::hexadecimal_9, {"aF0912345"}, {"aF091234", "aF09123456"}},
      {"hexadecimal_11", format::hexadecimal_11, {"aF091234567"}, {"aF09123456", "aF0912345678"}},
      {"digits_3", format::digits_3, {"001"}, {"", "01", "0001", "00a"}},
      {"digits_2_to_3", format::digits_2_to_3, {"01", "001"}, {"", "1", "0001", "0a"}},
      {"digits_5_to_15",
       format::digits_5_to_15,
       {"12345", "123456789012345"},
       {"1234", "1234567890123456", "1234a"}},
      {"packet_error_rate",
       format::packet_error_rate,
       {"1E-4", "0E-0"},
       {"", "1e-4", "10E-4", "1E-10", "1E4", "aE-4"}},
      {"bit_rate",
       format::bit_rate,
       {"2 Mbps", "0.25 Kbps", "1 bps", "1 Gbps", "1 Tbps"},
       {"", "2", "2Mbps", "2 kbps", ".5 bps", "5. bps", "1.2.3 bps", "-1 bps", "2 Mbps "}},
      {"gpsi",
       format::gpsi,
       {"msisdn-15551230001", "extid-a@b", "anything", "extid-a\n@b"},
       {"", "two\nlines"}},
      {"supi",
       format::supi,
       {"imsi-001010000000001", "anything"},
       {"", "two\rlines", "a\xE2\x80\xA8z"}},
      {"external_group_id",
       format::external_group_id,
       {"extgroupid-a@b"},
       {"", "extgroupid-", "extgroupid-@b", "extgroupid-a@", "extgroupid-a@b@c", "groupid-a@b"}},
  };
  for (const auto& one : cases) {
    for (const auto text : one.taken) EXPECT_TRUE(one.matches(text)) << one.name << " " << text;
    for (const auto text : one.refused) EXPECT_FALSE(one.matches(text)) << one.name << " " << text;
  }
}

// RFC 4648 clause 10.
TEST(base64, the_test_vectors_of_rfc_4648_hold) {
  for (const auto& [octets, text] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"", ""},
           {"f", "Zg=="},
           {"fo", "Zm8="},
           {"foo", "Zm9v"},
           {"foob", "Zm9vYg=="},
           {"fooba", "Zm9vYmE="},
           {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(base64_encode(octets), text);
    EXPECT_EQ(base64_decode(text), octets);
  }
}

TEST(base64, missing_padding_other_alphabets_and_set_spare_bits_are_refused) {
  for (const auto* text :
       {"Zg", "Zg=", "Zh==", "Zm9=", "Zm8", "Z===", "====", "Zg==Zg==", "Zm9v\n", "-_==", " Zg="})
    EXPECT_FALSE(base64_decode(text)) << text;
}

RC_GTEST_PROP(base64, what_is_encoded_is_decoded, (const std::string& octets)) {
  RC_ASSERT(base64_decode(base64_encode(octets)) == octets);
}

}  // namespace
}  // namespace lobo::json
