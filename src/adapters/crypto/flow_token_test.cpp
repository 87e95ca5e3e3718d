#include "adapters/crypto/flow_token.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "adapters/crypto/crypto_test_support.hpp"
#include "adapters/crypto/pki.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "support/golden.hpp"
#include "support/temp_dir.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::adapters::crypto {
namespace {

using namespace std::chrono_literals;

constexpr sdd::Seconds issued{std::chrono::seconds{1'800'000'000}};

sdd::FlowToken some_token() {
  return {.key_id = 0,
          .room = "room-9",
          .ue = "ue-17",
          .flows = {{.id = 7, .alias = 1, .asset = "urn:asset:alice"}},
          .role = sdd::Role::client,
          .issued = issued,
          .expires = issued + 60s,
          .node = "node-1",
          .epoch = 3};
}

struct Pair {
  std::unique_ptr<FlowTokenSigner> signer;
  FlowTokenVerifier verifier;

  Pair() : signer(*FlowTokenSigner::from(make_flow_key()->private_key)) {
    EXPECT_TRUE(verifier.trust({signer->public_key()}));
  }
};

TEST(flow_token, what_a_key_signed_is_believed_by_who_trusts_the_key) {
  Pair pair;
  const auto token = sdd::sign_token(some_token(), *pair.signer);
  ASSERT_TRUE(token) << token.error().detail;
  const auto opened = sdd::open_token(*token, pair.verifier, issued + 10s);
  ASSERT_TRUE(opened) << opened.error().detail;
  auto expected = some_token();
  expected.key_id = pair.signer->key_id();
  EXPECT_EQ(*opened, expected);
}

TEST(flow_token, no_flipped_bit_and_no_other_key_is_believed) {
  Pair pair;
  const auto token = *sdd::sign_token(some_token(), *pair.signer);
  for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
    auto forged = token;
    forged[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(sdd::open_token(forged, pair.verifier, issued)) << "bit " << bit;
  }
  const Pair other;
  EXPECT_EQ(sdd::open_token(token, other.verifier, issued).error().code, Errc::unauthenticated);
}

TEST(flow_token, it_ends_with_its_expiry_and_a_future_one_is_not_good_yet) {
  Pair pair;
  const auto token = *sdd::sign_token(some_token(), *pair.signer);
  EXPECT_TRUE(sdd::open_token(token, pair.verifier, issued + 60s - 1us));
  EXPECT_FALSE(sdd::open_token(token, pair.verifier, issued + 60s));
  EXPECT_TRUE(sdd::open_token(token, pair.verifier, issued - sdd::token_leeway));
  EXPECT_FALSE(sdd::open_token(token, pair.verifier, issued - sdd::token_leeway - 1us));
}

// RFC 8032 clause 7.1, test 2: its secret key in the form of RFC 8410 (a fixed prefix of 16
// octets).
TEST(flow_token, the_signature_is_that_of_rfc_8032) {
  const auto secret = test::from_hex(
      "302e020100300506032b657004220420"
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  const testing::TempDir folder;
  write(folder.file("key.der"),
        std::string(reinterpret_cast<const char*>(secret.data()), secret.size()));
  const auto ran = run(fmt::format("openssl pkey -inform DER -in {} -out {}",
                                   folder.file("key.der"), folder.file("key.pem")));
  ASSERT_EQ(ran.status, 0) << ran.output;
  const auto signer = FlowTokenSigner::open(folder.file("key.pem"));
  ASSERT_TRUE(signer) << signer.error().detail;
  EXPECT_EQ(test::to_hex((*signer)->public_key().raw),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(test::to_hex(*(*signer)->sign(std::array{std::byte{0x72}})),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST(flow_token, keys_lie_in_pem_files_that_the_openssl_program_reads) {
  const testing::TempDir folder;
  const auto made = make_flow_key_files(folder.path().string());
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_FALSE(make_flow_key_files(folder.path().string()));
  const auto signer = FlowTokenSigner::open(folder.file("flow.key"));
  const auto told = read_flow_public_key(folder.file("flow.pub"));
  ASSERT_TRUE(signer && told);
  EXPECT_EQ((*signer)->public_key(), *told);
  EXPECT_EQ(*read_flow_public_key(folder.file("flow.key")), *told);
  EXPECT_EQ(*flow_public_key(told->raw), *told);
  const auto ran = run(fmt::format("openssl pkey -in {} -pubout", folder.file("flow.key")));
  EXPECT_EQ(ran.output, content_of(folder.file("flow.pub")));
}

TEST(flow_token, what_is_no_ed25519_key_is_refused_with_the_file_named) {
  const testing::TempDir folder;
  write(folder.file("rubbish"), "no key at all");
  write(folder.file("empty"), "");
  const auto ran =
      run(fmt::format("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 "
                      "-out {}",
                      folder.file("p256.key")));
  ASSERT_EQ(ran.status, 0) << ran.output;
  for (const char* name : {"rubbish", "empty", "p256.key", "missing"}) {
    const auto signer = FlowTokenSigner::open(folder.file(name));
    ASSERT_FALSE(signer) << name;
    EXPECT_NE(signer.error().detail.find(name), std::string::npos);
    EXPECT_FALSE(read_flow_public_key(folder.file(name))) << name;
  }
  EXPECT_FALSE(flow_public_key(std::vector<std::byte>(31)));
}

TEST(flow_token, a_node_trusts_a_bounded_number_of_keys) {
  const Pair pair;
  FlowTokenVerifier verifier;
  EXPECT_TRUE(verifier.trust(std::vector(flow_keys_max, pair.signer->public_key())));
  EXPECT_FALSE(verifier.trust(std::vector(flow_keys_max + 1, pair.signer->public_key())));
  EXPECT_EQ(verifier.keys(), 1U);
}

}  // namespace
}  // namespace lobo::adapters::crypto
