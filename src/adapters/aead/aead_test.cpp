// The suite of the ports Aead and Mac: each library answers the same vectors and refuses the same.

#include "wire/xrm/aead.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "adapters/aead/aead_test_support.hpp"
#include "adapters/aead/choose.hpp"
#include "adapters/aead/ipsec_mb.hpp"
#include "adapters/aead/openssl.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"

namespace lobo::adapters::aead {
namespace {

using xrm::Algorithm;

class Ciphers : public EachLibrary {};
class Macs : public EachLibrary {};

struct Vector {
  const char* from;
  Algorithm algorithm;
  const char* key;
  const char* nonce;
  const char* aad;
  const char* plain;
  const char* sealed;
  const char* tag;
};

// NIST's GCM test cases 2, 4 and 16, RFC 8439 clause 2.8.2, and the vector of the protected option.
constexpr std::array vectors{
    Vector{"GCM test case 2", Algorithm::aes_128_gcm, "00000000000000000000000000000000",
           "000000000000000000000000", "", "00000000000000000000000000000000",
           "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"},
    Vector{
        "GCM test case 4", Algorithm::aes_128_gcm, "feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
        "49a6b525b16aedf5aa0de657ba637b39",
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5a"
        "ac84aa051ba30b396a0aac973d58e091",
        "5bc94fbc3221a5db94fae95ae7121a47"},
    Vector{
        "GCM test case 16", Algorithm::aes_256_gcm,
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
        "49a6b525b16aedf5aa0de657ba637b39",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
        "56828838c5f61e6393ba7a0abcc9f662",
        "76fc6ece0f4e1768cddf8853bb2d551b"},
    Vector{
        "RFC 8439 clause 2.8.2", Algorithm::chacha20_poly1305,
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
        "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966"
        "204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f72207468652066757475"
        "72652c2073756e73637265656e20776f756c642062652069742e",
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69"
        "da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594"
        "5585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116",
        "1ae10b594f09e26a7e902ecbd0600691"},
    Vector{"protected option", Algorithm::aes_128_gcm, "000102030405060708090a0b0c0d0e0f",
           "a0a1a2a3a4a5a6a6a8a9aa81", "0fa0138c04b81234800700010000002a",
           "0381556a050075300019050186a000a7", "0e2a06a3db84a2876ed56b00a715806c",
           "6bd9709c18142a494551ba4f00c17146"},
};

xrm::Nonce nonce_of(const std::vector<std::byte>& bytes) {
  xrm::Nonce nonce{};
  std::copy_n(bytes.begin(), nonce.size(), nonce.begin());
  return nonce;
}

/// What one job needs, owned.
struct Text {
  xrm::Nonce nonce{};
  std::vector<std::byte> aad;
  std::vector<std::byte> in;
  std::vector<std::byte> out;
  std::vector<std::byte> tag;

