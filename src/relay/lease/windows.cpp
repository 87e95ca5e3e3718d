#include "relay/lease/windows.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "api/sdd_relay.hpp"
#include "base/clock.hpp"
#include "relay/measure/histogram.hpp"
#include "relay/measure/stream_meter.hpp"
#include "relay/report.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

namespace rly = api::sdd_relay;

namespace {

constexpr std::uint64_t counter_max = std::numeric_limits<std::uint32_t>::max();

std::int64_t counted(std::uint64_t count) {
  return static_cast<std::int64_t>(std::min(count, counter_max));
}

std::optional<rly::Histogram> some(const Histogram& counts) {
  if (counts.total() == 0) return std::nullopt;
  return histogram_of(counts);
}

bool is_silent(const Window& window) {
  return window.states == 0 && window.loss.expected == 0 && window.duplicates == 0;
}

/// As JSON: member names and numbers, and about a dozen octets for each bucket and its count.
std::size_t octets_of(const rly::RelayWindow& window) {
  std::size_t octets = 360;
  for (const auto* one : {&window.delay, &window.jitter, &window.age, &window.rtt})
    if (*one) octets += 60 + (*one)->buckets.size() * 16;
  return octets;
}

}  // namespace

rly::Histogram histogram_of(const Histogram& counts) {
  rly::Histogram out;
  for (std::size_t i = 0; i < Histogram::buckets; ++i) {
    if (counts.count(i) == 0) continue;
    out.buckets.push_back(static_cast<std::int64_t>(i));
    out.counts.push_back(static_cast<std::int64_t>(counts.count(i)));
  }
  return out;
}

WindowsWaiting::One* WindowsWaiting::place(sdd::FlowId flow, Way way, Instant from, Instant until) {
  const auto key = std::pair(flow, way);
  auto found = waiting_.find(key);
  if (found != waiting_.end() && until - found->second.from > window_longest) {
    // Longer than a window may be: what is that old is worth less than what is new.
    ++lost_;
    waiting_.erase(found);
    found = waiting_.end();
  }
  if (found == waiting_.end()) {
    if (waiting_.size() >= windows_waiting_max) {
      ++lost_;
      return nullptr;
    }
    found = waiting_.emplace(key, One{}).first;
    found->second.from = from;
  }
  found->second.until = until;
  return &found->second;
}

void WindowsWaiting::add(One& one, const Window& measured, const FlowWindow& window) {
  one.packets += measured.states;
  one.bytes += measured.bytes;
  one.lost += measured.loss.lost;
  one.duplicates += measured.duplicates;
  one.delay.merge(measured.delay);
  one.age.merge(measured.age);
  if (measured.states > 0)
    one.jitter.add(static_cast<std::uint64_t>(std::max<std::int64_t>(measured.jitter.count(), 0)));
  if (window.path.latest_rtt.count() > 0)
    one.rtt.add(static_cast<std::uint64_t>(window.path.latest_rtt.count()));
  one.clock_error = std::max(one.clock_error, window.clock_error);
}

void WindowsWaiting::add(const FlowWindow& window, Instant from, Instant until) {
  if (!is_silent(window.published))
    if (One* up = place(window.flow, Way::ul, from, until)) add(*up, window.published, window);
  const bool held_back = window.delivered.conflated + window.delivered.expired > 0;
  if (is_silent(window.received) && !held_back) return;
  One* down = place(window.flow, Way::dl, from, until);
  if (down == nullptr) return;
  add(*down, window.received, window);
  down->conflated += window.delivered.conflated;
  down->expired += window.delivered.expired;
}

rly::RelayWindow WindowsWaiting::told(sdd::FlowId flow, Way way, const One& one) {
  rly::RelayWindow out;
  out.flow_id = flow;
  out.direction = way;
  out.from = one.from;
  out.ms = std::clamp<std::int64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(one.until - one.from).count(), 1,
      std::chrono::milliseconds(window_longest).count());
  out.packets = counted(one.packets);
  out.bytes = one.bytes;
  out.lost = counted(one.lost);
  out.duplicates = counted(one.duplicates);
  if (way == Way::dl) {
    out.conflated = counted(one.conflated);
    out.expired = counted(one.expired);
  }
  out.delay = some(one.delay);
  out.jitter = some(one.jitter);
  out.age = some(one.age);
  out.rtt = some(one.rtt);
  if (one.clock_error.count() > 0) {
    out.clock = rly::ClockState::estimated;
    out.clock_error_us = counted(static_cast<std::uint64_t>(one.clock_error.count()));
  }
  return out;
}

std::vector<rly::RelayWindow> WindowsWaiting::take() {
  std::vector<rly::RelayWindow> out;
  std::size_t octets = 0;
  while (!waiting_.empty() && out.size() < report_windows_max) {
    const auto first = waiting_.begin();
    auto next = told(first->first.first, first->first.second, first->second);
    octets += octets_of(next);
    if (!out.empty() && octets > report_windows_bytes_max) break;
    out.push_back(std::move(next));
    waiting_.erase(first);
  }
  return out;
}

}  // namespace lobo::relay
