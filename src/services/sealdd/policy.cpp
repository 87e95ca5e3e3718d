#include "services/sealdd/policy.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_policy.hpp"
#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/aggregate.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/faults.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/measures.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace pc = api::sdd_policy;
namespace state = api::state::sealdd;
using pc::BdwCtrlPolicyKnown;
using pc::QualGuarPolicyKnown;

namespace {

constexpr std::int64_t bad_seconds_usual = 2;
constexpr std::int64_t good_seconds_usual = 10;
constexpr std::int64_t loss_ppm_usual = 20'000;
constexpr std::int64_t latency_us_usual = 100'000;
constexpr std::int64_t jitter_us_usual = 30'000;
constexpr double leave = criterion_leave_percent / 100.0;
/// A share is told anew when it differs by more than a tenth.
constexpr std::int64_t share_change_part = 10;

pc::PolicyThresholds usual() {
  pc::PolicyThresholds out;
  out.max_latency_us = latency_us_usual;
  out.max_jitter_us = jitter_us_usual;
  out.max_loss_ppm = loss_ppm_usual;
  return out;
}

void hold(Standing& so_far, double value, const std::optional<std::int64_t>& most) {
  if (!most) return;
  const auto limit = static_cast<double>(*most);
  so_far = std::max(so_far, value > limit           ? Standing::bad
                            : value > limit * leave ? Standing::between
                                                    : Standing::good);
}

Standing standing_of(const pc::PolicyThresholds& limits, const Aggregate& what) {
  auto out = Standing::good;
  if (!what.delay().empty()) hold(out, what.delay().mean(), limits.max_latency_us);
  if (!what.jitter().empty()) hold(out, what.jitter().mean(), limits.max_jitter_us);
  if (what.packets() + what.lost() > 0)
    hold(out, static_cast<double>(what.loss_ppm()), limits.max_loss_ppm);
  return out;
}

template <class Open>
bool has(const std::optional<std::vector<Open>>& sets, auto one) {
  return sets && std::ranges::any_of(*sets, [one](const auto& set) { return set == one; });
}

std::string_view act_of(QualGuarPolicyKnown policy) {
  switch (policy) {
    case QualGuarPolicyKnown::establish_redundant_trans_path: return act_redundant;
    case QualGuarPolicyKnown::reestablish_trans_path: return act_again;
    case QualGuarPolicyKnown::switch_to_backup_trans_path: return act_backup;
    case QualGuarPolicyKnown::change_sealdd_server: return {};  // The room's, not the connection's.
  }
  std::abort();
}

}  // namespace

// ---- the resource -----------------------------------------------------------------------------

PolicyMachine::PolicyMachine(const Settings& settings)
    : KeptMachine(settings, {.kind = policy_kind,
                             .subject = every_policy,
                             .path = "/sdd-pc/v1/configurations",
                             .create = pc::operation::create_policy_config,
                             .replace = pc::operation::update_ind_policy_config,
                             .modify = pc::operation::modify_ind_policy_config,
                             .clause = "23.433 9.9",
                             .observe = "policy",
                             .expiry = "expTime",
                             .life = settings.subscription_life,
                             .extensions = {"thresholds", "actionsTaken"}}) {}

Result<void> PolicyMachine::check(const std::string& text, Instant /*now*/) const {
  const auto asked = json::read<pc::PolicyConfig>(text);
  if (!asked) return fail(asked.error());
  Faults faults;
  const auto all_known = [&](const auto& sets, std::string_view name) {
    if (!sets) return;
    for (std::size_t i = 0; i < sets->size(); ++i)
      if (!(*sets)[i].known())
        faults.add(Errc::not_allowed, "/sealddPol/" + std::string(name) + '/' + std::to_string(i),
                   (*sets)[i].text + " is nothing that can be done here");
  };
  all_known(asked->sealdd_pol.qual_guar_sets, "qualGuarSets");
  all_known(asked->sealdd_pol.qual_optim_sets, "qualOptimSets");
  all_known(asked->sealdd_pol.bdw_ctrl_sets, "bdwCtrlSets");
  const auto& control = asked->sealdd_pol.bdw_ctrl_sets;
  if ((has(control, BdwCtrlPolicyKnown::reallocate_dl) &&
       has(control, BdwCtrlPolicyKnown::not_reallocate_dl)) ||
      (has(control, BdwCtrlPolicyKnown::reallocate_ul) &&
       has(control, BdwCtrlPolicyKnown::not_reallocate_ul)))
    faults.add(Errc::not_allowed, "/sealddPol/bdwCtrlSets", "contradicts itself");
  if (asked->app_traffic_ids.size() > policy_assets_max)
    faults.add(Errc::too_large, "/appTrafficIds", "has more than 256 items");
  return faults.verdict();
}

Result<void> PolicyMachine::check_patch(const std::string& body) const {
  const auto patch = json::read<pc::PolicyConfigPatch>(body);
  if (!patch) return fail(patch.error());
  return {};
}

