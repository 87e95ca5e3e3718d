#include "demo_live/n4_listener.hpp"

#include <fmt/format.h>

#include <chrono>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "model/address.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/pfcp/header.hpp"

namespace lobo::app {

bool N4Listener::take(Bytes frame, std::chrono::nanoseconds since_1970) {
  const auto view = packet::parse_ethernet(frame);
  if (!view.has_udp ||
      (view.flow.source_port != pfcp::udp_port && view.flow.destination_port != pfcp::udp_port))
    return false;
  const auto message = pfcp::parse_message(view.user_data());
  if (!message.ok()) return true;
  if (message.type == pfcp::MessageType::heartbeat_request ||
      message.type == pfcp::MessageType::heartbeat_response)
    return true;
  const std::string_view name = pfcp::to_string(message.type);
  const std::scoped_lock lock(lock_);
  if (messages_.size() < n4_messages_max)
    messages_.push_back({.at = since_1970,
                         .from = model::to_text(view.flow.source()),
                         .text = fmt::format("PFCP {}", name),
                         .request = name.ends_with("request")});
  return true;
}

std::vector<N4Message> N4Listener::messages() const {
  const std::scoped_lock lock(lock_);
  return messages_;
}

}  // namespace lobo::app
