// The TPACKET_V3 ring: blocks that the kernel fills with packets one behind the other. A block is
// ours from the moment its status says so until we write it back.
//
// Packets are handed out in place. In front of each the kernel leaves receive_headroom octets
// (PACKET_RESERVE); behind it stands the next packet's header, which is read before the packet is
// handed out and may then be overwritten:
//
//   header i | headroom i … frame i … tailroom i | headroom i+1 … frame i+1 …
//            ^ overlap_bytes into the header     ^ overlap_bytes into header i+1
//
// Invariant: the rooms of two packets never touch, because each begins overlap_bytes behind its
// header and ends no later than overlap_bytes behind the next. Only a block's last packet may lack
// its tailroom; it is copied.

#include <linux/if_packet.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/mapping.hpp"
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
using lobo::packet_io::DropReason;
using lobo::packet_io::Packet;
using lobo::packet_io::tailroom_min;

constexpr std::size_t overlap_bytes = tailroom_min;
static_assert(overlap_bytes >= sizeof(tpacket3_hdr));
/// Of no meaning in version 3, but checked by the kernel.
constexpr std::size_t frame_bytes = 2048;
constexpr std::size_t empty_blocks_max = 64;  ///< given back in one call

class RingReceiver final : public PacketSource {
 public:
  RingReceiver(Mapping ring, std::size_t blocks, bool offload_header)
      : ring_(std::move(ring)),
        blocks_(blocks),
        offload_header_(offload_header),
        last_(receive_headroom + receive_block_bytes + tailroom_min) {}

  void receive(Batch& batch, Counters& counters) noexcept override;
  bool ready() noexcept override { return taken_ || is_ours(); }

 private:
  MutableBytes block() const {
    return ring_.bytes().subspan(block_ * receive_block_bytes, receive_block_bytes);
  }
  std::atomic_ref<std::uint32_t> status() const {
    // The one word of a block that both sides write; the mapping is aligned to pages.
    return std::atomic_ref(*reinterpret_cast<std::uint32_t*>(
        block().data() + offsetof(tpacket_block_desc, hdr.bh1.block_status)));
  }
  bool is_ours() const { return (status().load(std::memory_order_acquire) & TP_STATUS_USER) != 0; }
  void begin_block();
  void give_back();
  bool find_block();
  Packet room_of(const tpacket3_hdr& header, std::size_t at);
  Beside beside(const tpacket3_hdr& header, std::size_t at) const;

  Mapping ring_;
  std::size_t blocks_;
  bool offload_header_;
  std::vector<std::byte> last_;  ///< a block's last packet, where its tailroom was missing
  std::size_t block_ = 0;
  bool taken_ = false;      ///< the current block is ours, and its packets may be lent
  std::uint32_t left_ = 0;  ///< packets of it not yet handed out, the first of which is `next_`
  tpacket3_hdr next_{};
  std::size_t next_at_ = 0;
};

void RingReceiver::begin_block() {
  tpacket_block_desc description;
  std::memcpy(&description, block().data(), sizeof description);
  taken_ = true;
  left_ = description.hdr.bh1.num_pkts;
  next_at_ = description.hdr.bh1.offset_to_first_pkt;
  if (left_ > 0) std::memcpy(&next_, block().data() + next_at_, sizeof next_);
}

void RingReceiver::give_back() {
  status().store(TP_STATUS_KERNEL, std::memory_order_release);
  taken_ = false;
  block_ = block_ + 1 == blocks_ ? 0 : block_ + 1;
}

/// Whether there is a packet to hand out. Blocks are empty where the timer closed them.
bool RingReceiver::find_block() {
  for (std::size_t i = 0; i < empty_blocks_max; ++i) {
    if (taken_ && left_ > 0) return true;
    if (taken_) give_back();
    if (!is_ours()) return false;
    begin_block();
  }
  return left_ > 0;
}

