#pragma once
// A policy as it counts for resolving: what was said, and by which version of which policy.

#include <cstdint>
#include <memory>
#include <string>

#include "api/mm_das.hpp"
#include "api/mm_pol.hpp"
#include "base/result.hpp"

namespace lobo::sync {

struct Policy {
  std::string id;
  std::uint64_t version = 0;
  api::mm_pol::SyncPolicyReq said;

  /// "policyId@version"
  std::string source() const { return id + '@' + std::to_string(version); }
  std::int64_t priority() const { return said.priority.value_or(0); }
  bool operator==(const Policy&) const = default;
};
using PolicyPtr = std::shared_ptr<const Policy>;

/// Whether the policy speaks of this asset in this session.
bool concerns(const Policy& policy, const api::mm_das::SyncSessionReq& session,
              const api::mm_das::SyncAsset& asset);

/// Refuses a policy that contradicts itself: a floor above its ceiling, a ladder that rises,
/// bandwidth that shall and shall not be reallocated, a permission that permits nothing, and times
/// nobody can read.
Result<void> check_policy(const api::mm_pol::SyncPolicyReq& policy);

/// The VAL UE or VAL user, whichever it is.
const std::string& id_of(const api::common::ValTargetUe& ue);

}  // namespace lobo::sync
