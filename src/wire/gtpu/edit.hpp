#pragma once
// A G-PDU without what it says of PDU Sets.

#include <cstddef>

#include "base/bytes.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::gtpu {

/// Writes the message of `view` without PDU Set Information Containers, and without burst size and
/// time to next burst in its PDU Session Container; all else of it stays. Its length; 0 if there is
/// nothing to take out, or no room.
std::size_t write_without_marks(MutableBytes out, const GtpuView& view, Release release) noexcept;

}  // namespace lobo::gtpu
