#include "wire/xrm/protected.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

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
  if (body.size() < protected_header_bytes) return tl::unexpected(Unmarked::truncated);
  ProtectedParts parts;
  const unsigned flags = u8_at(body, 0);
  parts.key_id = KeyId{u8_at(body, 1)};
  parts.sender = SenderId{be16_at(body, 2)};
  parts.counter = be32_at(body, 4);
  if ((flags & version_bits) != 0) return tl::unexpected(Unmarked::version_unknown);
  parts.header = body.first(protected_header_bytes);
  parts.tag_length = (flags & short_tag_bit) != 0 ? TagLength::short_ : TagLength::full;
  parts.reserved_bits_set = (flags & reserved_bits) != 0;

  const Bytes rest = body.subspan(protected_header_bytes);
  const std::size_t tag = tag_bytes(parts.tag_length);
  if (rest.size() < block_bytes + tag) return tl::unexpected(Unmarked::truncated);
  const std::size_t sealed = rest.size() - tag;
  if (sealed % block_bytes != 0 || sealed > plaintext_read_max)
    return tl::unexpected(Unmarked::length_invalid);
  parts.sealed = rest.first(sealed);
  parts.tag = rest.last(tag);
  return parts;
}

void write_protected_header(std::span<std::byte, protected_header_bytes> out, KeyId key_id,
                            SenderId sender, std::uint32_t counter, TagLength tag) {
  out[0] = static_cast<std::byte>(form_bit | (tag == TagLength::short_ ? short_tag_bit : 0U));
  out[1] = static_cast<std::byte>(key_id);
  put_be16_at(out, 2, static_cast<std::uint16_t>(sender));
  put_be16_at(out, 4, static_cast<std::uint16_t>(counter >> 16U));
  put_be16_at(out, 6, static_cast<std::uint16_t>(counter & 0xFFFFU));
}

}  // namespace lobo::xrm
