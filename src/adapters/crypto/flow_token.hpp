#pragma once
// Ed25519 keys (RFC 8032) of flow tokens, by OpenSSL: SEALDD's server signs, relay nodes verify.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/certificate.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::adapters::crypto {

inline constexpr std::size_t flow_keys_max = 16;  ///< that a node trusts at once
inline constexpr std::size_t flow_key_bytes = 32;
inline constexpr std::size_t flow_key_file_bytes_max = 8192;

using FlowKeyPtr = std::unique_ptr<evp_pkey_st, FreeOpenssl>;

struct FlowPublicKey {
  std::uint32_t id = 0;  ///< the first four octets of SHA-256 over `raw`
  std::array<std::byte, flow_key_bytes> raw{};
  bool operator==(const FlowPublicKey&) const = default;
};

/// A key by its 32 raw bytes, as SEALDD's server tells them to its nodes; refused where they are
/// another number.
Result<FlowPublicKey> flow_public_key(Bytes raw);
/// From a PEM file: the public key, or the private one that it belongs to.
Result<FlowPublicKey> read_flow_public_key(const std::string& file);

class FlowTokenSigner final : public sdd::TokenSigner {
 public:
  static Result<std::unique_ptr<FlowTokenSigner>> open(const std::string& file);
  /// The private key in PEM.
  static Result<std::unique_ptr<FlowTokenSigner>> from(std::string_view pem);

  const FlowPublicKey& public_key() const { return public_key_; }
  std::uint32_t key_id() const override { return public_key_.id; }
  Result<sdd::Signature> sign(Bytes claims) override;

 private:
  FlowTokenSigner(FlowKeyPtr key, const FlowPublicKey& public_key)
      : key_(std::move(key)), public_key_(public_key) {}

  FlowKeyPtr key_;
  FlowPublicKey public_key_;
};

class FlowTokenVerifier final : public sdd::TokenVerifier {
 public:
  /// These keys and no others, from now on; refused, and nothing changes, where they are too many.
  Result<void> trust(const std::vector<FlowPublicKey>& keys);
  bool verify(std::uint32_t key_id, Bytes claims, const sdd::Signature& signature) const override;
  std::size_t keys() const { return keys_.size(); }

 private:
  std::map<std::uint32_t, FlowKeyPtr> keys_;
};

struct FlowKeyPem {
  std::string private_key;
  std::string public_key;
};
Result<FlowKeyPem> make_flow_key();

}  // namespace lobo::adapters::crypto
