#include "wire/capture/reader.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "base/bytes.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/layout.hpp"
#include "wire/capture/ordered.hpp"

namespace lobo::capture {

namespace {

__extension__ using Wide = unsigned __int128;

Reader::Step need(std::size_t size) { return {.status = Reader::Status::need_more, .size = size}; }
Reader::Step wrong(Broken why) { return {.status = Reader::Status::broken, .broken = why}; }

/// The upper bits of the link type field of a classic capture tell of frame check sequences.
constexpr std::uint32_t link_type_bits = 0xFFFF;

std::int64_t saturated(Wide value) {
  constexpr auto max = std::numeric_limits<std::int64_t>::max();
  return value > static_cast<Wide>(max) ? max : static_cast<std::int64_t>(value);
}

}  // namespace

Reader::Step Reader::next(Bytes available) {
  switch (state_) {
    case State::start: return start(available);
    case State::records: return record(available);
    case State::blocks: return block(available);
  }
  std::abort();
}

Reader::Step Reader::start(Bytes available) {
  if (available.size() < 4) return need(file_header_bytes);
  if (number_at<std::uint32_t>(available, 0, ByteOrder::big) == section_block) {
    state_ = State::blocks;
    return block(available);
  }
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    const auto magic = number_at<std::uint32_t>(available, 0, order);
    if (magic != magic_microseconds && magic != magic_nanoseconds) continue;
    if (available.size() < file_header_bytes) return need(file_header_bytes);
    if (number_at<std::uint16_t>(available, 4, order) != pcap_version_major)
      return wrong(Broken::version);
    order_ = order;
    format_ = magic == magic_nanoseconds ? Format::pcap_nanoseconds : Format::pcap_microseconds;
    link_type_ =
        static_cast<LinkType>(number_at<std::uint32_t>(available, 20, order) & link_type_bits);
    state_ = State::records;
    return {.status = Status::item,
            .size = file_header_bytes,
            .item = {.kind = Item::Kind::header,
                     .format = format_,
                     .byte_order = order_,
                     .raw = available.first(file_header_bytes)}};
  }
  return wrong(Broken::not_a_capture);
}

Reader::Step Reader::record(Bytes available) const {
  if (available.size() < record_header_bytes) return need(record_header_bytes);
  const auto seconds = number_at<std::uint32_t>(available, 0, order_);
  const auto fraction = number_at<std::uint32_t>(available, 4, order_);
  const auto captured = number_at<std::uint32_t>(available, 8, order_);
  if (captured > packet_bytes_max) return wrong(Broken::record_too_long);
  const std::size_t size = record_header_bytes + captured;
  if (available.size() < size) return need(size);
  const auto below_a_second = format_ == Format::pcap_nanoseconds
                                  ? std::chrono::nanoseconds(fraction)
                                  : std::chrono::microseconds(fraction);
  return {.status = Status::item,
          .size = size,
          .item = {.kind = Item::Kind::packet,
                   .format = format_,
                   .byte_order = order_,
                   .raw = available.first(size),
                   .packet = {.time = std::chrono::seconds(seconds) + below_a_second,
                              .link_type = link_type_,
                              .original_length = number_at<std::uint32_t>(available, 12, order_),
                              .bytes = available.subspan(record_header_bytes, captured)}}};
}

Reader::Step Reader::block(Bytes available) {
  if (available.size() < block_frame_bytes) return need(block_frame_bytes);
  const auto type = number_at<std::uint32_t>(available, 0, order_);
  if (type == section_block) {
    // 1. A section tells its byte order itself, before anything else can be read.
    const auto magic = number_at<std::uint32_t>(available, 8, ByteOrder::little);
    const auto swapped = number_at<std::uint32_t>(available, 8, ByteOrder::big);
    if (magic != byte_order_magic && swapped != byte_order_magic) return wrong(Broken::byte_order);
    order_ = magic == byte_order_magic ? ByteOrder::little : ByteOrder::big;
  }
  // 2. The frame: the same length at both ends.
  const auto size = number_at<std::uint32_t>(available, 4, order_);
  if (size % 4 != 0 || size < block_frame_bytes) return wrong(Broken::block_length);
  if (size > block_bytes_max) return wrong(Broken::block_too_long);
  if (available.size() < size) return need(size);
  if (number_at<std::uint32_t>(available, size - 4, order_) != size)
    return wrong(Broken::block_length);
  // 3. What is in it.
  Step step{.status = Status::item,
            .size = size,
            .item = {.format = format_, .byte_order = order_, .raw = available.first(size)}};
  Item& item = step.item;
  switch (type) {
    case section_block:
      if (size >= section_block_bytes_min &&
          number_at<std::uint16_t>(item.raw, 12, order_) != 1)  // major version
        return wrong(Broken::version);
      item.kind = section(item.raw);
      break;
    case interface_block: item.kind = interface(item.raw); break;
    case simple_packet_block: item.kind = simple_packet(item.raw, item.packet); break;
    case old_packet_block:
    case enhanced_packet_block: item.kind = packet(item.raw, type, item.packet); break;
    default: break;
  }
  return step;
}

