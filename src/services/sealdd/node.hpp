#pragma once
// A relay node (api/sdd_relay.yaml): kind "sdd_node". What it said of itself and its epoch are
// stored; the lease is not, so that a renewal costs no write.

#include <string_view>

#include "services/sealdd/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::sealdd {

class Nodes;

inline constexpr std::string_view node_kind = "sdd_node";
inline constexpr std::string_view every_node = "sdd_node";

class NodeMachine final : public resource::Machine {
 public:
  /// Both outlive it.
  NodeMachine(const Settings& settings, const Nodes& nodes) : settings_(settings), nodes_(nodes) {}

  std::string_view kind() const override { return node_kind; }
  /// Observe "node": its NodeState, empty when it is gone. "fenced": the same after its lease ran
  /// out. "renewed": RelayRegistration. "report": RelayReport. "poll": OrdersQuestion.
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  Result<resource::Outcome> put(const resource::Record* current, const resource::Key& key,
                                const resource::Command& command, Instant now,
                                const resource::Lookup& lookup) const;
  Result<resource::Outcome> report(const resource::Key& key, const resource::Command& command,
                                   Instant now) const;
  Result<resource::Outcome> poll(const resource::Command& command, Instant now) const;

  const Settings& settings_;
  const Nodes& nodes_;
};

}  // namespace lobo::sealdd
