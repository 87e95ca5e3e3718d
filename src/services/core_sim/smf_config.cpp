#include "services/core_sim/smf_config.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "model/address.hpp"
#include "services/core_sim/smf_pool.hpp"

namespace lobo::core_sim {

std::optional<std::pair<model::IpAddress, unsigned>> parse_ip_network(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = model::parse_ip_address(text.substr(0, slash));
  const auto length = parse_decimal(text.substr(slash + 1));
  if (!address || !length || *length > model::address_bits(*address)) return std::nullopt;
  const auto prefix = static_cast<unsigned>(*length);
  if (model::network_of(*address, prefix) != *address) return std::nullopt;
  return std::pair{*address, prefix};
}

std::vector<Fault> faults_of(const SmfConfig& config, const std::string& where) {
  std::vector<Fault> faults;
  const auto add = [&](Errc code, const std::string& member, std::string reason) {
    faults.push_back({code, where + "/" + member, std::move(reason)});
  };
  if (!model::parse_ip_address(config.address)) add(Errc::pattern, "address", "is no IP address");
  if (config.upfs.empty()) add(Errc::missing, "upf", "must name one UPF at least");
  if (config.upfs.size() > upfs_max) add(Errc::out_of_range, "upf", "are too many");
  std::set<std::string, std::less<>> names, places;
  for (std::size_t i = 0; i < config.upfs.size(); ++i) {
    const auto& upf = config.upfs[i];
    const auto here = "upf/" + std::to_string(i);
    const auto address = model::parse_ip_address(upf.address);
    if (upf.name.empty()) add(Errc::missing, here + "/name", "must not be empty");
    if (!names.insert(upf.name).second) add(Errc::duplicate, here + "/name", "stands twice");
    if (!address) {
      add(Errc::pattern, here + "/address", "is no IP address");
      continue;
    }
    if (!places.insert(model::to_text(*address) + " " + std::to_string(upf.port)).second)
      add(Errc::duplicate, here + "/address", "stands twice with that port");
  }
  const auto pool = Ipv4Network::parse(config.ue_pool);
  if (!config.ue_pool.empty() && !pool)
    add(Errc::pattern, "ue_pool", "is no IPv4 network, such as 10.45.0.0/16");
  if (pool && (pool->prefix_length < ue_pool_prefix_min || pool->prefix_length > 29))
    add(Errc::out_of_range, "ue_pool", "wants a prefix of 8 to 29 bits");
  for (std::size_t i = 0; i < config.ran_networks.size(); ++i)
    if (!parse_ip_network(config.ran_networks[i]))
      add(Errc::pattern, "ran_networks/" + std::to_string(i),
          "is no network with its prefix length");
  return faults;
}

}  // namespace lobo::core_sim
