#pragma once
// Who drives a connection of a key channel, apart from how connections are made.

#include <string_view>

#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"

namespace lobo::adapters {

inline constexpr std::string_view key_channel_alpn = "lobo-xrm-keys";

/// Called on the loop, until KeySession::finish().
struct KeySessionOwner {
  KeySessionOwner() = default;
  KeySessionOwner(const KeySessionOwner&) = delete;
  KeySessionOwner& operator=(const KeySessionOwner&) = delete;
  virtual ~KeySessionOwner() = default;
  virtual void key_message(const xrm::KeyMessage& message) = 0;
  virtual void key_malformed(xrm::KeyFailure failure) = 0;
  virtual void key_closed(xrm::KeyCause cause) = 0;
};

}  // namespace lobo::adapters
