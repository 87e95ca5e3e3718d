// TS 23.434 clause 14.3.3.4.1 and .5: subscription (T21, T22) and its update (T36).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/measure_source.hpp"
#include "services/seal_nrm/monitor_checks.hpp"
#include "services/seal_nrm/monitor_machine.hpp"
#include "services/seal_nrm/monitor_machine_step.hpp"
#include "services/seal_nrm/monitor_terms.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

namespace nrm = api::ss_nrm;
namespace state = api::state::nrm_monitor;
using api::state::seal_nrm::Wanted;

namespace {

/// Those of `all` that are not in `others`; both ascending.
std::vector<std::string> without(const std::vector<std::string>& all,
                                 const std::vector<std::string>& others) {
  std::vector<std::string> out;
  std::ranges::set_difference(all, others, std::back_inserter(out));
  return out;
}

}  // namespace

// 1. The VAL server sends a unicast QoS monitoring subscription request.
Result<void> MonitorStep::create(const resource::Command& command) {
  auto doc = json::read<nrm::MonitoringSubscription>(command.http.body);
  if (!doc) return fail(std::move(doc.error()));
  auto checked =
      check_monitor(std::move(*doc), command.who.subject, settings_, directory_, lookup_, now_);
  if (!checked) return fail(std::move(checked.error()));
  std::optional<std::uint64_t> request = command.request;
  if (!checked->unknown.empty()) {
    // Known to nobody, or not to this requester: the same answer, so that nothing is learned from
    // it.
    const auto& group = checked->doc.val_group_id;
    effects_.reply(request, group && directory_.group_unsettled(*group)
                                ? refusal_response(group_unsettled_refusal())
                                : unknown_ue_response(checked->unknown));
    erased_ = true;
    return {};
  }
  if (!has_nef(settings_) && !(checked->once && checked->past)) {
    effects_.reply(request, refusal_response(no_nef_refusal("measurements of UEs")));
    erased_ = true;
    return {};
  }
  const bool stores = checked->doc.profile.has_value() && !checked->once;
  if (stores) {
    const auto count = lookup_.count("monitoring_profile", command.who.subject);
    if (!count) return fail(count.error());
    if (*count >= settings_.monitoring.profiles_max)
      return fail(Errc::too_many, "this client has as many monitoring profiles as it may",
                  {{Errc::too_many, "/profile", "has as many as it may"}});
  }
  owner_ = command.who.subject;
  state_.doc = std::move(checked->doc);
  state_.what = std::move(checked->what);
  state_.started_at = now_;
  if (checked->proposed) state_.proposed = true;
  take_targets(std::move(checked->targets));
  if (checked->once) {
    begin_once(command, checked->past);
    return {};
  }

  clause_ = "14.3.3.4.1 step 1";
  state_.stage = state::MonitorStage::running;
  if (stores) {
    state::StoreProfile store;
    store.owner = owner_;
    store.profile = std::move(*state_.doc.profile);
    effects_.tell({"monitoring_profile", key_.id}, "store", json::write(store));
    state_.doc.profile.reset();
    state_.doc.profile_id = key_.id;
  }
  // 2. The NRM server has the core measure. Whether the core does is shown, not waited for.
  want(sources(), command.secret);
  observe();
  // 3. The NRM server answers.
  effects_.reply(request, representation(201), true);
  if (state_.doc.req_test_notif.value_or(false))
    post("{\"subscription\":" + json::quoted(monitor_uri(settings_, key_.id)) + "}",
         "14.3.3.4.1 step 3");
  return {};
}

/// The same Idempotency-Key again: the answer of the first time.
Result<void> MonitorStep::create_again(const resource::Command& command) {
  if (owner_ != command.who.subject)
    return fail(Errc::not_found, "no such monitoring subscription");
  std::optional<std::uint64_t> request = command.request;
  if (state_.stage == state::MonitorStage::running)
    effects_.reply(request, representation(201), true);
  else
    effects_.reply(request, refusal_response(unsettled_refusal()));
  return {};
}

Result<void> MonitorStep::update(const resource::Command& command) {
  if (owner_ != command.who.subject || state_.stage != state::MonitorStage::running)
    return fail(Errc::not_found, "no such monitoring subscription");
  auto checked = check_update(state_, command.http.body, command.http.method == "PUT", owner_,
                              settings_, lookup_, now_);
  if (!checked) return fail(std::move(checked.error()));
  clause_ = "14.3.3.4.5";
  const auto before = sources();
  if (state_.what.report_reqs != checked->what.report_reqs) state_.ends_from = now_;
  if (state_.what != checked->what) pass_thresholds_anew(checked->what);
  state_.doc = std::move(checked->doc);
  if (state_.doc.profile) state_.doc.profile.reset();
  state_.what = std::move(checked->what);
  state_.proposed = checked->proposed ? std::optional(true) : std::nullopt;
  const auto after = sources();
  want(without(after, before), command.secret);
  release(without(before, after));
  observe();
  std::optional<std::uint64_t> request = command.request;
  effects_.reply(request, representation(200), true);
  return {};
}

