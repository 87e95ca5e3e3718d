#include "services/core_sim/config.hpp"

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/address.hpp"
#include "services/core_sim/smf_config.hpp"
#include "wire/http/url.hpp"

namespace lobo::core_sim {

namespace {

using Names = std::set<std::string, std::less<>>;

class Faults {
 public:
  void add(Errc code, std::string where, std::string reason) {
    faults_.push_back({code, std::move(where), std::move(reason)});
  }
  /// A name that has to be there, once.
  void unique(Names& names, const std::string& name, const std::string& where) {
    if (name.empty())
      add(Errc::missing, where, "must not be empty");
    else if (!names.insert(name).second)
      add(Errc::duplicate, where, "stands twice");
  }
  void unique_if_given(Names& names, const std::string& name, const std::string& where) {
    if (!name.empty()) unique(names, name, where);
  }
  std::vector<Fault> take() { return std::move(faults_); }

 private:
  std::vector<Fault> faults_;
};

void check_ues(const CoreConfig& config, const Names& cells, Faults& faults) {
  Names names, externals, msisdns, ipv4s, ipv6s, macs;
  for (std::size_t i = 0; i < config.ues.size(); ++i) {
    const auto& ue = config.ues[i];
    const auto where = "ues/" + std::to_string(i);
    faults.unique(names, ue.name, where + "/name");
    faults.unique_if_given(externals, ue.external_id, where + "/external_id");
    faults.unique_if_given(msisdns, ue.msisdn, where + "/msisdn");
    if (ue.external_id.empty() && ue.msisdn.empty())
      faults.add(Errc::missing, where, "needs an external_id or an msisdn");
    if (!cells.contains(ue.cell)) faults.add(Errc::not_found, where + "/cell", "names no cell");
    if (!ue.ipv4.empty() && !model::Ipv4Address::parse(ue.ipv4))
      faults.add(Errc::pattern, where + "/ipv4", "is no IPv4 address");
    const auto ipv6 = model::Ipv6Address::parse(ue.ipv6);
    if (!ue.ipv6.empty() && !ipv6) faults.add(Errc::pattern, where + "/ipv6", "is no IPv6 address");
    const auto mac = model::MacAddress::parse(ue.mac);
    if (!ue.mac.empty() && !mac) faults.add(Errc::pattern, where + "/mac", "is no MAC address");
    if (!ue.ipv4.empty()) faults.unique(ipv4s, ue.ipv4 + "@" + ue.ip_domain, where + "/ipv4");
    if (ipv6) faults.unique(ipv6s, ipv6->text(), where + "/ipv6");
    if (mac) faults.unique(macs, mac->text(), where + "/mac");
  }
}

void check_rates(const CoreConfig& config, Faults& faults) {
  for (std::size_t i = 0; i < config.cells.size(); ++i)
    if (config.cells[i].capacity_dl > bit_rate_max || config.cells[i].capacity_ul > bit_rate_max)
      faults.add(Errc::out_of_range, "cells/" + std::to_string(i),
                 "has more capacity than a cell may have");
  for (std::size_t i = 0; i < config.cells.size(); ++i)
    if (const auto& power = config.cells[i].power;
        power && (!(power->idle_w >= 0) || !(power->max_w >= power->idle_w)))
      faults.add(Errc::out_of_range, "cells/" + std::to_string(i) + "/power",
                 "takes less at full load than idle");
  for (std::size_t i = 0; i < config.qos.size(); ++i)
    if (config.qos[i].quality.gbr_dl > bit_rate_max || config.qos[i].quality.gbr_ul > bit_rate_max)
      faults.add(Errc::out_of_range, "qos/" + std::to_string(i),
                 "guarantees more than a link may have");
}

}  // namespace

Result<void> check(const CoreConfig& config) {
  Faults faults;
  const auto root = http::parse_url(config.api_root);
  if (!root || root->origin() != config.api_root)
    faults.add(Errc::pattern, "api_root", "must be http(s)://host[:port], without a path");
  const auto named = http::parse_url(config.bsf_names);
  if (!config.bsf_names.empty() && (!named || named->origin() != config.bsf_names))
    faults.add(Errc::pattern, "bsf_names", "must be http(s)://host[:port], without a path");
  if (config.ues.size() > ues_max) faults.add(Errc::out_of_range, "ues", "are too many");
  if (config.cells.size() > cells_max) faults.add(Errc::out_of_range, "cells", "are too many");
  if (config.no_session_status != 404 && config.no_session_status != 500)
    faults.add(Errc::not_allowed, "no_session_status", "must be 404 or 500");
  Names cells, references, afs, clients;
  for (std::size_t i = 0; i < config.cells.size(); ++i)
    faults.unique(cells, config.cells[i].name, "cells/" + std::to_string(i) + "/name");
  for (std::size_t i = 0; i < config.qos.size(); ++i)
    faults.unique(references, config.qos[i].name, "qos/" + std::to_string(i) + "/name");
  for (std::size_t i = 0; i < config.afs.size(); ++i)
    faults.unique(afs, config.afs[i].scs_as_id, "afs/" + std::to_string(i) + "/scs_as_id");
  for (std::size_t i = 0; i < config.clients.size(); ++i) {
    const auto where = "clients/" + std::to_string(i);
    faults.unique(clients, config.clients[i].id, where + "/id");
    if (config.clients[i].secret.empty())
      faults.add(Errc::missing, where + "/secret", "must not be empty");
    for (const auto& af : config.clients[i].scs_as_ids)
      if (!afs.contains(af))
        faults.add(Errc::not_found, where + "/scs_as_ids", "names the unknown AF " + af);
  }
  Names groups;
  for (std::size_t i = 0; i < config.groups.size(); ++i)
    faults.unique(groups, config.groups[i].id, "groups/" + std::to_string(i) + "/val_group");
  if (config.groups.size() > config.limits.groups_max)
    faults.add(Errc::out_of_range, "groups", "are too many");
  check_ues(config, cells, faults);
  check_rates(config, faults);
  if (config.smf)
    for (auto& fault : faults_of(*config.smf, "smf"))
      faults.add(fault.code, std::move(fault.where), std::move(fault.reason));
  auto found = faults.take();
  if (found.empty()) return {};
  const auto code = found.front().code;
  return fail(code, "The network's configuration does not hold together.", std::move(found));
}

}  // namespace lobo::core_sim
