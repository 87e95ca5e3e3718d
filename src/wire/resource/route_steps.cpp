#include "wire/resource/route_steps.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"

namespace lobo::resource {

const std::string& param(const RouteContext& context, std::string_view name) {
  const auto found = context.params.find(name);
  require(found != context.params.end());  // The path template has it.
  return found->second;
}

http::Response json_answer(std::string body, std::uint64_t version) {
  http::Response response{200, {{"content-type", "application/json"}}, std::move(body)};
  if (version > 0) response.headers.add("etag", '"' + std::to_string(version) + '"');
  return response;
}

Result<Record> own(const RouteContext& context, std::string_view kind, std::string_view name) {
  auto found = context.lookup.find({std::string(kind), param(context, name)});
  if (!found) return fail(found.error());
  if (!*found || (*found)->owner != context.who.subject)
    return fail(Errc::not_found, "no such resource");
  return std::move(**found);
}

Result<Page> page_of(const RouteContext& context) {
  Page page;
  auto query = http::parse_query(http::split_target(context.request.target).query);
  if (!query) return fail(query.error());
  for (auto& [name, value] : *query) {
    if (name == "cursor") {
      page.after = value;
      continue;
    }
    if (name != "limit") {
      page.rest.emplace_back(std::move(name), std::move(value));
      continue;
    }
    const auto limit = parse_decimal(value);
    if (!limit || *limit < 1 || *limit > page_items_max)
      return fail(Errc::out_of_range, "the query is not as the API wants it",
                  {{Errc::out_of_range, "query:limit", "must be a number from 1 to 1000"}});
    page.limit = static_cast<std::size_t>(*limit);
  }
  return page;
}

Handle to_new(std::string_view kind) {
  return [kind](const RouteContext& context) -> Result<Decision> {
    return Dispatch{.to = {std::string(kind), std::string(context.fresh_id)}, .creates = true};
  };
}

Handle to_owner(std::string_view kind, std::string_view name) {
  return [kind, name](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, kind, name);
    if (!record) return fail(record.error());
    return Dispatch{.to = record->key, .creates = false};
  };
}

Handle to_callback(std::string_view kind) {
  return [kind](const RouteContext& context) -> Result<Decision> {
    const Key key{std::string(kind), param(context, "id")};
    const auto found = context.lookup.find(key);
    if (!found) return fail(found.error());
    if (!*found) return fail(Errc::not_found, "no such callback");
    return Dispatch{.to = key, .creates = false};
  };
}

}  // namespace lobo::resource
