#pragma once
// Messages as bytes: for the .cpp files of N4Agent.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/types.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"

namespace lobo::dataplane::n4 {

inline MessageBytes message_of(Bytes room, std::size_t size) {
  const Bytes message = room.first(size);
  return std::make_shared<const std::vector<std::byte>>(message.begin(), message.end());
}

/// What we write fits: a session has at most 64 rules of a kind, of which each makes a few reports.
template <class Message>
MessageBytes N4Agent::written(const pfcp::Envelope& envelope, const Message& message) {
  const std::size_t size = pfcp::write_message(room_, envelope, message);
  require(size > 0);
  return message_of(room_, size);
}

template <class Message>
MessageBytes N4Agent::respond(const Request& request, std::uint64_t seid, const Message& message) {
  const pfcp::Envelope& asked = request.view.envelope;
  return written(
      {.seid = seid, .sequence_number = asked.sequence_number, .priority = asked.priority},
      message);
}

}  // namespace lobo::dataplane::n4
