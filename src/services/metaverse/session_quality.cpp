// What SEALDD tells of its connections and of their quality (steps 6 and 7).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/mm_callbacks.hpp"
#include "api/mm_das.hpp"
#include "api/sdd_connections.hpp"
#include "api/state/metaverse.hpp"
#include "api/sync_types.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"
#include "services/metaverse/session_step.hpp"
#include "sync/tier.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/types.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::metaverse {

namespace sdd = api::sdd_connections;
using api::mm_das::FlowState;
using api::sync_types::TierReason;

// ---- callbacks ---------------------------------------------------------------------------------

Result<void> SessionStep::called_back(const resource::Callback& callback) {
  const auto unknown = fail(Errc::not_found, "no such callback");
  if (!equal_in_constant_time(callback.secret, state_.secret)) return unknown;
  // …/sessions/{id}/{leg}/{secret}/connection
  const auto parts = split(http::split_target(callback.http.target).path, '/');
  if (parts.size() < 3) return unknown;
  const auto no = parse_decimal(parts[parts.size() - 3]);
  const auto leg =
      std::ranges::find_if(state_.legs, [&](const Leg& one) { return no && one.no == *no; });
  if (leg == state_.legs.end()) return parts.back() == "connection" ? last_word(callback) : unknown;
  if (parts.back() == "connection") return connection_told(*leg, callback);
  if (parts.back() == "network") return network_told(*leg, callback);
  return quality_told(*leg, callback);
}

/// SEALDD's last word about a connection comes when this side has let it go: taken, because there
/// is nothing more to do about it. Refused, it would wait there for somebody to look after it.
Result<void> SessionStep::last_word(const resource::Callback& callback) {
  const auto news = json::read<sdd::SddConnectionNotif>(callback.http.body);
  if (!news || news->state != sdd::SddConnectionState::released)
    return fail(Errc::not_found, "no such callback");
  reply(callback.request, {204, {}, {}});
  return {};
}

Result<void> SessionStep::connection_told(Leg& leg, const resource::Callback& callback) {
  const auto news = json::read<sdd::SddConnectionNotif>(callback.http.body);
  if (!news) return fail(news.error());
  // It may be faster than the answer that names the connection: told again, it will be known.
  if (!leg.connection_id && (leg.call == LegCall::connect || leg.doubt.value_or(false)))
    return fail(Errc::unavailable, "the connection is still being made");
  if (leg.connection_id != news->connection_id) {
    // Its last word may come when this side has let it go: there is nothing more to do.
    if (news->state != sdd::SddConnectionState::released)
      return fail(Errc::not_found, "no such callback");
    reply(callback.request, {204, {}, {}});
    return {};
  }
  reply(callback.request, {204, {}, {}});
  const auto sequence = static_cast<std::uint64_t>(news->seq);
  if (sequence <= leg.sequence.value_or(0)) return {};  // Told before.
  leg.sequence = sequence;
  // The word of a node that has lost the room since does not count.
  const auto epoch = static_cast<std::uint64_t>(news->epoch.value_or(0));
  if (news->epoch && epoch < leg.epoch.value_or(0)) return {};
  if (news->epoch) leg.epoch = epoch;
  clause_ = "23.700-21 7.y.1 step 6";

  using State = sdd::SddConnectionState;
  const auto before = std::exchange(leg.state, news->state);
  if (news->dd_server_conn_info && news->dd_server_conn_info != leg.conn_info) {
    leg.conn_info = news->dd_server_conn_info;
    if (news->certificate_hash) leg.certificate_hash = news->certificate_hash;
    if (news->node_id) leg.node_id = news->node_id;
    if (news->token) leg.token = news->token;
    if (news->token_exp_time) leg.token_expires = news->token_exp_time;
    auto& told = event(SyncEventType::relocated);
    told.host_ue = leg.ue;
    told.dd_server_conn_info = leg.conn_info;
    told.token = leg.token;
    told.reason = news->cause;
  } else if (news->token) {
    leg.token = news->token;
    leg.token_expires = news->token_exp_time;
  }
  if (news->state == State::established && before != State::established)
    event(SyncEventType::peer_joined).host_ue = leg.ue;
  if (before == State::established && news->state != State::established)
    event(SyncEventType::peer_left).host_ue = leg.ue;
  if (news->reliable) paths_are(leg, *news->reliable, news->reliable_cause.value_or(""));
  if (news->flows)
    for (const auto& [id, state] : *news->flows)
      for (auto& asset : state_.assets)
        if (asset.resolved.asset_id == id && asset.resolved.host_ue == leg.ue && admitted(asset))
          if (const auto now = json::enum_from<FlowState>(sdd::to_string(state)))
            flow_is(asset, *now, news->cause.value_or(""));
  if (news->state == State::released || news->state == State::failed) {
    disconnected(leg, news->cause.value_or("RELEASED_BY_SEALDD"));
    // Not at once: what SEALDD has just given up it may have reason to give up again.
    if (live()) retry_later(leg);
  }
  return {};
}

