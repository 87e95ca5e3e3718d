#include "services/media_energy/figures.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "services/media_energy/counters.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::media_energy {

namespace {

using api::media_types::AsState;
using api::media_types::EnergyMetric;

constexpr double bits_per_mbit = 1e6;
constexpr double watts_per_kw = 1000;

/// The best that any server can do decides what the place can do.
LocationState better(LocationState a, LocationState b) {
  const auto rank = [](LocationState state) {
    switch (state) {
      case LocationState::active: return 0;
      case LocationState::draining: return 1;
      case LocationState::standby: return 2;
      case LocationState::unknown: return 3;
      case LocationState::down: return 4;
    }
    std::abort();
  };
  return rank(a) <= rank(b) ? a : b;
}

LocationState state_of(AsState state) {
  switch (state) {
    case AsState::active: return LocationState::active;
    case AsState::draining: return LocationState::draining;
    case AsState::standby: return LocationState::standby;
    case AsState::off:
    case AsState::failed: return LocationState::down;
  }
  std::abort();
}

/// What a server says of a location, or of some of the flows there.
struct Share {
  std::optional<Meter> meter;
  std::optional<Rate> rate;
};

Share share_of(const Counters& counters, const std::string& location,
               const std::vector<std::string>* flows) {
  Share out;
  if (flows == nullptr) {
    const auto meter = counters.meters().find(location);
    const auto rate = counters.rates().find(location);
    if (meter != counters.meters().end()) out.meter = meter->second;
    if (rate != counters.rates().end()) out.rate = rate->second;
    return out;
  }
  for (const auto& name : *flows) {
    const FlowKey key{location, name};
    const auto meter = counters.flow_meters().find(key);
    const auto rate = counters.flow_rates().find(key);
    if (meter != counters.flow_meters().end()) {
      if (!out.meter) out.meter.emplace();
      out.meter->energy_j += meter->second.energy_j;
      out.meter->octets_tx += meter->second.octets_tx;
    }
    if (rate != counters.flow_rates().end()) {
      if (!out.rate) out.rate.emplace();
      out.rate->power_w += rate->second.power_w;
      out.rate->mbps += rate->second.mbps;
      out.rate->seconds = rate->second.seconds;
    }
  }
  return out;
}

}  // namespace

Figures figures_at(const std::string& location, const std::vector<const Server*>& servers,
                   const LocationSettings& settings, Instant now, std::chrono::seconds interval,
                   const std::vector<std::string>* flows) {
  Figures out;
  out.carbon_g_per_kwh = settings.carbon_g_per_kwh;
  out.renewable_ratio = settings.renewable_ratio;
  out.pue = settings.pue;
  out.state = servers.empty() ? LocationState::unknown : LocationState::down;
  out.valid_until = Instant::max();
  double weight = 0, uncertain = 0, joules = 0, octets = 0;
  for (const auto* server : servers) {
    const auto& counters = server->counters;
    const auto& profile = server->registered.host;
    const auto& host = counters.host();
    const bool known = counters.known(now, interval);
    const auto state = known ? state_of(host->state) : LocationState::unknown;
    out.state = better(out.state, state);
    const double pue = host && host->pue ? *host->pue : profile.pue.value_or(settings.pue);
    const auto share = share_of(counters, location, flows);
    if (share.meter) {
      out.energy_wh += share.meter->energy_j * pue / joules_per_wh;
      out.octets += share.meter->octets_tx;
    }
    if (!known) continue;
    const double mbps = host->capacity_mbps.value_or(profile.capacity_mbps);
    if (state != LocationState::down) {
      ++out.servers;
      out.server_mbps += mbps;
      out.idle_w += host->idle_power_w.value_or(profile.idle_power_w);
      out.max_w += host->max_power_w.value_or(profile.max_power_w);
      out.standby_w += profile.standby_power_w.value_or(0);
      out.pue = pue;
    }
    ++out.servers_known;
    if (state == LocationState::active || state == LocationState::draining)
      out.capacity_mbps += mbps;
    out.cpu += host->cpu_util.value_or(0);
    out.method = out.servers_known == 1 ? host->method : std::max(out.method, host->method);
    if (share.rate) {
      const double power = share.rate->power_w * pue;
      out.power_w += power;
      out.mbps += share.rate->mbps;
      out.sessions += static_cast<double>(share.rate->sessions);
      uncertain += power * host->rel_uncertainty;
      weight += power;
      joules += power * share.rate->seconds;
      octets += share.rate->mbps * bits_per_mbit / 8 * share.rate->seconds;
    }
    if (counters.supply() && counters.supply()->carbon_intensity_g_per_k_wh) {
      out.carbon_g_per_kwh = *counters.supply()->carbon_intensity_g_per_k_wh;
      out.carbon_reported = true;
    }
    if (counters.supply() && counters.supply()->renewable_ratio)
      out.renewable_ratio = *counters.supply()->renewable_ratio;
    out.from = out.from == Instant{} ? counters.measured_from()
                                     : std::min(out.from, counters.measured_from());
    out.to = std::max(out.to, counters.measured_to());
    out.valid_until = std::min(out.valid_until, counters.valid_until());
    out.rel_uncertainty = std::max(out.rel_uncertainty, host->rel_uncertainty);
  }
  if (out.servers_known > 0) {
    out.cpu /= out.servers_known;
    // However long a report says that it holds: three missed ones end it.
    out.valid_until = std::min(out.valid_until, now + missed_reports_max * interval);
  }
  if (weight > 0) out.rel_uncertainty = uncertain / weight;
  if (octets > 0) out.wh_per_gb = joules / joules_per_wh / (octets / octets_per_gb);
  if (joules > 0) out.bit_per_joule = octets * 8 / joules;
  if (out.servers > 0) {
    const auto count = static_cast<double>(out.servers);
    out.server_mbps /= count;
    out.idle_w /= count;
    out.max_w /= count;
    out.standby_w /= count;
  }
  return out;
}

