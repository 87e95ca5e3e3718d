#include "dataplane/n4/peers.hpp"

#include <algorithm>
#include <string>
#include <variant>

#include "dataplane/n4/limits.hpp"
#include "dataplane/n4/types.hpp"
#include "model/address.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

std::string node_text(const pfcp::NodeId& node) {
  std::string text = std::visit([](const auto& one) { return one.text(); }, node);
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

Peer* Peers::find(const std::string& node) {
  const auto found = peers_.find(node);
  return found == peers_.end() ? nullptr : &found->second;
}

Peer* Peers::add(const std::string& node, const Endpoint& at) {
  if (Peer* known = find(node)) {
    forget_address(known->at.address);
    known->at = at;
    ++addresses_[at.address];
    return known;
  }
  if (peers_.size() >= peers_max) return nullptr;
  Peer& added = peers_[node];
  added.node = node;
  added.at = at;
  ++addresses_[at.address];
  return &added;
}

void Peers::remove(const std::string& node) {
  const auto found = peers_.find(node);
  if (found == peers_.end()) return;
  forget_address(found->second.at.address);
  peers_.erase(found);
}

void Peers::forget_address(const model::IpAddress& address) {
  const auto known = addresses_.find(address);
  if (known != addresses_.end() && --known->second == 0) addresses_.erase(known);
}

bool Peers::has_address(const model::IpAddress& address) const {
  return addresses_.contains(address) || peers_.contains(model::to_text(address));
}

Peer* Peers::at(const Endpoint& from) {
  Peer* found = nullptr;
  bool several = false;
  for (auto& [node, peer] : peers_) {
    if (peer.at == from) return &peer;
    if (peer.at.address != from.address) continue;
    several = found != nullptr;
    found = &peer;
  }
  return several ? nullptr : found;
}

bool is_of(const Peer& peer, const model::IpAddress& address) {
  return peer.at.address == address || peer.node == model::to_text(address);
}

}  // namespace lobo::dataplane::n4
