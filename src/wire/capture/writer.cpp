#include "wire/capture/writer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/layout.hpp"
#include "wire/capture/ordered.hpp"

namespace lobo::capture {

namespace {

constexpr ByteOrder order = ByteOrder::little;
constexpr std::uint64_t a_second_ns = 1'000'000'000;
constexpr std::uint64_t a_microsecond_ns = 1'000;

void le32(MutableBytes out, std::size_t at, std::uint32_t value) {
  put_number<std::uint32_t>(out, at, value, order);
}
void le16(MutableBytes out, std::size_t at, std::uint16_t value) {
  put_number<std::uint16_t>(out, at, value, order);
}

std::size_t section_header(MutableBytes out) {
  le32(out, 0, section_block);
  le32(out, 4, section_block_bytes_min);
  le32(out, 8, byte_order_magic);
  le16(out, 12, 1);
  le16(out, 14, 0);
  put_number<std::uint64_t>(out, 16, std::numeric_limits<std::uint64_t>::max(), order);  // unknown
  le32(out, 24, section_block_bytes_min);
  return section_block_bytes_min;
}

}  // namespace

std::size_t Writer::interface_header(LinkType link_type, MutableBytes out) {
  constexpr std::uint32_t size = 32;
  constexpr std::uint8_t nanoseconds = 9;
  std::ranges::fill(out.first(size), std::byte{});
  le32(out, 0, interface_block);
  le32(out, 4, size);
  le16(out, 8, static_cast<std::uint16_t>(link_type));
  le32(out, 12, packet_bytes_max);
  le16(out, 16, option_if_tsresol);
  le16(out, 18, 1);
  out[20] = std::byte{nanoseconds};
  le32(out, 28, size);
  interfaces_[interface_count_++] = link_type;
  return size;
}

std::size_t Writer::headers(LinkType link_type, MutableBytes out) {
  begun_ = true;
  if (format_ == Format::pcapng) {
    const std::size_t section = section_header(out);
    return section + interface_header(link_type, out.subspan(section));
  }
  le32(out, 0, format_ == Format::pcap_nanoseconds ? magic_nanoseconds : magic_microseconds);
  le16(out, 4, pcap_version_major);
  le16(out, 6, pcap_version_minor);
  le32(out, 8, 0);
  le32(out, 12, 0);
  le32(out, 16, packet_bytes_max);
  le32(out, 20, static_cast<std::uint32_t>(link_type));
  interfaces_[interface_count_++] = link_type;
  return file_header_bytes;
}

Result<std::size_t> Writer::packet(const Packet& packet, MutableBytes out) {
  const Bytes bytes = packet.bytes;
  if (bytes.size() > packet_bytes_max || out.size() < bytes.size() + writer_room)
    return fail(Errc::too_large, "a packet is larger than a capture can hold");
  std::size_t at = begun_ ? 0 : headers(packet.link_type, out);
  const auto known = interfaces_.begin() + static_cast<std::ptrdiff_t>(interface_count_);
  auto found = std::find(interfaces_.begin(), known, packet.link_type);
  if (found == known) {
    if (format_ != Format::pcapng)
      return fail(Errc::not_allowed, "classic pcap holds packets of one link type only");
    if (interface_count_ == link_types_max)
      return fail(Errc::too_many, "the capture has packets of too many link types");
    at += interface_header(packet.link_type, out.subspan(at));
  }
  const auto interface = static_cast<std::uint32_t>(found - interfaces_.begin());
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(0, packet.time.count()));
  const auto captured = static_cast<std::uint32_t>(bytes.size());
  const MutableBytes to = out.subspan(at);
  if (format_ != Format::pcapng) {
    const std::uint64_t unit = format_ == Format::pcap_nanoseconds ? 1 : a_microsecond_ns;
    le32(to, 0, static_cast<std::uint32_t>(time / a_second_ns));
    le32(to, 4, static_cast<std::uint32_t>(time % a_second_ns / unit));
    le32(to, 8, captured);
    le32(to, 12, packet.original_length);
    std::ranges::copy(bytes, to.begin() + record_header_bytes);
    return at + record_header_bytes + bytes.size();
  }
  const std::size_t padded = padded_to_4(bytes.size());
  const auto size = static_cast<std::uint32_t>(packet_block_bytes_min + padded);
  le32(to, 0, enhanced_packet_block);
  le32(to, 4, size);
  le32(to, 8, interface);
  le32(to, time_high_at, static_cast<std::uint32_t>(time >> 32U));
  le32(to, time_low_at, static_cast<std::uint32_t>(time));
  le32(to, captured_length_at, captured);
  le32(to, original_length_at, packet.original_length);
  std::ranges::copy(bytes, to.begin() + packet_data_at);
  std::ranges::fill(to.subspan(packet_data_at + bytes.size(), padded - bytes.size()), std::byte{});
  le32(to, size - 4, size);
  return at + size;
}

}  // namespace lobo::capture
