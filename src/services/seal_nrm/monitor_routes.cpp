#include "services/seal_nrm/monitor_routes.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_machine.hpp"
#include "services/seal_nrm/monitor_view.hpp"
#include "services/seal_nrm/routes.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"

namespace lobo::seal_nrm {

namespace nrm = api::ss_nrm;
namespace state = api::state::nrm_monitor;
using resource::Decision;
using resource::Dispatch;
using resource::RouteContext;

namespace {

constexpr std::string_view monitor_kind = "monitor";
constexpr std::string_view profile_kind = "monitoring_profile";

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

template <class State>
Result<State> state_of(const resource::Record& record) {
  auto stored = json::read<State>(record.state);
  if (!stored)
    return fail(Errc::internal, "a stored state cannot be read: " + stored.error().detail);
  return std::move(*stored);
}

/// The record, where it exists and belongs to who asks; nobody learns of another's. One that waits
/// for its one report is nobody's to see.
Result<resource::Record> own(const RouteContext& context, std::string_view kind,
                             std::string_view name) {
  auto found = context.lookup.find({std::string(kind), param(context, name)});
  if (!found) return fail(found.error());
  if (!*found || (*found)->owner != context.who.subject)
    return fail(Errc::not_found, kind == monitor_kind ? "no such monitoring subscription"
                                                      : "no such monitoring profile");
  return std::move(**found);
}

Result<Decision> create(const RouteContext& context, std::string_view kind) {
  return Dispatch{.to = {std::string(kind), std::string(context.fresh_id)}, .creates = true};
}

Result<Decision> to_owner(const RouteContext& context, std::string_view kind,
                          std::string_view name) {
  const auto record = own(context, kind, name);
  if (!record) return fail(record.error());
  return Dispatch{.to = record->key, .creates = false};
}

Result<Decision> read_monitor(const RouteContext& context, const MonitorView& view) {
  const auto record = own(context, monitor_kind, "subscriptionId");
  if (!record) return fail(record.error());
  const auto stored = state_of<state::MonitorState>(*record);
  if (!stored) return fail(stored.error());
  if (stored->stage != state::MonitorStage::running)
    return fail(Errc::not_found, "no such monitoring subscription");
  return json_answer(json::write(represent(*stored, view, context.now)), record->version);
}

Result<Decision> read_profile(const RouteContext& context) {
  const auto record = own(context, profile_kind, "profileId");
  if (!record) return fail(record.error());
  auto stored = state_of<state::ProfileState>(*record);
  if (!stored) return fail(stored.error());
  nrm::StoredMonitoringProfile out;
  out.profile_id = record->key.id;
  out.profile = std::move(stored->profile);
  return json_answer(json::write(out), record->version);
}

/// One more than asked for tells whether there is a next page.
template <class List, class Add>
Result<Decision> list(const RouteContext& context, std::string_view kind, Add add) {
  const auto page = list_page_of(context);
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

Result<Decision> list_monitors(const RouteContext& context, const MonitorView& view) {
  return list<nrm::MonitoringSubscriptionList>(
      context, monitor_kind,
      [&](nrm::MonitoringSubscriptionList& out, const resource::Record& record) -> Result<void> {
        const auto stored = state_of<state::MonitorState>(record);
        if (!stored) return fail(stored.error());
        if (stored->stage != state::MonitorStage::running) return {};
        auto& item = out.items.emplace_back();
        item.subscription_id = record.key.id;
        item.subscription = represent(*stored, view, context.now);
        return {};
      });
}

Result<Decision> list_profiles(const RouteContext& context) {
  return list<nrm::MonitoringProfileList>(
      context, profile_kind,
      [](nrm::MonitoringProfileList& out, const resource::Record& record) -> Result<void> {
        auto stored = state_of<state::ProfileState>(record);
        if (!stored) return fail(stored.error());
        auto& item = out.items.emplace_back();
        item.profile_id = record.key.id;
        item.profile = std::move(stored->profile);
        return {};
      });
}

}  // namespace

std::vector<resource::Route> monitor_routes(const MonitorView& view) {
  namespace op = nrm::operation;
  std::vector<resource::Route> out;
  for (const auto& operation : nrm::operations()) {
    std::function<Result<Decision>(const RouteContext&)> handle;
    if (operation.id == op::subscribe_unicast_monitoring)
      handle = [](const RouteContext& context) { return create(context, monitor_kind); };
    else if (operation.id == op::list_unicast_monitoring_subscriptions)
      handle = [&view](const RouteContext& context) { return list_monitors(context, view); };
    else if (operation.id == op::read_unicast_monitoring_subscription)
      handle = [&view](const RouteContext& context) { return read_monitor(context, view); };
    else if (operation.id == op::update_unicast_monitoring ||
             operation.id == op::modify_unicast_monitoring ||
             operation.id == op::unsubscribe_unicast_monitoring)
      handle = [](const RouteContext& context) {
        return to_owner(context, monitor_kind, "subscriptionId");
      };
    else if (operation.id == op::create_monitoring_profile)
      handle = [](const RouteContext& context) { return create(context, profile_kind); };
    else if (operation.id == op::list_monitoring_profiles)
      handle = list_profiles;
    else if (operation.id == op::read_monitoring_profile)
      handle = read_profile;
    else if (operation.id == op::delete_monitoring_profile)
      handle = [](const RouteContext& context) {
        return to_owner(context, profile_kind, "profileId");
      };
    require(static_cast<bool>(handle));  // Every operation of the document is served.
    out.push_back({operation, std::move(handle)});
  }
  return out;
}

}  // namespace lobo::seal_nrm
