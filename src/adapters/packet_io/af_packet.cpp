#include "adapters/packet_io/af_packet.hpp"

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "adapters/capture/file.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/packet_socket.hpp"
#include "adapters/packet_io/split_program.hpp"
#include "base/result.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {
namespace {

using lobo::packet_io::Batch;
using lobo::packet_io::DropReason;
using lobo::packet_io::Packet;
using lobo::packet_io::Port;
using lobo::packet_io::PortState;

constexpr int send_buffer_bytes = 4 << 20;
constexpr unsigned last_pushes_max = 64;  ///< when the port is closed

sockaddr_ll address_of(const Link& link, std::uint16_t protocol) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  address.sll_ifindex = link.index;
  return address;
}

bool bind_to(int socket, const Link& link, std::uint16_t protocol) {
  const auto address = address_of(link, protocol);
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Two sockets, because a ring of version 3 receives only. What is made of a socket ends before it.
struct Receiving {
  UniqueFile socket;
  std::unique_ptr<PacketSource> source;
};
struct Sending {
  UniqueFile socket;
  std::unique_ptr<PacketSink> sink;
};

class AfPacketPort final : public Port {
 public:
  AfPacketPort(Link link, Receiving receiving, Sending sending, Tell tell)
      : link_(std::move(link)),
        receiving_(std::move(receiving)),
        sending_(std::move(sending)),
        tell_(std::move(tell)),
        aggregated_advice_(aggregated_advice(link_)) {}
  ~AfPacketPort() override { close(); }

  std::size_t receive(Batch& batch) noexcept override {
    batch.clear();
    if (!receiving_.source) return 0;
    if (waiting_to_leave_) waiting_to_leave_ = !sending_.sink->push(counters_);
    receiving_.source->receive(batch, counters_);
    if (counters_[DropReason::aggregated] > 0 && !std::exchange(told_aggregated_, true) && tell_)
      tell_(aggregated_advice_);
    return batch.size();
  }

  std::size_t send(std::span<const Packet> packets) noexcept override {
    if (!sending_.sink) return 0;
    const auto taken = sending_.sink->send(packets, counters_);
    waiting_to_leave_ = !sending_.sink->push(counters_);
    return taken;
  }

  PortState state() noexcept override {
    if (!receiving_.source) return PortState::closed;
    // A pending error would end each wait at once, and has no more to say than this.
    int ignored = 0;
    socklen_t size = sizeof ignored;
    (void)::getsockopt(receiving_.socket.get(), SOL_SOCKET, SO_ERROR, &ignored, &size);
    (void)::getsockopt(sending_.socket.get(), SOL_SOCKET, SO_ERROR, &ignored, &size);
    return link_state(link_, receiving_.socket.get());
  }

  int descriptor() const noexcept override { return receiving_.socket.get(); }
  bool about_to_wait() noexcept override {
    if (!receiving_.source) return true;
    if (waiting_to_leave_) waiting_to_leave_ = !sending_.sink->push(counters_);
    return waiting_to_leave_ || receiving_.source->ready();
  }

  const Counters& counters() noexcept override {
    if (receiving_.source) count_ring_drops(receiving_.socket.get(), counters_);
    return counters_;
  }
  std::size_t frame_bytes_max() const noexcept override { return link_.mtu + ethernet_bytes; }

  void close() noexcept override {
    if (!receiving_.source) return;
    (void)counters();
    for (unsigned i = 0; i < last_pushes_max && !sending_.sink->push(counters_); ++i) continue;
    receiving_.source.reset();
    sending_.sink.reset();
    (void)receiving_.socket.close();
    (void)sending_.socket.close();
  }

  std::string trouble() const override {
    if (!receiving_.source) return {};
    return link_trouble(link_, link_state(link_, receiving_.socket.get()));
  }

 private:
  Link link_;
  Receiving receiving_;
  Sending sending_;
  Tell tell_;
  std::string aggregated_advice_;
  Counters counters_;
  bool told_aggregated_ = false;
  bool waiting_to_leave_ = false;  ///< the kernel has not taken all that was accepted
};

/// Number and kind as packet(7) wants them in one word.
bool share(int fd, std::uint16_t group, const std::optional<AfPacketOptions::Split>& split) {
  const unsigned kind = split ? PACKET_FANOUT_CBPF : PACKET_FANOUT_HASH;
  if (!set_packet_option(fd, PACKET_FANOUT, unsigned{group} | kind << 16U)) return false;
  if (!split) return true;
  auto program = split_program(split->by, split->count);
  const sock_fprog given{.len = static_cast<unsigned short>(program.size()),
                         .filter = program.data()};
  return set_packet_option(fd, PACKET_FANOUT_DATA, given);
}

/// The ring, or a message and then what works without one.
Result<Receiving> make_receiving(const Link& link, const AfPacketOptions& options, bool ring) {
  auto socket = open_socket(link, AF_PACKET, SOCK_RAW, "a packet socket");
  if (!socket) return fail(std::move(socket.error()));
  auto source = ring ? make_ring_source(link, socket->get(), options)
                     : make_plain_source(link, socket->get(), options);
  if (!source) return fail(std::move(source.error()));
  const int fd = socket->get();
  if (!set_packet_option(fd, PACKET_IGNORE_OUTGOING, 1))
    return os_fault(link, "to ignore what leaves (PACKET_IGNORE_OUTGOING)", errno, "CAP_NET_RAW");
  if (options.send_only) return Receiving{std::move(*socket), std::move(*source)};
  if (!bind_to(fd, link, ETH_P_ALL))
    return os_fault(link, "a packet socket on it", errno, "CAP_NET_RAW");
  const packet_mreq promiscuous{.mr_ifindex = link.index, .mr_type = PACKET_MR_PROMISC};
  if (options.promiscuous && !set_packet_option(fd, PACKET_ADD_MEMBERSHIP, promiscuous))
    return os_fault(link, "promiscuous mode", errno, "CAP_NET_RAW");
  if (options.fanout && !share(fd, *options.fanout, options.split))
    return os_fault(link, "to share its packets (PACKET_FANOUT)", errno, "CAP_NET_RAW");
  return Receiving{std::move(*socket), std::move(*source)};
}

Result<Sending> make_sending(const Link& link, const AfPacketOptions& options, bool ring) {
  auto socket = open_socket(link, AF_PACKET, SOCK_RAW, "a packet socket");
  if (!socket) return fail(std::move(socket.error()));
  const int fd = socket->get();
  Result<std::unique_ptr<PacketSink>> sink =
      ring ? make_ring_sink(link, fd, options) : make_plain_sink(link, fd);
  if (!sink) return fail(std::move(sink.error()));
  // Both for speed only: past the queueing discipline, and a whole ring under way.
  (void)set_packet_option(fd, PACKET_QDISC_BYPASS, 1);
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_buffer_bytes, sizeof(int)) != 0)
    (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof(int));
  if (!bind_to(fd, link, 0)) return os_fault(link, "a packet socket on it", errno, "CAP_NET_RAW");
  return Sending{std::move(*socket), std::move(*sink)};
}

