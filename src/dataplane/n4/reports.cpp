// What sessions watch, and what is told of it: usage, delay of QoS flows, downlink data, tunnels
// that their end does not know (TS 29.244 clauses 5.2.2, 5.24.4, 6.3.5, 7.5.8). A session has one
// report under way; what happens meanwhile is told by the next.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/delay_watch.hpp"
#include "dataplane/n4/limits.hpp"
#include "dataplane/n4/session_table.hpp"
#include "dataplane/n4/transactions.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/n4/usage_watch.hpp"
#include "dataplane/n4/written.hpp"  // IWYU pragma: keep (the templates of agent.hpp)
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "model/address.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

using pfcp::UsageReportTrigger;

std::shared_ptr<UsageMeter> meter_of(const SessionRules& rules, pfcp::UrrId id) {
  const auto found = std::ranges::find(rules.urrs(), id, &Urr::id);
  return rules.meters()[static_cast<std::size_t>(found - rules.urrs().begin())];
}

bool is_used(const Session& session, pfcp::UrrId urr) {
  return std::ranges::any_of(session.pdrs, [&](const auto& pdr) {
    return std::ranges::find(pdr.second.urrs, urr) != pdr.second.urrs.end();
  });
}

template <class Rules>
bool names(const Rules& rules, auto id) {
  for (const auto& rule : rules)
    if (rule.id == id) return true;
  return false;
}

std::vector<DelayWatch> delays_of(const Session& session, std::vector<DelayWatch> before,
                                  Instant now) {
  std::vector<DelayWatch> all;
  for (const auto& [id, srr] : session.srrs)
    for (const pfcp::QosMonitoringControl& control : srr.monitored)
      for (const pfcp::Qfi qfi : control.qfis) {
        const auto known = std::ranges::find_if(
            before, [&](const DelayWatch& one) { return one.is_for(id, qfi, control); });
        all.push_back(known != before.end() ? *known : DelayWatch(id, qfi, control, now));
      }
  return all;
}

}  // namespace

void N4Agent::start_watching(SessionState& state) {
  const SessionRules& rules = sessions_.rules(state);
  for (const auto& [id, urr] : state.session.urrs)
    state.usage.emplace_back(urr, meter_of(rules, id), now_);
  state.delays = delays_of(state.session, {}, now_);
  sessions_.count_watched(false, state);
  look(state);
}

// Clauses 5.2.2.3.1, 7.5.5: what is asked for now, and the last of a URR that goes, or that no PDR
// has any more, where something was measured. Before the change, which has other thresholds.
std::vector<pfcp::UsageReport> N4Agent::reports_of_change(
    SessionState& state, const Session& next, const pfcp::SessionModificationRequest& request) {
  const bool all = request.flags && request.flags->has(pfcp::ModificationFlag::qaurr);
  std::vector<pfcp::UsageReport> reports;
  for (UsageWatch& urr : state.usage) {
    const auto id = urr.id();
    const bool goes = names(request.remove_urrs, id);
    const bool is_left = is_used(state.session, id) && !is_used(next, id);
    if (goes || is_left) {
      urr.look(now_);
      if (urr.has_usage()) urr.report(UsageReportTrigger::termination, now_, reports);
    } else if (all || names(request.query_urrs, id)) {
      urr.report(UsageReportTrigger::immediate, now_, reports);
    }
  }
  return reports;
}

void N4Agent::change_watching(SessionState& state,
                              const pfcp::SessionModificationRequest& request) {
  const bool before = state.is_watched();
  const SessionRules& rules = sessions_.rules(state);
  std::erase_if(state.usage,
                [&](const UsageWatch& urr) { return names(request.remove_urrs, urr.id()); });
  for (const pfcp::UpdateUrr& given : request.update_urrs) {
    const auto known = std::ranges::find(state.usage, given.id, &UsageWatch::id);
    if (known != state.usage.end()) known->change(state.session.urrs.at(given.id), given, now_);
  }
  for (const auto& [id, urr] : state.session.urrs)
    if (std::ranges::find(state.usage, id, &UsageWatch::id) == state.usage.end())
      state.usage.emplace_back(urr, meter_of(rules, id), now_);
  state.delays = delays_of(state.session, std::move(state.delays), now_);
  sessions_.count_watched(before, state);
}

