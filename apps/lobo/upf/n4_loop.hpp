#pragma once
// N4 in the world: sockets, the clock, the log, and the order in which things become true.
//
// A turn takes what came together: datagrams (turn_datagrams_max at most), or what the worker told
// (turn_events_max events at most). It ends with: rules published, then responses sent. The rules
// of a response are thereby what the worker takes for every packet that arrives after the response
// was sent (worker.hpp says why); and of requests that come together the rules are made once.
//
// What a worker's batch under way counts after a Session Deletion was answered is in no report: at
// most packet_io::batch_packets_max packets, and of several workers what waits in a mailbox.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/rule_board.hpp"
#include "runtime/ports.hpp"
#include "upf/upf_config.hpp"

namespace lobo::adapters {
class EventLoop;
}

namespace lobo::app {

inline constexpr std::size_t turn_datagrams_max = 64;
inline constexpr std::size_t turn_events_max = 1024;

class N4Loop {
 public:
  struct World {
    adapters::EventLoop& loop;
    const Clock& clock;
    Rng& rng;
    runtime::Log& log;
    dataplane::RuleBoard& rules;
    std::vector<dataplane::WorkerEvents*> events;  ///< of each worker
  };
  N4Loop(dataplane::n4::N4Config config, World world);
  N4Loop(const N4Loop&) = delete;
  N4Loop& operator=(const N4Loop&) = delete;
  ~N4Loop();

  Result<void> listen(const std::vector<UpfListen>& at);
  std::vector<adapters::UdpEndpoint> local() const;

  /// What the worker told.
  void look();
  /// Asks for the release of all associations; `done` is called when they are gone or `patience` is
  /// over, whichever comes first.
  void end(std::chrono::milliseconds patience, std::function<void()> done);

  const dataplane::n4::N4Agent& agent() const { return agent_; }
  std::uint64_t datagrams_lost() const;

 private:
  void receive(const adapters::UdpEndpoint& from, Bytes datagram);
  void turn_soon();
  void end_turn();
  void send(const dataplane::n4::Datagram& datagram);
  void tell(const dataplane::n4::Note& note);
  void arm();
  void finish_when_released();

  World world_;
  dataplane::n4::N4Agent agent_;
  std::vector<std::unique_ptr<adapters::UdpSocket>> sockets_;
  std::size_t turn_datagrams_ = 0;  ///< taken in this turn
  std::size_t seen_datagrams_ = 0;  ///< when the turn was last looked at
  bool turn_is_posted_ = false;
  std::optional<runtime::Scheduler::TimerId> timer_;
  std::optional<runtime::Scheduler::TimerId> end_timer_;
  std::function<void()> on_released_;
  /// Work that was posted may outlive this.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lobo::app
