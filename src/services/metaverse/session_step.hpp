#pragma once
// One step of a session in the making. Private to session*.cpp, which are split by what happens:
// commands, legs (what SEALDD holds for one UE), quality (what it tells), notify.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/mm_callbacks.hpp"
#include "api/mm_das.hpp"
#include "api/nra_mm_qos.hpp"
#include "api/sdd_connections.hpp"
#include "api/state/metaverse.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/metaverse/policy_book.hpp"
#include "services/metaverse/ports.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::metaverse {

using api::mm_das::SessionState;
using api::mm_das::SyncAsset;
using api::mm_das::SyncEvent;
using api::mm_das::SyncEventType;
using api::mm_das::SyncSessionReq;
using api::state::metaverse::AssetState;
using api::state::metaverse::Leg;
using api::state::metaverse::LegCall;

inline constexpr std::string_view timer_answer = "answer";
inline constexpr std::string_view timer_expire = "expire";
inline constexpr std::string_view timer_window = "window";
inline constexpr std::string_view timer_grace = "grace";
inline constexpr std::string_view timer_collect = "collect";
inline constexpr std::string_view timer_retained = "retained";

class SessionStep {
 public:
  SessionStep(const Settings& settings, const PolicyBook& policies, const resource::Key& key,
              Instant now, const resource::Lookup& lookup)
      : settings_(settings), policies_(policies), key_(key), now_(now), lookup_(lookup) {}

  Result<void> load(const resource::Record& current);

  // Commands (session_commands.cpp).
  Result<void> create(const resource::Command& command);
  Result<void> create_again(const resource::Command& command);
  Result<void> resolve_for_sealdd(const resource::Command& command);
  Result<void> command(const resource::Command& command);

  // What SEALDD says.
  void answered(const resource::NetworkAnswer& answer);
  void recovered(std::string_view call);
  Result<void> called_back(const resource::Callback& callback);

  // Time, and other resources.
  void fired(std::string_view timer);
  void told(const resource::Told& told);

  Result<resource::Outcome> finish(const resource::Record* current);

 private:
  // session_commands.cpp
  Result<SyncSessionReq> read_request(std::string_view text) const;
  bool admit(const SyncSessionReq& request, const resource::Command& command);
  void take(SyncSessionReq request, std::string text);
  Result<void> replace(const resource::Command& command, std::string text);
  Result<void> remove(const resource::Command& command);
  Result<void> put_asset(const resource::Command& command);
  Result<void> remove_asset(const resource::Command& command);
  Result<void> veto(const resource::Command& command);
  Result<void> collect(const resource::Command& command);
  // session_state.cpp
  Result<void> ask_state(const resource::Command& command);
  bool state_answered(const resource::NetworkAnswer& answer);
  void wait(const resource::Command& command, std::string_view asset_id = {},
            std::string_view ue_id = {});
  void policies_changed();
  void adopt(std::vector<api::mm_das::ResolvedAsset> resolved);

  // session_legs.cpp
  void ensure_legs();
  void plan();
  void plan(Leg& leg);
  void release(Leg& leg);
  void keep(Leg& leg);
  std::optional<std::string> flows(const Leg& leg) const;
  std::optional<std::string> policy(const Leg& leg) const;
  std::optional<std::string> measurement(const Leg& leg) const;
  void call(Leg& leg, LegCall what, std::string asked);
  std::chrono::milliseconds pause_after(std::uint64_t attempts) const;
  void retry_later(Leg& leg);
  void connected(Leg& leg, const Result<http::Response>& response);
  void changed(Leg& leg, const Result<http::Response>& response);
  void beside(Leg& leg, LegCall what, const Result<http::Response>& response);
  void take_up(Leg& leg, const api::sdd_connections::SddConnection& connection);
  void disconnected(Leg& leg, std::string_view why);
  bool settled(const Leg& leg) const;
  std::string callback(const Leg& leg, std::string_view what) const;
  Instant connection_end() const;
  Leg* leg_of(const api::common::ValTargetUe& ue);
  Leg* leg_of_call(std::string_view name);

  // session_network.cpp
  bool asks_network(const AssetState& asset) const;
  bool needs_network(const AssetState& asset) const;
  std::optional<std::string> network(const Leg& leg) const;
  bool network_settled(const Leg& leg) const;
  bool plan_network(Leg& leg);
  void retry_network(Leg& leg);
  void forget_network(Leg& leg);
  void network_answered(Leg& leg, LegCall what, const Result<http::Response>& response);
  void network_shown(Leg& leg, const http::Response& response);
  Result<void> network_told(Leg& leg, const resource::Callback& callback);
  void network_result(Leg& leg, const api::nra_mm_qos::MmQosEventNotification& event);
  void network_lost(Leg& leg, const std::string& cause);
  void network_returned(Leg& leg);

  // session_quality.cpp
  std::int64_t lowest_tier(AssetState& asset) const;
  Result<void> connection_told(Leg& leg, const resource::Callback& callback);
  Result<void> last_word(const resource::Callback& callback);
  Result<void> quality_told(Leg& leg, const resource::Callback& callback);
  void measured(AssetState& asset, const api::mm_callbacks::QualityData& data);
  void paths_are(Leg& leg, api::sdd_connections::SddReliableState state, std::string_view cause);
  void tier_changed(AssetState& asset, std::int64_t before, std::string_view reason,
                    api::sync_types::TierReason kind);
  void flow_is(AssetState& asset, api::mm_das::FlowState state, std::string_view reason);

  // session.cpp
  void end(std::string_view cause);
  void settle();
  http::Response ended_meanwhile() const;
  void answer_waiting(bool late);
  void acknowledge();
  SessionState state_now() const;
  void start_clocks();
  void watch_grace();
  bool live() const;
  bool ending() const;
  bool admitted(const AssetState& asset) const;
  bool in_window(const AssetState& asset) const;
  const SyncAsset* asked_of(const AssetState& asset) const;
  bool needed(const AssetState& asset) const;

  // session_notify.cpp
  SyncEvent& event(SyncEventType what);
  SyncEvent& event(SyncEventType what, const AssetState& asset);
  Result<void> notify();

  void reply(std::uint64_t request, http::Response response, bool representation = false) {
    effects_.emplace_back(resource::Reply{request, std::move(response), representation});
  }
  void start(std::string_view timer, Instant due) {
    effects_.emplace_back(resource::StartTimer{std::string(timer), due});
  }
  void stop(std::string_view timer) {
    effects_.emplace_back(resource::StopTimer{std::string(timer)});
  }

  const Settings& settings_;
  const PolicyBook& policies_;
  const resource::Key& key_;
  Instant now_;
  const resource::Lookup& lookup_;

  api::state::metaverse::SessionState state_;
  SyncSessionReq asked_;
  std::string owner_;
  std::vector<resource::Effect> effects_;
  std::vector<SyncEvent> events_;
  std::string clause_;
  bool keep_nothing_ = false;  ///< refused before there was anything
  bool erased_ = false;
  bool clocks_ = false;  ///< what is asked for, or granted, changed
  SessionState before_ = SessionState::requested;
  bool flows_before_ = false;
};

/// Reasons of a tier that the network's word has changed.
inline constexpr std::string_view network_lost_reason = "NETWORK_QOS_LOST";
inline constexpr std::string_view network_restored_reason = "NETWORK_QOS_RESTORED";
std::string network_timer(const Leg& leg);

/// Any flow that carries something, or is about to.
bool any_flow(const api::state::metaverse::SessionState& state);

}  // namespace lobo::metaverse
