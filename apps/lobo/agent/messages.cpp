#include "agent/messages.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "agent/agent_config.hpp"
#include "api/media_e3.hpp"
#include "api/media_types.hpp"
#include "base/text.hpp"
#include "energy/meter/ledger.hpp"
#include "energy/meter/power_model.hpp"
#include "energy/meter/trigger.hpp"
#include "energy/problem.hpp"

namespace lobo::app {
namespace {

namespace meter = energy::meter;
namespace types = api::media_types;

constexpr double carbon_g_per_kwh_max = 5000;

types::EnergyMethod method_of(meter::Method method) {
  switch (method) {
    case meter::Method::measured_rapl: return types::EnergyMethod::measured_rapl;
    case meter::Method::model_cpu: return types::EnergyMethod::model_cpu;
    case meter::Method::declared: return types::EnergyMethod::declared;
  }
  std::abort();
}

types::AsState state_of(energy::LocationState state) {
  switch (state) {
    case energy::LocationState::active: return types::AsState::active;
    case energy::LocationState::draining: return types::AsState::draining;
    case energy::LocationState::standby: return types::AsState::standby;
    case energy::LocationState::down: return types::AsState::failed;
  }
  std::abort();
}

types::EnergyReportingReason reason_of(meter::Reason reason) {
  switch (reason) {
    case meter::Reason::periodic: return types::EnergyReportingReason::periodic;
    case meter::Reason::threshold_crossed: return types::EnergyReportingReason::threshold_crossed;
    case meter::Reason::threshold_cleared: return types::EnergyReportingReason::threshold_cleared;
    case meter::Reason::location_state_changed:
      return types::EnergyReportingReason::location_state_changed;
    case meter::Reason::initial: return types::EnergyReportingReason::initial;
  }
  std::abort();
}

std::optional<meter::Metric> metric_of(types::EnergyMetric metric) {
  switch (metric) {
    case types::EnergyMetric::power_w: return meter::Metric::power_w;
    case types::EnergyMetric::cpu_load: return meter::Metric::cpu_load;
    case types::EnergyMetric::throughput_mbps: return meter::Metric::throughput_mbps;
    case types::EnergyMetric::energy_per_data_wh_per_gb:
      return meter::Metric::energy_per_data_wh_per_gb;
    case types::EnergyMetric::efficiency_bit_per_j: return meter::Metric::efficiency_bit_per_j;
    case types::EnergyMetric::energy_wh:
    case types::EnergyMetric::carbon_intensity_g_per_kwh:
    case types::EnergyMetric::carbon_rate_g_per_h:
    case types::EnergyMetric::renewable_ratio: return std::nullopt;
  }
  std::abort();
}

std::optional<api::media_e3::AsSupply> supply_of(const AgentSupply& supply) {
  if (!supply.carbon_g_per_kwh && !supply.renewable_ratio && supply.zone.empty())
    return std::nullopt;
  api::media_e3::AsSupply out;
  out.carbon_intensity_g_per_k_wh = supply.carbon_g_per_kwh;
  out.renewable_ratio = supply.renewable_ratio;
  if (!supply.zone.empty()) out.zone = supply.zone;
  return out;
}

}  // namespace

api::media_e3::AsRegistration registration_of(const AgentConfig& config, double idle_w) {
  api::media_e3::AsRegistration out;
  for (const auto& location : config.locations)
    out.service_locations.push_back(
        {.service_location_id = location.id, .base_urls = location.base_urls});
  const auto& model = config.host.model;
  out.host = {.capacity_mbps = config.capacity_mbps,
              .idle_power_w = idle_w,
              .max_power_w = model.max_w(),
              .standby_power_w = config.host.standby_w,
              .pue = config.host.pue,
              .method = method_of(model.method),
              .rel_uncertainty = model.rel_uncertainty};
  out.can_stand_by = !config.commands.standby.empty() && !config.commands.wake.empty();
  return out;
}

api::media_e3::AsEnergyReport message_of(const AgentConfig& config, const meter::Report& report,
                                         const std::string& boot_id) {
  api::media_e3::AsEnergyReport out;
  out.report_id = boot_id + '-' + std::to_string(report.sequence);
  out.sequence = report.sequence;
  out.as_instance_id = config.as_instance_id;
  out.boot_id = boot_id;
  if (!report.revision.empty()) out.configuration_revision = report.revision;
  out.reason = reason_of(report.reason);
  out.measurement_time = {.start = report.start, .end = report.end};
  out.timestamp = report.end;
  out.validity_time = report.validity_s;
  out.host.energy_j = report.energy_j;
  out.host.power_w = report.power_w;
  out.host.idle_power_w = report.idle_w;
  out.host.max_power_w = std::max(report.power_w, config.host.model.max_w());
  out.host.pue = config.host.pue;
  out.host.method = method_of(report.method);
  out.host.rel_uncertainty = std::clamp(report.rel_uncertainty, 0.0, 1.0);
  out.host.cpu_util = report.utilisation;
  out.host.nic_tx_mbps = report.tx_mbps;
  if (config.capacity_mbps > 0) out.host.capacity_mbps = config.capacity_mbps;
  out.host.state = state_of(report.state);
  for (std::size_t i = 0; i < report.of.size(); ++i) {
    const auto& totals = report.of[i];
    api::media_e3::AsLocationEnergy location;
    location.service_location_id = config.locations[i].id;
    location.base_urls = config.locations[i].base_urls;
    location.energy_j = totals.energy.idle_j + totals.energy.dynamic_j;
    location.idle_share_j = totals.energy.idle_j;
    location.dynamic_j = totals.energy.dynamic_j;
    location.bytes_tx = totals.use.bytes_tx;
    location.bytes_rx = totals.use.bytes_rx;
    location.requests = totals.use.requests;
    location.server_errors = totals.use.errors_5xx;
    if (i < report.sessions.size()) {
      const auto& [by_cmcd, by_query] = report.sessions[i];
      if (!by_cmcd.empty()) location.cmcd_session_ids = by_cmcd;
      if (!by_query.empty()) location.access_log_session_ids = by_query;
    }
    out.per_service_location.push_back(std::move(location));
  }
  for (std::size_t i = 0; i < report.flows.size(); ++i)
    for (const auto& [name, totals] : report.flows[i]) {
      if (!out.per_service_data_flow) out.per_service_data_flow.emplace();
      api::media_e3::AsFlowEnergy flow;
      flow.service_location_id = config.locations[i].id;
      flow.domain_name = name;
      flow.bytes_tx = totals.use.bytes_tx;
      flow.bytes_rx = totals.use.bytes_rx;
      flow.energy_j = totals.energy.idle_j + totals.energy.dynamic_j;
      out.per_service_data_flow->push_back(std::move(flow));
    }
  AgentSupply supply = config.supply;
  if (report.carbon_g_per_kwh) supply.carbon_g_per_kwh = report.carbon_g_per_kwh;
  if (report.renewable_ratio) supply.renewable_ratio = report.renewable_ratio;
  out.supply = supply_of(supply);
  return out;
}

std::optional<AgentSupply> parse_supply(std::string_view text) {
  AgentSupply out;
  bool wrong = false;
  const auto number = [&](std::string_view word, double most) {
    double value = 0;
    const auto [end, bad] = std::from_chars(word.data(), word.data() + word.size(), value);
    wrong = wrong || bad != std::errc{} || end != word.data() + word.size() || !(value >= 0) ||
            value > most;
    return value;
  };
  text = trim(text);
  const auto space = text.find(' ');
  out.carbon_g_per_kwh = number(text.substr(0, space), carbon_g_per_kwh_max);
  if (space != std::string_view::npos) out.renewable_ratio = number(trim(text.substr(space)), 1);
  return wrong ? std::nullopt : std::optional(out);
}

std::vector<std::vector<std::string>> flows_of(
    const AgentConfig& config, const api::media_e3::EnergyReportingConfiguration& configuration) {
  std::vector<std::vector<std::string>> out(config.locations.size());
  if (!configuration.service_data_flows) return out;
  for (const auto& flow : *configuration.service_data_flows)
    for (std::size_t i = 0; i < config.locations.size(); ++i)
      if (config.locations[i].id == flow.service_location_id) out[i].push_back(flow.domain_name);
  return out;
}

std::vector<meter::TriggerSettings> triggers_of(
    const api::media_e3::EnergyReportingConfiguration& configuration) {
  std::vector<meter::TriggerSettings> out;
  if (!configuration.triggers) return out;
  for (const auto& trigger : *configuration.triggers) {
    const auto metric = metric_of(trigger.metric);
    if (!metric) continue;
    out.push_back({.id = trigger.threshold_ref,
                   .metric = *metric,
                   .up = trigger.direction == types::ThresholdDirection::up,
                   .crossing = trigger.crossing,
                   .clear = trigger.clear,
                   .dwell = std::chrono::seconds{trigger.dwell}});
  }
  return out;
}

}  // namespace lobo::app
