#include "wire/sdd/control.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
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

/// What each of the golden messages means, by its name; the browser's module reads the same ones.
std::map<std::string, ControlMessage> meanings() {
  return {
      {"hello", Hello{1, Role::client, "abc", 1024}},
      {"establish", Establish{7, test::from_hex("cafe"), {}, {}}},
      {"establish_rsp", EstablishRsp{7, Cause::ok, "", {{100, 5, Cause::ok, 1}}}},
      {"update",
       Update{.flow = 5, .nearest = 50, .wishes = {{{9, 7}}}, .position = Position{-1, 1, 1000}}},
      {"release", Release{{5}, Cause::released}},
      {"flow_stats", FlowStats{.flow = 5, .received = 1, .delay = {2, 1, 3, 4}}},
      {"clock_ping", ClockPing{1, 1000}},
      {"clock_of_today", ClockPing{1, 0x00063F5E9B3A4C80}},
      {"clock_pong", ClockPong{1, 1000, 2, 3}},
      {"event", Event{.kind = EventKind::asset_gone, .alias = 5, .asset = "urn:a", .ue = "u1"}},
      {"tier", Tier{5, 2, TierReason::loss, 0, 7}},
      {"state_request", StateRequest{5, 9, 1}},
      {"left_out", LeftOut{5, {{9, 3}, {10, 100}}}},
      // What is not told keeps its value, and what is new is passed over.
      {"nothing_told", StateRequest{}},
      {"unknown_passed_over", StateRequest{}}};
}

TEST(sdd_control, golden_messages_are_read_as_written_by_hand_and_refused_where_they_are_bad) {
  auto meant = meanings();
  for (const auto& golden : test::goldens("sdd_control")) {
    const auto read = read_control(golden.bytes);
    if (golden.expected == "refused\n") {
      EXPECT_FALSE(read) << golden.name;
      continue;
    }
    ASSERT_TRUE(meant.contains(golden.name)) << golden.name;
    ASSERT_TRUE(read) << golden.name;
    EXPECT_EQ(*read, meant[golden.name]) << golden.name;
    meant.erase(golden.name);
  }
  EXPECT_TRUE(meant.empty());
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
