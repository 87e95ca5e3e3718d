// What NRM holds for each UE of a session (TS 23.434 clause 14.3.5.4.2): the network's promise, and
// what becomes of it. The network's word is one more reason for a tier beside what is measured.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/mm_das.hpp"
#include "api/nra_adaptation.hpp"
#include "api/nra_mm_qos.hpp"
#include "api/state/metaverse.hpp"
#include "api/sync_types.hpp"
#include "base/result.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/session_step.hpp"
#include "services/metaverse/southbound_nrm.hpp"
#include "services/metaverse/southbound_sealdd.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::metaverse {

using api::sync_types::NetworkQos;
using api::sync_types::TierReason;

std::string network_timer(const Leg& leg) { return "network:" + std::to_string(leg.no); }

bool SessionStep::asks_network(const AssetState& asset) const {
  return asset.resolved.network_qos && *asset.resolved.network_qos != NetworkQos::none &&
         admitted(asset) && in_window(asset);
}

/// A condition of the session, not only a wish.
bool SessionStep::needs_network(const AssetState& asset) const {
  return asks_network(asset) && asset.resolved.network_qos == NetworkQos::required;
}

/// The request as it shall be; nothing where nothing is to be held. Only of a connection that is
/// there: its node is the other end of what is reserved.
std::optional<std::string> SessionStep::network(const Leg& leg) const {
  if (ending() || !settings_.nrm || !leg.connection_id || !leg.conn_info) return std::nullopt;
  std::vector<const AssetState*> assets;
  for (const auto& asset : state_.assets)
    if (asset.resolved.host_ue == leg.ue && asks_network(asset)) assets.push_back(&asset);
  if (assets.empty()) return std::nullopt;
  return network_body(leg.ue, assets,
                      {.session_id = key_.id,
                       .val_service_id = asked_.val_service_id,
                       .node = leg.node_id.value_or("sealdd"),
                       .at = *leg.conn_info,
                       .notif_uri = callback(leg, "network")});
}

bool SessionStep::network_settled(const Leg& leg) const {
  if (leg.network_doubt.value_or(false)) return false;
  const auto wanted = network(leg);
  return wanted == leg.network_applied || (wanted && wanted == leg.network_refused);
}

/// True where NRM was asked for something.
bool SessionStep::plan_network(Leg& leg) {
  if (leg.network_waits.value_or(false)) return false;
  // First it must be known what there is.
  if (leg.network_doubt.value_or(false) && leg.network_asked) {
    call(leg, LegCall::network_reserve, *leg.network_asked);
    return true;
  }
  const auto wanted = network(leg);
  if (!leg.network_id) {
    if (!wanted || wanted == leg.network_refused) return false;
    leg.network_generation = leg.network_generation.value_or(0) + 1;
    leg.network_asked = wanted;
    call(leg, LegCall::network_reserve, *wanted);
    return true;
  }
  if (!wanted) {
    call(leg, LegCall::network_release, {});
    return true;
  }
  if (wanted == leg.network_applied || wanted == leg.network_refused) return false;
  leg.network_asked = wanted;
  call(leg, LegCall::network_change, network_change_body(*wanted));
  return true;
}

void SessionStep::retry_network(Leg& leg) {
  leg.network_waits = true;
  const auto attempts = leg.network_attempts.value_or(0);
  leg.network_attempts = attempts + 1;
  start(network_timer(leg), now_ + pause_after(attempts));
}

void SessionStep::forget_network(Leg& leg) {
  leg.network_id.reset();
  leg.network_applied.reset();
  leg.network_asked.reset();
  leg.network_sequence.reset();
  leg.network_lost.reset();
  for (auto& asset : state_.assets)
    if (asset.resolved.host_ue == leg.ue) asset.network_lost.reset();
}

// ---- what NRM answers --------------------------------------------------------------------------

void SessionStep::network_answered(Leg& leg, LegCall what, const Result<http::Response>& response) {
  const auto said = heard(response, "NRM");
  if (said.verdict == Verdict::unknown || said.verdict == Verdict::unsent) {
    if (what == LegCall::network_reserve && said.verdict == Verdict::unknown)
      leg.network_doubt = true;
    return retry_network(leg);
  }
  leg.network_attempts.reset();
  if (what == LegCall::network_release) {
    if (said.verdict == Verdict::refused) return retry_network(leg);
    return forget_network(leg);
  }
  if (said.verdict == Verdict::done) {
    if (what == LegCall::network_reserve) {
      leg.network_doubt.reset();
      leg.network_id = id_in_location(*response);
      if (!leg.network_id) {
        // It made something and does not say what: asked again, it shows the same.
        leg.network_doubt = true;
        return retry_network(leg);
      }
      leg.network_sequence.reset();
      clause_ = "23.434 14.3.5.4.2";
    }
    leg.network_applied = leg.network_asked;
    leg.network_refused.reset();
    leg.network_cause.reset();
    network_shown(leg, *response);
    return;
  }
  // No to exactly this. What was there before a change stays.
  leg.network_doubt.reset();
  if (said.verdict == Verdict::gone && what == LegCall::network_change)
    return forget_network(leg);  // Then asked for anew.
  leg.network_refused = leg.network_asked;
  leg.network_cause = said.verdict == Verdict::gone ? "NRM does not know the UE" : said.cause;
}

