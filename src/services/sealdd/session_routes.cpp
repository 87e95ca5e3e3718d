#include "services/sealdd/session_routes.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "api/mm_das.hpp"
#include "api/sdd_das.hpp"
#include "api/state/sealdd.hpp"
#include "base/result.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/session.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"
#include "wire/resource/route_steps.hpp"

namespace lobo::sealdd {

namespace sds = api::sdd_das;
namespace state = api::state::sealdd;
using resource::Decision;
using resource::Dispatch;
using resource::Handle;
using resource::json_answer;
using resource::param;
using resource::RouteContext;
using resource::state_of;

namespace {

/// By their key all who ask for it come to the same session, whoever of them is first. The session
/// compares the key itself: a digest alone would let somebody aim.
Result<Decision> to_new_session(const RouteContext& context) {
  const auto key = context.request.headers.find("idempotency-key");
  std::string id(context.fresh_id);
  if (key && key->size() >= shared_key_bytes_min) {
    const auto asked = json::read<sds::SddSessionReq>(context.request.body);
    if (!asked) return fail(asked.error());
    id = session_of(asked->val_service_id, *key);
  }
  return Dispatch{.to = {std::string(session_kind), std::move(id)}, .creates = true};
}

/// The caller's own, or one that he is a party to.
Result<resource::Record> his_session(const RouteContext& context) {
  auto found = context.lookup.find({std::string(session_kind), param(context, "sessionId")});
  if (!found) return fail(found.error());
  const auto none = fail(Errc::not_found, "no such session");
  if (!*found) return none;
  const auto stored = state_of<state::SessionState>(**found);
  const auto& who = context.who.subject;
  const bool party = stored && stored->parties &&
                     std::ranges::find(*stored->parties, who) != stored->parties->end();
  if ((*found)->owner != who && !party) return none;
  if (!stored) return fail(stored.error());
  if (stored->state == api::mm_das::SessionState::releasing) return none;
  return std::move(**found);
}

Result<Decision> to_session(const RouteContext& context) {
  const auto record = his_session(context);
  if (!record) return fail(record.error());
  return Dispatch{.to = record->key, .creates = false};
}

Handle read_session(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto record = his_session(context);
    if (!record) return fail(record.error());
    const auto stored = state_of<state::SessionState>(*record);
    if (!stored) return fail(stored.error());
    const auto view = represent(*stored, record->key.id, settings, context.lookup);
    if (!view) return fail(view.error());
    return json_answer(json::write(*view), record->version);
  };
}

Handle list_sessions(const Settings& settings) {
  return [&settings](const RouteContext& context) {
    return resource::list<sds::SddSessionList>(
        context, session_kind,
        [&](sds::SddSessionList& out, const resource::Record& record) -> Result<void> {
          const auto stored = state_of<state::SessionState>(record);
          if (!stored) return fail(stored.error());
          if (stored->state == api::mm_das::SessionState::releasing) return {};
          auto view = represent(*stored, record.key.id, settings, context.lookup);
          if (!view) return fail(view.error());
          out.items.push_back(std::move(*view));
          return {};
        });
  };
}

}  // namespace

Handle session_handle(std::string_view id, const Settings& settings) {
  namespace op = sds::operation;
  if (id == op::create_sdd_session) return to_new_session;
  if (id == op::list_sdd_sessions) return list_sessions(settings);
  if (id == op::get_sdd_session) return read_session(settings);
  return to_session;
}

}  // namespace lobo::sealdd
