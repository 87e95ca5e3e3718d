// The TPACKET_V2 send ring: slots that we fill and mark, a system call that makes the kernel send
// all that are marked, in order, and slots that it frees when the frame has left.

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/mapping.hpp"
#include "adapters/packet_io/packet_socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {
namespace {

using lobo::packet_io::DropReason;
using lobo::packet_io::Packet;

constexpr std::size_t data_at = TPACKET2_HDRLEN - sizeof(sockaddr_ll);
constexpr std::size_t block_bytes_min = std::size_t{64} << 10U;
constexpr unsigned pushes_max = 4;  ///< system calls for one batch

class RingSender final : public PacketSink {
 public:
  RingSender(const Link& link, int socket, Mapping ring, std::size_t slots, std::size_t slot_bytes)
      : link_(link),
        socket_(socket),
        ring_(std::move(ring)),
        slots_(slots),
        slot_bytes_(slot_bytes) {}

  std::size_t send(std::span<const Packet> packets, Counters& counters) noexcept override;
  bool push(Counters& counters) noexcept override;

 private:
  MutableBytes slot(std::size_t index) const {
    return ring_.bytes().subspan(index * slot_bytes_, slot_bytes_);
  }
  std::atomic_ref<std::uint32_t> status(std::size_t index) const {
    return std::atomic_ref(
        *reinterpret_cast<std::uint32_t*>(slot(index).data() + offsetof(tpacket2_hdr, tp_status)));
  }
  std::size_t before(std::size_t index) const { return index == 0 ? slots_ - 1 : index - 1; }
  bool is_free(std::size_t index, Counters& counters) const;
  bool all_taken() const {
    return (status(before(at_)).load(std::memory_order_acquire) & TP_STATUS_SEND_REQUEST) == 0;
  }
  void recall(Counters& counters);

  Link link_;
  int socket_;
  Mapping ring_;
  std::size_t slots_;
  std::size_t slot_bytes_;
  std::size_t at_ = 0;  ///< the slot that is filled next
};

bool RingSender::is_free(std::size_t index, Counters& counters) const {
  const auto word = status(index);
  const auto now = word.load(std::memory_order_acquire);
  if ((now & TP_STATUS_WRONG_FORMAT) != 0) {
    ++counters[DropReason::refused];
    word.store(TP_STATUS_AVAILABLE, std::memory_order_release);
    return true;
  }
  return (now & (TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING)) == 0;
}

/// Takes back what the kernel has not begun to send, newest first, so that it does not leave when
/// the interface comes up again much later. The kernel stands at the oldest of these.
void RingSender::recall(Counters& counters) {
  for (std::size_t i = 0; i < slots_; ++i) {
    const std::size_t newest = before(at_);
    auto wanted = static_cast<std::uint32_t>(TP_STATUS_SEND_REQUEST);
    if (!status(newest).compare_exchange_strong(wanted, TP_STATUS_AVAILABLE)) return;
    tpacket2_hdr header;
    std::memcpy(&header, slot(newest).data(), sizeof header);
    --counters.sent.packets;
    counters.sent.bytes -= header.tp_len;
    ++counters[DropReason::link_down];
    at_ = newest;
  }
}

bool RingSender::push(Counters& counters) noexcept {
  for (unsigned i = 0; i < pushes_max; ++i) {
    if (all_taken()) return true;
    if (::send(socket_, nullptr, 0, MSG_DONTWAIT) >= 0 || errno == EINTR) continue;
    if (errno == ENETDOWN || errno == ENXIO || errno == ENODEV) recall(counters);
    if (errno != ENOBUFS && errno != EAGAIN) break;
  }
  return all_taken();
}

std::size_t RingSender::send(std::span<const Packet> packets, Counters& counters) noexcept {
  std::size_t taken = 0;
  for (const auto& packet : packets) {
    const auto frame = packet.bytes();
    if (!link_.carries(frame)) {
      ++counters[DropReason::too_long];
      ++taken;
      continue;
    }
    if (!is_free(at_, counters)) break;
    const auto room = slot(at_);
    const auto size = static_cast<std::uint32_t>(frame.size());
    std::memcpy(room.data() + offsetof(tpacket2_hdr, tp_len), &size, sizeof size);
    std::ranges::copy(frame, room.begin() + data_at);
    status(at_).store(TP_STATUS_SEND_REQUEST, std::memory_order_release);
    at_ = at_ + 1 == slots_ ? 0 : at_ + 1;
    counters.sent.add(frame.size());
    ++taken;
  }
  push(counters);
  return taken;
}

}  // namespace

Result<std::unique_ptr<PacketSink>> make_ring_sink(const Link& link, int socket,
                                                   const AfPacketOptions& options) {
  constexpr const char* what = "a ring to send (TX_RING)";
  const std::size_t slot_bytes = std::bit_ceil(data_at + frame_room(link));
  const std::size_t block_bytes = std::max(slot_bytes, block_bytes_min);
  const std::size_t slots_of_block = block_bytes / slot_bytes;
  const std::size_t wanted =
      std::clamp<std::size_t>(options.send_ring_frames, 1, send_ring_frames_max);
  const std::size_t blocks = (wanted + slots_of_block - 1) / slots_of_block;
  tpacket_req request{};
  request.tp_block_size = static_cast<unsigned>(block_bytes);
  request.tp_block_nr = static_cast<unsigned>(blocks);
  request.tp_frame_size = static_cast<unsigned>(slot_bytes);
  request.tp_frame_nr = static_cast<unsigned>(blocks * slots_of_block);
  // PACKET_LOSS: a frame that the kernel refuses is skipped, it does not stop the ring.
  if (!set_packet_option(socket, PACKET_VERSION, int{TPACKET_V2}) ||
      !set_packet_option(socket, PACKET_LOSS, 1) ||
      !set_packet_option(socket, PACKET_TX_RING, request))
    return os_fault(link, what, errno, "CAP_NET_RAW");
  auto ring = Mapping::of_ring(socket, blocks * block_bytes);
  if (!ring) return os_fault(link, what, errno, "CAP_NET_RAW");
  return std::make_unique<RingSender>(link, socket, std::move(ring), blocks * slots_of_block,
                                      slot_bytes);
}

}  // namespace lobo::adapters::packet_io
