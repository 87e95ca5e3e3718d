#pragma once
// What was measured and not told yet, one window for each flow and direction: a server that is away
// makes windows longer, not more. Histograms add up, so nothing but time is lost by that.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "api/sdd_relay.hpp"
#include "base/clock.hpp"
#include "relay/measure/histogram.hpp"
#include "relay/report.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

inline constexpr std::size_t windows_waiting_max = 8192;
/// Of a report; the server takes 2048 and a megabyte.
inline constexpr std::size_t report_windows_max = 1024;
inline constexpr std::size_t report_windows_bytes_max = std::size_t{768} * 1024;
inline constexpr std::chrono::minutes window_longest{1};

/// As the API writes it; the buckets of both are the same.
api::sdd_relay::Histogram histogram_of(const Histogram& counts);

class WindowsWaiting {
 public:
  /// Of the flow, from `from` to `until`. Where nothing happened nothing waits.
  void add(const FlowWindow& window, Instant from, Instant until);
  /// Takes out as many as a report may have.
  std::vector<api::sdd_relay::RelayWindow> take();
  void clear() { waiting_.clear(); }
  bool empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }
  std::uint64_t lost() const { return lost_; }

 private:
  using Way = api::sdd_relay::RelayWindowDirection;
  struct One {
    Instant from;
    Instant until;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint64_t lost = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t conflated = 0;
    std::uint64_t expired = 0;
    Histogram delay, jitter, age, rtt;
    std::chrono::microseconds clock_error{};
  };
  One* place(sdd::FlowId flow, Way way, Instant from, Instant until);
  static void add(One& one, const Window& measured, const FlowWindow& window);
  static api::sdd_relay::RelayWindow told(sdd::FlowId flow, Way way, const One& one);

  std::map<std::pair<sdd::FlowId, Way>, One> waiting_;
  std::uint64_t lost_ = 0;  ///< windows that had no place
};

}  // namespace lobo::relay
