#include "services/seal_nrm/offer.hpp"

#include <optional>
#include <string>
#include <string_view>

#include "api/as_session_with_qos.hpp"
#include "api/ss_nra.hpp"
#include "model/bit_rate.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/json/json.hpp"

namespace lobo::seal_nrm {

using api::as_session_with_qos::AcceptableServiceInfo;
using api::as_session_with_qos::MediaComponent;
using api::ss_nra::UniQosRequirement;

namespace {

std::optional<std::string> offered_reference(const std::string& wanted,
                                             const MediaComponent& component,
                                             const Settings& settings) {
  const auto usable = [&](const std::string& name) {
    return name != wanted && settings.qos_references.contains(name);
  };
  if (component.alt_ser_reqs)  // Best first.
    for (const auto& name : *component.alt_ser_reqs)
      if (usable(name)) return name;
  if (component.qos_reference && usable(*component.qos_reference)) return component.qos_reference;
  return std::nullopt;
}

/// False where there is nothing left to ask for.
bool lower(std::optional<std::string>& rate, const std::optional<std::string>& limit) {
  if (!rate || !limit) return true;
  const auto wanted = model::parse_bit_rate(*rate);
  const auto offered = model::parse_bit_rate(*limit);
  if (!wanted || !offered) return true;
  if (offered->count == 0) return false;
  if (*offered < *wanted) rate = *limit;
  return true;
}

}  // namespace

std::optional<UniQosRequirement> offered_quality(const UniQosRequirement& wanted,
                                                 std::string_view acceptable,
                                                 const Settings& settings) {
  const auto offer = json::read<AcceptableServiceInfo>(acceptable);
  if (!offer) return std::nullopt;
  MediaComponent component;
  if (offer->acc_bw_med_comps && !offer->acc_bw_med_comps->empty())
    component = offer->acc_bw_med_comps->begin()->second;
  auto out = wanted;
  if (wanted.qos_reference) {
    out.qos_reference = offered_reference(*wanted.qos_reference, component, settings);
    out.alt_qo_s_references.reset();  // Those that fit would have been granted at once.
    return out.qos_reference ? std::optional(out) : std::nullopt;
  }
  const auto down = component.mar_bw_dl ? component.mar_bw_dl : offer->mar_bw_dl;
  const auto up = component.mar_bw_ul ? component.mar_bw_ul : offer->mar_bw_ul;
  const bool left = lower(out.gbr_dl, down) && lower(out.gbr_ul, up) &&
                    lower(out.dl_bit_rate, down) && lower(out.ul_bit_rate, up);
  return left && out != wanted ? std::optional(out) : std::nullopt;
}

}  // namespace lobo::seal_nrm
