#pragma once
// The token that lets a UE in at a relay node: who it is, which room and flows, until when. The
// node needs nothing else, no store and no question to anybody. Bytes: a CBOR map of integer keys,
// and behind it an Ed25519 signature (RFC 8032) over the map's bytes; docs/sdd.md has the keys.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::sdd {

inline constexpr std::size_t signature_bytes = 64;
inline constexpr std::size_t token_bytes_max = 3072;  ///< 4,096 characters in base64url
inline constexpr std::size_t token_flows_max = 256;
inline constexpr std::size_t token_steps_max = 9;  ///< of a ladder: the best one and 8 alternatives
inline constexpr std::size_t room_bytes_max = 128;
inline constexpr std::size_t ue_bytes_max = 256;
inline constexpr std::size_t asset_bytes_max = 512;
inline constexpr std::size_t node_bytes_max = 128;
inline constexpr std::chrono::seconds token_leeway{30};  ///< between signer's clock and node's
inline constexpr std::uint64_t token_priority_max = 7;
inline constexpr std::uint64_t token_ttl_ms_max = 60'000;
inline constexpr std::uint64_t token_rate_mhz_max = 1'000'000;
inline constexpr std::uint64_t token_bps_max = 1'000'000'000'000;

using Signature = std::array<std::byte, signature_bytes>;
using Seconds = std::chrono::sys_time<std::chrono::seconds>;

/// One step of the ladder that a flow may be put on.
struct TokenStep {
  std::uint32_t rate_mhz = 0;  ///< states of a component in 1,000 seconds; 0: as they come
  ComponentMask components = all_components;
  bool operator==(const TokenStep&) const = default;
};

struct TokenFlow {
  FlowId id = 0;
  Alias alias = 0;    ///< 0 with Direction::sub: all assets of the room
  std::string asset;  ///< empty with alias 0
  Direction direction = Direction::bidi;
  ComponentMask components = all_components;  ///< what the UE may publish and see
  FlowClass reliability = FlowClass::newest;
  std::chrono::milliseconds ttl{100};
  std::uint8_t priority = 0;      ///< 7 goes first
  std::uint64_t mbr_dl_bps = 0;   ///< 0: not limited
  std::uint8_t tier = 0;          ///< the step of the ladder that it begins on
  bool redundant = false;         ///< states go over two connections
  std::vector<TokenStep> ladder;  ///< empty: the node's
  bool operator==(const TokenFlow&) const = default;
};

struct FlowToken {
  std::uint32_t key_id = 0;
  std::string room;
  std::string ue;
  std::vector<TokenFlow> flows;
  Role role = Role::client;
  Seconds issued{};
  Seconds expires{};
  std::string node;
  std::uint64_t epoch = 0;
  bool operator==(const FlowToken&) const = default;
};

struct TokenSigner {
  TokenSigner() = default;
  TokenSigner(const TokenSigner&) = delete;
  TokenSigner& operator=(const TokenSigner&) = delete;
  virtual ~TokenSigner() = default;
  virtual std::uint32_t key_id() const = 0;
  virtual Result<Signature> sign(Bytes claims) = 0;
};

struct TokenVerifier {
  TokenVerifier() = default;
  TokenVerifier(const TokenVerifier&) = delete;
  TokenVerifier& operator=(const TokenVerifier&) = delete;
  virtual ~TokenVerifier() = default;
  /// False for a key that is not known as well.
  virtual bool verify(std::uint32_t key_id, Bytes claims, const Signature& signature) const = 0;
};

std::vector<std::byte> encode_claims(const FlowToken& token);
/// What is said, believed or not; each claim within its range, each flow once.
Result<FlowToken> decode_claims(Bytes claims);

/// Claims and signature, with the key id of the signer. Refused where it would be too long to be
/// read.
Result<std::vector<std::byte>> sign_token(FlowToken token, TokenSigner& signer);
/// What a signed token says, where the key is known, the signature is right and `now` is between
/// issue and expiry.
Result<FlowToken> open_token(Bytes token, const TokenVerifier& verifier, Instant now);

/// base64url without padding (RFC 4648 clause 5), as it stands in JSON.
std::string token_text(Bytes token);
Result<std::vector<std::byte>> token_of_text(std::string_view text);

}  // namespace lobo::sdd
