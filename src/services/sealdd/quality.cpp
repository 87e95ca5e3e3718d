#include "services/sealdd/quality.hpp"

#include <cstddef>
#include <string>

#include "api/sdd_tqm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/checks.hpp"
#include "services/sealdd/faults.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/json/json.hpp"

namespace lobo::sealdd {

namespace tqm = api::sdd_tqm;

namespace {

void check_req(Faults& faults, const std::string& where, const tqm::TransQualMeasReq& req,
               Instant now) {
  for (const auto& id : req.meas_id)
    if (!id.known()) faults.add(Errc::not_allowed, where + "/measId", id.text + " is not measured");
  if (req.rep_type && !req.rep_type->known())
    faults.add(Errc::not_allowed, where + "/repType", "is no way of reporting that is known here");
  if (req.rep_granularity && !req.rep_granularity->known())
    faults.add(Errc::not_allowed, where + "/repGranularity", "is none that is known here");
  if (req.rep_type == tqm::NotificationMethodKnown::periodic && req.rep_periodicity.value_or(0) < 1)
    faults.add(Errc::missing, where + "/repPeriodicity", "periodic reports need at least a second");
  if (req.rep_type == tqm::NotificationMethodKnown::on_event_detection && !req.rep_criteria)
    faults.add(Errc::missing, where + "/repCriteria", "an event needs a criterion");
  if (req.meas_exp_time && *req.meas_exp_time <= now)
    faults.add(Errc::out_of_range, where + "/measExpTime", "is over");
  if (req.meas_window && req.meas_window->stop_time <= req.meas_window->start_time)
    faults.add(Errc::out_of_range, where + "/measWindow", "ends before it begins");
}

}  // namespace

QualityMachine::QualityMachine(const Settings& settings)
    : KeptMachine(settings, {.kind = quality_kind,
                             .subject = every_quality,
                             .path = "/sdd-tqm/v1/subscriptions",
                             .create = tqm::operation::create_trans_qual_meas_subsc,
                             .replace = tqm::operation::update_ind_trans_qual_meas_subsc,
                             .modify = tqm::operation::modify_ind_trans_qual_meas_subsc,
                             .clause = "23.433 9.7",
                             .observe = "quality",
                             .expiry = "subsExpTime",
                             .life = settings.subscription_life,
                             .extensions = {}}) {}

Result<void> QualityMachine::check(const std::string& text, Instant now) const {
  const auto asked = json::read<tqm::TransQualMeasSubsc>(text);
  if (!asked) return fail(asked.error());
  Faults faults;
  check_sink(faults, "/notifUri", asked->notif_uri, settings_);
  if (asked->app_traffic_ids.size() > quality_assets_max)
    faults.add(Errc::too_large, "/appTrafficIds", "has more than 256 items");
  if (asked->val_ue_ids_list && asked->val_ue_ids_list->size() > quality_ues_max)
    faults.add(Errc::too_large, "/valUeIdsList", "has more than 1000 items");
  if (asked->all_val_ues_ind && !*asked->all_val_ues_ind)
    faults.add(Errc::not_allowed, "/allValUesInd", "false asks for nobody");
  if (asked->reqs.size() > quality_reqs_max)
    faults.add(Errc::too_large, "/reqs", "has more than 32 members");
  for (const auto& [key, req] : asked->reqs) check_req(faults, "/reqs/" + key, req, now);
  if (asked->meas_conds)
    for (std::size_t i = 0; i < asked->meas_conds->size(); ++i)
      if ((*asked->meas_conds)[i].loc_area)
        faults.add(Errc::not_allowed, "/measConds/" + std::to_string(i) + "/locArea",
                   "no location is known here");
  return faults.verdict();
}

Result<void> QualityMachine::check_patch(const std::string& body) const {
  const auto patch = json::read<tqm::TransQualMeasSubscPatch>(body);
  if (!patch) return fail(patch.error());
  return {};
}

}  // namespace lobo::sealdd
