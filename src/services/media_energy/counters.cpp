#include "services/media_energy/counters.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/media_e3.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
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

/// A server that lies moves sessions: what no server of this place could do is not believed.
bool believable(const e3::AsEnergyReport& report, const e3::AsRegistration& registered,
                const Settings& settings) {
  const auto& host = report.host;
  const double idle_w = host.idle_power_w.value_or(registered.host.idle_power_w);
  const double max_w =
      std::max(host.max_power_w.value_or(registered.host.max_power_w), registered.host.max_power_w);
  const double mbps = host.capacity_mbps.value_or(registered.host.capacity_mbps);
  const bool powered = host.state == api::media_types::AsState::active ||
                       host.state == api::media_types::AsState::draining;
  if (host.power_w > max_w * plausible_excess) return false;
  if (host.nic_tx_mbps && *host.nic_tx_mbps > mbps * plausible_excess) return false;
  for (const auto& part : report.per_service_location) {
    const bool registered_here = std::ranges::any_of(
        registered.service_locations,
        [&](const auto& one) { return one.service_location_id == part.service_location_id; });
    const auto known = settings.locations.find(part.service_location_id);
    if (!registered_here || known == settings.locations.end()) return false;
    if (mbps > known->second.server_mbps_max) return false;
    if (powered && (idle_w < known->second.idle_w_min || host.power_w < known->second.idle_w_min))
      return false;
  }
  return true;
}

}  // namespace

bool Counters::boot_before(std::string_view boot) const {
  return !boot.empty() && std::ranges::find(boots_before_, boot) != boots_before_.end();
}

Taken Counters::look(const e3::AsEnergyReport& report, const e3::AsRegistration& registered,
                     const Settings& settings) const {
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
  return believable(report, registered, settings) ? Taken::counted : Taken::implausible;
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
  const auto taken = look(report, registered, settings);
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
  if (report.boot_id != boot_) begin_boot(report.boot_id);
  const auto step = report.sequence - highest_;
  if (highest_ > 0 || !first) lost_ += step - 1;
  seen_ = step > sequences_remembered ? 0
          : step == sequences_remembered
              ? std::uint64_t{1} << (sequences_remembered - 1)
              : (seen_ << step) | (highest_ > 0 ? std::uint64_t{1} << (step - 1) : 0);
  highest_ = report.sequence;
  ++reports_;
  // From the end of the one before: what a lost report measured is in these counters as well.
  const auto spans = to_ > report.measurement_time.start - clock_skew_max &&
                     to_ < report.measurement_time.end && !first;
  const double seconds =
      spans ? std::chrono::duration<double>(report.measurement_time.end - to_).count()
            : seconds_of(report);
  count(report, seconds, first);
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

/// `energy_max` is where the energy counter wraps. A counter that fell without saying where it
/// wraps began anew.
Meter Counters::difference(const Raw& before, const e3::AsLocationEnergy& now,
                           std::optional<double> energy_max) {
  const auto fallen = [&](double was, double is) {
    if (is >= was) return is - was;
    ++resets_;
    return energy_max && *energy_max >= was ? *energy_max - was + is : is;
  };
  Meter out;
  out.idle_j = fallen(before.idle_j, now.idle_share_j);
  out.dynamic_j = fallen(before.dynamic_j, now.dynamic_j);
  out.energy_j = out.idle_j + out.dynamic_j;
  if (now.bytes_tx >= before.octets_tx) {
    out.octets_tx = static_cast<double>(now.bytes_tx - before.octets_tx);
  } else {
    ++resets_;
    const bool wraps = now.bytes_max && *now.bytes_max >= before.octets_tx;
    const auto left = wraps ? *now.bytes_max - before.octets_tx + 1 : 0;
    out.octets_tx = static_cast<double>(left + now.bytes_tx);
  }
  return out;
}

void Counters::count(const e3::AsEnergyReport& report, double seconds, bool first) {
  double all_j = 0;
  std::map<std::string, Meter, std::less<>> parts;
  for (const auto& part : report.per_service_location) {
    const auto before = raw_.find(part.service_location_id);
    Meter added;
    // What was consumed before we knew the server is nobody's here.
    if (before != raw_.end() || !first)
      added =
          difference(before == raw_.end() ? Raw{} : before->second, part, report.host.energy_max_j);
    raw_[part.service_location_id] = {part.energy_j, part.idle_share_j, part.dynamic_j,
                                      part.bytes_tx};
    auto& meter = meters_[part.service_location_id];
    meter.energy_j += added.energy_j;
    meter.idle_j += added.idle_j;
    meter.dynamic_j += added.dynamic_j;
    meter.octets_tx += added.octets_tx;
    all_j += added.energy_j;
    parts[part.service_location_id] = added;
  }
  rates_.clear();
  const auto locations = static_cast<double>(report.per_service_location.size());
  for (const auto& part : report.per_service_location) {
    const auto& added = parts[part.service_location_id];
    const double share = all_j > 0 ? added.energy_j / all_j : 1 / locations;
    rates_[part.service_location_id] = {
        .power_w = report.host.power_w * share,
        .mbps = seconds > 0 ? added.octets_tx * bits_per_octet / mega / seconds : 0,
        .seconds = seconds,
        .sessions = part.active_sessions.value_or(0)};
  }
  count_flows(report, seconds, first, all_j);
}

/// A flow that is not in the report is not counted there any more; when it comes back, it has begun
/// anew.
void Counters::count_flows(const e3::AsEnergyReport& report, double seconds, bool first,
                           double all_j) {
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
      added.energy_j =
          flow.energy_j >= from.energy_j ? flow.energy_j - from.energy_j : flow.energy_j;
      added.octets_tx = static_cast<double>(
          flow.bytes_tx >= from.octets_tx ? flow.bytes_tx - from.octets_tx : flow.bytes_tx);
    }
    flow_raw_[key] = {.energy_j = flow.energy_j, .octets_tx = flow.bytes_tx};
    auto& meter = flow_meters_[key];
    meter.energy_j += added.energy_j;
    meter.octets_tx += added.octets_tx;
    flow_rates_[key] = {
        .power_w = all_j > 0 ? report.host.power_w * std::min(added.energy_j / all_j, 1.0) : 0,
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
