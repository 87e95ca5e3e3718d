#pragma once
// The node as its lease sees it.

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/flow_token.hpp"
#include "api/sdd_relay.hpp"
#include "base/result.hpp"
#include "relay/lease/lease.hpp"
#include "relay/report.hpp"
#include "relay/slot.hpp"
#include "relay_node/relay_node.hpp"

namespace lobo::app {

class CarriedNode final : public relay::Carried {
 public:
  /// `own` are believed whatever the server says. `seen` hears of each change, for a log.
  CarriedNode(RelayNode& node, adapters::crypto::FlowTokenVerifier& verifier,
              std::vector<adapters::crypto::FlowPublicKey> own,
              std::function<void(const relay::FlowChange&)> seen)
      : node_(node), verifier_(verifier), own_(std::move(own)), seen_(std::move(seen)) {}

  Result<void> take(const relay::Order& order) override { return node_.take(order); }
  relay::Reports report() override { return shown(node_.report()); }
  relay::Reports changes() override { return shown(node_.changes()); }
  std::vector<relay::Replica> replica(std::string_view room, sdd::Alias alias) override {
    return node_.replica(room, alias);
  }
  Result<void> trust(const std::vector<api::sdd_relay::TokenKey>& keys) override;
  void bind(const relay::Tenure& tenure) override { node_.bind(tenure); }
  void stop() override { node_.stop(); }

 private:
  relay::Reports shown(relay::Reports reports) const {
    for (const auto& change : reports.changes) seen_(change);
    return reports;
  }

  RelayNode& node_;
  adapters::crypto::FlowTokenVerifier& verifier_;
  std::vector<adapters::crypto::FlowPublicKey> own_;
  std::function<void(const relay::FlowChange&)> seen_;
  std::vector<api::sdd_relay::TokenKey> trusted_;
};

}  // namespace lobo::app
