#include "wire/capture/rewriter.hpp"

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/layout.hpp"
#include "wire/capture/ordered.hpp"

namespace lobo::capture {

namespace {

/// A capture may say that a packet was shorter on the wire than what it holds of it: then there is
/// nothing to take away from.
std::uint32_t original_length(const Packet& old, Bytes bytes) {
  const std::uint64_t grown = old.original_length + std::uint64_t{bytes.size()};
  return static_cast<std::uint32_t>(grown > old.bytes.size() ? grown - old.bytes.size() : 0);
}

/// Head, data, zeros up to a multiple of four, then what stood behind the old data.
std::size_t block_with(Bytes head, Bytes data, Bytes behind, MutableBytes out, ByteOrder order) {
  ByteWriter writer(out);
  writer.bytes(head);
  writer.bytes(data);
  writer.zeros(padded_to_4(data.size()) - data.size());
  writer.bytes(behind);
  if (!writer.ok()) return 0;
  const auto size = static_cast<std::uint32_t>(writer.position());
  put_number<std::uint32_t>(out, 4, size, order);
  put_number<std::uint32_t>(out, size - 4, size, order);
  return size;
}

}  // namespace

std::size_t rewrite(const Item& item, Bytes bytes, MutableBytes out) {
  const ByteOrder order = item.byte_order;
  const Packet& old = item.packet;
  if (item.kind != Item::Kind::packet || bytes.size() > packet_bytes_max) return 0;
  const auto captured = static_cast<std::uint32_t>(bytes.size());
  if (item.format != Format::pcapng) {
    ByteWriter writer(out);
    writer.bytes(item.raw.first(record_header_bytes));
    writer.bytes(bytes);
    if (!writer.ok()) return 0;
    put_number<std::uint32_t>(out, 8, captured, order);
    put_number<std::uint32_t>(out, 12, original_length(old, bytes), order);
    return writer.position();
  }
  const auto type = number_at<std::uint32_t>(item.raw, 0, order);
  if (type == simple_packet_block) {
    // Its data is as long as the packet was, unless the interface cuts: then it cannot be told.
    if (old.bytes.size() != old.original_length) return 0;
    const auto behind = item.raw.subspan(simple_data_at + padded_to_4(old.bytes.size()));
    const auto size = block_with(item.raw.first(simple_data_at), bytes, behind, out, order);
    if (size != 0) put_number<std::uint32_t>(out, simple_original_length_at, captured, order);
    return size;
  }
  const auto behind = item.raw.subspan(packet_data_at + padded_to_4(old.bytes.size()));
  const auto size = block_with(item.raw.first(packet_data_at), bytes, behind, out, order);
  if (size == 0) return 0;
  put_number<std::uint32_t>(out, captured_length_at, captured, order);
  put_number<std::uint32_t>(out, original_length_at, original_length(old, bytes), order);
  return size;
}

}  // namespace lobo::capture
