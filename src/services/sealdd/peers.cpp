#include "services/sealdd/peers.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/common.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::sealdd {

namespace {
constexpr std::uint64_t backoff_doublings_max = 10;
}  // namespace

Verdict verdict_of(const Result<http::Response>& response) {
  if (!response)
    return response.error().code == Errc::too_many ? Verdict::unsent : Verdict::unknown;
  const int status = response->status;
  if (status >= 200 && status < 300) return Verdict::done;
  if (status == 404) return Verdict::gone;
  // It may change its mind about these: later, or once it is well again. 409 with Retry-After is
  // the same request still under way.
  const bool later = status == 408 || status == 425 || status == 429 || status >= 500 ||
                     status < 200 || (status == 409 && response->headers.find("retry-after"));
  return later ? Verdict::unknown : Verdict::refused;
}

std::string cause_of(const Result<http::Response>& response, std::string_view who) {
  std::string out(who);
  if (!response) return out + " cannot be reached";
  out += " answered " + std::to_string(response->status);
  const auto problem = json::read<api::common::ProblemDetails>(response->body);
  if (problem && problem->cause) out += ' ' + *problem->cause;
  if (problem && problem->detail) out += ": " + *problem->detail;
  return out;
}

std::optional<std::string> id_in_location(const http::Response& response) {
  const auto location = response.headers.find("location");
  if (!location) return std::nullopt;
  const auto path = http::split_target(*location).path;
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == path.size()) return std::nullopt;
  return http::percent_decode(path.substr(slash + 1));
}

http::Request peer_request(std::string_view method, std::string target, std::string body) {
  http::Request request;
  request.method = std::string(method);
  request.target = std::move(target);
  request.headers.add("accept", "application/json, application/problem+json");
  if (!body.empty()) request.headers.add("content-type", "application/json");
  request.body = std::move(body);
  return request;
}

http::Request peer_create(std::string_view collection, std::string body, std::string_view key) {
  auto request = peer_request("POST", std::string(collection), std::move(body));
  request.headers.add("idempotency-key", std::string(key));
  return request;
}

std::chrono::milliseconds pause_after(std::uint64_t attempts, std::string_view id,
                                      const Settings& settings) {
  auto pause = settings.retry_first;
  for (std::uint64_t i = 0; i < std::min(attempts, backoff_doublings_max); ++i) pause *= 2;
  pause = std::min(pause, settings.retry_max);
  return pause + pause * static_cast<std::int64_t>(fnv1a(id) % 256) / 1024;
}

}  // namespace lobo::sealdd
