#pragma once
// The RTP fixed header, CSRCs, the header extension and its elements (RFC 3550 clause 5.1, RFC
// 8285). Offsets into borrowed bytes; nothing is copied.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace lobo::rtp {

inline constexpr std::size_t fixed_header_bytes = 12;
/// The length of a header extension has 16 bits of 32-bit words.
inline constexpr std::size_t extension_bytes_max = 0xFFFF * std::size_t{4};

/// Why a datagram is not taken for RTP.
enum class NotRtp : std::uint8_t {
  it_is,          ///< it is RTP
  too_short,      ///< less than a fixed header
  version,        ///< not 2
  rtcp,           ///< a packet type of RTCP (RFC 5761 clause 4)
  csrc_cut,       ///< the CSRC list leads beyond the datagram
  extension_cut,  ///< the header extension leads beyond the datagram
  padding,        ///< padding of zero bytes, or more than there is
};
constexpr std::string_view to_string(NotRtp reason) {
  switch (reason) {
    case NotRtp::it_is: return "it_is";
    case NotRtp::too_short: return "too_short";
    case NotRtp::version: return "version";
    case NotRtp::rtcp: return "rtcp";
    case NotRtp::csrc_cut: return "csrc_cut";
    case NotRtp::extension_cut: return "extension_cut";
    case NotRtp::padding: return "padding";
  }
  std::abort();
}

enum class Form : std::uint8_t { none, one_byte, two_byte, other };

struct RtpView {
  Bytes packet;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  std::uint32_t extension_at = 0;  ///< of the extension's own header; with has_extension()
  std::uint32_t payload_at = 0;
  std::uint32_t payload_end = 0;  ///< without padding
  std::uint16_t sequence_number = 0;
  std::uint16_t profile = 0;  ///< "defined by profile": BEDE, 100x, or another one's
  std::uint8_t payload_type = 0;
  std::uint8_t csrc_count = 0;
  bool marker = false;
  Form form = Form::none;
  NotRtp fault = NotRtp::too_short;

  constexpr bool ok() const { return fault == NotRtp::it_is; }
  constexpr bool has_extension() const { return form != Form::none; }
  /// The elements with their padding, without the extension's own header.
  constexpr Bytes elements() const {
    return has_extension()
               ? packet.subspan(extension_at + std::size_t{4}, payload_at - extension_at - 4)
               : Bytes{};
  }
  constexpr Bytes payload() const { return packet.subspan(payload_at, payload_end - payload_at); }
  /// `index` below csrc_count.
  constexpr std::uint32_t csrc(std::size_t index) const {
    return be32_at(packet, fixed_header_bytes + 4 * index);
  }
};

namespace detail {

// RFC 8285 clauses 4.2 and 4.3; the low four bits of the two-byte form are the application's.
constexpr std::uint16_t profile_one_byte = 0xBEDE;
constexpr std::uint16_t profile_two_byte = 0x1000;
constexpr std::uint16_t profile_two_byte_mask = 0xFFF0;

constexpr Form form_of(std::uint16_t profile) {
  if (profile == profile_one_byte) return Form::one_byte;
  return (profile & profile_two_byte_mask) == profile_two_byte ? Form::two_byte : Form::other;
}

// RFC 5761 clause 4: RTCP packet types 192 to 223, seen as marker and payload type.
constexpr bool is_rtcp(std::uint8_t second) { return second >= 192 && second <= 223; }

constexpr NotRtp read_packet(RtpView& view, bool padding_is_readable) {
  const Bytes in = view.packet;
  if (in.size() < fixed_header_bytes) return NotRtp::too_short;
  const std::uint64_t head = be64_at(in, 0);
  if (head >> 62U != 2) return NotRtp::version;
  const auto second = static_cast<std::uint8_t>(head >> 48U);
  if (is_rtcp(second)) return NotRtp::rtcp;
  view.csrc_count = static_cast<std::uint8_t>(head >> 56U & 15U);
  view.marker = (second & 0x80U) != 0;
  view.payload_type = second & 0x7FU;
  view.sequence_number = static_cast<std::uint16_t>(head >> 32U);
  view.timestamp = static_cast<std::uint32_t>(head);
  view.ssrc = be32_at(in, 8);
  std::size_t at = fixed_header_bytes + std::size_t{4} * view.csrc_count;
  if (at > in.size()) return NotRtp::csrc_cut;
  const bool extension = (head >> 60U & 1U) != 0;
  if (extension) {
    if (in.size() - at < 4) return NotRtp::extension_cut;
    view.profile = be16_at(in, at);
    const std::size_t bytes = std::size_t{be16_at(in, at + 2)} * 4;
    if (in.size() - at - 4 < bytes) return NotRtp::extension_cut;
    view.extension_at = static_cast<std::uint32_t>(at);
    view.form = form_of(view.profile);
    at += 4 + bytes;
  }
  view.payload_at = static_cast<std::uint32_t>(at);
  view.payload_end = static_cast<std::uint32_t>(in.size());
  const bool padding = (head >> 61U & 1U) != 0;
  if (padding && padding_is_readable) {
    const std::size_t count = in.size() == at ? 0 : u8_at(in, in.size() - 1);
    if (count == 0 || count > in.size() - at) return NotRtp::padding;
    view.payload_end -= static_cast<std::uint32_t>(count);
  }
  return NotRtp::it_is;
}

}  // namespace detail

