#pragma once
// Layout of the protected option behind its prefix:
//
//   flags(8) KeyID(8) SID(16) CTR(32) | ciphertext, a multiple of 16 | tag 16 or 8
//
//   flags   1 V(2) T(1) 0000          V = 0; T = 1: the tag has 8 octets
//
// Eight octets in the clear select the key and make the nonce, and tell nothing else. Without TLVs
// the ciphertext is one block whatever it says, so that its size does not tell which fields it has.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::xrm {

/// |P| of what is sent: one block, or two with PSN16.
inline constexpr std::size_t plaintext_sent_max = 2 * block_bytes;
inline constexpr std::size_t protected_sent_max =
    protected_header_bytes + plaintext_sent_max + tag_bytes_full;
/// |P| of what is read: as many blocks as an option of 254 octets can hold.
inline constexpr std::size_t plaintext_read_max = 224;

/// The parts of a protected body; they borrow from it.
struct ProtectedParts {
  Bytes header;  ///< protected_header_bytes of them
  KeyId key_id{};
  SenderId sender{};
  std::uint32_t counter = 0;
  TagLength tag_length = TagLength::full;
  bool reserved_bits_set = false;
  Bytes sealed;
  Bytes tag;
};

namespace detail {
inline constexpr unsigned version_bits = 0x60;
inline constexpr unsigned short_tag_bit = 0x10;
inline constexpr unsigned reserved_bits = 0x0F;
}  // namespace detail

/// Splits a body whose form is protected_. Nothing: it is split.
inline std::optional<Unmarked> split_protected(Bytes body, ProtectedParts& parts) {
  if (body.size() < protected_header_bytes) return Unmarked::truncated;
  const std::uint64_t header = be64_at(body, 0);
  const auto flags = static_cast<unsigned>(header >> 56U);
  parts.key_id = KeyId{static_cast<std::uint8_t>(header >> 48U)};
  parts.sender = SenderId{static_cast<std::uint16_t>(header >> 32U)};
  parts.counter = static_cast<std::uint32_t>(header);
  if ((flags & detail::version_bits) != 0) return Unmarked::version_unknown;
  parts.header = body.first(protected_header_bytes);
  parts.tag_length = (flags & detail::short_tag_bit) != 0 ? TagLength::short_ : TagLength::full;
  parts.reserved_bits_set = (flags & detail::reserved_bits) != 0;

  const Bytes rest = body.subspan(protected_header_bytes);
  const std::size_t tag = tag_bytes(parts.tag_length);
  if (rest.size() < block_bytes + tag) return Unmarked::truncated;
  const std::size_t sealed = rest.size() - tag;
  if (sealed % block_bytes != 0 || sealed > plaintext_read_max) return Unmarked::length_invalid;
  parts.sealed = rest.first(sealed);
  parts.tag = rest.last(tag);
  return std::nullopt;
}

/// Writes flags, KeyID, SID and CTR.
void write_protected_header(std::span<std::byte, protected_header_bytes> out, KeyId key_id,
                            SenderId sender, std::uint32_t counter, TagLength tag);

}  // namespace lobo::xrm
