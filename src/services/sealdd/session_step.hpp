#pragma once
// One step of a session in the making. Private to session*.cpp, which are split by what happens:
// the life (session.cpp), the enabler (session_resolve.cpp), the UEs (session_legs.cpp).

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/mm_das.hpp"
#include "api/sdd_connections.hpp"
#include "api/sdd_das.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

using api::mm_das::ResolvedAsset;
using api::mm_das::SyncAsset;
using api::mm_das::SyncEvent;
using api::mm_das::SyncEventType;
using api::state::sealdd::SessionLeg;

class SessionStep {
 public:
  SessionStep(const Settings& settings, Ground& ground, const resource::Key& key, Instant now,
              const resource::Lookup& lookup)
      : settings_(settings), ground_(ground), key_(key), now_(now), lookup_(lookup) {}

  Result<void> load(const resource::Record& current);

  Result<void> create(const resource::Command& command);
  Result<void> create_again(const resource::Command& command);
  Result<void> remove(const resource::Command& command);
  void fired(std::string_view timer);
  void answered(const resource::NetworkAnswer& answer);
  void recovered();
  void told(const resource::Told& told);

  Result<resource::Outcome> finish(const resource::Record* current);

 private:
  using State = api::mm_das::SessionState;

  // session.cpp
  Result<void> check(const api::sdd_das::SddSessionReq& asked) const;
  bool ending() const { return state_.state == State::releasing; }
  void end(std::string_view cause);
  void refuse(http::Response answer);
  void settle();
  State state_now() const;
  void notify();
  SyncEvent& event(SyncEventType what);

  // session_resolve.cpp
  bool enabler_given_up() const;
  void plan_enabler();
  void resolved(const Result<http::Response>& response);
  void forgotten(const Result<http::Response>& response);
  void adopt(api::mm_das::ResolvedSession said);
  void refused_by_enabler(const http::Response& response);
  void ask_later();
  std::string resolve_body() const;

  // session_legs.cpp
  void plan_legs();
  void plan(SessionLeg& leg);
  std::optional<std::string> wanted(const SessionLeg& leg) const;
  bool settled(const SessionLeg& leg) const;
  void connection_told(SessionLeg& leg, const api::state::sealdd::ConnectionSaid& said);
  void take_up(SessionLeg& leg);
  void left(SessionLeg& leg, std::string_view why);
  void flow_is(SessionLeg& leg, const std::string& asset, api::sdd_connections::SddFlowState state,
               std::string_view reason);
  void schedule();
  const SyncAsset* asked_of(const ResolvedAsset& asset) const;
  const SessionLeg* leg_of(const ResolvedAsset& asset) const;
  bool admitted(const ResolvedAsset& asset) const;
  bool in_window(const ResolvedAsset& asset) const;
  bool needed(const ResolvedAsset& asset) const;
  bool any_established() const;

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
  Ground& ground_;
  const resource::Key& key_;
  Instant now_;
  const resource::Lookup& lookup_;

  api::state::sealdd::SessionState state_;
  api::sdd_das::SddSessionReq asked_;
  std::string owner_;
  std::vector<resource::Effect> effects_;
  std::vector<SyncEvent> events_;
  std::string clause_;
  State before_ = State::requested;
  bool keep_nothing_ = false;  ///< refused before there was anything
  bool policies_ = false;      ///< what was resolved changed
};

/// How long what the enabler resolved counts, whatever it says itself.
inline constexpr std::chrono::seconds resolved_min{1};
inline constexpr std::chrono::hours resolved_max{24};

inline constexpr std::string_view session_answer_timer = "answer";
inline constexpr std::string_view session_expire_timer = "expire";
inline constexpr std::string_view session_enabler_timer = "enabler";
inline constexpr std::string_view session_window_timer = "window";
inline constexpr std::string_view session_grace_timer = "grace";
std::string leg_timer(const SessionLeg& leg);

}  // namespace lobo::sealdd
