#pragma once
// What NRM is asked (TS 23.434 clause 14.3.5.4.2, T69), as plain HTTP requests: one management of
// QoS for each UE of a session, all of a session with one multiModalId. UE by UE, because a UE
// comes, goes and is refused by itself, and the next one shall not wait for it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/common.hpp"
#include "api/mm_das.hpp"
#include "api/state/metaverse.hpp"
#include "api/sync_types.hpp"
#include "wire/http/message.hpp"

namespace lobo::metaverse {

struct NetworkTerms {
  std::string session_id;
  std::string val_service_id;
  std::string node;  ///< by which SEALDD calls the server of the flows
  const api::sync_types::ConnInfo& at;
  std::string notif_uri;
};
/// The body of POST /ss-nra/v1/mm-qos for what these assets of one UE need together. Nothing where
/// they need nothing that a network could promise.
std::optional<std::string> network_body(
    const api::common::ValTargetUe& ue,
    const std::vector<const api::state::metaverse::AssetState*>& assets, const NetworkTerms& terms);
/// What of it a PATCH may carry.
std::string network_change_body(std::string_view wanted);

http::Request network_request(std::string body, std::string_view key);
http::Request network_change_request(std::string_view id, std::string body);
http::Request network_release_request(std::string_view id);

}  // namespace lobo::metaverse
