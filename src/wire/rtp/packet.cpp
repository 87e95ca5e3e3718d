#include "wire/rtp/packet.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace lobo::rtp {
namespace {

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

NotRtp read(RtpView& view, bool padding_is_readable) {
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

}  // namespace

RtpView parse_rtp(Bytes datagram, bool padding_is_readable) noexcept {
  RtpView view;
  view.packet = datagram;
  view.fault = read(view, padding_is_readable);
  return view;
}

std::optional<Bytes> find_element(const RtpView& view, std::uint8_t id) noexcept {
  Elements elements(view);
  while (const auto element = elements.next())
    if (element->id == id) return element->value;
  return std::nullopt;
}

}  // namespace lobo::rtp
