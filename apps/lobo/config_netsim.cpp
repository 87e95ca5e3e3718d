#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "config.hpp"
#include "config_read.hpp"
#include "config_section.hpp"
#include "config_tree.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/smf_config.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr double ppm_per_percent = 10'000;
constexpr double cell_watts_max = 1e6;

void read_cell(Section& section, core_sim::CellConfig& out) {
  section.require("name");
  section.text("name", out.name);
  section.bit_rate("downlink", out.capacity_dl);
  section.bit_rate("uplink", out.capacity_ul);
  section.duration("delay_downlink", 0ms, 10s, out.delay_dl);
  section.duration("delay_uplink", 0ms, 10s, out.delay_ul);
  section.choice("rat", {{"nr", false}, {"eutra", true}}, out.eutra);
  section.section("power", [&](Section& power) {
    auto& model = out.power.emplace();
    for (const auto key : {"idle_w", "max_w"}) power.require(key);
    power.number("idle_w", 0, cell_watts_max, model.idle_w);
    power.number("max_w", 0, cell_watts_max, model.max_w);
  });
}

/// "msisdn-49…" and "extid-…" (TS 29.571 Gpsi); a UE may have one of each.
void read_gpsi(Section& section, core_sim::UeConfig& out) {
  std::vector<std::string> gpsis;
  section.texts("gpsi", gpsis);
  for (const auto& gpsi : gpsis) {
    if (gpsi.starts_with("msisdn-"))
      out.msisdn = gpsi.substr(7);
    else if (gpsi.starts_with("extid-"))
      out.external_id = gpsi.substr(6);
    else
      section.complain("gpsi", Errc::pattern,
                       fmt::format("'{}' begins neither with msisdn- nor with extid-", gpsi));
  }
}

void read_ue(Section& section, core_sim::UeConfig& out) {
  for (const auto key : {"name", "gpsi", "cell"}) section.require(key);
  section.text("name", out.name);
  read_gpsi(section, out);
  section.text("cell", out.cell);
  section.text("ipv4", out.ipv4);
  section.text("ipv6", out.ipv6);
  section.text("mac", out.mac);
  section.text("ip_domain", out.ip_domain);
  section.text("dnn", out.dnn);
  section.section("slice", [&](Section& slice) {
    std::uint64_t sst = out.snssai.sst;
    slice.require("sst");
    if (slice.integer("sst", 0, 255, sst)) out.snssai.sst = static_cast<unsigned>(sst);
    slice.text("sd", out.snssai.sd);
  });
  section.boolean("attached", out.attached);
}

void read_qos(Section& section, core_sim::QosProfile& out) {
  section.require("name");
  section.text("name", out.name);
  std::uint64_t five_qi = out.five_qi;
  if (section.integer("5qi", 1, 255, five_qi)) out.five_qi = static_cast<unsigned>(five_qi);
  section.bit_rate("downlink", out.quality.gbr_dl);
  section.bit_rate("uplink", out.quality.gbr_ul);
  BitsPerSecond most{};
  if (section.bit_rate("downlink_max", most)) out.mbr_dl = most;
  if (section.bit_rate("uplink_max", most)) out.mbr_ul = most;
  std::chrono::milliseconds delay{};
  if (section.duration("delay", 1ms, 10s, delay)) out.quality.delay_budget = delay;
  double loss_percent = 0;
  if (section.number("loss_percent", 0, 100, loss_percent))
    out.quality.loss_ppm_max =
        static_cast<std::uint32_t>(std::lround(loss_percent * ppm_per_percent));
}

void read_client(Section& section, core_sim::OAuthClient& out) {
  for (const auto key : {"id", "secret", "application_functions"}) section.require(key);
  section.text("id", out.id);
  section.text("secret", out.secret);
  section.texts("application_functions", out.scs_as_ids);
}

void read_behaviour(Section& section, core_sim::CoreConfig& out) {
  section.duration("allocation_delay", 0ms, 60s, out.allocation_delay);
  section.boolean("early_allocation_event", out.early_allocation_event);
  section.duration("early_event_lead", 0ms, 60s, out.early_event_lead);
  section.boolean("admit_alternatives", out.admit_alternatives);
  section.boolean("admit_at_allocation", out.admit_at_allocation);
  section.duration("response_delay", 0ms, 60s, out.response_delay);
  std::uint64_t status = static_cast<std::uint64_t>(out.no_session_status);
  if (section.integer("no_session_status", 400, 599, status))
    out.no_session_status = static_cast<int>(status);
  std::uint64_t attempts = out.callback_attempts_max;
  if (section.integer("callback_attempts_max", 1, 100, attempts))
    out.callback_attempts_max = static_cast<unsigned>(attempts);
  section.duration("callback_retry_first", 1ms, 60s, out.callback_retry_first);
  section.text("supported_features", out.supported_features);
  std::vector<std::string> mute;
  section.texts("mute_events", mute);
  out.mute_events = {mute.begin(), mute.end()};
  std::chrono::milliseconds token_lifetime = out.token_lifetime;
  if (section.duration("token_lifetime", 1s, 24h, token_lifetime))
    out.token_lifetime = std::chrono::ceil<std::chrono::seconds>(token_lifetime);
}