Beside RingReceiver::beside(const tpacket3_hdr& header, std::size_t at) const {
  Beside told;
  if ((header.tp_status & TP_STATUS_VLAN_VALID) != 0) {
    told.tagged = true;
    told.tag_control = static_cast<std::uint16_t>(header.hv1.tp_vlan_tci);
    told.tag_type = (header.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? header.hv1.tp_vlan_tpid
                                                                        : packet::ether_type_vlan;
  }
  told.checksum_open = (header.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
  if (!offload_header_ || header.tp_mac < sizeof(OffloadHeader)) return told;
  OffloadHeader offload;
  std::memcpy(&offload, block().data() + at + header.tp_mac - sizeof offload, sizeof offload);
  offload.tell(told);
  return told;
}

/// The packet with the room that is its own. next_at_ is known already.
Packet RingReceiver::room_of(const tpacket3_hdr& header, std::size_t at) {
  const std::chrono::nanoseconds arrived =
      std::chrono::seconds{header.tp_sec} + std::chrono::nanoseconds{header.tp_nsec};
  const std::size_t begin = at + overlap_bytes;
  const std::size_t frame_at = at + header.tp_mac;
  const std::size_t frame_end = frame_at + header.tp_snaplen;
  const std::size_t end = left_ > 0 ? next_at_ + overlap_bytes : receive_block_bytes;
  if (end - frame_end >= tailroom_min)
    return {block().subspan(begin, end - begin), frame_at - begin, header.tp_snaplen, arrived};
  const auto frame = block().subspan(frame_at, header.tp_snaplen);
  std::ranges::copy(frame, last_.begin() + receive_headroom);
  return {last_, receive_headroom, frame.size(), arrived};
}

void RingReceiver::receive(Batch& batch, Counters& counters) noexcept {
  batch.clear();
  if (!find_block()) return;
  while (left_ > 0 && !batch.full()) {
    const tpacket3_hdr header = next_;
    const std::size_t at = next_at_;
    if (--left_ > 0) {
      next_at_ += header.tp_next_offset;
      std::memcpy(&next_, block().data() + next_at_, sizeof next_);
    }
    const auto told = beside(header, at);
    Packet packet = room_of(header, at);
    auto reason = finish(packet, told, counters);
    if (!reason && header.tp_snaplen < header.tp_len) reason = DropReason::cut;
    if (reason) {
      ++counters[*reason];
      continue;
    }
    counters.received.add(packet.size());
    batch.push(packet);
  }
}

}  // namespace

Result<std::unique_ptr<PacketSource>> make_ring_source(const Link& link, int socket,
                                                       const AfPacketOptions& options) {
  constexpr const char* what = "a ring to receive (TPACKET_V3)";
  const std::size_t blocks = std::max<std::size_t>(
      2, std::min(options.receive_ring_bytes, receive_ring_bytes_max) / receive_block_bytes);
  if (!set_packet_option(socket, PACKET_VERSION, int{TPACKET_V3}) ||
      !set_packet_option(socket, PACKET_RESERVE, static_cast<unsigned>(receive_headroom)))
    return os_fault(link, what, errno, "CAP_NET_RAW");
  const bool offload_header = ask_for_offload_header(socket);
  tpacket_req3 request{};
  request.tp_block_size = receive_block_bytes;
  request.tp_block_nr = static_cast<unsigned>(blocks);
  request.tp_frame_size = frame_bytes;
  request.tp_frame_nr = static_cast<unsigned>(receive_block_bytes / frame_bytes * blocks);
  request.tp_retire_blk_tov =
      static_cast<unsigned>(std::max<std::int64_t>(1, options.block_patience.count()));
  if (!set_packet_option(socket, PACKET_RX_RING, request))
    return os_fault(link, what, errno, "CAP_NET_RAW");
  auto ring = Mapping::of_ring(socket, blocks * receive_block_bytes);
  if (!ring) return os_fault(link, what, errno, "CAP_NET_RAW");
  return std::make_unique<RingReceiver>(std::move(ring), blocks, offload_header);
}

}  // namespace lobo::adapters::packet_io
