#pragma once
// The gNB's end of N3: a UDP socket that speaks GTP-U. What is for a UE is handed on with what it
// conveys; GTP-U's own messages are answered here.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "adapters/http/loop.hpp"
#include "adapters/udp/batch_socket.hpp"
#include "adapters/udp/readiness.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "gnb/gnb_config.hpp"
#include "model/address.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::app {

/// What came on N3, or could not go on; a closed list of counters.
enum class N3Event : std::uint8_t {
  g_pdu,
  echo_request,
  echo_response,
  error_indication,
  supported_extensions,
  end_marker,
  other_message,
  malformed,
  unknown_teid,
  error_sent,
  error_held_back,  ///< beyond their rate
  extension_not_understood,
  not_ip,  ///< a G-PDU without an IP packet in it
  uplink_sent,
};
inline constexpr std::size_t n3_events_count = 14;
constexpr std::string_view to_string(N3Event event) {
  switch (event) {
    case N3Event::g_pdu: return "g_pdu";
    case N3Event::echo_request: return "echo_request";
    case N3Event::echo_response: return "echo_response";
    case N3Event::error_indication: return "error_indication";
    case N3Event::supported_extensions: return "supported_extensions";
    case N3Event::end_marker: return "end_marker";
    case N3Event::other_message: return "other_message";
    case N3Event::malformed: return "malformed";
    case N3Event::unknown_teid: return "unknown_teid";
    case N3Event::error_sent: return "error_sent";
    case N3Event::error_held_back: return "error_held_back";
    case N3Event::extension_not_understood: return "extension_not_understood";
    case N3Event::not_ip: return "not_ip";
    case N3Event::uplink_sent: return "uplink_sent";
  }
  std::abort();
}

/// A whole IP packet; what lies above IP is the user's affair.
bool is_whole_ip(Bytes packet);

class N3Side {
 public:
  using Downlink =
      std::function<void(std::uint32_t ue, const dataplane::Conveyed& conveyed, Bytes packet)>;
  /// What is to be done when all that came together was handed on.
  using Done = std::function<void()>;

  static Result<std::unique_ptr<N3Side>> open(adapters::EventLoop& loop, const GnbListen& at,
                                              gtpu::Release release, Downlink downlink, Done done);

  void listen_for(std::uint32_t teid, std::uint32_t ue) { ues_[teid] = ue; }
  void forget(std::uint32_t teid) { ues_.erase(teid); }
  /// An empty packet only tells what `container` says.
  void send(const model::IpAddress& upf, std::uint32_t teid, const gtpu::UlSession& container,
            Bytes packet);

  std::uint64_t count(N3Event event) const { return counts_[static_cast<std::size_t>(event)]; }
  std::uint64_t lost() const { return socket_.lost(); }
  adapters::UdpEndpoint local() const { return socket_.local(); }

 private:
  N3Side(adapters::BatchSocket socket, gtpu::Release release, Downlink downlink, Done done)
      : socket_(std::move(socket)),
        release_(release),
        downlink_(std::move(downlink)),
        done_(std::move(done)) {}

  void add(N3Event event) { ++counts_[static_cast<std::size_t>(event)]; }
  void receive(const adapters::UdpEndpoint& from, Bytes datagram);
  void take_g_pdu(const adapters::UdpEndpoint& from, const gtpu::GtpuView& message);
  void take_signal(const adapters::UdpEndpoint& from, const gtpu::GtpuView& message);
  void refuse_tunnel(const adapters::UdpEndpoint& from, std::uint32_t teid);
  void refuse_extension(const adapters::UdpEndpoint& from);
  bool may_refuse();

  adapters::BatchSocket socket_;
  gtpu::Release release_;
  Downlink downlink_;
  Done done_;
  std::unordered_map<std::uint32_t, std::uint32_t> ues_;  ///< by our TEID
  std::array<std::uint64_t, n3_events_count> counts_{};
  std::chrono::steady_clock::time_point errors_since_{};
  unsigned errors_sent_ = 0;  ///< since then
  std::unique_ptr<adapters::Readiness> readiness_;
};

}  // namespace lobo::app