void read_pcf(Section& section, core_sim::PcfQuirks& out) {
  section.boolean("patch_replaces", out.patch_replaces);
  section.boolean("no_get", out.no_get);
  section.boolean("no_events_resource", out.no_events_resource);
  section.boolean("silent", out.silent);
  section.boolean("media_type_needed", out.media_type_needed);
  section.boolean("plain_404_on_create", out.plain_404_on_create);
}

void read_upf(Section& section, core_sim::UpfConfig& out) {
  section.require("address");
  section.text("name", out.name);
  section.text("address", out.address);
  std::uint64_t port = out.port;
  if (section.integer("port", 1, 65535, port)) out.port = static_cast<std::uint16_t>(port);
  section.texts("dnn", out.dnns);
}

void read_smf(Section& section, core_sim::SmfConfig& out) {
  for (const auto key : {"address", "upf"}) section.require(key);
  section.text("address", out.address);
  std::uint64_t port = out.port;
  if (section.integer("port", 0, 65535, port)) out.port = static_cast<std::uint16_t>(port);
  section.each("upf", [&](Section& upf) {
    out.upfs.push_back(
        {.name = fmt::format("upf{}", out.upfs.size() + 1), .address = {}, .dnns = {}});
    read_upf(upf, out.upfs.back());
  });
  section.text("ue_pool", out.ue_pool);
  section.texts("ran_networks", out.ran_networks);
  section.text("n3_instance", out.n3_instance);
  section.bit_rate("session_ambr_downlink", out.session_ambr_dl);
  section.bit_rate("session_ambr_uplink", out.session_ambr_ul);
  section.duration("t1", 10ms, 60s, out.t1);
  std::uint64_t n1 = out.n1;
  if (section.integer("n1", 0, 20, n1)) out.n1 = static_cast<unsigned>(n1);
  section.duration("heartbeat", 50ms, 1h, out.heartbeat);
  section.duration("setup_retry", 50ms, 1h, out.setup_retry);
}

/// The node that a path of core_sim::check names ("ues/3/cell"), as near as the file has it.
std::size_t line_of(const YamlNode& top, std::string_view path) {
  const YamlNode* node = &top;
  std::size_t line = top.line;
  for (const auto step : split(path, '/')) {
    const std::string_view key = step == "qos"   ? "qos_profiles"
                                 : step == "afs" ? "application_functions"
                                                 : step;
    const auto index = parse_decimal(step);
    if (node->kind == YamlNode::Kind::list && index && *index < node->items.size()) {
      node = &node->items[*index];
      line = node->line;
      continue;
    }
    const auto entry = std::ranges::find(node->entries, key, &YamlEntry::key);
    if (entry == node->entries.end()) break;
    node = &entry->value;
    line = entry->line;
  }
  return line;
}

}  // namespace

void read_netsim(Section& section, NetsimConfig& out) {
  for (const auto key : {"server", "cells", "ues"}) section.require(key);
  read_servers(section, "server", out.servers, true);
  auto& core = out.core;
  section.each("cells", [&](Section& cell) { read_cell(cell, core.cells.emplace_back()); });
  section.each("ues", [&](Section& ue) { read_ue(ue, core.ues.emplace_back()); });
  section.each("qos_profiles", [&](Section& qos) { read_qos(qos, core.qos.emplace_back()); });
  std::vector<std::string> functions{"lobodon"};
  section.texts("application_functions", functions);
  section.texts("bdt_references", out.core.bdt_references);
  for (auto& function : functions) core.afs.push_back({std::move(function)});
  section.each("clients",
               [&](Section& client) { read_client(client, core.clients.emplace_back()); });
  section.each("groups", [&](Section& group) {
    auto& read = core.groups.emplace_back();
    group.require("val_group");
    group.text("val_group", read.id);
    group.texts("val_ues", read.val_ues);
    group.texts("val_users", read.val_users);
  });
  section.boolean("tokens_required", core.tokens_required);
  std::chrono::milliseconds period = core.granularity_period;
  if (section.duration("granularity_period", 1s, 1h, period)) {
    core.granularity_period = std::chrono::duration_cast<std::chrono::seconds>(period);
    if (core.granularity_period != period)
      section.complain("granularity_period", Errc::pattern, "must be whole seconds");
  }
  section.section("behaviour", [&](Section& behaviour) { read_behaviour(behaviour, core); });
  section.section("pcf", [&](Section& pcf) { read_pcf(pcf, core.pcf); });
  section.text("bsf_names", core.bsf_names);
  section.section("smf", [&](Section& smf) { read_smf(smf, core.smf.emplace()); });
  section.section("callback_tls", [&](Section& tls) { read_client_tls(tls, out.callback_tls); });
  read_trace(section, out.trace);
  if (!section.complaints().empty()) return;  // what could not be read would be told twice
  const auto sound = core_sim::check(core);
  if (sound) return;
  for (const auto& fault : sound.error().faults)
    section.complaints().add(line_of(section.node(), fault.where), fault.code,
                             fmt::format("netsim.{}: {}", fault.where, fault.reason));
  if (sound.error().faults.empty())
    section.complaints().add(section.line(), sound.error().code, "netsim: " + sound.error().detail);
}

}  // namespace lobo::app
