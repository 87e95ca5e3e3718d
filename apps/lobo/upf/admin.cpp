#include "upf/admin.hpp"

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

http::Response UpfAdmin::answer(const http::Request& request) const {
  constexpr std::string_view json = "application/json";
  if (!request.peer.loopback)
    return http::problem({Errc::forbidden, "administration is for this machine only", {}});
  const std::string_view path = http::split_target(request.target).path;
  const bool known = path == "/metrics" || path == "/status/health" || path == "/status/ready" ||
                     path == "/status/upf";
  if (!known)
    return http::problem(
        {Errc::not_found, "known are /metrics, /status/health, /status/ready, /status/upf", {}});
  if (request.method != "GET") {
    auto response = http::problem({Errc::method_unknown, "only GET is answered here", {}});
    response.headers.add("allow", "GET");
    return response;
  }
  if (path == "/metrics") return page("text/plain; version=0.0.4; charset=utf-8", pages_.metrics());
  if (path == "/status/upf") return page(json, pages_.status());
  if (path == "/status/ready")
    if (const auto ready = pages_.ready(); !ready) return http::problem(ready.error());
  return page(json, "{\"status\":\"up\"}");
}

void UpfAdmin::handle(http::Request request, ReplyFn reply) { reply(answer(request)); }

}  // namespace lobo::app
