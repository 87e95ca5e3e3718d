#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "config_read.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

void read_cell(Section& section, NetsimCell& out) {
  section.require("id");
  section.text("id", out.id);
  section.bit_rate("downlink", out.downlink);
  section.bit_rate("uplink", out.uplink);
  section.duration("delay", 0ms, 10s, out.delay);
}

void read_ue(Section& section, NetsimUe& out) {
  for (const auto key : {"id", "gpsi", "cell"}) section.require(key);
  section.text("id", out.id);
  section.text("gpsi", out.gpsi);
  section.text("cell", out.cell);
  for (auto [key, address] : {std::pair{"ipv4", &out.ipv4}, std::pair{"ipv6", &out.ipv6}})
    if (section.text(key, *address) && !is_ip_address(*address))
      section.complain(key, Errc::pattern, fmt::format("'{}' is no IP address", *address));
  section.text("mac", out.mac);
  if (out.ipv4.empty() && out.ipv6.empty() && out.mac.empty())
    section.complain("ipv4", Errc::missing, "a UE needs ipv4, ipv6 or mac");
}

void read_qos(Section& section, NetsimQos& out) {
  section.require("reference");
  section.text("reference", out.reference);
  section.bit_rate("downlink", out.downlink);
  section.bit_rate("uplink", out.uplink);
  section.duration("delay", 1ms, 10s, out.delay);
  section.number("loss_percent", 0, 100, out.loss_percent);
}

/// Complains about the second of two entries with the same name.
template <class T>
void check_unique(Section& section, std::string_view key, const std::vector<T>& all, std::string T::*name) {
  std::set<std::string> seen;
  for (const auto& one : all)
    if (!(one.*name).empty() && !seen.insert(one.*name).second)
      section.complain(key, Errc::duplicate, fmt::format("'{}' is listed twice", one.*name));
}

}  // namespace

void read_netsim(Section& section, NetsimConfig& out) {
  for (const auto key : {"server", "cells", "ues"}) section.require(key);
  read_servers(section, "server", out.servers, true);
  section.each("cells", [&](Section& cell) { read_cell(cell, out.cells.emplace_back()); });
  section.each("ues", [&](Section& ue) { read_ue(ue, out.ues.emplace_back()); });
  section.each("qos_profiles", [&](Section& qos) { read_qos(qos, out.qos_profiles.emplace_back()); });
  check_unique(section, "cells", out.cells, &NetsimCell::id);
  check_unique(section, "ues", out.ues, &NetsimUe::id);
  check_unique(section, "qos_profiles", out.qos_profiles, &NetsimQos::reference);
  for (const auto& ue : out.ues)
    if (std::ranges::find(out.cells, ue.cell, &NetsimCell::id) == out.cells.end() && !ue.cell.empty())
      section.complain("ues", Errc::not_found, fmt::format("{} is in cell '{}', which is not in cells", ue.id, ue.cell));
  section.texts("scs_as_ids", out.scs_as_ids);
  section.texts("tokens", out.tokens);
  std::uint64_t release = out.release;
  if (section.integer("release", 18, 19, release)) out.release = static_cast<std::uint32_t>(release);
  section.boolean("allocation_events", out.allocation_events);
  section.integer("seed", 0, UINT64_MAX, out.seed);
  read_trace(section, out.trace);
}

}  // namespace lobo::app