// Clause 7.5.8.2: packets wait that a PDR detected, and its FAR wants that told.
void N4Agent::on_downlink_data(SessionState& state, pfcp::PdrId pdr) {
  const Session& session = state.session;
  const auto rule = session.pdrs.find(pdr);
  const auto far =
      rule == session.pdrs.end() ? session.fars.end() : session.fars.find(rule->second.far);
  if (far == session.fars.end() || !far->second.action.has(pfcp::Action::buff) ||
      !far->second.action.has(pfcp::Action::nocp)) {
    ++counters_.unknown_events;
    return;
  }
  if (std::ranges::find(state.downlink, pdr) == state.downlink.end())
    (void)state.downlink.add(pdr);  // beyond sixteen one of them is enough to page
  if (state.downlink_at) return;
  const bool delayed = far->second.bar && session.bar && session.bar->notification_delay;
  state.downlink_at = delayed ? now_ + *session.bar->notification_delay : now_;
}

// Clause 7.5.8.4. One of which no FAR sends anything there is told by nobody: anyone can send one.
void N4Agent::on_error_indication(SessionState& state, const WorkerEvent& event) {
  model::Ipv4Address peer;
  for (std::size_t i = 0; i < peer.octets.size(); ++i)
    peer.octets[i] = static_cast<std::uint8_t>(event.peer_v4 >> (24 - 8 * i) & 0xFFU);
  const bool is_ours = std::ranges::any_of(state.session.fars, [&](const auto& far) {
    const auto& header = far.second.outer_header;
    return header && header->has_teid() && header->teid == event.id && header->v4 == peer;
  });
  if (!is_ours) {
    ++counters_.unknown_events;
    return;
  }
  const pfcp::FTeid tunnel{.teid = event.id, .v4 = peer};
  if (std::ranges::find(state.errors, tunnel) == state.errors.end())
    (void)state.errors.add(tunnel);  // who has sixteen unknown tunnels has restarted
}

void N4Agent::look(SessionState& state) {
  bool is_due = !state.errors.empty() || (state.downlink_at && now_ >= *state.downlink_at);
  for (UsageWatch& urr : state.usage) {
    urr.look(now_);
    is_due = is_due || urr.is_due();
  }
  for (DelayWatch& delay : state.delays) {
    delay.look(now_);
    is_due = is_due || delay.is_due();
  }
  std::optional<Instant> next;
  const auto sooner = [&next](std::optional<Instant> at) {
    if (at) next = next ? std::min(*next, *at) : *at;
  };
  if (is_due && !state.outstanding) {
    if (transactions_.has_room() && outbox_.size() < datagrams_waiting_max) {
      report(state);
    } else {
      sooner(now_ + report_again_after);
    }
  }
  for (const UsageWatch& urr : state.usage) sooner(urr.next_look());
  for (const DelayWatch& delay : state.delays) sooner(delay.next_look());
  if (state.downlink_at && now_ < *state.downlink_at) sooner(state.downlink_at);
  sessions_.set_due(state, next);
}

std::vector<pfcp::SessionReport> N4Agent::session_reports(SessionState& state, bool release) {
  std::vector<pfcp::SessionReport> all;
  for (DelayWatch& delay : state.delays) {
    std::vector<pfcp::QosMonitoringReport> reports;
    delay.report(release, now_, reports);
    for (const auto& one : reports) {
      const bool goes_on = !all.empty() && all.back().srr == delay.srr();
      if (goes_on && all.back().reports.add(one)) continue;
      all.push_back({.srr = delay.srr()});
      (void)all.back().reports.add(one);
    }
  }
  return all;
}

