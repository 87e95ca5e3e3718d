#pragma once
// Tunnels and UE addresses by which packets find their session: each belongs to one session. It is
// what RuleSet indexes, kept here so that a second session is refused instead of shadowed.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "dataplane/rules/session.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

class Claims {
 public:
  struct Conflict {
    pfcp::PdrId pdr;
    pfcp::IeType type{};  ///< F-TEID or UE IP Address
  };
  /// The first claim of `session` that is another one's. A host within another session's IPv6
  /// network is none: the longer prefix has its packets, as with routes.
  std::optional<Conflict> conflict(const Session& session) const;

  void add(const Session& session);
  void remove(const Session& session);
  bool has_tunnel(std::uint32_t teid) const;
  std::size_t size() const { return owners_.size(); }

  enum class Kind : std::uint8_t { tunnel, v4, v6_network, v6_host };
  struct Key {
    Kind kind{};
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    bool operator==(const Key&) const = default;
  };

 private:
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  std::unordered_map<Key, std::uint64_t, KeyHash> owners_;  ///< to the SEID
};

}  // namespace lobo::dataplane::n4