/// Of thresholds that become others the sides are forgotten. How many reports were told, and that
/// the immediate one was, survives an update as the engine has it survive (docs/monitoring.md).
void MonitorStep::pass_thresholds_anew(const MonitoringProfile& next) {
  if (!state_.progress) return;
  const auto before = state_.what.report_reqs.value_or(nrm::ReportingRequirements{});
  const auto after = next.report_reqs.value_or(nrm::ReportingRequirements{});
  for (auto& target : state_.progress->targets) {
    if (before.reporting_thrs != after.reporting_thrs) target.sides = 0;
    if (before.term_thr == after.term_thr) continue;
    target.until_sides = 0;
    target.until_reached = 0;
  }
}

Result<void> MonitorStep::remove(const resource::Command& command) {
  if (owner_ != command.who.subject || state_.stage != state::MonitorStage::running)
    return fail(Errc::not_found, "no such monitoring subscription");
  clause_ = "14.3.3.4.3";
  effects_.add(resource::Reply{command.request, http::Response{204, {}, {}}, false});
  leave();
  return {};
}

http::Response MonitorStep::representation(int status) const {
  http::Response response{
      status, {{"content-type", "application/json"}}, json::write(represent(state_, view_, now_))};
  if (status == 201) response.headers.add("location", monitor_uri(settings_, key_.id));
  return response;
}

// ---- whom it is about ---------------------------------------------------------------------------

void MonitorStep::take_targets(Targets targets) {
  state_.targets = std::move(targets.ues);
  state_.streams = std::move(targets.streams);
  state_.unknown_ues = std::move(targets.unknown_ues);
  state_.unknown_streams = std::move(targets.unknown_streams);
  state_.beyond = targets.beyond > 0 ? std::optional(targets.beyond) : std::nullopt;
  state_.group_revision =
      targets.group_revision != 0 ? std::optional(targets.group_revision) : std::nullopt;
}

/// The group has other members. Whoever stayed goes on where it was.
void MonitorStep::members_changed() {
  if (!state_.doc.val_group_id) return;
  auto now = targets_of(state_.doc, owner_, settings_, directory_);
  if (now.group_revision == 0 && directory_.group_unsettled(*state_.doc.val_group_id)) return;
  if (now.group_revision == 0) return end_with(nrm::TerminationCauseKnown::group_gone);
  if (state_.group_revision == now.group_revision) return;
  const auto before = sources();
  if (state_.progress) {
    std::map<std::string, state::TargetProgress> kept;
    const auto& old = state_.progress->targets;
    for (std::size_t i = 0; i < std::min(old.size(), state_.targets.size()); ++i)
      kept.emplace(state_.targets[i].gpsi, old[i]);
    std::vector<state::TargetProgress> moved;
    for (const auto& ue : now.ues) {
      const auto found = kept.find(ue.gpsi);
      moved.push_back(found == kept.end() ? state::TargetProgress{} : found->second);
    }
    state_.progress->targets = std::move(moved);
  }
  take_targets(std::move(now));
  const auto after = sources();
  // Made by a message and not by a request: the secret is that of the create.
  want(without(after, before), state_.secret.value_or(""));
  release(without(before, after));
  observe();
}

/// Ids of the sources that it needs, ascending.
std::vector<std::string> MonitorStep::sources() const {
  std::vector<std::string> out;
  for (const auto kind : sources_of(state_.what)) {
    for (const auto& target : state_.targets) out.push_back(source_id(kind, target.gpsi));
    for (const auto& stream : state_.streams) {
      out.push_back(source_id(kind, stream.from));
      out.push_back(source_id(kind, stream.to));
    }
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

void MonitorStep::want(const std::vector<std::string>& wanted, const std::string& secret) {
  if (!state_.secret) state_.secret = secret;
  for (const auto& id : wanted)
    effects_.tell({"measure_source", id}, "wanted", json::write(Wanted{.secret = secret}));
}

void MonitorStep::release(const std::vector<std::string>& unwanted) {
  for (const auto& id : unwanted) effects_.tell({"measure_source", id}, "released");
}

void MonitorStep::observe() {
  state::MonitorSeen seen;
  seen.state = state_;
  effects_.add(resource::Observe{"monitor", json::write(seen)});
}

void MonitorStep::leave() {
  release(sources());
  effects_.add(resource::Observe{"monitor", "{}"});
  erased_ = true;
}

}  // namespace lobo::seal_nrm
