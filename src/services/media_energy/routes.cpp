#include "services/media_energy/routes.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_e5.hpp"
#include "api/media_m1.hpp"
#include "api/media_m5.hpp"
#include "api/media_network.hpp"
#include "api/media_steering.hpp"
#include "api/state/media_energy.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/ports.hpp"
#include "services/media_energy/server.hpp"
#include "services/media_energy/session.hpp"
#include "services/media_energy/steering.hpp"
#include "services/media_energy/subscription.hpp"
#include "services/media_energy/views.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"
#include "wire/resource/route_steps.hpp"

namespace lobo::media_energy {

namespace e3 = api::media_e3;
namespace e5 = api::media_e5;
namespace m1 = api::media_m1;
namespace m5 = api::media_m5;
namespace state = api::state::media_energy;
using resource::Decision;
using resource::Dispatch;
using resource::Handle;
using resource::json_answer;
using resource::list;
using resource::own;
using resource::param;
using resource::RouteContext;
using resource::state_of;
using resource::to_callback;
using resource::to_new;
using resource::to_owner;

namespace {

// ---- M1 ---------------------------------------------------------------------------------------

constexpr std::string_view session_id = "provisioningSessionId";

Result<Decision> read_session(const RouteContext& context) {
  const auto record = own(context, session_kind, session_id);
  if (!record) return fail(record.error());
  const auto stored = state_of<state::SessionState>(*record);
  if (!stored) return fail(stored.error());
  return json_answer(json::write(represent(*stored, record->key.id)), record->version);
}

Result<Decision> list_sessions(const RouteContext& context) {
  return list<m1::ProvisioningSessionList>(
      context, session_kind,
      [](m1::ProvisioningSessionList& out, const resource::Record& record) -> Result<void> {
        const auto stored = state_of<state::SessionState>(record);
        if (!stored) return fail(stored.error());
        out.items.push_back(represent(*stored, record.key.id));
        return {};
      });
}

Handle read_part(Part part, std::string_view id_name) {
  return [part, id_name](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, session_kind, session_id);
    if (!record) return fail(record.error());
    const auto stored = state_of<state::SessionState>(*record);
    if (!stored) return fail(stored.error());
    auto text = part_text(*stored, part, id_name.empty() ? "" : param(context, id_name));
    if (!text) return fail(Errc::not_found, "the session has no such thing");
    return json_answer(std::move(*text), record->version);
  };
}

/// Written by hand, so that members that are not known here are in it.
Result<Decision> list_policies(const RouteContext& context) {
  const auto record = own(context, session_kind, session_id);
  if (!record) return fail(record.error());
  const auto stored = state_of<state::SessionState>(*record);
  if (!stored) return fail(stored.error());
  std::string body = R"({"items":[)";
  for (const auto& kept : stored->policies) {
    if (body.back() != '[') body += ',';
    body += part_text(*stored, Part::policy, kept.id).value_or("{}");
  }
  return json_answer(body + "]}", 0);
}

Handle m1_handle(std::string_view id) {
  namespace op = m1::operation;
  if (id == op::create_provisioning_session) return to_new(session_kind);
  if (id == op::list_provisioning_sessions) return list_sessions;
  if (id == op::get_provisioning_session) return read_session;
  if (id == op::list_energy_policies) return list_policies;
  if (id == op::get_content_hosting_configuration) return read_part(Part::hosting, {});
  if (id == op::get_consumption_reporting_configuration) return read_part(Part::consumption, {});
  if (id == op::get_energy_information_exposure) return read_part(Part::exposure, {});
  if (id == op::get_metrics_reporting_configuration)
    return read_part(Part::metrics, "metricsReportingConfigurationId");
  if (id == op::get_energy_policy) return read_part(Part::policy, "energyPolicyId");
  return to_owner(session_kind, session_id);
}

// ---- M5 ---------------------------------------------------------------------------------------

/// Its entity tag is that of its content, since figures change without a commit.
Handle read_access(const Eiaf& eiaf) {
  return [&eiaf](const RouteContext& context) -> Result<Decision> {
    // The store first: what it cannot say now must not look as if it were not there.
    const auto found = context.lookup.find({std::string(session_kind), param(context, session_id)});
    if (!found) return fail(found.error());
    if (!*found) return fail(Errc::not_found, "no such provisioning session");
    const auto stored = state_of<state::SessionState>(**found);
    if (!stored) return fail(stored.error());
    const auto who = newcomer(context.request);
    if (!who) return fail(who.error());
    const auto access = eiaf.service_access(param(context, session_id), context.now, *who);
    if (!access) return fail(access.error());
    auto body = json::write(*access);
    const auto tag = fnv1a(body);
    if (context.request.headers.find("if-none-match") == '"' + std::to_string(tag) + '"')
      return http::Response{304, {{"etag", '"' + std::to_string(tag) + '"'}}, {}};
    return json_answer(std::move(body), tag);
  };
}

Result<Decision> to_session(const RouteContext& context) {
  const auto found = context.lookup.find({std::string(session_kind), param(context, session_id)});
  if (!found) return fail(found.error());
  if (!*found) return fail(Errc::not_found, "no such provisioning session");
  return Dispatch{.to = (*found)->key, .creates = false};
}

/// The configuration has to be one of the session's.
Result<Decision> to_metrics(const RouteContext& context) {
  const auto found = context.lookup.find({std::string(session_kind), param(context, session_id)});
  if (!found) return fail(found.error());
  if (!*found) return fail(Errc::not_found, "no such provisioning session");
  const auto stored = state_of<state::SessionState>(**found);
  if (!stored) return fail(stored.error());
  if (!part_text(*stored, Part::metrics, param(context, "metricsReportingConfigurationId")))
    return fail(Errc::not_found, "no such metrics reporting configuration");
  return Dispatch{.to = (*found)->key, .creates = false};
}

// ---- E3 ---------------------------------------------------------------------------------------

Handle read_server(const Eiaf& eiaf) {
  return [&eiaf](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, server_kind, "asInstanceId");
    if (!record) return fail(record.error());
    const auto stored = state_of<state::ServerState>(*record);
    if (!stored) return fail(stored.error());
    const auto registered = json::read<e3::AsRegistration>(stored->text);
    if (!registered) return fail(Errc::internal, "a stored registration cannot be read");
    return json_answer(json::write(server_view(record->key.id, *registered, eiaf, context.now)),
                       record->version);
  };
}