std::string PolicyMachine::more(const State& kept) const {
  if (!kept.actions || kept.actions->empty() || !is_extended(kept.text)) return {};
  state::ActionsTold shown;
  shown.actions = *kept.actions;
  const auto text = json::write(shown);  // {"actions":[…]}
  return "{\"actionsTaken\":" + text.substr(text.find('['));
}

Result<resource::Outcome> PolicyMachine::told(State kept_now, const resource::Record& current,
                                              const resource::Told& what) const {
  if (what.what != "acted") return KeptMachine::told(std::move(kept_now), current, what);
  const auto acted = json::read<state::ActionsTold>(what.body);
  if (!acted) return resource::Outcome{};
  auto& shown = kept_now.actions ? *kept_now.actions : kept_now.actions.emplace();
  for (const auto& one : acted->actions) {
    std::erase_if(shown, [&](const auto& old) { return old.connection_id == one.connection_id; });
    shown.push_back(one);
  }
  if (shown.size() > actions_shown_max)
    shown.erase(shown.begin(), shown.end() - static_cast<std::ptrdiff_t>(actions_shown_max));
  auto out = kept(kept_now, current.owner);
  out.effects.clear();  // Nothing of what it wants has changed.
  return out;
}

// ---- shares -----------------------------------------------------------------------------------

std::vector<std::int64_t> shared_out(std::int64_t total, const std::vector<Share>& shares,
                                     bool by_use) {
  std::vector<std::int64_t> out;
  std::int64_t minima = 0;
  for (const auto& one : shares) minima += one.least;
  if (minima > total) {
    for (const auto& one : shares)
      out.push_back(
          static_cast<std::int64_t>(static_cast<double>(one.least) * static_cast<double>(total) /
                                    static_cast<double>(minima)));
    return out;
  }
  for (const auto& one : shares) out.push_back(one.least);
  std::int64_t left = total - minima;
  // Each round fills at least one up to its maximum, or is the last.
  for (std::size_t round = 0; round <= shares.size() && left > 0; ++round) {
    double weights = 0;
    std::vector<double> weight(shares.size(), 0);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      if (shares[i].most > 0 && out[i] >= shares[i].most) continue;
      weight[i] = by_use ? static_cast<double>(std::max<std::int64_t>(shares[i].wants, 1)) : 1;
      weights += weight[i];
    }
    if (weights == 0) break;
    std::int64_t given = 0;
    bool filled = false;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      if (weight[i] == 0) continue;
      auto part = static_cast<std::int64_t>(static_cast<double>(left) * weight[i] / weights);
      if (shares[i].most > 0 && out[i] + part >= shares[i].most) {
        part = shares[i].most - out[i];
        filled = true;
      }
      out[i] += part;
      given += part;
    }
    left -= given;
    if (!filled) break;
  }
  return out;
}

// ---- what follows from what is measured -------------------------------------------------------

void Policies::configured(const std::string& id, const state::KeptState& kept) {
  auto what = json::read<pc::PolicyConfig>(kept.text);
  if (!what) return;
  auto& policy = policies_[id];
  policy.assets = {what->app_traffic_ids.begin(), what->app_traffic_ids.end()};
  policy.what = std::move(*what);
  policy.watched.clear();
}

void Policies::ended_of_session(const std::string& id) {
  const auto name = "session:" + id + '.';
  for (auto at = policies_.lower_bound(name); at != policies_.end() && at->first.starts_with(name);)
    at = policies_.erase(at);
}

void Policies::connection_changed(const std::string& id, const state::ConnectionState& kept) {
  if (kept.state == api::sdd_connections::SddConnectionState::releasing) return connection_gone(id);
  auto& one = connections_[id];
  one.room = kept.room;
  one.ue = kept.ue;
  one.val_server = kept.val_server_id;
  one.redundant = false;
  one.assets.clear();
  for (const auto& [asset, flow] : kept.flows) {
    one.assets.insert(asset);
    one.redundant = one.redundant || flow.flow_ids.size() > 1;
  }
  one.total_dl = kept.total_dl_bps.value_or(0);
  one.total_ul = kept.total_ul_bps.value_or(0);
  one.dl = {id, kept.min_dl_bps.value_or(0), kept.max_dl_bps.value_or(0), one.used_dl};
  one.ul = {id, kept.min_ul_bps.value_or(0), kept.max_ul_bps.value_or(0), one.used_ul};
  one.rate_dl = kept.rate_dl_bps;
  one.rate_ul = kept.rate_ul_bps;
}

void Policies::act(const std::string& policy, const std::string& connection,
                   std::string_view action, std::string_view name,
                   const std::set<std::string, std::less<>>& assets, Instant now) {
  if (!action.empty()) {
    state::ActionTold told;
    told.action = action;
    told.assets.emplace(assets.begin(), assets.end());
    told.cause = name;
    dues_.told.push_back({{std::string(connection_kind), connection}, "act", json::write(told)});
  }
  state::ActionsTold acted;
  acted.actions.push_back({connection, std::string(name), now});
  dues_.told.push_back({{std::string(policy_kind), policy}, "acted", json::write(acted)});
}

