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
#include <span>
#include <tl/expected.hpp>

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

/// Splits a body whose form is protected_.
tl::expected<ProtectedParts, Unmarked> split_protected(Bytes body);

/// Writes flags, KeyID, SID and CTR.
void write_protected_header(std::span<std::byte, protected_header_bytes> out, KeyId key_id,
                            SenderId sender, std::uint32_t counter, TagLength tag);

}  // namespace lobo::xrm
