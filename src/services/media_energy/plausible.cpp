#include "services/media_energy/plausible.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "api/media_e3.hpp"
#include "api/media_types.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::media_energy {

namespace e3 = api::media_e3;

namespace {

constexpr double octets_per_megabit = 125'000;

std::string above(std::string_view member, double value, double most) {
  return fmt::format("{}: {:.6g} is more than the {:.6g} that are possible", member, value, most);
}
std::string below(std::string_view member, double value, double least) {
  return fmt::format("{}: {:.6g} is less than the {:.6g} of any powered server there", member,
                     value, least);
}

}  // namespace

std::string disbelief(const e3::AsEnergyReport& report, const e3::AsRegistration& registered,
                      const Settings& settings, const Growth& growth) {
  const auto& host = report.host;
  const double idle_w = host.idle_power_w.value_or(registered.host.idle_power_w);
  const double max_w =
      std::max(host.max_power_w.value_or(registered.host.max_power_w), registered.host.max_power_w);
  const double mbps = host.capacity_mbps.value_or(registered.host.capacity_mbps);
  const bool powered = host.state == api::media_types::AsState::active ||
                       host.state == api::media_types::AsState::draining;
  if (host.power_w > max_w * plausible_excess)
    return above("host.powerW", host.power_w, max_w * plausible_excess);
  if (host.nic_tx_mbps && *host.nic_tx_mbps > mbps * plausible_excess)
    return above("host.nicTxMbps", *host.nic_tx_mbps, mbps * plausible_excess);
  for (const auto& part : report.per_service_location) {
    const auto& id = part.service_location_id;
    const bool registered_here =
        std::ranges::any_of(registered.service_locations,
                            [&](const auto& one) { return one.service_location_id == id; });
    const auto known = settings.locations.find(id);
    if (!registered_here || known == settings.locations.end())
      return fmt::format("perServiceLocation: the server is not registered at '{}'", id);
    if (mbps > known->second.server_mbps_max)
      return above("host.capacityMbps", mbps, known->second.server_mbps_max);
    if (powered && idle_w < known->second.idle_w_min)
      return below("host.idlePowerW", idle_w, known->second.idle_w_min);
    if (powered && host.power_w < known->second.idle_w_min)
      return below("host.powerW", host.power_w, known->second.idle_w_min);
  }
  const double seconds = growth.seconds + plausible_slack_s;
  if (const double most = max_w * plausible_excess * seconds; growth.energy_j > most)
    return above("perServiceLocation: growth of idleShareJ and dynamicJ", growth.energy_j, most);
  if (const double most = mbps * octets_per_megabit * plausible_excess * seconds;
      growth.octets_tx > most)
    return above("perServiceLocation: growth of bytesTx", growth.octets_tx, most);
  return {};
}

}  // namespace lobo::media_energy
