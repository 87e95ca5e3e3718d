#pragma once
// The NEF's AsSessionWithQoS API over HTTP (TS 29.122; api/as_session_with_qos.yaml).

#include <string>
#include <string_view>

#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/sessions.hpp"

namespace lobo::core_sim {

class AsSessionWithQos {
 public:
  AsSessionWithQos(Network& network, Sessions& sessions) : net_(network), sessions_(sessions) {}

  /// A refused request leaves everything as it was.
  Answer handle(const Call& call);

 private:
  Answer fetch_all(const Call& call);
  Answer create(const Call& call);
  Answer fetch(const Call& call);
  Answer update(const Call& call);
  Answer modify(const Call& call);
  Answer remove(const Call& call);

  Outcome<Session*> found(const Call& call);
  Answer change(const Call& call, Session& session, Subscription wanted);
  void finish(const Call& call, Session& session, Subscription body);

  Network& net_;
  Sessions& sessions_;
};

}  // namespace lobo::core_sim
