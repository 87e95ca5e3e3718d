#include "services/core_sim/ue_directory.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "api/ue_address.hpp"
#include "api/ue_id.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

namespace {

std::optional<std::string> features(const CoreConfig& config,
                                    const std::optional<std::string>& theirs) {
  if (!theirs) return std::nullopt;
  return common_features(config.supported_features, *theirs);
}

bool in_session(const api::ue_id::UeIdReq& wanted, const UeConfig& ue) {
  if (wanted.dnn && *wanted.dnn != ue.dnn) return false;
  if (!wanted.snssai) return true;
  return wanted.snssai->sst == static_cast<std::int64_t>(ue.snssai.sst) &&
         (!wanted.snssai->sd || lower_ascii(*wanted.snssai->sd) == lower_ascii(ue.snssai.sd));
}

}  // namespace

Answer retrieve_ue_address(const Call& call, const Network& network) {
  const auto wanted = read_body<api::ue_address::UeAddressReq>(call.request.body);
  if (!wanted) return tl::unexpected<Refusal>(wanted.error());
  if (auto known = check_af(call, network.config, wanted->af_id, "/afId"); !known)
    return tl::unexpected<Refusal>(std::move(known.error()));
  const auto index = network.world.by_gpsi(wanted->gpsi);
  if (!index)
    return refuse(404, "USER_NOT_FOUND", "The network knows no such UE.",
                  {{Errc::not_found, "/gpsi", "is not known"}});
  const auto& ue = network.world.ue(*index);
  api::ue_address::UeAddressInfo info;
  if (ue.session_up && !ue.config.ipv4.empty())
    info.ue_ip_addrs.emplace_back().ipv4_addr = ue.config.ipv4;
  if (ue.session_up && !ue.config.ipv6.empty())
    info.ue_ip_addrs.emplace_back().ipv6_addr = ue.config.ipv6;
  if (info.ue_ip_addrs.empty())
    return refuse(404, "UE_ADDRESS_NOT_AVAILABLE", "The UE has no IP address now.");
  info.supp_feat = features(network.config, wanted->supp_feat);
  return json_answer(200, info);
}

Answer retrieve_ue_id(const Call& call, const Network& network) {
  const auto wanted = read_body<api::ue_id::UeIdReq>(call.request.body);
  if (!wanted) return tl::unexpected<Refusal>(wanted.error());
  if (auto known = check_af(call, network.config, wanted->af_id, "/afId"); !known)
    return tl::unexpected<Refusal>(std::move(known.error()));
  std::optional<UeIndex> index;
  if (wanted->ue_mac_addr) index = network.world.by_mac(*wanted->ue_mac_addr);
  if (const auto& ip = wanted->ue_ip_addr; ip && ip->ipv4_addr)
    index = network.world.by_ipv4(*ip->ipv4_addr, wanted->ip_domain.value_or(""));
  else if (ip && ip->ipv6_addr)
    index = network.world.by_ipv6(*ip->ipv6_addr);
  if (!index || !in_session(*wanted, network.world.ue(*index).config))
    return refuse(404, "USER_NOT_FOUND", "No UE has that address now.");
  const auto& ue = network.world.ue(*index).config;
  if (ue.external_id.empty())
    return refuse(404, "UE_ID_NOT_AVAILABLE", "The UE has no external identifier.");
  api::ue_id::UeIdInfo info;
  info.external_id = ue.external_id;
  info.supp_feat = features(network.config, wanted->supp_feat);
  return json_answer(200, info);
}

}  // namespace lobo::core_sim
