#pragma once
// The gNB's end of the air: which `lobo ue` is attached under which name, from where, and the
// datagrams to and from it. docs/gnb.md has the protocol.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/udp/batch_socket.hpp"
#include "adapters/udp/readiness.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "gnb/gnb_config.hpp"
#include "runtime/ports.hpp"
#include "wire/air/message.hpp"

namespace lobo::app {

inline constexpr std::chrono::milliseconds air_keep_alive{1000};
inline constexpr std::chrono::milliseconds air_silence_max{5000};

enum class AirEvent : std::uint8_t {
  attached,
  moved,  ///< the same name from elsewhere
  refused,
  detached,
  silent,  ///< nothing was heard for air_silence_max
  data_up,
  data_down,
  nobody,              ///< data for a UE that is not attached
  malformed,           ///< no message of ours
  unknown_attachment,  ///< of nobody, or not from where it attached
  unexpected,          ///< a type that a UE does not send
};
inline constexpr std::size_t air_events_count = 11;
constexpr std::string_view to_string(AirEvent event) {
  switch (event) {
    case AirEvent::attached: return "attached";
    case AirEvent::moved: return "moved";
    case AirEvent::refused: return "refused";
    case AirEvent::detached: return "detached";
    case AirEvent::silent: return "silent";
    case AirEvent::data_up: return "data_up";
    case AirEvent::data_down: return "data_down";
    case AirEvent::nobody: return "nobody";
    case AirEvent::malformed: return "malformed";
    case AirEvent::unknown_attachment: return "unknown_attachment";
    case AirEvent::unexpected: return "unexpected";
  }
  std::abort();
}

struct AirWait {};
struct AirRefuse {
  std::string reason;
};
struct AirAccept {
  std::uint32_t ue = 0;
  air::Accepted terms;
};
using AirAnswer = std::variant<AirWait, AirRefuse, AirAccept>;

class AirSide {
 public:
  struct Asks {
    /// Somebody attaches, perhaps again.
    std::function<AirAnswer(std::string_view name)> attach;
    std::function<void(std::uint32_t ue, Bytes packet)> uplink;
    /// The UE has left, or is not heard any more.
    std::function<void(std::uint32_t ue)> lost;
    /// What came together was handed on.
    std::function<void()> done;
  };

  static Result<std::unique_ptr<AirSide>> open(adapters::EventLoop& loop,
                                               const std::vector<GnbListen>& at, Rng& rng,
                                               Asks asks);
  ~AirSide();
  AirSide(const AirSide&) = delete;
  AirSide& operator=(const AirSide&) = delete;

  void deliver(std::uint32_t ue, Bytes packet);
  /// The UE is to attach anew: its session is gone, or has other addresses.
  void drop(std::uint32_t ue, std::string_view reason);
  bool is_attached(std::uint32_t ue) const { return attached_.contains(ue); }
  std::size_t attached() const { return attached_.size(); }
  std::uint64_t count(AirEvent event) const { return counts_[static_cast<std::size_t>(event)]; }
  std::uint64_t lost() const;
  std::vector<adapters::UdpEndpoint> local() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Attachment {
    std::size_t socket = 0;
    adapters::UdpEndpoint at;
    std::uint32_t number = 0;  ///< of the attachment
    std::uint32_t sent = 0;    ///< data datagrams
    Time heard;
  };

  AirSide(adapters::EventLoop& loop, Rng& rng, Asks asks);
  void add(AirEvent event) { ++counts_[static_cast<std::size_t>(event)]; }
  void receive(std::size_t socket, const adapters::UdpEndpoint& from, Bytes datagram);
  void take_attach(std::size_t socket, const adapters::UdpEndpoint& from, const air::View& view);
  void accept(std::size_t socket, const adapters::UdpEndpoint& from, const AirAccept& answer);
  void refuse(std::size_t socket, const adapters::UdpEndpoint& to, std::uint32_t attachment,
              std::string_view reason);
  void say(const Attachment& to, air::Type type);
  void look();

  adapters::EventLoop& loop_;
  Rng& rng_;
  Asks asks_;
  std::vector<adapters::BatchSocket> sockets_;
  std::vector<std::unique_ptr<adapters::Readiness>> readiness_;
  std::map<std::uint32_t, Attachment> attached_;      ///< by UE
  std::map<std::uint32_t, std::uint32_t> by_number_;  ///< UE by number of its attachment
  std::array<std::uint64_t, air_events_count> counts_{};
  std::optional<runtime::Scheduler::TimerId> timer_;
};

}  // namespace lobo::app
