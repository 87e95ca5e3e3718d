#pragma once
// What is said on a key channel: one JSON object a line, in this order.
//
//   EAS  Welcome        the version, and who it is: the UPF says nothing to a stranger
//   UPF  Hello          what it takes, the KeyIDs that may be given, and the keys that it has
//   EAS  ContextOffer   terms of a key, and which older ones it replaces
//   UPF  ContextAccept  from now on the key opens
//
// Later offers come when a key is to be rolled over. Ping and Pong tell that both are there. Refuse
// says why and is the last word. Members that are not known are refused: `version` is how the
// channel grows.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::xrm {

inline constexpr std::int64_t key_channel_version = 1;
inline constexpr std::size_t key_message_max = 1024;  ///< octets of a line, its end excluded
inline constexpr std::size_t key_algorithms_max = 3;

struct Welcome {
  std::string eas;
  bool operator==(const Welcome&) const = default;
};
struct Hello {
  std::vector<Algorithm> algorithms;  ///< 1 to key_algorithms_max, each once
  KeyIdRange key_ids;
  std::chrono::milliseconds lifetime_max{};
  std::vector<KeyId> live;  ///< at most keys_live_max, each once
  bool operator==(const Hello&) const = default;
};
struct ContextOffer {
  KeyTerms terms;
  std::vector<KeyId> replaces;  ///< at most keys_live_max, each once: opened no longer
  bool operator==(const ContextOffer&) const = default;
};
struct ContextAccept {
  KeyId key_id{};
  bool operator==(const ContextAccept&) const = default;
};
struct Refuse {
  KeyFailure reason{};  ///< one for which is_refusal() holds, or `silent`
  bool operator==(const Refuse&) const = default;
};
struct Ping {
  bool operator==(const Ping&) const = default;
};
struct Pong {
  bool operator==(const Pong&) const = default;
};

using KeyMessage = std::variant<Welcome, Hello, ContextOffer, ContextAccept, Refuse, Ping, Pong>;

/// With the end of the line.
std::string write_key_message(const KeyMessage& message);
/// message_malformed, or version_unknown. `line` has no end of line.
tl::expected<KeyMessage, KeyFailure> read_key_message(std::string_view line);

/// Puts lines together from the pieces in which they come.
class KeyLines {
 public:
  /// Takes what it needs from the front of `bytes`: up to the end of a line, which it then holds.
  /// False where that line is longer than any message.
  bool take(std::string_view& bytes);
  /// There is a whole line; the next take() begins another.
  bool whole() const { return whole_; }
  std::string_view line() const { return line_; }

 private:
  std::string line_;
  bool whole_ = false;
};

}  // namespace lobo::xrm
