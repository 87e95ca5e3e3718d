// The protected option with real keys: what a receiver believes, and what it does not.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "adapters/aead/choose.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/pdu_set.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/protected.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/replay_window.hpp"
#include "wire/xrm/sender.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::adapters::aead {
namespace {

using xrm::Accept;
using xrm::Context;
using xrm::ContextSettings;
using xrm::KeyId;
using xrm::Receiver;
using xrm::Sender;
using xrm::SenderId;
using xrm::Unmarked;
using Udp = std::array<std::byte, 8>;

const xrm::Crypto& crypto() {
  static const auto made = make_fastest();
  return *made;
}

ContextSettings settings_of(std::uint8_t id) {
  ContextSettings settings{.key_id = KeyId{id}};
  settings.key = *xrm::Key::from(std::vector<std::byte>(16, std::byte{id}));
  settings.iv.fill(static_cast<std::byte>(0xA0U + id));
  return settings;
}
Context context_of(const ContextSettings& settings) { return *Context::create(settings, crypto()); }
Sender sender_of(const ContextSettings& settings, std::uint16_t sid = 1, std::uint32_t from = 0) {
  return *Sender::create(context_of(settings), SenderId{sid}, from);
}
Receiver receiver_of(std::initializer_list<ContextSettings> contexts) {
  Receiver receiver({.accept = Accept::protected_only});
  for (const auto& settings : contexts) EXPECT_TRUE(receiver.add(context_of(settings)));
  return receiver;
}

Udp udp_with(std::uint16_t checksum) {
  Udp udp{};
  ByteWriter out(udp);
  out.be16(4000);
  out.be16(5004);
  out.be16(1208);
  out.be16(checksum);
  return udp;
}

const PduSetMark mark{.end_of_pdu_set = true,
                      .psi = *Psi::from(1),
                      .pssn = *Pssn::from(341),
                      .psn = *Psn::from(42),
                      .pdu_set_size = 30000,
                      .pdus_in_set = 25};

std::vector<std::byte> sealed(Sender& sender, const Udp& udp, const PduSetMark& with = mark) {
  std::vector<std::byte> body(xrm::protected_sent_max);
  const auto bytes = sender.seal(with, udp, body);
  EXPECT_TRUE(bytes) << to_string(bytes.error());
  body.resize(bytes.value_or(0));
  return body;
}

std::optional<Unmarked> refusal(Receiver& receiver, Bytes body, const Udp& udp) {
  const auto read = receiver.read(body, udp);
  return read ? std::nullopt : std::optional(read.error());
}

TEST(protected_option, a_flipped_bit_anywhere_makes_the_packet_unmarked) {
  ContextSettings short_tags = settings_of(8);
  short_tags.tag = xrm::TagLength::short_;
  for (const auto& settings : {settings_of(7), short_tags}) {
    auto sender = sender_of(settings);
    auto receiver = receiver_of({settings});
    const Udp udp = udp_with(0x1234);
    const auto body = sealed(sender, udp);
    for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
      auto flipped = body;
      flipped[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
      EXPECT_TRUE(refusal(receiver, flipped, udp)) << "option bit " << bit;
    }
    for (std::size_t bit = 0; bit < udp.size() * 8; ++bit) {
      Udp flipped = udp;
      flipped[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
      EXPECT_EQ(refusal(receiver, body, flipped), Unmarked::not_authentic) << "UDP bit " << bit;
    }
    EXPECT_FALSE(refusal(receiver, body, udp)) << "none of it moved the replay window";
  }
}

TEST(protected_option, each_strict_prefix_is_refused) {
  auto sender = sender_of(settings_of(7));
  auto receiver = receiver_of({settings_of(7)});
  const Udp udp = udp_with(1);
  const auto body = sealed(sender, udp);
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_TRUE(refusal(receiver, Bytes(body).first(size), udp)) << size;
  EXPECT_FALSE(refusal(receiver, body, udp));
}

TEST(protected_option, one_moved_to_another_datagram_is_refused) {
  auto sender = sender_of(settings_of(7));
  auto receiver = receiver_of({settings_of(7)});
  const auto body = sealed(sender, udp_with(0x1234));
  EXPECT_EQ(refusal(receiver, body, udp_with(0x1235)), Unmarked::not_authentic);
  EXPECT_FALSE(refusal(receiver, body, udp_with(0x1234)));
}

TEST(protected_option, one_bound_to_the_length_survives_a_napt_and_no_other_length) {
  ContextSettings settings = settings_of(7);
  settings.bind = xrm::Bind::length;
  auto sender = sender_of(settings);
  auto receiver = receiver_of({settings});
  const auto body = sealed(sender, udp_with(0x1234));
  Udp translated = udp_with(0x4321);
  translated[0] = translated[2] = std::byte{0xFF};
  Udp longer = translated;
  longer[5] ^= std::byte{1};
  EXPECT_EQ(refusal(receiver, body, longer), Unmarked::not_authentic);
  EXPECT_FALSE(refusal(receiver, body, translated));
}

TEST(protected_option, a_packet_counts_once) {
  auto sender = sender_of(settings_of(7));
  auto receiver = receiver_of({settings_of(7)});
  const Udp udp = udp_with(1);
  const auto body = sealed(sender, udp);
  EXPECT_FALSE(refusal(receiver, body, udp));
  EXPECT_EQ(refusal(receiver, body, udp), Unmarked::replayed);
  std::array<xrm::ReadRequest, 2> twice{{{body, udp}, {body, udp}}};
  auto other = receiver_of({settings_of(7)});
  other.read(twice);
  EXPECT_TRUE(twice[0].marking);
  EXPECT_EQ(twice[1].marking.error(), Unmarked::replayed) << "in one batch as well";
}

TEST(protected_option, packets_out_of_order_are_taken_up_to_the_window) {
  auto sender = sender_of(settings_of(7));
  auto receiver = receiver_of({settings_of(7)});
  const Udp udp = udp_with(1);
  std::vector<std::vector<std::byte>> bodies;
  bodies.reserve(xrm::ReplayWindow::size + 1);
  for (std::uint32_t i = 0; i <= xrm::ReplayWindow::size; ++i)
    bodies.push_back(sealed(sender, udp));
  std::ranges::reverse(bodies);
  const auto oldest = bodies.back();
  bodies.pop_back();
  for (const auto& body : bodies) ASSERT_FALSE(refusal(receiver, body, udp));
  EXPECT_EQ(refusal(receiver, oldest, udp), Unmarked::too_old);
}

TEST(protected_option, a_forged_counter_does_not_move_the_window) {
  auto sender = sender_of(settings_of(7));
  auto receiver = receiver_of({settings_of(7)});
  const Udp udp = udp_with(1);
  const auto body = sealed(sender, udp);
  auto forged = body;
  forged[4] = std::byte{0x7F};
  EXPECT_EQ(refusal(receiver, forged, udp), Unmarked::not_authentic);
  EXPECT_FALSE(refusal(receiver, body, udp));
}

TEST(protected_option, keys_are_rolled_over_while_both_are_live) {
  auto receiver = receiver_of({settings_of(7), settings_of(8)});
  auto old_sender = sender_of(settings_of(7));
  auto new_sender = sender_of(settings_of(8));
  const Udp udp = udp_with(1);
  for (unsigned i = 0; i < 10; ++i) {
    EXPECT_FALSE(refusal(receiver, sealed(old_sender, udp), udp));
    EXPECT_FALSE(refusal(receiver, sealed(new_sender, udp), udp));
  }
  EXPECT_TRUE(receiver.remove(KeyId{7}));
  EXPECT_FALSE(receiver.remove(KeyId{7}));
  EXPECT_EQ(refusal(receiver, sealed(old_sender, udp), udp), Unmarked::key_unknown);
  EXPECT_FALSE(refusal(receiver, sealed(new_sender, udp), udp));
  EXPECT_FALSE(receiver.add(context_of(settings_of(8)))) << "a KeyID is there once";
}

TEST(protected_option, senders_of_one_key_have_windows_of_their_own) {
  auto receiver = receiver_of({settings_of(7)});
  const Udp udp = udp_with(1);
  for (std::uint16_t sid = 0; sid < 5; ++sid) {
    auto sender = sender_of(settings_of(7), sid);
    EXPECT_FALSE(refusal(receiver, sealed(sender, udp), udp)) << sid;
  }
}

TEST(protected_option, a_sid_that_the_context_does_not_name_is_refused_on_both_sides) {
  ContextSettings narrow = settings_of(7);
  narrow.senders = {SenderId{3}, SenderId{5}};
  auto receiver = receiver_of({narrow});
  const Udp udp = udp_with(1);
  for (const std::uint16_t sid : std::to_array<std::uint16_t>({2, 3, 5, 6})) {
    const bool inside = sid >= 3 && sid <= 5;
    EXPECT_EQ(Sender::create(context_of(narrow), SenderId{sid}, 0).has_value(), inside);
    auto sender = sender_of(settings_of(7), sid);
    EXPECT_EQ(refusal(receiver, sealed(sender, udp), udp),
              inside ? std::nullopt : std::optional(Unmarked::sid_refused));
  }
}

TEST(protected_option, no_more_senders_are_remembered_than_the_bound_says) {
  auto receiver = receiver_of({settings_of(7)});
  const Udp udp = udp_with(1);
  for (std::size_t sid = 0; sid < xrm::senders_max; ++sid) {
    auto sender = sender_of(settings_of(7), static_cast<std::uint16_t>(3 * sid));
    ASSERT_FALSE(refusal(receiver, sealed(sender, udp), udp)) << sid;
  }
  auto one_more = sender_of(settings_of(7), 1);
  EXPECT_EQ(refusal(receiver, sealed(one_more, udp), udp), Unmarked::senders_exhausted);
  auto known = sender_of(settings_of(7), 3, 1);
  EXPECT_FALSE(refusal(receiver, sealed(known, udp), udp));
}

TEST(protected_option, no_more_contexts_are_kept_than_the_bound_says) {
  Receiver receiver({});
  for (std::size_t id = 0; id < xrm::contexts_max; ++id)
    ASSERT_TRUE(receiver.add(context_of(settings_of(static_cast<std::uint8_t>(id)))));
  const auto refused = receiver.add(context_of(settings_of(200)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::too_many);
  EXPECT_EQ(receiver.contexts(), xrm::contexts_max);
}

TEST(protected_option, the_counter_never_wraps) {
  auto sender = sender_of(settings_of(7), 1, xrm::counters_per_key - 2);
  auto receiver = receiver_of({settings_of(7)});
  const Udp udp = udp_with(1);
  EXPECT_FALSE(refusal(receiver, sealed(sender, udp), udp));
  const auto last = sealed(sender, udp);
  EXPECT_EQ(receiver.read(last, udp)->origin->counter, xrm::counters_per_key - 1);
  std::array<std::byte, xrm::protected_sent_max> place{};
  for (unsigned i = 0; i < 3; ++i)
    EXPECT_EQ(sender.seal(mark, udp, place).error(), xrm::SealRefusal::counters_used_up);
  EXPECT_EQ(sender.next_counter(), xrm::counters_per_key);
}

TEST(protected_option, a_place_that_is_too_small_costs_no_counter) {
  auto sender = sender_of(settings_of(7));
  std::array<std::byte, 39> place{};
  EXPECT_EQ(sender.seal(mark, udp_with(1), place).error(), xrm::SealRefusal::no_room);
  EXPECT_EQ(sender.next_counter(), 0U);
}

TEST(protected_option, a_clear_option_is_believed_only_where_it_may_be) {
  std::vector<std::byte> body(xrm::body_bytes_max);
  ByteWriter out(body);
  xrm::write_body(out, mark);
  body.resize(out.position());
  auto strict = receiver_of({settings_of(7)});
  EXPECT_EQ(refusal(strict, body, udp_with(1)), Unmarked::clear_not_accepted);
  Receiver open({.accept = Accept::clear_and_protected});
  const auto read = open.read(body, udp_with(1));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->mark, mark);
  EXPECT_FALSE(read->origin);
}

TEST(protected_option, which_fields_a_mark_has_does_not_show_in_its_size) {
  auto sender = sender_of(settings_of(7));
  const Udp udp = udp_with(1);
  PduSetMark full = mark;
  full.burst_size = 100000;
  full.time_to_next_burst = 167;
  EXPECT_EQ(sealed(sender, udp, full).size(), sealed(sender, udp, PduSetMark{}).size());
}

struct Made {
  Udp udp;
  std::vector<std::byte> body;
};

RC_GTEST_PROP(protected_option, a_batch_is_answered_as_its_packets_one_by_one, ()) {
  // Two keys, clear options, damage and repetition in any order and number.
  const std::array contexts{settings_of(7), settings_of(8)};
  std::vector<Sender> senders;
  senders.reserve(contexts.size());
  for (const auto& settings : contexts) senders.push_back(sender_of(settings));
  std::vector<Made> packets;
  const auto count = *rc::gen::inRange<std::size_t>(0, 80);
  packets.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    Made made{udp_with(*rc::gen::arbitrary<std::uint16_t>()), {}};
    made.body = sealed(senders[*rc::gen::inRange(0U, 2U)], made.udp);
    switch (*rc::gen::inRange(0, 8)) {
      case 0: made.body[*rc::gen::inRange<std::size_t>(0, made.body.size())] ^= std::byte{4}; break;
      case 1: made.body.resize(*rc::gen::inRange<std::size_t>(0, made.body.size())); break;
      case 2:
        if (!packets.empty()) made = packets[*rc::gen::inRange<std::size_t>(0, packets.size())];
        break;
      default: break;
    }
    packets.push_back(std::move(made));
  }
  Receiver together({.accept = Accept::clear_and_protected});
  Receiver single({.accept = Accept::clear_and_protected});
  for (const auto& settings : contexts) {
    RC_ASSERT(together.add(context_of(settings)).has_value());
    RC_ASSERT(single.add(context_of(settings)).has_value());
  }
  std::vector<xrm::ReadRequest> requests;
  requests.reserve(packets.size());
  for (const Made& packet : packets) requests.push_back({packet.body, packet.udp});
  together.read(requests);
  for (std::size_t i = 0; i < packets.size(); ++i)
    RC_ASSERT((requests[i].marking == single.read(packets[i].body, packets[i].udp)));
}

RC_GTEST_PROP(protected_option, marks_sealed_in_a_batch_are_those_sealed_one_by_one, ()) {
  auto together = sender_of(settings_of(7));
  auto single = sender_of(settings_of(7));
  const auto count = *rc::gen::inRange<std::size_t>(0, 100);
  const Udp udp = udp_with(7);
  std::vector<std::array<std::byte, xrm::protected_sent_max>> places(count);
  std::vector<xrm::SealRequest> requests;
  requests.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    PduSetMark one = mark;
    if (*rc::gen::arbitrary<bool>()) one.psn16 = static_cast<std::uint16_t>(i);
    const std::size_t room = *rc::gen::inRange(0, 8) == 0 ? 20 : places[i].size();
    requests.push_back({one, udp, MutableBytes(places[i]).first(room)});
  }
  together.seal(requests);
  for (const xrm::SealRequest& request : requests) {
    std::vector<std::byte> place(request.out.size());
    const auto bytes = single.seal(request.mark, udp, place);
    RC_ASSERT((request.written == bytes));
    if (!bytes) continue;
    RC_ASSERT(std::ranges::equal(request.out.first(*bytes), Bytes(place).first(*bytes)));
  }
  RC_ASSERT(together.next_counter() == single.next_counter());
}

}  // namespace
}  // namespace lobo::adapters::aead