/// What SEALDD says of the two paths that the network was to hold (TS 23.434 T65, T66): told where
/// it takes them back, and when it holds them again.
void SessionStep::paths_are(Leg& leg, sdd::SddReliableState state, std::string_view cause) {
  using State = sdd::SddReliableState;
  const bool lost = leg.paths_lost.value_or(false);
  if (state == State::requested || lost == (state == State::refused)) return;
  leg.paths_lost.reset();
  if (!lost) leg.paths_lost = true;
  auto& told = event(SyncEventType::path_change);
  told.host_ue = leg.ue;
  told.reason = lost ? std::string("NETWORK_PATHS_HELD")
                     : "NETWORK_PATHS_LOST" + (cause.empty() ? "" : ": " + std::string(cause));
}

void SessionStep::flow_is(AssetState& asset, FlowState state, std::string_view reason) {
  if (asset.flow_state == state) return;
  const bool known = asset.flow_state.has_value();
  asset.flow_state = state;
  if (!known && state == FlowState::init) return;  // It is there; nothing has happened to it.
  auto& told = event(SyncEventType::flow_state, asset);
  told.flow_state = state;
  if (!reason.empty()) told.reason = std::string(reason);
  if (state == FlowState::stalled) event(SyncEventType::state_stale, asset);
  if (state == FlowState::migrating) event(SyncEventType::path_change, asset);
}

// ---- measurements ------------------------------------------------------------------------------

Result<void> SessionStep::quality_told(Leg& leg, const resource::Callback& callback) {
  const auto news = json::read<api::mm_callbacks::QualityNotif>(callback.http.body);
  if (!news) return fail(news.error());
  reply(callback.request, {204, {}, {}});
  if (ending()) return {};
  clause_ = "23.700-21 7.y.1 step 6";
  for (const auto& report : news->reports) {
    if (!report.meas_data) continue;
    for (auto& asset : state_.assets) {
      const auto* asked = asked_of(asset);
      if (asset.resolved.host_ue != leg.ue || !admitted(asset) || asked == nullptr ||
          !asked->mmel_support.value_or(true))
        continue;
      if (report.app_traffic_ids &&
          std::ranges::find(*report.app_traffic_ids, asset.resolved.asset_id) ==
              report.app_traffic_ids->end())
        continue;
      measured(asset, *report.meas_data);
    }
  }
  return {};
}

