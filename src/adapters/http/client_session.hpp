#pragma once
// The client's side of a connection, as sessions without a socket.

#include <cstdint>
#include <memory>

#include "adapters/http/client.hpp"
#include "adapters/http/session.hpp"

namespace lobo::adapters {

/// How an exchange ended.
struct Ending {
  Result<http::Response> result;
  bool untouched = false;    ///< no byte of an answer arrived
  bool unprocessed = false;  ///< the server cannot have acted on it
};

class ClientSession;

/// What a session tells its pool. Nothing is called within start() or cancel().
struct ClientEvents {
  ClientEvents() = default;
  ClientEvents(const ClientEvents&) = delete;
  ClientEvents& operator=(const ClientEvents&) = delete;
  virtual ~ClientEvents() = default;
  virtual void ended(std::uint64_t ticket, Ending ending) = 0;
  virtual void room_changed() = 0;
  virtual void gone(ClientSession& session) = 0;
};

class ClientSession : public Session {
 public:
  /// How many exchanges may be started now; 0 for good where is_over().
  virtual std::size_t room() const = 0;
  virtual std::size_t running() const = 0;
  virtual bool is_over() const = 0;
  /// At most one call within room(). `request` was checked to be writable.
  virtual void start(std::uint64_t ticket, std::shared_ptr<const http::Request> request,
                     SteadyTime now) = 0;
  virtual void cancel(std::uint64_t ticket) = 0;
};

std::shared_ptr<ClientSession> make_http1_client(const ClientLimits& limits, Transport& transport,
                                                 std::weak_ptr<ClientEvents> events,
                                                 SteadyTime now);
std::shared_ptr<ClientSession> make_http2_client(const ClientLimits& limits, Transport& transport,
                                                 std::weak_ptr<ClientEvents> events,
                                                 SteadyTime now);

}  // namespace lobo::adapters
