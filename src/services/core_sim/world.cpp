#include "services/core_sim/world.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/require.hpp"
#include "model/address.hpp"
#include "services/core_sim/admission.hpp"
#include "services/core_sim/config.hpp"

namespace lobo::core_sim {

namespace {

std::string ipv4_key(std::string_view address, std::string_view domain) {
  return std::string(address) + "@" + std::string(domain);
}

std::optional<UeIndex> found(const auto& index, std::string_view key) {
  const auto at = index.find(key);
  if (at == index.end()) return std::nullopt;
  return at->second;
}

}  // namespace

std::optional<std::string> canonical_mac(std::string_view mac) {
  const auto parsed = model::MacAddress::parse(mac);
  if (!parsed) return std::nullopt;
  return parsed->text();
}

std::optional<std::string> canonical_ipv6(std::string_view address) {
  const auto parsed = model::Ipv6Address::parse(address);
  if (!parsed) return std::nullopt;
  return parsed->text();
}

World::World(const CoreConfig& config)
    : cells_(config.cells), carried_(config.cells.size()), profiles_(config.qos) {
  for (CellIndex cell = 0; cell < cells_.size(); ++cell)
    cell_names_.emplace(cells_[cell].name, cell);
  ues_.reserve(config.ues.size());
  for (const auto& ue : config.ues) {
    const auto cell = found(cell_names_, ue.cell);
    require(cell.has_value());
    const UeIndex index = ues_.size();
    ues_.push_back({.config = ue, .cell = *cell, .session_up = ue.attached, .link = {}});
    names_.emplace(ue.name, index);
    if (!ue.external_id.empty()) external_ids_.emplace(ue.external_id, index);
    if (!ue.msisdn.empty()) msisdns_.emplace(ue.msisdn, index);
    index_addresses(index);
  }
}

void World::index_addresses(UeIndex index) {
  const auto& ue = ues_[index].config;
  if (!ue.ipv4.empty()) ipv4s_.emplace(ipv4_key(ue.ipv4, ue.ip_domain), index);
  if (const auto ipv6 = canonical_ipv6(ue.ipv6)) ipv6s_.emplace(*ipv6, index);
  if (const auto mac = canonical_mac(ue.mac)) macs_.emplace(*mac, index);
}

void World::unindex_addresses(UeIndex index) {
  const auto& ue = ues_[index].config;
  if (!ue.ipv4.empty()) ipv4s_.erase(ipv4_key(ue.ipv4, ue.ip_domain));
  if (const auto ipv6 = canonical_ipv6(ue.ipv6)) ipv6s_.erase(*ipv6);
  if (const auto mac = canonical_mac(ue.mac)) macs_.erase(*mac);
}

std::optional<UeIndex> World::by_name(std::string_view name) const { return found(names_, name); }

std::optional<UeIndex> World::by_gpsi(std::string_view gpsi) const {
  static constexpr std::string_view msisdn = "msisdn-";
  static constexpr std::string_view external = "extid-";
  if (gpsi.starts_with(msisdn)) return by_msisdn(gpsi.substr(msisdn.size()));
  if (gpsi.starts_with(external)) return by_external_id(gpsi.substr(external.size()));
  return std::nullopt;
}

std::optional<UeIndex> World::by_external_id(std::string_view id) const {
  return found(external_ids_, id);
}

std::optional<UeIndex> World::by_msisdn(std::string_view msisdn) const {
  return found(msisdns_, msisdn);
}

std::optional<UeIndex> World::by_ipv4(std::string_view address, std::string_view domain) const {
  const auto index = found(ipv4s_, ipv4_key(address, domain));
  return index && ues_[*index].session_up ? index : std::nullopt;
}

bool World::has_ipv4(std::string_view address, std::string_view domain) const {
  return ipv4s_.contains(ipv4_key(address, domain));
}

std::optional<UeIndex> World::by_ipv6(std::string_view address) const {
  const auto canonical = canonical_ipv6(address);
  if (!canonical) return std::nullopt;
  const auto index = found(ipv6s_, *canonical);
  return index && ues_[*index].session_up ? index : std::nullopt;
}

std::optional<UeIndex> World::by_mac(std::string_view mac) const {
  const auto canonical = canonical_mac(mac);
  if (!canonical) return std::nullopt;
  const auto index = found(macs_, *canonical);
  return index && ues_[*index].session_up ? index : std::nullopt;
}

void World::attach(UeIndex index) { ues_[index].session_up = true; }
void World::detach(UeIndex index) { ues_[index].session_up = false; }

bool World::change_address(UeIndex index, std::optional<std::string> ipv4,
                           std::optional<std::string> ipv6) {
  auto& ue = ues_[index].config;
  if (ipv4) {
    const auto other = found(ipv4s_, ipv4_key(*ipv4, ue.ip_domain));
    if (other && *other != index) return false;
  }
  if (ipv6) {
    const auto canonical = canonical_ipv6(*ipv6);
    const auto other = canonical ? found(ipv6s_, *canonical) : std::nullopt;
    if (!canonical || (other && *other != index)) return false;
  }
  unindex_addresses(index);
  if (ipv4) ue.ipv4 = std::move(*ipv4);
  if (ipv6) ue.ipv6 = std::move(*ipv6);
  index_addresses(index);
  return true;
}

void World::carried(UeIndex index, const RanCounters& more) {
  auto& ue = ues_[index];
  ue.carried.add(more);
  carried_[ue.cell].octets += more.octets;
  ++carried_[ue.cell].reports;
}

std::optional<CellIndex> World::cell_by_name(std::string_view name) const {
  return found(cell_names_, name);
}

const QosProfile* World::profile(std::string_view reference) const {
  for (const auto& profile : profiles_)
    if (profile.name == reference) return &profile;
  return nullptr;
}

}  // namespace lobo::core_sim
