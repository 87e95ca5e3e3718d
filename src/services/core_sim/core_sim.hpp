#pragma once
// The network when there is none: NEF, PCF and BSF, and the cells behind them, as one value.
// Requests and time go in; answers and callbacks come out. It opens no socket and reads no clock,
// so `lobo netsim` puts it behind a real server and the simulator behind a virtual one: the same
// bytes.
//
//   CoreSim core(config, rng);                       // config passed check()
//   auto output = core.handle(request, now);         // one HTTP request
//   for (auto& callback : output.callbacks) send(callback);        // at once, before the answer
//   if (output.response) answer_after(output.delay, *output.response);
//   … core.next_due() is a timer; when it fires:     for (auto& c : core.tick(now)) send(c);
//   … with a UPF: core.receive(from, datagram, now); for (auto& d : core.take_datagrams()) send(d);
//   … when a callback was answered, or was not:      core.answered(c.id, &response, now);

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/rng.hpp"
#include "services/core_sim/callbacks.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/smf_n4.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/route.hpp"

namespace lobo::core_sim {

/// What becomes of one request.
struct Output {
  std::optional<http::Response> response;   ///< nothing: it is never answered
  std::chrono::milliseconds delay{0};       ///< the answer waits so long
  bool close_midway = false;                ///< the connection ends inside the answer
  bool refuse = false;                      ///< the connection is closed without an answer
  std::vector<OutgoingCallback> callbacks;  ///< to be sent now, before the answer
};

class CoreSim {
 public:
  /// `rng` gives identifiers, tokens and measurements; tokens are secrets only if it is
  /// unguessable.
  CoreSim(const CoreConfig& config, Rng& rng);
  ~CoreSim();
  CoreSim(const CoreSim&) = delete;
  CoreSim& operator=(const CoreSim&) = delete;

  Output handle(const http::Request& request, Instant now);
  /// Does what is due and returns the callbacks that are to be sent now.
  std::vector<OutgoingCallback> tick(Instant now);
  /// When tick() has something to do; changes with every call of the others.
  std::optional<Instant> next_due() const;
  /// What came back to a callback; null where there was no answer.
  void answered(std::uint64_t callback, const http::Response* response, Instant now);

  // ---- N4, where the configuration has a UPF --------------------------------------------------
  /// A datagram of a UPF, or of somebody who says that it is one.
  void receive(const N4Endpoint& from, Bytes datagram, Instant now);
  /// What is to be sent now; to be asked after each call of the others.
  std::vector<N4Datagram> take_datagrams();

  /// Every operation that is served, the token endpoint included.
  static std::span<const resource::Operation> operations();

  // ---- for checks that need no HTTP -----------------------------------------------------------
  struct Counts {
    std::size_t sessions = 0;
    std::size_t watches = 0;
    std::size_t bdt_policies = 0;
    std::size_t service_parameters = 0;
    std::size_t analytics = 0;
    std::size_t callbacks_pending = 0;
    std::uint64_t callbacks_dropped = 0;
  };
  Counts counts() const;
  /// Whether no cell has promised more than it has (cells that were narrowed aside), and what is
  /// promised is the sum of what the sessions hold.
  bool books_balance() const;

 private:
  struct State;
  const CoreConfig config_;
  Rng& rng_;
  std::unique_ptr<State> state_;
};

}  // namespace lobo::core_sim
