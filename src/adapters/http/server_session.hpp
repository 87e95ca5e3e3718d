#pragma once
// The server's side of a connection, as sessions without a socket.

#include <memory>
#include <string>

#include "adapters/http/server.hpp"
#include "adapters/http/session.hpp"
#include "wire/http/growing_body.hpp"

namespace lobo::adapters {

/// What the sessions of one server share.
struct ServerShared {
  runtime::HttpHandler* handler = nullptr;
  ServerLimits limits;
  ServerCounters counters;
  http::GrowingBodiesPtr growing;  ///< null: every body is whole

  /// "Sun, 06 Nov 1994 08:49:37 GMT", made once a second.
  const std::string& date(SteadyTime now);

 private:
  std::string date_;
  SteadyTime date_made_{};
};
/// What a handler may answer: a status of 200 to 599; anything else becomes 500.
http::Response checked(http::Response response);
/// The body that grows behind this response, or null; the ticket for it is taken off.
http::GrowingBodyPtr claim_growing(const ServerShared& shared, http::Response& response);
/// For an answer whose requester has gone: whoever feeds its body learns it.
void abandon_growing(const ServerShared& shared, http::Response& response);

using ServerSharedPtr = std::shared_ptr<ServerShared>;

/// Begins as neither version and becomes the one that ALPN or the first bytes tell.
std::shared_ptr<Session> make_server_session(ServerSharedPtr shared, Transport& transport,
                                             const Established& facts, SteadyTime now);
std::shared_ptr<Session> make_http1_server(ServerSharedPtr shared, Transport& transport,
                                           const Established& facts, SteadyTime now);
std::shared_ptr<Session> make_http2_server(ServerSharedPtr shared, Transport& transport,
                                           const Established& facts, SteadyTime now);

}  // namespace lobo::adapters
