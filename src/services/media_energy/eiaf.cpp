#include "services/media_energy/eiaf.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_e5.hpp"
#include "api/media_m1.hpp"
#include "api/media_m5.hpp"
#include "api/media_types.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/bit_rate.hpp"
#include "services/media_energy/checks.hpp"
#include "services/media_energy/consumed.hpp"
#include "services/media_energy/counters.hpp"
#include "services/media_energy/figures.hpp"
#include "services/media_energy/mapping.hpp"
#include "services/media_energy/policy_run.hpp"
#include "services/media_energy/ports.hpp"
#include "services/media_energy/recipient.hpp"
#include "services/media_energy/server.hpp"
#include "services/media_energy/session.hpp"
#include "services/media_energy/subscription.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::media_energy {

namespace e3 = api::media_e3;
namespace e5 = api::media_e5;
namespace m1 = api::media_m1;
namespace m5 = api::media_m5;
namespace state = api::state::media_energy;
namespace types = api::media_types;

namespace {

constexpr double bits_per_mbit = 1e6;
/// Placements are walked for old ones so often: there may be many more of them than anything else.
constexpr std::chrono::seconds expire_every{10};

/// Host and port: an endpoint does not say by which scheme it is spoken to.
std::string authority_of(const types::EndpointAddress& at) {
  std::string host = at.hostname    ? *at.hostname
                     : at.ipv4_addr ? *at.ipv4_addr
                     : at.ipv6_addr ? '[' + *at.ipv6_addr + ']'
                                    : std::string();
  return host.empty() ? host : host + ':' + std::to_string(at.port_number) + '/';
}

}  // namespace

Eiaf::Eiaf(const Settings& settings, Planner& planner) : settings_(settings), planner_(planner) {}

// ---- what the resources let it know -----------------------------------------------------------

void Eiaf::observed(const resource::Key& from, const resource::Observe& what, Instant now) {
  if (began_ == Instant{}) began_ = now;
  if (what.what == "session")
    session_changed(from.id, what.body, now);
  else if (what.what == "server")
    server_changed(from.id, what.body);
  else if (what.what == "subscription")
    subscription_changed(from.id, what.body, now);
  else if (what.what == "consumed")
    consumed_before(from.id, what.body);
  else if (what.what == "reports")
    reports(from.id, what.body, now);
  else if (what.what == "location_change")
    location_change(from.id, what.body, now);
  else if (what.what == "consumption")
    consumption(from.id, what.body, now);
  else if (what.what == "qoe")
    quality_told(what.body, now);
  else if (what.what == "network")
    network_told(from.id, what.body, now);
  else if (what.what == "poll")
    poll(from.id, what.body, now);
  else if (what.what == "stream")
    stream(from.id, what.body, now);
  else if (what.what == "plan_poll")
    plan_poll(what.body, now);
  else if (what.what == "steered")
    steered(what.body, now);
  else if (what.what == "ue_energy_state") {
    const auto found = subscriptions_.find(from.id);
    const auto ue = json::read<e5::UeEnergyState>(what.body);
    if (found == subscriptions_.end() || !ue) return;
    found->second.ue = *ue;
    found->second.active = now;
  }
}

