#include "services/seal_nrm/routes.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/nra_adaptation.hpp"
#include "api/nra_mm_qos.hpp"
#include "api/nra_reliable.hpp"
#include "api/nrm_callbacks.hpp"
#include "api/ss_nra.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/seal_nrm/adaptation_routes.hpp"
#include "services/seal_nrm/mm_qos_routes.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/reliable.hpp"
#include "services/seal_nrm/reliable_routes.hpp"
#include "services/seal_nrm/representation.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"
#include "wire/resource/route_steps.hpp"

namespace lobo::seal_nrm {

using api::state::seal_nrm::UnicastState;
using resource::Decision;
using resource::Dispatch;
using resource::param;
using resource::RouteContext;

namespace {

constexpr std::string_view unicast = "unicast";

tl::unexpected<Error> no_such() { return fail(Errc::not_found, "no such unicast subscription"); }

/// The record, where it exists and belongs to who asks; nobody learns of another's.
Result<resource::Record> own(const RouteContext& context) {
  auto found = context.lookup.find({std::string(unicast), param(context, "uniSubId")});
  if (!found) return fail(found.error());
  if (!*found || (*found)->owner != context.who.subject) return no_such();
  return std::move(**found);
}

Result<UnicastState> state_of(const resource::Record& record) {
  auto state = json::read<UnicastState>(record.state);
  if (!state)
    return fail(Errc::internal, "stored unicast state cannot be read: " + state.error().detail);
  return std::move(*state);
}

Result<Decision> create(const RouteContext& context) {
  return Dispatch{.to = {std::string(unicast), std::string(context.fresh_id)}, .creates = true};
}

Result<Decision> get(const RouteContext& context, const Settings& settings) {
  const auto record = own(context);
  if (!record) return fail(record.error());
  const auto state = state_of(*record);
  if (!state) return fail(state.error());
  return http::Response{
      200,
      {{"content-type", "application/json"}, {"etag", '"' + std::to_string(record->version) + '"'}},
      json::write(represent(*state, settings))};
}

/// Modify and delete: who may is looked at here, so that a stranger wakes nobody.
Result<Decision> to_owner(const RouteContext& context) {
  const auto record = own(context);
  if (!record) return fail(record.error());
  return Dispatch{.to = record->key, .creates = false};
}

}  // namespace

Result<ListPage> list_page_of(const RouteContext& context) {
  ListPage page;
  const auto query = http::parse_query(http::split_target(context.request.target).query);
  if (!query) return fail(query.error());
  std::vector<Fault> faults;
  for (const auto& [name, value] : *query) {
    if (name == "limit") {
      const auto limit = parse_decimal(value);
      if (limit && *limit >= 1 && *limit <= list_limit_max)
        page.limit = static_cast<std::size_t>(*limit);
      else
        faults.push_back({Errc::out_of_range, "query:limit", "must be a number from 1 to 1000"});
    } else if (name == "cursor") {
      page.after = value;
    }
  }
  if (!faults.empty()) {
    const Errc code = faults.front().code;
    return fail(code, "the query is not as the API wants it", std::move(faults));
  }
  return page;
}

namespace {

Result<Decision> list(const RouteContext& context, const Settings& settings) {
  const auto page = list_page_of(context);
  if (!page) return fail(page.error());
  // One more than asked for tells whether there is a next page.
  const auto records =
      context.lookup.list(unicast, context.who.subject, page->after, page->limit + 1);
  if (!records) return fail(records.error());
  api::ss_nra::UnicastSubscriptionList out;
  for (const auto& record : *records) {
    if (out.items.size() == page->limit) {
      out.next = out.items.back().uni_sub_id;
      break;
    }
    const auto state = state_of(record);
    if (!state) return fail(state.error());
    api::ss_nra::UnicastSubscriptionItem item;
    item.uni_sub_id = record.key.id;
    item.subscription = represent(*state, settings);
    out.items.push_back(std::move(item));
  }
  return http::Response{200, {{"content-type", "application/json"}}, json::write(out)};
}

}  // namespace

std::vector<resource::Route> routes(const Settings& settings) {
  namespace nra = api::ss_nra::operation;
  namespace cb = api::nrm_callbacks::operation;
  std::vector<resource::Route> out;
  const auto bind = [&](const resource::Operation& operation) {
    std::function<Result<Decision>(const RouteContext&)> handle;
    if (operation.id == nra::create_unicast_subscription)
      handle = create;
    else if (operation.id == nra::get_unicast_subscription)
      handle = [&settings](const RouteContext& context) { return get(context, settings); };
    else if (operation.id == nra::list_unicast_subscriptions)
      handle = [&settings](const RouteContext& context) { return list(context, settings); };
    else if (operation.id == nra::modify_unicast_subscription ||
             operation.id == nra::delete_unicast_subscription)
      handle = to_owner;
    else if (operation.id == cb::receive_user_plane_notification ||
             operation.id == cb::receive_app_session_events ||
             operation.id == cb::receive_app_session_termination)
      handle = resource::to_callback("unicast");
    else if (operation.id == cb::receive_monitoring_notification)
      handle = resource::to_callback("ue_watch");
    else if (operation.id == cb::receive_measurements || operation.id == cb::receive_analytics)
      handle = resource::to_callback("measure_source");
    else if (operation.id == cb::receive_af_notification)
      handle = resource::to_callback(reliable_kind);
    else
      handle = adaptation_route(operation.id, settings);
    if (!handle) handle = mm_qos_route(operation.id, settings);
    if (!handle) handle = reliable_route(operation.id, settings);
    require(static_cast<bool>(handle));  // Every operation of the documents is served.
    out.push_back({operation, std::move(handle)});
  };
  std::ranges::for_each(api::ss_nra::operations(), bind);
  std::ranges::for_each(api::nra_adaptation::operations(), bind);
  std::ranges::for_each(api::nra_mm_qos::operations(), bind);
  std::ranges::for_each(api::nra_reliable::operations(), bind);
  std::ranges::for_each(api::nrm_callbacks::operations(), bind);
  return out;
}

}  // namespace lobo::seal_nrm
