// Attacks on protected markings: what was marked honestly stays marked, and no user data is lost.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "adapters/aead/choose.hpp"
#include "base/rng.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "model/pdu_set.hpp"
#include "upf/protected_stream.hpp"
#include "wire/packet/parse.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo {
namespace {

using dataplane::test::down_frame;
using dataplane::test::Tunnelled;
using dataplane::test::Upf;
using test::Octets;
using test::ProtectedStream;
using test::with_body;
using xrm::Unmarked;

class Attack : public testing::Test {
 protected:
  Attack() {
    upf_.serve({dataplane::test::marked_session(dataplane::test::option_description())});
    EXPECT_TRUE(upf_.receiver.add(test::context(*crypto_, 1)));
  }
  ProtectedStream stream(std::uint8_t key_id, std::uint16_t sid, std::uint8_t key = 1) const {
    return {*crypto_, key_id, sid, key};
  }
  std::uint64_t counted(Unmarked reason) const {
    return upf_.pipeline->counters().unmarked_option[reason].value();
  }
  /// All came through with their user data; how many of them marked.
  std::size_t marked_of(const std::vector<Octets>& frames) {
    const auto sent = upf_.downlink(frames);
    EXPECT_EQ(sent.n3.size(), frames.size());
    std::size_t marked = 0;
    for (std::size_t i = 0; i < sent.n3.size(); ++i) {
      const Tunnelled out(sent.n3[i]);
      marked += out.set_information ? 1 : 0;
      const Octets payload = out.payload();
      const auto inner = packet::parse_ip(payload);
      const auto came = packet::parse_ethernet(frames[i]);
      EXPECT_TRUE(std::ranges::equal(inner.user_data(), came.user_data()));
    }
    return marked;
  }

  std::unique_ptr<xrm::Crypto> crypto_ = adapters::aead::make_fastest();
  Upf upf_{{}, {.accept = xrm::Accept::protected_only}};
};

PduSetMark mark_of(std::uint64_t n) {
  return {.psi = Psi::low_bits_of(static_cast<std::uint32_t>(1 + n % 15)),
          .pssn = Pssn::wrapped(n / 8),
          .psn = Psn::wrapped(n % 8),
          .pdu_set_size = 9000,
          .pdus_in_set = std::uint16_t{8}};
}
Octets plain(std::uint64_t n) { return down_frame(Octets(100 + n % 2, static_cast<std::byte>(n))); }

TEST_F(Attack, protected_marks_reach_the_gnb_as_they_were) {
  auto first = stream(1, 1);
  ASSERT_TRUE(upf_.receiver.add(test::context(*crypto_, 2, 9)));
  auto second = stream(2, 1, 9);
  std::vector<Octets> frames;
  for (std::uint64_t n = 0; n < 100; ++n)
    frames.push_back((n % 3 == 0 ? second : first).marked(mark_of(n), plain(n)));
  const auto sent = upf_.downlink(frames);
  ASSERT_EQ(sent.n3.size(), frames.size());
  for (std::uint64_t n = 0; n < frames.size(); ++n) {
    const Tunnelled out(sent.n3[n]);
    ASSERT_TRUE(out.set_information) << n;
    PduSetMark expected = mark_of(n);
    const Octets unmarked = plain(n);
    const std::uint64_t begin = n - n % 8;  // what a set's first PDU loses stands for all
    const std::size_t removed = frames[begin].size() - plain(begin).size();
    expected.pdu_set_size = static_cast<std::uint32_t>(9000 - 8 * removed);
    expected.pdus_in_set.reset();
    EXPECT_EQ(out.set_information->mark, expected) << n;
    EXPECT_EQ(out.payload(), Octets(unmarked.begin() + 14, unmarked.end())) << n;
  }
}

TEST_F(Attack, a_replayed_mark_counts_once_and_its_packets_all_arrive) {
  auto honest = stream(1, 1);
  const Octets frame = honest.marked(mark_of(0), plain(0));
  EXPECT_EQ(marked_of({frame, frame, frame}), 1U);
  EXPECT_EQ(marked_of({frame}), 0U);
  EXPECT_EQ(counted(Unmarked::replayed), 3U);
}

TEST_F(Attack, a_mark_transplanted_to_another_packet_is_not_believed) {
  auto honest = stream(1, 1);
  std::vector<Octets> frames;
  for (std::uint64_t n = 0; n < 20; ++n)
    frames.push_back(with_body(plain(n + 1), honest.body(mark_of(n), plain(n))));
  EXPECT_EQ(marked_of(frames), 0U);
  EXPECT_EQ(counted(Unmarked::not_authentic), 20U);
  EXPECT_EQ(marked_of({honest.marked(mark_of(20), plain(20))}), 1U);
}

TEST_F(Attack, a_flood_of_unknown_keys_and_senders_costs_honest_flows_no_mark) {
  auto honest = stream(1, 1);
  SeededRng rng(3);
  std::size_t marked = 0;
  for (std::uint64_t round = 0; round < 50; ++round) {
    std::vector<Octets> frames;
    for (std::uint64_t n = 0; n < 63; ++n) {
      Octets body = honest.body(mark_of(n), plain(n));
      body[1] = static_cast<std::byte>(rng.below(256));  // KeyID
      body[2] = static_cast<std::byte>(rng.below(256));  // SID
      body[3] = static_cast<std::byte>(rng.below(256));
      body.back() ^= std::byte{0x80};
      frames.push_back(with_body(plain(n), body));
    }
    frames.push_back(honest.marked(mark_of(round), plain(63)));
    marked += marked_of(frames);
  }
  EXPECT_EQ(marked, 50U);
  EXPECT_EQ(counted(Unmarked::key_unknown) + counted(Unmarked::not_authentic), 50U * 63U);
}

TEST_F(Attack, authentic_senders_beyond_the_bound_are_unmarked_and_the_first_ones_stay) {
  auto honest = stream(1, 1);
  EXPECT_EQ(marked_of({honest.marked(mark_of(0), plain(0))}), 1U);
  for (std::uint16_t sid = 2; sid < xrm::senders_max + 50; ++sid)
    (void)marked_of({stream(1, sid).marked(mark_of(0), plain(sid))});
  EXPECT_EQ(counted(Unmarked::senders_exhausted), 49U);
  EXPECT_EQ(marked_of({honest.marked(mark_of(1), plain(1))}), 1U);
}

TEST_F(Attack, any_turned_bit_of_an_option_costs_the_mark_and_nothing_else) {
  auto honest = stream(1, 1);
  const Octets frame = plain(0);
  for (std::size_t bit = 0; bit < 8 * honest.body(mark_of(0), frame).size(); ++bit) {
    Octets body = honest.body(mark_of(bit), frame);
    body[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_EQ(marked_of({with_body(frame, body)}), 0U) << bit;
  }
}

}  // namespace
}  // namespace lobo
