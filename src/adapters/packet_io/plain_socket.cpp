// Both halves without a ring: recvmmsg() into frames of our own, sendmmsg() from the packets.

#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <memory>
#include <span>
#include <vector>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/offload.hpp"
#include "adapters/packet_io/packet_socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {
namespace {

using lobo::packet_io::Batch;
using lobo::packet_io::batch_packets_max;
using lobo::packet_io::DropReason;
using lobo::packet_io::Packet;
using lobo::packet_io::tailroom_min;

constexpr std::size_t cache_line = 64;
constexpr unsigned refused_in_a_row_max = 8;

class PlainReceiver final : public PacketSource {
 public:
  PlainReceiver(const Link& link, int socket, bool offload_header);
  void receive(Batch& batch, Counters& counters) noexcept override;
  bool ready() noexcept override { return false; }  // the kernel holds what is there

 private:
  struct alignas(cmsghdr) Ancillary {
    std::array<std::byte, CMSG_SPACE(sizeof(tpacket_auxdata)) + CMSG_SPACE(sizeof(timespec))> bytes;
  };
  void prepare(std::size_t index);
  void take(std::size_t index, Batch& batch, Counters& counters);

  int socket_;
  bool offload_header_;
  std::size_t frame_bytes_;
  std::size_t stride_;
  std::vector<std::byte> frames_;
  std::array<OffloadHeader, batch_packets_max> offloads_{};
  std::array<std::array<iovec, 2>, batch_packets_max> pieces_{};
  std::array<Ancillary, batch_packets_max> ancillary_{};
  std::array<mmsghdr, batch_packets_max> messages_{};
};

PlainReceiver::PlainReceiver(const Link& link, int socket, bool offload_header)
    : socket_(socket),
      offload_header_(offload_header),
      frame_bytes_(frame_room(link)),
      stride_((receive_headroom + frame_bytes_ + tailroom_min + cache_line - 1) / cache_line *
              cache_line),
      frames_(stride_ * batch_packets_max) {}

void PlainReceiver::prepare(std::size_t index) {
  auto& header = messages_[index].msg_hdr;
  header = {};
  pieces_[index] = {iovec{&offloads_[index], sizeof offloads_[index]},
                    iovec{frames_.data() + index * stride_ + receive_headroom, frame_bytes_}};
  header.msg_iov = pieces_[index].data() + (offload_header_ ? 0 : 1);
  header.msg_iovlen = offload_header_ ? 2 : 1;
  header.msg_control = ancillary_[index].bytes.data();
  header.msg_controllen = ancillary_[index].bytes.size();
}

void PlainReceiver::take(std::size_t index, Batch& batch, Counters& counters) {
  auto& message = messages_[index];
  Beside told;
  std::chrono::nanoseconds arrived{};
  for (cmsghdr* part = CMSG_FIRSTHDR(&message.msg_hdr); part != nullptr;
       part = CMSG_NXTHDR(&message.msg_hdr, part)) {
    if (part->cmsg_level == SOL_PACKET && part->cmsg_type == PACKET_AUXDATA) {
      tpacket_auxdata data;
      std::memcpy(&data, CMSG_DATA(part), sizeof data);
      told.tagged = (data.tp_status & TP_STATUS_VLAN_VALID) != 0;
      told.tag_control = data.tp_vlan_tci;
      told.tag_type = (data.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? data.tp_vlan_tpid
                                                                        : packet::ether_type_vlan;
      told.checksum_open = (data.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
    } else if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
      timespec time;
      std::memcpy(&time, CMSG_DATA(part), sizeof time);
      arrived = std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
    }
  }
  std::size_t size = message.msg_len;
  if (offload_header_) {
    const auto& offload = offloads_[index];
    size -= std::min(size, sizeof offload);
    offload.tell(told);
  }
  const bool cut = (message.msg_hdr.msg_flags & MSG_TRUNC) != 0;
  // Without the header only the length shows that several packets became one.
  told.aggregated |= cut && !offload_header_;
  Packet packet(MutableBytes(frames_).subspan(index * stride_, stride_), receive_headroom, size,
                arrived);
  auto reason = finish(packet, told, counters);
  if (!reason && cut) reason = DropReason::cut;
  if (reason) {
    ++counters[*reason];
    return;
  }
  counters.received.add(packet.size());
  batch.push(packet);
}

void PlainReceiver::receive(Batch& batch, Counters& counters) noexcept {
  batch.clear();
  for (std::size_t i = 0; i < batch_packets_max; ++i) prepare(i);
  const int count = ::recvmmsg(socket_, messages_.data(), batch_packets_max, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count; ++i) take(static_cast<std::size_t>(i), batch, counters);
}

class PlainSender final : public PacketSink {
 public:
  PlainSender(const Link& link, int socket) : link_(link), socket_(socket) {}
  std::size_t send(std::span<const Packet> packets, Counters& counters) noexcept override;
  bool push(Counters&) noexcept override { return true; }  // the kernel has all that was accepted

 private:
  std::size_t send_some(std::span<const Packet> packets, Counters& counters) noexcept;

  Link link_;
  int socket_;
  std::array<iovec, batch_packets_max> pieces_{};
  std::array<mmsghdr, batch_packets_max> messages_{};
};

/// At most a batch of packets that the interface carries. How many the kernel took.
std::size_t PlainSender::send_some(std::span<const Packet> packets, Counters& counters) noexcept {
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const auto frame = packets[i].bytes();
    pieces_[i] = {frame.data(), frame.size()};
    messages_[i] = {};
    messages_[i].msg_hdr.msg_iov = &pieces_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
  const int count =
      ::sendmmsg(socket_, messages_.data(), static_cast<unsigned>(packets.size()), MSG_DONTWAIT);
  const auto sent = static_cast<std::size_t>(std::max(0, count));
  for (const auto& packet : packets.first(sent)) counters.sent.add(packet.size());
  return sent;
}

std::size_t PlainSender::send(std::span<const Packet> packets, Counters& counters) noexcept {
  std::size_t taken = 0;
  unsigned refused_in_a_row = 0;
  while (taken < packets.size()) {
    const auto rest = packets.subspan(taken);
    const auto bad = std::ranges::find_if(
        rest, [this](const Packet& packet) { return !link_.carries(packet.bytes()); });
    const auto good = static_cast<std::size_t>(bad - rest.begin());
    if (good == 0) {
      ++counters[DropReason::too_long];
      ++taken;
      continue;
    }
    const std::size_t wanted = std::min(good, batch_packets_max);
    const std::size_t sent = send_some(rest.first(wanted), counters);
    taken += sent;
    if (sent > 0) {
      refused_in_a_row = 0;
    } else if (errno == ENETDOWN || errno == ENXIO || errno == ENODEV) {
      ++counters[DropReason::link_down];
      return taken + 1;
    } else if (errno != EINTR || ++refused_in_a_row == refused_in_a_row_max) {
      return taken;  // no room
    }
  }
  return taken;
}

}  // namespace

Result<std::unique_ptr<PacketSource>> make_plain_source(const Link& link, int socket,
                                                        const AfPacketOptions& options) {
  const int on = 1;
  const int buffer = static_cast<int>(std::min(options.receive_ring_bytes, receive_ring_bytes_max));
  if (!set_packet_option(socket, PACKET_AUXDATA, on))
    return os_fault(link, "to be told of VLAN tags (PACKET_AUXDATA)", errno, "CAP_NET_RAW");
  // Best effort: without times packets have none, with the usual buffer more is dropped and
  // counted.
  (void)::setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (::setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
    (void)::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  return std::make_unique<PlainReceiver>(link, socket, ask_for_offload_header(socket));
}

std::unique_ptr<PacketSink> make_plain_sink(const Link& link, int socket) {
  return std::make_unique<PlainSender>(link, socket);
}

}  // namespace lobo::adapters::packet_io
