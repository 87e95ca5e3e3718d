#pragma once
// How resources are shown.

#include <string>
#include <string_view>
#include <vector>

#include "api/mm_das.hpp"
#include "api/mm_pol.hpp"
#include "api/state/metaverse.hpp"
#include "base/result.hpp"
#include "services/metaverse/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::metaverse {

std::string policy_uri(const Settings& settings, std::string_view id);
std::string session_uri(const Settings& settings, std::string_view id);
std::string subscription_uri(const Settings& settings, std::string_view id);

Result<api::mm_pol::SyncPolicy> policy_view(const api::state::metaverse::PolicyState& state,
                                            std::string_view id, const Settings& settings);
Result<api::mm_das::SyncSubscription> subscription_view(
    const api::state::metaverse::SubscriptionState& state, std::string_view id,
    const Settings& settings);

Result<api::mm_das::SyncSession> session_view(const api::state::metaverse::SessionState& state,
                                              std::string_view id, const Settings& settings);
api::mm_das::GrantedAsset asset_view(const api::state::metaverse::SessionState& state,
                                     const api::state::metaverse::AssetState& asset);
Result<api::mm_das::SyncFlowList> flows_view(const api::state::metaverse::SessionState& state);
api::mm_das::ResolvedSession resolved_view(const api::state::metaverse::SessionState& state,
                                           std::string_view id, const Settings& settings);

/// The asset of that identifier, at that UE where one is named. Refuses what is not there, and an
/// identifier that stands for several.
Result<const api::state::metaverse::AssetState*> asset_of(
    const api::state::metaverse::SessionState& state, std::string_view asset_id,
    std::string_view ue_id);
/// The query's ue-id; empty where there is none.
Result<std::string> ue_id_of(const http::Request& request);

/// A refusal with a cause of ours.
http::Response refusal(int status, std::string_view cause, std::string_view detail,
                       std::vector<Fault> faults = {});

}  // namespace lobo::metaverse