/// With a ring where that is wanted and can be had.
template <class Half>
Result<Half> with_ring_or_without(const AfPacketOptions& options, const Link& link,
                                  Result<Half> (*make)(const Link&, const AfPacketOptions&, bool)) {
  if (!options.rings) return make(link, options, false);
  auto half = make(link, options, true);
  if (half) return half;
  auto plain = make(link, options, false);
  if (!plain) return plain;
  if (options.tell)
    options.tell(half.error().detail + "; a system call for each batch takes its place");
  return plain;
}

}  // namespace

bool ask_for_offload_header(int socket) { return set_packet_option(socket, PACKET_VNET_HDR, 1); }

void count_ring_drops(int socket, Counters& counters) {
  // The same two numbers begin the statistics of each version of the ring.
  tpacket_stats_v3 statistics{};
  socklen_t size = sizeof statistics;
  if (::getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0)
    counters[DropReason::ring_full] += statistics.tp_drops;
}

Result<std::unique_ptr<Port>> open_af_packet(const AfPacketOptions& options) {
  auto link = find_link(options.interface);
  if (!link) return fail(std::move(link.error()));
  auto receiving = options.send_only
                       ? make_receiving(*link, options, false)
                       : with_ring_or_without<Receiving>(options, *link, &make_receiving);
  if (!receiving) return fail(std::move(receiving.error()));
  auto sending = with_ring_or_without<Sending>(options, *link, &make_sending);
  if (!sending) return fail(std::move(sending.error()));
  return std::make_unique<AfPacketPort>(std::move(*link), std::move(*receiving),
                                        std::move(*sending), options.tell);
}

}  // namespace lobo::adapters::packet_io
