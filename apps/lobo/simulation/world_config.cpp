#include "simulation/world_config.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "api/ss_nra.hpp"
#include "api/state/seal_nrm.hpp"
#include "graph/control_plane.hpp"
#include "services/core_sim/config.hpp"
#include "services/seal_nrm/ports.hpp"
#include "sim/network.hpp"
#include "simulation/run.hpp"

namespace lobo::app::simulation {

using namespace std::chrono_literals;

const Streams& streams() {
  static const Streams all{{"up", {"ue1", "ue2"}}, {"across", {"ue2", "ue4"}}};
  return all;
}

const std::map<std::string, std::string>& gpsis() {
  static const auto all = [] {
    std::map<std::string, std::string> out;
    for (const auto name : ue_names)
      out.emplace(name, "extid-" + std::string(name) + "@lobodon.example");
    return out;
  }();
  return all;
}

std::set<std::string> mute_kinds(std::uint64_t seed) {
  std::set<std::string> mute;
  if (seed % 7 == 2) mute = {"delay", "rate"};
  if (seed % 5 == 3) mute.insert("usage");
  if (seed % 11 == 4) mute.insert("analytics");
  return mute;
}

Addresses first_addresses() {
  Addresses all;
  for (std::size_t i = 0; i < ue_names.size(); ++i)
    all.emplace(ue_names[i], "10.45.0." + std::to_string(i + 2));
  return all;
}

Door door_of(const Options& options) {
  if (options.door) return *options.door;
  return options.plant || options.seed % 3 != 0 ? Door::nef : Door::pcf;
}

core_sim::PcfQuirks quirks_of(std::uint64_t seed) {
  return {.patch_replaces = seed / 3 % 2 == 1,
          .no_get = seed / 6 % 4 == 1,
          .no_events_resource = seed / 3 % 2 == 0,
          .silent = seed / 9 % 3 == 1,
          .media_type_needed = seed / 3 % 4 == 2,
          .plain_404_on_create = seed / 3 % 5 == 0};
}

/// Cores differ, and so do the worlds of different seeds: when allocation is told, whether it may
/// fail after a 201, what is offered instead of a refusal.
core_sim::CoreConfig core_config(std::uint64_t seed) {
  core_sim::CoreConfig config;
  config.early_allocation_event = seed % 2 == 0;
  config.admit_at_allocation = seed % 5 == 0;
  config.admit_alternatives = seed % 3 != 0;
  config.allocation_delay = std::chrono::milliseconds(seed % 7 * 40);
  config.no_session_status = seed % 4 == 0 ? 404 : 500;
  config.pcf = quirks_of(seed);
  config.api_root = "http://" + std::string(core_authority);
  config.cells = {{.name = "cell1", .capacity_dl = {40'000'000}, .capacity_ul = {20'000'000}},
                  {.name = "cell2", .capacity_dl = {20'000'000}, .capacity_ul = {10'000'000}}};
  config.qos = {{.name = "gold",
                 .five_qi = 4,
                 .quality = {.gbr_dl = {8'000'000}, .gbr_ul = {2'000'000}, .delay_budget = 50ms}},
                {.name = "silver",
                 .five_qi = 4,
                 .quality = {.gbr_dl = {4'000'000}, .gbr_ul = {1'000'000}, .delay_budget = 100ms}},
                {.name = "bronze", .five_qi = 9, .quality = {}}};
  config.afs = {{"lobodon"}};
  config.bdt_references = {"bdt-1"};
  const auto mute = mute_kinds(seed);
  if (mute.contains("delay")) config.mute_events.insert("QOS_MONITORING");
  if (mute.contains("usage")) config.mute_events.insert("USAGE_REPORT");
  if (mute.contains("analytics")) config.mute_events.insert("DN_PERFORMANCE");
  for (std::size_t i = 0; i < ue_names.size(); ++i) {
    core_sim::UeConfig ue;
    ue.name = ue_names[i];
    ue.external_id = ue.name + "@lobodon.example";
    ue.ipv4 = first_addresses().at(ue.name);
    ue.cell = i % 2 == 0 ? "cell1" : "cell2";
    config.ues.push_back(std::move(ue));
  }
  return config;
}

namespace {

void ask_a_pcf(ControlPlane::Config& config, std::uint64_t seed) {
  auto& core = config.nrm.core;
  core.kind = seal_nrm::CoreKind::pcf;
  core.peer = "pcf";
  core.bsf = seed / 3 % 3 != 0;
  core.pcfs.hosts.emplace_back(core_authority);
  config.nrm.limits.suspect_silent = suspected_for;
  // Nobody configures a PCF that never tells as one that always does.
  if (quirks_of(seed).silent && core.allocation_events == seal_nrm::AllocationEvents::always)
    core.allocation_events = seal_nrm::AllocationEvents::learned;
  config.nef.name = "pcf";
  if (!core.bsf) return;
  config.bsf = config.nef;
  config.bsf->name = "bsf";
  config.nef = {};
}

}  // namespace

ControlPlane::Config control_plane_config(const Options& options) {
  const auto seed = options.seed;
  const bool audits = !options.plant;
  ControlPlane::Config config;
  constexpr std::array knowledge{seal_nrm::AllocationEvents::learned,
                                 seal_nrm::AllocationEvents::always,
                                 seal_nrm::AllocationEvents::never};
  config.nrm.core.allocation_events = knowledge[seed / 2 % knowledge.size()];
  config.nrm.core.modify_by = seed % 4 < 2 ? seal_nrm::ModifyBy::patch : seal_nrm::ModifyBy::put;
  config.nrm.core.names =
      seed % 8 < 4 ? seal_nrm::MemberNames::release_19 : seal_nrm::MemberNames::release_18;
  config.nrm.api_root = "http://" + std::string(server_authority);
  config.nrm.callback_base = config.nrm.api_root;
  config.nrm.core.scs_as_id = "lobodon";
  // An audit would mend what some plants break before a checker sees it.
  config.nrm.limits.audit_interval =
      audits ? audit_interval : std::chrono::milliseconds(std::chrono::hours{24 * 365});
  config.nrm.sinks.https_only = false;
  for (const auto name : application_names)
    config.nrm.sinks.hosts.push_back(std::string(name) + ".example");
  config.nrm.qos_references = {"gold", "silver", "bronze"};
  api::ss_nra::UniQosRequirement usual;
  usual.qos_reference = "bronze";
  config.nrm.defaults.emplace("*", usual);
  for (const auto& [id, ends] : streams())
    config.nrm.monitoring.streams[id] = {ends.first, ends.second};
  // A history is longer than the default of T21; what ends by it would be excused from the
  // checkers.
  config.nrm.monitoring.default_period = config.nrm.monitoring.time_max;
  config.nef = {.name = "nef",
                .scheme = "http",
                .authority = std::string(core_authority),
                .path_prefix = {},
                .redirect_authorities = {sim::SimNetwork::alias_of(std::string(core_authority))}};
  config.router.requests_per_second = 1e6;
  config.router.request_burst = 1e6;
  if (door_of(options) == Door::pcf) ask_a_pcf(config, seed);
  return config;
}

ConfiguredUes::Entries ue_entries(const Addresses& addresses) {
  ConfiguredUes::Entries ues;
  for (const auto name : ue_names)
    ues.emplace(name, seal_nrm::DirectoryEntry{
                          gpsis().find(std::string(name))->second,
                          {},
                          api::state::seal_nrm::UeAddress{
                              .ipv4 = addresses.find(name)->second, .ipv6 = {}, .mac = {}}});
  return ues;
}

ConfiguredUes::Groups group_of(std::uint64_t chosen) {
  seal_nrm::DirectoryGroup group;
  for (std::size_t i = 0; i < ue_names.size(); ++i)
    if ((chosen >> i & 1U) != 0)
      group.members.push_back({.user = false, .id = std::string(ue_names[i])});
  group.revision = seal_nrm::revision_of(group.members);
  ConfiguredUes::Groups groups;
  groups.emplace(group_name, std::make_shared<const seal_nrm::DirectoryGroup>(std::move(group)));
  return groups;
}

}  // namespace lobo::app::simulation
