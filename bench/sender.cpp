// What it costs to send a packet, of the sender's own thread, the kernel's part included:
//
//   sender WAY MILLISECONDS [KEY_FILE]
//   WAY: eas_none | eas_clear | eas_protected | eas_rtp_he | send | raw_sendmmsg | udp_segment
//
// The ways with "eas" are the way out of `lobo eas`: a frame of ten RTP packets is handed over,
// marked when its last packet is there, and leaves by a ring of AF_PACKET; eas_none has no rule for
// the payload type, so that nothing is marked. The others send the same user data without an
// option: send() on a connected UDP socket, sendmmsg() of whole IP packets on a raw one, and one
// sendmsg() with UDP_SEGMENT for the ten. All go to an `ifb` interface, which takes packets and is
// nobody. Makes a network namespace of its own. One line of JSON.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "dataplane/importance.hpp"
#include "dataplane/marker.hpp"
#include "live/live_sender.hpp"
#include "model/address.hpp"
#include "support/live_net.hpp"
#include "toolbox/mark_writer.hpp"

namespace lobo::bench {
namespace {

using Clock = std::chrono::steady_clock;
using testing::LiveNet;

constexpr std::size_t frame_packets = 10;
constexpr std::size_t user_octets = 1200;
constexpr std::uint16_t port = 5004;
constexpr const char* near_address = "10.77.0.1";
constexpr const char* far_address = "10.77.0.2";

/// One video frame, to be sent again and again with its numbers counted on.
class Frame {
 public:
  Frame() {
    std::uint8_t value = 0;
    for (auto& packet : packets_) {
      packet.resize(user_octets);
      for (auto& one : packet) one = static_cast<std::byte>(value++);
    }
  }
  void next() {
    for (std::size_t i = 0; i < frame_packets; ++i) {
      const bool last = i + 1 == frame_packets;
      ByteWriter out(packets_[i]);
      out.u8(0x80);
      out.u8(last ? 0x80U | 96U : 96U);
      out.be16(sequence_++);
      out.be32(timestamp_);
      out.be32(0x4C4F424F);
      out.u8(0x41);  // H.264: a slice of a picture that others refer to
      out.u8(0x9A);
    }
    timestamp_ += 3000;
  }
  std::span<std::vector<std::byte>> packets() { return packets_; }

 private:
  std::array<std::vector<std::byte>, frame_packets> packets_;
  std::uint16_t sequence_ = 0;
  std::uint32_t timestamp_ = 0;
};

struct Way {
  Way() = default;
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;
  virtual ~Way() = default;
  virtual void send(Frame& frame) = 0;
  virtual std::uint64_t marked() const { return 0; }
  /// The sink takes what UDP_SEGMENT made as one.
  virtual std::uint64_t packets_of_a_buffer() const { return 1; }
};

class EasWay final : public Way {
 public:
  EasWay(app::Carry carry, bool video, const std::string& keys) {
    app::LiveSenderSettings settings;
    const auto to = model::parse_ip_address(far_address);
    require(to.has_value());
    settings.outlet = {.to = *to, .port = port, .interface = "sink0"};
    settings.writing.carry = carry;
    settings.writing.key_file = keys;
    settings.live.marks.marker.look_ahead = dataplane::LookAhead::pdu_set;
    if (video)
      settings.live.marks.rules.push_back(
          {.payload_type = 96, .treatment = dataplane::PayloadRule::Treatment::h264});
    auto sender = app::LiveSender::open(std::move(settings));
    if (!sender) fmt::print(stderr, "{}\n", sender.error().detail);
    require(sender.has_value());
    sender_ = std::move(*sender);
  }
  void send(Frame& frame) override {
    const auto now = Clock::now();
    for (const auto& packet : frame.packets()) sender_->push(packet, now);
    sender_->flush(now);
  }
  std::uint64_t marked() const override { return sender_->marks().marked; }

