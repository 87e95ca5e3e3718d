#include "services/core_sim/smf.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/require.hpp"
#include "model/address.hpp"
#include "services/core_sim/smf_config.hpp"
#include "services/core_sim/smf_events.hpp"
#include "services/core_sim/smf_flow.hpp"
#include "services/core_sim/smf_n4.hpp"
#include "services/core_sim/smf_rules.hpp"
#include "services/core_sim/timers.hpp"
#include "services/core_sim/world.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::core_sim {

using Phase = PduSession::Phase;

namespace {

constexpr std::string_view cause_upf_lost = "UPF_LOST";
constexpr std::string_view cause_unreadable = "UNREADABLE_ANSWER";
constexpr std::string_view cause_no_room = "TOO_MANY_FLOWS";
constexpr std::string_view cause_filters = "TOO_MANY_FILTERS";

/// Whether the UPF knows us no more (table 8.2.1-1, cause 72).
bool says_no_association(const pfcp::MessageView& response) {
  pfcp::Remarks remarks;
  const auto is = [](const auto& message) {
    return message && message->cause == pfcp::Cause::no_established_association;
  };
  if (response.type == pfcp::MessageType::session_modification_response)
    return is(pfcp::read_message<pfcp::SessionModificationResponse>(response, remarks));
  return response.type == pfcp::MessageType::session_establishment_response &&
         is(pfcp::read_message<pfcp::SessionEstablishmentResponse>(response, remarks));
}

/// The lowest QFI that no flow of the session has.
std::optional<QfiNumber> free_qfi(const PduSession& session) {
  std::set<QfiNumber> used;
  for (const auto& [number, flow] : session.flows) used.insert(flow.qfi);
  for (QfiNumber i = 1; i <= dedicated_flows_max; ++i) {
    const auto qfi = static_cast<QfiNumber>(default_qfi + i);
    if (!used.contains(qfi)) return qfi;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::absent: return "ESTABLISHING";
    case Phase::established: return "ESTABLISHED";
    case Phase::refused: return "REFUSED";
  }
  std::abort();
}

Smf::Smf(const SmfConfig& config, Numbers numbers)
    : config_(config), n4_(config, *this, numbers.sequence), last_seid_(numbers.seid) {}

pfcp::NodeId Smf::node() const {
  const auto address = model::parse_ip_address(config_.address);
  require(address.has_value());
  return std::visit([](const auto& one) { return pfcp::NodeId(one); }, *address);
}

pfcp::FSeid Smf::own_seid(const PduSession& session) const {
  pfcp::FSeid own{.seid = session.seid};
  const auto address = node();
  if (const auto* v4 = std::get_if<model::Ipv4Address>(&address)) own.v4 = *v4;
  if (const auto* v6 = std::get_if<model::Ipv6Address>(&address)) own.v6 = *v6;
  return own;
}

// ---- registrations ----------------------------------------------------------------------------

bool Smf::open(UeIndex ue, PduSessionFacts facts, Instant now) {
  const auto leads_there = [&](const UpfConfig& upf) {
    return upf.dnns.empty() || std::ranges::find(upf.dnns, facts.dnn) != upf.dnns.end();
  };
  const auto upf = std::ranges::find_if(config_.upfs, leads_there);
  if (upf == config_.upfs.end()) return false;
  auto& session = sessions_[ue];
  const bool moves = session.wanted && session.phase == Phase::established;
  session.wanted = true;
  if (moves) {
    session.facts.gnb = facts.gnb;
  } else {
    session.upf = static_cast<UpfIndex>(upf - config_.upfs.begin());
    session.facts = std::move(facts);
    session.establishments = 0;
    if (session.phase == Phase::refused) session.phase = Phase::absent;
  }
  ++session.version;
  drive(ue, now);
  return true;
}

void Smf::close(UeIndex ue, Instant now) {
  const auto at = sessions_.find(ue);
  if (at == sessions_.end()) return;
  at->second.wanted = false;
  at->second.flows.clear();
  at->second.observers.clear();
  drive(ue, now);
}

bool Smf::is_open(UeIndex ue) const {
  const auto at = sessions_.find(ue);
  return at != sessions_.end() && at->second.wanted;
}

const PduSession* Smf::session(UeIndex ue) const {
  const auto at = sessions_.find(ue);
  return at == sessions_.end() || !at->second.wanted ? nullptr : &at->second;
}

void Smf::touch(UeIndex ue) {
  if (const auto at = sessions_.find(ue); at != sessions_.end()) ++at->second.version;
}

// ---- flows ------------------------------------------------------------------------------------

void Smf::set_flow(UeIndex ue, Number number, FlowSpec spec, Instant now) {
  auto& session = sessions_.at(ue);
  const auto refused = [&](std::string_view cause) { flow_refused(ue, session, number, cause); };
  if (session.phase == Phase::refused) return refused(session.cause);
  if (!n4_.up(session.upf)) return refused(cause_upf_lost);
  if (!fits_a_rule(spec)) return refused(cause_filters);
  session.observers.erase(number);
  auto at = session.flows.find(number);
  if (at == session.flows.end()) {
    const auto qfi = free_qfi(session);
    if (!qfi) return refused(cause_no_room);
    at = session.flows.emplace(number, PduFlow{.qfi = *qfi, .wanted = {}, .installed = {}}).first;
  }
  at->second.wanted = std::move(spec);
  at->second.lost = false;
  if (at->second.wanted == at->second.installed && !is_asked(ue, number))
    events_.emplace_back(FlowConfirmed{ue, number});
  drive(ue, now);
}

void Smf::drop_flow(UeIndex ue, Number number, Instant now) {
  const auto session = sessions_.find(ue);
  if (session == sessions_.end()) return;
  const bool observed = session->second.observers.erase(number) > 0;
  const auto flow = session->second.flows.find(number);
  if (flow != session->second.flows.end())
    flow->second.wanted.reset();
  else if (!observed)
    return;
  drive(ue, now);
}

/// Whether a request about the flow is under way: its answer says what has become of the wish.
bool Smf::is_asked(UeIndex ue, Number flow) const {
  const auto request = busy_.find(ue);
  return request != busy_.end() && asked_.at(request->second).flow == flow;
}

std::optional<Number> Smf::flow_of(UeIndex ue, QfiNumber qfi) const {
  const auto* of = session(ue);
  if (of == nullptr) return std::nullopt;
  for (const auto& [number, flow] : of->flows)
    if (flow.qfi == qfi && flow.installed) return number;
  return std::nullopt;
}

// Whatever of it stands at the UPF is taken away by the next steps.
void Smf::flow_refused(UeIndex ue, PduSession& session, Number number, std::string_view cause) {
  events_.emplace_back(FlowRefused{ue, number, cause});
  const auto flow = session.flows.find(number);
  if (flow == session.flows.end()) return;
  flow->second.wanted.reset();
  if (!flow->second.installed && !busy_.contains(ue)) session.flows.erase(flow);
}

// ---- from what is to what is wanted -----------------------------------------------------------

std::optional<Smf::Asked> Smf::next_step(UeIndex ue, PduSession& session) {
  if (!session.wanted) {
    if (session.phase == Phase::established) return Asked{.ue = ue, .step = Step::release};
    return std::nullopt;
  }
  if (session.phase == Phase::refused) return std::nullopt;
  if (session.phase == Phase::absent)
    return Asked{.ue = ue, .step = Step::establish, .gnb = session.facts.gnb};
  if (session.renew) return Asked{.ue = ue, .step = Step::release};
  if (session.gnb_installed != session.facts.gnb)
    return Asked{.ue = ue, .step = Step::move, .gnb = session.facts.gnb};
  // What goes makes room for what comes.
  for (const auto& [number, flow] : session.flows)
    if (!flow.wanted && flow.installed)
      return Asked{.ue = ue, .step = Step::remove, .flow = number};
  std::erase_if(session.flows, [](const auto& one) { return !one.second.wanted; });
  for (const auto& [number, flow] : session.flows)
    if (flow.wanted != flow.installed)
      return Asked{.ue = ue,
                   .step = flow.installed ? Step::change : Step::add,
                   .flow = number,
                   .spec = flow.wanted};
  if (auto watch = watch_of(session); watch != session.watched)
    return Asked{.ue = ue, .step = Step::watch, .watch = std::move(watch)};
  confirm_observers(ue, session);
  return std::nullopt;
}

void Smf::drive(UeIndex ue, Instant now) {
  const auto at = sessions_.find(ue);
  if (at == sessions_.end() || busy_.contains(ue)) return;
  auto& session = at->second;
  if (!session.wanted && session.phase != Phase::established) {
    waiting_.erase(ue);
    by_seid_.erase(session.seid);
    sessions_.erase(at);
    return;
  }
  if (!n4_.up(session.upf)) return;
  auto step = next_step(ue, session);
  if (!step) {
    waiting_.erase(ue);
    return;
  }
  if (n4_.under_way() >= n4_requests_under_way_max) {
    waiting_.insert(ue);
    return;
  }
  waiting_.erase(ue);
  ask(session, std::move(*step), now);
}

void Smf::ask(PduSession& session, Asked what, Instant now) {
  const auto modify = [&](const Rules& rules) {
    return n4_.send(session.upf, session.up_seid, rules.modification(), now);
  };
  const auto ue = what.ue;
  const auto* flow = session.flows.contains(what.flow) ? &session.flows.at(what.flow) : nullptr;
  std::uint32_t request = 0;
  switch (what.step) {
    case Step::establish: {
      by_seid_.erase(session.seid);
      session.seid = ++last_seid_;
      by_seid_.emplace(session.seid, ue);
      ++session.establishments;
      const auto rules = default_rules(session.facts);
      request = n4_.send(session.upf, 0, rules.establishment(node(), own_seid(session)), now);
      break;
    }
    case Step::move: request = modify(rules_to_move(session.facts)); break;
    case Step::add:
      request = modify(rules_to_add(session.facts, *session.tunnel, flow->qfi, *what.spec));
      break;
    case Step::change:
      request = modify(
          rules_to_change(session.facts, *session.tunnel, flow->qfi, *flow->installed, *what.spec));
      break;
    case Step::remove: request = modify(rules_to_remove(flow->qfi, *flow->installed)); break;
    case Step::watch: request = modify(rules_to_watch(session.watched, what.watch)); break;
    case Step::release:
      request = n4_.send(session.upf, session.up_seid, pfcp::SessionDeletionRequest{}, now);
      break;
  }
  busy_.emplace(ue, request);
  asked_.emplace(request, std::move(what));
}

void Smf::answered(std::uint32_t request, const pfcp::MessageView& response, Instant now) {
  const auto found = asked_.find(request);
  if (found == asked_.end()) return;
  const auto what = std::move(found->second);
  asked_.erase(found);
  busy_.erase(what.ue);
  auto& session = sessions_.at(what.ue);
  if (says_no_association(response)) return n4_.greet_again(session.upf, now);
  switch (what.step) {
    case Step::establish: establish_answered(session, what, response); break;
    case Step::move:
    case Step::add:
    case Step::change:
    case Step::remove:
    case Step::watch: modify_answered(session, what, response); break;
    case Step::release:
      // Whatever it answers, it has it no more.
      session.phase = Phase::absent;
      if (std::exchange(session.renew, false)) forget_at_upf(what.ue, session, false);
      break;
  }
  drive(what.ue, now);
  // Each answer makes room for one request.
  if (!waiting_.empty()) drive(*waiting_.begin(), now);
}

void Smf::establish_answered(PduSession& session, const Asked& what,
                             const pfcp::MessageView& response) {
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::SessionEstablishmentResponse>(response, remarks);
  ++session.version;
  if (!message) return refuse_session(what.ue, session, cause_unreadable);
  if (!pfcp::is_accepted(message->cause))
    return refuse_session(what.ue, session, pfcp::to_string(message->cause));
  session.phase = Phase::established;
  session.up_seid = message->up_f_seid->seid;
  session.gnb_installed = what.gnb;
  session.tunnel.reset();
  for (const auto& created : message->created_pdrs)
    if (created.local_f_teid) session.tunnel = created.local_f_teid;
  // Without a tunnel nothing can come up: it is given back, and not asked for again.
  if (!session.tunnel) {
    refuse_session(what.ue, session, cause_unreadable);
    session.phase = Phase::established;
    session.wanted = false;
  }
}

void Smf::modify_answered(PduSession& session, const Asked& what,
                          const pfcp::MessageView& response) {
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::SessionModificationResponse>(response, remarks);
  const auto cause = message ? message->cause : pfcp::Cause::system_failure;
  if (cause == pfcp::Cause::session_context_not_found) {
    if (session.establishments >= establishments_in_a_row_max)
      return refuse_session(what.ue, session, pfcp::to_string(cause));
    return forget_at_upf(what.ue, session, false);
  }
  session.establishments = 0;
  const bool accepted = pfcp::is_accepted(cause);
  if (what.step == Step::move) {
    // What was refused is not asked for again: the old tunnel stays until the next move.
    session.gnb_installed = what.gnb;
    if (!accepted) session.cause = pfcp::to_string(cause);
    return;
  }
  if (what.step == Step::watch)
    return watch_answered(what.ue, session, what.watch,
                          accepted  ? std::string_view{}
                          : message ? pfcp::to_string(cause)
                                    : cause_unreadable);
  const auto flow = session.flows.find(what.flow);
  if (flow == session.flows.end()) return;
  if (what.step == Step::remove) {
    flow->second.installed.reset();
    session.renew = !accepted;  // A flow that stays there is nobody's.
    ++session.version;
    return;
  }
  if (accepted) {
    flow->second.installed = what.spec;
    flow->second.lost = false;
    ++session.version;
    if (flow->second.wanted == what.spec) events_.emplace_back(FlowConfirmed{what.ue, what.flow});
    return;
  }
  // Another wish has come since: that one is asked for, unless it is what stands there.
  if (flow->second.wanted != what.spec) {
    if (flow->second.wanted && flow->second.wanted == flow->second.installed)
      events_.emplace_back(FlowConfirmed{what.ue, what.flow});
    return;
  }
  flow_refused(what.ue, session, what.flow, message ? pfcp::to_string(cause) : cause_unreadable);
}

void Smf::refuse_session(UeIndex ue, PduSession& session, std::string_view cause) {
  session.phase = Phase::refused;
  session.cause = cause;
  session.tunnel.reset();
  ++session.version;
  for (auto& [number, flow] : session.flows)
    if (flow.wanted) events_.emplace_back(FlowRefused{ue, number, cause});
  session.flows.clear();
  session.watched = {};
  refuse_observers(ue, session, cause);
}

// Flows that stood are asked for again when the UPF is back; those that were only wished for, or
// wished otherwise, are refused, because somebody waits for an answer.
void Smf::forget_at_upf(UeIndex ue, PduSession& session, bool lost_for_good) {
  session.phase = Phase::absent;
  session.renew = false;
  session.tunnel.reset();
  session.cause = lost_for_good ? cause_upf_lost : std::string_view{};
  ++session.version;
  for (auto& [number, flow] : session.flows) {
    const bool stood = flow.installed.has_value();
    const bool settled = stood && flow.wanted == flow.installed;
    flow.installed.reset();
    if (settled) {
      flow.lost = true;
      events_.emplace_back(FlowLost{ue, number});
    } else if (flow.wanted && !flow.lost) {
      events_.emplace_back(FlowRefused{ue, number, cause_upf_lost});
      flow.wanted.reset();
    }
  }
  std::erase_if(session.flows, [](const auto& one) { return !one.second.wanted; });
  lose_observers(ue, session);
}

// ---- associations -----------------------------------------------------------------------------

void Smf::upf_up(UpfIndex upf, Instant now) {
  std::vector<UeIndex> of_it;
  for (const auto& [ue, session] : sessions_)
    if (session.upf == upf) of_it.push_back(ue);
  for (const auto ue : of_it) {
    auto& session = sessions_.at(ue);
    session.establishments = 0;
    if (session.phase == Phase::refused) session.phase = Phase::absent;
    drive(ue, now);
  }
}

void Smf::upf_down(UpfIndex upf, Instant now) {
  for (auto at = asked_.begin(); at != asked_.end();) {
    const auto& session = sessions_.at(at->second.ue);
    if (session.upf != upf) {
      ++at;
      continue;
    }
    busy_.erase(at->second.ue);
    at = asked_.erase(at);
  }
  std::vector<UeIndex> of_it;
  for (auto& [ue, session] : sessions_) {
    if (session.upf != upf) continue;
    forget_at_upf(ue, session, true);
    of_it.push_back(ue);
  }
  for (const auto ue : of_it) drive(ue, now);  // Those that were to be released are gone.
  while (!waiting_.empty() && n4_.under_way() < n4_requests_under_way_max) {
    const auto ue = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    drive(ue, now);
  }
}

// ---- reports ----------------------------------------------------------------------------------

ReportAnswer Smf::reported(UpfIndex upf, const pfcp::MessageView& report, Instant /*now*/) {
  ReportAnswer answer;
  const auto ue = by_seid_.find(report.envelope.seid);
  if (ue == by_seid_.end() || sessions_.at(ue->second).upf != upf) {
    answer.response.cause = pfcp::Cause::session_context_not_found;
    return answer;
  }
  const auto& session = sessions_.at(ue->second);
  answer.seid = session.up_seid;
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::SessionReportRequest>(report, remarks);
  if (!message) {
    answer.response.cause = message.error().cause;
    answer.response.offending_ie = pfcp::offending_ie_of(message.error());
    return answer;
  }
  for (const auto& usage : message->usage_reports) take_usage(ue->second, session, usage);
  for (const auto& one : message->session_reports) take_delay(ue->second, session, one);
  if (message->error_indication) ++error_indications_;
  return answer;
}

}  // namespace lobo::core_sim
