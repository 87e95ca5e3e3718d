#include "adapters/packet_io/dpdk.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "base/result.hpp"
#include "wire/packet_io/port.hpp"

#ifdef LOBO_DPDK
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/capture/file.hpp"
#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/dpdk_device.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/offload.hpp"
#include "base/bytes.hpp"
#include "base/text.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"
#endif

namespace lobo::adapters::packet_io {

#ifdef LOBO_DPDK
namespace {

using lobo::packet_io::Batch;
using lobo::packet_io::batch_packets_max;
using lobo::packet_io::Counters;
using lobo::packet_io::DropReason;
using lobo::packet_io::headroom_min;
using lobo::packet_io::Packet;
using lobo::packet_io::Port;
using lobo::packet_io::PortState;
using lobo::packet_io::tailroom_min;

static_assert(dpdk::burst_max == batch_packets_max);

constexpr unsigned ring_entries = 1024;
constexpr std::size_t said_bytes_max = 1024;
constexpr int processors_named_max = 64;

/// What DPDK said last: its own words are the only reason that it gives.
class Said {
 public:
  void clear() {
    const std::scoped_lock lock(lock_);
    said_.clear();
  }
  void add(std::string_view text) {
    const std::scoped_lock lock(lock_);
    said_.append(text.substr(0, said_bytes_max - std::min(said_bytes_max, said_.size())));
  }
  /// On one line.
  std::string all() const {
    const std::scoped_lock lock(lock_);
    std::string line;
    for (const auto part : split(said_, '\n'))
      if (!part.empty()) line += fmt::format("{}{}", line.empty() ? "" : "; ", part);
    return line;
  }

 private:
  mutable std::mutex lock_;
  std::string said_;
};

Said& said() {
  static Said one;
  return one;
}

/// The processors that this thread may use, as DPDK's option names them: it would take the first
/// of the machine, and hold the thread there.
std::string lcores(const cpu_set_t& allowed) {
  std::string list;
  int named = 0;
  for (unsigned i = 0; i < CPU_SETSIZE && named < processors_named_max; ++i)
    if (CPU_ISSET(i, &allowed)) {
      list += fmt::format("{}{}", list.empty() ? "" : ",", i);
      ++named;
    }
  return fmt::format("0@({})", list);
}

int begin_environment() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const bool known = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0;
  // --in-memory would say the same as --no-shconf, and is refused beside --no-huge.
  std::vector<std::string> words{
      "lobo",           "--no-huge",         "--no-shconf", "--no-pci",
      "--no-telemetry", "--log-level=error", "-m",          std::to_string(dpdk_memory_mib)};
  if (known) words.insert(words.end(), {"--lcores", lcores(allowed)});
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int error =
      dpdk::begin(static_cast<int>(words.size()), arguments.data(),
                  [](const char* text, std::size_t size) { said().add({text, size}); });
  if (known) (void)::sched_setaffinity(0, sizeof allowed, &allowed);
  return error;
}

/// DPDK is begun once, whatever came of it; devices come and go one at a time.
std::mutex& dpdk_lock() {
  static std::mutex one;
  return one;
}
std::size_t& ports_open() {
  static std::size_t count = 0;
  return count;
}

class DpdkPort final : public Port {
 public:
  DpdkPort(std::string name, std::optional<Link> link, UniqueFile asked, Tell tell)
      : name_(std::move(name)),
        link_(std::move(link)),
        asked_(std::move(asked)),
        tell_(std::move(tell)),
        aggregated_advice_(link_ ? aggregated_advice(*link_) : std::string{}) {}
  ~DpdkPort() override { close(); }

  Result<void> begin(const std::string& arguments);
  std::size_t receive(Batch& batch) noexcept override;
  std::size_t send(std::span<const Packet> packets) noexcept override;
  PortState state() noexcept override;
  const Counters& counters() noexcept override;
  std::size_t frame_bytes_max() const noexcept override {
    return link_ ? link_->mtu + ethernet_bytes : dpdk_frame_bytes_max;
  }
  void close() noexcept override;
  std::string trouble() const override;

 private:
  bool carries(Bytes frame) const {
    if (link_) return link_->carries(frame);
    return frame.size() >= ethernet_bytes && frame.size() <= dpdk_frame_bytes_max;
  }
  void take(const dpdk::Received& frame, std::chrono::nanoseconds now, Batch& batch);
  std::size_t send_some(std::span<const Packet> packets);