Item::Kind Reader::section(Bytes block) {
  interfaces_.clear();
  return block.size() < section_block_bytes_min ? Item::Kind::damaged : Item::Kind::header;
}

Item::Kind Reader::interface(Bytes block) {
  Interface one;
  if (interfaces_.size() == interfaces_max) return Item::Kind::damaged;
  if (block.size() < interface_block_bytes_min) {
    interfaces_.push_back(one);  // it counts, so that those behind it keep their numbers
    return Item::Kind::damaged;
  }
  one.link_type = static_cast<LinkType>(number_at<std::uint16_t>(block, 8, order_));
  one.snap_length = number_at<std::uint32_t>(block, 12, order_);
  Item::Kind kind = Item::Kind::header;
  const std::size_t end = block.size() - 4;
  for (std::size_t at = 16; at + 4 <= end;) {
    const auto code = number_at<std::uint16_t>(block, at, order_);
    const auto length = number_at<std::uint16_t>(block, at + 2, order_);
    if (code == option_end) break;
    if (length > end - at - 4) {
      kind = Item::Kind::damaged;
      break;
    }
    if (code == option_if_tsresol && length == 1)
      one.time_resolution = std::to_integer<std::uint8_t>(block[at + 4]);
    if (code == option_if_tsoffset && length == 8)
      one.time_offset_s = number_at<std::int64_t>(block, at + 4, order_);
    at += 4 + padded_to_4(length);
  }
  interfaces_.push_back(one);
  return kind;
}

Item::Kind Reader::packet(Bytes block, std::uint32_t type, Packet& packet) const {
  if (block.size() < packet_block_bytes_min) return Item::Kind::damaged;
  const std::size_t space = block.size() - packet_block_bytes_min;
  const auto captured = number_at<std::uint32_t>(block, captured_length_at, order_);
  if (captured > space || captured > packet_bytes_max) return Item::Kind::damaged;
  packet.interface = type == old_packet_block ? number_at<std::uint16_t>(block, 8, order_)
                                              : number_at<std::uint32_t>(block, 8, order_);
  packet.original_length = number_at<std::uint32_t>(block, original_length_at, order_);
  packet.bytes = block.subspan(packet_data_at, captured);
  if (packet.interface >= interfaces_.size()) return Item::Kind::packet;  // link type stays unknown
  const Interface& from = interfaces_[packet.interface];
  packet.link_type = from.link_type;
  const auto high = number_at<std::uint32_t>(block, time_high_at, order_);
  const auto low = number_at<std::uint32_t>(block, time_low_at, order_);
  packet.time = time_of(std::uint64_t{high} << 32U | low, from);
  return Item::Kind::packet;
}

Item::Kind Reader::simple_packet(Bytes block, Packet& packet) const {
  if (block.size() < simple_packet_bytes_min) return Item::Kind::damaged;
  const std::size_t space = block.size() - simple_packet_bytes_min;
  packet.original_length = number_at<std::uint32_t>(block, simple_original_length_at, order_);
  std::size_t captured = packet.original_length;
  if (!interfaces_.empty()) {
    packet.link_type = interfaces_.front().link_type;
    const std::size_t snap = interfaces_.front().snap_length;
    if (snap != 0) captured = std::min(captured, snap);
  }
  if (captured > space || captured > packet_bytes_max) return Item::Kind::damaged;
  packet.bytes = block.subspan(simple_data_at, captured);
  return Item::Kind::packet;
}

/// Ticks of if_tsresol: the top bit chooses powers of two, else of ten.
std::chrono::nanoseconds Reader::time_of(std::uint64_t ticks, const Interface& interface) {
  constexpr unsigned of_two = 0x80;
  constexpr unsigned nanosecond_digits = 9;
  constexpr Wide a_second = 1'000'000'000;
  const unsigned resolution = interface.time_resolution & 0x7FU;
  Wide value = ticks;
  if ((interface.time_resolution & of_two) != 0) {
    value = value * a_second >> resolution;
  } else {
    for (unsigned digit = resolution; digit < nanosecond_digits; ++digit) value *= 10;
    for (unsigned digit = nanosecond_digits; digit < resolution && value != 0; ++digit) value /= 10;
  }
  const std::int64_t since = saturated(value);
  // An offset that would leave the range of nanoseconds since 1970 says nothing; it is not applied.
  constexpr std::int64_t offset_max = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 / 2;
  if (interface.time_offset_s > offset_max || interface.time_offset_s < -offset_max ||
      since > std::numeric_limits<std::int64_t>::max() / 2)
    return std::chrono::nanoseconds(since);
  return std::chrono::nanoseconds(since) + std::chrono::seconds(interface.time_offset_s);
}

}  // namespace lobo::capture
