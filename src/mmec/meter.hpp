#pragma once
// What a client measures of what it is sent, by flow: the last five seconds, and all of it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "mmec/types.hpp"
#include "relay/measure/loss.hpp"
#include "relay/measure/stream_meter.hpp"
#include "relay/ports.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {

inline constexpr std::size_t windows_recent = 10;  ///< of half a second

/// Percentiles and means in microseconds; nothing where nothing was measured.
struct Quantiles {
  std::uint64_t p50 = 0;
  std::uint64_t p99 = 0;
  bool operator==(const Quantiles&) const = default;
};
struct FlowFigures {
  sdd::FlowId flow = 0;
  std::uint64_t states = 0;
  std::uint64_t bytes = 0;
  std::uint64_t expected = 0;
  std::uint64_t lost = 0;
  std::uint64_t left_out =
      0;  ///< in total: had by the node and not sent, by tier or by want of room
  std::uint64_t duplicates = 0;
  std::uint64_t bps = 0;
  std::uint64_t jitter_us = 0;  ///< recent: the mean of the windows; in total: the worst
  double delay_mean_us = 0;
  double delay_deviation_us = 0;
  std::optional<Quantiles> delay;
  std::optional<Quantiles> age;  ///< of the state that a new one replaces
  std::optional<Quantiles> gap;  ///< between two updates
  double loss() const {
    return expected == 0 ? 0 : static_cast<double>(lost) / static_cast<double>(expected);
  }
};
FlowFigures figures_of(sdd::FlowId flow, const relay::Window& window,
                       std::chrono::milliseconds length);

class Meter {
 public:
  /// What the window misses counts as lost once the node has said what it left out, or the next
  /// window is there.
  void add(sdd::FlowId flow, const relay::Window& window);
  /// Of what the last window misses, so many states the node did not send.
  void left_out(sdd::FlowId flow, std::uint64_t states);
  /// Of the last windows.
  std::vector<FlowFigures> recent() const;
  /// Since the beginning; no rate is told.
  std::vector<FlowFigures> total() const;

 private:
  struct Flow {
    std::deque<relay::Window> recent;
    relay::Window total;
    std::uint64_t missed = 0;      ///< by the last window, until the node has answered
    std::uint64_t not_missed = 0;  ///< left out, and its gap had not come by then
    std::uint64_t left_out = 0;
    void settle(std::uint64_t unsent);
  };
  std::map<sdd::FlowId, Flow> flows_;
};

struct NodeClock {
  std::chrono::microseconds offset{};
  std::chrono::microseconds error{};  ///< at most so much off
};

struct Stats {
  Phase phase{};
  std::optional<NodeClock> clock;  ///< of the node, against ours
  relay::PathStats path;
  std::vector<FlowFigures> recent;
  std::vector<FlowFigures> total;
  relay::DatagramLoss::Counts datagrams;  ///< that we sent
  std::uint64_t states_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t states_replaced = 0;  ///< by a newer one before the path took them
  std::uint64_t states_repeated = 0;  ///< sent again, because they were lost or the node is new
  std::uint64_t states_late = 0;      ///< came behind a newer one
  std::uint64_t ways = 0;  ///< connections that carry flows now; 2: those that go twice do (+D)
  std::uint64_t states_twice = 0;  ///< sent by the second way as well
  std::uint64_t copies = 0;        ///< came by one way when the other's had come
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t connections = 0;  ///< that let our flows in
  std::uint64_t attempts = 0;     ///< in a row without
  std::uint64_t refused = 0;      ///< what came and could not be taken
};

}  // namespace lobo::mmec
