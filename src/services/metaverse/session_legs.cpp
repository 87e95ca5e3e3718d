// What SEALDD holds for each UE of a session (steps 3 and 4), and the one place that decides what
// it is asked next.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/mm_callbacks.hpp"
#include "api/mm_das.hpp"
#include "api/mm_pol.hpp"
#include "api/sdd_connections.hpp"
#include "api/state/metaverse.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/session_step.hpp"
#include "services/metaverse/southbound_nrm.hpp"
#include "services/metaverse/southbound_sealdd.hpp"
#include "sync/policy.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/types.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::metaverse {

namespace sdd = api::sdd_connections;
using api::mm_das::FlowState;
using api::mm_pol::MeasuredQuantity;

namespace {

constexpr std::uint64_t backoff_doublings_max = 10;

std::string retry_timer(const Leg& leg) { return "retry:" + std::to_string(leg.no); }
std::string renew_timer(const Leg& leg) { return "renew:" + std::to_string(leg.no); }
std::string call_name(const Leg& leg) { return "leg:" + std::to_string(leg.no); }

}  // namespace

Leg* SessionStep::leg_of(const api::common::ValTargetUe& ue) {
  const auto found = std::ranges::find(state_.legs, ue, &Leg::ue);
  return found == state_.legs.end() ? nullptr : &*found;
}

Leg* SessionStep::leg_of_call(std::string_view name) {
  const auto found =
      std::ranges::find_if(state_.legs, [&](const Leg& leg) { return call_name(leg) == name; });
  return found == state_.legs.end() ? nullptr : &*found;
}

void SessionStep::ensure_legs() {
  if (ending() || state_.shadow.value_or(false)) return;
  for (const auto& asset : state_.assets) {
    if (!admitted(asset) || !in_window(asset) || leg_of(asset.resolved.host_ue) != nullptr)
      continue;
    Leg leg;
    state_.legs_made = state_.legs_made.value_or(0) + 1;
    leg.no = *state_.legs_made;
    leg.ue = asset.resolved.host_ue;
    state_.legs.push_back(std::move(leg));
  }
}

// ---- what is wanted ----------------------------------------------------------------------------

/// By asset, or nothing where this UE is to have no flow.
std::optional<std::string> SessionStep::flows(const Leg& leg) const {
  if (ending()) return std::nullopt;
  std::string out;
  for (const auto& asset : state_.assets) {
    const auto* asked = asked_of(asset);
    if (asset.resolved.host_ue != leg.ue || asked == nullptr || !admitted(asset) ||
        !in_window(asset))
      continue;
    out += out.empty() ? '{' : ',';
    out += json::quoted(asset.resolved.asset_id) + ':' + json::write(flow_of(*asked, asset));
  }
  if (out.empty()) return std::nullopt;
  return out + '}';
}

/// SEALDD's policies are those of the first asset that has any: a configuration is for a UE.
std::optional<std::string> SessionStep::policy(const Leg& leg) const {
  api::mm_callbacks::PolicyConfig config;
  for (const auto& asset : state_.assets) {
    if (asset.resolved.host_ue != leg.ue || !admitted(asset) || !asset.resolved.sealdd) continue;
    if (config.app_traffic_ids.empty())
      config.sealdd_pol = *asset.resolved.sealdd;
    else if (config.sealdd_pol != *asset.resolved.sealdd)
      continue;
    config.app_traffic_ids.push_back(asset.resolved.asset_id);
  }
  if (config.app_traffic_ids.empty()) return std::nullopt;
  config.val_ue_id = sync::id_of(leg.ue);
  return json::write(config);
}

