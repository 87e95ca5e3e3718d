#pragma once
// What the answer of a peer means for what it was asked. Private to this folder.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::sealdd {

enum class Verdict : std::uint8_t {
  done,
  refused,  ///< it will not, however often it is asked
  gone,     ///< there is no such thing
  unsent,   ///< it never heard of it
  unknown,  ///< it may have heard, or may be ill: ask again
};
Verdict verdict_of(const Result<http::Response>& response);

/// For people: who said what.
std::string cause_of(const Result<http::Response>& response, std::string_view who);

/// The last segment of Location.
std::optional<std::string> id_in_location(const http::Response& response);

http::Request peer_request(std::string_view method, std::string target, std::string body = {});
/// Whatever became of the first one, the second makes nothing new.
http::Request peer_create(std::string_view collection, std::string body, std::string_view key);

/// Before the next attempt. Spread by a quarter, by `id`, so that those that failed together do not
/// come back together, and the same history gives the same times.
std::chrono::milliseconds pause_after(std::uint64_t attempts, std::string_view id,
                                      const Settings& settings);

}  // namespace lobo::sealdd
