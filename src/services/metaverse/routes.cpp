#include "services/metaverse/routes.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_callbacks.hpp"
#include "api/mm_das.hpp"
#include "api/mm_pol.hpp"
#include "api/state/metaverse.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/metaverse/policy.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/session.hpp"
#include "services/metaverse/subscription.hpp"
#include "services/metaverse/views.hpp"
#include "sync/policy.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"
#include "wire/resource/route_steps.hpp"

namespace lobo::metaverse {

namespace cb = api::mm_callbacks::operation;
namespace das = api::mm_das;
namespace pol = api::mm_pol;
namespace state = api::state::metaverse;
using resource::Decision;
using resource::Dispatch;
using resource::Handle;
using resource::json_answer;
using resource::list;
using resource::own;
using resource::page_of;
using resource::param;
using resource::RouteContext;
using resource::state_of;
using resource::to_callback;
using resource::to_new;
using resource::to_owner;

namespace {

bool is_operator(const RouteContext& context, const Settings& settings) {
  return std::ranges::find(settings.operators, context.who.subject) != settings.operators.end();
}

struct Session {
  resource::Record record;
  state::SessionState state;
};
/// One of the caller, or that he is a party to; operators may look at all.
Result<Session> session_of(const RouteContext& context, const Settings& settings, bool writes) {
  auto found = context.lookup.find({std::string(session_kind), param(context, "sessionId")});
  if (!found) return fail(found.error());
  const auto none = fail(Errc::not_found, "no such session");
  if (!*found) return none;
  auto read = state_of<state::SessionState>(**found);
  const auto& who = context.who.subject;
  const bool party =
      read && read->parties && std::ranges::find(*read->parties, who) != read->parties->end();
  const bool sees = !writes && is_operator(context, settings);
  if ((*found)->owner != who && !party && !sees) return none;
  if (!read) return fail(read.error());
  return Session{std::move(**found), std::move(*read)};
}

// ---- sessions ----------------------------------------------------------------------------------

/// By their key both sides come to the same session, whoever of them is first. The session compares
/// the key itself: a digest alone would let somebody aim.
Result<Decision> to_new_session(const RouteContext& context) {
  const auto key = context.request.headers.find("idempotency-key");
  std::string id(context.fresh_id);
  if (key && key->size() >= shared_key_bytes_min) {
    const auto request = json::read<das::SyncSessionReq>(context.request.body);
    if (!request) return fail(request.error());
    const auto text = request->val_service_id + '\n' + std::string(*key);
    id = std::to_string(fnv1a(text)) + '-' + std::to_string(fnv1a(text, fnv1a("mm")));
  }
  return Dispatch{.to = {std::string(session_kind), std::move(id)}, .creates = true};
}

Handle to_session(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto session = session_of(context, settings, true);
    if (!session) return fail(session.error());
    return Dispatch{.to = session->record.key, .creates = false};
  };
}

Handle read_session(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto session = session_of(context, settings, false);
    if (!session) return fail(session.error());
    const auto view = session_view(session->state, session->record.key.id, settings);
    if (!view) return fail(view.error());
    return json_answer(json::write(*view), session->record.version);
  };
}

Handle read_asset(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto session = session_of(context, settings, false);
    if (!session) return fail(session.error());
    const auto ue = ue_id_of(context.request);
    if (!ue) return fail(ue.error());
    const auto asset = asset_of(session->state, param(context, "assetId"), *ue);
    if (!asset) return fail(asset.error());
    return json_answer(json::write(asset_view(session->state, **asset)), session->record.version);
  };
}

Handle read_flows(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto session = session_of(context, settings, false);
    if (!session) return fail(session.error());
    const auto view = flows_view(session->state);
    if (!view) return fail(view.error());
    return json_answer(json::write(*view));
  };
}

bool fits(const das::SyncSession& session, const http::QueryParameters& query) {
  return std::ranges::all_of(query, [&](const auto& one) {
    const auto& [name, value] = one;
    if (name == "val-service-id") return session.val_service_id == value;
    if (name == "state") return das::to_string(session.state) == value;
    if (name == "asset-id")
      return std::ranges::any_of(session.assets,
                                 [&](const auto& asset) { return asset.asset_id == value; });
    if (name == "ue-id")
      return std::ranges::any_of(
          session.assets, [&](const auto& asset) { return sync::id_of(asset.host_ue) == value; });
    return true;
  });
}

/// The next sessions of whoever asks: an operator's are all that are live.
Result<std::vector<resource::Record>> some_sessions(const RouteContext& context, bool all,
                                                    std::string_view after, std::size_t limit) {
  if (!all) return context.lookup.list(session_kind, context.who.subject, after, limit);
  auto keys = context.lookup.by_subject(session_kind, every_session, sessions_max);
  if (!keys) return fail(keys.error());
  std::ranges::sort(*keys);
  std::vector<resource::Record> out;
  for (const auto& key : *keys) {
    if (key.id <= after) continue;
    if (out.size() == limit) break;
    auto record = context.lookup.find(key);
    if (!record) return fail(record.error());
    if (*record) out.push_back(std::move(**record));
  }
  return out;
}

