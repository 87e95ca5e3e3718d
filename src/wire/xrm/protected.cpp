#include "wire/xrm/protected.hpp"

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::xrm {
namespace {

constexpr unsigned form_bit = 0x80;
constexpr unsigned version_bits = 0x60;
constexpr unsigned short_tag_bit = 0x10;
constexpr unsigned reserved_bits = 0x0F;

}  // namespace

tl::expected<ProtectedParts, Unmarked> split_protected(Bytes body) {
  ByteReader in(body);
  ProtectedParts parts;
  const unsigned flags = in.u8();
  parts.key_id = KeyId{in.u8()};
  parts.sender = SenderId{in.be16()};
  parts.counter = in.be32();
  if (!in.ok()) return tl::unexpected(Unmarked::truncated);
  if ((flags & version_bits) != 0) return tl::unexpected(Unmarked::version_unknown);
  parts.header = body.first(protected_header_bytes);
  parts.tag_length = (flags & short_tag_bit) != 0 ? TagLength::short_ : TagLength::full;
  parts.reserved_bits_set = (flags & reserved_bits) != 0;

  const std::size_t tag = tag_bytes(parts.tag_length);
  if (in.left() < block_bytes + tag) return tl::unexpected(Unmarked::truncated);
  const std::size_t sealed = in.left() - tag;
  if (sealed % block_bytes != 0 || sealed > plaintext_read_max)
    return tl::unexpected(Unmarked::length_invalid);
  parts.sealed = in.bytes(sealed);
  parts.tag = in.rest();
  return parts;
}

void write_protected_header(ByteWriter& out, KeyId key_id, SenderId sender, std::uint32_t counter,
                            TagLength tag) {
  out.u8(static_cast<std::uint8_t>(form_bit | (tag == TagLength::short_ ? short_tag_bit : 0U)));
  out.u8(static_cast<std::uint8_t>(key_id));
  out.be16(static_cast<std::uint16_t>(sender));
  out.be32(counter);
}

}  // namespace lobo::xrm