void Policies::guard(const std::string& id, Policy& policy, const std::string& connection_id,
                     const Connection& connection, Standing is, Instant now) {
  auto& watched = policy.watched[connection_id];
  const auto limits = policy.what.thresholds.value_or(usual());
  const auto& sets = policy.what.sealdd_pol;
  watched.bad = is == Standing::bad ? watched.bad + 1 : 0;
  watched.good = is == Standing::good ? watched.good + 1 : 0;
  if (watched.bad >= limits.bad_seconds.value_or(bad_seconds_usual) && sets.qual_guar_sets &&
      watched.next < sets.qual_guar_sets->size()) {
    const auto& chosen = (*sets.qual_guar_sets)[watched.next++];
    watched.bad = 0;
    const auto known = chosen.known();
    if (!known) return;
    // Once, however many of its UEs are badly off: the second time would lead back.
    if (*known == QualGuarPolicyKnown::change_sealdd_server &&
        std::ranges::find(dues_.rooms, connection.room) == dues_.rooms.end())
      dues_.rooms.push_back(connection.room);
    act(id, connection_id, act_of(*known), chosen.text, policy.assets, now);
    return;
  }
  if (watched.good < limits.good_seconds.value_or(good_seconds_usual)) return;
  watched.good = 0;
  watched.next = 0;
  if (connection.redundant &&
      has(sets.qual_optim_sets, pc::QualOptimPolicyKnown::back_to_single_trans_path))
    act(id, connection_id, act_single, "BACK_TO_SINGLE_TRANS_PATH", policy.assets, now);
}

void Policies::share(const Policy& policy, bool downlink, bool by_use) {
  std::map<std::string, std::vector<std::string>> servers;
  for (const auto& [id, one] : connections_) {
    if ((downlink ? one.total_dl : one.total_ul) == 0) continue;
    const bool concerned =
        std::ranges::any_of(one.assets, [&](const auto& a) { return policy.assets.contains(a); });
    if (concerned) servers[one.val_server].push_back(id);
  }
  for (const auto& [server, ids] : servers) {
    std::vector<Share> shares;
    std::int64_t total = 0;
    for (const auto& id : ids) {
      const auto& one = connections_.find(id)->second;
      total = std::max(total, downlink ? one.total_dl : one.total_ul);
      auto mine = downlink ? one.dl : one.ul;
      mine.wants = downlink ? one.used_dl : one.used_ul;
      shares.push_back(std::move(mine));
    }
    const auto parts = shared_out(total, shares, by_use);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      auto& one = connections_.find(ids[i])->second;
      auto& told_last = downlink ? one.rate_dl : one.rate_ul;
      if (told_last && std::abs(*told_last - parts[i]) <= *told_last / share_change_part) continue;
      told_last = parts[i];
      state::ActionTold told;
      told.action = act_rate;
      (downlink ? told.rate_dl_bps : told.rate_ul_bps) = parts[i];
      told.cause = by_use ? "REALLOCATE" : "NOT_REALLOCATE";
      dues_.told.push_back({{std::string(connection_kind), ids[i]}, "act", json::write(told)});
    }
  }
}

void Policies::share(const Policy& policy) {
  const auto& control = policy.what.sealdd_pol.bdw_ctrl_sets;
  if (!control) return;
  for (const bool by_use : {true, false}) {
    if (has(control,
            by_use ? BdwCtrlPolicyKnown::reallocate_dl : BdwCtrlPolicyKnown::not_reallocate_dl))
      share(policy, true, by_use);
    if (has(control,
            by_use ? BdwCtrlPolicyKnown::reallocate_ul : BdwCtrlPolicyKnown::not_reallocate_ul))
      share(policy, false, by_use);
  }
}

void Policies::look(const std::vector<Measures::Second>& seconds, Instant now) {
  // Whoever was not measured in this second goes on with what was known of him.
  for (const auto& second : seconds)
    if (const auto found = connections_.find(second.of.connection); found != connections_.end())
      found->second.used_dl = found->second.used_ul = 0;
  for (const auto& second : seconds) {
    const auto found = connections_.find(second.of.connection);
    if (found == connections_.end()) continue;
    using api::sdd_relay::RelayWindowDirection;
    found->second.used_dl +=
        static_cast<std::int64_t>(second.what.bits_per_second(RelayWindowDirection::dl));
    found->second.used_ul +=
        static_cast<std::int64_t>(second.what.bits_per_second(RelayWindowDirection::ul));
  }
  for (auto& [id, policy] : policies_) {
    // The worst of a connection's assets decides: a UE has one path for all of them.
    std::map<std::string, Standing> worst;
    for (const auto& second : seconds) {
      if (!policy.assets.contains(second.of.asset)) continue;
      if (policy.what.val_ue_id && *policy.what.val_ue_id != second.of.ue) continue;
      auto& is = worst.try_emplace(second.of.connection, Standing::good).first->second;
      is = std::max(is, standing_of(policy.what.thresholds.value_or(usual()), second.what));
    }
    for (const auto& [connection, is] : worst)
      if (const auto found = connections_.find(connection); found != connections_.end())
        guard(id, policy, connection, found->second, is, now);
    share(policy);
  }
}

Policies::Dues Policies::take_dues() { return std::exchange(dues_, {}); }

}  // namespace lobo::sealdd
