#include "services/media_energy/counters.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/media_e3.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "services/media_energy/plausible.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::media_energy {

namespace e3 = api::media_e3;

namespace {

constexpr double bits_per_octet = 8;
constexpr double mega = 1e6;
/// Of one server, since we know it; further data flows are not summed.
constexpr std::size_t flows_max = 1024;

double seconds_of(const e3::AsEnergyReport& report) {
  return std::chrono::duration<double>(report.measurement_time.end - report.measurement_time.start)
      .count();
}

}  // namespace

bool Counters::boot_before(std::string_view boot) const {
  return !boot.empty() && std::ranges::find(boots_before_, boot) != boots_before_.end();
}

/// For how long the counters of the report have run since the one before, lost ones included: as it
/// says itself, which a clock that was set, or a lie, may not stretch beyond what has passed here.
double Counters::covered_s(const e3::AsEnergyReport& report, Instant now) const {
  using Seconds = std::chrono::duration<double>;
  const double own = seconds_of(report);
  if (reports_ == 0) return own;
  const double said =
      Seconds(std::min(report.measurement_time.end, now + clock_skew_max) - counted_to_).count();
  const double skew = Seconds(clock_skew_max).count();
  const double passed = Seconds(now - at_).count();
  if (said > 0) return std::min(said, std::max(passed, 0.0) + skew);
  // Its clock was set back, or ours.
  return std::min(own, passed >= 0 ? passed : skew);
}

std::string Counters::disbelief(const e3::AsEnergyReport& report,
                                const e3::AsRegistration& registered, const Settings& settings,
                                Instant now) const {
  Growth growth{.seconds = covered_s(report, now)};
  std::uint64_t ignored = 0;
  for (const auto& [location, meter] : added(report, ignored)) {
    growth.energy_j += meter.energy_j;
    growth.octets_tx += meter.octets_tx;
  }
  return media_energy::disbelief(report, registered, settings, growth);
}

Taken Counters::look(const e3::AsEnergyReport& report, const e3::AsRegistration& registered,
                     const Settings& settings, Instant now) const {
  if (report.boot_id == boot_ && reports_ > 0) {
    if (report.sequence == highest_) return Taken::repeated;
    if (report.sequence < highest_) {
      const auto behind = highest_ - report.sequence - 1;
      const bool came = behind >= sequences_remembered || (seen_ >> behind & 1U) != 0;
      return came ? Taken::repeated : Taken::reordered;
    }
  } else if (boot_before(report.boot_id)) {
    return Taken::reordered;
  }
  return disbelief(report, registered, settings, now).empty() ? Taken::counted : Taken::implausible;
}

void Counters::begin_boot(const std::string& boot) {
  if (!boot_.empty()) {
    boots_before_.at(boots_++ % boots_remembered) = boot_;
    ++resets_;
  }
  boot_ = boot;
  highest_ = 0;
  seen_ = 0;
  raw_.clear();  // Counters of a new boot begin at 0.
  flow_raw_.clear();
}

Taken Counters::take(const e3::AsEnergyReport& report, const e3::AsRegistration& registered,
                     const Settings& settings, Instant now) {
  const auto taken = look(report, registered, settings, now);
  switch (taken) {
    case Taken::repeated: ++repeated_; return taken;
    case Taken::reordered:
      ++reordered_;
      if (report.boot_id == boot_) {
        seen_ |= std::uint64_t{1} << (highest_ - report.sequence - 1);
        if (lost_ > 0) --lost_;  // It was only late.
      }
      return taken;
    case Taken::implausible: ++implausible_; return taken;
    case Taken::counted: break;
  }
  const bool first = reports_ == 0;
  const double seconds = covered_s(report, now);
  const auto growth = added(report, resets_);
  if (report.boot_id != boot_) begin_boot(report.boot_id);
  const auto step = report.sequence - highest_;
  if (highest_ > 0 || !first) lost_ += step - 1;
  seen_ = step > sequences_remembered ? 0
          : step == sequences_remembered
              ? std::uint64_t{1} << (sequences_remembered - 1)
              : (seen_ << step) | (highest_ > 0 ? std::uint64_t{1} << (step - 1) : 0);
  highest_ = report.sequence;
  ++reports_;
  count(report, growth, seconds, first);
  counted_to_ = std::max(counted_to_, std::min(report.measurement_time.end, now + clock_skew_max));
  host_ = report.host;
  if (report.supply) supply_ = report.supply;
  at_ = now;
  from_ = report.measurement_time.start;
  to_ = report.measurement_time.end;
  const auto dated =
      report.timestamp > now + clock_skew_max ? now : std::min(report.timestamp, now);
  const std::chrono::seconds validity{report.validity_time.value_or(0)};
  valid_until_ = validity.count() > 0 ? dated + validity : Instant::max();
  return taken;
}

namespace {

/// `wraps` is where a counter wraps. One that fell without saying where that is began anew.
double grown(double was, double is, std::optional<double> wraps, std::uint64_t& resets) {
  if (is >= was) return is - was;
  ++resets;
  return wraps && *wraps >= was ? *wraps - was + is : is;
}

double grown(std::uint64_t was, std::uint64_t is, std::optional<std::uint64_t> wraps,
             std::uint64_t& resets) {
  if (is >= was) return static_cast<double>(is - was);
  ++resets;
  return static_cast<double>((wraps && *wraps >= was ? *wraps - was + 1 : 0) + is);
}

}  // namespace

