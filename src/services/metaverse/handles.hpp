#pragma once
// What the routes of this service have in common. Private to *routes.cpp.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/metaverse/routes.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"

namespace lobo::metaverse {

using resource::Decision;
using resource::Dispatch;
using resource::RouteContext;

using Handle = std::function<Result<Decision>(const RouteContext&)>;

inline const std::string& param(const RouteContext& context, std::string_view name) {
  const auto found = context.params.find(name);
  require(found != context.params.end());  // The path template has it.
  return found->second;
}

inline http::Response json_answer(std::string body, std::uint64_t version = 0) {
  http::Response response{200, {{"content-type", "application/json"}}, std::move(body)};
  if (version > 0) response.headers.add("etag", '"' + std::to_string(version) + '"');
  return response;
}

template <class State>
Result<State> state_of(const resource::Record& record) {
  auto stored = json::read<State>(record.state);
  if (!stored)
    return fail(Errc::internal, "a stored state cannot be read: " + stored.error().detail);
  return std::move(*stored);
}

/// The record, where it exists and whoever asks may see it; nobody learns of another's.
inline Result<resource::Record> own(const RouteContext& context, std::string_view kind,
                                    std::string_view name) {
  auto found = context.lookup.find({std::string(kind), param(context, name)});
  if (!found) return fail(found.error());
  if (!*found || (*found)->owner != context.who.subject)
    return fail(Errc::not_found, "no such resource");
  return std::move(**found);
}

using Query = std::vector<std::pair<std::string, std::string>>;
struct Page {
  std::size_t limit = list_limit_default;
  std::string after;
  Query rest;
};
inline Result<Page> page_of(const RouteContext& context) {
  Page page;
  auto query = http::parse_query(http::split_target(context.request.target).query);
  if (!query) return fail(query.error());
  for (auto& [name, value] : *query) {
    if (name == "cursor") {
      page.after = value;
    } else if (name == "limit") {
      const auto limit = parse_decimal(value);
      if (!limit || *limit < 1 || *limit > list_limit_max)
        return fail(Errc::out_of_range, "the query is not as the API wants it",
                    {{Errc::out_of_range, "query:limit", "must be a number from 1 to 1000"}});
      page.limit = static_cast<std::size_t>(*limit);
    } else {
      page.rest.emplace_back(std::move(name), std::move(value));
    }
  }
  return page;
}

/// One more than asked for tells whether there is a next page.
template <class List, class Add>
Result<Decision> list(const RouteContext& context, std::string_view kind, Add add) {
  const auto page = page_of(context);
  if (!page) return fail(page.error());
  const auto records = context.lookup.list(kind, context.who.subject, page->after, page->limit + 1);
  if (!records) return fail(records.error());
  List out;
  std::string last;
  for (std::size_t i = 0; i < records->size(); ++i) {
    if (i == page->limit) {
      out.next = last;
      break;
    }
    last = (*records)[i].key.id;
    auto item = add((*records)[i]);
    if (!item) return fail(item.error());
    out.items.push_back(std::move(*item));
  }
  return json_answer(json::write(out));
}

inline Handle to_new(std::string_view kind) {
  return [kind](const RouteContext& context) -> Result<Decision> {
    return Dispatch{.to = {std::string(kind), std::string(context.fresh_id)}, .creates = true};
  };
}
inline Handle to_owner(std::string_view kind, std::string_view name) {
  return [kind, name](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, kind, name);
    if (!record) return fail(record.error());
    return Dispatch{.to = record->key, .creates = false};
  };
}

}  // namespace lobo::metaverse
