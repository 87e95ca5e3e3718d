#pragma once
// Two ports joined by memory: what one sends the other receives. A ring of frames in each
// direction, with one producer and one consumer, which may be two threads. For tests, for
// benchmarks that want no kernel, and where no interface may be opened.

#include <cstddef>
#include <memory>
#include <utility>

#include "base/result.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {

struct MemoryOptions {
  std::size_t ring_packets = 1024;  ///< in each direction, a power of two
  std::size_t frame_bytes_max = 1518;
};
inline constexpr std::size_t memory_ring_packets_max = std::size_t{1} << 20U;
inline constexpr std::size_t memory_frame_bytes_max = std::size_t{64} << 10U;

struct MemoryPair {
  std::unique_ptr<lobo::packet_io::Port> first;
  std::unique_ptr<lobo::packet_io::Port> second;
};

/// A fault if the numbers are beyond their bounds.
Result<MemoryPair> make_memory_pair(const MemoryOptions& options);

}  // namespace lobo::adapters::packet_io
