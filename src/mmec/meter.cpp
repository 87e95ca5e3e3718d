#include "mmec/meter.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "relay/client.hpp"
#include "relay/measure/histogram.hpp"
#include "relay/measure/stream_meter.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {
namespace {

std::optional<Quantiles> quantiles(const relay::Histogram& histogram) {
  const auto p50 = histogram.percentile(50);
  const auto p99 = histogram.percentile(99);
  if (!p50 || !p99) return std::nullopt;
  return Quantiles{*p50, *p99};
}

}  // namespace

FlowFigures figures_of(sdd::FlowId flow, const relay::Window& window,
                       std::chrono::milliseconds length) {
  FlowFigures out;
  out.flow = flow;
  out.states = window.states;
  out.bytes = window.bytes;
  out.expected = window.loss.expected;
  out.lost = window.loss.lost;
  out.duplicates = window.duplicates;
  if (length.count() > 0)
    out.bps = window.bytes * 8 * 1000 / static_cast<std::uint64_t>(length.count());
  out.jitter_us = static_cast<std::uint64_t>(window.jitter.count());
  out.delay_mean_us = window.delay_spread.mean();
  out.delay_deviation_us = window.delay_spread.deviation();
  out.delay = quantiles(window.delay);
  out.age = quantiles(window.age);
  out.gap = quantiles(window.gap);
  return out;
}

void Meter::add(sdd::FlowId flow, const relay::Window& window) {
  if (!flows_.contains(flow) && flows_.size() >= sdd::token_flows_max) return;
  Flow& known = flows_[flow];
  if (known.missed > 0) known.settle(0);
  relay::Window came = window;
  known.missed = window.loss.lost;
  came.loss = {window.loss.expected - window.loss.lost, 0};
  known.recent.push_back(came);
  if (known.recent.size() > windows_recent) known.recent.pop_front();
  known.total.merge(came);
}

void Meter::left_out(sdd::FlowId flow, std::uint64_t states) {
  if (const auto known = flows_.find(flow); known != flows_.end()) known->second.settle(states);
}

/// What is missing was not sent, `unsent` of it since the last answer, or it was lost.
void Meter::Flow::settle(std::uint64_t unsent) {
  const std::uint64_t explained = std::min(not_missed + unsent, missed);
  const relay::LossCount lost{missed - explained, missed - explained};
  recent.back().loss.merge(lost);
  total.loss.merge(lost);
  left_out += explained;
  not_missed = std::min(not_missed + unsent - explained, unsent);
  missed = 0;
}

std::vector<FlowFigures> Meter::recent() const {
  std::vector<FlowFigures> out;
  for (const auto& [id, flow] : flows_) {
    relay::Window all;
    std::chrono::microseconds jitter{};
    for (const auto& window : flow.recent) {
      all.merge(window);
      jitter += window.jitter;
    }
    const auto count = static_cast<int>(flow.recent.size());
    if (count > 0) all.jitter = jitter / count;
    out.push_back(figures_of(id, all, relay::stats_interval * count));
  }
  return out;
}

std::vector<FlowFigures> Meter::total() const {
  std::vector<FlowFigures> out;
  for (const auto& [id, flow] : flows_) {
    out.push_back(figures_of(id, flow.total, std::chrono::milliseconds{0}));
    out.back().left_out = flow.left_out;
  }
  return out;
}

}  // namespace lobo::mmec
