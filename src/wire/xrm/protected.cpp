#include "wire/xrm/protected.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "wire/xrm/context.hpp"

namespace lobo::xrm {
namespace {

constexpr unsigned form_bit = 0x80;

}  // namespace

void write_protected_header(std::span<std::byte, protected_header_bytes> out, KeyId key_id,
                            SenderId sender, std::uint32_t counter, TagLength tag) {
  out[0] =
      static_cast<std::byte>(form_bit | (tag == TagLength::short_ ? detail::short_tag_bit : 0U));
  out[1] = static_cast<std::byte>(key_id);
  put_be16_at(out, 2, static_cast<std::uint16_t>(sender));
  put_be16_at(out, 4, static_cast<std::uint16_t>(counter >> 16U));
  put_be16_at(out, 6, static_cast<std::uint16_t>(counter & 0xFFFFU));
}

}  // namespace lobo::xrm
