#pragma once
// TEIDs of our own: unguessable, and as far apart in time as 32 bits allow. They are the values of
// a keyed permutation of a counter, so one comes again only after all others: that is the
// quarantine of a TEID given back, which a gNB may still send to, and it needs no list.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/rng.hpp"
#include "dataplane/n4/claims.hpp"
#include "dataplane/rules/apply.hpp"
#include "model/address.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

class TunnelPool final : public Tunnels {
 public:
  /// `claims`: tunnels that control planes chose are not chosen again.
  TunnelPool(std::optional<model::Ipv4Address> v4, std::optional<model::Ipv6Address> v6, Rng& rng,
             const Claims& claims);

  std::optional<pfcp::FTeid> allocate(bool v4, bool v6) override;
  void release(const pfcp::FTeid& tunnel) override;
  std::size_t size() const { return out_.size(); }

 private:
  std::uint32_t permuted(std::uint32_t number) const;

  std::optional<model::Ipv4Address> v4_;
  std::optional<model::Ipv6Address> v6_;
  const Claims& claims_;
  std::array<std::uint64_t, 4> keys_{};
  std::uint32_t next_ = 0;
  std::unordered_set<std::uint32_t> out_;
};

/// Allocations on trial: what is not kept goes back when this one ends.
class TunnelsOnTrial final : public Tunnels {
 public:
  explicit TunnelsOnTrial(Tunnels& pool) : pool_(pool) {}
  TunnelsOnTrial(const TunnelsOnTrial&) = delete;
  TunnelsOnTrial& operator=(const TunnelsOnTrial&) = delete;
  ~TunnelsOnTrial() override;

  std::optional<pfcp::FTeid> allocate(bool v4, bool v6) override;
  void release(const pfcp::FTeid& tunnel) override;
  void keep() { allocated_.clear(); }

 private:
  Tunnels& pool_;
  std::vector<pfcp::FTeid> allocated_;
};

}  // namespace lobo::dataplane::n4