void Eiaf::session_changed(const std::string& id, const std::string& body, Instant now) {
  const auto gone = [&](const std::string& policy, const Running& running) {
    for (const auto& recipient : running.recipients) tell(recipient.key, "end", {});
    tell({std::string(consumed_kind), consumed_id(id, policy)}, "end", {});
  };
  auto found = sessions_.find(id);
  if (body.empty()) {
    if (found == sessions_.end()) return;
    for (const auto& [policy, running] : found->second.policies) gone(policy, running);
    sessions_.erase(found);
    changed();
    // Whoever listens to a session that is gone would hear nothing for ever.
    for (const auto& [key, subscription] : subscriptions_)
      if (subscription.asked.provisioning_session_id == id)
        tell({std::string(subscription_kind), key}, "expire", {});
    return;
  }
  auto stored = json::read<state::SessionState>(body);
  if (!stored) return;
  if (found == sessions_.end()) found = sessions_.emplace(id, Session{}).first;
  auto& session = found->second;
  session.state = std::move(*stored);
  session.hosting = hosting_of(session.state);
  session.exposure = exposure_of(session.state);
  std::erase_if(session.policies, [&](const auto& one) {
    const bool kept = std::ranges::find(session.state.policies, one.first, &state::Kept::id) !=
                      session.state.policies.end();
    if (!kept) gone(one.first, one.second);
    return !kept;
  });
  for (const auto& kept : session.state.policies) {
    auto policy = policy_of(session.state, kept.id);
    if (!policy) continue;
    const auto at = session.policies.find(kept.id);
    auto& running =
        at == session.policies.end()
            ? session.policies
                  .emplace(kept.id, Running{.run = PolicyRun(*policy, now), .recipients = {}})
                  .first->second
            : at->second;
    const auto before = std::exchange(running.recipients, {});
    running.run.replace(*policy, now);
    const auto recipients = policy->recipients.value_or(std::vector<m1::EnergyRecipient>{});
    running.to_collectors = recipients.empty();
    for (std::size_t i = 0; i < recipients.size(); ++i) {
      if (recipients[i].type == m1::RecipientType::eic) {
        running.to_collectors = true;
        continue;
      }
      running.recipients.push_back(
          {{std::string(recipient_kind), id + '/' + kept.id + '/' + std::to_string(i)},
           recipients[i].notification_uri.value_or(""),
           recipients[i].data_access_profile_ref.value_or("")});
    }
    for (const auto& one : before)
      if (std::ranges::find(running.recipients, one.key, &Recipient::key) ==
          running.recipients.end())
        tell(one.key, "end", {});
  }
  changed();
  step("1", id, "provisioned");
}

void Eiaf::server_changed(const std::string& id, const std::string& body) {
  if (body.empty()) {
    servers_.erase(id);
    changed();
    return;
  }
  const auto stored = json::read<state::ServerState>(body);
  if (!stored) return;
  auto registered = json::read<e3::AsRegistration>(stored->text);
  if (!registered) return;
  auto& server = servers_[id];
  server.id = id;
  server.registered = std::move(*registered);
  changed();
  step("3", id, "energy reporting configured");
}

void Eiaf::subscription_changed(const std::string& id, const std::string& body, Instant now) {
  const auto found = subscriptions_.find(id);
  if (body.empty()) {
    if (found == subscriptions_.end()) return;
    answer_polls(id, found->second, now, true);
    end_streams(id);
    // A newer subscription of the same media session keeps what belongs to it.
    const auto& media_session = found->second.asked.media_delivery_session_id;
    if (const auto* holder = subscription_of(media_session); holder != nullptr && *holder == id) {
      map_.forget(media_session);
      forget_name(media_session);
    }
    subscriptions_.erase(found);
    return;
  }
  if (found != subscriptions_.end()) return;  // It does not change.
  const auto stored = json::read<state::SubscriptionState>(body);
  if (!stored) return;
  auto asked = json::read<e5::NewEnergySubscription>(stored->text);
  if (!asked) return;
  auto& subscription = subscriptions_[id];
  subscription.asked = std::move(*asked);
  subscription.made = stored->made;
  subscription.network.broken = stored->qos_broken.has_value();
  subscription.active = now;
  // Above all that a process before this one can have given, unless the clock was set back:
  // events() sees that.
  subscription.next = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  subscription.ue = subscription.asked.ue_energy_state.value_or(e5::UeEnergyState{});
  const auto rate = subscription.asked.bit_rate
                        ? model::parse_bit_rate(*subscription.asked.bit_rate)
                        : std::nullopt;
  subscription.mbps =
      rate ? std::min(static_cast<double>(rate->count) / bits_per_mbit, session_mbps_max)
           : settings_.usual_mbps;
  const auto at = subscription.asked.service_location_id
                      ? std::optional<std::string_view>(*subscription.asked.service_location_id)
                  : subscription.asked.base_url ? index().find(*subscription.asked.base_url)
                                                : std::nullopt;
  if (at && settings_.locations.contains(*at))
    map_.saw(subscription.asked.media_delivery_session_id, *at, Source::collector, now,
             settings_.subscription_idle);
  else if (subscription.asked.base_url)
    map_.count_unmapped();
  name_session(subscription.asked.media_delivery_session_id, id);
  step("8", id, "subscribed to energy information");
  const auto session = sessions_.find(subscription.asked.provisioning_session_id);
  if (session == sessions_.end()) return;
  const auto policy = session->second.policies.find(subscription.asked.energy_policy_id);
  if (policy == session->second.policies.end()) return;
  report(id, subscription, session->second, policy->second, Reason::initial, std::nullopt, now);
}

