#include "dataplane/stages/signalling.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/gtpu/signals.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"

namespace lobo::dataplane {
namespace {

// Table 8.1-1. Below 128 a type tells its length.
constexpr std::uint8_t ie_recovery = 14;
constexpr std::uint8_t ie_teid_data = 16;
constexpr std::uint8_t ie_peer_address = 133;
constexpr std::uint8_t ie_with_length = 0x80;

constexpr double ns_per_second = 1e9;

bool resize(packet_io::Packet& packet, std::size_t size) {
  return packet.size() > size ? packet.shrink_back(packet.size() - size)
                              : packet.grow_back(size - packet.size());
}

/// Turns the frame of `passage` into one that goes back to where it came from.
bool answer_with(Passage& passage, Bytes message, std::uint16_t to_port) {
  const Bytes came = passage.packet->bytes();
  packet::EthernetFields link;
  for (std::size_t i = 0; i < 6; ++i) {
    link.source.octets[i] = u8_at(came, i);
    link.destination.octets[i] = u8_at(came, 6 + i);
  }
  const packet::PacketView outer = packet::parse_ethernet(came);
  packet::FlowKey flow = outer.flow.reversed();
  flow.destination_port = to_port;
  flow.source_port = gtpu::udp_port;
  const std::size_t ip_bytes =
      flow.ip_version == 6 ? packet::ipv6_header_bytes : packet::ipv4_header_bytes_min;
  const std::size_t size =
      packet::ethernet_header_bytes + ip_bytes + packet::udp_header_bytes + message.size();
  if (!resize(*passage.packet, size)) return false;
  const auto built = packet::build_udp_frame(passage.packet->bytes(), link, flow, {}, message);
  passage.answered = built.has_value();
  return passage.answered;
}

struct ErrorIndication {
  std::optional<std::uint32_t> teid;
  std::optional<std::uint32_t> peer_v4;
};

ErrorIndication read_error(Bytes ies) {
  ErrorIndication error;
  ByteReader in(ies);
  while (in.ok() && in.left() > 0) {  // each turn takes at least one octet
    const std::uint8_t type = in.u8();
    if (type == ie_teid_data) {
      error.teid = in.be32();
    } else if (type == ie_recovery) {
      in.skip(1);
    } else if ((type & ie_with_length) != 0) {
      const Bytes value = in.bytes(in.be16());
      if (type == ie_peer_address && value.size() == 4) error.peer_v4 = be32_at(value, 0);
    } else {
      break;  // a type whose length nobody told us
    }
  }
  return in.ok() ? error : ErrorIndication{};
}

std::optional<Signal> signal_of(std::uint8_t message_type) {
  switch (message_type) {
    case gtpu::message_echo_request: return Signal::echo_request;
    case gtpu::message_echo_response: return Signal::echo_response;
    case gtpu::message_error_indication: return Signal::error_indication;
    case gtpu::message_supported_extensions: return Signal::supported_extensions;
    case gtpu::message_end_marker: return Signal::end_marker;
    default: return std::nullopt;
  }
}

}  // namespace

Signalling::Signalling(const PathSettings& settings, WorkerEvents& events, PathCounters& counters)
    : events_(events), counters_(counters) {
  const double rate = settings.error_indications_per_second;
  error_rate_ = {.octets_per_ns = rate / ns_per_second, .depth = rate, .first = rate};
}

void Signalling::take(Passage& passage, const gtpu::GtpuView& message, const Turn& turn) noexcept {
  const auto signal = signal_of(message.message_type);
  if (!signal) {
    passage.drop = PathDrop::gtpu_message;
    return;
  }
  passage.signal = *signal;
  if (*signal == Signal::echo_request) answer_echo(passage, message);
  if (*signal == Signal::error_indication) take_error(message, turn);
}

void Signalling::answer_echo(Passage& passage, const gtpu::GtpuView& message) noexcept {
  std::array<std::byte, gtpu::signal_bytes_max> room{};
  ByteWriter out(room);
  gtpu::write_echo_response(out, message.sequence_number.value_or(0));
  if (answer_with(passage, out.written(), passage.view.flow.source_port)) counters_.answers.add(1);
}

void Signalling::take_error(const gtpu::GtpuView& message, const Turn& turn) noexcept {
  const ErrorIndication error = read_error(message.payload());
  const std::uint64_t seid =
      error.teid && error.peer_v4 ? turn.rules.seid_of_peer(*error.peer_v4, *error.teid) : 0;
  if (seid == 0) {
    counters_.errors_unmatched.add(1);
    return;
  }
  const bool told = events_.push({.kind = WorkerEvent::Kind::error_indication,
                                  .seid = seid,
                                  .id = *error.teid,
                                  .peer_v4 = *error.peer_v4});
  if (!told) counters_.events_lost.add(1);
}

bool Signalling::may_refuse(const Turn& turn) noexcept {
  errors_.refill(error_rate_, turn.now);
  if (errors_.octets >= 1) return true;
  counters_.answers_held_back.add(1);
  return false;
}

// Clauses 4.4.2.3, 4.4.2.5: to GTP-U's port, whatever port the packet came from.
void Signalling::refuse_with(Passage& passage, Bytes message) noexcept {
  if (!answer_with(passage, message, gtpu::udp_port)) return;
  errors_.octets -= 1;
  counters_.answers.add(1);
}

void Signalling::refuse_tunnel(Passage& passage, const Turn& turn) noexcept {
  if (!may_refuse(turn)) return;
  const packet::PacketView outer = packet::parse_ethernet(passage.packet->bytes());
  std::array<std::byte, gtpu::signal_bytes_max> room{};
  ByteWriter out(room);
  gtpu::write_error_indication(out, passage.facts.teid, outer.flow.destination());
  refuse_with(passage, out.written());
}

void Signalling::refuse_extension(Passage& passage, const Turn& turn) noexcept {
  if (!may_refuse(turn)) return;
  std::array<std::byte, gtpu::signal_bytes_max> room{};
  ByteWriter out(room);
  gtpu::write_supported_extensions(out);
  refuse_with(passage, out.written());
}

}  // namespace lobo::dataplane
