#pragma once
// Effects are data. A state machine returns them; runtime/effect_runner commits them with the new
// state and performs them afterwards. CallNetwork, Notify, StartTimer and Tell are stored (the
// outbox), so their JSON form carries a version and must stay readable for the next release. Reply
// and Observe are not: they end with the process.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/record.hpp"

namespace lobo::resource {

/// Names one request that waits for its answer. Never used twice, not even across restarts.
using RequestId = std::uint64_t;

/// Answers a waiting request; nothing happens when the requester has gone.
struct Reply {
  RequestId request{};
  http::Response response;
  bool representation = false;  ///< the body shows the new state: an ETag of its version is added
  bool operator==(const Reply&) const = default;
};

/// A request to a network API. The answer comes back as NetworkAnswer with the same `name`.
/// A resource has at most one call of a name under way.
struct CallNetwork {
  std::string name;  ///< "reserve", "release", …
  std::string peer;  ///< which configured network function: "nef", "pcf"; gives root, credentials
  http::Request request;  ///< target relative to the peer's API root; scheme and authority unset
  std::chrono::milliseconds deadline{5000};
  bool operator==(const CallNetwork&) const = default;
};

/// A notification to an application. Delivered at least once, in order of `sequence`.
struct Notify {
  std::string to;            ///< absolute URI
  std::uint64_t sequence{};  ///< per subscription, from 1, without holes
  std::string body;          ///< JSON
  std::string clause;        ///< the procedure that it belongs to, for log and trace
  bool operator==(const Notify&) const = default;
};

/// A timer of this resource; a second one of the same name replaces the first.
struct StartTimer {
  std::string name;
  Instant due;
  bool operator==(const StartTimer&) const = default;
};

struct StopTimer {
  std::string name;
  bool operator==(const StopTimer&) const = default;
};

/// What one resource says to another; arrives as Told.
struct Tell {
  Key to;
  std::string what;
  std::string body;  ///< JSON or empty
  bool operator==(const Tell&) const = default;
};

/// What those that live in memory only shall know of: measured values, and who wants them. Handed
/// over in the order of the decisions of one resource, after the commit where there is one; an
/// outcome with nothing but replies and observations costs none. Lost with the process, so whoever
/// keeps it must be able to begin anew (docs/adr/0010-observations.md).
struct Observe {
  std::string what;
  std::string body;  ///< JSON or empty
  bool operator==(const Observe&) const = default;
};

using Effect = std::variant<Reply, CallNetwork, Notify, StartTimer, StopTimer, Tell, Observe>;

/// The stored form of an effect: {"v":1,"type":"call",…}. Reply and Observe are never stored.
std::string to_json(const Effect& effect);
Result<Effect> effect_from_json(std::string_view text);

}  // namespace lobo::resource
