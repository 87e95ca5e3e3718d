// What lanes open, held against OpenSSL text by text: batches of every size, of texts that lanes
// take and of others, damaged or not, in place or not.

#include "adapters/aead/lanes.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "adapters/aead/aead_test_support.hpp"
#include "adapters/aead/lanes_gcm.hpp"
#include "adapters/aead/openssl.hpp"
#include "base/bytes.hpp"
#include "base/rng.hpp"
#include "wire/xrm/aead.hpp"

namespace lobo::adapters::aead {
namespace {

using xrm::Algorithm;
using Octets = std::vector<std::byte>;

struct Sealed {
  xrm::Nonce nonce{};
  Octets aad;
  Octets text;
  Octets tag;
};

class LanesAgainstOpenssl : public testing::TestWithParam<LanesPath> {
 protected:
  void SetUp() override {
    if (!lanes::way_of(GetParam())) GTEST_SKIP() << "the processor cannot";
  }

  Octets random(std::size_t bytes) {
    Octets out(bytes);
    for (std::byte& b : out) b = static_cast<std::byte>(rng_.next() & 0xFFU);
    return out;
  }
  /// Three of four are what lanes take.
  Sealed sealed(xrm::Aead& aead) {
    const bool usual = rng_.below(4) != 0;
    Sealed made{.aad = random(usual ? 16 : rng_.below(40)),
                .text = random(usual ? 16 : 1 + rng_.below(70)),
                .tag = Octets(usual || rng_.below(2) == 0 ? 16 : 8)};
    for (std::byte& b : made.nonce) b = static_cast<std::byte>(rng_.next() & 0xFFU);
    std::array jobs{xrm::SealJob{&made.nonce, made.aad, made.text, made.text, made.tag}};
    EXPECT_TRUE(aead.seal(jobs));
    return made;
  }
  /// One of three gets one bit flipped, anywhere.
  void damage(Sealed& sealed) {
    if (rng_.below(3) != 0) return;
    const std::array<std::span<std::byte>, 4> parts{sealed.nonce, sealed.aad, sealed.text,
                                                    sealed.tag};
    const std::span<std::byte> part = parts[rng_.below(parts.size())];
    if (part.empty()) return;
    part[rng_.below(part.size())] ^= static_cast<std::byte>(1U << rng_.below(8));
  }

  SeededRng rng_{11};
};

TEST_P(LanesAgainstOpenssl, open_each_batch_to_the_same_octets) {
  std::size_t refused = 0;
  std::size_t opened = 0;
  for (unsigned round = 0; round < 600; ++round) {
    const auto algorithm = static_cast<Algorithm>(1 + round % 2);
    const Octets key = random(xrm::key_bytes(algorithm));
    const auto judge = *make_openssl()->aead(algorithm, key);
    const auto lanes = *make_lanes(GetParam())->aead(algorithm, key);
    std::vector<Sealed> texts(1 + rng_.below(40));
    for (Sealed& text : texts) damage(text = sealed(*judge));
    std::vector<Octets> wanted;
    std::vector<bool> authentic;
    for (Sealed& text : texts) {
      Octets& plain = wanted.emplace_back(text.text.size());
      std::array jobs{xrm::OpenJob{&text.nonce, text.aad, text.text, text.tag, plain}};
      judge->open(jobs);
      authentic.push_back(jobs[0].authentic);
      ++(jobs[0].authentic ? opened : refused);
    }
    const bool in_place = rng_.below(2) == 0;
    std::vector<Octets> places;
    places.reserve(texts.size());
    std::vector<xrm::OpenJob> jobs;
    for (Sealed& text : texts) {
      Octets& place = places.emplace_back(text.text.size(), std::byte{0x55});
      jobs.push_back({&text.nonce, text.aad, text.text, text.tag, in_place ? text.text : place,
                      round % 2 == 0});
    }
    lanes->open(jobs);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ASSERT_EQ(jobs[i].authentic, authentic[i]) << round << ' ' << i;
      ASSERT_EQ(in_place ? texts[i].text : places[i], wanted[i]) << round << ' ' << i;
    }
  }
  EXPECT_GT(refused, 1000U);
  EXPECT_GT(opened, 1000U);
}

INSTANTIATE_TEST_SUITE_P(aead, LanesAgainstOpenssl,
                         testing::Values(LanesPath::fastest, LanesPath::aes_ni),
                         [](const auto& of) {
                           return of.param == LanesPath::fastest ? "fastest" : "aes_ni";
                         });

}  // namespace
}  // namespace lobo::adapters::aead
