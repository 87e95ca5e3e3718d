#include "dataplane/n4/tunnel_pool.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/require.hpp"
#include "base/rng.hpp"
#include "dataplane/n4/claims.hpp"
#include "dataplane/n4/limits.hpp"
#include "model/address.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

TunnelPool::TunnelPool(std::optional<model::Ipv4Address> v4, std::optional<model::Ipv6Address> v6,
                       Rng& rng, const Claims& claims)
    : v4_(v4), v6_(v6), claims_(claims) {
  for (auto& key : keys_) key = rng.next();
}

// A Feistel network of two halves: a permutation whatever its rounds compute.
std::uint32_t TunnelPool::permuted(std::uint32_t number) const {
  std::uint32_t left = number >> 16U;
  std::uint32_t right = number & 0xFFFFU;
  for (const std::uint64_t key : keys_) {
    const std::uint64_t mixed = ((right + 1) * 0x9E3779B97F4A7C15) ^ key;
    const std::uint64_t turned = (mixed ^ (mixed >> 31U)) * 0xBF58476D1CE4E5B9;
    const std::uint32_t next = left ^ (static_cast<std::uint32_t>(turned >> 40U) & 0xFFFFU);
    left = right;
    right = next;
  }
  return left << 16U | right;
}

std::optional<pfcp::FTeid> TunnelPool::allocate(bool v4, bool v6) {
  if ((v4 && !v4_) || (v6 && !v6_) || out_.size() >= own_tunnels_max) return std::nullopt;
  // Each try gives another number, so one more try than there are numbers taken is enough; 0 is
  // taken by the standard.
  for (std::size_t tries = out_.size() + claims_.size() + 2; tries > 0; --tries) {
    const std::uint32_t teid = permuted(next_++);
    if (teid == 0 || claims_.has_tunnel(teid) || !out_.insert(teid).second) continue;
    pfcp::FTeid tunnel{.teid = teid};
    if (v4) tunnel.v4 = v4_;
    if (v6) tunnel.v6 = v6_;
    return tunnel;
  }
  return std::nullopt;
}

void TunnelPool::release(const pfcp::FTeid& tunnel) { require(out_.erase(tunnel.teid) == 1); }

TunnelsOnTrial::~TunnelsOnTrial() {
  for (const pfcp::FTeid& tunnel : allocated_) pool_.release(tunnel);
}

std::optional<pfcp::FTeid> TunnelsOnTrial::allocate(bool v4, bool v6) {
  auto tunnel = pool_.allocate(v4, v6);
  if (tunnel) allocated_.push_back(*tunnel);
  return tunnel;
}

void TunnelsOnTrial::release(const pfcp::FTeid& tunnel) {
  std::erase(allocated_, tunnel);
  pool_.release(tunnel);
}

}  // namespace lobo::dataplane::n4
