#include "adapters/packet_io/af_xdp.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "adapters/packet_io/af_packet.hpp"
#include "base/result.hpp"
#include "wire/packet_io/port.hpp"

#ifdef LOBO_AF_XDP
#include <linux/if_xdp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "adapters/capture/file.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/mapping.hpp"
#include "adapters/packet_io/offload.hpp"
#include "adapters/packet_io/xdp_attachment.hpp"
#include "base/bytes.hpp"
#include "wire/packet_io/batch.hpp"
#endif

namespace lobo::adapters::packet_io {

#ifdef LOBO_AF_XDP
namespace {

using lobo::packet_io::Batch;
using lobo::packet_io::batch_packets_max;
using lobo::packet_io::Counters;
using lobo::packet_io::DropReason;
using lobo::packet_io::Packet;
using lobo::packet_io::Port;
using lobo::packet_io::PortState;
using lobo::packet_io::tailroom_min;

constexpr std::size_t frame_bytes = XSK_UMEM__DEFAULT_FRAME_SIZE;
constexpr std::size_t kernel_headroom = 256;  ///< XDP_PACKET_HEADROOM, before each received frame
constexpr std::uint32_t half = xdp_frames / 2;
constexpr std::uint32_t ring_entries = half;
constexpr std::size_t frame_payload_max = frame_bytes - kernel_headroom - tailroom_min;
/// The kernel sends 32 frames a call in copy mode.
constexpr unsigned pushes_max = 8;
constexpr unsigned last_pushes_max = 256;
constexpr unsigned busy_tries_max = 100;
constexpr int busy_pause_ms = 10;

/// Shared with the kernel: descriptors of frames on their way.
struct Rings {
  xsk_ring_prod fill{};
  xsk_ring_cons completed{};
  xsk_ring_cons received{};
  xsk_ring_prod to_send{};
};

struct EndUmem {
  void operator()(xsk_umem* umem) const { (void)::xsk_umem__delete(umem); }
};
struct EndSocket {
  void operator()(xsk_socket* socket) const { ::xsk_socket__delete(socket); }
};

class AfXdpPort final : public Port {
 public:
  static Result<std::unique_ptr<Port>> open(const Link& link, std::uint32_t queue,
                                            std::shared_ptr<XdpAttachment> attachment);
  explicit AfXdpPort(const Link& link) : link_(link) {}
  ~AfXdpPort() override { close(); }

  std::size_t receive(Batch& batch) noexcept override;
  std::size_t send(std::span<const Packet> packets) noexcept override;
  PortState state() noexcept override;
  int descriptor() const noexcept override { return fd_; }
  bool about_to_wait() noexcept override;
  const Counters& counters() noexcept override;
  std::size_t frame_bytes_max() const noexcept override { return link_.mtu + ethernet_bytes; }
  void close() noexcept override;
  std::string trouble() const override;

 private:
  void fill_all();
  void give_back();
  void take(const xdp_desc& descriptor, std::chrono::nanoseconds now, Batch& batch);
  void reclaim();
  bool push();

