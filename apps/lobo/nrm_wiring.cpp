#include "nrm_wiring.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "api/ss_nra.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "graph/control_plane.hpp"
#include "model/address.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::app {

void replace_ues(ConfiguredUes& ues, const NrmConfig& config) {
  ConfiguredUes::Entries by_ue;
  ConfiguredUes::Entries by_user;
  for (const auto& ue : config.ues) {
    const seal_nrm::DirectoryEntry entry{
        .gpsi = ue.gpsi, .requesters = ue.requesters, .address = ue_address_of(ue.address)};
    if (!ue.val_ue.empty()) by_ue.emplace(ue.val_ue, entry);
    if (!ue.val_user.empty()) by_user.emplace(ue.val_user, entry);
  }
  ConfiguredUes::Groups groups;
  for (const auto& configured : config.groups) {
    seal_nrm::DirectoryGroup group;
    for (const auto& id : configured.val_ues) group.members.push_back({.user = false, .id = id});
    for (const auto& id : configured.val_users) group.members.push_back({.user = true, .id = id});
    std::ranges::sort(group.members);
    group.requesters = configured.requesters;
    group.revision = seal_nrm::revision_of(group.members);
    groups.emplace(configured.val_group,
                   std::make_shared<const seal_nrm::DirectoryGroup>(std::move(group)));
  }
  ues.replace(std::move(by_ue), std::move(by_user), std::move(groups));
}

std::optional<api::state::seal_nrm::UeAddress> ue_address_of(std::string_view text) {
  api::state::seal_nrm::UeAddress address;
  if (const auto ipv4 = model::Ipv4Address::parse(text))
    address.ipv4 = ipv4->text();
  else if (const auto ipv6 = model::Ipv6Address::parse(text))
    address.ipv6 = ipv6->text();
  else if (const auto mac = model::MacAddress::parse(text))
    address.mac = mac->text();
  else
    return std::nullopt;
  return address;
}

namespace {

Result<void> put_pcf(seal_nrm::CoreTraits& core, const PcfConfig& config) {
  core.kind = seal_nrm::CoreKind::pcf;
  core.peer = "pcf";
  core.bsf = !config.bsf_uri.empty();
  if (const auto bsf = http::parse_url(config.bsf_uri)) core.bsf_scheme = bsf->scheme;
  auto allowed = http::SinkPolicy::from(config.pcf_hosts, false);
  if (!allowed) return fail(allowed.error());
  core.pcfs = std::move(*allowed);
  core.af_app_id = config.af_app_id;
  core.media_type = config.media_type;
  if (!config.supported_features.empty()) core.supported_features = config.supported_features;
  return {};
}

/// The NEF beside the PCF of `core`. Of a UE with several PDU sessions the same one counts for
/// both.
seal_nrm::CoreTraits nef_beside(const NefConfig& config, const seal_nrm::CoreTraits& core) {
  seal_nrm::CoreTraits nef;
  nef.scs_as_id = config.scs_as_id;
  nef.flow_id_first = static_cast<std::int64_t>(config.flow_id_first);
  nef.dnn = config.dnn.empty() ? core.dnn : std::optional(config.dnn);
  if (!config.callback_base.empty()) nef.callback_base = config.callback_base;
  nef.call_deadline = config.deadline;
  return nef;
}

}  // namespace

Result<seal_nrm::Settings> nrm_settings(const NrmConfig& config, const std::string& api_root) {
  seal_nrm::Settings settings;
  settings.api_root = api_root;
  settings.callback_base = config.callback_base.empty() ? api_root : config.callback_base;
  settings.core.scs_as_id = config.nef.scs_as_id;
  switch (config.nef.allocation_events) {
    case AllocationEvents::probed:
      settings.core.allocation_events = seal_nrm::AllocationEvents::learned;
      break;
    case AllocationEvents::always:
      settings.core.allocation_events = seal_nrm::AllocationEvents::always;
      break;
    case AllocationEvents::never:
      settings.core.allocation_events = seal_nrm::AllocationEvents::never;
      break;
  }
  settings.core.names = config.nef.release == 18 ? seal_nrm::MemberNames::release_18
                                                 : seal_nrm::MemberNames::release_19;
  settings.core.modify_by =
      config.nef.modify_by_put ? seal_nrm::ModifyBy::put : seal_nrm::ModifyBy::patch;
  settings.core.flow_id_first = static_cast<std::int64_t>(config.nef.flow_id_first);
  if (!config.nef.dnn.empty()) settings.core.dnn = config.nef.dnn;
  if (config.core == CoreType::pcf)
    if (auto put = put_pcf(settings.core, config.pcf); !put) return fail(put.error());
  if (!config.nef.callback_base.empty()) settings.core.callback_base = config.nef.callback_base;
  if (config.nef_beside) settings.nef_beside = nef_beside(*config.nef_beside, settings.core);
  settings.limits.call_deadline = config.nef.deadline;
  settings.limits.audit_interval = config.audit.interval;
  settings.limits.audit_pause = config.audit.pause;
  settings.limits.audit_page = config.audit.page;
  if (!config.monitoring.qos_reference.empty())
    settings.monitoring.qos_reference = config.monitoring.qos_reference;
  settings.monitoring.sample_period = config.monitoring.sample_period;
  settings.monitoring.silent_after = config.monitoring.silent_after;
  settings.monitoring.once_wait = config.monitoring.once_wait;
  settings.monitoring.series_step = config.monitoring.series_step;
  settings.monitoring.time_max =
      std::chrono::duration_cast<std::chrono::seconds>(config.monitoring.time_max);
  settings.monitoring.default_period =
      std::min(std::chrono::duration_cast<std::chrono::seconds>(config.monitoring.default_period),
               settings.monitoring.time_max);
  settings.monitoring.ues_max = config.monitoring.ues_per_subscription;
  settings.monitoring.monitors_per_ue_max = config.monitoring.subscriptions_per_ue;
  for (const auto& stream : config.monitoring.streams)
    settings.monitoring.streams.emplace(
        stream.id, seal_nrm::MonitoringSettings::Stream{stream.from, stream.to});
  settings.limits.duration_max =
      std::chrono::duration_cast<std::chrono::seconds>(config.duration_max);
  auto sinks = http::SinkPolicy::from(config.sinks.allow, config.sinks.https_only);
  if (!sinks) return fail(sinks.error());
  settings.sinks = std::move(*sinks);
  settings.reliable_paths = config.reliable_paths;
  settings.qos_references = {config.qos_references.begin(), config.qos_references.end()};
  for (const auto& [id, text] : config.val_services) {
    auto quality = json::read<api::ss_nra::UniQosRequirement>(text);
    if (!quality) return fail(quality.error());
    settings.services.emplace(id, std::move(*quality));
  }
  for (const auto& [requester, name] : config.defaults) {
    const auto service = settings.services.find(name);
    api::ss_nra::UniQosRequirement quality;
    if (service != settings.services.end())
      quality = service->second;
    else
      quality.qos_reference = name;
    settings.defaults.emplace(requester, std::move(quality));
  }
  return settings;
}

}  // namespace lobo::app
