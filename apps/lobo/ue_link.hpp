#pragma once
// `lobo ue`: the UE's end of the air, and a TUN device by which unmodified programs use it. It
// attaches until it is accepted, and again whenever the gNB is not heard any more; the device
// stays.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/http/loop.hpp"
#include "adapters/tun/tun.hpp"
#include "adapters/udp/batch_socket.hpp"
#include "adapters/udp/readiness.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/air/message.hpp"

namespace lobo::app {

struct UeSettings {
  adapters::UdpEndpoint gnb;
  std::string name;
  std::string tun;
  std::optional<std::uint16_t> mtu;  ///< none: what the gNB says
  bool route = true;
};

struct UeCounters {
  std::uint64_t down = 0;
  std::uint64_t down_octets = 0;
  std::uint64_t up = 0;
  std::uint64_t up_octets = 0;
  std::uint64_t missed = 0;   ///< numbers that never came
  std::uint64_t dropped = 0;  ///< packets while not attached, or that the kernel does not take
  std::uint64_t malformed = 0;
  std::uint64_t attached = 0;  ///< times
};

class UeLink {
 public:
  struct Tells {
    /// The device has this address, for the first time or another one.
    std::function<void(const std::string& address)> addressed;
    std::function<void(std::string_view what)> say;
    /// It cannot go on.
    std::function<void(const Error&)> trouble;
  };

  static Result<std::unique_ptr<UeLink>> open(adapters::EventLoop& loop, const UeSettings& settings,
                                              Tells tells);
  ~UeLink();
  UeLink(const UeLink&) = delete;
  UeLink& operator=(const UeLink&) = delete;

  void start() { attach(); }
  const UeCounters& counters() const { return counters_; }
  const std::string& address() const { return address_; }
  bool is_attached() const { return attachment_ != 0; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  UeLink(adapters::EventLoop& loop, UeSettings settings, Tells tells, adapters::Tun tun,
         adapters::BatchSocket socket);
  void attach();
  void look();
  void lose(std::string_view why);
  void receive(const adapters::UdpEndpoint& from, Bytes datagram);
  void take_accepted(const air::View& view);
  void take_data(const air::View& view);
  void take_up();
  void say(air::Type type, Bytes content = {});
  void after(std::chrono::milliseconds delay, void (UeLink::*work)());

  adapters::EventLoop& loop_;
  UeSettings settings_;
  Tells tells_;
  adapters::Tun tun_;
  adapters::BatchSocket socket_;
  std::unique_ptr<std::array<std::byte, adapters::udp_datagram_bytes_max>> room_;
  std::unique_ptr<adapters::Readiness> from_air_;
  std::unique_ptr<adapters::Readiness> from_tun_;
  std::optional<runtime::Scheduler::TimerId> timer_;
  std::chrono::milliseconds retry_;
  std::uint32_t attachment_ = 0;  ///< 0: none
  std::uint32_t sent_ = 0;
  std::optional<std::uint32_t> expected_;  ///< number of the next datagram
  Time heard_{};
  std::optional<adapters::TunAddresses> configured_;
  std::string address_;
  std::string last_said_;
  UeCounters counters_;
};

}  // namespace lobo::app
