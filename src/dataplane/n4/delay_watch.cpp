#include "dataplane/n4/delay_watch.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "dataplane/n4/limits.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

using pfcp::Frequency;
using pfcp::MonitoredDelay;

constexpr std::array kinds{MonitoredDelay::downlink, MonitoredDelay::uplink,
                           MonitoredDelay::round_trip};

auto& member(auto& delays, std::size_t kind) {
  return kind == 0 ? delays.downlink : kind == 1 ? delays.uplink : delays.round_trip;
}

pfcp::Milliseconds32 rounded_up(std::uint64_t microseconds) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  return pfcp::Milliseconds32(
      static_cast<std::uint32_t>(std::min(microseconds / 1000 + (microseconds % 1000 != 0), most)));
}

}  // namespace

DelayWatch::DelayWatch(pfcp::SrrId srr, pfcp::Qfi qfi, const pfcp::QosMonitoringControl& control,
                       Instant now)
    : srr_(srr), qfi_(qfi), control_(control), start_(now), quiet_until_(now) {
  if (asks(Frequency::periodic)) period_end_ = now + *control.period;
}

bool DelayWatch::is_for(pfcp::SrrId srr, pfcp::Qfi qfi,
                        const pfcp::QosMonitoringControl& control) const {
  return srr == srr_ && qfi == qfi_ && control == control_;
}

bool DelayWatch::is_crossed(const Delays& measured) const {
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    const auto& limit = member(*control_.thresholds, kind);
    if (measured[kind] && limit && control_.requested.has(kinds[kind]) &&
        std::chrono::microseconds(*measured[kind]) > *limit)
      return true;
  }
  return false;
}

void DelayWatch::add(const Delays& measured, Instant now) {
  look(now);
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    if (!measured[kind] || !control_.requested.has(kinds[kind])) continue;
    sums_[kind].microseconds += *measured[kind];
    ++sums_[kind].count;
  }
  if (!asks(Frequency::event_triggered) || crossed_ || now < quiet_until_ || !is_crossed(measured))
    return;
  auto& told = crossed_.emplace();
  for (std::size_t kind = 0; kind < kinds.size(); ++kind)
    if (measured[kind] && control_.requested.has(kinds[kind]))
      member(told.delay, kind) = rounded_up(*measured[kind]);
}

void DelayWatch::look(Instant now) {
  if (!period_end_ || now < *period_end_) return;
  period_over_ = true;
  const std::chrono::microseconds period = *control_.period;
  *period_end_ += ((now - *period_end_) / period + 1) * period;
}

pfcp::QosMonitoringMeasurement DelayWatch::mean() const {
  pfcp::QosMonitoringMeasurement told{.failed = true};
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    const Sum& sum = sums_[kind];
    if (sum.count == 0) continue;
    member(told.delay, kind) = rounded_up(sum.microseconds / sum.count);
    told.failed = false;
  }
  return told;
}

void DelayWatch::report(bool release, Instant now, std::vector<pfcp::QosMonitoringReport>& out) {
  const auto ntp = [](Instant at) {
    return pfcp::NtpSeconds::at(std::chrono::floor<std::chrono::seconds>(at));
  };
  if (crossed_) {
    out.push_back({.qfi = qfi_, .measurement = *crossed_, .time_stamp = ntp(now)});
    crossed_.reset();
    const std::chrono::microseconds wait = control_.minimum_wait.value_or(pfcp::Seconds32{});
    quiet_until_ = now + std::max<std::chrono::microseconds>(wait, delay_reports_apart_min);
  }
  if (!period_over_ && !(release && asks(Frequency::at_session_release))) return;
  out.push_back(
      {.qfi = qfi_, .measurement = mean(), .time_stamp = ntp(now), .start_time = ntp(start_)});
  sums_ = {};
  start_ = now;
  period_over_ = false;
}

}  // namespace lobo::dataplane::n4
