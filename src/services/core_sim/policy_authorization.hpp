#pragma once
// The PCF's Npcf_PolicyAuthorization API over HTTP (TS 29.514; api/policy_authorization.yaml).

#include <string>

#include "services/core_sim/answers.hpp"
#include "services/core_sim/app_session_terms.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/sessions.hpp"

namespace lobo::core_sim {

class PolicyAuthorization {
 public:
  PolicyAuthorization(Network& network, Sessions& sessions) : net_(network), sessions_(sessions) {}

  /// A refused request leaves everything as it was.
  Answer handle(const Call& call);

 private:
  Answer create(const Call& call);
  Answer fetch(const Call& call);
  Answer modify(const Call& call);
  Answer remove(const Call& call);
  Answer subscribe(const Call& call);
  Answer unsubscribe(const Call& call);

  Outcome<Session*> found(const Call& call);
  Outcome<std::string> merged(const Session& session, const std::string& patch) const;
  Answer change(const Call& call, Session& session, AppSession wanted, int status);
  void keep(const Call& call, Session& session, AppSession wanted);

  Network& net_;
  Sessions& sessions_;
};

}  // namespace lobo::core_sim
