#pragma once
// Where things stand in a capture file: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.

#include <cstddef>
#include <cstdint>

namespace lobo::capture {

// Classic pcap: one header, then records.
inline constexpr std::uint32_t magic_microseconds = 0xA1B2C3D4;
inline constexpr std::uint32_t magic_nanoseconds = 0xA1B23C4D;
inline constexpr std::size_t file_header_bytes = 24;
inline constexpr std::size_t record_header_bytes = 16;
inline constexpr std::uint16_t pcap_version_major = 2;
inline constexpr std::uint16_t pcap_version_minor = 4;

// pcapng: blocks of type, total length, body, total length.
inline constexpr std::size_t block_frame_bytes = 12;
inline constexpr std::size_t block_body_at = 8;
inline constexpr std::uint32_t byte_order_magic = 0x1A2B3C4D;
inline constexpr std::uint32_t section_block = 0x0A0D0D0A;  // reads the same in both byte orders
inline constexpr std::uint32_t interface_block = 1;
inline constexpr std::uint32_t old_packet_block = 2;
inline constexpr std::uint32_t simple_packet_block = 3;
inline constexpr std::uint32_t enhanced_packet_block = 6;
inline constexpr std::size_t section_block_bytes_min = 28;
inline constexpr std::size_t interface_block_bytes_min = 20;
inline constexpr std::size_t simple_packet_bytes_min = 16;
inline constexpr std::size_t packet_block_bytes_min = 32;  // enhanced and old packet block alike
// Of both packet blocks, from the front of the block.
inline constexpr std::size_t time_high_at = 12;
inline constexpr std::size_t time_low_at = 16;
inline constexpr std::size_t captured_length_at = 20;
inline constexpr std::size_t original_length_at = 24;
inline constexpr std::size_t packet_data_at = 28;
inline constexpr std::size_t simple_original_length_at = 8;
inline constexpr std::size_t simple_data_at = 12;

inline constexpr std::uint16_t option_end = 0;
inline constexpr std::uint16_t option_if_tsresol = 9;
inline constexpr std::uint16_t option_if_tsoffset = 14;

}  // namespace lobo::capture