/// What policies want measured, and all of it while a management request collects; only of assets
/// that the enabler supports.
std::optional<std::string> SessionStep::measurement(const Leg& leg) const {
  const bool collects = state_.collect_until && *state_.collect_until > now_;
  std::set<MeasuredQuantity> what;
  api::mm_callbacks::QualitySubsc wanted;
  std::optional<std::int64_t> period;
  for (const auto& asset : state_.assets) {
    const auto* asked = asked_of(asset);
    if (asset.resolved.host_ue != leg.ue || !admitted(asset) || asked == nullptr ||
        !asked->mmel_support.value_or(true))
      continue;
    const auto& policy = asset.resolved.measurement;
    // A ladder without figures to climb it by would be none.
    const bool adapts = asset.resolved.ladder && asset.resolved.ladder->size() > 1;
    if (!policy && !collects && !adapts && !asset.resolved.thresholds) continue;
    wanted.app_traffic_ids.push_back(asset.resolved.asset_id);
    if (policy) what.insert(policy->what.begin(), policy->what.end());
    if (collects || adapts || asset.resolved.thresholds)
      what.insert({MeasuredQuantity::latency, MeasuredQuantity::packet_loss_rate,
                   MeasuredQuantity::jitter});
    if (collects) what.insert(MeasuredQuantity::bitrate);
    const auto each = policy ? policy->period_sec.value_or(1) : std::int64_t{1};
    period = std::min(period.value_or(each), each);
  }
  if (wanted.app_traffic_ids.empty()) return std::nullopt;
  wanted.val_ue_ids_list = {sync::id_of(leg.ue)};
  api::mm_callbacks::QualityReq req;
  req.meas_id.assign(what.begin(), what.end());
  req.rep_type = api::mm_callbacks::RepType::periodic;
  req.rep_periodicity = period;
  req.rep_granularity = api::mm_callbacks::RepGranularity::individual_val_ue;
  wanted.reqs.emplace("quality", std::move(req));
  wanted.notif_uri = callback(leg, "measurements");
  return json::write(wanted);
}

std::string SessionStep::callback(const Leg& leg, std::string_view what) const {
  return settings_.callback_base + "/mm-cb/v1/sessions/" + http::percent_encode(key_.id) + '/' +
         std::to_string(leg.no) + '/' + state_.secret + '/' + std::string(what);
}

Instant SessionStep::connection_end() const {
  const auto usual = now_ + settings_.limits.connection_lifetime;
  return asked_.exp_time ? std::min(usual, *asked_.exp_time) : usual;
}

// ---- the one place that asks -------------------------------------------------------------------

void SessionStep::plan() {
  for (auto& leg : state_.legs) plan(leg);
  // Nothing of it is left, and nothing is wanted.
  std::erase_if(state_.legs, [&](const Leg& leg) {
    const bool empty = !leg.call && !leg.doubt.value_or(false) && !leg.beside_doubt &&
                       !leg.connection_id && !leg.policy_id && !leg.measure_id && !leg.network_id &&
                       !leg.network_doubt.value_or(false);
    if (!empty || flows(leg)) return false;
    stop(retry_timer(leg));
    stop(renew_timer(leg));
    stop(network_timer(leg));
    return true;
  });
}

void SessionStep::plan(Leg& leg) {
  if (leg.call || leg.waits.value_or(false)) return;
  // First it must be known what there is.
  if (leg.doubt.value_or(false) && leg.asked) return call(leg, LegCall::connect, *leg.asked);
  if (leg.beside_doubt && leg.beside_asked) return call(leg, *leg.beside_doubt, *leg.beside_asked);
  if (flows(leg))
    keep(leg);
  else
    release(leg);
}

void SessionStep::release(Leg& leg) {
  if (leg.measure_id) return call(leg, LegCall::measure_release, {});
  if (leg.policy_id) return call(leg, LegCall::policy_release, {});
  if (leg.connection_id) return call(leg, LegCall::release, {});
  plan_network(leg);  // Last: what is still carried keeps its promise until it has drained.
}

