#include "wire/rtp/edit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "wire/rtp/packet.hpp"

namespace lobo::rtp {
namespace {

constexpr std::size_t one_byte_value_max = 16;
constexpr std::size_t two_byte_value_max = 255;
constexpr std::uint8_t one_byte_id_max = 14;

bool fits_one_byte(const Element& element) {
  return element.id <= one_byte_id_max && !element.value.empty() &&
         element.value.size() <= one_byte_value_max;
}

void write_element(ByteWriter& out, Form form, const Element& element) {
  if (form == Form::one_byte) {
    out.u8(static_cast<std::uint8_t>(unsigned{element.id} << 4U | (element.value.size() - 1)));
  } else {
    out.u8(element.id);
    out.u8(static_cast<std::uint8_t>(element.value.size()));
  }
  out.bytes(element.value);
}

// What happens to the elements with one identifier.
struct Change {
  std::uint8_t id = 0;
  std::optional<Element> put;  // nothing: they are taken out
};

// Writes the elements as they shall be; tells how many there are, or nothing if they are damaged.
std::optional<std::size_t> write_elements(ByteWriter& out, const RtpView& view, Form form,
                                          const Change& change) {
  std::size_t count = 0;
  bool pending = change.put.has_value();
  Elements elements(view);
  while (const auto element = elements.next()) {
    if (element->id != change.id) {
      write_element(out, form, *element);
      ++count;
    } else if (pending) {
      write_element(out, form, *change.put);
      ++count;
      pending = false;
    }
  }
  if (elements.damaged()) return std::nullopt;
  if (pending) {
    write_element(out, form, *change.put);
    ++count;
  }
  return count;
}

Written write(MutableBytes room, const RtpView& view, Form form, const Change& change) {
  const std::size_t header = fixed_header_bytes + std::size_t{4} * view.csrc_count;
  ByteWriter out(room);
  out.bytes(view.packet.first(header));
  const std::size_t extension_at = out.position();
  out.be16(view.form == form ? view.profile : (form == Form::one_byte ? 0xBEDE : 0x1000));
  out.be16(0);
  const std::size_t elements_at = out.position();
  const auto count = write_elements(out, view, form, change);
  if (!count) return tl::unexpected(NotWritten::damaged_extension);
  out.zeros((4 - (out.position() - elements_at) % 4) % 4);
  if (!out.ok()) return tl::unexpected(NotWritten::no_room);
  const std::size_t bytes = out.position() - elements_at;
  if (bytes > extension_bytes_max) return tl::unexpected(NotWritten::no_room);
  const std::byte extension_bit{0x10};
  const bool keep = *count > 0;
  if (keep) {
    room[0] |= extension_bit;
    put_be16_at(room, extension_at + 2, static_cast<std::uint16_t>(bytes / 4));
  } else {
    room[0] &= ~extension_bit;
  }
  ByteWriter behind(room.subspan(keep ? out.position() : extension_at));
  behind.bytes(view.packet.subspan(view.payload_at));  // padding included
  if (!behind.ok()) return tl::unexpected(NotWritten::no_room);
  return (keep ? out.position() : extension_at) + behind.position();
}

std::optional<NotWritten> refusal(const RtpView& view) {
  if (!view.ok()) return NotWritten::not_rtp;
  if (view.form == Form::other) return NotWritten::other_profile;
  return std::nullopt;
}

}  // namespace

Written write_with_element(MutableBytes out, const RtpView& view, const Element& element,
                           const FormRules& rules) noexcept {
  if (const auto reason = refusal(view)) return tl::unexpected(*reason);
  if (element.id == 0) return tl::unexpected(NotWritten::bad_identifier);
  if (element.value.size() > two_byte_value_max) return tl::unexpected(NotWritten::value_length);
  Form form = view.form == Form::none ? rules.preferred : view.form;
  if (form != Form::two_byte && !fits_one_byte(element)) {
    if (!rules.allow_mixed)
      return tl::unexpected(element.id > one_byte_id_max ? NotWritten::bad_identifier
                                                         : NotWritten::form);
    form = Form::two_byte;
  }
  return write(out, view, form, {element.id, element});
}

Written write_without_element(MutableBytes out, const RtpView& view, std::uint8_t id) noexcept {
  if (const auto reason = refusal(view)) return tl::unexpected(*reason);
  if (!find_element(view, id)) return tl::unexpected(NotWritten::no_such_element);
  return write(out, view, view.form, {id, std::nullopt});
}

bool replace_value(MutableBytes packet, const RtpView& view, std::uint8_t id,
                   Bytes value) noexcept {
  const auto found = find_element(view, id);
  if (!found || found->size() != value.size()) return false;
  std::ranges::copy(value, packet.begin() + (found->data() - view.packet.data()));
  return true;
}

}  // namespace lobo::rtp