void Eiaf::reports(const std::string& id, const std::string& body, Instant now) {
  const auto found = servers_.find(id);
  const auto given = json::read<e3::AsEnergyReports>(body);
  if (found == servers_.end() || !given) return;
  auto& server = found->second;
  const auto before =
      server.counters.host() ? std::optional(server.counters.host()->state) : std::nullopt;
  bool first = before == std::nullopt;
  for (const auto& one : given->reports) {
    const auto taken = server.counters.take(one, server.registered, settings_, now);
    if (taken != Taken::counted) continue;
    step(std::exchange(first, false) ? "4" : "30", id, "AS energy report");
    for (const auto& part : one.per_service_location) {
      for (const auto& url : part.base_urls.value_or(std::vector<std::string>{}))
        claim(server, url, part.service_location_id);
      served(part, now);
    }
  }
  const auto after =
      server.counters.host() ? std::optional(server.counters.host()->state) : std::nullopt;
  if (!before || before == after) return;
  for (const auto& part : server.registered.service_locations)
    for (auto& [key, subscription] : subscriptions_) {
      if (location_of(subscription) != part.service_location_id) continue;
      const auto session = sessions_.find(subscription.asked.provisioning_session_id);
      const auto* policy = running(subscription);
      if (session != sessions_.end() && policy != nullptr)
        report_measured(key, subscription, session->second, *policy, Reason::location_state_changed,
                        now);
    }
}

/// A server's own word of whom it serves. One that nobody has moved is no step.
void Eiaf::served(const e3::AsLocationEnergy& there, Instant now) {
  const auto saw = [&](const std::optional<std::vector<std::string>>& sessions, Source source) {
    if (!sessions) return;
    for (const auto& session : *sessions)
      if (map_.saw(session, there.service_location_id, source, now, settings_.subscription_idle))
        step("10g", session, "mapped to a service location");
  };
  saw(there.cmcd_session_ids, Source::cmcd);
  saw(there.access_log_session_ids, Source::access_log);
}

void Eiaf::location_change(const std::string& id, const std::string& body, Instant now) {
  const auto found = subscriptions_.find(id);
  const auto change = json::read<e5::ServiceLocationChange>(body);
  if (found == subscriptions_.end() || !change) return;
  auto& subscription = found->second;
  subscription.active = now;
  const auto named = change->to ? std::optional<std::string_view>(*change->to)
                                : index().find(change->to_base_url.value_or(""));
  const bool succeeded = change->outcome == e5::MoveOutcome::succeeded;
  step("35f", id, succeeded ? "service location changed" : "service location not changed");
  if (!named || !settings_.locations.contains(*named)) {
    map_.count_unmapped();
    return;
  }
  const std::string to(*named);
  const auto session = sessions_.find(subscription.asked.provisioning_session_id);
  const auto floor = [&]() -> std::optional<std::int64_t> {
    const auto* policy = running(subscription);
    if (policy == nullptr || !policy->run.policy().service_energy_profile ||
        !policy->run.policy().service_energy_profile->qoe_floor)
      return std::nullopt;
    return policy->run.policy().service_energy_profile->qoe_floor->max_startup_ms;
  }();
  const bool stalled = floor && change->stall_ms.value_or(0) > *floor;
  if (!succeeded || stalled) subscription.vetoes[to] = now + settings_.veto_time;
  if (succeeded)
    map_.saw(subscription.asked.media_delivery_session_id, to, Source::collector, now,
             settings_.subscription_idle);
  auto& adaptation = subscription.adaptation;
  if (change->move_id && *change->move_id == adaptation.move_id &&
      adaptation.state == e5::AdaptationState::recommended) {
    adaptation.state = succeeded ? e5::AdaptationState::applied : e5::AdaptationState::failed;
    adaptation.since = now;
  }
  if (session == sessions_.end()) return;
  const auto policy = session->second.policies.find(subscription.asked.energy_policy_id);
  if (policy == session->second.policies.end()) return;
  // M8: the provider learns what became of it.
  notify(session->first, session->second, policy->second, Reason::reselection, to, &subscription,
         now);
}