std::vector<pfcp::UsageReport> N4Agent::usage_reports(SessionState& state) {
  std::vector<pfcp::UsageReport> all;
  std::vector<pfcp::UrrId> told;
  for (UsageWatch& urr : state.usage) {
    if (urr.is_due_by_usage()) told.push_back(urr.id());
    if (urr.is_due()) urr.report(std::nullopt, now_, all);
  }
  // Clause 5.2.2.4: a report of one makes those report that are linked to it; these make no more.
  for (UsageWatch& urr : state.usage) {
    if (!urr.urr().triggers.has(pfcp::ReportingTrigger::linked_usage)) continue;
    if (std::ranges::find(told, urr.id()) != told.end()) continue;
    const bool is_linked = std::ranges::any_of(urr.urr().linked, [&](pfcp::UrrId other) {
      return std::ranges::find(told, other) != told.end();
    });
    if (is_linked) urr.report(UsageReportTrigger::linked_usage, now_, all);
  }
  return all;
}

Endpoint N4Agent::control_plane_of(const SessionState& state) const {
  const pfcp::FSeid& control = state.session.control;
  const Endpoint& peer = state.peer->at;
  const std::uint16_t port = config_.control_port == 0 ? peer.port : config_.control_port;
  const bool wants_v6 = std::holds_alternative<model::Ipv6Address>(peer.address);
  if (control.v6 && (wants_v6 || !control.v4)) return {*control.v6, port};
  return {*control.v4, port};
}

void N4Agent::report(SessionState& state) {
  using pfcp::Report;
  const auto usage = usage_reports(state);
  const auto delays = session_reports(state, false);
  pfcp::SessionReportRequest request;
  request.usage_reports = std::span<const pfcp::UsageReport>(usage);
  request.session_reports = std::span<const pfcp::SessionReport>(delays);
  if (!usage.empty()) request.report_type.set(Report::usage);
  if (!delays.empty()) request.report_type.set(Report::session);
  if (state.downlink_at && now_ >= *state.downlink_at) {
    request.report_type.set(Report::downlink_data);
    request.downlink_data = pfcp::DownlinkDataReport{state.downlink};
    state.downlink.clear();
    state.downlink_at.reset();
  }
  if (!state.errors.empty()) {
    request.report_type.set(Report::error_indication);
    request.error_indication = pfcp::ErrorIndicationReport{state.errors};
    state.errors.clear();
  }
  if (!request.report_type.any()) return;
  const std::uint32_t number = transactions_.number();
  const Endpoint to = control_plane_of(state);
  const auto bytes =
      written({.seid = state.session.control.seid, .sequence_number = number}, request);
  transactions_.start(number,
                      {.to = to,
                       .type = pfcp::MessageType::session_report_request,
                       .bytes = bytes,
                       .seid = state.session.seid},
                      now_);
  state.outstanding = number;
  send(to, bytes);
}

// Clause 7.5.9.
void N4Agent::on_report_response(const OwnRequest& request, const pfcp::MessageView& view) {
  SessionState* state = sessions_.find(request.seid);
  if (state == nullptr) return;
  state->outstanding.reset();
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::SessionReportResponse>(view, remarks);
  Note told{.what = Happening::not_accepted,
            .peer = request.to,
            .seid = request.seid,
            .message = view.type};
  if (!message) {
    told.refusal = message.error();
    note(told);
    return look(*state);
  }
  if (!pfcp::is_accepted(message->cause)) {
    told.refusal = pfcp::Refusal{message->cause, std::nullopt, std::nullopt};
    const bool orphaned = message->cause == pfcp::Cause::session_context_not_found;
    if (orphaned) told.what = Happening::orphaned;
    note(told);
    if (orphaned) return drop_session(*state);
  }
  state->peer->heard = now_;
  auto& bar = state->session.bar;
  if (message->update_bar && bar && bar->id == message->update_bar->id) {
    const pfcp::Bar& given = *message->update_bar;
    if (given.notification_delay) bar->notification_delay = given.notification_delay;
    if (given.suggested_packets) bar->suggested_packets = given.suggested_packets;
  }
  look(*state);
}

}  // namespace lobo::dataplane::n4
