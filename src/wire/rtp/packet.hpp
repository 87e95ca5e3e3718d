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

/// `datagram` is the user data of a UDP datagram. With SRTP the header is read the same; padding,
/// payload and tag are then ciphertext, so pass `padding_is_readable` false.
RtpView parse_rtp(Bytes datagram, bool padding_is_readable = true) noexcept;

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
