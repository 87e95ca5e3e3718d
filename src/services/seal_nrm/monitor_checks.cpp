#include "services/seal_nrm/monitor_checks.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/features.hpp"
#include "services/seal_nrm/measure_source.hpp"
#include "services/seal_nrm/monitor_faults.hpp"
#include "services/seal_nrm/monitor_rules.hpp"
#include "services/seal_nrm/monitor_terms.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

namespace nrm = api::ss_nrm;
namespace state = api::state::nrm_monitor;
using Mode = nrm::NotificationMethodKnown;
using Termination = nrm::TerminationModeKnown;

namespace {

/// Who may ask for it: an empty list means everybody.
bool may(std::string_view requester, const std::vector<std::string>& requesters) {
  return requesters.empty() || std::ranges::find(requesters, requester) != requesters.end();
}

std::optional<std::string> gpsi_of(const api::common::ValTargetUe& ue, std::string_view requester,
                                   const UeDirectory& directory) {
  const auto entry = ue.val_ue_id     ? directory.ue(*ue.val_ue_id)
                     : ue.val_user_id ? directory.user(*ue.val_user_id)
                                      : std::nullopt;
  if (!entry || !may(requester, entry->requesters)) return std::nullopt;
  return entry->gpsi;
}

void add_ue(Targets& out, const api::common::ValTargetUe& ue, std::string_view requester,
            const UeDirectory& directory, std::set<std::string>& seen) {
  auto gpsi = gpsi_of(ue, requester, directory);
  if (!gpsi) {
    out.unknown_ues.push_back(ue);
  } else if (seen.insert(*gpsi).second) {  // A user and its UE are one.
    state::Target target;
    target.ue = ue;
    target.gpsi = std::move(*gpsi);
    out.ues.push_back(std::move(target));
  }
}

void add_stream(Targets& out, const std::string& id, std::string_view requester,
                const Settings& settings, const UeDirectory& directory) {
  const auto& streams = settings.monitoring.streams;
  const auto found = streams.find(id);
  const auto gpsi = [&](const std::string& ue) {
    api::common::ValTargetUe name;
    name.val_ue_id = ue;
    return gpsi_of(name, requester, directory);
  };
  const auto from = found == streams.end() ? std::nullopt : gpsi(found->second.from);
  const auto to = found == streams.end() ? std::nullopt : gpsi(found->second.to);
  if (!from || !to || *from == *to) {
    out.unknown_streams.push_back(id);
    return;
  }
  state::StreamTarget target;
  target.id = id;
  target.from = *from;
  target.to = *to;
  out.streams.push_back(std::move(target));
}

/// NOTE 1: exactly one target, and what bounds it.
void check_target(const MonitoringSubscription& doc, const Settings& settings,
                  MonitorFaults& faults) {
  if (!doc.val_ue_ids && !doc.val_group_id && !doc.val_stream_ids)
    faults.add(Errc::missing, "/valUeIds", "one of valUeIds, valGroupId and valStreamIds");
  if (doc.val_ue_ids && doc.val_group_id)
    faults.add(Errc::not_allowed, "/valGroupId", "only one of the three targets");
  if (doc.val_stream_ids && (doc.val_ue_ids || doc.val_group_id))
    faults.add(Errc::not_allowed, "/valStreamIds", "only one of the three targets");
  if (doc.val_ue_ids) {
    const auto& ues = *doc.val_ue_ids;
    if (ues.size() > settings.monitoring.ues_max)
      faults.add(Errc::out_of_range, "/valUeIds", "more UEs than one subscription may have");
    std::set<std::string> seen;
    for (std::size_t i = 0; i < ues.size(); ++i)
      if (!seen.insert(json::write(ues[i])).second)
        faults.add(Errc::duplicate, "/valUeIds/" + std::to_string(i), "stands twice");
  }
  if (doc.val_stream_ids) {
    const auto& streams = *doc.val_stream_ids;
    if (streams.size() > settings.monitoring.streams_max)
      faults.add(Errc::out_of_range, "/valStreamIds",
                 "more streams than one subscription may have");
    std::set<std::string> seen;
    for (std::size_t i = 0; i < streams.size(); ++i)
      if (!seen.insert(streams[i]).second)
        faults.add(Errc::duplicate, "/valStreamIds/" + std::to_string(i), "stands twice");
  }
}

void check_features(const MonitoringSubscription& doc, MonitorFaults& faults) {
  const auto needs = [&](bool given, const char* member, MonitorFeature feature) {
    if (given && !negotiated(doc.supp_feat, feature))
      faults.add(Errc::not_allowed, member,
                 "an extension: needs feature " + std::to_string(static_cast<int>(feature)) +
                     " in suppFeat");
  };
  needs(doc.val_service_id.has_value(), "/valServiceId", MonitorFeature::profiles);
  needs(doc.profile_id.has_value(), "/profileId", MonitorFeature::profiles);
  needs(doc.profile.has_value(), "/profile", MonitorFeature::profiles);
  needs(doc.per_ue_rep.has_value(), "/perUeRep", MonitorFeature::per_ue);
  needs(doc.meas_reqs && doc.meas_reqs->aggr_window_sec, "/measReqs/aggrWindowSec",
        MonitorFeature::window_seconds);
}

/// NOTE 5: a profile, the name of one, or the requirements as they are; exactly one of them.
Result<std::optional<MonitoringProfile>> what_of(const MonitoringSubscription& doc,
                                                 std::string_view requester,
                                                 const resource::Lookup& lookup,
                                                 MonitorFaults& faults) {
  const bool plain = doc.meas_reqs.has_value();
  if (doc.profile_id && (doc.profile || plain))
    faults.add(Errc::not_allowed, "/profileId", "either a profile or the name of one");
  if (doc.profile && plain)
    faults.add(Errc::not_allowed, "/profile", "either a profile or measReqs");
  if ((doc.profile_id || doc.profile) && doc.report_reqs)
    faults.add(Errc::not_allowed, "/reportReqs", "is part of the profile");
  if (!doc.profile_id && !doc.profile && !plain)
    faults.add(Errc::missing, "/measReqs", "what is to be measured");
  if (!faults.none()) return std::nullopt;
  if (plain) {
    MonitoringProfile what;
    what.meas_reqs = *doc.meas_reqs;
    what.report_reqs = doc.report_reqs;
    return what;
  }
  if (doc.profile) return doc.profile;
  const auto found = lookup.find({"monitoring_profile", *doc.profile_id});
  if (!found) return fail(found.error());
  if (*found && (*found)->owner == requester)
    if (auto stored = json::read<state::ProfileState>((*found)->state)) return stored->profile;
  faults.add(Errc::not_found, "/profileId", "no such profile");
  return std::nullopt;
}

/// T22: a subscription that names no end is proposed one, because what nobody ends any more would
/// cost the network for ever: with its measurement period, where it has one. T21: where it says
/// neither that nor how the reporting ends, the period is the default one. NOTE 6: the VAL server
/// may change it by an update.
bool propose_end(MonitoringProfile& what, const Settings& settings, Instant now) {
  const auto& given = what.report_reqs;
  if (given && given->rep_termin_mode && given->rep_termin_mode != Termination::user_triggered)
    return false;
  const bool on_request = given && given->rep_termin_mode;
  if (!what.report_reqs) {
    what.report_reqs.emplace().reporting_mode = nrm::NotificationMethod(Mode::on_event_detection);
  }
  what.report_reqs->rep_termin_mode = nrm::TerminationMode(Termination::time_triggered);
  auto longest = on_request ? settings.monitoring.time_max : settings.monitoring.default_period;
  if (const auto& period = what.meas_reqs.meas_period) {
    const auto end = period->meas_start_time + std::chrono::seconds(period->meas_duration);
    longest = std::clamp(std::chrono::ceil<std::chrono::seconds>(end - now),
                         std::chrono::seconds{1}, settings.monitoring.time_max);
  }
  what.report_reqs->expiration_timer = longest.count();
  return true;
}

/// What the application asked for, without the end that it was proposed.
std::optional<nrm::ReportingRequirements> without_proposal(const state::MonitorState& current) {
  auto out = current.what.report_reqs;
  if (!out || !current.proposed.value_or(false)) return out;
  out->rep_termin_mode.reset();
  out->expiration_timer.reset();
  return out;
}

/// The members that a patch of ours may have; the others are read over, as unknown ones are.
json::Value patch_of(const json::Value::Object& given) {
  json::Value::Object kept;
  for (const auto& member : given)
    for (const std::string_view name :
         {"measReqs", "reportReqs", "notifUri", "profileId", "perUeRep"})
      if (member.name == name) kept.push_back(member);
  return json::Value{std::move(kept)};
}

void check_sink(const std::string& uri, const Settings& settings, MonitorFaults& faults) {
  const auto url = http::parse_url(uri);
  if (!url) return faults.add(Errc::pattern, "/notifUri", url.error().detail);
  if (const auto allowed = settings.sinks.check(*url); !allowed)
    faults.add(Errc::not_allowed, "/notifUri", allowed.error().detail);
}

/// Pointers of a profile's faults begin where it stands.
std::string place_of(const MonitoringSubscription& doc) { return doc.profile ? "/profile" : ""; }

void check_service(const MonitoringSubscription& doc, const Settings& settings,
                   MonitorFaults& faults) {
  if (doc.val_service_id && !settings.services.contains(*doc.val_service_id))
    faults.add(Errc::not_found, "/valServiceId", "no such VAL service is configured");
}

/// Two names of one pair of UEs would be measured, and told, as one.
void check_pairs(const Targets& targets, const MonitoringSubscription& doc, MonitorFaults& faults) {
  std::map<std::pair<std::string, std::string>, std::string> pairs;
  for (const auto& stream : targets.streams) {
    const auto [first, fresh] = pairs.emplace(std::pair(stream.from, stream.to), stream.id);
    if (fresh) continue;
    const auto at = std::ranges::find(*doc.val_stream_ids, stream.id) - doc.val_stream_ids->begin();
    faults.add(Errc::duplicate, "/valStreamIds/" + std::to_string(at),
               "goes between the same UEs as " + first->second);
  }
}

/// So many want the same UE that its sources would have to remember too much.
Result<void> check_crowd(const Targets& targets, const std::vector<SourceKind>& kinds,
                         const MonitoringSubscription& doc, const Settings& settings,
                         const resource::Lookup& lookup) {
  const auto crowded = [&](std::string_view gpsi) -> Result<bool> {
    for (const auto kind : kinds) {
      const auto found = lookup.find({"measure_source", source_id(kind, gpsi)});
      if (!found) return fail(found.error());
      if (!*found) continue;
      const auto source = json::read<state::MeasureSourceState>((*found)->state);
      if (source && source->users.size() >= settings.monitoring.monitors_per_ue_max) return true;
    }
    return false;
  };
  const char* where = doc.val_group_id     ? "/valGroupId"
                      : doc.val_stream_ids ? "/valStreamIds"
                                           : "/valUeIds";
  std::set<std::string_view> ues;
  for (const auto& ue : targets.ues) ues.insert(ue.gpsi);
  for (const auto& stream : targets.streams) ues.insert({stream.from, stream.to});
  for (const auto ue : ues) {
    const auto full = crowded(ue);
    if (!full) return fail(full.error());
    if (*full)
      return fail(Errc::too_many, "a UE has as many monitoring subscriptions as it may",
                  {{Errc::too_many, where, "a UE has as many as it may"}});
  }
  return {};
}

}  // namespace