/// `datagram` is the user data of a UDP datagram. With SRTP the header is read the same; padding,
/// payload and tag are then ciphertext, so pass `padding_is_readable` false. Inline, so that a loop
/// over a batch keeps of the view what it needs and stores nothing.
constexpr RtpView parse_rtp(Bytes datagram, bool padding_is_readable = true) noexcept {
  RtpView view;
  view.packet = datagram;
  view.fault = detail::read_packet(view, padding_is_readable);
  return view;
}

struct Element {
  std::uint8_t id = 0;
  Bytes value;
};

/// Steps over the elements of a one- or two-byte extension. It ends early, with damaged(), at an
/// element that leads beyond the extension; what came before holds.
class Elements {
 public:
  explicit constexpr Elements(const RtpView& view)
      : in_(view.form == Form::other ? Bytes{} : view.elements()),
        two_byte_(view.form == Form::two_byte) {}
  constexpr Elements(Bytes elements, Form form)
      : in_(elements), two_byte_(form == Form::two_byte) {}

  constexpr std::optional<Element> next() {
    while (at_ < in_.size()) {  // each turn takes at least one byte
      const std::uint8_t first = u8_at(in_, at_);
      if (first == 0) {
        ++at_;  // padding
        continue;
      }
      return two_byte_ ? next_two_byte(first) : next_one_byte(first);
    }
    return std::nullopt;
  }
  constexpr bool damaged() const { return damaged_; }

 private:
  constexpr std::optional<Element> end() {
    at_ = in_.size();
    return std::nullopt;
  }
  constexpr std::optional<Element> take(std::uint8_t id, std::size_t header, std::size_t length) {
    const std::size_t from = at_ + header;
    if (in_.size() < from + length) {
      damaged_ = true;
      return end();
    }
    at_ = from + length;
    return Element{id, in_.subspan(from, length)};
  }
  constexpr std::optional<Element> next_one_byte(std::uint8_t first) {
    const auto id = static_cast<std::uint8_t>(first >> 4U);
    // RFC 8285 clause 4.2: 15 ends the reading, and so does padding that claims a length.
    if (id == 15 || id == 0) return end();
    return take(id, 1, (first & 15U) + std::size_t{1});
  }
  constexpr std::optional<Element> next_two_byte(std::uint8_t id) {
    if (in_.size() - at_ < 2) return take(id, 2, 0);
    return take(id, 2, u8_at(in_, at_ + 1));
  }

  Bytes in_;
  std::size_t at_ = 0;
  bool two_byte_;
  bool damaged_ = false;
};

/// The first element with that identifier.
std::optional<Bytes> find_element(const RtpView& view, std::uint8_t id) noexcept;

}  // namespace lobo::rtp