Handle list_servers(const Eiaf& eiaf) {
  return [&eiaf](const RouteContext& context) {
    return list<e3::ApplicationServerList>(
        context, server_kind,
        [&](e3::ApplicationServerList& out, const resource::Record& record) -> Result<void> {
          const auto stored = state_of<state::ServerState>(record);
          if (!stored) return fail(stored.error());
          const auto registered = json::read<e3::AsRegistration>(stored->text);
          if (!registered) return fail(Errc::internal, "a stored registration cannot be read");
          out.items.push_back(server_view(record.key.id, *registered, eiaf, context.now));
          return {};
        });
  };
}

/// A server may register under an identifier that is free; the machine refuses another's.
Result<Decision> to_server(const RouteContext& context) {
  return Dispatch{.to = {std::string(server_kind), param(context, "asInstanceId")},
                  .creates = false};
}

/// The server that the first report names; the others must name it too.
Result<Decision> to_reporting_server(const RouteContext& context) {
  const auto reports = json::read<e3::AsEnergyReports>(context.request.body);
  if (!reports) return fail(reports.error());
  const resource::Key key{std::string(server_kind), reports->reports.front().as_instance_id};
  const auto found = context.lookup.find(key);
  if (!found) return fail(found.error());
  if (!*found || (*found)->owner != context.who.subject)
    return fail(Errc::not_found, "no such application server is registered");
  return Dispatch{.to = key, .creates = false};
}

