#include "services/seal_nrm/adaptation_checks.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/nra_adaptation.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/checks.hpp"
#include "services/seal_nrm/features.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::seal_nrm {

using api::common::ValTargetUe;
using api::nra_adaptation::NetworkResourceAdaptation;

namespace {

constexpr std::size_t name_bytes_max = 256;

void add(std::vector<Fault>& faults, std::vector<Fault> more) {
  std::ranges::move(more, std::back_inserter(faults));
}

bool visible_to(const std::vector<std::string>& requesters, std::string_view who) {
  return requesters.empty() || std::ranges::find(requesters, who) != requesters.end();
}

std::string too_many(const Settings& settings) {
  return "has more UEs than the " + std::to_string(settings.limits.adaptation_members_max) +
         " that one adaptation may have";
}

/// Each UE once, whatever it is called. One that nobody knows is no fault here: what becomes of it
/// is a result.
std::vector<UeName> check_list(const std::vector<ValTargetUe>& list, std::string_view requester,
                               const Settings& settings, const UeDirectory& directory,
                               std::vector<Fault>& faults) {
  std::vector<UeName> out;
  if (list.size() > settings.limits.adaptation_members_max) {
    faults.push_back({Errc::out_of_range, "/valUeIds", too_many(settings)});
    return out;
  }
  std::map<std::string, std::size_t, std::less<>> names, gpsis;
  const auto complain = [&](std::size_t i, bool user, Errc code, std::string reason) {
    if (faults.size() < json::faults_max)
      faults.push_back({code, "/valUeIds/" + std::to_string(i) + (user ? "/valUserId" : "/valUeId"),
                        std::move(reason)});
  };
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool user = list[i].val_user_id.has_value();
    const std::string& id = user ? *list[i].val_user_id : *list[i].val_ue_id;
    if (id.empty() || id.size() > name_bytes_max) {
      complain(i, user, Errc::out_of_range, "must have 1 to 256 bytes");
      continue;
    }
    const auto [name, fresh] = names.emplace((user ? "u" : "e") + id, i);
    const auto entry = user ? directory.user(id) : directory.ue(id);
    auto known = gpsis.end();
    bool fresh_ue = true;
    if (entry && visible_to(entry->requesters, requester))
      std::tie(known, fresh_ue) = gpsis.emplace(entry->gpsi, i);
    if (!fresh)
      complain(i, user, Errc::duplicate, "stands twice, first as " + std::to_string(name->second));
    else if (!fresh_ue)
      complain(i, user, Errc::duplicate,
               "is the same UE as number " + std::to_string(known->second));
    else
      out.push_back(user ? UeName{.ue = {}, .user = id} : UeName{.ue = id, .user = {}});
  }
  return out;
}

tl::unexpected<Error> refused(std::string detail, std::vector<Fault> faults) {
  const Errc code = faults.front().code;
  return fail(code, std::move(detail), std::move(faults));
}

}  // namespace

UeName name_of(const GroupMember& member) {
  return member.user ? UeName{.ue = {}, .user = member.id} : UeName{.ue = member.id, .user = {}};
}

std::shared_ptr<const DirectoryGroup> visible_group(const UeDirectory& directory,
                                                    std::string_view id,
                                                    std::string_view requester) {
  auto group = directory.group(id);
  return group && visible_to(group->requesters, requester) ? std::move(group) : nullptr;
}

Result<CheckedAdaptation> check_adaptation(NetworkResourceAdaptation doc,
                                           std::string_view requester, const Settings& settings,
                                           const UeDirectory& directory, Instant now) {
  CheckedAdaptation out;
  auto faults = common_faults(doc.notif_uri, doc.duration, settings, now);
  // T1, NOTE: one of the two.
  if (doc.val_ue_ids && doc.val_group_id)
    faults.push_back({Errc::not_allowed, "/valGroupId", "either a list of UEs or a group"});
  if (!doc.val_ue_ids && !doc.val_group_id)
    faults.push_back({Errc::missing, "/valUeIds", "a list of UEs or a group is needed"});
  if (doc.val_ue_ids)
    out.members = check_list(*doc.val_ue_ids, requester, settings, directory, faults);
  // Each member keeps it.
  if (doc.bdt_ref_id && doc.bdt_ref_id->size() > name_bytes_max)
    faults.push_back({Errc::out_of_range, "/bdtRefId", "must have 1 to 256 bytes"});
  if (auto qos = resolve_requirement(doc.uni_qos_req, requester, settings))
    out.qos = std::move(*qos);
  else
    add(faults, std::move(qos.error().faults));
  if (doc.val_group_id && !doc.val_ue_ids) {
    const auto group = visible_group(directory, *doc.val_group_id, requester);
    out.unknown_group = !group;
    if (group && group->members.size() > settings.limits.adaptation_members_max) {
      faults.push_back({Errc::out_of_range, "/valGroupId", too_many(settings)});
    } else if (group) {
      out.group_revision = group->revision;
      for (const auto& member : group->members) out.members.push_back(name_of(member));
    }
  }
  if (!faults.empty()) return refused("the adaptation cannot be accepted as it is", faults);
  doc.supp_feat = negotiate(doc.supp_feat);
  doc.val_ue_ids.reset();   // Kept page by page.
  doc.adapt_state.reset();  // Ours to say.
  doc.ue_results.reset();
  out.doc = std::move(doc);
  return out;
}

Result<CheckedAdaptationChange> check_adaptation_change(const NetworkResourceAdaptation& doc,
                                                        const api::ss_nra::UniQosRequirement& qos,
                                                        std::string_view patch,
                                                        std::string_view requester,
                                                        const Settings& settings,
                                                        const UeDirectory& directory, Instant now) {
  const auto read = json::read<api::nra_adaptation::NetworkResourceAdaptationPatch>(patch);
  if (!read) return fail(read.error());
  CheckedAdaptationChange out{doc, {}, {}};
  std::vector<Fault> faults;
  const auto value = json::parse(patch);
  for (const std::string_view fixed : {"valGroupId", "bdtRefId"})
    if (value && value->find(fixed) != nullptr)
      faults.push_back({Errc::not_allowed, "/" + std::string(fixed),
                        "cannot be changed: ask for another adaptation"});
  if (read->val_ue_ids && doc.val_group_id)
    faults.push_back(
        {Errc::not_allowed, "/valUeIds", "the members of this adaptation are those of its group"});
  else if (read->val_ue_ids)
    out.members = check_list(*read->val_ue_ids, requester, settings, directory, faults);
  if (read->uni_qos_req) {
    out.doc.uni_qos_req = *read->uni_qos_req;
    if (auto changed = resolve_requirement(read->uni_qos_req, requester, settings)) {
      if (*changed != qos) out.qos = std::move(*changed);
    } else {
      add(faults, std::move(changed.error().faults));
    }
  }
  if (read->accept_offer) out.doc.accept_offer = read->accept_offer;
  if (!read->duration.is_absent()) out.doc.duration = read->duration.value();
  if (read->notif_uri) out.doc.notif_uri = *read->notif_uri;
  // An end that was given before, and has come nearer, is no fault of this change.
  add(faults,
      common_faults(out.doc.notif_uri, read->duration.is_absent() ? std::nullopt : out.doc.duration,
                    settings, now));
  if (!faults.empty()) return refused("the change cannot be accepted as it is", faults);
  return out;
}

}  // namespace lobo::seal_nrm