  xrm::SealJob sealing() { return {&nonce, aad, in, out, tag}; }
  xrm::OpenJob opening() { return {&nonce, aad, in, tag, out}; }
};

bool open_one(xrm::Aead& aead, Text& text) {
  std::array jobs{text.opening()};
  aead.open(jobs);
  return jobs[0].authentic;
}

Text sealed_text(xrm::Aead& aead, std::size_t tag_bytes) {
  Text text{nonce_of(from_hex(vectors.back().nonce)), from_hex(vectors.back().aad),
            from_hex(vectors.back().plain), std::vector<std::byte>(16),
            std::vector<std::byte>(tag_bytes)};
  std::array jobs{text.sealing()};
  EXPECT_TRUE(aead.seal(jobs));
  text.in = text.out;
  text.out.assign(text.in.size(), std::byte{0x55});
  return text;
}

TEST_P(Ciphers, seal_and_open_the_published_vectors) {
  for (const Vector& vector : vectors) {
    const auto with = aead(vector.algorithm, from_hex(vector.key));
    Text text{nonce_of(from_hex(vector.nonce)),
              from_hex(vector.aad),
              from_hex(vector.plain),
              {},
              std::vector<std::byte>(16)};
    text.out.resize(text.in.size());
    std::array jobs{text.sealing()};
    ASSERT_TRUE(with->seal(jobs));
    EXPECT_EQ(text.out, from_hex(vector.sealed)) << vector.from;
    EXPECT_EQ(text.tag, from_hex(vector.tag)) << vector.from;
    text.in = text.out;
    EXPECT_TRUE(open_one(*with, text)) << vector.from;
    EXPECT_EQ(text.out, from_hex(vector.plain)) << vector.from;
  }
}

TEST_P(Ciphers, seal_and_open_in_place) {
  const Vector& vector = vectors.back();
  const auto with = aead(vector.algorithm, from_hex(vector.key));
  const auto nonce = nonce_of(from_hex(vector.nonce));
  const auto aad = from_hex(vector.aad);
  auto text = from_hex(vector.plain);
  std::vector<std::byte> tag(16);
  std::array sealing{xrm::SealJob{&nonce, aad, text, text, tag}};
  ASSERT_TRUE(with->seal(sealing));
  EXPECT_EQ(text, from_hex(vector.sealed));
  std::array opening{xrm::OpenJob{&nonce, aad, text, tag, text}};
  with->open(opening);
  EXPECT_TRUE(opening[0].authentic);
  EXPECT_EQ(text, from_hex(vector.plain));
}

TEST_P(Ciphers, cut_a_tag_to_its_first_octets) {
  const Vector& vector = vectors.back();
  const auto with = aead(vector.algorithm, from_hex(vector.key));
  const auto whole = from_hex(vector.tag);
  for (const std::size_t bytes : {std::size_t{2}, xrm::tag_bytes_short, std::size_t{15}}) {
    Text text = sealed_text(*with, bytes);
    EXPECT_TRUE(std::equal(text.tag.begin(), text.tag.end(), whole.begin())) << bytes;
    EXPECT_TRUE(open_one(*with, text)) << bytes;
    text.tag.back() ^= std::byte{1};
    EXPECT_FALSE(open_one(*with, text)) << bytes;
  }
}

TEST_P(Ciphers, refuse_each_flipped_bit_and_leave_no_plaintext) {
  for (const auto algorithm :
       {Algorithm::aes_128_gcm, Algorithm::aes_256_gcm, Algorithm::chacha20_poly1305}) {
    const std::vector<std::byte> key(xrm::key_bytes(algorithm), std::byte{0x42});
    const auto with = aead(algorithm, key);
    const Text right = sealed_text(*with, xrm::tag_bytes_full);
    const std::vector<std::byte> wiped(right.in.size());
    const auto refused = [&](const char* what, auto member) {
      for (std::size_t bit = 0; bit < (right.*member).size() * 8; ++bit) {
        Text text = right;
        (text.*member)[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        EXPECT_FALSE(open_one(*with, text)) << what << " bit " << bit;
        EXPECT_EQ(text.out, wiped) << what << " bit " << bit;
      }
    };
    refused("nonce", &Text::nonce);
    refused("aad", &Text::aad);
    refused("sealed", &Text::in);
    refused("tag", &Text::tag);
    Text again = right;
    EXPECT_TRUE(open_one(*with, again)) << "refusals leave nothing behind";
  }
}

TEST_P(Ciphers, open_each_text_of_a_batch_for_itself) {
  const std::vector<std::byte> key(16, std::byte{7});
  const auto with = aead(Algorithm::aes_128_gcm, key);
  std::vector<Text> texts(40, sealed_text(*with, xrm::tag_bytes_full));
  std::vector<xrm::OpenJob> jobs;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i % 3 == 0) texts[i].tag[i % 16] ^= std::byte{0x80};
    jobs.push_back(texts[i].opening());
  }
  with->open(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) EXPECT_EQ(jobs[i].authentic, i % 3 != 0) << i;
}

TEST_P(Ciphers, agree_with_openssl_on_texts_of_any_size) {
  SeededRng rng(7);
  const auto random = [&](std::size_t bytes) {
    std::vector<std::byte> out(bytes);
    for (std::byte& b : out) b = static_cast<std::byte>(rng.next() & 0xFFU);
    return out;
  };
  for (unsigned round = 0; round < 300; ++round) {
    const auto algorithm = static_cast<Algorithm>(1 + round % 3);
    const auto key = random(xrm::key_bytes(algorithm));
    Text text{nonce_of(random(12)),
              random(rng.below(40)),
              random(1 + rng.below(256)),
              {},
              std::vector<std::byte>(16)};
    text.out.resize(text.in.size());
    Text other = text;
    std::array mine{text.sealing()};
    std::array theirs{other.sealing()};
    ASSERT_TRUE(aead(algorithm, key)->seal(mine));
    ASSERT_TRUE((*make_openssl()->aead(algorithm, key))->seal(theirs));
    ASSERT_EQ(text.out, other.out) << xrm::to_string(algorithm) << ' ' << text.in.size();
    ASSERT_EQ(text.tag, other.tag) << xrm::to_string(algorithm) << ' ' << text.in.size();
  }
}

TEST_P(Ciphers, refuse_a_key_of_the_wrong_size) {
  const std::vector<std::byte> key(32);
  for (const auto algorithm :
       {Algorithm::aes_128_gcm, Algorithm::aes_256_gcm, Algorithm::chacha20_poly1305})
    for (const std::size_t size : {0U, 15U, 16U, 24U, 31U, 32U}) {
      const auto made = crypto().aead(algorithm, Bytes(key).first(size));
      EXPECT_EQ(made.has_value(), size == xrm::key_bytes(algorithm)) << size;
      if (!made) { EXPECT_EQ(made.error().code, Errc::out_of_range); }
    }
}

// RFC 4493 clause 4.
TEST_P(Macs, answer_the_published_vectors_however_the_text_is_cut) {
  const auto key = from_hex("2b7e151628aed2a6abf7158809cf4f3c");
  const auto text = from_hex(
      "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
      "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
  struct Case {
    std::size_t bytes;
    const char* mac;
  };
  const auto mac = crypto().aes_128_cmac(key);
  ASSERT_TRUE(mac);
  for (const Case& one :
       {Case{0, "bb1d6929e95937287fa37d129b756746"}, Case{16, "070a16b46b4d4144f79bdd9dd04a287c"},
        Case{40, "dfa66747de9ae63030ca32611497c827"},
        Case{64, "51f0bebf7e3b9d92fc49741779363cfe"}}) {
    const auto wanted = from_hex(one.mac);
    for (const std::size_t cut : {std::size_t{0}, one.bytes / 3, one.bytes}) {
      const std::array pieces{Bytes(text).first(cut), Bytes{},
                              Bytes(text).subspan(cut, one.bytes - cut)};
      const auto value = (*mac)->mac(pieces);
      ASSERT_TRUE(value);
      EXPECT_TRUE(std::equal(value->begin(), value->end(), wanted.begin())) << one.bytes;
    }
  }
}

TEST_P(Macs, refuse_a_key_of_the_wrong_size) {
  const std::vector<std::byte> key(32);
  EXPECT_FALSE(crypto().aes_128_cmac(Bytes(key).first(15)));
  EXPECT_FALSE(crypto().aes_128_cmac(key));
}

INSTANTIATE_TEST_SUITE_P(aead, Ciphers, each_library, name_of_library);
INSTANTIATE_TEST_SUITE_P(aead, Macs, each_library, name_of_library);

TEST(aead_choice, tells_what_is_used_and_what_is_not) {
  const auto used = make_fastest()->name();
  EXPECT_NE(describe().find(used), std::string::npos);
  const bool fast = make_ipsec_mb().has_value();
  EXPECT_EQ(used.starts_with("ipsec-mb"), fast);
  EXPECT_EQ(describe().find("OpenSSL") != std::string::npos, true);
}

}  // namespace
}  // namespace lobo::adapters::aead