namespace {

/// What is beyond the policy's thresholds, or else beyond what was promised at this step; nothing
/// where all is well.
std::optional<TierReason> fault_of(const AssetState& asset,
                                   const api::mm_das::QualityReport& report) {
  const auto beyond = [](const auto& value, const auto& limit) {
    return value && limit && static_cast<double>(*value) > static_cast<double>(*limit);
  };
  const auto verdict = [](bool loses, bool late) -> std::optional<TierReason> {
    if (loses) return TierReason::loss;
    if (late) return TierReason::delay;
    return std::nullopt;
  };
  if (const auto& limits = asset.resolved.thresholds)
    return verdict(
        beyond(report.loss_permille, limits->loss_permille),
        beyond(report.latency_ms, limits->latency_ms) || beyond(report.jitter, limits->jitter));
  const auto& qos = asset.resolved.qos;
  if (!qos) return std::nullopt;
  auto delay = qos->pdb_dl;
  if (qos->pdb_ul) delay = std::max(delay.value_or(0), *qos->pdb_ul);
  std::optional<double> loss;
  // PacketErrRate "1E-3" against tenths of a percent: what is finer cannot be seen in the report.
  if (qos->per)
    loss = std::max(1.0, ((*qos->per)[0] - '0') * ((*qos->per)[3] == '1'   ? 100.0
                                                   : (*qos->per)[3] == '2' ? 10.0
                                                                           : 1.0));
  return verdict(beyond(report.loss_permille, loss), beyond(report.latency_ms, delay));
}

}  // namespace

/// The last step that may be taken.
std::int64_t SessionStep::lowest_tier(AssetState& asset) const {
  std::int64_t lowest =
      asset.resolved.ladder ? static_cast<std::int64_t>(asset.resolved.ladder->size()) - 1 : 0;
  if (asset.veto_until && *asset.veto_until <= now_) {
    asset.veto_tier.reset();
    asset.veto_until.reset();
  }
  if (asset.veto_tier) lowest = std::min(lowest, *asset.veto_tier - 1);
  return lowest;
}

void SessionStep::measured(AssetState& asset, const api::mm_callbacks::QualityData& data) {
  api::mm_das::QualityReport report;
  report.at = data.timestamp.value_or(now_);
  const auto latency = data.k_perc_latency ? data.k_perc_latency : data.avg_latency;
  report.latency_ms = latency ? latency : data.max_latency;
  report.jitter = data.avg_jitter ? data.avg_jitter : data.max_jitter;
  const auto loss = data.avg_pack_loss_rate ? data.avg_pack_loss_rate : data.max_pack_loss_rate;
  if (loss) report.loss_permille = static_cast<double>(*loss);
  report.bit_rate = data.avg_bit_rate;
  asset.measured = report;
  const bool collects = state_.collect_until && *state_.collect_until > now_;
  if (asset.resolved.measurement || collects)
    event(SyncEventType::measurement, asset).measured = report;

  const auto fault = fault_of(asset, report);
  const bool bad = fault.has_value();
  const bool held = asset.network_lost.value_or(false);
  const auto tier =
      sync::after_window({asset.tier, asset.bad, asset.good}, bad, lowest_tier(asset), held);
  // The second bad window in a row, also where no step is left to take.
  const bool broken = bad && (tier.step > asset.tier || tier.bad >= sync::windows_bad_max);
  asset.bad = tier.bad;
  asset.good = tier.good;
  const auto before = std::exchange(asset.tier, tier.step);
  if (broken && !asset.unfulfilled.value_or(false)) {
    asset.unfulfilled = true;
    event(SyncEventType::qos_not_fulfilled, asset).measured = report;
  }
  if (before != asset.tier)
    tier_changed(asset, before, bad ? "QUALITY_BAD" : "QUALITY_GOOD",
                 fault.value_or(TierReason::restored));
  if (!bad && !held && asset.tier == 0 && asset.unfulfilled.value_or(false)) {
    asset.unfulfilled.reset();
    event(SyncEventType::qos_restored, asset).measured = report;
  }
}

void SessionStep::tier_changed(AssetState& asset, std::int64_t before, std::string_view reason,
                               TierReason kind) {
  asset.tier_reason = kind;
  auto& told = event(SyncEventType::tier_change, asset);
  told.tier = asset.tier;
  told.tier_before = before;
  told.reason = std::string(reason);
  const auto at = static_cast<std::size_t>(asset.tier);
  if (asset.resolved.ladder && at < asset.resolved.ladder->size())
    told.level = (*asset.resolved.ladder)[at];
  clause_ = "23.700-21 7.y.1 step 7";
  ++state_.rev;
}

}  // namespace lobo::metaverse
