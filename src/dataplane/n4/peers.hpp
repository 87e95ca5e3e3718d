#pragma once
// Control planes that have an association with us (TS 29.244 clause 6.2.6), by Node ID.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>

#include "base/clock.hpp"
#include "dataplane/n4/types.hpp"
#include "model/address.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

struct Peer {
  std::string node;  ///< its Node ID as text
  Endpoint at;       ///< where the association was set up from
  pfcp::NtpSeconds recovered;
  Instant heard;  ///< when it last said something
  Instant next_heartbeat;
  bool is_asked = false;  ///< a heartbeat of ours waits for its response
  bool is_silent = false;
  std::unordered_set<std::uint64_t> sessions;  ///< our SEIDs
};

/// An address, or a name in lower case; names are told apart in no other way (RFC 1035).
std::string node_text(const pfcp::NodeId& node);

/// References to a Peer hold until it is removed.
class Peers {
 public:
  Peer* find(const std::string& node);
  /// Null where there are peers_max.
  Peer* add(const std::string& node, const Endpoint& at);
  void remove(const std::string& node);

  /// Whether somebody there has an association: see is_of().
  bool has_address(const model::IpAddress& address) const;
  /// Whose message this is: of several nodes at one address the one with this port.
  Peer* at(const Endpoint& from);

  std::map<std::string, Peer>& all() { return peers_; }
  const std::map<std::string, Peer>& all() const { return peers_; }

 private:
  void forget_address(const model::IpAddress& address);

  std::map<std::string, Peer> peers_;
  std::map<model::IpAddress, std::size_t> addresses_;  ///< how many of peers_
};

/// Whether a peer may send from there: it set up its association from there, or names it.
bool is_of(const Peer& peer, const model::IpAddress& address);

}  // namespace lobo::dataplane::n4
