#include "services/core_sim/bsf.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/bsf.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "model/address.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/world.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"

namespace lobo::core_sim {

namespace {

constexpr unsigned prefix_of_ue = 64;  ///< a PDU session of type IPv6 has a /64

struct Asked {
  std::optional<std::string> ipv4, ipv6_prefix, mac, dnn, gpsi;
  std::string ip_domain;
};

struct Prefix {
  model::Ipv6Address address;
  unsigned length = 0;
};
std::optional<Prefix> prefix_from(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = model::Ipv6Address::parse(text.substr(0, slash));
  const auto length = parse_decimal(text.substr(slash + 1));
  if (!address || !length || *length > 128) return std::nullopt;
  return Prefix{*address, static_cast<unsigned>(*length)};
}

Outcome<Asked> read_query(std::string_view target) {
  const auto parameters = http::parse_query(http::split_target(target).query);
  if (!parameters) return refuse(parameters.error());
  Asked asked;
  for (const auto& [name, value] : *parameters) {
    if (name == "ipv4Addr") asked.ipv4 = value;
    if (name == "ipv6Prefix") asked.ipv6_prefix = value;
    if (name == "macAddr48") asked.mac = value;
    if (name == "dnn") asked.dnn = value;
    if (name == "gpsi") asked.gpsi = value;
    if (name == "ipDomain") asked.ip_domain = value;
  }
  std::vector<Fault> faults;
  if (asked.ipv4 && !model::Ipv4Address::parse(*asked.ipv4))
    faults.push_back({Errc::pattern, "query:ipv4Addr", "must be an IPv4 address"});
  if (asked.ipv6_prefix && !prefix_from(*asked.ipv6_prefix))
    faults.push_back({Errc::pattern, "query:ipv6Prefix", "must be an IPv6 prefix"});
  if (asked.mac && !model::MacAddress::parse(*asked.mac))
    faults.push_back({Errc::pattern, "query:macAddr48", "must be a MAC address"});
  if (!faults.empty())
    return refuse(400, "MANDATORY_QUERY_PARAM_INCORRECT", "The query is not as it should be.",
                  std::move(faults));
  if (!asked.ipv4 && !asked.ipv6_prefix && !asked.mac)
    return refuse(
        400, "MANDATORY_QUERY_PARAM_MISSING", "The query names no address of a UE.",
        {{Errc::missing, "query:ipv4Addr", "one of ipv4Addr, ipv6Prefix, macAddr48 is needed"}});
  return asked;
}

/// The UE in whose prefix `asked` lies, or that lies in it. Cost: linear in the UEs.
std::optional<UeIndex> by_prefix(const World& world, const Prefix& asked) {
  const auto length = std::min(asked.length, prefix_of_ue);
  const auto wanted = model::network_of(asked.address, length);
  for (UeIndex index = 0; index < world.size(); ++index) {
    const auto& ue = world.ue(index);
    const auto address = model::Ipv6Address::parse(ue.config.ipv6);
    if (ue.session_up && address && model::network_of(*address, length) == wanted) return index;
  }
  return std::nullopt;
}

std::optional<UeIndex> ue_of(const Asked& asked, const World& world) {
  std::optional<UeIndex> index;
  if (asked.ipv4) index = world.by_ipv4(*asked.ipv4, asked.ip_domain);
  if (!index && asked.ipv6_prefix) index = by_prefix(world, *prefix_from(*asked.ipv6_prefix));
  if (!index && asked.mac) index = world.by_mac(*asked.mac);
  if (!index || !world.ue(*index).session_up) return std::nullopt;
  if (asked.dnn && *asked.dnn != world.ue(*index).config.dnn) return std::nullopt;
  if (asked.gpsi && world.by_gpsi(*asked.gpsi) != index) return std::nullopt;
  return index;
}

api::bsf::PcfBinding binding_of(const UeConfig& ue, const CoreConfig& config) {
  api::bsf::PcfBinding binding;
  if (!ue.msisdn.empty())
    binding.gpsi = "msisdn-" + ue.msisdn;
  else if (!ue.external_id.empty())
    binding.gpsi = "extid-" + ue.external_id;
  if (!ue.ipv4.empty()) binding.ipv4_addr = ue.ipv4;
  if (const auto address = model::Ipv6Address::parse(ue.ipv6))
    binding.ipv6_prefix = model::to_text(model::network_of(*address, prefix_of_ue)) + "/64";
  if (!ue.mac.empty()) binding.mac_addr48 = ue.mac;
  if (!ue.ip_domain.empty()) binding.ip_domain = ue.ip_domain;
  binding.dnn = ue.dnn;
  binding.snssai.sst = static_cast<std::int64_t>(ue.snssai.sst);
  if (!ue.snssai.sd.empty()) binding.snssai.sd = ue.snssai.sd;
  const auto pcf = http::parse_url(config.bsf_names.empty() ? config.api_root : config.bsf_names);
  if (!pcf) return binding;
  auto& at = binding.pcf_ip_end_points.emplace().emplace_back();
  // TS 29.510 clause 6.1.6.2.5: an end point without an address tells the port of the FQDN.
  if (const auto address = model::parse_ip_address(pcf->host))
    (model::address_bits(*address) == 128 ? at.ipv6_address : at.ipv4_address) = pcf->host;
  else
    binding.pcf_fqdn = pcf->host;
  at.port = pcf->port;
  at.transport = api::bsf::TransportProtocol(api::bsf::TransportProtocolKnown::tcp);
  return binding;
}

}  // namespace

Answer find_pcf_binding(const Call& call, const Network& network) {
  const auto asked = read_query(call.request.target);
  if (!asked) return tl::unexpected<Refusal>(asked.error());
  const auto ue = ue_of(*asked, network.world);
  if (!ue) return http::Response{204, {{std::string(simulated_header), "netsim"}}, {}};
  return json_answer(200, binding_of(network.world.ue(*ue).config, network.config));
}

}  // namespace lobo::core_sim
