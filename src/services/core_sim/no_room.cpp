#include "services/core_sim/no_room.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "model/bit_rate.hpp"
#include "services/core_sim/admission.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"

namespace lobo::core_sim {

Refusal no_room(const Network& network, CellIndex cell, const Terms& terms, const Share& held) {
  std::vector<std::string> fitting;
  const auto fits = [&](const Quality& quality) {
    return network.admission.fits_instead(cell, held, share_of(quality));
  };
  const auto offer = [&](const std::string& name) {
    if (fitting.size() < offered_references_max &&
        std::ranges::find(fitting, name) == fitting.end())
      fitting.push_back(name);
  };
  for (const auto& alternative : terms.alternatives)
    if (fits(alternative.quality)) offer(alternative.name);
  std::vector<const QosProfile*> lesser;
  for (const auto& profile : network.world.profiles())
    if (profile.quality.gbr_dl <= terms.wanted.gbr_dl &&
        profile.quality.gbr_ul <= terms.wanted.gbr_ul && fits(profile.quality))
      lesser.push_back(&profile);
  std::ranges::stable_sort(lesser, std::ranges::greater{}, [](const QosProfile* profile) {
    return profile->quality.gbr_dl.count + profile->quality.gbr_ul.count;
  });
  for (const auto* profile : lesser) offer(profile->name);

  Refusal refused{.status = 403, .cause = "REQUESTED_SERVICE_NOT_AUTHORIZED"};
  refused.detail = "The cell has no room for the guaranteed rates.";
  const auto left = network.admission.left_instead(cell, held);
  auto& acceptable = refused.acceptable.emplace();
  acceptable.mar_bw_dl = model::format_bit_rate(left.dl);
  acceptable.mar_bw_ul = model::format_bit_rate(left.ul);
  if (!fitting.empty()) {
    api::as_session_with_qos::MediaComponent component;
    component.med_comp_n = 1;
    component.qos_reference = fitting.front();
    component.alt_ser_reqs = fitting;
    component.mar_bw_dl = acceptable.mar_bw_dl;
    component.mar_bw_ul = acceptable.mar_bw_ul;
    acceptable.acc_bw_med_comps.emplace().emplace("1", std::move(component));
  }
  return refused;
}

}  // namespace lobo::core_sim