Figures together(const std::vector<Figures>& parts) {
  Figures out;
  out.valid_until = Instant::max();
  out.state = parts.empty() ? LocationState::unknown : LocationState::down;
  double power = 0, joules_per_s = 0, octets_per_s = 0, gb = 0, wh = 0, plain = 0;
  for (const auto& part : parts) {
    out.state = better(out.state, part.state);
    out.energy_wh += part.energy_wh;
    out.octets += part.octets;
    if (part.servers_known == 0) continue;
    out.method = out.servers_known == 0 ? part.method : std::max(out.method, part.method);
    out.servers += part.servers;
    out.servers_known += part.servers_known;
    out.capacity_mbps += part.capacity_mbps;
    out.power_w += part.power_w;
    out.mbps += part.mbps;
    out.sessions += part.sessions;
    out.cpu += part.cpu * part.servers_known;
    out.rel_uncertainty += part.rel_uncertainty * part.power_w;
    out.carbon_g_per_kwh += part.carbon_g_per_kwh * part.power_w;
    out.renewable_ratio += part.renewable_ratio * part.power_w;
    out.carbon_reported = out.carbon_reported || part.carbon_reported;
    plain = std::max(plain, part.rel_uncertainty);
    power += part.power_w;
    joules_per_s += part.power_w;
    octets_per_s += part.mbps * bits_per_mbit / 8;
    out.from = out.from == Instant{} ? part.from : std::min(out.from, part.from);
    out.to = std::max(out.to, part.to);
    out.valid_until = std::min(out.valid_until, part.valid_until);
  }
  gb = octets_per_s / octets_per_gb;
  wh = joules_per_s / joules_per_wh;
  if (out.servers_known > 0) out.cpu /= out.servers_known;
  if (power > 0) {
    out.rel_uncertainty /= power;
    out.carbon_g_per_kwh /= power;
    out.renewable_ratio /= power;
  } else {
    out.rel_uncertainty = plain;
  }
  if (gb > 0) out.wh_per_gb = wh / gb;
  if (joules_per_s > 0) out.bit_per_joule = octets_per_s * 8 / joules_per_s;
  return out;
}

std::optional<double> metric_of(const Figures& figures, EnergyMetric metric, double window_wh) {
  if (figures.servers_known == 0) return std::nullopt;
  switch (metric) {
    case EnergyMetric::power_w: return figures.power_w;
    case EnergyMetric::energy_wh: return window_wh;
    case EnergyMetric::energy_per_data_wh_per_gb: return figures.wh_per_gb;
    case EnergyMetric::efficiency_bit_per_j: return figures.bit_per_joule;
    case EnergyMetric::carbon_intensity_g_per_kwh: return figures.carbon_g_per_kwh;
    case EnergyMetric::carbon_rate_g_per_h:
      return figures.power_w / watts_per_kw * figures.carbon_g_per_kwh;
    case EnergyMetric::renewable_ratio: return figures.renewable_ratio;
    case EnergyMetric::cpu_load: return figures.cpu;
    case EnergyMetric::throughput_mbps: return figures.mbps;
  }
  std::abort();
}

}  // namespace lobo::media_energy
