#include "wire/http/ssrf.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "wire/http/ip.hpp"
#include "wire/http/url.hpp"

namespace lobo::http {
namespace {

TEST(ip, addresses_are_read_strictly) {
  for (const auto* text : {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.4 ",
                           ":::", "1::2::3", "12345::", "::1%lo", "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9", "::1.2.3", "::g", "1:2:3:4:5:6:7::8"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
}

TEST(ip, text_is_canonical) {
  for (const auto& [in, out] : std::vector<std::pair<std::string, std::string>>{
           {"1.2.3.4", "1.2.3.4"},
           {"::", "::"},
           {"::1", "::1"},
           {"FE80:0:0:0:0:0:0:1", "fe80::1"},
           {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
           {"::ffff:1.2.3.4", "1.2.3.4"},
           {"2001:db8:1:2:3:4:5:0", "2001:db8:1:2:3:4:5:0"},
           {"1::", "1::"}}) {
    const auto address = IpAddress::parse(in);
    ASSERT_TRUE(address) << in;
    EXPECT_EQ(address->to_string(), out);
  }
}

TEST(sink, addresses_that_are_not_public_are_refused) {
  for (const auto* text : {"0.0.0.0",       "127.0.0.1",        "127.255.255.254",
                           "10.1.2.3",      "172.16.0.1",       "172.31.255.255",
                           "192.168.1.1",   "169.254.169.254",  "100.64.0.1",
                           "224.0.0.1",     "239.1.1.1",        "255.255.255.255",
                           "198.18.0.1",    "192.0.2.1",        "::",
                           "::1",           "::ffff:127.0.0.1", "::ffff:10.0.0.1",
                           "::127.0.0.1",   "fe80::1",          "fc00::1",
                           "fd12:3456::1",  "ff02::1",          "64:ff9b::7f00:1",
                           "2002:7f00:1::", "2001:db8::1",      "2001::1",
                           "fec0::1"})
    EXPECT_FALSE(is_public(*IpAddress::parse(text))) << text;
  for (const auto* text : {"1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1",
                           "64:ff9b::101:101", "2002:101:101::"})
    EXPECT_TRUE(is_public(*IpAddress::parse(text))) << text;
}

TEST(sink, an_allowed_network_opens_just_itself) {
  const auto policy = SinkPolicy::from({"127.0.0.0/8", "lab.example", "fd00::/8"}, true);
  ASSERT_TRUE(policy);
  EXPECT_TRUE(policy->admits("x.example", "127.0.0.1"));
  EXPECT_TRUE(policy->admits("x.example", "::ffff:127.0.0.1"));
  EXPECT_TRUE(policy->admits("x.example", "fd00::1"));
  EXPECT_FALSE(policy->admits("x.example", "10.0.0.1"));
  EXPECT_FALSE(policy->admits("x.example", "not an address"));
  EXPECT_TRUE(policy->admits("lab.example", "10.0.0.1"));
  EXPECT_TRUE(policy->check(*parse_url("http://127.0.0.1:81/")));
  EXPECT_TRUE(policy->check(*parse_url("http://lab.example/")));
  EXPECT_FALSE(policy->check(*parse_url("http://other.example/")));
  EXPECT_TRUE(policy->check(*parse_url("https://other.example/")));
}

TEST(sink, a_uri_that_leads_to_this_machine_is_refused_before_resolving) {
  const auto policy = *SinkPolicy::from({}, false);
  for (const auto* text :
       {"http://127.0.0.1/", "http://localhost/", "http://a.localhost/", "http://[::1]/",
        "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/latest"})
    EXPECT_FALSE(policy.check(*parse_url(text))) << text;
}

TEST(sink, a_policy_with_a_strange_entry_is_refused) {
  for (const auto* entry :
       {"", "10.0.0.0/33", "a b", "http://a", "a:80", "10.0.0.0/x", "300.1.1.1"})
    EXPECT_FALSE(SinkPolicy::from({entry}, true)) << entry;
}

}  // namespace
}  // namespace lobo::http