/// It may have been granted and lost before the answer was written.
void SessionStep::network_shown(Leg& leg, const http::Response& response) {
  const auto shown = json::read<api::nra_mm_qos::MmQosManagement>(response.body);
  if (!shown || !shown->ue_results || shown->ue_results->empty()) return;
  const auto& result = shown->ue_results->front();
  using Known = api::nra_adaptation::AdaptationResultKnown;
  if (result.result == Known::degraded || result.result == Known::refused)
    network_lost(leg, result.cause.value_or("QOS_NOT_GUARANTEED"));
  else
    network_returned(leg);
}

// ---- what NRM tells ----------------------------------------------------------------------------

Result<void> SessionStep::network_told(Leg& leg, const resource::Callback& callback) {
  const auto news = json::read<api::nra_mm_qos::MmQosNotification>(callback.http.body);
  if (!news) return fail(news.error());
  // It may be faster than the answer that names the management: told again, it will be known.
  if (!leg.network_id &&
      (leg.call == LegCall::network_reserve || leg.network_doubt.value_or(false)))
    return fail(Errc::unavailable, "the management is still being made");
  reply(callback.request, {204, {}, {}});
  for (const auto& event : news->event_notifs) {
    const auto sequence = static_cast<std::uint64_t>(event.seq);
    // Of one before this, or told before.
    if (event.mm_qos_id != leg.network_id || sequence <= leg.network_sequence.value_or(0)) continue;
    leg.network_sequence = sequence;
    using Known = api::nra_mm_qos::MmQosEventKnown;
    if (event.event == Known::qos_not_guaranteed)
      network_lost(leg, event.cause.value_or("QOS_NOT_GUARANTEED"));
    else if (event.event == Known::qos_terminated)
      network_lost(leg, event.cause.value_or("QOS_TERMINATED"));
    else if (event.event == Known::qos_guaranteed)
      network_returned(leg);
    else if (event.event == Known::ue_result && event.ue_result)
      network_result(leg, event);
  }
  return {};
}

void SessionStep::network_result(Leg& leg, const api::nra_mm_qos::MmQosEventNotification& event) {
  using Known = api::nra_adaptation::AdaptationResultKnown;
  const auto& result = event.ue_result->result;
  if (result == Known::confirmed || result == Known::negotiated)
    network_returned(leg);
  else if (result == Known::degraded || result == Known::refused)
    network_lost(leg, event.cause.value_or("QOS_NOT_GUARANTEED"));
}

/// One step down at once: the network has watched for longer than one window. While it lasts
/// nothing rises.
void SessionStep::network_lost(Leg& leg, const std::string& cause) {
  if (leg.network_lost == cause || ending()) return;
  const bool anew = !leg.network_lost;
  leg.network_lost = cause;
  if (!anew) return;
  clause_ = "23.700-21 7.y.1 step 7";
  for (auto& asset : state_.assets) {
    if (asset.resolved.host_ue != leg.ue || !asks_network(asset)) continue;
    asset.network_lost = true;
    asset.bad = asset.good = 0;
    if (!asset.unfulfilled.value_or(false)) {
      asset.unfulfilled = true;
      event(SyncEventType::qos_not_fulfilled, asset).reason = cause;
    }
    const auto before = asset.tier;
    if (asset.tier < lowest_tier(asset)) ++asset.tier;
    if (before != asset.tier)
      tier_changed(asset, before, network_lost_reason, TierReason::bandwidth);
  }
}

/// From now on good windows count again. Where nobody measures there will be none: then the
/// network's word alone, which took the step, gives it back.
void SessionStep::network_returned(Leg& leg) {
  if (!leg.network_lost) return;
  leg.network_lost.reset();
  clause_ = "23.700-21 7.y.1 step 7";
  for (auto& asset : state_.assets) {
    if (asset.resolved.host_ue != leg.ue || !asset.network_lost.value_or(false)) continue;
    asset.network_lost.reset();
    if (asset.measured && asset.tier > 0) continue;
    const auto before = asset.tier;
    if (asset.tier > 0) --asset.tier;
    if (before != asset.tier)
      tier_changed(asset, before, network_restored_reason, TierReason::restored);
    if (asset.tier == 0 && asset.unfulfilled.value_or(false)) {
      asset.unfulfilled.reset();
      event(SyncEventType::qos_restored, asset).reason = std::string(network_restored_reason);
    }
  }
}

}  // namespace lobo::metaverse