  std::string name_;
  std::optional<Link> link_;  ///< where the device is on an interface of the kernel's
  UniqueFile asked_;          ///< about that one
  Tell tell_;
  std::string aggregated_advice_;
  dpdk::Device device_;
  bool open_ = false;
  Counters counters_;
  dpdk::Lost lost_seen_;
  bool told_aggregated_ = false;
};

Result<void> DpdkPort::begin(const std::string& arguments) {
  const std::scoped_lock lock(dpdk_lock());
  if (ports_open() == dpdk_ports_max)
    return fail(Errc::too_many,
                fmt::format("{}: {} devices of DPDK are open already", name_, dpdk_ports_max));
  said().clear();
  static const int begun = begin_environment();
  if (begun != 0)
    return fail(Errc::refused, fmt::format("{}: DPDK does not begin: {}: {}", name_,
                                           std::strerror(begun), said().all()));
  if (const int error = dpdk::open(device_, name_.c_str(), arguments.c_str(),
                                   {.ring_entries = ring_entries,
                                    .buffers = dpdk_buffers,
                                    .buffer_bytes = dpdk_frame_bytes_max + tailroom_min,
                                    .spare_bytes = dpdk_spare_bytes});
      error == EEXIST)
    return fail(Errc::conflict,
                fmt::format("{}: this process has a device of that name open", name_));
  else if (error == ENOMEM)
    return fail(Errc::too_many,
                fmt::format("{}: DPDK's memory in this process is used up, which only a new start "
                            "of the program gives back",
                            name_));
  else if (error != 0) {
    const std::string why = said().all();
    return fail(Errc::refused,
                fmt::format("{}: DPDK does not open this device with \"{}\": {}{}{}", name_,
                            arguments, std::strerror(error), why.empty() ? "" : ": ", why));
  }
  open_ = true;
  ++ports_open();
  return {};
}

void DpdkPort::take(const dpdk::Received& frame, std::chrono::nanoseconds now, Batch& batch) {
  const MutableBytes room(frame.room, frame.room_bytes);
  if (link_ && frame.size > link_->mtu + ethernet_bytes + packet::vlan_tag_bytes) {
    ++counters_[DropReason::aggregated];
    if (!std::exchange(told_aggregated_, true) && tell_) tell_(aggregated_advice_);
    return;
  }
  if (!frame.in_one_piece || frame.at + frame.size + tailroom_min > room.size()) {
    ++counters_[DropReason::too_long];
    return;
  }
  std::size_t at = frame.at;
  if (at < headroom_min) {  // a tag that the kernel had taken off was put back in front
    if (headroom_min + frame.size + tailroom_min > room.size()) {
      ++counters_[DropReason::too_long];
      return;
    }
    std::memmove(room.data() + headroom_min, room.data() + at, frame.size);
    at = headroom_min;
  }
  const Packet packet(room, at, frame.size, now);
  // A frame of software: DPDK passes on what another program left open, and does not say so.
  if (checksum_looks_open(packet.bytes()) && fill_checksum(packet.bytes()))
    ++counters_.checksums_completed;
  counters_.received.add(packet.size());
  batch.push(packet);
}

std::size_t DpdkPort::receive(Batch& batch) noexcept {
  batch.clear();
  if (!open_) return 0;
  std::array<dpdk::Received, dpdk::burst_max> frames;
  const unsigned count = dpdk::receive(device_, frames.data(), dpdk::burst_max);
  if (count == 0) return 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  for (const auto& frame : std::span(frames).first(count)) take(frame, now, batch);
  return batch.size();
}

/// At most a burst.
std::size_t DpdkPort::send_some(std::span<const Packet> packets) {
  std::array<std::byte*, dpdk::burst_max> rooms;
  std::array<std::uint32_t, dpdk::burst_max> sizes;
  std::array<std::size_t, dpdk::burst_max> stands_at{};
  if (!dpdk::rooms_to_send(device_, rooms.data(), static_cast<unsigned>(packets.size()))) return 0;
  unsigned filled = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const auto frame = packets[i].bytes();
    if (!carries(frame)) continue;
    std::ranges::copy(frame, rooms[filled]);
    sizes[filled] = static_cast<std::uint32_t>(frame.size());
    stands_at[filled++] = i;
  }
  const unsigned sent = dpdk::send(device_, sizes.data(), filled);
  const std::size_t taken = sent == filled ? packets.size() : stands_at[sent];
  for (unsigned i = 0; i < sent; ++i) counters_.sent.add(sizes[i]);
  counters_[DropReason::too_long] += taken - sent;
  return taken;
}

