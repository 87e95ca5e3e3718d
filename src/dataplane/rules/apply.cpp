#include "dataplane/rules/apply.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "dataplane/rules/draft.hpp"
#include "dataplane/rules/session.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

// A rule that lacks what it was asked for treats packets otherwise than it says.
Fault refuse_unserved(const pfcp::Remarks& remarks) {
  if (!remarks.first_unserved) return std::nullopt;
  return RuleRefusal{{pfcp::Cause::service_not_supported, remarks.first_unserved, std::nullopt},
                     std::nullopt};
}

template <class Rules, class Step>
Fault each(const Rules& rules, Step step) {
  for (const auto& rule : rules)
    if (auto fault = step(rule)) return fault;
  return std::nullopt;
}
template <class Rules>
Fault remove_all(Draft& draft, const Rules& rules) {
  return each(rules, [&](const auto& rule) { return draft.remove(rule); });
}
template <class Rules>
Fault create_all(Draft& draft, const Rules& rules) {
  return each(rules, [&](const auto& rule) { return draft.create(rule); });
}
template <class Rules>
Fault update_all(Draft& draft, const Rules& rules) {
  return each(rules, [&](const auto& rule) { return draft.update(rule); });
}

// What an establishment and a modification create.
template <class Request>
Fault create_rules(Draft& draft, const Request& request) {
  if (request.create_bar)
    if (auto fault = draft.create(*request.create_bar)) return fault;
  if (auto fault = create_all(draft, request.create_fars)) return fault;
  if (auto fault = create_all(draft, request.create_qers)) return fault;
  if (auto fault = create_all(draft, request.create_urrs)) return fault;
  if (auto fault = create_all(draft, request.create_srrs)) return fault;
  return create_all(draft, request.create_pdrs);
}

Fault remove_rules(Draft& draft, const pfcp::SessionModificationRequest& request) {
  if (auto fault = remove_all(draft, request.remove_pdrs)) return fault;
  if (auto fault = remove_all(draft, request.remove_fars)) return fault;
  if (auto fault = remove_all(draft, request.remove_qers)) return fault;
  if (auto fault = remove_all(draft, request.remove_urrs)) return fault;
  if (auto fault = remove_all(draft, request.remove_srrs)) return fault;
  return request.remove_bar ? draft.remove(*request.remove_bar) : std::nullopt;
}

Fault update_rules(Draft& draft, const pfcp::SessionModificationRequest& request) {
  if (request.update_bar)
    if (auto fault = draft.update(*request.update_bar)) return fault;
  if (auto fault = update_all(draft, request.update_fars)) return fault;
  if (auto fault = update_all(draft, request.update_qers)) return fault;
  if (auto fault = update_all(draft, request.update_urrs)) return fault;
  if (auto fault = update_all(draft, request.update_srrs)) return fault;
  return update_all(draft, request.update_pdrs);
}

// URRs that are asked for have to be there, or a report would be missing in the response.
Fault check_queries(const Session& session, const pfcp::SessionModificationRequest& request) {
  return each(request.query_urrs, [&](const pfcp::QueryUrr& query) -> Fault {
    if (session.urrs.contains(query.id)) return std::nullopt;
    return RuleRefusal{
        {pfcp::Cause::rule_creation_modification_failure, pfcp::IeType::urr_id, std::nullopt},
        pfcp::FailedRuleId{pfcp::RuleKind::urr, query.id.value}};
  });
}

tl::expected<Applied, RuleRefusal> finish(Draft& draft, const std::vector<pfcp::FTeid>& before,
                                          Tunnels& tunnels) {
  Applied applied;
  if (auto fault = draft.choose_tunnels(tunnels, applied.created))
    return tl::unexpected<RuleRefusal>(*fault);
  applied.session = draft.take();
  const auto after = own_tunnels(applied.session);
  for (const pfcp::FTeid& tunnel : before)
    if (std::ranges::find(after, tunnel) == after.end()) applied.freed.push_back(tunnel);
  return applied;
}

}  // namespace

std::vector<pfcp::FTeid> own_tunnels(const Session& session) {
  std::vector<pfcp::FTeid> own;
  for (const auto& [id, pdr] : session.pdrs)
    if (pdr.tunnel && pdr.tunnel_is_ours && std::ranges::find(own, *pdr.tunnel) == own.end())
      own.push_back(*pdr.tunnel);
  return own;
}

tl::expected<Applied, RuleRefusal> establish(std::uint64_t seid,
                                             const pfcp::SessionEstablishmentRequest& request,
                                             const pfcp::Remarks& remarks, Tunnels& tunnels) {
  Draft draft(Session{.seid = seid, .control = request.cp_f_seid});
  Fault fault = refuse_unserved(remarks);
  if (!fault) fault = create_rules(draft, request);
  if (!fault) fault = draft.settle();
  if (fault) return tl::unexpected<RuleRefusal>(*fault);
  return finish(draft, {}, tunnels);
}

tl::expected<Applied, RuleRefusal> modify(const Session& session,
                                          const pfcp::SessionModificationRequest& request,
                                          const pfcp::Remarks& remarks, Tunnels& tunnels) {
  Session copy = session;
  if (request.cp_f_seid) copy.control = *request.cp_f_seid;
  if (request.flags && request.flags->has(pfcp::ModificationFlag::drobu)) ++copy.buffers_given_up;
  Draft draft(std::move(copy));
  Fault fault = refuse_unserved(remarks);
  if (!fault) fault = remove_rules(draft, request);
  if (!fault) fault = create_rules(draft, request);
  if (!fault) fault = update_rules(draft, request);
  if (!fault) fault = draft.settle();
  if (!fault) fault = check_queries(draft.session(), request);
  if (fault) return tl::unexpected<RuleRefusal>(*fault);
  return finish(draft, own_tunnels(session), tunnels);
}

}  // namespace lobo::dataplane
