#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "support/golden.hpp"
#include "support/pfcp_any.hpp"
#include "support/pfcp_text.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"

namespace lobo::pfcp {
namespace {

template <class Message>
std::string described_content(const MessageView& view) {
  Remarks remarks;
  const auto message = read_message<Message>(view, remarks);
  std::string text;
  if (!message) {
    text = fmt::format("refused = {}", to_string(message.error().cause));
    if (message.error().offending)
      text += fmt::format(" {}", to_string(*message.error().offending));
    if (message.error().within)
      text += fmt::format(" within {}", to_string(*message.error().within));
    text += '\n';
  } else {
    text = test::pfcp_lines(test::pfcp_tree(*message));
  }
  if (remarks.unknown != 0) text += fmt::format("unknown = {}\n", remarks.unknown);
  if (remarks.first_unserved)
    text += fmt::format("unserved = {} {}\n", remarks.unserved, to_string(*remarks.first_unserved));
  if (remarks.repeated != 0) text += fmt::format("repeated = {}\n", remarks.repeated);
  if (remarks.malformed != 0) text += fmt::format("malformed = {}\n", remarks.malformed);
  return text;
}

std::string described(Bytes datagram) {
  const MessageView view = parse_message(datagram);
  if (!view.ok()) return fmt::format("pfcp = {}\n", to_string(view.fault));
  std::string text = fmt::format("type = {}\nsequence = {}\n", to_string(view.type),
                                 view.envelope.sequence_number);
  if (has_seid(view.type)) text += fmt::format("seid = {}\n", view.envelope.seid);
  if (view.envelope.priority) text += fmt::format("priority = {}\n", *view.envelope.priority);
  if (!view.behind.empty()) text += fmt::format("behind = {}\n", view.behind.size());
  test::each_pfcp_message([&]<class Message>() {
    if (view.type == Message::type) text += described_content<Message>(view);
  });
  return text;
}

TEST(pfcp, every_golden_message_is_read_as_its_text_says) {
  for (const auto& golden : test::goldens("pfcp")) {
    SCOPED_TRACE(golden.name);
    EXPECT_EQ(described(golden.bytes), golden.expected);
  }
}

TEST(pfcp, every_strict_prefix_of_a_message_is_refused) {
  for (const auto& golden : test::goldens("pfcp")) {
    const MessageView whole = parse_message(golden.bytes);
    if (!whole.ok()) continue;
    SCOPED_TRACE(golden.name);
    const std::size_t size = golden.bytes.size() - whole.behind.size();
    for (std::size_t length = 0; length < size; ++length)
      EXPECT_FALSE(parse_message(Bytes(golden.bytes).first(length)).ok()) << length;
  }
}

std::uint64_t any_seed() { return *rc::gen::arbitrary<std::uint64_t>(); }

template <class Message>
std::vector<std::byte> written(const Envelope& envelope, const Message& message) {
  std::vector<std::byte> room(message_bytes_max);
  room.resize(write_message(room, envelope, message));
  RC_ASSERT(!room.empty());
  return room;
}

/// The message again from these information elements.
std::vector<std::byte> with_ies(const MessageView& view, const std::vector<std::byte>& ies) {
  std::vector<std::byte> room(message_bytes_max + ies.size());
  ByteWriter out(room);
  open_message(out, view.type, view.envelope);
  out.bytes(ies);
  room.resize(close_message(out));
  return room;
}

std::vector<std::pair<IeType, std::vector<std::byte>>> parts(Bytes ies) {
  std::vector<std::pair<IeType, std::vector<std::byte>>> found;
  Ies walk(ies);
  while (const auto ie = walk.next()) {
    std::vector<std::byte> bytes(ie_header_bytes + ie->value.size());
    ByteWriter out(bytes);
    out.be16(static_cast<std::uint16_t>(ie->type));
    out.be16(static_cast<std::uint16_t>(ie->value.size()));
    out.bytes(ie->value);
    found.emplace_back(ie->type, bytes);
  }
  return found;
}

std::vector<std::byte> joined(const std::vector<std::pair<IeType, std::vector<std::byte>>>& from) {
  std::vector<std::byte> all;
  for (const auto& part : from) all.insert(all.end(), part.second.begin(), part.second.end());
  return all;
}

RC_GTEST_PROP(pfcp, a_message_is_read_back_as_it_was_written, ()) {
  test::AnyPfcp any(any_seed());
  test::each_pfcp_message([&]<class Message>() {
    const auto message = any.message<Message>();
    const auto envelope = any.envelope(Message::type);
    const auto bytes = written(envelope, message);
    const MessageView view = parse_message(bytes);
    RC_ASSERT(view.ok() && view.type == Message::type);
    RC_ASSERT(view.envelope == envelope);
    RC_ASSERT(view.behind.empty() && !view.follow_on);
    Remarks remarks;
    const auto back = read_message<Message>(view, remarks);
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == message);
    RC_ASSERT(remarks == Remarks{});
  });
}

RC_GTEST_PROP(pfcp, information_elements_may_come_in_any_order, ()) {
  test::AnyPfcp any(any_seed());
  test::each_pfcp_message([&]<class Message>() {
    const auto message = any.message<Message>();
    const auto bytes = written({}, message);
    const MessageView view = parse_message(bytes);
    auto ies = parts(view.ies);
    std::map<IeType, std::uint64_t> place;
    for (const auto& part : ies) place.emplace(part.first, any.below(1000));
    std::ranges::stable_sort(ies, {}, [&](const auto& part) { return place[part.first]; });
    const auto shuffled = with_ies(view, joined(ies));
    Remarks remarks;
    const auto back = read_message<Message>(parse_message(shuffled), remarks);
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == message);
  });
}

