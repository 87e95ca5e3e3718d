#pragma once
// What goes into and comes out of the UPF's side of N4, as values.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "model/address.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

struct Endpoint {
  model::IpAddress address;
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

/// A message as it is sent. Shared, because it may have to be sent again.
using MessageBytes = std::shared_ptr<const std::vector<std::byte>>;
struct Datagram {
  Endpoint to;
  MessageBytes bytes;
};

enum class Happening : std::uint8_t {
  not_pfcp,         ///< `fault` says why; nothing is answered
  other_version,    ///< answered
  unknown_message,  ///< nothing is answered
  refused,          ///< a request; `refusal` says why
  cannot_answer,    ///< a request that cannot be read and whose response has no Cause
  congested,        ///< a request was refused for want of room for its answer
  repeated,         ///< a request that was done before: its answer was sent again
  stale_response,   ///< to no request of ours, or the second one
  not_served,       ///< an accepted request asks for what is not done; `refusal` names it
  associated,
  released,
  restarted,     ///< a control plane told another recovery time stamp
  silent,        ///< a control plane does not answer heartbeats; its sessions go on
  given_up,      ///< it was silent for too long: association and sessions are gone
  no_response,   ///< to a session's report; what it told is lost, UR-SEQN shows the gap
  not_accepted,  ///< a report; `refusal` has the cause
  orphaned,      ///< the control plane does not know the session any more: it is gone
};
constexpr std::string_view to_string(Happening happening) {
  switch (happening) {
    case Happening::not_pfcp: return "not_pfcp";
    case Happening::other_version: return "other_version";
    case Happening::unknown_message: return "unknown_message";
    case Happening::refused: return "refused";
    case Happening::cannot_answer: return "cannot_answer";
    case Happening::congested: return "congested";
    case Happening::repeated: return "repeated";
    case Happening::stale_response: return "stale_response";
    case Happening::not_served: return "not_served";
    case Happening::associated: return "associated";
    case Happening::released: return "released";
    case Happening::restarted: return "restarted";
    case Happening::silent: return "silent";
    case Happening::given_up: return "given_up";
    case Happening::no_response: return "no_response";
    case Happening::not_accepted: return "not_accepted";
    case Happening::orphaned: return "orphaned";
  }
  std::abort();
}

/// For a log line.
struct Note {
  Happening what{};
  Endpoint peer;
  std::uint64_t seid = 0;  ///< ours, where it is about a session
  pfcp::MessageType message{};
  pfcp::NotPfcp fault = pfcp::NotPfcp::it_is;
  std::optional<pfcp::Refusal> refusal;
  std::optional<pfcp::FailedRuleId> failed;
};

/// Since the beginning.
struct Counters {
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;    ///< with those that were sent again
  std::uint64_t refused = 0;         ///< requests
  std::uint64_t repeated = 0;        ///< requests answered from what was kept
  std::uint64_t sent_again = 0;      ///< requests of ours
  std::uint64_t not_taken = 0;       ///< datagrams, because too many of ours wait to be sent
  std::uint64_t notes_lost = 0;      ///< beyond notes_max
  std::uint64_t reports_lost = 0;    ///< that nobody answered
  std::uint64_t unknown_events = 0;  ///< of a worker, of what is not there any more
};

}  // namespace lobo::dataplane::n4
