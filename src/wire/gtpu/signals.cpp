#include "wire/gtpu/signals.hpp"

#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/bytes.hpp"
#include "model/address.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::gtpu {
namespace {

// Table 8.1-1.
constexpr std::uint8_t ie_recovery = 14;
constexpr std::uint8_t ie_teid_data = 16;
constexpr std::uint8_t ie_peer_address = 133;
constexpr std::uint8_t ie_extension_types = 141;
constexpr std::uint8_t flags_with_sequence = 0x32;
constexpr std::size_t optional_bytes = 4;

void write_header(ByteWriter& out, std::uint8_t type, std::size_t ies_bytes,
                  std::uint16_t sequence_number) {
  out.u8(flags_with_sequence);
  out.u8(type);
  out.be16(static_cast<std::uint16_t>(optional_bytes + ies_bytes));
  out.be32(0);  // TEID: clauses 7.2.2 and 7.3.1
  out.be16(sequence_number);
  out.be16(0);
}

}  // namespace

void write_echo_response(ByteWriter& out, std::uint16_t sequence_number) noexcept {
  constexpr std::size_t recovery_bytes = 2;
  write_header(out, message_echo_response, recovery_bytes, sequence_number);
  out.u8(ie_recovery);
  out.u8(0);  // clause 8.2: zero, and of no meaning to who receives it
}

void write_error_indication(ByteWriter& out, std::uint32_t teid,
                            const model::IpAddress& own) noexcept {
  constexpr std::size_t teid_bytes = 5;
  constexpr std::size_t address_head_bytes = 3;
  const std::size_t address_bytes = model::address_bits(own) / 8;
  write_header(out, message_error_indication, teid_bytes + address_head_bytes + address_bytes, 0);
  out.u8(ie_teid_data);
  out.be32(teid);
  out.u8(ie_peer_address);
  out.be16(static_cast<std::uint16_t>(address_bytes));
  std::visit(
      [&out](const auto& address) {
        for (const auto octet : address.octets) out.u8(octet);
      },
      own);
}

void write_supported_extensions(ByteWriter& out) noexcept {
  constexpr std::size_t head_bytes = 2;  // clause 8.5: the length is one octet
  write_header(out, message_supported_extensions, head_bytes + extensions_understood.size(), 0);
  out.u8(ie_extension_types);
  out.u8(static_cast<std::uint8_t>(extensions_understood.size()));
  for (const auto type : extensions_understood) out.u8(type);
}

}  // namespace lobo::gtpu