void SessionStep::keep(Leg& leg) {
  const auto wanted = *flows(leg);
  if (leg.refused && leg.refused_flows == wanted) {
    if (!leg.connection_id) {  // It said no to exactly this.
      plan_network(leg);
      return;
    }
  } else if (!leg.connection_id) {
    leg.generation = leg.generation.value_or(0) + 1;
    leg.applied = wanted;
    return call(leg, LegCall::connect,
                connect_body(asked_, leg.ue, wanted,
                             {asked_.room.value_or(key_.id), callback(leg, "connection"),
                              connection_end()}));
  } else if (leg.applied != wanted || leg.renew.value_or(false)) {
    leg.refused_flows = wanted;  // Becomes `applied`, or stays here with a reason.
    return call(
        leg, LegCall::change,
        change_body(leg.applied.value_or("{}"), wanted,
                    leg.renew.value_or(false) ? std::optional(connection_end()) : std::nullopt));
  }
  // Before the UE is told that it may come.
  if (plan_network(leg)) return;
  const auto pol = policy(leg);
  if (leg.policy_id && !pol) return call(leg, LegCall::policy_release, {});
  if (pol && pol != leg.policy_applied && pol != leg.policy_refused)
    return call(leg, leg.policy_id ? LegCall::policy_change : LegCall::policy_set, *pol);
  const auto meas = measurement(leg);
  if (leg.measure_id && meas != leg.measure_applied) return call(leg, LegCall::measure_release, {});
  if (meas && !leg.measure_id && meas != leg.measure_refused)
    return call(leg, LegCall::measure_set, *meas);
}

/// Nothing is left to be asked before whoever waits can be told.
bool SessionStep::settled(const Leg& leg) const {
  const auto wanted = flows(leg);
  if (!wanted) return false;  // A leg without wishes is settled once it is gone.
  if (leg.doubt.value_or(false)) return false;
  if (leg.refused && leg.refused_flows == wanted) return true;
  return leg.connection_id && leg.applied == wanted && network_settled(leg);
}

void SessionStep::call(Leg& leg, LegCall what, std::string asked) {
  leg.call = what;
  http::Request request;
  std::string_view peer = sealdd_peer;
  const auto key =
      key_.id + '.' + std::to_string(leg.no) + '.' + std::to_string(leg.generation.value_or(0));
  // Of what has one configuration at a time: another content is another request.
  const auto key_beside = key + '.' + std::to_string(fnv1a(asked));
  switch (what) {
    case LegCall::connect: request = connect_request(asked, key); break;
    case LegCall::change: request = change_request(*leg.connection_id, asked); break;
    case LegCall::release: request = release_request(*leg.connection_id); break;
    case LegCall::policy_set:
      request = policy_request(asked, key_beside + ".p");
      leg.beside_asked = asked;
      break;
    case LegCall::policy_change: request = policy_change_request(*leg.policy_id, asked); break;
    case LegCall::policy_release: request = policy_release_request(*leg.policy_id); break;
    case LegCall::measure_set:
      request =
          measure_request(asked, key_beside + ".m" + std::to_string(leg.measures.value_or(0)));
      leg.beside_asked = asked;
      break;
    case LegCall::measure_release: request = measure_release_request(*leg.measure_id); break;
    case LegCall::network_reserve:
      request = network_request(asked, key_.id + '.' + std::to_string(leg.no) + ".n" +
                                           std::to_string(leg.network_generation.value_or(0)));
      peer = nrm_peer;
      break;
    case LegCall::network_change:
      request = network_change_request(*leg.network_id, asked);
      peer = nrm_peer;
      break;
    case LegCall::network_release:
      request = network_release_request(*leg.network_id);
      peer = nrm_peer;
      break;
  }
  // What NRM is asked stands apart (networkAsked): SEALDD's is not to be forgotten over it.
  if (peer == sealdd_peer) leg.asked = std::move(asked);
  effects_.emplace_back(resource::CallNetwork{call_name(leg), std::string(peer), std::move(request),
                                              settings_.limits.call_deadline});
}

std::chrono::milliseconds SessionStep::pause_after(std::uint64_t attempts) const {
  auto pause = settings_.limits.retry_first;
  for (std::uint64_t i = 0; i < std::min(attempts, backoff_doublings_max); ++i) pause *= 2;
  pause = std::min(pause, settings_.limits.retry_max);
  // Spread by a quarter, so that those that failed together do not come back together. From the
  // identifier: the same history gives the same times.
  const auto spread = static_cast<std::int64_t>(fnv1a(key_.id) % 256);
  return pause + pause * spread / 1024;
}

void SessionStep::retry_later(Leg& leg) {
  const auto attempts = leg.attempts.value_or(0);
  leg.attempts = attempts + 1;
  leg.waits = true;
  start(retry_timer(leg), now_ + pause_after(attempts));
}

// ---- what SEALDD answers -----------------------------------------------------------------------

