#pragma once
// Writes a new capture, little-endian: classic pcap with nanoseconds, or pcapng with an interface
// for each link type and times in nanoseconds.

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::capture {

/// More than what stands before and behind a packet's bytes, headers of file and interface
/// included.
inline constexpr std::size_t writer_room = 256;

class Writer {
 public:
  explicit Writer(Format format) : format_(format) {}

  /// The packet as it stands in the file, headers before it where they are due, written to `out`,
  /// which must have room for the bytes and writer_room. How many bytes were written; a fault where
  /// the format cannot hold the packet.
  Result<std::size_t> packet(const Packet& packet, MutableBytes out);

  /// What an empty capture consists of: headers alone.
  std::size_t headers(LinkType link_type, MutableBytes out);

 private:
  static constexpr std::size_t link_types_max = 16;  ///< we look into eight

  std::size_t interface_header(LinkType link_type, MutableBytes out);

  Format format_;
  bool begun_ = false;
  std::array<LinkType, link_types_max> interfaces_{};
  std::size_t interface_count_ = 0;
};

}  // namespace lobo::capture
