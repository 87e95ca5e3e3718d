#pragma once
// A synchronisation session that was asked of SEALDD (TR 23.700-21 clause 7.y.1 NOTE 2;
// api/sdd_das.yaml): kind "sdd_session".
//
//   REQUESTED    the enabler is asked what its policies make of it
//   CONNECTING   its connections are there, or are being made
//   ACTIVE       each asset that is not optional has a flow that is up; DEGRADED where one lost it
//   SUSPENDED    outside of all schedule windows
//   RELEASING    its connections go, then the enabler's shadow; nobody sees it any more
//
// After each event plan() compares what is wanted of each connection with what it has, and asks for
// the difference; a policy that changed, a window that closes and the end come to the same thing.
// - What the enabler answered counts until resolvedUntil, then it is asked again, by the same key.
// While it
//   cannot be reached the answer of before goes on counting.
// - A shadow that the enabler may keep is asked after until it is named, and then taken back.
// - All UEs are claimed in the step that makes the session, so that of two who ask for the same UE
//   in the same room at once, here or at the enabler, exactly one is served.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_das.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

inline constexpr std::string_view session_kind = "sdd_session";
inline constexpr std::string_view every_session = "sdd_session";

class SessionMachine final : public resource::Machine {
 public:
  /// Both outlive it.
  SessionMachine(const Settings& settings, Ground& ground) : settings_(settings), ground_(ground) {}

  std::string_view kind() const override { return session_kind; }
  /// Observe "session": its state, empty when it is gone. "session_over": SessionOver.
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
  Ground& ground_;
};

std::string connection_of(std::string_view session, const api::state::sealdd::SessionLeg& leg);
std::string session_uri(const Settings& settings, std::string_view id);

/// From outside, with what stands in its connections.
Result<api::sdd_das::SddSession> represent(const api::state::sealdd::SessionState& session,
                                           std::string_view id, const Settings& settings,
                                           const resource::Lookup& lookup);

/// Whoever asks first makes it; who has his Idempotency-Key comes to the same session.
std::string session_of(std::string_view service, std::string_view key);

/// Name and text of the policy configuration of each UE (TS 29.548 PolicyConfig) that the enabler's
/// policies want.
std::vector<std::pair<std::string, std::string>> policies_of(
    std::string_view id, const api::state::sealdd::SessionState& session);

}  // namespace lobo::sealdd