 private:
  std::unique_ptr<app::LiveSender> sender_;
};

sockaddr_in address_of(const char* text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

class SocketWay : public Way {
 public:
  explicit SocketWay(int type, int protocol) : socket_(::socket(AF_INET, type, protocol)) {
    const auto to = address_of(far_address);
    const int bytes = 4 << 20;
    require(socket_ >= 0 &&
            ::setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0 &&
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  }
  ~SocketWay() override { ::close(socket_); }

 protected:
  int socket() const { return socket_; }

 private:
  int socket_;
};

class SendWay final : public SocketWay {
 public:
  SendWay() : SocketWay(SOCK_DGRAM, 0) {}
  void send(Frame& frame) override {
    for (const auto& packet : frame.packets())
      (void)::send(socket(), packet.data(), packet.size(), 0);
  }
};

class SegmentWay final : public SocketWay {
 public:
  SegmentWay() : SocketWay(SOCK_DGRAM, 0) {
    const int size = user_octets;
    require(::setsockopt(socket(), IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) == 0);
  }
  void send(Frame& frame) override {
    std::array<iovec, frame_packets> pieces;
    for (std::size_t i = 0; i < frame_packets; ++i)
      pieces[i] = {frame.packets()[i].data(), frame.packets()[i].size()};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    (void)::sendmsg(socket(), &message, 0);
  }
  std::uint64_t packets_of_a_buffer() const override { return frame_packets; }
};

/// Whole IP packets, as one who adds a surplus area without rings would send them.
class RawWay final : public SocketWay {
 public:
  RawWay() : SocketWay(SOCK_RAW, IPPROTO_RAW) {
    std::array<std::byte, head_octets> head{};
    ByteWriter out(head);
    out.be16(0x4500);
    out.be16(head_octets + user_octets);  // the kernel fills in the rest of the IP header
    out.be32(0x4000);
    out.be32(0x40110000);
    const auto from = address_of(near_address);
    const auto to = address_of(far_address);
    out.be32(ntohl(from.sin_addr.s_addr));
    out.be32(ntohl(to.sin_addr.s_addr));
    out.be16(40000);
    out.be16(port);
    out.be16(8 + user_octets);
    heads_.fill(head);
  }
  void send(Frame& frame) override {
    for (std::size_t i = 0; i < frame_packets; ++i) {
      pieces_[i][0] = {heads_[i].data(), heads_[i].size()};
      pieces_[i][1] = {frame.packets()[i].data(), frame.packets()[i].size()};
      messages_[i].msg_hdr = {.msg_iov = pieces_[i].data(), .msg_iovlen = 2};
    }
    (void)::sendmmsg(socket(), messages_.data(), frame_packets, 0);
  }

 private:
  static constexpr std::size_t head_octets = 28;
  std::array<std::array<std::byte, head_octets>, frame_packets> heads_{};
  std::array<std::array<iovec, 2>, frame_packets> pieces_{};
  std::array<mmsghdr, frame_packets> messages_{};
};

std::unique_ptr<Way> way_of(std::string_view name, const std::string& keys) {
  using app::Carry;
  if (name == "eas_none") return std::make_unique<EasWay>(Carry::option, false, "");
  if (name == "eas_clear") return std::make_unique<EasWay>(Carry::option, true, "");
  if (name == "eas_protected") return std::make_unique<EasWay>(Carry::option, true, keys);
  if (name == "eas_rtp_he") return std::make_unique<EasWay>(Carry::rtp_extension, true, "");
  if (name == "send") return std::make_unique<SendWay>();
  if (name == "raw_sendmmsg") return std::make_unique<RawWay>();
  if (name == "udp_segment") return std::make_unique<SegmentWay>();
  return nullptr;
}

/// Of this thread, the kernel's work for it included.
std::chrono::nanoseconds used() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

/// What an ifb is handed to send it counts as received.
std::uint64_t taken_by_sink() {
  std::uint64_t count = 0;
  std::FILE* const table = std::fopen("/proc/thread-self/net/dev", "r");
  require(table != nullptr);
  std::array<char, 512> line{};
  while (std::fgets(line.data(), static_cast<int>(line.size()), table) != nullptr) {
    unsigned long long bytes = 0;
    unsigned long long packets = 0;
    if (std::sscanf(line.data(), " sink0: %llu %llu", &bytes, &packets) == 2) count = packets;
  }
  std::fclose(table);
  return count;
}

void run(Way& way, std::string_view name, std::chrono::milliseconds time) {
  Frame frame;
  for (int i = 0; i < 50; ++i) {  // pages and caches
    frame.next();
    way.send(frame);
  }
  const auto marked_before = way.marked();
  const auto taken_before = taken_by_sink();
  const auto used_before = used();
  const auto begin = Clock::now();
  std::uint64_t packets = 0;
  while (Clock::now() - begin < time) {
    frame.next();
    way.send(frame);
    packets += frame_packets;
  }
  const auto spent = static_cast<double>((used() - used_before).count());
  fmt::print(
      "{{\"way\": \"{}\", \"packets\": {}, \"cpu_ns\": {:.1f}, \"marked\": {}, \"left\": {}}}\n",
      name, packets, spent / static_cast<double>(packets), way.marked() - marked_before,
      (taken_by_sink() - taken_before) * way.packets_of_a_buffer());
}

}  // namespace
}  // namespace lobo::bench

int main(int argc, char** argv) {
  using lobo::testing::LiveNet;
  if (argc < 3) return 2;
  const auto net = LiveNet::make();
  if (!net) {
    fmt::print(stderr, "{}\n", LiveNet::why_not());
    return 77;
  }
  // A permanent neighbour: nobody is there who would answer.
  if (!LiveNet::ip("link add sink0 type ifb") ||
      !LiveNet::ip(fmt::format("address add {}/24 dev sink0", lobo::bench::near_address)) ||
      !LiveNet::ip("link set sink0 up") ||
      !LiveNet::ip(fmt::format("neigh replace {} lladdr 02:00:00:00:00:02 nud permanent dev sink0",
                               lobo::bench::far_address))) {
    fmt::print(stderr, "no ifb interface can be made here\n");
    return 77;
  }
  const auto way = lobo::bench::way_of(argv[1], argc > 3 ? argv[3] : "");
  if (!way) return 2;
  unsigned time = 0;
  const std::string_view text = argv[2];
  std::from_chars(text.data(), text.data() + text.size(), time);
  lobo::bench::run(*way, argv[1], std::chrono::milliseconds{time});
  return 0;
}