/// The location that served a unit, by what was consumed, else by who served it.
std::optional<std::string_view> Eiaf::location_of(const m5::ConsumptionReportingUnit& unit) const {
  if (const auto at = index().find(unit.media_consumed)) return at;
  const auto authority =
      unit.server_endpoint_address ? authority_of(*unit.server_endpoint_address) : std::string();
  return authority.empty() ? std::nullopt : index().at_authority(authority);
}

void Eiaf::consumption(const std::string& /*session*/, const std::string& body, Instant now) {
  auto report = json::read<m5::ConsumptionReport>(body);
  if (!report) return;
  auto& units = report->consumption_reporting_units;
  std::ranges::sort(units, {}, &m5::ConsumptionReportingUnit::start_time);
  const auto& client = report->reporting_client_id;
  std::optional<std::string_view> newest;
  for (const auto& unit : units) {
    const auto at = location_of(unit);
    if (!at) continue;
    newest = at;
    map_.saw(client, *at, Source::consumption, now, settings_.subscription_idle);
    // A repeated report, or one from ahead of now, adds nothing.
    const std::chrono::seconds lasted{unit.duration};
    dues_.consumed_s[std::string(*at)] += map_.consumed(
        client, std::max(unit.start_time, now - consumption_age_max),
        std::min(unit.start_time + std::min<std::chrono::seconds>(lasted, consumption_age_max),
                 now));
  }
  if (!newest) return map_.count_unmapped();
  step("10g", client, "mapped to a service location");
}

// ---- long polls -------------------------------------------------------------------------------

void Eiaf::poll(const std::string& id, const std::string& body, Instant now) {
  const auto asked = json::read<state::Poll>(body);
  if (!asked) return;
  const auto found = subscriptions_.find(id);
  if (found == subscriptions_.end()) {
    dues_.answers.push_back(
        {asked->request, http::problem(Error{Errc::not_found, "no such subscription", {}})});
    return;
  }
  auto& subscription = found->second;
  subscription.active = now;
  // A client that hangs up and asks again has left its old question behind.
  if (subscription.polls.size() >= polls_max) {
    subscription.polls.front().until = now;
    answer_polls(id, subscription, now, false);
  }
  subscription.polls.push_back({asked->request, asked->after, asked->until});
  answer_polls(id, subscription, now, false);
}

void Eiaf::answer_polls(const std::string& id, Subscription& subscription, Instant now, bool gone) {
  std::erase_if(subscription.polls, [&](const Poll& poll) {
    auto due = events(id, poll.after);
    if (!gone && (!due || due->events.empty()) && now < poll.until) return false;
    if (!due) due = e5::EnergyEvents{{}, poll.after, std::nullopt};
    dues_.answers.push_back(
        {poll.request,
         http::Response{200, {{"content-type", "application/json"}}, json::write(*due)}});
    return true;
  });
}

std::optional<e5::EnergyEvents> Eiaf::events(std::string_view id, std::uint64_t after) const {
  const auto found = subscriptions_.find(id);
  if (found == subscriptions_.end()) return std::nullopt;
  const auto& kept = found->second.events;
  e5::EnergyEvents out;
  // A number that we cannot have given yet is of a process whose clock was ahead of ours: whoever
  // has it would otherwise wait until our numbers have come that far.
  const bool ahead = after > found->second.next;
  const auto from = ahead ? 0 : after;
  out.last = ahead ? found->second.next : after;
  for (const auto& event : kept)
    if (event.sequence > from) out.events.push_back(event);
  if (!out.events.empty()) out.last = out.events.back().sequence;
  if (ahead || (from > 0 && !out.events.empty() && out.events.front().sequence != from + 1))
    out.lost = true;
  return out;
}

// ---- time -------------------------------------------------------------------------------------

std::optional<Instant> Eiaf::next_deadline() const {
  if (sessions_.empty() && subscriptions_.empty() && plan_polls_.empty()) return std::nullopt;
  return ticked_ + tick;
}

