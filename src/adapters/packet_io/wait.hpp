#pragma once
// Where a run-to-completion worker rests when none of its ports has anything for it.

#include <chrono>
#include <cstddef>
#include <span>

#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {

inline constexpr std::size_t ports_waited_max = 16;

/// Until one of `ports` may have something to receive, or the time is over; at once where a port
/// has nothing to wait on. Whether to look.
bool wait_for_packets(std::span<lobo::packet_io::Port* const> ports,
                      std::chrono::milliseconds at_most);

}  // namespace lobo::adapters::packet_io
