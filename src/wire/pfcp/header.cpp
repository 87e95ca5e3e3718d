#include "wire/pfcp/header.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"

namespace lobo::pfcp {
namespace {

constexpr unsigned version_shift = 5;
constexpr unsigned flag_follow_on = 0x04;
constexpr unsigned flag_priority = 0x02;
constexpr unsigned flag_seid = 0x01;
constexpr unsigned priority_shift = 4;
constexpr std::size_t header_bytes_min = 8;

// Behind the first four octets: [SEID], sequence number, priority or spare.
void read_envelope(ByteReader& in, unsigned flags, Envelope& envelope) {
  if ((flags & flag_seid) != 0) envelope.seid = in.be64();
  envelope.sequence_number = in.be24();
  const unsigned last = in.u8();
  if ((flags & flag_priority) != 0)
    envelope.priority = static_cast<std::uint8_t>(last >> priority_shift);
}

}  // namespace

std::string_view to_string(MessageType type) {
  switch (type) {
    case MessageType::heartbeat_request: return "heartbeat_request";
    case MessageType::heartbeat_response: return "heartbeat_response";
    case MessageType::pfd_management_request: return "pfd_management_request";
    case MessageType::pfd_management_response: return "pfd_management_response";
    case MessageType::association_setup_request: return "association_setup_request";
    case MessageType::association_setup_response: return "association_setup_response";
    case MessageType::association_update_request: return "association_update_request";
    case MessageType::association_update_response: return "association_update_response";
    case MessageType::association_release_request: return "association_release_request";
    case MessageType::association_release_response: return "association_release_response";
    case MessageType::version_not_supported_response: return "version_not_supported_response";
    case MessageType::session_set_deletion_request: return "session_set_deletion_request";
    case MessageType::session_set_deletion_response: return "session_set_deletion_response";
    case MessageType::session_set_modification_request: return "session_set_modification_request";
    case MessageType::session_set_modification_response: return "session_set_modification_response";
    case MessageType::session_establishment_request: return "session_establishment_request";
    case MessageType::session_establishment_response: return "session_establishment_response";
    case MessageType::session_modification_request: return "session_modification_request";
    case MessageType::session_modification_response: return "session_modification_response";
    case MessageType::session_deletion_request: return "session_deletion_request";
    case MessageType::session_deletion_response: return "session_deletion_response";
    case MessageType::session_report_request: return "session_report_request";
    case MessageType::session_report_response: return "session_report_response";
  }
  return "unknown";
}

MessageView parse_message(Bytes datagram) noexcept {
  MessageView view;
  if (datagram.size() < header_bytes_min) return view;
  ByteReader start(datagram);
  const unsigned flags = start.u8();
  view.type = static_cast<MessageType>(start.u8());
  const std::size_t size = header_bytes_before_length + start.be16();
  if (flags >> version_shift != version_1) {
    read_envelope(start, flags, view.envelope);
    view.fault = NotPfcp::version;
    return view;
  }
  if (size > datagram.size()) {
    view.fault = NotPfcp::length;
    return view;
  }
  ByteReader in(datagram.first(size));
  in.skip(header_bytes_before_length);
  read_envelope(in, flags, view.envelope);
  if (!in.ok()) {
    view.fault = NotPfcp::length;
    return view;
  }
  if (!has_seid(view.type)) {  // sent by mistake; it means nothing, and is not answered with
    view.envelope.seid = 0;
    view.envelope.priority.reset();
  }
  view.follow_on = (flags & flag_follow_on) != 0;
  view.ies = in.rest();
  view.behind = datagram.subspan(size);
  view.fault = has_seid(view.type) && (flags & flag_seid) == 0 ? NotPfcp::no_seid : NotPfcp::it_is;
  return view;
}

void open_message(ByteWriter& out, MessageType type, const Envelope& envelope) noexcept {
  unsigned flags = unsigned{version_1} << version_shift;
  const bool seid = has_seid(type);
  const bool priority = seid && envelope.priority;
  if (seid) flags |= flag_seid;
  if (priority) flags |= flag_priority;
  out.u8(static_cast<std::uint8_t>(flags));
  out.u8(static_cast<std::uint8_t>(type));
  out.be16(0);
  if (seid) out.be64(envelope.seid);
  out.be24(envelope.sequence_number);
  out.u8(priority ? static_cast<std::uint8_t>(*envelope.priority << priority_shift)
                  : std::uint8_t{0});
}

std::size_t close_message(ByteWriter& out) noexcept {
  const std::size_t size = out.position();
  if (!out.ok() || size < header_bytes_min || size > message_bytes_max) return 0;
  put_be16_at(out.written(), 2, static_cast<std::uint16_t>(size - header_bytes_before_length));
  return size;
}

std::size_t write_version_not_supported(MutableBytes out, std::uint32_t sequence_number) noexcept {
  ByteWriter writer(out);
  open_message(writer, MessageType::version_not_supported_response,
               {.sequence_number = sequence_number});
  return close_message(writer);
}

}  // namespace lobo::pfcp
