#include "steering/steer_endpoint.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "energy/steering/answer.hpp"
#include "energy/steering/query.hpp"
#include "steering/steer_config.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
namespace steering = energy::steering;

/// A page of any origin may ask, and may read when to ask again: dash.js needs to see Retry-After,
/// should anything between us and it answer 429.
http::Headers for_any_origin() {
  http::Headers headers;
  headers.reserve(6);
  headers.add("access-control-allow-origin", "*");
  headers.add("access-control-expose-headers", "Retry-After, Date");
  return headers;
}

http::Response preflight() {
  http::Response response{.status = 204, .headers = for_any_origin()};
  response.headers.add("access-control-allow-methods", "GET, HEAD, OPTIONS");
  response.headers.add("access-control-allow-headers", "*");
  response.headers.add("access-control-max-age", "86400");
  return response;
}

/// "http://host:port" as the player wrote it: Shaka Player takes a RELOAD-URI as it stands, a
/// relative one would be its last. A proxy that ends TLS tells the scheme; who lies misleads itself
/// alone.
std::string origin_of(const http::Request& request) {
  if (request.authority.empty()) return {};
  const auto told = request.headers.find("x-forwarded-proto");
  const bool said = told && (*told == "http" || *told == "https");
  return (said ? std::string(*told) : request.scheme) + "://" + request.authority;
}

}  // namespace

SteerEndpoint::SteerEndpoint(const SteerConfig& config, const Clock& clock, Rng& rng, Plan plan,
                             Keys keys)
    : path_(config.path),
      requests_per_second_(config.requests_per_second),
      settings_(config.settings),
      clock_(clock),
      rng_(rng) {
  while (path_.ends_with('/')) path_.pop_back();
  change(std::move(plan), std::move(keys));
}

void SteerEndpoint::change(Plan plan, Keys keys) {
  require(plan != nullptr && keys != nullptr);
  plan_ = std::move(plan);
  keys_ = std::move(keys);
}

bool SteerEndpoint::is_ours(std::string_view path) const {
  return path.starts_with(path_) && (path.size() == path_.size() || path[path_.size()] == '/');
}

double SteerEndpoint::stretch(Instant now) {
  ++in_window_;
  const auto length = now - window_;
  if (length >= 1s || length < 0s) {
    const double seconds = std::max(1.0, std::chrono::duration<double>(length).count());
    stretch_ = std::max(1.0, static_cast<double>(in_window_) / seconds / requests_per_second_);
    window_ = now;
    in_window_ = 0;
  }
  return stretch_;
}

void SteerEndpoint::handle(http::Request request, ReplyFn reply) {
  const auto [path, query] = http::split_target(request.target);
  if (!is_ours(path)) {
    ++counters_.elsewhere;
    return reply({.status = 404, .headers = for_any_origin()});
  }
  if (request.method == "OPTIONS") return reply(preflight());
  if (request.method != "GET" && request.method != "HEAD") {
    http::Response refused{.status = 405, .headers = for_any_origin()};
    refused.headers.add("allow", "GET, HEAD, OPTIONS");
    return reply(std::move(refused));
  }
  const Instant now = clock_.now();
  const auto asked = steering::parse_steering_query(query);
  const double longer = stretch(now);
  const auto told = steering::answer(*plan_, asked, now, *keys_, rng_.next(), longer, settings_);
  ++counters_.answers;
  if (told.fate == steering::TokenFate::none) ++counters_.sessions;
  if (told.fate == steering::TokenFate::expired) ++counters_.expired;
  if (told.fate == steering::TokenFate::foreign) ++counters_.foreign;
  if (told.demoted) ++counters_.demoted;
  if (told.move_pending) ++counters_.moves_pending;
  if (longer > 1) ++counters_.stretched;
  if (told.held) ++counters_.held;
  if (sightings_ != nullptr)
    sightings_->add({told.session, told.group, told.priority.front(), told.failed});

  http::Response response{.status = 200, .headers = for_any_origin()};
  response.headers.add("content-type", "application/json");
  response.headers.add("cache-control", "no-store");
  response.body =
      steering::write_answer(told, origin_of(request) + std::string(path), asked.manifest);
  reply(std::move(response));
}

}  // namespace lobo::app
