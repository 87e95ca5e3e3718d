#pragma once
// GTPv1-U: the header and its chain of extension headers (TS 29.281 clauses 5.1 and 5.2). Reading
// borrows; writing fills the headroom in front of the user's packet, which does not move.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.hpp"

namespace lobo::gtpu {

inline constexpr std::uint16_t udp_port = 2152;
inline constexpr std::uint8_t message_g_pdu = 255;
inline constexpr std::size_t extension_headers_max = 8;
inline constexpr std::size_t header_bytes = 8;  ///< what every message has

/// TS 29.281 figure 5.2.1-3. The two highest bits tell who has to understand a type.
inline constexpr std::uint8_t type_none = 0;
inline constexpr std::uint8_t type_pdu_set_information = 0x04;  ///< comprehension not required
inline constexpr std::uint8_t type_pdu_session_container = 0x85;
inline constexpr std::uint8_t type_pdu_set_information_required = 0x86;  ///< by the endpoint
constexpr bool endpoint_must_understand(std::uint8_t type) { return (type & 0x80U) != 0; }
/// What our endpoints understand.
inline constexpr std::array extensions_understood{
    type_pdu_session_container, type_pdu_set_information, type_pdu_set_information_required};
constexpr bool endpoint_understands(std::uint8_t type) {
  return std::ranges::find(extensions_understood, type) != extensions_understood.end();
}

enum class NotGtpu : std::uint8_t {
  it_is,
  header_cut,           ///< less than the eight octets of every message
  version,              ///< not version 1, or GTP'
  length,               ///< Length leads beyond the datagram, or is less than the optional part
  extension_cut,        ///< an extension header leads beyond the message
  extension_length,     ///< an extension header of length zero
  too_many_extensions,  ///< more than extension_headers_max
};
constexpr std::string_view to_string(NotGtpu reason) {
  switch (reason) {
    case NotGtpu::it_is: return "it_is";
    case NotGtpu::header_cut: return "header_cut";
    case NotGtpu::version: return "version";
    case NotGtpu::length: return "length";
    case NotGtpu::extension_cut: return "extension_cut";
    case NotGtpu::extension_length: return "extension_length";
    case NotGtpu::too_many_extensions: return "too_many_extensions";
  }
  std::abort();
}

struct Extension {
  std::uint8_t type = type_none;
  Bytes content;  ///< without its length and without the type of the next one
};

struct GtpuView {
  Bytes message;  ///< header to the end that Length tells; bytes of the datagram behind it are none
  std::uint32_t teid = 0;
  std::uint32_t payload_at = 0;
  std::optional<std::uint16_t> sequence_number;
  std::uint8_t message_type = 0;
  std::uint8_t extension_count = 0;
  NotGtpu fault = NotGtpu::header_cut;
  std::array<Extension, extension_headers_max> extension_list;

  bool ok() const { return fault == NotGtpu::it_is; }
  std::span<const Extension> extensions() const {
    return std::span(extension_list).first(extension_count);
  }
  /// The first one of that type.
  const Extension* find(std::uint8_t type) const;
  /// The PDU Set Information Container under either of its types.
  const Extension* find_pdu_set_information() const;
  Bytes payload() const { return message.subspan(payload_at); }
};

/// `datagram` is the user data of a UDP datagram, usually to or from port 2152.
GtpuView parse_gtpu(Bytes datagram) noexcept;

/// Length of an extension header with that much content: a multiple of four octets.
constexpr std::size_t extension_bytes(std::size_t content_bytes) {
  return (content_bytes + 2 + 3) / 4 * 4;
}
inline constexpr std::size_t extension_content_bytes_max = std::size_t{255} * 4 - 2;

/// Bytes in front of the payload for these extension headers.
std::size_t encapsulation_bytes(std::span<const Extension> extensions) noexcept;

/// Writes a G-PDU header with its chain directly in front of `payload_at` in `buffer`; the payload
/// is what lies from there to the end. Returns where the message begins, or nothing, and writes
/// nothing, if the headroom, a length field or extension_headers_max does not allow it.
std::optional<std::size_t> encapsulate(MutableBytes buffer, std::size_t payload_at,
                                       std::uint32_t teid,
                                       std::span<const Extension> extensions) noexcept;

}  // namespace lobo::gtpu
