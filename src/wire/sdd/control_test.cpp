#include "wire/sdd/control.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "support/golden.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::sdd {
namespace {

template <class Number>
Number any() {
  return *rc::gen::arbitrary<Number>();
}
std::string any_text() { return *rc::gen::container<std::string>(rc::gen::inRange('a', 'z')); }
std::vector<std::byte> any_bytes() {
  std::vector<std::byte> bytes;
  for (const auto octet : any<std::vector<std::uint8_t>>()) bytes.push_back(std::byte{octet});
  return bytes;
}
template <class Value>
std::optional<Value> maybe(const Value& value) {
  return any<bool>() ? std::optional(value) : std::nullopt;
}
Cause any_cause() { return static_cast<Cause>(*rc::gen::inRange<std::uint64_t>(0, cause_max + 1)); }

ControlMessage any_message() {
  switch (*rc::gen::inRange(0, 11)) {
    case 0: return Hello{any<std::uint32_t>(), Role::relay, any_text(), any<std::uint32_t>()};
    case 1:
      return Establish{any<std::uint32_t>(), any_bytes(), any<std::vector<std::uint32_t>>(),
                       any<std::vector<std::uint32_t>>()};
    case 2:
      return EstablishRsp{any<std::uint32_t>(),
                          any_cause(),
                          any_text(),
                          {{any<std::uint32_t>(), any<std::uint16_t>(), any_cause(), 3}}};
    case 3:
      return Update{any<std::uint32_t>(),
                    maybe(any<std::uint32_t>()),
                    maybe(any<std::uint32_t>()),
                    maybe(std::vector<Wish>{{any<std::uint16_t>(), 7}, {2, 0}}),
                    maybe(any<std::uint64_t>()),
                    maybe(Position{any<std::int32_t>(), any<std::int32_t>(), any<std::int32_t>()}),
                    maybe(any<std::uint32_t>())};
    case 4: return Release{any<std::vector<std::uint32_t>>(), any_cause()};
    case 5:
      return FlowStats{.flow = any<std::uint32_t>(),
                       .received = any<std::uint64_t>(),
                       .jitter_us = any<std::uint32_t>(),
                       .delay = any<std::vector<std::uint32_t>>()};
    case 6: return ClockPing{any<std::uint32_t>(), any<std::uint64_t>()};
    case 7: return ClockPong{any<std::uint32_t>(), any<std::uint64_t>(), any<std::uint64_t>(), 1};
    case 8:
      return Event{.kind = EventKind::relocate,
                   .asset = any_text(),
                   .cause = any_cause(),
                   .address = any_text(),
                   .token = any_bytes()};
    case 9: return Tier{any<std::uint32_t>(), 4, TierReason::loss, any<std::uint32_t>(), 1};
    default: return StateRequest{any<std::uint32_t>(), any<std::uint16_t>(), any<std::uint32_t>()};
  }
}

RC_GTEST_PROP(sdd_control, messages_are_read_from_a_stream_in_any_pieces, ()) {
  std::vector<ControlMessage> said;
  std::vector<std::byte> stream;
  const int count = *rc::gen::inRange(1, 5);
  for (int i = 0; i < count; ++i) {
    said.push_back(any_message());
    const auto bytes = write_control(said.back());
    stream.insert(stream.end(), bytes.begin(), bytes.end());
  }
  ControlReader reader;
  std::vector<ControlMessage> heard;
  for (std::size_t at = 0; at < stream.size();) {
    const auto piece = *rc::gen::inRange<std::size_t>(1, stream.size() - at + 1);
    Bytes in = Bytes(stream).subspan(at, piece);
    at += piece;
    while (true) {
      auto message = reader.next(in);
      RC_ASSERT(message.has_value());
      if (!*message) break;
      heard.push_back(**message);
    }
    RC_ASSERT(in.empty());
  }
  RC_ASSERT(heard == said);
}

RC_GTEST_PROP(sdd_control, each_strict_prefix_of_a_message_is_refused, ()) {
  const auto bytes = write_control(any_message());
  const std::size_t head = (std::to_integer<unsigned>(bytes[0]) >> 6U) == 0 ? 1 : 2;
  const Bytes body = Bytes(bytes).subspan(head);
  RC_ASSERT(read_control(body).has_value());
  for (std::size_t size = 0; size < body.size(); ++size)
    RC_ASSERT(!read_control(body.first(size)).has_value());
}

ControlMessage read(const char* hex) {
  const auto message = read_control(test::from_hex(hex));
  EXPECT_TRUE(message) << hex;
  return message ? *message : ControlMessage{};
}

TEST(sdd_control, messages_written_by_hand_are_read) {
  EXPECT_EQ(read("a4 00 01 01 01 03 63 616263 04 190400"),
            ControlMessage(Hello{1, Role::client, "abc", 1024}));
  EXPECT_EQ(read("a3 00 02 01 07 02 42 cafe"),
            ControlMessage(Establish{7, test::from_hex("cafe"), {}, {}}));
  EXPECT_EQ(read("a3 00 03 01 07 04 81 84 1864 05 00 01"),
            ControlMessage(EstablishRsp{7, Cause::ok, "", {{100, 5, Cause::ok, 1}}}));
  EXPECT_EQ(
      read("a5 00 04 01 05 03 1832 04 81 82 09 07 06 83 01 02 1907d0"),
      ControlMessage(Update{
          .flow = 5, .nearest = 50, .wishes = {{{9, 7}}}, .position = Position{-1, 1, 1000}}));
  EXPECT_EQ(read("a3 00 05 01 81 05 02 09"), ControlMessage(Release{{5}, Cause::released}));
  EXPECT_EQ(read("a4 00 06 01 05 03 01 0a 84 02 01 03 04"),
            ControlMessage(FlowStats{.flow = 5, .received = 1, .delay = {2, 1, 3, 4}}));
  EXPECT_EQ(read("a3 00 07 01 01 02 1903e8"), ControlMessage(ClockPing{1, 1000}));
  EXPECT_EQ(read("a5 00 08 01 01 02 1903e8 03 02 04 03"), ControlMessage(ClockPong{1, 1000, 2, 3}));
  EXPECT_EQ(read("a5 00 09 01 02 03 05 04 65 75726e3a61 05 62 7531"),
            ControlMessage(
                Event{.kind = EventKind::asset_gone, .alias = 5, .asset = "urn:a", .ue = "u1"}));
  EXPECT_EQ(read("a5 00 0a 01 05 02 02 03 01 05 07"),
            ControlMessage(Tier{5, 2, TierReason::loss, 0, 7}));
  EXPECT_EQ(read("a4 00 0b 01 05 02 09 03 01"), ControlMessage(StateRequest{5, 9, 1}));
}

TEST(sdd_control, what_is_not_told_keeps_its_value_and_what_is_new_is_passed_over) {
  EXPECT_EQ(read("a1 00 0b"), ControlMessage(StateRequest{}));
  EXPECT_EQ(read("a2 00 0b 181e 82 f6 a1 01 f9 3c00"), ControlMessage(StateRequest{}));
}

TEST(sdd_control, malformed_messages_are_refused) {
  for (const char* hex : {
           "",
           "a0",
           "a1 01 01",              // the kind does not come first
           "a1 00 00",              // no such kind
           "a1 00 0c",              // nor this one
           "a2 00 07 01 20",        // a negative number
           "a3 00 07 02 01 01 01",  // keys that do not rise
           "a3 00 07 01 01 01 01",
           "a2 00 01 02 02",           // no such role
           "a2 00 09 01 00",           // no such event
           "a2 00 01 03 61 ff",        // no UTF-8
           "a2 00 04 04 81 82 09 08",  // no such priority
           "a2 00 05 01 9b 00000001 00000000",
           "a1 00 07 00",  // something behind
           "bf 00 07 ff",
       })
    EXPECT_FALSE(read_control(test::from_hex(hex))) << hex;
}

TEST(sdd_control, a_stream_that_claims_too_long_a_message_is_not_read_any_further) {
  ControlReader reader;
  const auto huge = test::from_hex("80004001 00");
  Bytes in = huge;
  EXPECT_FALSE(reader.next(in));
  const auto good = write_control(ClockPing{1, 1});
  in = good;
  EXPECT_FALSE(reader.next(in));
}

}  // namespace
}  // namespace lobo::sdd
