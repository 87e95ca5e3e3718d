#pragma once
// What every kind of resource offers to the runtime: a pure function from state, event and time to
// the next state and effects. Services implement it; the runtime and the simulator drive it.

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::resource {

/// Who asks: the subject of a verified token or certificate, never a member of a body.
struct Principal {
  std::string subject;
  std::vector<std::string> scopes;
  bool operator==(const Principal&) const = default;
};

/// A request of an application, already authorised and structurally valid.
struct Command {
  RequestId request{};
  std::string operation;  ///< operationId of api/*.yaml
  http::Request http;
  Principal who;
  std::string
      secret;  ///< fresh, unguessable: for the callback URI of a resource made by this command
};

/// The network's answer to CallNetwork `name`, or why there is none (timeout, unavailable).
struct NetworkAnswer {
  std::string name;
  Result<http::Response> response;
};

/// A request of the network to our callback URI. Must be answered through Reply{request}.
struct Callback {
  RequestId request{};
  std::string secret;  ///< as it stood in the path
  http::Request http;
};

struct TimerFired {
  std::string name;
};

struct Told {
  Key from;
  std::string what;
  std::string body;
};

/// After a restart: call `name` was under way and nobody knows whether the network saw it.
struct Recovered {
  std::string call;
};

using Event = std::variant<Command, NetworkAnswer, Callback, TimerFired, Told, Recovered>;

/// What becomes of the resource. `keep`: nothing is written but the effects.
enum class Change : std::uint8_t { keep, put, erase };

struct Outcome {
  Change change = Change::keep;
  std::string state;    ///< with `put`
  std::string owner;    ///< with `put`
  std::string subject;  ///< with `put`
  std::vector<Effect> effects;
  std::string clause;  ///< the procedure step that this was, for log and trace
};

struct Machine {
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual ~Machine() = default;

  virtual std::string_view kind() const = 0;

  /// `current` is null when there is no such resource. An Error refuses the event: nothing changes,
  /// and a waiting requester is answered with its ProblemDetails.
  virtual Result<Outcome> step(const Record* current, const Key& key, const Event& event,
                               Instant now, const Lookup& lookup) const = 0;
};

}  // namespace lobo::resource