void SessionStep::answered(const resource::NetworkAnswer& answer) {
  if (state_answered(answer)) return;
  auto* leg = leg_of_call(answer.name);
  if (leg == nullptr || !leg->call) return;
  const auto what = *std::exchange(leg->call, std::nullopt);
  if (what == LegCall::connect) return connected(*leg, answer.response);
  if (what == LegCall::change) return changed(*leg, answer.response);
  if (what == LegCall::network_reserve || what == LegCall::network_change ||
      what == LegCall::network_release)
    return network_answered(*leg, what, answer.response);
  if (what != LegCall::release) return beside(*leg, what, answer.response);
  const auto said = heard(answer.response).verdict;
  if (said != Verdict::done && said != Verdict::gone) return retry_later(*leg);
  disconnected(*leg, "RELEASED");
  leg->attempts.reset();
}

/// Nobody knows whether SEALDD saw it. Every request may be repeated: creates carry their key.
void SessionStep::recovered(std::string_view call) {
  auto* leg = leg_of_call(call);
  if (leg == nullptr || !leg->call) return;
  if (*leg->call == LegCall::connect) leg->doubt = true;
  if (*leg->call == LegCall::policy_set || *leg->call == LegCall::measure_set)
    leg->beside_doubt = leg->call;
  if (*leg->call == LegCall::network_reserve) leg->network_doubt = true;
  leg->call.reset();
  // Whoever asked for the session went away with the process that was to answer.
  if (!state_.acknowledged.value_or(false) && live()) {
    state_.waiting.clear();
    state_.state = SessionState::failed;
    state_.cause = "NEVER_ACKNOWLEDGED";
  }
}

void SessionStep::connected(Leg& leg, const Result<http::Response>& response) {
  auto said = heard(response);
  auto made = said.verdict == Verdict::done ? connection_in(*response)
                                            : Result<sdd::SddConnection>(fail(Errc::malformed, ""));
  if (said.verdict == Verdict::done && made) {
    leg.doubt.reset();
    leg.attempts.reset();
    leg.refused.reset();
    leg.refused_flows.reset();
    leg.sequence.reset();
    leg.connection_id = made->connection_id;
    clause_ = "23.700-21 7.y.1 step 4";
    return take_up(leg, *made);
  }
  if (said.verdict == Verdict::refused || said.verdict == Verdict::gone) {
    leg.doubt.reset();
    leg.refused = said.verdict == Verdict::gone ? "SEALDD has no such operation" : said.cause;
    leg.refused_flows = std::exchange(leg.applied, std::nullopt);
    leg.asked.reset();
    return;
  }
  // A 2xx that cannot be read made something, too.
  if (said.verdict != Verdict::unsent) leg.doubt = true;
  retry_later(leg);
}

void SessionStep::changed(Leg& leg, const Result<http::Response>& response) {
  auto said = heard(response);
  if (said.verdict == Verdict::gone) return disconnected(leg, "LOST");
  if (said.verdict == Verdict::refused) {
    leg.refused = std::move(said.cause);
    leg.renew.reset();
    for (auto& asset : state_.assets)
      if (asset.resolved.host_ue == leg.ue) asset.cause = leg.refused;
    // The flows go on as they were: what holds is `applied`.
    return;
  }
  const auto now = said.verdict == Verdict::done
                       ? connection_in(*response)
                       : Result<sdd::SddConnection>(fail(Errc::malformed, ""));
  if (!now) return retry_later(leg);
  leg.applied = std::exchange(leg.refused_flows, std::nullopt);
  leg.refused.reset();
  leg.renew.reset();
  leg.attempts.reset();
  for (auto& asset : state_.assets)
    if (asset.resolved.host_ue == leg.ue) asset.cause.reset();
  take_up(leg, *now);
}

