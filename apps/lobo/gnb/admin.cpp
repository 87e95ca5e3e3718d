#include "gnb/admin.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "gnb/cell_change.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view json = "application/json";

http::Response page(std::string_view type, std::string body) {
  return {.status = 200, .headers = {{"content-type", std::string(type)}}, .body = std::move(body)};
}

http::Response no_method(std::string_view allowed) {
  auto response =
      http::problem({Errc::method_unknown, "answered here: " + std::string(allowed), {}});
  response.headers.add("allow", std::string(allowed));
  return response;
}

}  // namespace

http::Response GnbAdmin::answer_cell(const http::Request& request) const {
  if (request.method == "GET") return page(json, pages_.cell());
  if (request.method != "PUT") return no_method("GET, PUT");
  const auto change = read_cell_change(request.body);
  if (!change) return http::problem(change.error());
  pages_.change(*change);
  return page(json, pages_.cell());
}

http::Response GnbAdmin::answer(const http::Request& request) const {
  if (!request.peer.loopback)
    return http::problem({Errc::forbidden, "administration is for this machine only", {}});
  const std::string_view path = http::split_target(request.target).path;
  if (path == "/status/gnb/cell") return answer_cell(request);
  const bool known = path == "/metrics" || path == "/status/health" || path == "/status/ready" ||
                     path == "/status/gnb";
  if (!known)
    return http::problem({Errc::not_found,
                          "known are /metrics, /status/health, /status/ready, /status/gnb, "
                          "/status/gnb/cell",
                          {}});
  if (request.method != "GET") return no_method("GET");
  if (path == "/metrics") return page("text/plain; version=0.0.4; charset=utf-8", pages_.metrics());
  if (path == "/status/gnb") return page(json, pages_.status());
  if (path == "/status/ready")
    if (const auto ready = pages_.ready(); !ready) return http::problem(ready.error());
  return page(json, "{\"status\":\"up\"}");
}

void GnbAdmin::handle(http::Request request, ReplyFn reply) { reply(answer(request)); }

}  // namespace lobo::app
