#include "admin_routes.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "output.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view parked_path = "/admin/parked-notifications";
constexpr std::string_view resend_end = "/resend";

http::Response text_response(int status, std::string_view type, std::string body) {
  return {
      .status = status, .headers = {{"content-type", std::string(type)}}, .body = std::move(body)};
}
http::Response json_response(std::string body) {
  return text_response(200, "application/json", std::move(body));
}

std::string parked_json(const runtime::StoredEffect& effect) {
  return fmt::format(
      R"({{"id":{},"subscription":{{"kind":{},"id":{}}},"attempts":{},"notification":{}}})",
      effect.id, json_quoted(effect.from.kind), json_quoted(effect.from.id), effect.attempts,
      effect.body);
}

/// The parked notifications after the query's `after`, and where to go on.
Result<http::Response> list_parked(const AdminSources& sources, std::string_view query_text) {
  std::uint64_t after = 0;
  const auto query = http::parse_query(query_text);
  if (!query) return fail(query.error());
  for (const auto& [name, value] : *query) {
    const auto number = parse_decimal(value);
    if (name != "after" || !number)
      return fail(Errc::malformed, "only after=NUMBER is known here",
                  {{Errc::malformed, "query:" + name, "unknown"}});
    after = *number;
  }
  std::string items;
  std::size_t found = 0;
  for (bool more = true; more && found < parked_page_max;) {
    const auto page = sources.store.effects(after, parked_page_max);
    if (!page) return fail(page.error());
    more = page->size() == parked_page_max;
    for (const auto& effect : *page) {
      after = effect.id;
      if (!effect.parked) continue;
      items += (items.empty() ? "" : ",") + parked_json(effect);
      if (++found == parked_page_max) break;
    }
  }
  return json_response(fmt::format(R"({{"parked":[{}],"next":{}}})", items, after));
}

Result<http::Response> resend(const AdminSources& sources, std::string_view number) {
  const auto id = parse_decimal(number);
  if (!id) return fail(Errc::not_found, "a parked notification has a number");
  if (const auto sent = sources.notifier.resend(*id); !sent) return fail(sent.error());
  return http::Response{.status = 202, .headers = {}, .body = {}};
}

}  // namespace

Result<http::Response> AdminHandler::decide(const http::Request& request) const {
  if (!request.peer.loopback)
    return fail(Errc::forbidden, "administration is for this machine only");
  const auto [path, query] = http::split_target(request.target);
  const bool reads = request.method == "GET";
  if (path.starts_with(parked_path) && path.ends_with(resend_end) &&
      path.size() > parked_path.size() + resend_end.size()) {
    if (request.method != "POST")
      return fail(Errc::method_unknown, "a notification is resent by POST");
    const std::size_t from = parked_path.size() + 1;
    return resend(sources_, path.substr(from, path.size() - from - resend_end.size()));
  }
  const bool known = path == "/metrics" || path == "/status/health" || path == "/status/ready" ||
                     path == "/status/capabilities" || path == parked_path;
  if (!known)
    return fail(Errc::not_found,
                "known are /metrics, /status/health, /status/ready, /status/capabilities "
                "and /admin/parked-notifications");
  if (!reads) return fail(Errc::method_unknown, "only GET is answered here");
  if (path == "/metrics")
    return text_response(200, "text/plain; version=0.0.4; charset=utf-8", sources_.metrics());
  if (path == "/status/health") return json_response(R"({"status":"alive"})");
  if (path == "/status/capabilities") return json_response(sources_.capabilities());
  if (path == parked_path) return list_parked(sources_, query);
  if (const auto ready = sources_.ready(); !ready) return fail(ready.error());
  return json_response(R"({"status":"ready"})");
}

void AdminHandler::handle(http::Request request, ReplyFn reply) {
  auto response = decide(request);
  reply(response ? std::move(*response) : http::problem(response.error()));
}

}  // namespace lobo::app
