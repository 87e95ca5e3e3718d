#pragma once
// What the protected option needs of a cryptographic library. A key lives in an object of its own,
// so that what can be computed once per key is; a virtual call is paid per batch, not per packet.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::xrm {

/// The number is the one on a control channel; the key file uses the names.
enum class Algorithm : std::uint8_t { aes_128_gcm = 1, aes_256_gcm = 2, chacha20_poly1305 = 3 };

constexpr std::string_view to_string(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::aes_128_gcm: return "aes-128-gcm";
    case Algorithm::aes_256_gcm: return "aes-256-gcm";
    case Algorithm::chacha20_poly1305: return "chacha20-poly1305";
  }
  std::abort();
}
constexpr std::optional<Algorithm> algorithm_of(std::string_view name) {
  for (const auto one :
       {Algorithm::aes_128_gcm, Algorithm::aes_256_gcm, Algorithm::chacha20_poly1305})
    if (to_string(one) == name) return one;
  return std::nullopt;
}
constexpr std::size_t key_bytes(Algorithm algorithm) {
  return algorithm == Algorithm::aes_128_gcm ? 16 : 32;
}

inline constexpr std::size_t nonce_bytes = 12;
inline constexpr std::size_t tag_bytes_full = 16;
inline constexpr std::size_t tag_bytes_short = 8;

using Nonce = std::array<std::byte, nonce_bytes>;

/// One text to encrypt; all is borrowed. `sealed` has the size of `plain` and may be the same
/// octets. The first octets of the tag go into `tag`, 1 to 16 of them.
struct SealJob {
  const Nonce* nonce = nullptr;
  Bytes aad;
  Bytes plain;
  MutableBytes sealed;
  MutableBytes tag;
};

/// One text to decrypt; all is borrowed. `plain` has the size of `sealed` and may be the same
/// octets. Where the tag is wrong `authentic` is false and `plain` is zeros.
struct OpenJob {
  const Nonce* nonce = nullptr;
  Bytes aad;
  Bytes sealed;
  Bytes tag;
  MutableBytes plain;
  bool authentic = false;
};

/// One key in one algorithm. Not to be used by two threads at once. An implementation compares tags
/// in a time that does not depend on them.
class Aead {
 public:
  Aead() = default;
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;
  virtual ~Aead() = default;

  /// False, and every `sealed` zeros, where the library failed.
  [[nodiscard]] virtual bool seal(std::span<SealJob> jobs) noexcept = 0;
  virtual void open(std::span<OpenJob> jobs) noexcept = 0;
};

inline constexpr std::size_t mac_bytes = 16;
using MacValue = std::array<std::byte, mac_bytes>;

/// AES-128-CMAC (RFC 4493) under one key. Not to be used by two threads at once.
class Mac {
 public:
  Mac() = default;
  Mac(const Mac&) = delete;
  Mac& operator=(const Mac&) = delete;
  virtual ~Mac() = default;

  /// Of the pieces one after the other; nothing where the library failed.
  virtual std::optional<MacValue> mac(std::span<const Bytes> pieces) noexcept = 0;
};
inline constexpr std::size_t mac_key_bytes = 16;

/// A cryptographic library.
class Crypto {
 public:
  Crypto() = default;
  Crypto(const Crypto&) = delete;
  Crypto& operator=(const Crypto&) = delete;
  virtual ~Crypto() = default;

  /// Refuses a key of the wrong size.
  virtual Result<std::unique_ptr<Aead>> aead(Algorithm algorithm, Bytes key) const = 0;
  virtual Result<std::unique_ptr<Mac>> aes_128_cmac(Bytes key) const = 0;
  /// For people: which library, and which of its code paths.
  virtual std::string name() const = 0;
};

/// Overwrites with zeros in a way that no compiler leaves out.
inline void wipe(MutableBytes bytes) noexcept {
  // Clang and GCC keep the stores because the asm statement may read them.
  for (std::byte& b : bytes) b = std::byte{};
  __asm__ __volatile__("" : : "r"(bytes.data()) : "memory");
}

/// In a time that depends on the sizes only.
inline bool equal_in_constant_time(Bytes a, Bytes b) noexcept {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= std::to_integer<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace lobo::xrm
