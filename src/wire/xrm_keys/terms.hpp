#pragma once
// What UPF and application server agree on over their key channel, and how a key follows from it.
// The key itself is never said: both ends ask their TLS 1.3 connection for it (RFC 8446 clause 7.5,
// RFC 5705), under a label of ours and a context that names what the key is for.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"

namespace lobo::xrm {

/// Time of a key channel: since any moment that does not move, never the wall clock's.
using ChannelTime = std::chrono::nanoseconds;

/// Which way the packets go that a key seals. Each way has a key of its own, so that two ends that
/// count from 0 under one KeyID and SID never make one nonce twice.
enum class Direction : std::uint8_t { to_upf = 1, from_upf = 2 };

/// KeyIDs that one application server may use at the UPF; no other has any of them.
struct KeyIdRange {
  KeyId first{};
  KeyId last{};
  constexpr bool contains(KeyId id) const { return first <= id && id <= last; }
  constexpr bool overlaps(const KeyIdRange& other) const {
    return first <= other.last && other.first <= last;
  }
  constexpr std::size_t size() const {
    return static_cast<std::size_t>(last) - static_cast<std::size_t>(first) + 1;
  }
  bool operator==(const KeyIdRange&) const = default;
};

/// Two keys live, and one more that can be offered whichever those are.
inline constexpr std::size_t key_ids_min = 3;
/// Keys of one application server that the UPF opens at a time: the present one, and the one before
/// it until it expires.
inline constexpr std::size_t keys_live_max = 2;

/// All of a context but its key.
struct KeyTerms {
  KeyId key_id{};
  Algorithm algorithm = Algorithm::aes_128_gcm;
  TagLength tag = TagLength::full;
  Bind bind = Bind::full;
  SenderRange senders;
  /// The UPF opens what is sealed under it for so long from the time it took it; the sender counts
  /// from its offer, which was earlier.
  std::chrono::milliseconds lifetime{};
  bool operator==(const KeyTerms&) const = default;
};

inline constexpr std::chrono::milliseconds key_lifetime_min{100};
inline constexpr std::chrono::milliseconds key_lifetime_max = std::chrono::hours{24 * 30};

/// The sender asks for the next key when this much of a lifetime is over. It is a sixteenth more
/// than a half, so that the key before the present one is gone when the one after it is offered,
/// although two clocks differ: two keys are live at most.
constexpr ChannelTime rollover_after(std::chrono::milliseconds lifetime) {
  return ChannelTime{lifetime} / 2 + ChannelTime{lifetime} / 16;
}

inline constexpr std::string_view exporter_label = "EXPORTER-xrm-metadata";
/// A name of an application server: a DNS name (RFC 1035 clause 2.3.4).
inline constexpr std::size_t eas_name_max = 253;

/// KeyID, direction, name of the application server. What is exported depends on the connection and
/// on nothing else but this; therefore a KeyID is given once on a connection.
std::vector<std::byte> exporter_context(KeyId key_id, Direction direction, std::string_view eas);

/// Key, then IV.
constexpr std::size_t exported_bytes(Algorithm algorithm) {
  return key_bytes(algorithm) + nonce_bytes;
}
/// `exported` has exported_bytes() of the algorithm.
ContextSettings settings_of(const KeyTerms& terms, Bytes exported);

}  // namespace lobo::xrm