// ---- E5 ---------------------------------------------------------------------------------------

constexpr std::string_view subscription_id = "subscriptionId";

Handle read_subscription(const Settings& settings, const Eiaf& eiaf) {
  return [&settings, &eiaf](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, subscription_kind, subscription_id);
    if (!record) return fail(record.error());
    const auto stored = state_of<state::SubscriptionState>(*record);
    if (!stored) return fail(stored.error());
    const auto asked = json::read<e5::NewEnergySubscription>(stored->text);
    if (!asked) return fail(Errc::internal, "a stored subscription cannot be read");
    return json_answer(json::write(subscription_view(settings, record->key.id, *asked, *stored,
                                                     eiaf.expires(record->key.id))),
                       record->version);
  };
}

Result<Decision> to_events(const RouteContext& context) {
  const auto record = own(context, subscription_kind, subscription_id);
  if (!record) return fail(record.error());
  const auto stored = state_of<state::SubscriptionState>(*record);
  if (!stored) return fail(stored.error());
  const auto query = events_query(context.request);
  if (!query) return fail(query.error());
  return Dispatch{.to = record->key, .creates = false};
}

// ---- content steering --------------------------------------------------------------------------

Result<Decision> to_steering(const RouteContext& /*context*/) {
  return Dispatch{.to = {std::string(steering_kind), std::string(steering_id)}, .creates = false};
}

Handle others_handle(std::string_view id, const Settings& settings, const Eiaf& eiaf) {
  if (id == m5::operation::get_service_access_information) return read_access(eiaf);
  if (id == m5::operation::submit_consumption_report) return to_session;
  if (id == m5::operation::submit_metrics_report) return to_metrics;
  if (id == e3::operation::list_application_servers) return list_servers(eiaf);
  if (id == e3::operation::get_application_server) return read_server(eiaf);
  if (id == e3::operation::register_application_server) return to_server;
  if (id == e3::operation::deregister_application_server)
    return to_owner(server_kind, "asInstanceId");
  if (id == e3::operation::submit_as_energy_reports) return to_reporting_server;
  if (id == e5::operation::subscribe_to_energy_information) return to_new(subscription_kind);
  if (id == e5::operation::get_energy_subscription) return read_subscription(settings, eiaf);
  if (id == e5::operation::list_energy_events) return to_events;
  if (id == e5::operation::unsubscribe_from_energy_information ||
      id == e5::operation::report_ue_energy_state ||
      id == e5::operation::notify_service_location_change)
    return to_owner(subscription_kind, subscription_id);
  return nullptr;
}

}  // namespace

std::vector<resource::Route> routes(const Settings& settings, const Eiaf& eiaf) {
  std::vector<resource::Route> out;
  const auto add = [&](const resource::Operation& operation, Handle handle,
                       std::string_view prefix) {
    require(static_cast<bool>(handle));           // Every operation of the document is served,
    require(operation.path.starts_with(prefix));  // where the table of prefixes has it.
    out.push_back({operation, std::move(handle)});
  };
  for (const auto& operation : m1::operations())
    add(operation, m1_handle(operation.id), settings.prefixes.m1);
  for (const auto& operation : m5::operations())
    add(operation, others_handle(operation.id, settings, eiaf), settings.prefixes.m5);
  for (const auto& operation : e3::operations())
    add(operation, others_handle(operation.id, settings, eiaf), settings.prefixes.e3);
  for (auto operation : e5::operations()) {
    // Its answer is that as well, to who takes no JSON.
    if (operation.id == e5::operation::list_energy_events)
      operation.content_type = "text/event-stream";
    add(operation, others_handle(operation.id, settings, eiaf), settings.prefixes.e5);
  }
  for (const auto& operation : api::media_network::operations())
    add(operation, to_callback(subscription_kind), settings.prefixes.network);
  for (const auto& operation : api::media_steering::operations())
    add(operation, to_steering, settings.prefixes.steering);
  return out;
}

}  // namespace lobo::media_energy
