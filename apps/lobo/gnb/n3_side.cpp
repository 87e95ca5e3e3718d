#include "gnb/n3_side.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/udp/batch_socket.hpp"
#include "adapters/udp/readiness.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "gnb/gnb_config.hpp"
#include "model/address.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/gtpu/signals.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t headroom_bytes = 128;
constexpr unsigned errors_per_second_max = 100;
/// Batches that are taken before others have their turn.
constexpr std::size_t batches_max = 8;

N3Event event_of(std::uint8_t message_type) {
  switch (message_type) {
    case gtpu::message_echo_request: return N3Event::echo_request;
    case gtpu::message_echo_response: return N3Event::echo_response;
    case gtpu::message_error_indication: return N3Event::error_indication;
    case gtpu::message_supported_extensions: return N3Event::supported_extensions;
    case gtpu::message_end_marker: return N3Event::end_marker;
    default: return N3Event::other_message;
  }
}

}  // namespace

bool is_whole_ip(Bytes packet) {
  const auto read = packet::parse_ip(packet);
  switch (read.unread) {
    case packet::Unread::frame_too_long:
    case packet::Unread::link_header_cut:
    case packet::Unread::too_many_vlan_tags:
    case packet::Unread::not_ip:
    case packet::Unread::ip_header_cut:
    case packet::Unread::ip_header_length:
    case packet::Unread::ip_length:
    case packet::Unread::ip_cut: return false;
    case packet::Unread::nothing:
    case packet::Unread::ipv6_chain_cut:
    case packet::Unread::ipv6_chain_too_long:
    case packet::Unread::fragment_first:
    case packet::Unread::fragment_later:
    case packet::Unread::not_udp:
    case packet::Unread::udp_header_cut:
    case packet::Unread::udp_length: return true;
  }
  return false;
}

Result<std::unique_ptr<N3Side>> N3Side::open(adapters::EventLoop& loop, const GnbListen& at,
                                             gtpu::Release release, Downlink downlink, Done done) {
  auto socket = adapters::BatchSocket::open({at.address, at.port});
  if (!socket) return fail(std::move(socket.error()));
  std::unique_ptr<N3Side> side(
      new N3Side(std::move(*socket), release, std::move(downlink), std::move(done)));
  N3Side* const self = side.get();
  side->readiness_ =
      std::make_unique<adapters::Readiness>(loop, side->socket_.descriptor(), [self] {
        const auto take = [self](const adapters::UdpEndpoint& from, Bytes datagram) {
          self->receive(from, datagram);
        };
        for (std::size_t i = 0; i < batches_max; ++i)
          if (self->socket_.receive(take) < adapters::udp_batch_max) break;
        self->done_();
      });
  return side;
}

void N3Side::receive(const adapters::UdpEndpoint& from, Bytes datagram) {
  const gtpu::GtpuView message = gtpu::parse_gtpu(datagram);
  if (!message.ok()) return add(N3Event::malformed);
  if (message.message_type == gtpu::message_g_pdu)
    take_g_pdu(from, message);
  else
    take_signal(from, message);
}

void N3Side::take_signal(const adapters::UdpEndpoint& from, const gtpu::GtpuView& message) {
  const N3Event event = event_of(message.message_type);
  add(event);
  if (event != N3Event::echo_request) return;
  std::array<std::byte, gtpu::signal_bytes_max> room{};
  ByteWriter out(room);
  gtpu::write_echo_response(out, message.sequence_number.value_or(0));
  socket_.send(from, out.written());
}

void N3Side::take_g_pdu(const adapters::UdpEndpoint& from, const gtpu::GtpuView& message) {
  add(N3Event::g_pdu);
  const auto ue = ues_.find(message.teid);
  if (ue == ues_.end()) return refuse_tunnel(from, message.teid);
  const bool understood =
      std::ranges::all_of(message.extensions(), [](const gtpu::Extension& extension) {
        return !gtpu::endpoint_must_understand(extension.type) ||
               gtpu::endpoint_understands(extension.type);
      });
  if (!understood) return refuse_extension(from);
  const Bytes packet = message.payload();
  if (!is_whole_ip(packet)) return add(N3Event::not_ip);
  downlink_(ue->second, dataplane::read_conveyed(message, release_), packet);
}

/// Who can make us send, can make us send much.
bool N3Side::may_refuse() {
  const auto now = std::chrono::steady_clock::now();
  if (now - errors_since_ >= std::chrono::seconds{1}) {
    errors_since_ = now;
    errors_sent_ = 0;
  }
  if (errors_sent_ == errors_per_second_max) {
    add(N3Event::error_held_back);
    return false;
  }
  ++errors_sent_;
  add(N3Event::error_sent);
  return true;
}

// TS 29.281 clause 7.3.1.
void N3Side::refuse_tunnel(const adapters::UdpEndpoint& from, std::uint32_t teid) {
  add(N3Event::unknown_teid);
  if (!may_refuse()) return;
  std::array<std::byte, gtpu::signal_bytes_max> room{};
  ByteWriter out(room);
  gtpu::write_error_indication(out, teid, socket_.local().address);
  socket_.send({from.address, gtpu::udp_port}, out.written());
}

// Clause 7.2.3.
void N3Side::refuse_extension(const adapters::UdpEndpoint& from) {
  add(N3Event::extension_not_understood);
  if (!may_refuse()) return;
  std::array<std::byte, gtpu::signal_bytes_max> room{};
  ByteWriter out(room);
  gtpu::write_supported_extensions(out);
  socket_.send({from.address, gtpu::udp_port}, out.written());
}

void N3Side::send(const model::IpAddress& upf, std::uint32_t teid, const gtpu::UlSession& container,
                  Bytes packet) {
  std::array<std::byte, gtpu::container_content_bytes_max + 16> content{};
  ByteWriter out(content);
  gtpu::write_ul_session(out, container, release_);
  const std::array extensions{
      gtpu::Extension{gtpu::type_pdu_session_container, Bytes(out.written())}};
  std::vector<std::byte> room(headroom_bytes + packet.size());
  std::ranges::copy(packet, room.begin() + headroom_bytes);
  const auto begin = gtpu::encapsulate(room, headroom_bytes, teid, extensions);
  if (!out.ok() || !begin) return;
  add(N3Event::uplink_sent);
  socket_.send({upf, gtpu::udp_port}, Bytes(room).subspan(*begin));
}

}  // namespace lobo::app