Targets targets_of(const MonitoringSubscription& doc, std::string_view requester,
                   const Settings& settings, const UeDirectory& directory) {
  Targets out;
  std::set<std::string> seen;
  if (doc.val_ue_ids)
    for (const auto& ue : *doc.val_ue_ids) add_ue(out, ue, requester, directory, seen);
  if (doc.val_stream_ids)
    for (const auto& id : *doc.val_stream_ids) add_stream(out, id, requester, settings, directory);
  if (!doc.val_group_id) return out;
  const auto group = directory.group(*doc.val_group_id);
  if (!group || !may(requester, group->requesters)) return out;
  out.group_revision = group->revision;
  for (const auto& member : group->members) {
    if (out.ues.size() + out.unknown_ues.size() >= settings.monitoring.ues_max) {
      ++out.beyond;
      continue;
    }
    api::common::ValTargetUe ue;
    (member.user ? ue.val_user_id : ue.val_ue_id) = member.id;
    add_ue(out, ue, requester, directory, seen);
  }
  return out;
}

Result<CheckedMonitor> check_monitor(MonitoringSubscription doc, std::string_view requester,
                                     const Settings& settings, const UeDirectory& directory,
                                     const resource::Lookup& lookup, Instant now) {
  MonitorFaults faults;
  CheckedMonitor out;
  doc.mon_rep.reset();    // The server's.
  doc.mon_state.reset();  // The server's.
  doc.ws_notif_cfg.reset();
  check_target(doc, settings, faults);
  check_features(doc, faults);
  check_service(doc, settings, faults);
  if (doc.notif_uri) check_sink(*doc.notif_uri, settings, faults);
  auto what = what_of(doc, requester, lookup, faults);
  if (!what) return fail(what.error());
  if (!*what) return faults.failure();
  const auto& reporting = (*what)->report_reqs;
  // T30 is told from T21 by the mode, or by the absence of all that reporting needs.
  out.once = reporting ? reporting->reporting_mode == Mode::one_time : !doc.notif_uri;
  if (!out.once && !doc.notif_uri)
    faults.add(Errc::missing, "/notifUri", "repeated reports need somewhere to go");
  check_rules(**what, place_of(doc), {.once = out.once}, settings, now, faults);
  if (!faults.none()) return faults.failure();

  out.what = std::move(**what);
  if (const auto& period = out.what.meas_reqs.meas_period)
    out.past = period->meas_start_time + std::chrono::seconds(period->meas_duration) <= now;
  out.targets = targets_of(doc, requester, settings, directory);
  if (doc.val_group_id && out.targets.group_revision == 0)
    out.unknown = "/valGroupId";
  else if (out.targets.empty() && !doc.val_group_id)
    out.unknown = doc.val_ue_ids ? "/valUeIds" : "/valStreamIds";
  check_pairs(out.targets, doc, faults);
  if (!faults.none()) return faults.failure();
  if (auto room = check_crowd(out.targets, sources_of(out.what), doc, settings, lookup); !room)
    return fail(room.error());
  if (!out.once) out.proposed = propose_end(out.what, settings, now);
  doc.supp_feat = negotiate_monitoring(doc.supp_feat);
  out.doc = std::move(doc);
  return out;
}

