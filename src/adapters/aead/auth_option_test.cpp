// AUTH with a real CMAC. The expected MACs were computed by the `openssl mac` program over the
// octets that the comment beside them lists.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/aead/aead_test_support.hpp"
#include "base/bytes.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/auth.hpp"
#include "wire/xrm/context.hpp"

namespace lobo::adapters::aead {
namespace {

using xrm::AuthCover;

/// 192.0.2.1 to 198.51.100.2, UDP length 12, user data deadbeef, surplus: OCS, a clear XRM option,
/// AUTH, EOL.
struct Datagram {
  std::vector<std::byte> source = from_hex("c0000201");
  std::vector<std::byte> destination = from_hex("c6336402");
  std::vector<std::byte> udp = from_hex("0fa0138c000c1234");
  std::vector<std::byte> user_data = from_hex("deadbeef");
  std::vector<std::byte> surplus =
      from_hex("abcd 7f0a58520381556a0000 09100304 000000000000000000000000 00");
  static constexpr std::size_t mac_at = 16;

  xrm::AuthInput input() const {
    return {source, destination, xrm::UdpHeader(udp.data(), 8), user_data, surplus, 0, mac_at};
  }
};

class AuthOptions : public EachLibrary {
 protected:
  std::unique_ptr<xrm::Mac> mac() const {
    return std::move(*crypto().aes_128_cmac(from_hex("000102030405060708090a0b0c0d0e0f")));
  }
};

TEST_P(AuthOptions, cover_the_octets_that_the_framing_names) {
  const auto with = mac();
  const Datagram datagram;
  // c0000201 c6336402 00 11 000c | 0fa0138c000c1234 | [deadbeef] |
  // 0000 7f0a58520381556a0000 09100304 000000000000000000000000 00
  EXPECT_TRUE(std::ranges::equal(*auth_mac(*with, datagram.input(), AuthCover::options),
                                 from_hex("b05d65d48b6e29a5456e098b")));
  EXPECT_TRUE(std::ranges::equal(*auth_mac(*with, datagram.input(), AuthCover::all),
                                 from_hex("20552756ce758b390a58bef5")));
  Datagram six;
  six.source = from_hex("20010db8000000000000000000000001");
  six.destination = from_hex("20010db8000000000000000000000002");
  // The pseudo-header is both addresses, 0000000c, 000000, 11.
  EXPECT_TRUE(std::ranges::equal(*auth_mac(*with, six.input(), AuthCover::all),
                                 from_hex("e5dcff1a39b8220ea9a328c8")));
}

TEST_P(AuthOptions, verify_until_a_bit_is_flipped) {
  const auto with = mac();
  for (const auto cover : {AuthCover::options, AuthCover::all}) {
    Datagram right;
    const auto value = auth_mac(*with, right.input(), cover);
    ASSERT_TRUE(value);
    std::ranges::copy(*value, right.surplus.begin() + Datagram::mac_at);
    EXPECT_TRUE(auth_verifies(*with, right.input(), cover));
    for (const auto member : {&Datagram::source, &Datagram::destination, &Datagram::udp,
                              &Datagram::user_data, &Datagram::surplus})
      for (std::size_t bit = 0; bit < (right.*member).size() * 8; ++bit) {
        Datagram flipped = right;
        (flipped.*member)[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        const bool not_covered = (member == &Datagram::surplus && bit < 16) ||
                                 (member == &Datagram::user_data && cover == AuthCover::options);
        EXPECT_EQ(auth_verifies(*with, flipped.input(), cover), not_covered) << bit;
      }
  }
}

TEST_P(AuthOptions, refuse_parts_that_do_not_fit_each_other) {
  const auto with = mac();
  const Datagram datagram;
  const auto refused = [&](auto change) {
    xrm::AuthInput input = datagram.input();
    change(input);
    return !auth_mac(*with, input, AuthCover::all) && !auth_verifies(*with, input, AuthCover::all);
  };
  EXPECT_TRUE(refused([](auto& input) { input.source = input.source.first(3); }));
  EXPECT_TRUE(refused([](auto& input) { input.destination = {}; }));
  EXPECT_TRUE(refused([](auto& input) { input.surplus = input.surplus.first(1); }));
  EXPECT_TRUE(refused([](auto& input) { input.mac_at = input.surplus.size() - 11; }));
  EXPECT_TRUE(refused([](auto& input) { input.mac_at = 1; }));
  EXPECT_TRUE(refused([](auto& input) { input.ocs_at = input.surplus.size(); }));
}

TEST(auth_option, is_framed_by_kind_length_and_two_key_ids) {
  const xrm::AuthOption option{.key_id = xrm::KeyId{3}, .next_key_id = xrm::KeyId{4}};
  std::array<std::byte, xrm::auth_option_bytes> place{};
  ByteWriter out(place);
  xrm::write_auth(out, option);
  ASSERT_TRUE(out.ok());
  EXPECT_TRUE(std::ranges::equal(place, from_hex("09100304000000000000000000000000")));
  EXPECT_EQ(xrm::read_auth(Bytes(place).subspan(2)), option);
  EXPECT_FALSE(xrm::read_auth(Bytes(place).subspan(3)));
  EXPECT_FALSE(xrm::read_auth(place));
}

INSTANTIATE_TEST_SUITE_P(aead, AuthOptions, each_library, name_of_library);

}  // namespace
}  // namespace lobo::adapters::aead
