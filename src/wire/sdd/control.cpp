#include "wire/sdd/control.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/sdd/cbor.hpp"
#include "wire/sdd/control_members.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"
#include "wire/sdd/varint.hpp"

namespace lobo::sdd {
namespace {

constexpr std::uint64_t number_max = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t pairs_max = 32;

template <class Number>
  requires std::is_enum_v<Number>
constexpr std::pair<std::uint64_t, std::uint64_t> range_of() {
  if constexpr (std::same_as<Number, Role>) return {0, role_max};
  if constexpr (std::same_as<Number, Cause>) return {0, cause_max};
  if constexpr (std::same_as<Number, EventKind>) return {event_kind_min, event_kind_max};
  if constexpr (std::same_as<Number, TierReason>) return {0, tier_reason_max};
}

// ---- writing a member
// -----------------------------------------------------------------------------

template <std::unsigned_integral Number>
void write(CborWriter& out, Number value) {
  out.number(value);
}
template <class Number>
  requires std::is_enum_v<Number>
void write(CborWriter& out, Number value) {
  out.number(static_cast<std::uint64_t>(value));
}
void write(CborWriter& out, const std::string& value) { out.text(value); }
void write(CborWriter& out, const std::vector<std::byte>& value) { out.bytes(value); }

/// Signed as the zigzag of a number: 0, -1, 1, -2 …
std::uint32_t zigzag(std::int32_t value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return bits << 1U ^ (value < 0 ? 0xFFFFFFFFU : 0U);
}
std::int32_t from_zigzag(std::uint32_t bits) {
  return std::bit_cast<std::int32_t>(bits >> 1U ^ ((bits & 1U) != 0 ? 0xFFFFFFFFU : 0U));
}

void write(CborWriter& out, const Position& value) {
  out.array(3);
  for (const std::int32_t part : {value.x, value.y, value.z}) out.number(zigzag(part));
}
void write(CborWriter& out, const Wish& value) {
  out.array(2);
  out.number(value.alias);
  out.number(value.priority);
}
void write(CborWriter& out, const LeftOutOf& value) {
  out.array(2);
  out.number(value.alias);
  out.number(value.states);
}
void write(CborWriter& out, const EstablishedFlow& value) {
  out.array(4);
  out.number(value.flow);
  out.number(value.alias);
  write(out, value.cause);
  out.number(value.tier);
}
template <class Item>
void write(CborWriter& out, const std::vector<Item>& value) {
  out.array(value.size());
  for (const Item& item : value) write(out, item);
}

// ---- reading a member
// -----------------------------------------------------------------------------

template <std::unsigned_integral Number>
void read(CborReader& in, Number& value) {
  value = static_cast<Number>(in.number(std::numeric_limits<Number>::max()));
}
template <class Number>
  requires std::is_enum_v<Number>
void read(CborReader& in, Number& value) {
  constexpr auto range = range_of<Number>();
  const std::uint64_t number = in.number(range.second);
  if (number < range.first) in.refuse();
  value = static_cast<Number>(number);
}
void read(CborReader& in, std::string& value) {
  value = in.text(control_text_bytes_max);
  if (!is_utf8(value)) in.refuse();
}
void read(CborReader& in, std::vector<std::byte>& value) {
  const Bytes bytes = in.bytes(token_bytes_max);
  value.assign(bytes.begin(), bytes.end());
}
void read(CborReader& in, Position& value) {
  if (in.array(3) != 3) in.refuse();
  for (std::int32_t* part : {&value.x, &value.y, &value.z}) {
    std::uint32_t bits = 0;
    read(in, bits);
    *part = from_zigzag(bits);
  }
}
void read(CborReader& in, Wish& value) {
  if (in.array(2) != 2) in.refuse();
  read(in, value.alias);
  value.priority = static_cast<std::uint8_t>(in.number(token_priority_max));
}
void read(CborReader& in, LeftOutOf& value) {
  if (in.array(2) != 2) in.refuse();
  read(in, value.alias);
  read(in, value.states);
}
void read(CborReader& in, EstablishedFlow& value) {
  if (in.array(4) != 4) in.refuse();
  read(in, value.flow);
  read(in, value.alias);
  read(in, value.cause);
  read(in, value.tier);
}
template <class Item>
constexpr std::size_t items_max =
    std::same_as<Item, std::uint32_t> ? 2 * histogram_pairs_max : control_list_max;

template <class Item>
void read(CborReader& in, std::vector<Item>& value) {
  const std::size_t count = in.array(items_max<Item>);
  value.clear();
  for (std::size_t i = 0; in.ok() && i < count; ++i) read(in, value.emplace_back());
}

// ---- messages
// -------------------------------------------------------------------------------------

template <class Member>
struct IsOptional : std::false_type {};
template <class Member>
struct IsOptional<std::optional<Member>> : std::true_type {};

template <class Message>
void write_members(CborWriter& out, const Message& message) {
  static const Message fallback{};
  const auto told = [&](auto keyed) { return message.*keyed.member != fallback.*keyed.member; };
  const auto each = [&](auto... keyed) {
    out.map(1 + (std::size_t{0} + ... + (told(keyed) ? 1U : 0U)));
    out.number(0), out.number(detail::kind_of<Message>);
    const auto one = [&](auto k) {
      if (!told(k)) return;
      out.number(k.key);
      const auto& member = message.*k.member;
      if constexpr (IsOptional<std::remove_cvref_t<decltype(member)>>::value)
        write(out, *member);
      else
        write(out, member);
    };
    (one(keyed), ...);
  };
  std::apply(each, detail::members_of<Message>);
}

template <class Message>
void read_member(CborReader& in, std::uint64_t key, Message& message) {
  bool found = false;
  const auto one = [&](auto keyed) {
    if (keyed.key != key) return;
    found = true;
    auto& member = message.*keyed.member;
    if constexpr (IsOptional<std::remove_cvref_t<decltype(member)>>::value)
      read(in, member.emplace());
    else
      read(in, member);
  };
  std::apply([&](auto... keyed) { (one(keyed), ...); }, detail::members_of<Message>);
  if (!found) in.skip();
}

template <std::size_t at = 0>
bool choose(std::uint64_t kind, ControlMessage& message) {
  if constexpr (at < std::variant_size_v<ControlMessage>) {
    using Message = std::variant_alternative_t<at, ControlMessage>;
    if (kind != detail::kind_of<Message>) return choose<at + 1>(kind, message);
    message.emplace<at>();
    return true;
  }
  return false;
}

}  // namespace

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::ok: return "ok";
    case Cause::token_malformed: return "token_malformed";
    case Cause::token_refused: return "token_refused";
    case Cause::token_other_node: return "token_other_node";
    case Cause::token_other_ue: return "token_other_ue";
    case Cause::flow_unknown: return "flow_unknown";
    case Cause::room_closed: return "room_closed";
    case Cause::epoch_old: return "epoch_old";
    case Cause::too_many: return "too_many";
    case Cause::released: return "released";
    case Cause::idle: return "idle";
    case Cause::too_slow: return "too_slow";
    case Cause::protocol: return "protocol";
    case Cause::relocated: return "relocated";
    case Cause::shut_down: return "shut_down";
  }
  std::abort();
}

