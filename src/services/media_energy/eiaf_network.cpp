// QoS degradation, told by the network (TR 26.942 clause 7.13: additional context of the Energy
// Information AF): a session whose QoS is not held is helped by what its policy's guidance knows,
// saves no energy by a move meanwhile, and gets its quality back when the network holds it again.

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/media_m1.hpp"
#include "api/media_types.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/policy_run.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/json/json.hpp"

namespace lobo::media_energy {

namespace m1 = api::media_m1;
namespace state = api::state::media_energy;

namespace {

/// So long the network has to hold what it promised until quality is given back, and so long it
/// has after a move to show that the way to the place was at fault.
constexpr std::chrono::seconds calm{10};

/// Figures against the policy's floor; nothing where the policy has no floor for what was told.
std::optional<bool> is_beyond(const state::NetworkWord& word, const m1::EnergyPolicy& policy) {
  if (!policy.service_energy_profile || !policy.service_energy_profile->qoe_floor)
    return std::nullopt;
  const auto& floor = *policy.service_energy_profile->qoe_floor;
  std::optional<bool> out;
  if (floor.max_latency_ms && word.delay_ms)
    out = *word.delay_ms > static_cast<double>(*floor.max_latency_ms);
  if (floor.max_packet_loss_ratio && word.loss_ratio)
    out = out.value_or(false) || *word.loss_ratio > *floor.max_packet_loss_ratio;
  return out;
}

/// Another place is reached by another way; less quality needs less of the way that there is.
bool helps(api::media_types::EnergyAction action) {
  using Action = api::media_types::EnergyAction;
  return action == Action::reselect_service_location || action == Action::reduce_max_bitrate ||
         action == Action::reduce_max_resolution || action == Action::drop_component;
}

}  // namespace

void Eiaf::network_told(const std::string& id, const std::string& body, Instant now) {
  const auto found = subscriptions_.find(id);
  const auto word = json::read<state::NetworkWord>(body);
  if (found == subscriptions_.end() || !word) return;
  auto& subscription = found->second;
  auto& network = subscription.network;
  const auto session = sessions_.find(subscription.asked.provisioning_session_id);
  if (session == sessions_.end()) return;
  const auto policy = session->second.policies.find(subscription.asked.energy_policy_id);
  if (policy == session->second.policies.end()) return;
  const bool before = network.degraded();
  if (word->held)
    network.broken = !*word->held;
  else if (const auto beyond = is_beyond(*word, policy->second.run.policy()))
    network.beyond = *beyond;
  if (before == network.degraded()) return;
  network.changed = now;
  network.answered = false;
  network.left.clear();  // Where the place was left for this, its veto stays: the move has helped.
  step("1319", id, (before ? "QoS held again: " : "QoS degraded: ") + word->cause);
  notify(session->first, session->second, policy->second,
         before ? Reason::qos_restored : Reason::qos_degraded, location_of(subscription),
         &subscription, now);
}

/// True where quality that was taken may not be given back yet.
bool Eiaf::network_holds_back(const Subscription& subscription, Instant now) {
  const auto& network = subscription.network;
  return network.degraded() || (subscription.adaptation.network && now < network.changed + calm);
}

bool Eiaf::adapt_to_network(const std::string& id, Subscription& subscription, Session& session,
                            Running& running, Instant now) {
  auto& network = subscription.network;
  if (!network.degraded()) return false;
  const auto here = location_of(subscription);
  const bool moved = !network.left.empty();
  if (network.answered && (!moved || now < network.moved + calm)) return false;
  if (moved && here != network.left) subscription.vetoes.erase(network.left);  // Not its fault.
  network.left.clear();
  network.answered = true;
  const auto guidance =
      running.run.policy().adaptation_guidance.value_or(std::vector<m1::AdaptationGuidance>{});
  for (const auto& one : guidance) {
    const bool moves = one.action == Action::reselect_service_location;
    if (!helps(one.action) || (moves && moved)) continue;
    auto what = feasible(subscription, session, running, one.action, one.params, now);
    if (!what) continue;
    if (moves) {
      network.left = here;
      network.moved = now;
      subscription.vetoes[here] = now + settings_.veto_time;
    }
    Adaptation why;
    why.network = true;
    recommend(id, subscription, session, running, std::move(*what), std::move(why),
              Reason::qos_degraded, now);
    return true;
  }
  return false;
}

}  // namespace lobo::media_energy