void Eiaf::advance(Instant now) {
  if (now < ticked_ + tick) return;
  ticked_ = now;
  if (now >= planned_ + settings_.plan_every) plan(now);
  struct Crossing {
    std::string session, policy, location;
    bool crossed;
  };
  std::vector<Crossing> crossings;
  std::vector<std::pair<std::string, std::string>> budgets;
  for (auto& [id, session] : sessions_)
    for (auto& [policy_id, running] : session.policies) {
      running.affected = 0;
      const auto changes = running.run.observe(units(session, running.run.policy(), now), now);
      for (const auto& one : changes.transitions) {
        crossings.push_back({id, policy_id, one.location, one.crossed});
        step("1319", policy_id,
             one.threshold_ref + (one.crossed ? " crossed at " : " cleared at ") +
                 (one.location.empty() ? "all locations" : one.location));
        notify(id, session, running,
               one.crossed ? Reason::threshold_crossed : Reason::threshold_cleared, one.location,
               nullptr, now);
      }
      if (changes.budget) {
        budgets.emplace_back(id, policy_id);
        notify(id, session, running, Reason::budget_changed, {}, nullptr, now);
      }
      keep_consumed(id, policy_id, running, changes.budget, now);
      const auto mode = running.run.policy().reporting ? running.run.policy().reporting->mode
                                                       : m1::ReportingMode::both;
      if (mode != m1::ReportingMode::threshold && now >= running.next_periodic &&
          running.run.measuring(now)) {
        running.next_periodic =
            now + std::chrono::seconds{reporting_interval_of(running.run.policy())};
        notify(id, session, running, Reason::periodic, {}, nullptr, now);
      }
    }
  std::vector<std::string> idle;
  for (auto& [id, subscription] : subscriptions_) {
    feed(id, subscription, now);
    if (now >= subscription.active + settings_.subscription_idle && subscription.polls.empty()) {
      idle.push_back(id);
      continue;
    }
    answer_polls(id, subscription, now, false);
    const auto session = sessions_.find(subscription.asked.provisioning_session_id);
    if (session == sessions_.end()) continue;
    const auto policy = session->second.policies.find(subscription.asked.energy_policy_id);
    if (policy == session->second.policies.end()) continue;
    const auto at = location_of(subscription);
    for (const auto& one : crossings)
      if (one.session == session->first && one.policy == policy->first &&
          (one.location.empty() || one.location == at))
        report_measured(id, subscription, session->second, policy->second,
                        one.crossed ? Reason::threshold_crossed : Reason::threshold_cleared, now);
    for (const auto& [in, of] : budgets)
      if (in == session->first && of == policy->first)
        report_measured(id, subscription, session->second, policy->second, Reason::budget_changed,
                        now);
    adapt(id, subscription, session->second, policy->second, now);
    report_periodically(id, subscription, session->second, policy->second, now);
  }
  for (const auto& id : idle) tell({std::string(subscription_kind), id}, "expire", {});
  answer_plan_polls(now);
  if (now < expired_ + expire_every) return;
  expired_ = now;
  map_.expire(now - settings_.subscription_idle);
  std::erase_if(steered_, [&](const auto& one) {
    return one.second.seen < now - settings_.subscription_idle;
  });
}

Eiaf::Dues Eiaf::take_dues() { return std::exchange(dues_, {}); }

void Eiaf::step(std::string number, std::string about, std::string what) {
  if (dues_.steps.size() < dues_max)
    dues_.steps.push_back({std::move(number), std::move(about), std::move(what)});
}

void Eiaf::tell(resource::Key to, std::string what, std::string body) {
  if (dues_.told.size() < dues_max)
    dues_.told.push_back({std::move(to), std::move(what), std::move(body)});
  else
    ++dropped_;
}

// ---- exposure ----------------------------------------------------------------------------------

bool Eiaf::exposes(const Session& session, m1::ExposureRecipient to) {
  return session.exposure &&
         std::ranges::find(session.exposure->recipients, to) != session.exposure->recipients.end();
}
bool Eiaf::exposes(const Session& session, m1::ExposedParameter parameter) {
  return session.exposure && std::ranges::find(session.exposure->parameters, parameter) !=
                                 session.exposure->parameters.end();
}
bool Eiaf::exposes_to_collectors(std::string_view id) const {
  const auto found = sessions_.find(id);
  return found != sessions_.end() && exposes(found->second, m1::ExposureRecipient::eic);
}

}  // namespace lobo::media_energy
