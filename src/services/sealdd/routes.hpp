#pragma once
// Method and path <-> event, for the APIs of the SEALDD server, and the machines behind them.

#include <cstddef>
#include <string_view>
#include <vector>

#include "services/sealdd/connection.hpp"
#include "services/sealdd/hub.hpp"
#include "services/sealdd/node.hpp"
#include "services/sealdd/policy.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/quality.hpp"
#include "services/sealdd/reliable.hpp"
#include "services/sealdd/session.hpp"
#include "services/sealdd/storage.hpp"
#include "services/sealdd/transmission.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/route.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::sealdd {

/// Every kind of resource that the server has.
class Machines {
 public:
  /// All outlive it.
  Machines(const Settings& settings, Hub& hub, sdd::TokenSigner& signer)
      : node(settings, hub.nodes()),
        connection(settings, hub.nodes(), signer),
        quality(settings),
        status(settings),
        policy(settings),
        storage(settings),
        delivery(settings),
        session(settings, hub.nodes()),
        reliable(settings) {}

  std::vector<const resource::Machine*> all() const {
    return {&node,    &connection, &quality,          &status,  &policy,
            &storage, &delivery,   &delivery_request, &session, &reliable};
  }

  NodeMachine node;
  ConnectionMachine connection;
  QualityMachine quality;
  StatusMachine status;
  PolicyMachine policy;
  StorageMachine storage;
  DeliveryMachine delivery;
  DeliveryRequestMachine delivery_request;
  SessionMachine session;
  ReliableMachine reliable;
};

/// What the hub has to hear of at the start, in this order.
struct Restored {
  std::string_view kind;
  std::string_view subject;
  std::size_t max;
};
std::vector<Restored> restored_kinds();

std::vector<resource::Operation> operations();
/// All outlive the routes.
std::vector<resource::Route> routes(const Settings& settings, const Hub& hub,
                                    const Machines& machines);

}  // namespace lobo::sealdd
