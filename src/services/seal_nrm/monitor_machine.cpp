#include "services/seal_nrm/monitor_machine.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/features.hpp"
#include "services/seal_nrm/monitor_machine_step.hpp"
#include "services/seal_nrm/monitor_view.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

namespace nrm = api::ss_nrm;
namespace state = api::state::nrm_monitor;

Result<resource::Outcome> MonitorMachine::step(const resource::Record* current,
                                               const resource::Key& key,
                                               const resource::Event& event, Instant now,
                                               const resource::Lookup& lookup) const {
  MonitorStep step(settings_, directory_, view_, series_, key, now, lookup);
  if (current != nullptr)
    if (auto loaded = step.load(*current); !loaded) return fail(std::move(loaded.error()));
  if (const auto* command = std::get_if<resource::Command>(&event)) {
    const bool creates = command->operation == "SubscribeUnicastMonitoring";
    if (current == nullptr && !creates)
      return fail(Errc::not_found, "no such monitoring subscription");
    Result<void> done;
    if (creates)
      done = current == nullptr ? step.create(*command) : step.create_again(*command);
    else if (command->operation == "UnsubscribeUnicastMonitoring")
      done = step.remove(*command);
    else
      done = step.update(*command);
    if (!done) return fail(std::move(done.error()));
    return step.finish(current);
  }
  if (current == nullptr) return resource::Outcome{};  // An echo of one that is gone.
  if (const auto* told = std::get_if<resource::Told>(&event))
    step.told(*told);
  else if (const auto* fired = std::get_if<resource::TimerFired>(&event))
    step.fired(fired->name);
  else
    return fail(Errc::not_found, "no such operation of a monitor");
  return step.finish(current);
}

Result<void> MonitorStep::load(const resource::Record& current) {
  auto stored = json::read<MonitorState>(current.state);
  if (!stored)
    return fail(Errc::internal, "stored monitor state cannot be read: " + stored.error().detail);
  state_ = std::move(*stored);
  owner_ = current.owner;
  return {};
}

void MonitorStep::told(const resource::Told& told) {
  if (state_.stage != state::MonitorStage::running) return;
  if (told.what == "report") {
    if (const auto due = json::read<state::ReportDue>(told.body)) report(*due);
  } else if (told.what == "progress") {
    if (auto due = json::read<state::ReportDue>(told.body)) state_.progress = due->progress;
  } else if (told.what == "members") {
    members_changed();
  } else if (told.what == "not_followed") {
    end_with(nrm::TerminationCauseKnown::server_limit);
  } else if (told.what == "notif_uri_moved") {
    // 308 of the application: the new target holds from now on (TS 29.122 clause 5.2.10).
    const auto url = http::parse_url(told.body);
    if (url && settings_.sinks.check(*url)) state_.doc.notif_uri = told.body;
  }
}

resource::Outcome MonitorStep::finish(const resource::Record* current) {
  resource::Outcome out;
  out.clause = clause_;
  out.effects = effects_.take();
  if (erased_) {
    out.change = current == nullptr ? resource::Change::keep : resource::Change::erase;
    return out;
  }
  out.state = json::write(state_);
  if (current != nullptr && current->state == out.state) {
    out.state.clear();
    return out;
  }
  out.change = resource::Change::put;
  out.owner = owner_;
  out.subject = every_monitor;
  return out;
}

std::string monitor_uri(const Settings& settings, std::string_view id) {
  return settings.api_root + "/ss-nrm/v1/subscriptions/" + http::percent_encode(id);
}

nrm::MonitoringSubscription represent(const MonitorState& of, const MonitorView& view,
                                      Instant now) {
  auto out = of.doc;
  // What is in force, the proposed end of T22 included; of a profile its name says the rest.
  if (!out.profile_id) {
    out.meas_reqs = of.what.meas_reqs;
    out.report_reqs = of.what.report_reqs;
  }
  if (!negotiated(of.doc.supp_feat, MonitorFeature::state)) return out;
  auto& shown = out.mon_state.emplace();
  shown.targets = static_cast<std::int64_t>(of.targets.size() + of.streams.size());
  if (of.beyond) shown.not_monitored = static_cast<std::int64_t>(*of.beyond);
  std::vector<std::string> unknown;
  for (const auto& ue : of.unknown_ues)
    unknown.push_back(ue.val_ue_id ? *ue.val_ue_id : ue.val_user_id.value_or(""));
  unknown.insert(unknown.end(), of.unknown_streams.begin(), of.unknown_streams.end());
  if (!unknown.empty()) shown.unknown = std::move(unknown);
  shown.measures = view.measures(of, now);
  shown.reports = static_cast<std::int64_t>(of.reports.value_or(0));
  if (of.proposed.value_or(false)) shown.termination_proposed = true;
  if (of.what.report_reqs && of.what.report_reqs->expiration_timer)
    shown.expires_at = of.ends_from.value_or(of.started_at) +
                       std::chrono::seconds(*of.what.report_reqs->expiration_timer);
  return out;
}

}  // namespace lobo::seal_nrm
