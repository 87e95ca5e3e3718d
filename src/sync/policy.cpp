#include "sync/policy.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/mm_das.hpp"
#include "api/mm_pol.hpp"
#include "base/result.hpp"
#include "sync/level.hpp"
#include "sync/schedule.hpp"

namespace lobo::sync {
namespace {

using api::mm_pol::BandwidthControl;
using api::mm_pol::SyncPolicyReq;

bool among(const std::optional<std::vector<std::string>>& wanted, const std::string& one) {
  return !wanted || std::ranges::find(*wanted, one) != wanted->end();
}

bool same(const std::optional<std::string>& wanted, const std::optional<std::string>& given) {
  return !wanted || wanted == given;
}

void check_bounds(const SyncPolicyReq& policy, std::vector<Fault>& faults) {
  if (!policy.qos_floor || !policy.qos_ceil) return;
  for (const auto& member : level_members()) {
    const auto floor = member.value(*policy.qos_floor);
    const auto ceiling = member.value(*policy.qos_ceil);
    if (floor && ceiling && *floor > *ceiling)
      faults.push_back(
          {Errc::out_of_range, "/qosFloor/" + std::string(member.name), "lies above its ceiling"});
  }
}

/// What a worse step asks for more of is no worse: rates and sizes must not rise.
void check_ladder(const SyncPolicyReq& policy, std::vector<Fault>& faults) {
  if (!policy.ladder) return;
  SyncQosLevel above = policy.qos_ceil.value_or(SyncQosLevel{});
  for (std::size_t i = 0; i < policy.ladder->size(); ++i) {
    const auto& step = (*policy.ladder)[i];
    for (const auto& member : level_members()) {
      const bool rate = member.absent_is_zero || member.name.starts_with("mbr") ||
                        member.name == "updateRateHz" || member.name == "maxStateBytes";
      const auto before = member.value(above);
      const auto now = member.value(step);
      if (rate && before && now && *now > *before)
        faults.push_back({Errc::out_of_range,
                          "/ladder/" + std::to_string(i) + '/' + std::string(member.name),
                          "is more than the step above has"});
    }
    above = below(above, step);
  }
}

void check_actions(const SyncPolicyReq& policy, std::vector<Fault>& faults) {
  if (!policy.sealdd || !policy.sealdd->bdw_ctrl_sets) return;
  const auto& sets = *policy.sealdd->bdw_ctrl_sets;
  const auto has = [&](BandwidthControl one) { return std::ranges::find(sets, one) != sets.end(); };
  if ((has(BandwidthControl::reallocate_dl) && has(BandwidthControl::not_reallocate_dl)) ||
      (has(BandwidthControl::reallocate_ul) && has(BandwidthControl::not_reallocate_ul)))
    faults.push_back(
        {Errc::not_allowed, "/sealdd/bdwCtrlSets", "one direction is reallocated or it is not"});
}

void check_times(const SyncPolicyReq& policy, std::vector<Fault>& faults) {
  if (!policy.sched) return;
  for (std::size_t i = 0; i < policy.sched->size(); ++i) {
    const auto& window = (*policy.sched)[i];
    for (const auto& [name, text] : {std::pair{"timeOfDayStart", &window.time_of_day_start},
                                     std::pair{"timeOfDayEnd", &window.time_of_day_end}})
      if (*text && !time_of_day(**text))
        faults.push_back({Errc::pattern, "/sched/" + std::to_string(i) + '/' + name,
                          "must be a time of day in UTC: 09:30, 09:30:00 or 09:30:00Z"});
  }
}

}  // namespace

const std::string& id_of(const api::common::ValTargetUe& ue) {
  static const std::string nobody;
  if (ue.val_ue_id) return *ue.val_ue_id;
  return ue.val_user_id ? *ue.val_user_id : nobody;
}

bool concerns(const Policy& policy, const api::mm_das::SyncSessionReq& session,
              const api::mm_das::SyncAsset& asset) {
  const auto& match = policy.said.match;
  const auto area =
      session.lower_layer_hints ? session.lower_layer_hints->service_area : std::nullopt;
  return among(match.asset_ids, asset.asset_id) && same(match.asset_class, asset.asset_class) &&
         same(match.val_service_id, session.val_service_id) &&
         among(match.ue_ids, id_of(asset.host_ue)) && same(match.service_area, area);
}

Result<void> check_policy(const SyncPolicyReq& policy) {
  std::vector<Fault> faults;
  check_bounds(policy, faults);
  check_ladder(policy, faults);
  check_actions(policy, faults);
  check_times(policy, faults);
  if (policy.permission && policy.permission->publish == 0 && policy.permission->subscribe == 0)
    faults.push_back({Errc::not_allowed, "/permission", "permits nothing; effect DENY says that"});
  if (faults.empty()) return {};
  const auto code = faults.front().code;
  return fail(code, "the policy contradicts itself", std::move(faults));
}

}  // namespace lobo::sync
