#pragma once
// The header of a PFCP message (TS 29.244 clause 7.2.2) and what lies around it in a datagram.
// Reading borrows.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace lobo::pfcp {

inline constexpr std::uint16_t udp_port = 8805;
inline constexpr std::uint8_t version_1 = 1;
/// The Length field counts what stands behind its own four octets.
inline constexpr std::size_t header_bytes_before_length = 4;
inline constexpr std::size_t message_bytes_max = 0xFFFF + header_bytes_before_length;
inline constexpr std::uint32_t sequence_numbers = 1U << 24U;

/// Table 7.3-1; other numbers are kept as they came.
enum class MessageType : std::uint8_t {
  heartbeat_request = 1,
  heartbeat_response = 2,
  pfd_management_request = 3,
  pfd_management_response = 4,
  association_setup_request = 5,
  association_setup_response = 6,
  association_update_request = 7,
  association_update_response = 8,
  association_release_request = 9,
  association_release_response = 10,
  version_not_supported_response = 11,
  session_set_deletion_request = 14,
  session_set_deletion_response = 15,
  session_set_modification_request = 16,
  session_set_modification_response = 17,
  session_establishment_request = 50,
  session_establishment_response = 51,
  session_modification_request = 52,
  session_modification_response = 53,
  session_deletion_request = 54,
  session_deletion_response = 55,
  session_report_request = 56,
  session_report_response = 57,
};
std::string_view to_string(MessageType type);

/// Messages of a session, 50 to 99, are addressed by a SEID; those of a node have none.
constexpr bool has_seid(MessageType type) {
  const auto number = static_cast<std::uint8_t>(type);
  return number >= 50 && number < 100;
}

enum class NotPfcp : std::uint8_t {
  it_is,
  header_cut,  ///< less than a header
  version,     ///< not version 1: to be answered by a Version Not Supported Response
  length,      ///< Length leads beyond the datagram, or ends within the header
  no_seid,     ///< a session's message without the SEID that says whose
};
constexpr std::string_view to_string(NotPfcp reason) {
  switch (reason) {
    case NotPfcp::it_is: return "it_is";
    case NotPfcp::header_cut: return "header_cut";
    case NotPfcp::version: return "version";
    case NotPfcp::length: return "length";
    case NotPfcp::no_seid: return "no_seid";
  }
  std::abort();
}

/// What a message is addressed by and answered with.
struct Envelope {
  std::uint64_t seid = 0;             ///< of the receiver; 0 where it has told none yet
  std::uint32_t sequence_number = 0;  ///< 24 bits; a response repeats that of its request
  /// 0 is the most urgent of 16; a response repeats it. Messages of a session only.
  std::optional<std::uint8_t> priority;
  bool operator==(const Envelope&) const = default;
};

struct MessageView {
  Envelope envelope;
  Bytes ies;     ///< the information elements
  Bytes behind;  ///< of the datagram: another message where follow_on, else nobody's
  MessageType type{};
  bool follow_on = false;  ///< the sender bundles: another message stands behind this one
  NotPfcp fault = NotPfcp::header_cut;

  bool ok() const { return fault == NotPfcp::it_is; }
};

/// `datagram` is the user data of a UDP datagram to or from udp_port. Of another version the type
/// and, as far as the octets go, the envelope are read as in version 1, so that it can be answered.
MessageView parse_message(Bytes datagram) noexcept;

/// Octets of a header of that type.
constexpr std::size_t header_bytes(MessageType type) { return has_seid(type) ? 16 : 8; }

/// Writes a header with a Length of zero; close_message() sets it.
void open_message(ByteWriter& out, MessageType type, const Envelope& envelope) noexcept;
/// Sets the Length of what `out` has written, one message from its beginning, and returns its size:
/// 0 if it did not fit.
std::size_t close_message(ByteWriter& out) noexcept;

/// A message without information elements: the Version Not Supported Response (clause 7.4.4.7).
std::size_t write_version_not_supported(MutableBytes out, std::uint32_t sequence_number) noexcept;

}  // namespace lobo::pfcp
