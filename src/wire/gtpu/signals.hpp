#pragma once
// GTP-U's own messages (TS 29.281 clause 7): those that an endpoint answers with, and the types of
// those that it may get.

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "model/address.hpp"

namespace lobo::gtpu {

// TS 29.281 table 6.1-1.
inline constexpr std::uint8_t message_echo_request = 1;
inline constexpr std::uint8_t message_echo_response = 2;
inline constexpr std::uint8_t message_error_indication = 26;
inline constexpr std::uint8_t message_supported_extensions = 31;
inline constexpr std::uint8_t message_end_marker = 254;

/// What the writers below need at most.
inline constexpr std::size_t signal_bytes_max = 64;

/// Clause 7.2.2.
void write_echo_response(ByteWriter& out, std::uint16_t sequence_number) noexcept;
/// Clause 7.3.1: the TEID that a G-PDU named and nobody has, and our address.
void write_error_indication(ByteWriter& out, std::uint32_t teid,
                            const model::IpAddress& own) noexcept;
/// Clause 7.2.3: to who sent an extension header that we would have to understand, and do not.
void write_supported_extensions(ByteWriter& out) noexcept;

}  // namespace lobo::gtpu