RC_GTEST_PROP(pfcp, unknown_ones_anywhere_are_passed_over_and_counted, ()) {
  test::AnyPfcp any(any_seed());
  test::each_pfcp_message([&]<class Message>() {
    const auto message = any.message<Message>();
    const auto bytes = written({}, message);
    const MessageView view = parse_message(bytes);
    auto ies = parts(view.ies);
    const auto count = 1 + any.below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::ptrdiff_t>(any.below(ies.size() + 1));
      const bool vendors = any.below(2) == 0;
      ies.insert(ies.begin() + at,
                 {IeType{}, test::from_hex(vendors ? "8001 0004 1f00 aabb" : "0fff 0003 010203")});
    }
    const auto more = with_ies(view, joined(ies));
    Remarks remarks;
    const auto back = read_message<Message>(parse_message(more), remarks);
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == message);
    RC_ASSERT(remarks.unknown == count);
  });
}

RC_GTEST_PROP(pfcp, a_message_without_a_mandatory_one_is_refused_by_its_name, ()) {
  test::AnyPfcp any(any_seed());
  test::each_pfcp_message([&]<class Message>() {
    for (const IeType type : test::pfcp_mandatory<Message>()) {
      const auto bytes = written({}, any.message<Message>());
      const MessageView view = parse_message(bytes);
      auto ies = parts(view.ies);
      std::erase_if(ies, [&](const auto& part) { return part.first == type; });
      const auto less = with_ies(view, joined(ies));
      Remarks remarks;
      const auto back = read_message<Message>(parse_message(less), remarks);
      RC_ASSERT(!back.has_value());
      RC_ASSERT(back.error() == (Refusal{Cause::mandatory_ie_missing, type, std::nullopt}));
    }
  });
}

RC_GTEST_PROP(pfcp, damaged_messages_are_read_or_refused_and_nothing_else, ()) {
  test::AnyPfcp any(any_seed());
  test::each_pfcp_message([&]<class Message>() {
    auto bytes = written(any.envelope(Message::type), any.message<Message>());
    const auto flips = 1 + any.below(8);
    for (std::uint64_t i = 0; i < flips; ++i)
      bytes[4 + any.below(bytes.size() - 4)] = static_cast<std::byte>(any.below(256));
    RC_ASSERT(!described(bytes).empty());
  });
}

RC_GTEST_PROP(pfcp, what_does_not_fit_is_not_written, ()) {
  test::AnyPfcp any(any_seed());
  test::each_pfcp_message([&]<class Message>() {
    const auto message = any.message<Message>();
    const auto size = written({}, message).size();
    std::vector<std::byte> room(size);
    RC_ASSERT(write_message(room, {}, message) == size);
    RC_ASSERT(write_message(MutableBytes(room).first(any.below(size)), {}, message) == 0);
  });
}

}  // namespace
}  // namespace lobo::pfcp
