#pragma once
// What a session carries from answer to answer in its RELOAD-URI, so that the endpoint keeps
// nothing: who it is (a hash, no name), its group, where it was sent, and the locations that failed
// it. Signed, and read with patience: a token that has expired is answered with a fresh one, one
// that is not ours begins a new session; neither is an error, because a player that gets one may
// never ask again.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lobo::energy::steering {

using Tag = std::array<unsigned char, 32>;

/// HMAC-SHA256 (RFC 2104) with keys that are known by name.
struct TokenMac {
  TokenMac() = default;
  TokenMac(const TokenMac&) = delete;
  TokenMac& operator=(const TokenMac&) = delete;
  virtual ~TokenMac() = default;
  /// With which new tokens are signed: 1 to 16 letters and digits.
  virtual std::string_view signing_key() const = 0;
  /// Nothing where there is no such key.
  virtual std::optional<Tag> tag(std::string_view key, std::string_view text) const = 0;
};

/// A location that failed this session: it stands last until then.
struct Demotion {
  std::uint32_t location = 0;  ///< lower half of the hash of its id
  std::int64_t until_s = 0;    ///< since 1970
  bool operator==(const Demotion&) const = default;
};

inline constexpr std::size_t token_bytes_max = 512;
inline constexpr std::size_t demotions_max = 4;
inline constexpr std::int64_t token_seconds_max = 0xFFFFFFFFFF;

struct Token {
  std::string group;  ///< is_group_id
  std::uint64_t session = 0;
  std::int64_t expires_s = 0;  ///< since 1970
  /// Where the answer with this token sent it: lower half of the hash of its id; 0: nowhere.
  std::uint32_t sent_to = 0;
  std::vector<Demotion> demoted;
  bool operator==(const Token&) const = default;
};

/// Letters, digits, '-', '_' and '.': it stands in a URI as it is.
std::string write_token(const Token& token, const TokenMac& mac);
/// Nothing where it is malformed or was not signed by one of our keys. Says nothing of its expiry.
std::optional<Token> read_token(std::string_view text, const TokenMac& mac);

}  // namespace lobo::energy::steering
