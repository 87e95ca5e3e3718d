#pragma once
// What two ends agreed on under one KeyID: algorithm, key, IV and the rules around them. How they
// came to agree (a key file, a control channel) is not known here.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/xrm/aead.hpp"

namespace lobo::xrm {

enum class KeyId : std::uint8_t {};
/// Sender or stream: what partitions the counters of a key, so that senders need no lock.
enum class SenderId : std::uint16_t {};

enum class TagLength : std::uint8_t { full, short_ };
constexpr std::size_t tag_bytes(TagLength length) {
  return length == TagLength::full ? tag_bytes_full : tag_bytes_short;
}

/// What of the UDP header the tag covers. `length`: ports and checksum count as 0, for where a NAPT
/// stands between the two ends; an option can then be moved to another datagram of that length.
enum class Bind : std::uint8_t { full, length };

struct SenderRange {
  SenderId first{0};
  SenderId last{0xFFFF};
  constexpr bool contains(SenderId id) const { return first <= id && id <= last; }
  bool operator==(const SenderRange&) const = default;
};

/// Octets of a key, at most 32; wiped at the end.
class Key {
 public:
  static constexpr std::size_t bytes_max = 32;
  Key() = default;
  static std::optional<Key> from(Bytes bytes);
  Key(const Key&) = default;
  Key& operator=(const Key&) = default;
  ~Key() { wipe(bytes_); }

  Bytes bytes() const { return Bytes(bytes_).first(size_); }
  bool operator==(const Key&) const = default;

 private:
  std::array<std::byte, bytes_max> bytes_{};
  std::size_t size_ = 0;
};

struct ContextSettings {
  KeyId key_id{};
  Algorithm algorithm = Algorithm::aes_128_gcm;
  Key key;
  Nonce iv{};
  /// What a sender writes. A receiver takes 8-octet tags only where this says `short_`, and
  /// 16-octet ones in any case.
  TagLength tag = TagLength::full;
  Bind bind = Bind::full;
  SenderRange senders;
  bool operator==(const ContextSettings&) const = default;
};

using UdpHeader = std::span<const std::byte, 8>;
inline constexpr std::size_t protected_header_bytes = 8;
inline constexpr std::size_t aad_bytes = 16;
using ProtectedHeader = std::span<const std::byte, protected_header_bytes>;
using Aad = std::array<std::byte, aad_bytes>;

/// Settings with the key made ready for use. For one thread.
class Context {
 public:
  /// Refuses a key that the algorithm does not take.
  static Result<Context> create(const ContextSettings& settings, const Crypto& crypto);
  /// With an Aead that was made elsewhere.
  Context(const ContextSettings& settings, std::unique_ptr<Aead> aead);

  KeyId key_id() const { return key_id_; }
  TagLength tag() const { return tag_; }
  const SenderRange& senders() const { return senders_; }
  Aead& aead() const { return *aead_; }

  /// IV XOR (48 zero bits, SID, CTR). The low 48 bits differ in each packet, hence the nonce does.
  Nonce nonce(SenderId sender, std::uint32_t counter) const {
    constexpr std::size_t number_at = nonce_bytes - sizeof(std::uint64_t);
    const std::uint64_t number = std::uint64_t{static_cast<std::uint16_t>(sender)} << 32U | counter;
    Nonce nonce = iv_;
    put_be64_at(nonce, number_at, be64_at(iv_, number_at) ^ number);
    return nonce;
  }
  /// UDP header (as far as `bind` says), then the eight octets from flags to CTR.
  Aad aad(UdpHeader udp, ProtectedHeader header) const {
    // Ports, length, checksum.
    constexpr std::uint64_t length_alone = 0x0000'0000'FFFF'0000;
    const std::uint64_t bound = bind_ == Bind::full ? ~std::uint64_t{0} : length_alone;
    Aad aad;
    put_be64_at(aad, 0, be64_at(udp, 0) & bound);
    put_be64_at(aad, udp.size(), be64_at(header, 0));
    return aad;
  }

 private:
  KeyId key_id_;
  TagLength tag_;
  Bind bind_;
  SenderRange senders_;
  Nonce iv_;
  std::unique_ptr<Aead> aead_;
};

}  // namespace lobo::xrm
