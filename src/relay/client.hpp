#pragma once
// The other end: what a UE publishes and receives, as pure as the relay. Bytes and time go in,
// bytes to send and states come out; what carries them stands around it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "relay/measure/clock_offset.hpp"
#include "relay/measure/stream_meter.hpp"
#include "relay/slot.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/sequence_window.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

inline constexpr std::chrono::milliseconds stats_interval{500};
inline constexpr std::chrono::seconds clock_interval{1};
inline constexpr std::chrono::milliseconds clock_interval_first{100};  ///< until there are enough
inline constexpr std::size_t components_seen_max = 16'384;
inline constexpr std::size_t flows_seen_max = 256;

/// One state that came, for the first time; a later one may have come before it. `payload` is
/// borrowed for the call.
struct Received {
  sdd::FlowId flow = 0;
  sdd::Alias alias = 0;
  sdd::Component component = 0;
  sdd::Sequence seq = 0;
  std::optional<sdd::Sequence> base;  ///< a delta, on this key frame
  bool key = false;
  Bytes payload;
  std::optional<std::chrono::microseconds> age;  ///< where the clock of the node is known
};

/// What the client is told. No call calls back.
struct ClientSink {
  ClientSink() = default;
  ClientSink(const ClientSink&) = delete;
  ClientSink& operator=(const ClientSink&) = delete;
  virtual ~ClientSink() = default;
  virtual void send_datagram(Bytes datagram) = 0;
  virtual void send_control(Bytes bytes) = 0;
  virtual void received(const Received& state) = 0;
  /// Everything of the control stream that the client does not settle by itself.
  virtual void told(const sdd::ControlMessage& message) = 0;
  /// What half a second of a flow has measured, before the node hears it too.
  virtual void measured(sdd::FlowId /*flow*/, const Window& /*window*/) {}
  /// What that window misses, as the node says of it: so many states it did not send.
  virtual void left_out(sdd::FlowId /*flow*/, std::uint64_t /*states*/) {}
};

class ClientCore {
 public:
  explicit ClientCore(ClientSink& sink) : sink_(sink) {}

  /// A connection is there: greets, and begins to compare clocks. What was seen before goes on:
  /// sequences and meters survive a reconnection.
  void on_open(std::string name, Instant now);
  /// False where the control stream cannot be read any further.
  bool on_control(Bytes bytes, Instant now);
  void on_datagram(Bytes datagram, Instant now);

  void say(const sdd::ControlMessage& message) { sink_.send_control(sdd::write_control(message)); }
  /// The next state of a component, as a key frame or as a delta on one. Refused where it is empty
  /// or too large. The sequence that it has.
  Result<sdd::Sequence> publish(sdd::FlowId flow, sdd::Alias alias, sdd::Component component,
                                Bytes payload, std::optional<sdd::Sequence> base, Instant now);

  using Part = std::pair<sdd::Alias, sdd::Component>;
  /// How the states of this UE are numbered next. Whoever goes on elsewhere goes on counting, so
  /// that who comes along sees no step back.
  const std::map<Part, sdd::Sequence>& numbers() const { return next_; }
  void number_from(Part part, sdd::Sequence next) { next_[part] = next; }

  /// Pings and statistics.
  std::optional<Instant> next_due() const { return due_; }
  void advance(Instant now);

  std::optional<ClockOffset::Estimate> clock() const { return clock_.estimate(); }

 private:
  struct Seen {
    sdd::SequenceWindow window;
    StreamMeter meter;
    Assembly assembly;
  };

  Instant node_clock(Instant now) const;
  void take(const sdd::Frame& frame, Instant now);
  void hand_over(const sdd::Frame& frame, Bytes payload, Instant now);
  void forget(sdd::Alias alias);
  void ping(Instant now);
  void tell_stats(Instant now);

  ClientSink& sink_;
  sdd::ControlReader control_;
  ClockOffset clock_;
  std::map<Part, Seen> seen_;
  std::map<sdd::FlowId, Window> windows_;
  std::map<Part, sdd::FlowId> flow_of_;
  std::map<Part, sdd::Sequence> next_;
  std::optional<Instant> due_;
  Instant ping_due_{};
  Instant stats_due_{};
  Instant stats_from_{};
  std::uint32_t pings_ = 0;
  std::vector<std::byte> whole_;
};

}  // namespace lobo::relay
