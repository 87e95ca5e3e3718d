#include "adapters/crypto/hmac.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lobo::adapters::crypto {
namespace {

std::string hex(const HmacTag& tag) {
  std::string out;
  for (const unsigned char octet : tag) {
    out += "0123456789abcdef"[octet >> 4U];
    out += "0123456789abcdef"[octet & 15U];
  }
  return out;
}

TEST(hmac, gives_the_tags_of_rfc_4231) {
  // Test cases 1, 2 and 6.
  EXPECT_EQ(hex(HmacSha256(std::string(20, '\x0b')).tag("Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(HmacSha256("Jefe").tag("what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(HmacSha256(std::string(131, '\xaa'))
                    .tag("Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(hmac, a_text_before_leaves_nothing_behind) {
  const HmacSha256 mac("Jefe");
  mac.tag("another text");
  EXPECT_EQ(hex(mac.tag("what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace lobo::adapters::crypto