/// Policies and measurement: their refusal costs the session nothing but them.
void SessionStep::beside(Leg& leg, LegCall what, const Result<http::Response>& response) {
  const auto said = heard(response).verdict;
  const bool over = said == Verdict::done || said == Verdict::gone;
  if (what == LegCall::policy_set || what == LegCall::measure_set) {
    // It may be there without a name: by its key it is asked for until it has one.
    if (said == Verdict::unknown) leg.beside_doubt = what;
    if (over || said == Verdict::refused) leg.beside_doubt.reset();
  }
  switch (what) {
    case LegCall::policy_set:
    case LegCall::policy_change:
      if (said == Verdict::unknown || said == Verdict::unsent) return retry_later(leg);
      if (said == Verdict::done && what == LegCall::policy_set)
        leg.policy_id = id_in_location(*response);
      if (said == Verdict::gone && what == LegCall::policy_change) {
        leg.policy_id.reset();
        leg.policy_applied.reset();
      } else if (said == Verdict::done && leg.policy_id) {
        leg.policy_applied = leg.asked;
      } else {
        leg.policy_refused = leg.asked;
      }
      break;
    case LegCall::policy_release:
      // A refused release would be asked for without end, at the same pace as one that is not
      // heard.
      if (!over) return retry_later(leg);
      leg.policy_id.reset();
      leg.policy_applied.reset();
      break;
    case LegCall::measure_set:
      if (said == Verdict::unknown || said == Verdict::unsent) return retry_later(leg);
      if (said == Verdict::done) leg.measure_id = id_in_location(*response);
      leg.measures = leg.measures.value_or(0) + 1;
      if (leg.measure_id)
        leg.measure_applied = leg.asked;
      else
        leg.measure_refused = leg.asked;
      break;
    case LegCall::measure_release:
      if (!over) return retry_later(leg);
      leg.measure_id.reset();
      leg.measure_applied.reset();
      break;
    case LegCall::connect:
    case LegCall::change:
    case LegCall::release:
    case LegCall::network_reserve:
    case LegCall::network_change:
    case LegCall::network_release: break;
  }
  leg.attempts.reset();
}

void SessionStep::take_up(Leg& leg, const sdd::SddConnection& connection) {
  // A lower epoch is the word of a node that has lost the room since.
  const auto epoch = static_cast<std::uint64_t>(connection.epoch.value_or(0));
  if (epoch >= leg.epoch.value_or(0)) {
    if (connection.epoch) leg.epoch = epoch;
    leg.conn_info = connection.dd_server_conn_info;
    leg.certificate_hash = connection.certificate_hash;
    leg.node_id = connection.node_id;
    leg.token = connection.token;
    leg.token_expires = connection.token_exp_time;
  }
  leg.state = connection.state;
  for (auto& asset : state_.assets) {
    if (asset.resolved.host_ue != leg.ue || !admitted(asset)) continue;
    const auto flow = connection.flows.find(asset.resolved.asset_id);
    if (flow == connection.flows.end()) {
      if (asset.flow_state) flow_is(asset, FlowState::closed, "NOT_IN_CONNECTION");
      continue;
    }
    asset.flow_ids = flow->second.flow_ids;
    asset.alias = flow->second.alias;
    if (flow->second.cause) asset.cause = flow->second.cause;
    // Of a flow that was there before a notification may have overtaken this answer.
    const auto state = json::enum_from<FlowState>(sdd::to_string(flow->second.state));
    if (state && (!asset.flow_state || asset.flow_state == FlowState::closed))
      flow_is(asset, *state, flow->second.cause.value_or(""));
  }
  // Renewed in good time: a quarter of its life may go by with SEALDD ill.
  const auto left = connection.exp_time - now_;
  if (left > Instant::duration::zero()) start(renew_timer(leg), now_ + left * 3 / 4);
}

/// SEALDD has it no more, by its own doing or by ours.
void SessionStep::disconnected(Leg& leg, std::string_view why) {
  leg.connection_id.reset();
  leg.applied.reset();
  leg.renew.reset();
  leg.asked.reset();
  leg.refused.reset();
  leg.refused_flows.reset();
  leg.conn_info.reset();
  leg.certificate_hash.reset();
  leg.token.reset();
  leg.token_expires.reset();
  leg.state.reset();
  for (auto& asset : state_.assets)
    if (asset.resolved.host_ue == leg.ue) {
      if (asset.flow_state) flow_is(asset, FlowState::closed, why);
      asset.flow_ids.reset();
      asset.alias.reset();
    }
}

}  // namespace lobo::metaverse
