#pragma once
// What the routes of most services are made of: finding the record that a path names, reading its
// state, showing it, a page of a list, or handing the request on to the resource.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"

namespace lobo::resource {

inline constexpr std::size_t page_items_default = 100;
inline constexpr std::size_t page_items_max = 1000;

using Handle = std::function<Result<Decision>(const RouteContext&)>;

/// A parameter of the path template.
const std::string& param(const RouteContext& context, std::string_view name);

/// 200 with JSON; a version above 0 becomes the ETag.
http::Response json_answer(std::string body, std::uint64_t version = 0);

template <class State>
Result<State> state_of(const Record& record) {
  auto stored = json::read<State>(record.state);
  if (!stored)
    return fail(Errc::internal, "a stored state cannot be read: " + stored.error().detail);
  return std::move(*stored);
}

/// The record that the path's `name` stands for, where it exists and belongs to who asks; nobody
/// learns of another's.
Result<Record> own(const RouteContext& context, std::string_view kind, std::string_view name);

struct Page {
  std::size_t limit = page_items_default;
  std::string after;
  http::QueryParameters rest;  ///< what else the query says
};
/// `limit` and `cursor` of the query.
Result<Page> page_of(const RouteContext& context);

/// The caller's records of a kind as a List with `items` and `next`; `add` puts one into it. One
/// more than asked for tells whether there is a next page.
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
    if (auto added = add(out, (*records)[i]); !added) return fail(added.error());
  }
  return json_answer(json::write(out), 0);
}

/// A resource that this request makes.
Handle to_new(std::string_view kind);
/// The caller's own resource that the path's `name` stands for.
Handle to_owner(std::string_view kind, std::string_view name);

/// The resource that the path's `id` stands for, whose callback URI this is. The secret is compared
/// by the resource itself, which knows it.
Handle to_callback(std::string_view kind);

}  // namespace lobo::resource