  Link link_;
  std::uint32_t queue_ = 0;
  Mapping memory_;
  Rings rings_;
  std::shared_ptr<XdpAttachment> attachment_;
  std::unique_ptr<xsk_umem, EndUmem> umem_;
  std::unique_ptr<xsk_socket, EndSocket> socket_;
  int fd_ = -1;
  UniqueFile asked_;    ///< for what an XDP socket does not answer: whether the interface is up
  bool copied_ = true;  ///< not into the card's own memory: frames of software
  std::vector<std::uint64_t> lent_;  ///< at most a batch
  std::vector<std::uint64_t> free_;  ///< frames to send with, at most half
  std::uint32_t under_way_ = 0;      ///< given to the kernel to send, not yet seen completed
  Counters counters_;
  std::uint64_t drops_seen_ = 0;
};

Result<std::unique_ptr<Port>> AfXdpPort::open(const Link& link, std::uint32_t queue,
                                              std::shared_ptr<XdpAttachment> attachment) {
  constexpr const char* capabilities = "CAP_NET_RAW";
  auto port = std::make_unique<AfXdpPort>(link);
  port->memory_ = Mapping::of_memory(xdp_frames * frame_bytes);
  if (!port->memory_) return os_fault(link, "memory for XDP frames", errno, "CAP_IPC_LOCK");
  auto& rings = port->rings_;
  const xsk_umem_config memory_shape{.fill_size = ring_entries,
                                     .comp_size = ring_entries,
                                     .frame_size = frame_bytes,
                                     .frame_headroom = 0,
                                     .flags = 0};
  xsk_umem* umem = nullptr;
  if (const int error =
          -::xsk_umem__create(&umem, port->memory_.bytes().data(), port->memory_.bytes().size(),
                              &rings.fill, &rings.completed, &memory_shape);
      error != 0)
    return os_fault(link, "an XDP socket's memory", error,
                    "CAP_NET_RAW, and CAP_IPC_LOCK or a larger RLIMIT_MEMLOCK");
  port->umem_.reset(umem);
  port->fill_all();

  xsk_socket_config shape{};
  shape.rx_size = ring_entries;
  shape.tx_size = ring_entries;
  shape.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  shape.bind_flags = XDP_USE_NEED_WAKEUP;
  xsk_socket* socket = nullptr;
  if (const int error = -::xsk_socket__create(&socket, link.name.c_str(), queue, umem,
                                              &rings.received, &rings.to_send, &shape);
      error == EBUSY)
    return fail(Errc::conflict, fmt::format("{}: queue {} has an XDP socket", link.name, queue));
  else if (error != 0)
    return os_fault(link, fmt::format("an XDP socket on queue {}", queue).c_str(), error,
                    capabilities);
  port->socket_.reset(socket);
  port->fd_ = ::xsk_socket__fd(socket);
  xdp_options told{};
  socklen_t size = sizeof told;
  if (::getsockopt(port->fd_, SOL_XDP, XDP_OPTIONS, &told, &size) == 0)
    port->copied_ = (told.flags & XDP_OPTIONS_ZEROCOPY) == 0;
  if (!attachment->serve(queue, port->fd_))
    return os_fault(link, "to enter an XDP socket", errno, "CAP_BPF");
  auto asked = open_socket(link, AF_INET, SOCK_DGRAM, "a socket to ask about it");
  if (!asked) return fail(std::move(asked.error()));
  port->asked_ = std::move(*asked);
  port->queue_ = queue;
  port->attachment_ = std::move(attachment);
  port->lent_.reserve(batch_packets_max);
  return port;
}

/// The first half is the kernel's to receive with, the second half ours to send with.
void AfXdpPort::fill_all() {
  std::uint32_t at = 0;
  (void)::xsk_ring_prod__reserve(&rings_.fill, half, &at);  // the ring is as long as the half
  for (std::uint32_t i = 0; i < half; ++i)
    *::xsk_ring_prod__fill_addr(&rings_.fill, at + i) = i * frame_bytes;
  ::xsk_ring_prod__submit(&rings_.fill, half);
  free_.reserve(half);
  for (std::uint64_t i = half; i < xdp_frames; ++i) free_.push_back(i * frame_bytes);
}

void AfXdpPort::give_back() {
  if (lent_.empty()) return;
  const auto count = static_cast<std::uint32_t>(lent_.size());
  std::uint32_t at = 0;
  // There is room: the ring is as long as there are frames to receive with.
  (void)::xsk_ring_prod__reserve(&rings_.fill, count, &at);
  for (std::uint32_t i = 0; i < count; ++i)
    *::xsk_ring_prod__fill_addr(&rings_.fill, at + i) = lent_[i];
  ::xsk_ring_prod__submit(&rings_.fill, count);
  lent_.clear();
}

void AfXdpPort::take(const xdp_desc& descriptor, std::chrono::nanoseconds now, Batch& batch) {
  const std::uint64_t frame = descriptor.addr / frame_bytes * frame_bytes;
  lent_.push_back(frame);
  const Packet packet(memory_.bytes().subspan(frame, frame_bytes), descriptor.addr - frame,
                      descriptor.len, now);
  if (packet.tailroom() < tailroom_min) {
    ++counters_[DropReason::too_long];
    return;
  }
  // XDP has no word for an open checksum. A card has none; another program on this machine has.
  if (copied_ && checksum_looks_open(packet.bytes()) && fill_checksum(packet.bytes()))
    ++counters_.checksums_completed;
  counters_.received.add(packet.size());
  batch.push(packet);
}

std::size_t AfXdpPort::receive(Batch& batch) noexcept {
  batch.clear();
  if (!socket_) return 0;
  give_back();
  if (under_way_ > 0) (void)push();
  std::uint32_t at = 0;
  const auto count = ::xsk_ring_cons__peek(&rings_.received, batch_packets_max, &at);
  if (count == 0) {
    if (::xsk_ring_prod__needs_wakeup(&rings_.fill) != 0)
      (void)::recvfrom(fd_, nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);  // wakes the driver
    return 0;
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  for (std::uint32_t i = 0; i < count; ++i)
    take(*::xsk_ring_cons__rx_desc(&rings_.received, at + i), now, batch);
  ::xsk_ring_cons__release(&rings_.received, count);
  return batch.size();
}

void AfXdpPort::reclaim() {
  std::uint32_t at = 0;
  const auto count = ::xsk_ring_cons__peek(&rings_.completed, half, &at);
  for (std::uint32_t i = 0; i < count; ++i)
    free_.push_back(*::xsk_ring_cons__comp_addr(&rings_.completed, at + i));
  ::xsk_ring_cons__release(&rings_.completed, count);
  under_way_ -= count;
}

/// Whether all that was given to the kernel has been sent.
bool AfXdpPort::push() {
  for (unsigned i = 0; i < pushes_max; ++i) {
    reclaim();
    if (under_way_ == 0 || ::xsk_ring_prod__needs_wakeup(&rings_.to_send) == 0) break;
    if (::sendto(fd_, nullptr, 0, MSG_DONTWAIT, nullptr, 0) < 0 && errno != EAGAIN &&
        errno != EBUSY && errno != ENOBUFS)
      break;
  }
  reclaim();
  return under_way_ == 0;
}

std::size_t AfXdpPort::send(std::span<const Packet> packets) noexcept {
  if (!socket_) return 0;
  reclaim();
  std::size_t taken = 0;
  std::uint32_t submitted = 0;
  for (const auto& packet : packets) {
    const auto frame = packet.bytes();
    if (!link_.carries(frame)) {
      ++counters_[DropReason::too_long];
      ++taken;
      continue;
    }
    std::uint32_t at = 0;
    if (free_.empty() || ::xsk_ring_prod__reserve(&rings_.to_send, 1, &at) != 1) break;
    const auto address = free_.back();
    free_.pop_back();
    std::ranges::copy(frame, memory_.bytes().subspan(address, frame_bytes).begin());
    *::xsk_ring_prod__tx_desc(&rings_.to_send, at) = {
        .addr = address, .len = static_cast<std::uint32_t>(frame.size()), .options = 0};
    ++submitted;
    ++taken;
    counters_.sent.add(frame.size());
  }
  ::xsk_ring_prod__submit(&rings_.to_send, submitted);
  under_way_ += submitted;
  (void)push();
  return taken;
}

PortState AfXdpPort::state() noexcept {
  if (!socket_) return PortState::closed;
  int ignored = 0;
  socklen_t size = sizeof ignored;
  (void)::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &ignored, &size);
  return link_state(link_, asked_.get());
}

std::string AfXdpPort::trouble() const {
  return socket_ ? link_trouble(link_, link_state(link_, asked_.get())) : std::string{};
}

bool AfXdpPort::about_to_wait() noexcept {
  if (!socket_) return true;
  // What cannot leave while the interface is down is no reason not to rest.
  const bool to_push_again = !push() && state() == PortState::open;
  return to_push_again || !lent_.empty() || ::xsk_cons_nb_avail(&rings_.received, 1) > 0;
}

const Counters& AfXdpPort::counters() noexcept {
  xdp_statistics told{};
  socklen_t size = sizeof told;
  if (!socket_ || ::getsockopt(fd_, SOL_XDP, XDP_STATISTICS, &told, &size) != 0) return counters_;
  const std::uint64_t drops = told.rx_dropped + told.rx_ring_full + told.rx_fill_ring_empty_descs;
  counters_[DropReason::ring_full] += drops - drops_seen_;
  drops_seen_ = drops;
  return counters_;
}

void AfXdpPort::close() noexcept {
  if (!socket_) return;
  (void)counters();
  for (unsigned i = 0; i < last_pushes_max && !push(); ++i) continue;
  attachment_->leave(queue_);
  attachment_.reset();
  socket_.reset();
  umem_.reset();
  (void)asked_.close();
  fd_ = -1;
}

}  // namespace

Result<Ports> open_af_xdp(const AfXdpOptions& options) {
  auto link = find_link(options.interface);
  if (!link) return fail(std::move(link.error()));
  if (options.queues == 0 || options.queues > xdp_queues_max)
    return fail(Errc::out_of_range, fmt::format("{} queues", options.queues));
  if (link->mtu + ethernet_bytes > frame_payload_max)
    return fail(Errc::refused,
                fmt::format("{}: frames of its MTU {} do not fit a frame of XDP with its rooms, {} "
                            "bytes",
                            link->name, link->mtu, frame_payload_max));
  auto attachment = XdpAttachment::attach(*link, options);
  if (!attachment) return fail(std::move(attachment.error()));
  Ports ports;
  for (std::uint32_t queue = 0; queue < options.queues; ++queue) {
    auto port = AfXdpPort::open(*link, queue, *attachment);
    // A socket that was just closed keeps its queue until a thread of the kernel has seen to it.
    for (unsigned i = 0; i < busy_tries_max && !port && port.error().code == Errc::conflict; ++i) {
      (void)::poll(nullptr, 0, busy_pause_ms);
      port = AfXdpPort::open(*link, queue, *attachment);
    }
    if (!port) return fail(std::move(port.error()));
    ports.push_back(std::move(*port));
  }
  return ports;
}

std::string describe() { return "memory, capture files, AF_PACKET, AF_XDP (libxdp)"; }

#else

Result<Ports> open_af_xdp(const AfXdpOptions& options) {
  return fail(Errc::unavailable,
              fmt::format("{}: this program was built without AF_XDP (libxdp-dev and libbpf-dev)",
                          options.interface));
}

std::string describe() {
  return "memory, capture files, AF_PACKET; AF_XDP is off (built without libxdp)";
}

#endif

Result<Ports> open_fastest(const AfXdpOptions& options, const AfPacketOptions& otherwise) {
  auto fast = open_af_xdp(options);
  if (fast) return fast;
  Ports ports;
  for (std::uint32_t queue = 0; queue < options.queues; ++queue) {
    auto port = open_af_packet(otherwise);
    if (!port) return fail(std::move(port.error()));
    ports.push_back(std::move(*port));
  }
  if (options.tell) options.tell(fast.error().detail + "; AF_PACKET takes its place");
  return ports;
}

}  // namespace lobo::adapters::packet_io