/// What does not fit is passed over; a page may be shorter than asked for, and says where to go on.
Handle list_sessions(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto page = page_of(context);
    if (!page) return fail(page.error());
    const auto records =
        some_sessions(context, is_operator(context, settings), page->after, page->limit + 1);
    if (!records) return fail(records.error());
    das::SyncSessionList out;
    std::string last;
    for (std::size_t i = 0; i < records->size(); ++i) {
      if (i == page->limit) {
        out.next = last;
        break;
      }
      last = (*records)[i].key.id;
      const auto stored = state_of<state::SessionState>((*records)[i]);
      if (!stored) return fail(stored.error());
      auto view = session_view(*stored, last, settings);
      if (!view) return fail(view.error());
      if (fits(*view, page->rest)) out.items.push_back(std::move(*view));
    }
    return json_answer(json::write(out));
  };
}

// ---- subscriptions and policies ----------------------------------------------------------------

template <class State, class View>
Handle read_one(std::string_view kind, std::string_view name, const Settings& settings, View view) {
  return [=, &settings](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, kind, name);
    if (!record) return fail(record.error());
    const auto stored = state_of<State>(*record);
    if (!stored) return fail(stored.error());
    const auto shown = view(*stored, record->key.id, settings);
    if (!shown) return fail(shown.error());
    return json_answer(json::write(*shown), record->version);
  };
}

template <class State, class List, class View>
Handle list_all(std::string_view kind, const Settings& settings, View view) {
  return [=, &settings](const RouteContext& context) -> Result<Decision> {
    return list<List>(context, kind,
                      [&](List& out, const resource::Record& record) -> Result<void> {
                        const auto stored = state_of<State>(record);
                        if (!stored) return fail(stored.error());
                        auto shown = view(*stored, record.key.id, settings);
                        if (!shown) return fail(shown.error());
                        out.items.push_back(std::move(*shown));
                        return {};
                      });
  };
}

Handle read_missed(const Parked& parked) {
  return [&parked](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, subscription_kind, "subscriptionId");
    if (!record) return fail(record.error());
    const auto given_up = parked.of(record->key);
    if (!given_up) return fail(given_up.error());
    das::MissedNotifications out;
    for (const auto& one : *given_up) {
      auto sent = json::read<das::SyncNotification>(one.body);
      if (!sent) return fail(Errc::internal, "a parked notification cannot be read");
      out.items.push_back({one.sequence, one.attempts, std::move(*sent)});
    }
    return json_answer(json::write(out));
  };
}

Handle das_handle(std::string_view id, const Settings& settings, const Parked& parked) {
  namespace op = das::operation;
  constexpr std::string_view subscription = "subscriptionId";
  if (id == op::create_sync_session) return to_new_session;
  if (id == op::resolve_sync_session) return to_new(session_kind);
  if (id == op::list_sync_sessions) return list_sessions(settings);
  if (id == op::get_sync_session) return read_session(settings);
  if (id == op::get_sync_asset) return read_asset(settings);
  if (id == op::list_sync_flows) return read_flows(settings);
  if (id == op::create_sync_subscription) return to_new(subscription_kind);
  if (id == op::list_sync_subscriptions)
    return list_all<state::SubscriptionState, das::SyncSubscriptionList>(
        subscription_kind, settings, subscription_view);
  if (id == op::get_sync_subscription)
    return read_one<state::SubscriptionState>(subscription_kind, subscription, settings,
                                              subscription_view);
  if (id == op::list_missed_notifications) return read_missed(parked);
  if (id == op::replace_sync_subscription || id == op::modify_sync_subscription ||
      id == op::delete_sync_subscription)
    return to_owner(subscription_kind, subscription);
  return to_session(settings);
}

Handle pol_handle(std::string_view id, const Settings& settings) {
  namespace op = pol::operation;
  constexpr std::string_view policy = "policyId";
  if (id == op::create_sync_policy) return to_new(policy_kind);
  if (id == op::list_sync_policies)
    return list_all<state::PolicyState, pol::SyncPolicyList>(policy_kind, settings, policy_view);
  if (id == op::get_sync_policy)
    return read_one<state::PolicyState>(policy_kind, policy, settings, policy_view);
  return to_owner(policy_kind, policy);
}

}  // namespace

std::vector<resource::Route> routes(const Settings& settings, const Parked& parked) {
  std::vector<resource::Route> out;
  for (auto operation : das::operations()) {
    // Its answer is that as well, to who takes no JSON.
    if (operation.id == das::operation::get_sync_state)
      operation.content_type = "application/octet-stream";
    out.push_back({operation, das_handle(operation.id, settings, parked)});
  }
  for (const auto& operation : pol::operations())
    out.push_back({operation, pol_handle(operation.id, settings)});
  for (const auto& operation : api::mm_callbacks::operations()) {
    require(operation.id == cb::receive_connection_status ||
            operation.id == cb::receive_quality_measurement ||
            operation.id == cb::receive_network_qos);
    out.push_back({operation, to_callback(session_kind)});
  }
  return out;
}

}  // namespace lobo::metaverse