Result<CheckedUpdate> check_update(const state::MonitorState& current, std::string_view text,
                                   bool put, std::string_view requester, const Settings& settings,
                                   const resource::Lookup& lookup, Instant now) {
  // NOTE 4, as stage 3 has it: an update does not say whom it is about. A replacement has to name
  // the target that there is; a patch must not name any.
  MonitorFaults faults;
  auto next = current.doc;
  bool requirements = true;  // whether what is measured and reported may change
  if (put) {
    auto given = json::read<MonitoringSubscription>(text);
    if (!given) return fail(given.error());
    const auto same = [&](const auto& a, const auto& b, const char* member) {
      if (a != b) faults.add(Errc::not_allowed, member, "the target cannot be changed");
    };
    same(given->val_ue_ids, next.val_ue_ids, "/valUeIds");
    same(given->val_group_id, next.val_group_id, "/valGroupId");
    same(given->val_stream_ids, next.val_stream_ids, "/valStreamIds");
    if (!given->notif_uri) faults.add(Errc::missing, "/notifUri", "reports need somewhere to go");
    next = std::move(*given);
    next.mon_rep.reset();
    next.mon_state.reset();
    next.ws_notif_cfg.reset();
    next.req_test_notif.reset();
  } else {
    const auto patch = json::parse(text);
    if (!patch || patch->object() == nullptr)
      return fail(Errc::malformed, "a merge patch is a JSON object");
    for (const auto* member : {"valUeIds", "valGroupId", "valStreamIds"})
      if (patch->find(member) != nullptr)
        faults.add(Errc::not_allowed, std::string("/") + member, "the target cannot be changed");
    if (!faults.none()) return faults.failure();
    requirements = patch->find("measReqs") != nullptr || patch->find("reportReqs") != nullptr ||
                   patch->find("profileId") != nullptr;
    // What the client asked for is patched; of a proposal of the server nothing stays in the way.
    auto base = next;
    base.profile.reset();
    if (!requirements) {
      // The name of a profile stays, also of one that is gone by now.
    } else if (patch->find("profileId") == nullptr) {
      base.profile_id.reset();
      base.meas_reqs = current.what.meas_reqs;
      if (!current.proposed.value_or(false) || current.doc.profile_id)
        base.report_reqs = without_proposal(current);
    } else {
      base.meas_reqs.reset();
      base.report_reqs.reset();
    }
    auto merged = json::merge_patch(json::write(base), json::to_text(patch_of(*patch->object())));
    if (!merged) return fail(merged.error());
    auto read = json::read<MonitoringSubscription>(*merged);
    if (!read) return fail(read.error());
    next = std::move(*read);
    next.mon_rep.reset();
    next.mon_state.reset();
    if (!next.notif_uri) faults.add(Errc::missing, "/notifUri", "reports need somewhere to go");
  }
  check_features(next, faults);
  check_service(next, settings, faults);
  if (next.notif_uri) check_sink(*next.notif_uri, settings, faults);
  auto what = requirements ? what_of(next, requester, lookup, faults)
                           : Result<std::optional<MonitoringProfile>>(current.what);
  if (!what) return fail(what.error());
  if (!*what) return faults.failure();
  if ((*what)->report_reqs && (*what)->report_reqs->reporting_mode == Mode::one_time)
    faults.add(Errc::not_allowed, "/reportReqs/reportingMode",
               "a subscription cannot become one report");
  const bool windows = current.what.report_reqs &&
                       current.what.report_reqs->reporting_mode == Mode::on_event_detection &&
                       !current.what.report_reqs->reporting_thrs;
  // A period that has begun may go on.
  const auto& period = (*what)->meas_reqs.meas_period;
  const Instant from = period && period == current.what.meas_reqs.meas_period
                           ? std::min(now, period->meas_start_time)
                           : now;
  check_rules(**what, place_of(next), {.once = false, .windows_allowed = windows}, settings, from,
              faults);
  if (!faults.none()) return faults.failure();
  CheckedUpdate out;
  out.what = std::move(**what);
  auto kinds = sources_of(out.what);
  for (const auto had : sources_of(current.what)) std::erase(kinds, had);
  Targets targets;
  targets.ues = current.targets;
  targets.streams = current.streams;
  if (auto room = check_crowd(targets, kinds, next, settings, lookup); !room)
    return fail(room.error());
  out.proposed = propose_end(out.what, settings, now);
  // NOTE 6: what was proposed and is left as it is stays a proposal.
  if (current.proposed.value_or(false) && out.what.report_reqs == current.what.report_reqs)
    out.proposed = true;
  next.supp_feat = negotiate_monitoring(next.supp_feat);
  out.doc = std::move(next);
  return out;
}

Result<void> check_profile(const MonitoringProfile& profile, const Settings& settings,
                           Instant now) {
  MonitorFaults faults;
  const bool once = profile.report_reqs && profile.report_reqs->reporting_mode == Mode::one_time;
  check_rules(profile, "", {.once = once}, settings, now, faults);
  if (!faults.none()) return faults.failure();
  return {};
}

}  // namespace lobo::seal_nrm
