#pragma once
// What a packet capture file holds, of either format: classic pcap (microseconds or nanoseconds)
// and pcapng, each in both byte orders. Values borrow the bytes that were read.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/bytes.hpp"

namespace lobo::capture {

enum class Format : std::uint8_t { pcap_microseconds, pcap_nanoseconds, pcapng };

enum class ByteOrder : std::uint8_t { little, big };

/// The link types whose packets we look into. A capture may have any other number; its packets are
/// passed on as they are.
enum class LinkType : std::uint32_t {
  null = 0,
  ethernet = 1,
  raw = 101,
  loop = 108,
  linux_sll = 113,
  ipv4 = 228,
  ipv6 = 229,
  linux_sll2 = 276,
  unknown = 0xFFFFFFFF,  ///< a packet of an interface that the capture does not describe
};

/// The largest packet that tcpdump and Wireshark write.
inline constexpr std::uint32_t packet_bytes_max = 262144;
/// A block of pcapng: the largest packet, its options, and room for long tables of names.
inline constexpr std::uint32_t block_bytes_max = 16U << 20U;
inline constexpr std::size_t interfaces_max = 65536;  ///< of one section

struct Packet {
  std::chrono::nanoseconds time{};  ///< since 1970; 0 where the capture tells none
  LinkType link_type = LinkType::unknown;
  std::uint32_t interface = 0;        ///< counted in its section
  std::uint32_t original_length = 0;  ///< on the wire; more than bytes.size() where it was cut
  Bytes bytes;
};

/// What a capture consists of: what describes it, its packets, and what we do not look into.
struct Item {
  enum class Kind : std::uint8_t {
    header,   ///< of the file, of a section, of an interface
    packet,   ///< `packet` is filled
    other,    ///< names, statistics, blocks that we do not know
    damaged,  ///< its frame is sound, what stands in it contradicts itself
  };
  Kind kind = Kind::other;
  // What its numbers are read and written by. A later section may have another order, so an item
  // that is kept says its own.
  Format format = Format::pcapng;
  ByteOrder byte_order = ByteOrder::little;
  Bytes raw;  ///< the whole item, as the file has it
  Packet packet;
};

/// Why the rest of a capture cannot be read.
enum class Broken : std::uint8_t {
  not_a_capture,
  version,          ///< a format version that nobody wrote down
  record_too_long,  ///< a packet over packet_bytes_max
  block_length,     ///< no multiple of four, shorter than its own frame, or told differently twice
  block_too_long,   ///< over block_bytes_max
  byte_order,       ///< a section whose byte order mark is none
};

constexpr std::string_view to_string(Broken broken) {
  switch (broken) {
    case Broken::not_a_capture: return "it is neither pcap nor pcapng";
    case Broken::version: return "its format version is unknown";
    case Broken::record_too_long: return "a packet states a length that no packet has";
    case Broken::block_length: return "a block contradicts itself about its length";
    case Broken::block_too_long: return "a block states a length that no block has";
    case Broken::byte_order: return "a section's byte order cannot be told";
  }
  std::abort();
}

}  // namespace lobo::capture
