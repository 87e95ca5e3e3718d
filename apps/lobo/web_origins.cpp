#include "web_origins.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "wire/http/message.hpp"

namespace lobo::app {

std::string WebOrigins::allowed(const http::Request& request) const {
  const auto origin = request.headers.find("origin");
  if (!origin || std::ranges::none_of(prefixes_, [&](const std::string& prefix) {
        return request.target.starts_with(prefix);
      }))
    return {};
  if (std::ranges::find(origins_, "*") != origins_.end()) return "*";
  const auto found = std::ranges::find(origins_, *origin);
  return found == origins_.end() ? std::string() : *found;
}

void WebOrigins::handle(http::Request request, ReplyFn reply) {
  const auto origin = allowed(request);
  if (origin.empty()) return inner_.handle(std::move(request), std::move(reply));
  // A preflight carries no token, so that it has to be answered before anybody asks for one.
  if (request.method == "OPTIONS" && request.headers.find("access-control-request-method")) {
    http::Response answer{204, {}, {}};
    answer.headers.add("access-control-allow-origin", origin);
    answer.headers.add("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS");
    answer.headers.add("access-control-allow-headers",
                       "authorization, content-type, accept, if-none-match, idempotency-key");
    answer.headers.add("access-control-max-age", "86400");
    answer.headers.add("vary", "origin");
    return reply(std::move(answer));
  }
  inner_.handle(
      std::move(request), [origin, reply = std::move(reply)](http::Response response) mutable {
        response.headers.add("access-control-allow-origin", origin);
        response.headers.add("access-control-expose-headers", "etag, location, retry-after");
        response.headers.add("vary", "origin");
        reply(std::move(response));
      });
}

}  // namespace lobo::app
