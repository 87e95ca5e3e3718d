#pragma once
// One question to the kernel's routing socket and its answer (rtnetlink(7)). The kernel answers
// before send() returns, so nothing waits here.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::packet_io {

inline constexpr std::size_t netlink_answer_bytes_max = 8192;
inline constexpr std::size_t netlink_question_bytes_max = 256;

/// A value of the kernel's, in the order of the machine.
template <class Value>
std::optional<Value> read_value(Bytes in, std::size_t at = 0) {
  static_assert(std::is_trivially_copyable_v<Value>);
  if (in.size() < sizeof(Value) || at > in.size() - sizeof(Value)) return std::nullopt;
  Value value;
  std::memcpy(&value, in.data() + at, sizeof value);
  return value;
}

class NetlinkQuestion {
 public:
  /// `head` is what this type of message begins with: an ndmsg, an rtmsg.
  template <class Head>
  NetlinkQuestion(std::uint16_t type, const Head& head) : type_(type) {
    static_assert(sizeof(Head) % 4 == 0);
    put(&head, sizeof head);
  }
  template <class Value>
  void add(std::uint16_t attribute, const Value& value) {
    add_bytes(attribute, std::as_bytes(std::span(&value, 1)));
  }
  void add_bytes(std::uint16_t attribute, Bytes value);

  std::uint16_t type() const { return type_; }
  Bytes body() const { return Bytes(body_).first(size_); }

 private:
  void put(const void* from, std::size_t count);

  std::uint16_t type_;
  std::array<std::byte, netlink_question_bytes_max> body_{};
  std::size_t size_ = 0;
};

/// Valid until the next question to the same socket.
struct NetlinkAnswer {
  std::uint16_t type = 0;
  Bytes body;  ///< without the message's own header
  /// The attribute of that type behind a head of `head_bytes`.
  std::optional<Bytes> attribute(std::uint16_t type, std::size_t head_bytes) const;
};

class Netlink {
 public:
  static Result<Netlink> open();
  /// The answer, or what errno says of it.
  tl::expected<NetlinkAnswer, int> ask(const NetlinkQuestion& question);

 private:
  explicit Netlink(UniqueFile socket) : socket_(std::move(socket)) {}

  UniqueFile socket_;
  std::uint32_t sequence_ = 0;
  std::array<std::byte, netlink_answer_bytes_max> answer_{};
};

}  // namespace lobo::adapters::packet_io
