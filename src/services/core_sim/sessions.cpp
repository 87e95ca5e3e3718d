#include "services/core_sim/sessions.hpp"

#include <cstdlib>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "services/core_sim/admission.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/measurements.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/timers.hpp"
#include "services/core_sim/world.hpp"
#include "wire/http/url.hpp"

namespace lobo::core_sim {

using Event = UserPlaneEventKnown;

std::string_view to_string(SessionState state) {
  switch (state) {
    case SessionState::allocating: return "ALLOCATING";
    case SessionState::guaranteed: return "GUARANTEED";
    case SessionState::not_guaranteed: return "NOT_GUARANTEED";
    case SessionState::failed: return "FAILED";
  }
  std::abort();
}

Sessions::Sessions(Network& network)
    : net_(network), by_cell_(network.world.cell_count()), wanting_(network.world.cell_count()) {}

// ---- finding ----------------------------------------------------------------------------------

Session* Sessions::find(std::string_view id) {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &sessions_.at(at->second);
}

Session* Sessions::find(std::string_view scs_as_id, std::string_view id) {
  auto* session = find(id);
  return session != nullptr && session->scs_as_id == scs_as_id ? session : nullptr;
}

std::size_t Sessions::count_of(std::string_view scs_as_id) const {
  const auto at = by_af_.find(scs_as_id);
  return at == by_af_.end() ? 0 : at->second.size();
}

std::size_t Sessions::count_of(UeIndex ue) const {
  const auto at = by_ue_.find(ue);
  return at == by_ue_.end() ? 0 : at->second.size();
}

void Sessions::each(const std::function<void(const Session&)>& visit) const {
  for (const auto& [number, session] : sessions_) visit(session);
}

void Sessions::each_of(std::string_view scs_as_id,
                       const std::function<void(const Session&)>& visit) const {
  const auto at = by_af_.find(scs_as_id);
  if (at == by_af_.end()) return;
  for (const auto number : at->second) visit(sessions_.at(number));
}

std::string Sessions::uri_of(const Session& session) const {
  if (session.terms.surface == Surface::pcf)
    return net_.config.api_root + "/npcf-policyauthorization/v1/app-sessions/" + session.id;
  return net_.config.api_root + "/3gpp-as-session-with-qos/v1/" +
         http::percent_encode(session.scs_as_id) + "/subscriptions/" + session.id;
}

// ---- admission --------------------------------------------------------------------------------

std::optional<Placement> Sessions::placement(CellIndex cell, const Terms& terms,
                                             const Share& held) const {
  if (net_.config.admit_at_allocation) return Placement{{}, Share{}};
  return fitting(cell, terms, held);
}

// 1. What was asked for. 2. Else the best alternative that fits, if the operator does that.
std::optional<Placement> Sessions::fitting(CellIndex cell, const Terms& terms,
                                           const Share& held) const {
  const auto wanted = share_of(terms.wanted);
  if (net_.admission.fits_instead(cell, held, wanted)) return Placement{{}, wanted};
  if (!net_.config.admit_alternatives) return std::nullopt;
  for (std::size_t i = 0; i < terms.alternatives.size(); ++i) {
    const auto less = share_of(terms.alternatives[i].quality);
    if (net_.admission.fits_instead(cell, held, less)) return Placement{i, less};
  }
  return std::nullopt;
}

void Sessions::hold(Session& session, const Share& share) {
  net_.admission.give_back(session.cell, session.held);
  session.held = {};
  if (net_.admission.take(session.cell, share)) session.held = share;
}

Session& Sessions::create(std::string_view scs_as_id, UeIndex ue, Terms terms,
                          const Placement& placement, Instant now) {
  const auto number = net_.next_number++;
  auto& session = sessions_[number];
  session.number = number;
  session.id = random_id(net_.rng);
  session.scs_as_id = scs_as_id;
  session.ue = ue;
  session.cell = net_.world.ue(ue).cell;
  session.terms = std::move(terms);
  session.applied = placement.applied;
  session.meter.start(now);
  hold(session, placement.held);
  require(session.held == placement.held);

  by_id_.emplace(session.id, number);
  by_af_[session.scs_as_id].insert(number);
  by_ue_[ue].insert(number);
  by_cell_[session.cell].insert(number);
  start_timers(session, now);
  return session;
}

bool Sessions::needs_placement(const Session& session, const Terms& terms) {
  const bool same = session.user_plane == UserPlane::simulated ? session.terms.same_quality(terms)
                                                               : session.terms.same_for_upf(terms);
  return session.state == SessionState::failed || !same;
}

// A change of quality is allocated anew; a change of anything else leaves the reservation alone.
void Sessions::modify(Session& session, Terms terms, const std::optional<Placement>& placement,
                      Instant now) {
  settle(session, now);
  session.terms = std::move(terms);
  session.above.clear();
  if (!placement) {
    const bool allocating = session.state == SessionState::allocating;
    start_timers(session, now);
    if (!allocating) net_.timers.stop({session.number, TimerKind::allocation});
    return;
  }
  const bool frees = placement->held.dl < session.held.dl || placement->held.ul < session.held.ul;
  wanting_[session.cell].erase(session.number);
  session.state = SessionState::allocating;
  session.applied = placement->applied;
  session.told = {};
  session.notice = {};
  // Answers of the UPF to what was asked before mean nothing now.
  session.user_plane = UserPlane::simulated;
  hold(session, placement->held);
  require(session.held == placement->held);
  start_timers(session, now);
  if (frees) refill(session.cell, now);
}

void Sessions::start_timers(Session& session, Instant now) {
  const auto number = session.number;
  net_.timers.stop_all(number);
  net_.timers.start({number, TimerKind::allocation}, now + net_.config.allocation_delay);
  const auto& terms = session.terms;
  if (terms.lifetime) net_.timers.start({number, TimerKind::expiry}, now + *terms.lifetime);
  const auto periodic_timer = [&](const std::optional<MonitoringTerms>& monitoring,
                                  TimerKind kind) {
    if (monitoring && monitoring->period)
      net_.timers.start({number, kind}, now + *monitoring->period);
  };
  periodic_timer(terms.delay, TimerKind::delay_report);
  periodic_timer(terms.rate, TimerKind::rate_report);
  periodic_timer(terms.jitter, TimerKind::jitter_report);
  rearm_usage(session, now);
}

void Sessions::allocate_now(Session& session, Instant now) {
  if (session.state != SessionState::allocating) return;
  net_.timers.stop({session.number, TimerKind::allocation});
  settle(session, now);
  finish_allocation(session, now);
}

void Sessions::finish_allocation(Session& session, Instant now) {
  bool allocated = !session.allocation_fails;
  if (allocated && net_.config.admit_at_allocation && session.held.empty()) {
    const auto found = fitting(session.cell, session.terms, {});
    allocated = found.has_value();
    if (found) session.applied = found->applied;
    if (found) hold(session, found->held);
  }
  if (allocated && session.held != share_of(in_force(session))) allocated = false;

  if (!allocated) return fail_allocation(session, now);
  if (has_user_plane(session)) return ask_upf(session, now);           // confirmed() goes on
  if (net_.smf) net_.smf->drop_flow(session.ue, session.number, now);  // It may have had one.
  allocation_done(session, now);
}

void Sessions::fail_allocation(Session& session, Instant now) {
  if (net_.smf) net_.smf->drop_flow(session.ue, session.number, now);
  wanting_[session.cell].erase(session.number);
  session.user_plane = UserPlane::simulated;
  session.asked_of_upf.reset();
  session.state = SessionState::failed;
  session.applied.reset();
  hold(session, {});
  notify(session, event_report(session, Event::failed_resources_allocation), now);
  refill(session.cell, now);
}

void Sessions::allocation_done(Session& session, Instant now) {
  session.state = session.applied ? SessionState::not_guaranteed : SessionState::guaranteed;
  if (session.applied) {
    wanting_[session.cell].insert(session.number);
    session.told = {true, true};
  }
  auto report = event_report(session, Event::successful_resources_allocation);
  if (session.applied) report.applied_qos_ref = session.terms.alternatives[*session.applied].name;
  notify(session, std::move(report), now);
  assess(session, now);
  rearm_usage(session, now);
}

// ---- release ----------------------------------------------------------------------------------

void Sessions::remove(Session& session, Instant now) {
  net_.callbacks.drop(session.number);
  erase(session, now);
}

void Sessions::terminate(Session& session, Instant now) {
  settle(session, now);
  notify(session, event_report(session, Event::session_termination), now);
  erase(session, now);
}

void Sessions::erase(Session& session, Instant now) {
  const auto number = session.number;
  const auto cell = session.cell;
  if (net_.smf) net_.smf->drop_flow(session.ue, number, now);
  net_.admission.give_back(cell, session.held);
  net_.timers.stop_all(number);
  by_id_.erase(session.id);
  const auto of_af = by_af_.find(session.scs_as_id);
  of_af->second.erase(number);
  if (of_af->second.empty()) by_af_.erase(of_af);
  const auto of_ue = by_ue_.find(session.ue);
  of_ue->second.erase(number);
  if (of_ue->second.empty()) by_ue_.erase(of_ue);
  by_cell_[cell].erase(number);
  wanting_[cell].erase(number);
  sessions_.erase(number);
  refill(cell, now);
}

void Sessions::lose_ue(UeIndex ue, Instant now) {
  const auto at = by_ue_.find(ue);
  if (at == by_ue_.end()) return;
  const auto numbers = at->second;
  for (const auto number : numbers) terminate(sessions_.at(number), now);
}

// ---- guarantees -------------------------------------------------------------------------------

const Quality& Sessions::in_force(const Session& session) const {
  return session.applied ? session.terms.alternatives[*session.applied].quality
                         : session.terms.wanted;
}

// 0 is what was asked for, 1 the first alternative, and so on: the first that both the link and the
// cell can give. Nothing where none can.
std::optional<std::size_t> Sessions::best_option(const Session& session) const {
  if (session.user_plane == UserPlane::lost) return std::nullopt;
  const auto link = link_of(session);
  const auto& cell = net_.world.cell(session.cell);
  const auto possible = [&](const Quality& quality) {
    return !shortfall(quality, cell, link).any() &&
           net_.admission.fits_instead(session.cell, session.held, share_of(quality));
  };
  const auto& notice = session.notice;
  if (notice.held && possible(session.terms.wanted)) return 0;
  for (std::size_t i = 0; i < session.terms.alternatives.size(); ++i)
    if ((notice.held || notice.alternative == i) && possible(session.terms.alternatives[i].quality))
      return i + 1;
  return std::nullopt;
}

// In which directions what was asked for is not given, be it for the link or for the cell.
Shortfall Sessions::missing(const Session& session) const {
  if (session.user_plane == UserPlane::lost || !session.notice.held)
    return {.dl = true, .ul = true};
  const auto by_link =
      shortfall(session.terms.wanted, net_.world.cell(session.cell), link_of(session));
  const auto wanted = share_of(session.terms.wanted);
  return {.dl = by_link.dl || session.held.dl < wanted.dl,
          .ul = by_link.ul || session.held.ul < wanted.ul};
}

// Chooses anew what the session is given and tells the AF what has changed for it, once.
void Sessions::assess(Session& session, Instant now) {
  if (session.state == SessionState::allocating || session.state == SessionState::failed) return;
  const auto choice = best_option(session);
  const auto before = session.applied;
  const bool was_short = session.state == SessionState::not_guaranteed;

  if (choice == std::size_t{0}) {
    session.applied.reset();
    hold(session, share_of(session.terms.wanted));
    session.state = SessionState::guaranteed;
    session.told = {};
    wanting_[session.cell].erase(session.number);
    if (was_short) notify(session, event_report(session, Event::qos_guaranteed), now);
  } else {
    session.applied = choice ? std::optional(*choice - 1) : std::nullopt;
    // Where nothing helps the link, its share of the cell is kept for when it recovers.
    hold(session, choice ? share_of(in_force(session)) : session.held);
    session.state = SessionState::not_guaranteed;
    wanting_[session.cell].insert(session.number);
    tell_shortfall(session, missing(session), !was_short || before != session.applied, now);
  }
  check_thresholds(session, now);
  // The rates that are promised now are those that the UPF has to keep.
  if (session.user_plane == UserPlane::enforced && spec_of(session) != session.asked_of_upf)
    ask_upf(session, now);
}

void Sessions::tell_shortfall(Session& session, const Shortfall& now_missing, bool applied_changed,
                              Instant now) {
  const auto tell = [&](Event event) {
    auto report = event_report(session, event);
    if (session.applied) report.applied_qos_ref = session.terms.alternatives[*session.applied].name;
    notify(session, std::move(report), now);
  };
  if (applied_changed) tell(Event::qos_not_guaranteed);
  if (now_missing.dl && (applied_changed || !session.told.dl)) tell(Event::qos_not_guaranteed_dl);
  if (now_missing.ul && (applied_changed || !session.told.ul)) tell(Event::qos_not_guaranteed_ul);
  session.told = now_missing;
}

// Those that were promised more than they get are served when something has become free, the
// oldest first. One pass: an upgrade only takes.
void Sessions::refill(CellIndex cell, Instant now) {
  const auto numbers = wanting_[cell];
  for (const auto number : numbers) {
    auto& session = sessions_.at(number);
    settle(session, now);
    assess(session, now);
    rearm_usage(session, now);
  }
}

void Sessions::change_link(UeIndex ue, const Link& link, Instant now) {
  const auto at = by_ue_.find(ue);
  const auto numbers = at == by_ue_.end() ? std::set<Number>{} : at->second;
  for (const auto number : numbers) settle(sessions_.at(number), now);
  net_.world.ue(ue).link = link;
  for (const auto number : numbers) {
    assess(sessions_.at(number), now);
    rearm_usage(sessions_.at(number), now);
  }
  if (!numbers.empty()) refill(net_.world.ue(ue).cell, now);
}

void Sessions::move(UeIndex ue, CellIndex cell, Instant now) {
  const auto from = net_.world.ue(ue).cell;
  if (from == cell) return;
  const auto at = by_ue_.find(ue);
  const auto numbers = at == by_ue_.end() ? std::set<Number>{} : at->second;
  net_.world.ue(ue).cell = cell;
  net_.world.ue(ue).config.cell = net_.world.cell(cell).name;
  for (const auto number : numbers) {
    auto& session = sessions_.at(number);
    settle(session, now);
    const auto had = session.held;
    hold(session, {});
    by_cell_[from].erase(number);
    wanting_[from].erase(number);
    session.cell = cell;
    by_cell_[cell].insert(number);
    hold(session, had);
    assess(session, now);
    rearm_usage(session, now);
  }
  refill(from, now);
}

void Sessions::resize_cell(CellIndex cell, const Share& capacity, Instant now) {
  net_.admission.resize(cell, capacity);
  const auto numbers = by_cell_[cell];
  for (auto at = numbers.rbegin(); at != numbers.rend() && net_.admission.overbooked(cell); ++at) {
    auto& session = sessions_.at(*at);
    if (session.held.empty()) continue;
    settle(session, now);
    hold(session, {});
    assess(session, now);
    rearm_usage(session, now);
  }
  refill(cell, now);
}

}  // namespace lobo::core_sim
