#include "dataplane/n4/claims.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "dataplane/rules/session.hpp"
#include "model/address.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

using Kind = Claims::Kind;
using Key = Claims::Key;

Key key_of(const model::Ipv4Address& address) {
  return {Kind::v4, 0, be32_at(std::as_bytes(std::span(address.octets)), 0)};
}
Key key_of(const model::Ipv6Address& address, bool host) {
  const Bytes octets = std::as_bytes(std::span(address.octets));
  if (!host) return {Kind::v6_network, be64_at(octets, 0), 0};
  return {Kind::v6_host, be64_at(octets, 0), be64_at(octets, 8)};
}

// use(pdr, type, key) for each; it returns whether to go on.
template <class Use>
void each_key(const Session& session, Use use) {
  for (const auto& [id, pdr] : session.pdrs) {
    if (pdr.tunnel && !use(id, pfcp::IeType::f_teid, Key{Kind::tunnel, 0, pdr.tunnel->teid}))
      return;
    // Packets of the RAN are found by their tunnel alone.
    if (pdr.source == pfcp::Interface::access) continue;
    for (const pfcp::UeIpAddress& address : pdr.ue_addresses) {
      if (address.v4 && !use(id, pfcp::IeType::ue_ip_address, key_of(*address.v4))) return;
      if (!address.v6) continue;
      const bool host = address.v6_prefix_length == 128;
      if (!use(id, pfcp::IeType::ue_ip_address, key_of(*address.v6, host))) return;
    }
  }
}

}  // namespace

std::size_t Claims::KeyHash::operator()(const Key& key) const noexcept {
  std::uint64_t mixed = (key.high ^ static_cast<std::uint64_t>(key.kind)) * 0x9E3779B97F4A7C15;
  mixed = (mixed ^ (mixed >> 32U) ^ key.low) * 0xC2B2AE3D27D4EB4F;
  return static_cast<std::size_t>(mixed ^ (mixed >> 29U));
}

std::optional<Claims::Conflict> Claims::conflict(const Session& session) const {
  std::optional<Conflict> found;
  each_key(session, [&](pfcp::PdrId pdr, pfcp::IeType type, const Key& key) {
    const auto owner = owners_.find(key);
    if (owner != owners_.end() && owner->second != session.seid) found = Conflict{pdr, type};
    return !found;
  });
  return found;
}

void Claims::add(const Session& session) {
  each_key(session, [&](pfcp::PdrId, pfcp::IeType, const Key& key) {
    owners_.emplace(key, session.seid);
    return true;
  });
}

void Claims::remove(const Session& session) {
  each_key(session, [&](pfcp::PdrId, pfcp::IeType, const Key& key) {
    const auto owner = owners_.find(key);
    if (owner != owners_.end() && owner->second == session.seid) owners_.erase(owner);
    return true;
  });
}

bool Claims::has_tunnel(std::uint32_t teid) const {
  return owners_.contains(Key{Kind::tunnel, 0, teid});
}

}  // namespace lobo::dataplane::n4
