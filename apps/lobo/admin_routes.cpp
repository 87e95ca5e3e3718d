#include "admin_routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "api/admin.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::app {
namespace {

namespace op = api::admin::operation;

template <class T>
http::Response ok(const T& body) {
  return {200, {{"content-type", "application/json"}}, json::write(body)};
}

/// What stands where the template has its parameter; the empty text where it has none. Nothing
/// where the path is another.
std::optional<std::string_view> fits(std::string_view pattern, std::string_view path) {
  const auto wanted = split(pattern.substr(1), '/');
  const auto given = split(path.substr(std::min<std::size_t>(1, path.size())), '/');
  std::string_view parameter;
  if (wanted.size() != given.size()) return std::nullopt;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{'))
      parameter = given[i];
    else if (wanted[i] != given[i])
      return std::nullopt;
  }
  return parameter;
}

/// Nothing where the stored form is not one of a notification that can be shown.
std::optional<api::admin::ParkedNotification> parked_item(const runtime::StoredEffect& effect) {
  auto stored = resource::effect_from_json(effect.body);
  auto* notify = stored ? std::get_if<resource::Notify>(&*stored) : nullptr;
  if (notify == nullptr || !json::parse(notify->body)) return std::nullopt;
  api::admin::ParkedNotification item;
  item.id = effect.id;
  item.subscription = {effect.from.kind, effect.from.id};
  item.attempts = effect.attempts;
  item.notif_uri = std::move(notify->to);
  item.seq = notify->sequence;
  item.notification.text = std::move(notify->body);
  return item;
}

Result<std::uint64_t> page_start(std::string_view query_text) {
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
  return after;
}

/// The parked notifications after the query's `after`, and where to go on.
Result<http::Response> list_parked(const AdminSources& sources, std::string_view query) {
  const auto after = page_start(query);
  if (!after) return fail(after.error());
  api::admin::ParkedNotifications out;
  out.next = *after;
  for (bool more = true; more && out.parked.size() < parked_page_max;) {
    const auto page = sources.store.effects(out.next, parked_page_max);
    if (!page) return fail(page.error());
    more = page->size() == parked_page_max;
    for (const auto& effect : *page) {
      out.next = effect.id;
      if (!effect.parked) continue;
      if (auto item = parked_item(effect)) out.parked.push_back(std::move(*item));
      if (out.parked.size() == parked_page_max) break;
    }
  }
  return ok(out);
}

Result<http::Response> resend(const AdminSources& sources, std::string_view number) {
  const auto id = parse_decimal(number);
  if (!id || *id == 0) return fail(Errc::not_found, "a parked notification has a number");
  if (const auto sent = sources.notifier.resend(*id); !sent) return fail(sent.error());
  return http::Response{.status = 202, .headers = {}, .body = {}};
}

Result<http::Response> perform(const AdminSources& sources, std::string_view operation,
                               std::string_view parameter, std::string_view query) {
  if (operation == op::read_metrics)
    return http::Response{
        200, {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}}, sources.metrics()};
  if (operation == op::read_health) return ok(api::admin::Health{});
  if (operation == op::read_capabilities) return ok(sources.capabilities());
  if (operation == op::list_parked_notifications) return list_parked(sources, query);
  if (operation == op::resend_parked_notification) return resend(sources, parameter);
  require(operation == op::read_readiness);  // Every operation of the document is served.
  if (const auto ready = sources.ready(); !ready) return fail(ready.error());
  return ok(api::admin::Readiness{});
}

}  // namespace

http::Response AdminHandler::answer(const http::Request& request) const {
  if (!request.peer.loopback)
    return http::problem({Errc::forbidden, "administration is for this machine only", {}});
  const auto [path, query] = http::split_target(request.target);
  std::string allowed;
  std::string known;
  for (const auto& operation : api::admin::operations()) {
    known += (known.empty() ? "" : ", ") + std::string(operation.path);
    const auto parameter = fits(operation.path, path);
    if (!parameter) continue;
    if (operation.method == request.method) {
      auto response = perform(sources_, operation.id, *parameter, query);
      return response ? std::move(*response) : http::problem(response.error());
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(operation.method);
  }
  if (allowed.empty()) return http::problem({Errc::not_found, "known are " + known, {}});
  auto response =
      http::problem({Errc::method_unknown, "only " + allowed + " is answered here", {}});
  response.headers.add("allow", allowed);
  return response;
}

void AdminHandler::handle(http::Request request, ReplyFn reply) { reply(answer(request)); }

}  // namespace lobo::app
