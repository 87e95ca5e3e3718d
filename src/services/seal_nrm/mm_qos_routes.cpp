#include "services/seal_nrm/mm_qos_routes.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "api/nra_mm_qos.hpp"
#include "api/state/adaptation.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/adaptation.hpp"
#include "services/seal_nrm/mm_qos.hpp"
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

struct Own {
  resource::Record record;
  AdaptationState state;
};

/// Where it exists, is one of these, and belongs to who asks; nobody learns of another's.
Result<Own> own(const RouteContext& context) {
  const auto id = context.params.find("mmQosId");
  require(id != context.params.end());  // The path template has it.
  auto found = context.lookup.find({std::string(adaptation_kind), id->second});
  if (!found) return fail(found.error());
  if (!*found || (*found)->owner != context.who.subject)
    return fail(Errc::not_found, "no such QoS management");
  auto state = json::read<AdaptationState>((*found)->state);
  if (!state)
    return fail(Errc::internal, "stored adaptation cannot be read: " + state.error().detail);
  if (!state->mm) return fail(Errc::not_found, "no such QoS management");
  return Own{std::move(**found), std::move(*state)};
}

Result<Decision> create(const RouteContext& context) {
  return Dispatch{.to = {std::string(adaptation_kind), std::string(context.fresh_id)},
                  .creates = true};
}

Result<Decision> to_owner(const RouteContext& context) {
  const auto found = own(context);
  if (!found) return fail(found.error());
  return Dispatch{.to = found->record.key, .creates = false};
}

Result<Decision> get(const RouteContext& context, const Settings& settings) {
  const auto found = own(context);
  if (!found) return fail(found.error());
  const auto& record = found->record;
  const auto doc = represent_mm_qos(record.key.id, found->state, settings, context.lookup);
  if (!doc) return fail(doc.error());
  return http::Response{
      200,
      {{"content-type", "application/json"}, {"etag", '"' + std::to_string(record.version) + '"'}},
      json::write(*doc)};
}

/// Of a page of the caller's adaptations those that are these: it may be shorter than asked for.
Result<Decision> list(const RouteContext& context, const Settings& settings) {
  const auto page = list_page_of(context);
  if (!page) return fail(page.error());
  const auto records =
      context.lookup.list(adaptation_kind, context.who.subject, page->after, page->limit);
  if (!records) return fail(records.error());
  api::nra_mm_qos::MmQosList out;
  for (const auto& record : *records) {
    const auto state = json::read<AdaptationState>(record.state);
    if (!state)
      return fail(Errc::internal, "stored adaptation cannot be read: " + state.error().detail);
    if (!state->mm) continue;
    auto& item = out.items.emplace_back();
    item.mm_qos_id = record.key.id;
    item.management = represent_mm_qos(*state, settings);
  }
  if (records->size() == page->limit) out.next = records->back().key.id;
  return http::Response{200, {{"content-type", "application/json"}}, json::write(out)};
}

}  // namespace

std::function<Result<Decision>(const RouteContext&)> mm_qos_route(std::string_view operation,
                                                                  const Settings& settings) {
  namespace op = api::nra_mm_qos::operation;
  if (operation == op::create_mm_qos) return create;
  if (operation == op::get_mm_qos)
    return [&settings](const RouteContext& context) { return get(context, settings); };
  if (operation == op::list_mm_qos_managements)
    return [&settings](const RouteContext& context) { return list(context, settings); };
  if (operation == op::modify_mm_qos || operation == op::delete_mm_qos) return to_owner;
  return nullptr;
}

}  // namespace lobo::seal_nrm
