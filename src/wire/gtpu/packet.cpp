#include "wire/gtpu/packet.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"

namespace lobo::gtpu {
namespace {

// TS 29.281 clause 5.1, octet 1: version 1, protocol type GTP, then E, S and PN.
constexpr std::uint8_t version_and_type_mask = 0xF0;
constexpr std::uint8_t version_1_gtp = 0x30;
constexpr std::uint8_t flag_extension = 0x04;
constexpr std::uint8_t flag_sequence = 0x02;
constexpr std::uint8_t flag_any_optional = 0x07;
constexpr std::size_t optional_bytes = 4;
constexpr std::size_t length_max = 0xFFFF;

// The chain that begins at `at` with `type`; leaves `at` behind it.
NotGtpu read_chain(GtpuView& view, std::uint8_t type, std::size_t& at) {
  while (type != type_none) {
    if (view.extension_count == extension_headers_max) return NotGtpu::too_many_extensions;
    const std::size_t left = view.message.size() - at;
    if (left == 0) return NotGtpu::extension_cut;
    const std::size_t bytes = std::size_t{u8_at(view.message, at)} * 4;
    if (bytes == 0) return NotGtpu::extension_length;
    if (bytes > left) return NotGtpu::extension_cut;
    view.extension_list[view.extension_count++] = {type, view.message.subspan(at + 1, bytes - 2)};
    at += bytes;
    type = u8_at(view.message, at - 1);
  }
  return NotGtpu::it_is;
}

NotGtpu read(GtpuView& view, Bytes datagram) {
  if (datagram.size() < header_bytes) return NotGtpu::header_cut;
  const std::uint64_t head = be64_at(datagram, 0);
  const auto flags = static_cast<std::uint8_t>(head >> 56U);
  if ((flags & version_and_type_mask) != version_1_gtp) return NotGtpu::version;
  const std::size_t length = head >> 32U & 0xFFFFU;
  if (length > datagram.size() - header_bytes) return NotGtpu::length;
  view.message = datagram.first(header_bytes + length);
  view.message_type = static_cast<std::uint8_t>(head >> 48U);
  view.teid = static_cast<std::uint32_t>(head);
  std::size_t at = header_bytes;
  if ((flags & flag_any_optional) != 0) {
    if (length < optional_bytes) return NotGtpu::length;
    if ((flags & flag_sequence) != 0) view.sequence_number = be16_at(datagram, at);
    at += optional_bytes;
    // Each of the three fields means something only with its own flag.
    if ((flags & flag_extension) != 0) {
      const NotGtpu fault = read_chain(view, u8_at(datagram, at - 1), at);
      if (fault != NotGtpu::it_is) return fault;
    }
  }
  view.payload_at = static_cast<std::uint32_t>(at);
  return NotGtpu::it_is;
}

}  // namespace

const Extension* GtpuView::find(std::uint8_t type) const {
  for (const Extension& extension : extensions())
    if (extension.type == type) return &extension;
  return nullptr;
}

const Extension* GtpuView::find_pdu_set_information() const {
  const Extension* found = find(type_pdu_set_information);
  return found != nullptr ? found : find(type_pdu_set_information_required);
}

GtpuView parse_gtpu(Bytes datagram) noexcept {
  GtpuView view;
  view.fault = read(view, datagram);
  if (!view.ok()) view.extension_count = 0;
  return view;
}

std::size_t encapsulation_bytes(std::span<const Extension> extensions) noexcept {
  if (extensions.empty()) return header_bytes;
  std::size_t bytes = header_bytes + optional_bytes;
  for (const Extension& extension : extensions) bytes += extension_bytes(extension.content.size());
  return bytes;
}

std::optional<std::size_t> encapsulate(MutableBytes buffer, std::size_t payload_at,
                                       std::uint32_t teid,
                                       std::span<const Extension> extensions) noexcept {
  if (extensions.size() > extension_headers_max || payload_at > buffer.size()) return std::nullopt;
  for (const Extension& extension : extensions)
    if (extension.content.size() > extension_content_bytes_max) return std::nullopt;
  const std::size_t before = encapsulation_bytes(extensions);
  const std::size_t length = before - header_bytes + buffer.size() - payload_at;
  if (before > payload_at || length > length_max) return std::nullopt;
  const std::size_t begin = payload_at - before;
  ByteWriter out(buffer.subspan(begin, before));
  out.u8(extensions.empty() ? version_1_gtp : version_1_gtp | flag_extension);
  out.u8(message_g_pdu);
  out.be16(static_cast<std::uint16_t>(length));
  out.be32(teid);
  if (extensions.empty()) return begin;
  out.zeros(3);
  for (const Extension& extension : extensions) {
    const std::size_t bytes = extension_bytes(extension.content.size());
    out.u8(extension.type);
    out.u8(static_cast<std::uint8_t>(bytes / 4));
    out.bytes(extension.content);
    out.zeros(bytes - 2 - extension.content.size());
  }
  out.u8(type_none);
  return begin;
}

}  // namespace lobo::gtpu
