#pragma once
// The UPF's worker: a thread that owns the ports and takes each batch from where it came to where
// it goes, to completion. Of several each has sockets of its own on both interfaces and the
// sessions whose number (SessionRules::split) falls to it; a packet of another's session it puts
// into that one's mailbox, so that whatever a session's packets change is written by one thread,
// however the kernel divides them.
//
// What it is given. It receives first, and only then takes rules, neighbours and keys. So a packet
// that was sent because of a PFCP response is handled by the rules that the response is about: they
// were published before the response left, the packet arrived after it, and the worker looks for
// rules after the packet arrived. The worker needs to have taken nothing for that when the response
// leaves; what it holds back from being freed it lets go when it waits.
//
// What it tells. Counters that any thread may read; events and wanted addresses through rings, for
// the control loop, which is called to look into them look_every after packets passed, and not
// again before others have. A worker without packets calls nobody.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "adapters/packet_io/af_xdp.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/pipeline.hpp"
#include "dataplane/stages/rule_board.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "upf/handover.hpp"
#include "upf/keys.hpp"
#include "upf/mailbox.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::app {

/// How often the control loop is called while packets pass.
inline constexpr std::chrono::milliseconds look_every{2};
/// How often counters of ports are copied, and their state looked at: some system calls.
inline constexpr std::chrono::milliseconds figures_every{100};
/// Longest wait while packets wait for the address of a next hop, or for other rules.
inline constexpr std::chrono::milliseconds waiting_look{2};
/// Longest wait; a worker that is to end notices within this time.
inline constexpr std::chrono::milliseconds worker_wait_max{100};
/// What a port has no room for is offered so often, then it is dropped and counted.
inline constexpr std::size_t send_tries_max = 8;
/// Waits that ended at once and for nothing, until it is taken for a descriptor that is always
/// readable, as that of an interface that is down may be.
inline constexpr std::size_t idle_turns_max = 64;
inline constexpr std::chrono::milliseconds idle_pause{5};
/// The same where there is nothing to wait on, as with DPDK: what comes meanwhile must find room in
/// a ring of 1,024.
inline constexpr std::chrono::microseconds polled_pause{50};

/// Of the ports of one side together, for any thread; up to figures_every old.
struct PortFigures {
  dataplane::Counter packets_in, octets_in, packets_out, octets_out, checksums_completed;
  std::array<dataplane::Counter, packet_io::drop_reasons_count> dropped;
  dataplane::Counter unsent;     ///< packets that no port had room for
  dataplane::Counter not_taken;  ///< came in here; the mailbox of their session's worker was full
  std::atomic<packet_io::PortState> state{packet_io::PortState::open};
};

class Worker {
 public:
  struct Given {
    dataplane::RuleBoard& rules;
    dataplane::WorkerEvents& events;
    Handover<dataplane::Neighbours>& neighbours;  ///< a first snapshot is there
    Handover<KeyChange>& keys;
    std::uint32_t at = 0;  ///< which of `workers` it is
    std::uint32_t workers = 1;
    /// By PathSide; `to_others` by worker, null for itself.
    std::array<std::vector<Mailbox*>, 2> from_others, to_others;
  };
  using Ports = adapters::packet_io::Ports;

  /// `look` is called from the worker's thread.
  Worker(const dataplane::PathSettings& path, const xrm::ReceiverSettings& marks, Given given,
         Ports n3, Ports n6, std::function<void()> look);
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  /// Within worker_wait_max; then the ports are closed, and what was on an interface is off it.
  void stop();

  // For any thread.
  const dataplane::PathCounters& counters() const { return pipeline_.counters(); }
  const PortFigures& figures(dataplane::PathSide side) const {
    return figures_[static_cast<std::size_t>(side)];
  }
  /// Packets put into the mailboxes of others; the ones that found no room are `not_taken` of the
  /// side that they came in on.
  const dataplane::Counter& handed_over() const { return handed_over_; }
  std::size_t contexts() const { return contexts_.load(std::memory_order_relaxed); }
  /// Why it ended by itself; empty while it runs.
  std::string trouble() const;

  /// For the control loop.
  dataplane::WantedAddresses& wanted() { return pipeline_.wanted(); }

 private:
  using Time = std::chrono::steady_clock::time_point;

  void run();
  bool turn(dataplane::PathSide from, packet_io::Port& port, std::size_t queue);
  void release();
  void resume();
  dataplane::Turn turn_now(const dataplane::RuleSet& rules) const;
  void hand_over(dataplane::PathSide from);
  void send(dataplane::PathSide to, std::size_t queue, const packet_io::Batch& batch);
  void wait(Time now);
  void take_figures(Time now);
  void take_figures(dataplane::PathSide side);
  void call_control(Time now);
  Ports& ports(dataplane::PathSide side) { return ports_[static_cast<std::size_t>(side)]; }

  Given given_;
  std::array<Ports, 2> ports_;  ///< by PathSide
  std::vector<packet_io::Port*> all_;
  bool polled_ = false;  ///< one of them has nothing to wait on: then nobody waits for the others
  std::function<void()> look_;
  xrm::Receiver receiver_;
  dataplane::Pipeline pipeline_;
  packet_io::Batch batch_;
  dataplane::Outgoing out_;
  std::array<PortFigures, 2> figures_;
  dataplane::Counter handed_over_;
  std::atomic<std::size_t> contexts_{0};
  Time figures_at_{};
  Time called_at_{};
  bool news_ = false;  ///< packets passed since control was called
  std::size_t idle_turns_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex trouble_lock_;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace lobo::app
