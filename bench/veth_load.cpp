// Load for what stands between two interfaces of other network namespaces, with time stamps in the
// payload.
//
//   veth_load flood FRAME STAMP_AT MS NAMESPACE INTERFACE
//   veth_load delay FRAME STAMP_AT MS NAMESPACE INTERFACE PACKETS_A_SECOND FAR_NAMESPACE
//   FAR_INTERFACE
//
// FRAME is a file with the Ethernet frame to send, of which 24 octets at STAMP_AT are overwritten
// by a magic number, the packet's number and the time; a namespace is a path such as
// /proc/PID/ns/net. `flood` sends as fast as it can; who counts looks at the far interface. `delay`
// sends at a rate and receives beside it in one thread: the last 24 octets of each frame that
// arrives tell when it was sent, and the kernel's own time stamp when it came, so that the
// receiver's waiting counts nowhere. One line of JSON each.

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/packet_io/af_packet.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::bench {
namespace {

namespace io = adapters::packet_io;
using packet_io::Batch;
using packet_io::Packet;
using packet_io::Port;
using Clock = std::chrono::system_clock;  // the clock of the kernel's time stamps
using std::chrono::nanoseconds;

constexpr std::uint64_t magic = 0x4C4F424F56455448;
constexpr std::size_t stamp_octets = 24;
constexpr std::size_t flood_batch = 32;
constexpr std::chrono::milliseconds last_wait{300};  ///< then what is missing was lost

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The port is opened there; its socket stays there.
std::unique_ptr<Port> open_in(const char* space, io::AfPacketOptions options) {
  const int before = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  const int there = ::open(space, O_RDONLY | O_CLOEXEC);
  require(before >= 0 && there >= 0 && ::setns(there, CLONE_NEWNET) == 0);
  auto port = io::open_af_packet(options);
  if (!port) fmt::print(stderr, "{}\n", port.error().detail);
  require(port.has_value() && ::setns(before, CLONE_NEWNET) == 0);
  ::close(there);
  ::close(before);
  return std::move(*port);
}

struct Load {
  std::vector<std::byte> frame;
  std::size_t stamp_at = 0;
  std::uint64_t sent = 0;

  void stamp() {
    ByteWriter out(MutableBytes(frame).subspan(stamp_at, stamp_octets));
    out.be64(magic);
    out.be64(sent++);
    out.be64(static_cast<std::uint64_t>(Clock::now().time_since_epoch() / nanoseconds{1}));
  }
  Packet packet() { return {frame, 0, frame.size(), {}}; }
};

Load load_of(const char* file, std::string_view stamp_at) {
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto bytes = std::as_bytes(std::span(text));
  Load load{.frame = {bytes.begin(), bytes.end()}, .stamp_at = number(stamp_at)};
  require(load.stamp_at + stamp_octets <= load.frame.size());
  return load;
}

void flood(Load& load, Port& port, std::chrono::milliseconds time) {
  load.stamp();
  std::array<Packet, flood_batch> packets;
  packets.fill(load.packet());
  const auto begin = Clock::now();
  std::uint64_t sent = 0;
  while (Clock::now() - begin < time) {
    const auto taken = port.send(packets);
    sent += taken;
    if (taken == 0) (void)port.about_to_wait();
  }
  (void)port.about_to_wait();
  const std::chrono::duration<double> seconds = Clock::now() - begin;
  fmt::print("{{\"sent\": {}, \"seconds\": {:.4f}}}\n", sent, seconds.count());
}

class Delays {
 public:
  void take(const Batch& batch) {
    for (const Packet& packet : batch.packets()) {
      if (packet.size() < stamp_octets) continue;
      ByteReader in(Bytes(packet.bytes()).last(stamp_octets));
      if (in.be64() != magic) continue;
      (void)in.be64();
      const auto sent_at = static_cast<std::int64_t>(in.be64());
      delays_.push_back(packet.arrived / nanoseconds{1} - sent_at);
    }
  }
  std::size_t count() const { return delays_.size(); }
  double microseconds_at(double part) {
    require(!delays_.empty());
    const auto at = static_cast<std::size_t>(part * static_cast<double>(delays_.size() - 1));
    std::ranges::nth_element(delays_, delays_.begin() + static_cast<std::ptrdiff_t>(at));
    return static_cast<double>(delays_[at]) / 1000;
  }

 private:
  std::vector<std::int64_t> delays_;
};

void delay(Load& load, Port& out, Port& in, std::chrono::milliseconds time, std::uint64_t rate) {
  const nanoseconds interval{std::nano::den / static_cast<std::intmax_t>(rate)};
  const auto begin = Clock::now();
  auto due = begin;
  Batch batch;
  Delays delays;
  for (auto now = begin; now - begin < time; now = Clock::now()) {
    if (now >= due) {
      load.stamp();
      const std::array packets{load.packet()};
      (void)out.send(packets);
      due += interval;
    }
    if (in.receive(batch) > 0) delays.take(batch);
  }
  const auto end = Clock::now() + last_wait;
  while (delays.count() < load.sent && Clock::now() < end) {
    (void)out.about_to_wait();
    if (in.receive(batch) > 0) delays.take(batch);
  }
  if (delays.count() == 0) {
    fmt::print("{{\"sent\": {}, \"arrived\": 0}}\n", load.sent);
    return;
  }
  fmt::print(
      "{{\"sent\": {}, \"arrived\": {}, \"p50_us\": {:.1f}, \"p99_us\": {:.1f}, \"p999_us\": "
      "{:.1f}}}\n",
      load.sent, delays.count(), delays.microseconds_at(0.5), delays.microseconds_at(0.99),
      delays.microseconds_at(0.999));
}

int run(std::span<char*> words) {
  if (words.size() < 7) return 2;
  Load load = load_of(words[2], words[3]);
  const std::chrono::milliseconds time{number(words[4])};
  const auto out = open_in(words[5], {.interface = words[6], .send_only = true});
  if (std::string_view(words[1]) == "flood") {
    flood(load, *out, time);
    return 0;
  }
  if (words.size() < 10) return 2;
  const auto in = open_in(words[8], {.interface = words[9], .promiscuous = true});
  delay(load, *out, *in, time, number(words[7]));
  return 0;
}

}  // namespace
}  // namespace lobo::bench

int main(int argc, char** argv) {
  return lobo::bench::run(std::span(argv, static_cast<std::size_t>(argc)));
}
