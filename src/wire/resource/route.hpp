#pragma once
// Routes as data: the generated part (method, path, scope) of each operation of api/*.yaml, and the
// hand-written part that a service binds to it.

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::resource {

/// How an operation is protected. Every route declares one; a test reads the whole table.
enum class Protection : std::uint8_t {
  token,     ///< a bearer token (or verified certificate) with the operation's scope
  secret,    ///< an unguessable path segment that we handed out ourselves: callbacks
  loopback,  ///< only from this machine: administration
  none,      ///< health, readiness, capabilities
};

/// One operation of an API document; tables of these are generated from api/*.yaml.
struct Operation {
  std::string_view id;  ///< operationId
  std::string_view method;
  std::string_view
      path;  ///< server base and template: "/ss-nra/v1/unicast-subscriptions/{uniSubId}"
  std::string_view scope;         ///< empty unless protection is token
  std::string_view content_type;  ///< of the request body; empty: the operation takes none
  Protection protection = Protection::token;
  std::size_t body_bytes_max = 65536;
  std::string_view other_content_type = {};  ///< that the body may be of as well
};

using PathParams = std::map<std::string, std::string, std::less<>>;  ///< percent-decoded

struct RouteContext {
  const http::Request& request;
  const PathParams& params;
  const Principal& who;
  const Lookup& lookup;
  Instant now;
  std::string_view fresh_id;  ///< for a resource that this request may create
};

/// Send the request to a resource's state machine as a Command (or Callback), which will reply.
struct Dispatch {
  Key to;
  bool creates = false;  ///< Idempotency-Key and the owner's quota apply
};

using Decision = std::variant<http::Response, Dispatch>;

struct Route {
  Operation operation;
  std::function<Result<Decision>(const RouteContext&)> handle;
};

}  // namespace lobo::resource