/// What was consumed before we knew the server, or the server a location, is nobody's here.
/// `resets` counts the counters that fell.
Counters::Added Counters::added(const e3::AsEnergyReport& report, std::uint64_t& resets) const {
  Added out;
  const bool same_boot = report.boot_id == boot_;
  for (const auto& part : report.per_service_location) {
    const auto known = raw_.find(part.service_location_id);
    auto& meter = out[part.service_location_id];
    if (reports_ == 0 || (same_boot && known == raw_.end())) continue;
    const Raw before = same_boot ? known->second : Raw{};  // Counters of a new boot begin at 0.
    meter.idle_j = grown(before.idle_j, part.idle_share_j, report.host.energy_max_j, resets);
    meter.dynamic_j = grown(before.dynamic_j, part.dynamic_j, report.host.energy_max_j, resets);
    meter.energy_j = meter.idle_j + meter.dynamic_j;
    meter.octets_tx = grown(before.octets_tx, part.bytes_tx, part.bytes_max, resets);
  }
  return out;
}

void Counters::count(const e3::AsEnergyReport& report, const Added& added, double seconds,
                     bool first) {
  Meter all;
  for (const auto& part : report.per_service_location) {
    const auto& grown = added.at(part.service_location_id);
    raw_[part.service_location_id] = {part.energy_j, part.idle_share_j, part.dynamic_j,
                                      part.bytes_tx};
    auto& meter = meters_[part.service_location_id];
    meter.energy_j += grown.energy_j;
    meter.idle_j += grown.idle_j;
    meter.dynamic_j += grown.dynamic_j;
    meter.octets_tx += grown.octets_tx;
    all.energy_j += grown.energy_j;
    all.octets_tx += grown.octets_tx;
  }
  rates_.clear();
  const auto locations = static_cast<double>(report.per_service_location.size());
  for (const auto& part : report.per_service_location) {
    const auto& grown = added.at(part.service_location_id);
    const double share = all.energy_j > 0 ? grown.energy_j / all.energy_j : 1 / locations;
    rates_[part.service_location_id] = {
        .power_w = report.host.power_w * share,
        .mbps = seconds > 0 ? grown.octets_tx * bits_per_octet / mega / seconds : 0,
        .seconds = seconds,
        .sessions = part.active_sessions.value_or(0)};
  }
  count_flows(report, seconds, first, all);
}

/// A flow that is not in the report is not counted there any more; when it comes back, it has begun
/// anew. None is believed to have grown by more than all locations together.
void Counters::count_flows(const e3::AsEnergyReport& report, double seconds, bool first,
                           const Meter& all) {
  flow_rates_.clear();
  const auto before = std::exchange(flow_raw_, {});
  if (!report.per_service_data_flow) return;
  const auto& locations = report.per_service_location;
  for (const auto& flow : *report.per_service_data_flow) {
    // Where a server of several locations does not say which one, the flow is of none.
    const FlowKey key{flow.service_location_id ? *flow.service_location_id
                      : locations.size() == 1  ? locations.front().service_location_id
                                               : std::string(),
                      flow.domain_name ? *flow.domain_name : *flow.flow_description};
    if (!flow_meters_.contains(key) && flow_meters_.size() >= flows_max) continue;
    const auto was = before.find(key);
    Meter added;
    if (was != before.end() || !first) {
      const auto from = was == before.end() ? Raw{} : was->second;
      // What fell began anew: flows say nothing of where their counters wrap.
      std::uint64_t ignored = 0;
      added.energy_j =
          std::min(grown(from.energy_j, flow.energy_j, std::nullopt, ignored), all.energy_j);
      added.octets_tx =
          std::min(grown(from.octets_tx, flow.bytes_tx, std::nullopt, ignored), all.octets_tx);
    }
    flow_raw_[key] = {.energy_j = flow.energy_j, .octets_tx = flow.bytes_tx};
    auto& meter = flow_meters_[key];
    meter.energy_j += added.energy_j;
    meter.octets_tx += added.octets_tx;
    flow_rates_[key] = {
        .power_w = all.energy_j > 0 ? report.host.power_w * added.energy_j / all.energy_j : 0,
        .mbps = seconds > 0 ? added.octets_tx * bits_per_octet / mega / seconds : 0,
        .seconds = seconds,
        .sessions = 0};
  }
}

bool Counters::known(Instant now, std::chrono::seconds interval) const {
  return reports_ > 0 && now < valid_until_ && now < at_ + missed_reports_max * interval;
}

e3::AsReporting Counters::reporting(Instant now, std::chrono::seconds interval) const {
  e3::AsReporting out;
  out.known = known(now, interval);
  if (host_) {
    out.state = host_->state;
    out.last_report = at_;
  }
  out.reports = reports_;
  out.repeated = repeated_;
  out.reordered = reordered_;
  out.resets = resets_;
  out.lost = lost_;
  out.implausible = implausible_;
  return out;
}

}  // namespace lobo::media_energy
