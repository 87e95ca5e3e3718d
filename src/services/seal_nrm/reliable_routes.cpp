#include "services/seal_nrm/reliable_routes.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "api/nra_reliable.hpp"
#include "api/state/nrm_reliable.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/reliable.hpp"
#include "services/seal_nrm/routes.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"

namespace lobo::seal_nrm {

using api::state::nrm_reliable::StoredReliable;
using resource::Decision;
using resource::Dispatch;
using resource::RouteContext;

namespace {

/// The record, where it exists and belongs to who asks; nobody learns of another's.
Result<resource::Record> own(const RouteContext& context) {
  const auto id = context.params.find("relTransId");
  require(id != context.params.end());  // The path template has it.
  auto found = context.lookup.find({std::string(reliable_kind), id->second});
  if (!found) return fail(found.error());
  if (!*found || (*found)->owner != context.who.subject)
    return fail(Errc::not_found, "no such reliable transmission");
  return std::move(**found);
}

Result<StoredReliable> state_of(const resource::Record& record) {
  auto state = json::read<StoredReliable>(record.state);
  if (!state)
    return fail(Errc::internal,
                "stored reliable transmission cannot be read: " + state.error().detail);
  return std::move(*state);
}

Result<Decision> create(const RouteContext& context) {
  return Dispatch{.to = {std::string(reliable_kind), std::string(context.fresh_id)},
                  .creates = true};
}

Result<Decision> to_owner(const RouteContext& context) {
  const auto record = own(context);
  if (!record) return fail(record.error());
  return Dispatch{.to = record->key, .creates = false};
}

Result<Decision> get(const RouteContext& context, const Settings& settings) {
  const auto record = own(context);
  if (!record) return fail(record.error());
  const auto state = state_of(*record);
  if (!state) return fail(state.error());
  return http::Response{
      200,
      {{"content-type", "application/json"}, {"etag", '"' + std::to_string(record->version) + '"'}},
      json::write(represent_reliable(*state, settings))};
}

Result<Decision> list(const RouteContext& context, const Settings& settings) {
  const auto page = list_page_of(context);
  if (!page) return fail(page.error());
  // One more than asked for tells whether there is a next page.
  const auto records =
      context.lookup.list(reliable_kind, context.who.subject, page->after, page->limit + 1);
  if (!records) return fail(records.error());
  api::nra_reliable::ReliableTransmissionList out;
  for (const auto& record : *records) {
    if (out.items.size() == page->limit) {
      out.next = out.items.back().rel_trans_id;
      break;
    }
    const auto state = state_of(record);
    if (!state) return fail(state.error());
    auto& item = out.items.emplace_back();
    item.rel_trans_id = record.key.id;
    item.transmission = represent_reliable(*state, settings);
  }
  return http::Response{200, {{"content-type", "application/json"}}, json::write(out)};
}

}  // namespace

std::function<Result<Decision>(const RouteContext&)> reliable_route(std::string_view operation,
                                                                    const Settings& settings) {
  namespace op = api::nra_reliable::operation;
  if (operation == op::create_reliable_transmission) return create;
  if (operation == op::get_reliable_transmission)
    return [&settings](const RouteContext& context) { return get(context, settings); };
  if (operation == op::list_reliable_transmissions)
    return [&settings](const RouteContext& context) { return list(context, settings); };
  if (operation == op::delete_reliable_transmission) return to_owner;
  return nullptr;
}

}  // namespace lobo::seal_nrm
