#pragma once
// What SEALDD is asked (step 3), as plain HTTP requests, and what its answers mean. One connection
// for each UE of the session; policies and measurement of that UE's assets beside it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/mm_callbacks.hpp"
#include "api/mm_das.hpp"
#include "api/sdd_connections.hpp"
#include "api/state/metaverse.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/metaverse/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::metaverse {

/// The flow of one asset at its UE, at the tier where it is.
api::sdd_connections::SddFlowReq flow_of(const api::mm_das::SyncAsset& asked,
                                         const api::state::metaverse::AssetState& asset);

struct ConnectTerms {
  std::string room;
  std::string notif_uri;
  Instant expires;
};
/// The body of POST /sdd-trans/v1/connections. `flows` is a JSON object of SddFlowReq by asset.
std::string connect_body(const api::mm_das::SyncSessionReq& session,
                         const api::common::ValTargetUe& ue, std::string_view flows,
                         const ConnectTerms& terms);
/// The merge patch from `before` to `after`, both objects of flows by asset.
std::string change_body(std::string_view before, std::string_view after,
                        std::optional<Instant> expires);

http::Request connect_request(std::string body, std::string_view key);
http::Request change_request(std::string_view connection, std::string body);
http::Request release_request(std::string_view connection);
http::Request state_request(std::int64_t flow, std::string_view asset);
http::Request policy_request(std::string body, std::string_view key);
http::Request policy_change_request(std::string_view id, std::string body);
http::Request policy_release_request(std::string_view id);
http::Request measure_request(std::string body, std::string_view key);
http::Request measure_release_request(std::string_view id);

/// What an answer means for what was asked.
enum class Verdict : std::uint8_t {
  done,
  refused,  ///< it will not, however often it is asked
  gone,     ///< there is no such thing
  unsent,   ///< it never heard of it
  unknown,  ///< it may have heard, or may be ill: ask again
};
struct Heard {
  Verdict verdict = Verdict::unknown;
  std::string cause;  ///< of a refusal, for people
};
Heard heard(const Result<http::Response>& response, std::string_view who = "SEALDD");

/// The last segment of Location.
std::optional<std::string> id_in_location(const http::Response& response);

/// The connection that an answer shows.
Result<api::sdd_connections::SddConnection> connection_in(const http::Response& response);

}  // namespace lobo::metaverse
