#include "wire/sdd/token.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "support/golden.hpp"
#include "wire/sdd/cbor.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::sdd {
namespace {

using namespace std::chrono_literals;

/// Signs with the sum of the claims: enough to see what is covered.
Signature checksum(Bytes claims) {
  Signature signature{};
  for (std::size_t i = 0; i < claims.size(); ++i) signature[i % signature_bytes] ^= claims[i];
  return signature;
}
struct SumSigner final : TokenSigner {
  std::uint32_t key_id() const override { return 9; }
  Result<Signature> sign(Bytes claims) override { return checksum(claims); }
};
struct SumVerifier final : TokenVerifier {
  bool verify(std::uint32_t key_id, Bytes claims, const Signature& signature) const override {
    return key_id == 9 && signature == checksum(claims);
  }
};

std::string any_name(std::string_view prefix) {
  return std::string(prefix) + std::to_string(*rc::gen::inRange(0, 1000));
}

TokenFlow any_flow(FlowId id) {
  TokenFlow flow{.id = id,
                 .alias = static_cast<Alias>(*rc::gen::inRange(1, 65536)),
                 .asset = any_name("urn:asset:"),
                 .direction = static_cast<Direction>(*rc::gen::inRange(0, 3)),
                 .components = *rc::gen::arbitrary<std::uint32_t>(),
                 .reliability = static_cast<FlowClass>(*rc::gen::inRange(0, 5)),
                 .ttl = std::chrono::milliseconds(*rc::gen::inRange(0, 60'001)),
                 .priority = static_cast<std::uint8_t>(*rc::gen::inRange(0, 8)),
                 .mbr_dl_bps = *rc::gen::inRange<std::uint64_t>(0, token_bps_max + 1),
                 .tier = static_cast<std::uint8_t>(*rc::gen::inRange(0, 9)),
                 .redundant = *rc::gen::arbitrary<bool>()};
  const int steps = *rc::gen::inRange(0, 4);
  for (int i = 0; i < steps; ++i)
    flow.ladder.push_back(
        {*rc::gen::inRange(0U, 1'000'001U), *rc::gen::arbitrary<std::uint32_t>()});
  return flow;
}

FlowToken any_token() {
  FlowToken token{.key_id = *rc::gen::arbitrary<std::uint32_t>(),
                  .room = any_name("room-"),
                  .ue = any_name("ue-"),
                  .flows = {},
                  .role = static_cast<Role>(*rc::gen::inRange(0, 2)),
                  .issued = Seconds(std::chrono::seconds(*rc::gen::inRange(0, 2'000'000'000))),
                  .expires = Seconds(std::chrono::seconds(*rc::gen::inRange(0, 2'000'000'000))),
                  .node = any_name("node-"),
                  .epoch = *rc::gen::arbitrary<std::uint64_t>()};
  const auto flows = *rc::gen::inRange(0U, 5U);
  for (FlowId i = 0; i < flows; ++i) token.flows.push_back(any_flow(i * 100'000 + 1));
  return token;
}

RC_GTEST_PROP(sdd_token, what_was_written_is_read_the_same, ()) {
  const FlowToken token = any_token();
  const auto read = decode_claims(encode_claims(token));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == token);
}

RC_GTEST_PROP(sdd_token, each_strict_prefix_of_claims_is_refused, ()) {
  const auto claims = encode_claims(any_token());
  for (std::size_t size = 0; size < claims.size(); ++size)
    RC_ASSERT(!decode_claims(std::span(claims).first(size)).has_value());
}

RC_GTEST_PROP(sdd_token, its_text_is_read_back, (const std::vector<std::uint8_t>& octets)) {
  const Bytes bytes = std::as_bytes(std::span(octets));
  const auto read = token_of_text(token_text(bytes));
  RC_ASSERT(read.has_value());
  RC_ASSERT(std::ranges::equal(*read, bytes));
}

TEST(sdd_token, claims_written_by_hand_are_read) {
  const auto bytes = test::from_hex(
      "aa                               # ten claims\n"
      "01 01                            # version\n"
      "02 1a01020304                    # key id\n"
      "03 66726f6f6d2d39                # room-9\n"
      "04 6575652d3137                  # ue-17\n"
      "05 81 8c                         # one flow, with a ladder\n"
      "   1864 05 6b75726e3a613a616c696365 02 1affffffff 00 1864 06 1a003d0900 01 00\n"
      "   82 82 193a98 0f 82 00 01      # 15,000 mHz of components 0 to 3; as they come, 0 alone\n"
      "06 00 07 1a6b49d200 08 1a6b49d23c\n"
      "09 666e6f64652d31 0a 03");
  const auto read = decode_claims(bytes);
  ASSERT_TRUE(read) << read.error().detail;
  const FlowToken expected{.key_id = 0x01020304,
                           .room = "room-9",
                           .ue = "ue-17",
                           .flows = {{.id = 100,
                                      .alias = 5,
                                      .asset = "urn:a:alice",
                                      .direction = Direction::bidi,
                                      .components = all_components,
                                      .reliability = FlowClass::newest,
                                      .ttl = 100ms,
                                      .priority = 6,
                                      .mbr_dl_bps = 4'000'000,
                                      .tier = 1,
                                      .redundant = false,
                                      .ladder = {{15'000, 15}, {0, 1}}}},
                           .role = Role::client,
                           .issued = Seconds(1'800'000'000s),
                           .expires = Seconds(1'800'000'060s),
                           .node = "node-1",
                           .epoch = 3};
  EXPECT_EQ(*read, expected);
  EXPECT_EQ(encode_claims(expected), bytes);
}

TEST(sdd_token, a_claim_that_is_missing_or_said_twice_is_refused_by_name) {
  CborWriter missing;
  missing.map(1);
  missing.number(1), missing.number(1);
  EXPECT_EQ(decode_claims(missing.written()).error().code, Errc::missing);
  CborWriter twice;
  twice.map(2);
  twice.number(3), twice.text("a");
  twice.number(3), twice.text("b");
  EXPECT_EQ(decode_claims(twice.written()).error().code, Errc::duplicate);
}

FlowToken good() {
  return {.key_id = 9,
          .room = "r",
          .ue = "u",
          .flows = {{.id = 1, .alias = 1, .asset = "urn:a"}},
          .role = Role::client,
          .issued = Seconds(100s),
          .expires = Seconds(200s),
          .node = "n",
          .epoch = 1};
}

TEST(sdd_token, what_a_later_version_adds_is_passed_over) {
  auto claims = encode_claims(good());
  claims[0] = std::byte{0xAB};  // a map of eleven pairs
  for (const std::byte octet : test::from_hex("1863 8301a1020363616263")) claims.push_back(octet);
  const auto read = decode_claims(claims);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(*read, good());
}

TEST(sdd_token, claims_that_contradict_each_other_are_refused) {
  const auto refused = [](const auto& change) {
    FlowToken token = good();
    change(token);
    return !decode_claims(encode_claims(token));
  };
  EXPECT_TRUE(refused([](FlowToken& t) { t.room.clear(); }));
  EXPECT_TRUE(refused([](FlowToken& t) { t.ue.clear(); }));
  EXPECT_TRUE(refused([](FlowToken& t) { t.flows.push_back(t.flows[0]); }));
  EXPECT_TRUE(refused([](FlowToken& t) { t.flows[0].id = 0; }));
  EXPECT_TRUE(refused([](FlowToken& t) { t.flows[0].alias = 0; }));
  EXPECT_TRUE(refused([](FlowToken& t) { t.flows[0].asset.clear(); }));
  EXPECT_TRUE(refused([](FlowToken& t) { t.ue = "\xFF"; }));
  EXPECT_TRUE(refused([](FlowToken& t) { t.flows.resize(token_flows_max + 1, t.flows[0]); }));
  EXPECT_FALSE(refused([](FlowToken& t) {
    t.flows[0] = {.id = 1, .alias = 0, .asset = "", .direction = Direction::sub};
  }));
}

TEST(sdd_token, numbers_beyond_their_range_and_items_without_end_are_refused) {
  for (const char* hex : {
           "a1021b0000000100000000",  // a key id of 33 bits
           "a105bf0102ff",            // a map without length
           "a1059f01ff",              // an array without length
           "a1039b0000000100000000",  // an array where a text is
           "a1059b7fffffffffffffff",  // more flows than there are bytes
           "a118639b7fffffffffffffff",
           "a11863c101",  // a tag
           "a10320",      // a negative number
           "bb7fffffffffffffff",
       })
    EXPECT_FALSE(decode_claims(test::from_hex(hex))) << hex;
}

TEST(sdd_token, a_token_of_another_key_or_with_other_claims_is_not_believed) {
  SumSigner signer;
  const SumVerifier verifier;
  auto token = sign_token(good(), signer);
  ASSERT_TRUE(token);
  EXPECT_EQ(*open_token(*token, verifier, Instant(150s)), good());
  token->back() ^= std::byte{1};
  EXPECT_EQ(open_token(*token, verifier, Instant(150s)).error().code, Errc::unauthenticated);
  EXPECT_FALSE(open_token(std::span(*token).first(signature_bytes), verifier, Instant(150s)));
  EXPECT_FALSE(open_token(std::vector<std::byte>(token_bytes_max + 1), verifier, Instant(150s)));
}

TEST(sdd_token, one_that_no_node_would_read_is_not_signed) {
  SumSigner signer;
  FlowToken many = good();
  for (FlowId id = 2; id < 200; ++id)
    many.flows.push_back({.id = id, .alias = 1, .asset = std::string(64, 'a')});
  EXPECT_EQ(sign_token(many, signer).error().code, Errc::too_large);
  FlowToken wrong = good();
  wrong.flows[0].priority = 8;
  EXPECT_FALSE(sign_token(wrong, signer));
}

TEST(sdd_token, text_that_is_no_base64url_is_refused) {
  EXPECT_EQ(token_text(test::from_hex("fbff")), "-_8");
  EXPECT_EQ(*token_of_text("-_8"), test::from_hex("fbff"));
  for (const char* text : {"A", "-_9", "-_8=", "+/8", "AAAAA", "A A"})
    EXPECT_FALSE(token_of_text(text)) << text;
}

}  // namespace
}  // namespace lobo::sdd