std::string_view to_string(TierReason reason) {
  switch (reason) {
    case TierReason::ordered: return "ordered";
    case TierReason::loss: return "loss";
    case TierReason::delay: return "delay";
    case TierReason::bandwidth: return "bandwidth";
    case TierReason::restored: return "restored";
  }
  std::abort();
}

std::vector<std::byte> write_control(const ControlMessage& message) {
  CborWriter body;
  std::visit([&](const auto& m) { write_members(body, m); }, message);
  std::vector<std::byte> bytes(varint_bytes(body.written().size()));
  ByteWriter length(bytes);
  write_varint(length, body.written().size());
  bytes.insert(bytes.end(), body.written().begin(), body.written().end());
  return bytes;
}

Result<ControlMessage> read_control(Bytes bytes) {
  const auto refuse = [] { return fail(Errc::malformed, "a control message cannot be read"); };
  CborReader in(bytes);
  const std::size_t pairs = in.map(pairs_max);
  // The kind comes first, so that one pass is enough.
  if (pairs == 0 || in.number(number_max) != 0) return refuse();
  const std::uint64_t kind = in.number(number_max);
  ControlMessage message;
  if (!in.ok() || !choose(kind, message)) return refuse();
  std::uint64_t last = 0;
  for (std::size_t i = 1; in.ok() && i < pairs; ++i) {
    const std::uint64_t key = in.number(number_max);
    // Rising keys: none is told twice.
    if (key <= last) return refuse();
    last = key;
    std::visit([&](auto& m) { read_member(in, key, m); }, message);
  }
  if (!in.finished()) return refuse();
  return message;
}

Result<std::optional<ControlMessage>> ControlReader::next(Bytes& in) {
  const auto refuse = [&] {
    broken_ = true;
    return fail(Errc::malformed, "the control stream cannot be read any further");
  };
  if (broken_) return refuse();
  const auto take = [&](std::size_t count) {
    const Bytes taken = in.first(std::min(count, in.size()));
    held_.insert(held_.end(), taken.begin(), taken.end());
    in = in.subspan(taken.size());
  };
  const auto length = [&] {
    ByteReader head(held_);
    const std::uint64_t size = read_varint(head);
    return head.ok() ? std::optional(std::pair{size, head.position()}) : std::nullopt;
  };
  // The length is up to eight octets; they come one by one, so that nothing behind is taken.
  auto told = length();
  while (!told && !in.empty()) {
    take(1);
    told = length();
  }
  if (!told) return std::optional<ControlMessage>();
  const auto [size, head] = *told;
  if (size == 0 || size > control_message_bytes_max) return refuse();
  const std::size_t whole = head + static_cast<std::size_t>(size);
  take(whole - held_.size());
  if (held_.size() < whole) return std::optional<ControlMessage>();
  auto message = read_control(Bytes(held_).subspan(head));
  held_.clear();
  if (!message) return refuse();
  return std::optional(std::move(*message));
}

}  // namespace lobo::sdd