std::size_t DpdkPort::send(std::span<const Packet> packets) noexcept {
  if (!open_) return 0;
  if (!dpdk::is_up(device_)) {
    counters_[DropReason::link_down] += packets.size();
    return packets.size();
  }
  std::size_t taken = 0;
  while (taken < packets.size()) {
    const auto left = packets.subspan(taken);
    const auto burst = left.first(std::min<std::size_t>(left.size(), dpdk::burst_max));
    const std::size_t now = send_some(burst);
    taken += now;
    if (now < burst.size()) break;
  }
  return taken;
}

PortState DpdkPort::state() noexcept {
  if (!open_) return PortState::closed;
  if (link_) return link_state(*link_, asked_.get());
  return dpdk::is_up(device_) ? PortState::open : PortState::link_down;
}

std::string DpdkPort::trouble() const {
  if (!open_) return {};
  if (link_) return link_trouble(*link_, link_state(*link_, asked_.get()));
  return dpdk::is_up(device_) ? std::string{} : fmt::format("{}: nobody is connected to it", name_);
}

const Counters& DpdkPort::counters() noexcept {
  if (!open_) return counters_;
  const auto lost = dpdk::lost(device_);
  counters_[DropReason::ring_full] += lost.received - lost_seen_.received;
  counters_[DropReason::refused] += lost.to_send - lost_seen_.to_send;
  lost_seen_ = lost;
  return counters_;
}

void DpdkPort::close() noexcept {
  if (!open_) return;
  (void)counters();
  const std::scoped_lock lock(dpdk_lock());
  dpdk::close(device_);
  (void)asked_.close();
  open_ = false;
  --ports_open();
}

/// The value of a key among "key=value,key=value".
std::string argument(std::string_view arguments, std::string_view key) {
  for (const auto one : split(arguments, ','))
    if (one.starts_with(key) && one.substr(key.size()).starts_with('='))
      return std::string(one.substr(key.size() + 1));
  return {};
}

bool is_device_name(std::string_view name) {
  return name.starts_with("net_") &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<Port>> open_dpdk(const DpdkOptions& options) {
  const auto& device = options.device;
  const auto comma = std::min(device.find(','), device.size());
  const auto name = device.substr(0, comma);
  const auto arguments = device.substr(std::min(comma + 1, device.size()));
  if (!is_device_name(name) || device.size() > dpdk_device_bytes_max)
    return fail(Errc::pattern, fmt::format("\"{}\" is no device of DPDK, such as net_null0, "
                                           "\"net_memif0,role=server,socket=/run/lobo.sock\" or "
                                           "\"net_af_packet0,iface=eth1\"",
                                           device.substr(0, dpdk_device_bytes_max)));
  std::optional<Link> link;
  UniqueFile asked;
  // DPDK says less of what is wrong with an interface.
  if (const auto interface = argument(arguments, "iface"); !interface.empty()) {
    auto found = find_link(interface);
    if (!found) return fail(std::move(found.error()));
    link = std::move(*found);
    if (link->mtu > dpdk_mtu_max)
      return fail(
          Errc::refused,
          fmt::format("{}: frames of its MTU {} do not fit those of DPDK's device: {} is the "
                      "longest (`ip link set {} mtu 1500`)",
                      interface, link->mtu, dpdk_mtu_max, interface));
    const auto probe = open_socket(*link, AF_PACKET, SOCK_RAW, "a packet socket");
    if (!probe) return fail(probe.error());
    auto socket = open_socket(*link, AF_INET, SOCK_DGRAM, "a socket to ask about it");
    if (!socket) return fail(std::move(socket.error()));
    asked = std::move(*socket);
  }
  auto port = std::make_unique<DpdkPort>(name, std::move(link), std::move(asked), options.tell);
  if (auto begun = port->begin(arguments); !begun) return fail(std::move(begun.error()));
  return port;
}

std::string describe_dpdk() { return dpdk::version(); }

#else

Result<std::unique_ptr<lobo::packet_io::Port>> open_dpdk(const DpdkOptions& options) {
  return fail(Errc::unavailable,
              fmt::format("{}: this program was built without DPDK (libdpdk-dev)", options.device));
}

std::string describe_dpdk() { return "DPDK is off (built without libdpdk)"; }

#endif

}  // namespace lobo::adapters::packet_io
