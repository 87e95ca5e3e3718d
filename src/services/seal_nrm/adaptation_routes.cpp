#include "services/seal_nrm/adaptation_routes.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/nra_adaptation.hpp"
#include "api/state/adaptation.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/seal_nrm/adaptation.hpp"
#include "services/seal_nrm/adaptation_page.hpp"
#include "services/seal_nrm/adaptation_view.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/routes.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"

namespace lobo::seal_nrm {

using api::state::adaptation::AdaptationState;
using resource::Decision;
using resource::Dispatch;
using resource::RouteContext;

namespace {

const std::string& id_in(const RouteContext& context) {
  const auto found = context.params.find("adaptationId");
  require(found != context.params.end());  // The path template has it.
  return found->second;
}

/// The record, where it exists and belongs to who asks; nobody learns of another's.
Result<resource::Record> own(const RouteContext& context) {
  auto found = context.lookup.find({std::string(adaptation_kind), id_in(context)});
  if (!found) return fail(found.error());
  if (!*found || (*found)->owner != context.who.subject)
    return fail(Errc::not_found, "no such network resource adaptation");
  return std::move(**found);
}

tl::unexpected<Error> no_such() {
  return fail(Errc::not_found, "no such network resource adaptation");
}

Result<AdaptationState> state_of(const resource::Record& record) {
  auto state = json::read<AdaptationState>(record.state);
  if (!state)
    return fail(Errc::internal, "stored adaptation cannot be read: " + state.error().detail);
  return std::move(*state);
}

Result<Decision> create(const RouteContext& context) {
  return Dispatch{.to = {std::string(adaptation_kind), std::string(context.fresh_id)},
                  .creates = true};
}

Result<Decision> to_owner(const RouteContext& context) {
  const auto record = own(context);
  if (!record) return fail(record.error());
  const auto state = state_of(*record);
  if (!state) return fail(state.error());
  if (state->mm) return no_such();  // It has a collection of its own.
  return Dispatch{.to = record->key, .creates = false};
}

http::Response answer(std::string body) {
  return {200, {{"content-type", "application/json"}}, std::move(body)};
}

Result<Decision> get(const RouteContext& context, const Settings& settings) {
  const auto record = own(context);
  if (!record) return fail(record.error());
  const auto state = state_of(*record);
  if (!state) return fail(state.error());
  if (state->mm) return no_such();
  const auto doc = represent_adaptation(record->key.id, *state, settings, context.lookup);
  if (!doc) return fail(doc.error());
  auto response = answer(json::write(*doc));
  response.headers.add("etag", '"' + std::to_string(record->version) + '"');
  return response;
}

Result<Decision> list(const RouteContext& context, const Settings& settings) {
  const auto page = list_page_of(context);
  if (!page) return fail(page.error());
  const auto records =
      context.lookup.list(adaptation_kind, context.who.subject, page->after, page->limit + 1);
  if (!records) return fail(records.error());
  api::nra_adaptation::NetworkResourceAdaptationList out;
  for (std::size_t i = 0; i < records->size(); ++i) {
    const auto& record = (*records)[i];
    if (i == page->limit) {
      out.next = (*records)[i - 1].key.id;
      break;
    }
    const auto state = state_of(record);
    if (!state) return fail(state.error());
    if (state->mm) continue;
    auto& item = out.items.emplace_back();
    item.adaptation_id = record.key.id;
    item.adaptation = represent_adaptation(*state, settings);
  }
  return answer(json::write(out));
}

/// The cursor names the next page and how many of its members were shown: "3.17".
Result<Decision> results(const RouteContext& context) {
  const auto record = own(context);
  if (!record) return fail(record.error());
  const auto state = state_of(*record);
  if (!state) return fail(state.error());
  if (state->mm) return no_such();
  const auto wanted = list_page_of(context);
  if (!wanted) return fail(wanted.error());
  const auto parts = split(wanted->after.empty() ? "0.0" : std::string_view(wanted->after), '.');
  const auto first = parts.size() == 2 ? parse_decimal(parts[0]) : std::nullopt;
  const auto shown = parts.size() == 2 ? parse_decimal(parts[1]) : std::nullopt;
  if (!first || !shown)
    return fail(Errc::pattern, "the query is not as the API wants it",
                {{Errc::pattern, "query:cursor", "must be next of an earlier page"}});
  api::nra_adaptation::AdaptationUeResultList out;
  std::size_t skip = static_cast<std::size_t>(*shown);
  for (std::uint64_t number = *first; number < state->pages; ++number, skip = 0) {
    const auto page = page_of(record->key.id, number, context.lookup);
    if (!page) return fail(page.error());
    for (std::size_t i = skip; i < page->members.size(); ++i) {
      if (out.items.size() == wanted->limit) {
        out.next = std::to_string(number) + '.' + std::to_string(i);
        return answer(json::write(out));
      }
      if (!page->members[i].dropped.value_or(false))
        out.items.push_back(result_of(page->members[i]));
    }
  }
  return answer(json::write(out));
}

}  // namespace

std::function<Result<Decision>(const RouteContext&)> adaptation_route(std::string_view operation,
                                                                      const Settings& settings) {
  namespace nra = api::nra_adaptation::operation;
  if (operation == nra::create_network_resource_adaptation) return create;
  if (operation == nra::get_network_resource_adaptation)
    return [&settings](const RouteContext& context) { return get(context, settings); };
  if (operation == nra::list_network_resource_adaptations)
    return [&settings](const RouteContext& context) { return list(context, settings); };
  if (operation == nra::list_adaptation_ue_results) return results;
  if (operation == nra::modify_network_resource_adaptation ||
      operation == nra::delete_network_resource_adaptation)
    return to_owner;
  return nullptr;
}

}  // namespace lobo::seal_nrm
