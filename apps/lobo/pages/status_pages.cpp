#include "pages/status_pages.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {
namespace {

http::Response page(std::string_view type, std::string body) {
  return {.status = 200, .headers = {{"content-type", std::string(type)}}, .body = std::move(body)};
}

}  // namespace

http::Response json_page(std::string body) { return page("application/json", std::move(body)); }

http::Response no_method(std::string_view allowed) {
  auto response =
      http::problem({Errc::method_unknown, "answered here: " + std::string(allowed), {}});
  response.headers.add("allow", std::string(allowed));
  return response;
}

http::Response not_from_here() {
  return http::problem({Errc::forbidden, "administration is for this machine only", {}});
}

http::Response StatusPages::answer(const http::Request& request) const {
  if (!request.peer.loopback) return not_from_here();
  const std::string_view path = http::split_target(request.target).path;
  const std::string own = "/status/" + sources_.name;
  const bool known =
      path == "/metrics" || path == "/status/health" || path == "/status/ready" || path == own;
  if (!known)
    return http::problem(
        {Errc::not_found,
         "known are /metrics, /status/health, /status/ready, " + own + sources_.more,
         {}});
  if (request.method != "GET") return no_method("GET");
  if (path == "/metrics")
    return page("text/plain; version=0.0.4; charset=utf-8", sources_.metrics());
  if (path == own) return json_page(sources_.status());
  if (path == "/status/ready")
    if (const auto ready = sources_.ready(); !ready) return http::problem(ready.error());
  return json_page("{\"status\":\"up\"}");
}

}  // namespace lobo::app
