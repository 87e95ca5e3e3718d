#pragma once
// Step 2: what policies make of a request. A pure function of both, so that the enabler's server,
// its client and SEALDD's copy of the policies come to the same result; MMES has the last word
// because its policies are the newest.
//
// - Permissions of all policies that concern an asset intersect. One that denies, or that leaves
//   nothing to publish or to see, refuses the asset.
// - Numbers are clamped: each bound is that of the first policy that has it, the highest priority
// first
//   and equal ones by identifier. Where the floor of one lies above the ceiling of another, the one
//   that comes first wins.
// - What is a list or a choice (ladder, schedule, redundancy, thresholds, measurement, SEALDD's
// actions) is that
//   of the first policy that has it, else the request's.
// - Each member of the result has one entry in its trace.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/mm_das.hpp"
#include "sync/policy.hpp"

namespace lobo::sync {

inline constexpr std::string_view cause_denied = "POLICY_DENIED";
inline constexpr std::string_view cause_not_supportable = "QOS_NOT_SUPPORTABLE";
inline constexpr std::string_view cause_too_many = "TOO_MANY_ASSETS_OF_UE";
inline constexpr std::string_view cause_depends = "DEPENDS_ON_REFUSED";

api::mm_das::ResolvedAsset resolve_asset(const api::mm_das::SyncSessionReq& session,
                                         const api::mm_das::SyncAsset& asset,
                                         std::span<const PolicyPtr> policies);

struct Resolution {
  std::vector<api::mm_das::ResolvedAsset> assets;  ///< in the order of the request
  std::string policy_version;                      ///< of all policies that had a say
};

/// All assets of a session: also how many a UE may have, and what depends on what. The UE keeps
/// those of the highest priority, equal ones in the order of the request.
Resolution resolve(const api::mm_das::SyncSessionReq& session, std::span<const PolicyPtr> policies);

}  // namespace lobo::sync
