#include "dataplane/stages/monitor.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/rules/token_bucket.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/containers.hpp"

namespace lobo::dataplane {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr std::uint64_t seconds_1900_to_1970 = 2'208'988'800;
constexpr std::uint64_t ns_per_second = 1'000'000'000;

// Delays beyond this are clocks that do not agree, or a peer that makes them up.
constexpr nanoseconds delay_max = std::chrono::minutes{1};

std::optional<std::uint32_t> told(nanoseconds delay) {
  if (delay < nanoseconds{0} || delay > delay_max) return std::nullopt;
  return static_cast<std::uint32_t>(std::chrono::duration_cast<microseconds>(delay).count());
}

/// A delay result of the RAN; what cannot be is cut.
nanoseconds in_ran(const std::optional<std::uint32_t>& result, microseconds unit) {
  const auto most = static_cast<std::uint32_t>(delay_max / std::max(unit, microseconds{1}));
  return unit * std::min(result.value_or(0), most);
}

}  // namespace

std::uint64_t ntp_stamp(nanoseconds since_1970) noexcept {
  const auto ns = static_cast<std::uint64_t>(since_1970.count());
  const std::uint64_t seconds = ns / ns_per_second + seconds_1900_to_1970;
  const std::uint64_t fraction = ((ns % ns_per_second) << 32U) / ns_per_second;
  return seconds << 32U | fraction;
}

nanoseconds ntp_difference(std::uint64_t to, std::uint64_t from) noexcept {
  const auto difference = static_cast<std::int64_t>(to - from);
  const std::int64_t seconds = difference >> 32U;  // rounded down, so that the rest is positive
  const auto fraction = static_cast<std::uint64_t>(difference) & 0xFFFFFFFFU;
  return std::chrono::seconds{seconds} +
         nanoseconds{static_cast<std::int64_t>(fraction * ns_per_second >> 32U)};
}

Monitor::Monitor(const PathSettings& settings, WorkerEvents& events, PathCounters& counters)
    : settings_(settings), events_(events), counters_(counters) {}

std::optional<std::uint64_t> Monitor::stamp(Passage& passage, const Turn& turn) noexcept {
  const Treatment& rule = *passage.treatment;
  if (rule.monitor == nullptr) return std::nullopt;
  Elapsed& last = rule.monitor->stamped_at[rule.qfi];
  if (last != TokenBucket::never && turn.now - last < settings_.monitoring_interval)
    return std::nullopt;
  last = turn.now;
  passage.stamped = true;
  return ntp_stamp(turn.since_1970);
}

/// TS 23.501 clause 5.33.3.2: T1 we sent (it comes back), T2 the gNB received, T3 it sent, T4 is
/// now; what N3 takes there and back is (T4 - T1) - (T3 - T2), what the RAN takes it says.
void Monitor::take_report(const Passage& passage, const Turn& turn) noexcept {
  const Bytes container = passage.uplink_container;
  if (container.empty() || (u8_at(container, 0) & gtpu::Bits{}.ul_qmp) == 0) return;
  const std::uint8_t qfi = *passage.facts.qfi;
  if ((passage.entry->session->monitored_qfis() >> qfi & 1U) == 0) return;
  gtpu::UlSession report;
  const auto fault = gtpu::read_ul_session(
      container, {.release = settings_.release, .uplink_reports = true}, report);
  if (fault != gtpu::NotContainer::it_is || !report.time_stamps) {
    counters_.containers_unread.add(1);
    return;
  }
  const auto [sent, received, sent_back] = *report.time_stamps;
  const std::uint64_t now = ntp_stamp(turn.since_1970);
  const nanoseconds on_n3 = ntp_difference(now, sent) - ntp_difference(sent_back, received);
  const nanoseconds ran_downlink = in_ran(report.dl_delay, settings_.delay_result_unit);
  const nanoseconds ran_uplink = in_ran(report.ul_delay, settings_.delay_result_unit);
  const nanoseconds downlink = settings_.clocks_agree ? ntp_difference(received, sent) : on_n3 / 2;
  const nanoseconds uplink = settings_.clocks_agree ? ntp_difference(now, sent_back) : on_n3 / 2;
  const WorkerEvent event{.kind = WorkerEvent::Kind::delay,
                          .seid = passage.entry->session->seid(),
                          .id = qfi,
                          .delay_us = {told(downlink + ran_downlink), told(uplink + ran_uplink),
                                       told(on_n3 + ran_downlink + ran_uplink)}};
  counters_.delays_measured.add(1);
  if (!events_.push(event)) counters_.events_lost.add(1);
}

}  // namespace lobo::dataplane
