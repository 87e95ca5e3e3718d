#pragma once
// DPDK in the few words that a port needs. dpdk_device.cpp alone reads DPDK's headers, and is
// compiled for the processor that they want. So it has no templates and no inline functions of
// others in it: of those the linker keeps one copy for the whole program, and might keep its.

#include <cstddef>
#include <cstdint>

namespace lobo::adapters::packet_io::dpdk {

inline constexpr unsigned burst_max = 64;

/// Hears what DPDK logs, from any thread.
using Hear = void (*)(const char* text, std::size_t size);

/// Once in a process; 0, or what errno says of it.
int begin(int count, char** words, Hear hear);
const char* version();

struct Device {
  std::uint16_t number = 0;
  void* pool = nullptr;
  void* lent[burst_max] = {};
  unsigned lent_count = 0;
  void* to_fill[burst_max] = {};
  unsigned to_fill_count = 0;
};

struct Shape {
  unsigned ring_entries = 0;  ///< at most; a device may have fewer
  unsigned buffers = 0;
  unsigned buffer_bytes = 0;    ///< behind the headroom
  std::size_t spare_bytes = 0;  ///< of DPDK's memory, that must be left besides
};

/// 0, or an errno; then nothing of it is left. ENOMEM where DPDK's memory is used up.
int open(Device& device, const char* name, const char* arguments, const Shape& shape);
void close(Device& device);

struct Received {
  std::byte* room = nullptr;
  std::uint32_t room_bytes = 0;
  std::uint32_t at = 0;
  std::uint32_t size = 0;
  bool in_one_piece = false;
};
/// Takes back what the last call lent.
unsigned receive(Device& device, Received* out, unsigned most);

/// Rooms of `buffer_bytes` to be filled: all, or none and false.
bool rooms_to_send(Device& device, std::byte** out, unsigned count);
/// Sends the first `count` of them, by their sizes; how many the device took. The others are gone.
unsigned send(Device& device, const std::uint32_t* sizes, unsigned count);

bool is_up(const Device& device);

struct Lost {
  std::uint64_t received = 0;  ///< no buffer, or no room in its ring
  std::uint64_t to_send = 0;   ///< the device took them, and failed
};
Lost lost(const Device& device);

}  // namespace lobo::adapters::packet_io::dpdk
