// Packets through one veth pair, by each adapter and by a plain raw packet socket, and through the
// memory ring: how many a second, and the processor's time for each.
//
//   packet_io WAY ROUNDS [BYTES]   WAY: memory | af_packet | af_packet_plain | af_xdp | raw
//
// One thread does both ends in turns, so that the time it uses is what a packet costs on its whole
// way, the kernel's part included: a batch is sent, then received until it is all there. One line
// of JSON a round. Makes a network namespace of its own, which needs root or user namespaces.

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/af_xdp.hpp"
#include "adapters/packet_io/memory.hpp"
#include "adapters/packet_io/wait.hpp"
#include "base/require.hpp"
#include "support/live_net.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::bench {
namespace {

namespace io = adapters::packet_io;
using packet_io::Batch;
using packet_io::Packet;
using packet_io::Port;
using testing::LiveNet;

constexpr std::size_t batch = 32;
constexpr std::chrono::milliseconds round_time{200};
constexpr std::chrono::milliseconds patience{100};  ///< then what is missing was lost

/// Sends a batch and receives it; how many arrived.
struct Way {
  Way() = default;
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;
  virtual ~Way() = default;
  virtual std::size_t turn() = 0;
};

std::vector<std::byte> frame_of(std::size_t bytes) {
  std::vector<std::byte> frame(bytes);
  frame[0] = frame[6] = std::byte{2};  // locally administered addresses
  frame[5] = std::byte{2};
  frame[11] = std::byte{1};
  frame[12] = std::byte{0x88};  // an experimental EtherType, 0x88B5
  frame[13] = std::byte{0xB5};
  return frame;
}

class PortWay final : public Way {
 public:
  PortWay(std::unique_ptr<Port> sender, std::unique_ptr<Port> receiver, std::size_t bytes)
      : sender_(std::move(sender)), receiver_(std::move(receiver)), frame_(frame_of(bytes)) {
    packets_.fill(Packet(frame_, 0, frame_.size(), {}));
  }
  std::size_t turn() override {
    const auto sent = sender_->send(packets_);
    std::size_t arrived = 0;
    Port* const ports[] = {receiver_.get()};
    while (arrived < sent) {
      const auto now = receiver_->receive(received_);
      arrived += now;
      if (now == 0 && !io::wait_for_packets(ports, patience)) break;
    }
    return arrived;
  }

 private:
  std::unique_ptr<Port> sender_;
  std::unique_ptr<Port> receiver_;
  std::vector<std::byte> frame_;
  std::array<Packet, batch> packets_;
  Batch received_;
};

/// What one writes without a library: sendmmsg() and recvmmsg() on raw packet sockets.
class RawWay final : public Way {
 public:
  explicit RawWay(std::size_t bytes)
      : sender_(open(LiveNet::near, 0)),
        receiver_(open(LiveNet::far, ETH_P_ALL)),
        frame_(frame_of(bytes)),
        room_(batch * 2048) {
    for (std::size_t i = 0; i < batch; ++i) {
      out_pieces_[i] = {frame_.data(), frame_.size()};
      in_pieces_[i] = {room_.data() + i * 2048, 2048};
      out_[i].msg_hdr = {.msg_iov = &out_pieces_[i], .msg_iovlen = 1};
      in_[i].msg_hdr = {.msg_iov = &in_pieces_[i], .msg_iovlen = 1};
    }
  }
  ~RawWay() override {
    ::close(sender_);
    ::close(receiver_);
  }
  std::size_t turn() override {
    const int sent = ::sendmmsg(sender_, out_.data(), batch, 0);
    int arrived = 0;
    while (arrived < sent) {
      const int now = ::recvmmsg(receiver_, in_.data(), batch, MSG_WAITFORONE, nullptr);
      if (now <= 0) break;
      arrived += now;
    }
    return static_cast<std::size_t>(arrived);
  }

 private:
  static int open(const char* interface, std::uint16_t protocol) {
    const int socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(protocol);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
    const timeval time{.tv_sec = 0, .tv_usec = 100'000};
    require(socket >= 0 && ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0 &&
            ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return socket;
  }

  int sender_;
  int receiver_;
  std::vector<std::byte> frame_;
  std::vector<std::byte> room_;
  std::array<iovec, batch> out_pieces_{};
  std::array<iovec, batch> in_pieces_{};
  std::array<mmsghdr, batch> out_{};
  std::array<mmsghdr, batch> in_{};
};

std::unique_ptr<Port> or_end(Result<std::unique_ptr<Port>> port) {
  if (!port) std::fprintf(stderr, "%s\n", port.error().detail.c_str());
  require(port.has_value());
  return std::move(*port);
}

std::unique_ptr<Port> xdp(const char* interface) {
  auto ports = io::open_af_xdp({.interface = interface});
  if (!ports) std::fprintf(stderr, "%s\n", ports.error().detail.c_str());
  require(ports.has_value());
  return std::move(ports->front());
}

std::unique_ptr<Way> way_of(std::string_view name, std::size_t bytes) {
  if (name == "memory") {
    auto pair = io::make_memory_pair({});
    require(pair.has_value());
    return std::make_unique<PortWay>(std::move(pair->first), std::move(pair->second), bytes);
  }
  if (name == "raw") return std::make_unique<RawWay>(bytes);
  if (name == "af_xdp")
    return std::make_unique<PortWay>(xdp(LiveNet::near), xdp(LiveNet::far), bytes);
  const auto open = [rings = name == "af_packet"](const char* interface) {
    return or_end(io::open_af_packet({.interface = interface, .rings = rings}));
  };
  return std::make_unique<PortWay>(open(LiveNet::near), open(LiveNet::far), bytes);
}

/// Of this thread, the kernel's work for it included.
std::chrono::nanoseconds used() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

void one_round(Way& way, std::string_view name) {
  for (int i = 0; i < 20; ++i) (void)way.turn();  // pages and caches
  const auto used_before = used();
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t packets = 0;
  std::uint64_t offered = 0;
  while (std::chrono::steady_clock::now() - begin < round_time) {
    packets += way.turn();
    offered += batch;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const auto spent = static_cast<double>((used() - used_before).count());
  const auto count = static_cast<double>(packets);
  std::printf(
      "{\"way\": \"%.*s\", \"packets_per_second\": %.0f, \"cpu_ns\": %.1f, \"lost\": %llu}\n",
      static_cast<int>(name.size()), name.data(), count / seconds.count(), spent / count,
      static_cast<unsigned long long>(offered - packets));
}

std::size_t number(std::string_view text) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace
}  // namespace lobo::bench

int main(int argc, char** argv) {
  using lobo::testing::LiveNet;
  if (argc < 3) return 2;
  const auto net = LiveNet::make();
  if (!net) {
    std::fprintf(stderr, "%s\n", LiveNet::why_not().c_str());
    return 77;
  }
  const auto way = lobo::bench::way_of(argv[1], argc > 3 ? lobo::bench::number(argv[3]) : 1272);
  for (std::size_t left = lobo::bench::number(argv[2]); left > 0; --left)
    lobo::bench::one_round(*way, argv[1]);
  return 0;
}
