#include "services/core_sim/applied_bdt.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "api/applying_bdt_policy.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::core_sim {

namespace operation = api::applying_bdt_policy::operation;

Answer AppliedBdtPolicies::handle(const Call& call) {
  const auto id = call.operation.id;
  if (id == operation::read_all_subscriptions) return fetch_all(call);
  if (id == operation::create_new_subscription) return create(call);
  const auto found = policies_.find(
      Id{std::string(call.param("afId")), std::string(call.param("subscriptionId"))});
  if (found == policies_.end()) return refuse(Errc::not_found, "The AF has no such subscription.");
  if (id == operation::read_an_subscription) return json_answer(200, found->second);
  if (id == operation::partial_update_an_subscription) return change(call, found->second);
  policies_.erase(found);
  return http::Response{204, {{std::string(simulated_header), "netsim"}}, {}};
}

Answer AppliedBdtPolicies::fetch_all(const Call& call) const {
  std::string list = "[";
  for (const auto& [id, policy] : policies_)
    if (id.first == call.param("afId")) list += (list.size() > 1 ? "," : "") + json::write(policy);
  return json_response(200, list + "]");
}

Outcome<void> AppliedBdtPolicies::check_reference(std::string_view reference) const {
  const auto& known = net_.config.bdt_references;
  if (std::ranges::find(known, reference) != known.end()) return {};
  return refuse(Errc::not_found, "No such policy was agreed on.",
                {{Errc::not_found, "/bdtRefId", "is not known"}});
}

Answer AppliedBdtPolicies::create(const Call& call) {
  auto body = read_body<Body>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(std::move(body.error()));
  if (body->external_group_id)
    return refuse(Errc::not_allowed, "Groups are not served.",
                  {{Errc::not_allowed, "/externalGroupId", "groups are not served"}});
  if (auto known = check_reference(body->bdt_ref_id); !known)
    return tl::unexpected<Refusal>(std::move(known.error()));
  if (!net_.world.by_gpsi(*body->gpsi))
    return refuse(404, "USER_NOT_FOUND", "The network knows no such UE.",
                  {{Errc::not_found, "/gpsi", "is not known"}});
  if (policies_.size() >= net_.config.limits.bdt_policies_max)
    return refuse(403, "QUOTA_EXCEEDED", "The network has as many of these as it may have.");
  const std::string af(call.param("afId"));
  auto id = random_id(net_.rng);
  body->self = net_.config.api_root + "/3gpp-applying-bdt-policy/v1/" + http::percent_encode(af) +
               "/subscriptions/" + id;
  body->supp_feat = common_features(net_.config.supported_features, body->supp_feat);
  auto response = json_answer(201, *body);
  response.headers.add("location", *body->self);
  policies_.emplace(Id{af, std::move(id)}, std::move(*body));
  return response;
}

Answer AppliedBdtPolicies::change(const Call& call, Body& policy) {
  const auto patch = read_body<api::applying_bdt_policy::AppliedBdtPolicyPatch>(call.request.body);
  if (!patch) return tl::unexpected<Refusal>(patch.error());
  if (auto known = check_reference(patch->bdt_ref_id); !known)
    return tl::unexpected<Refusal>(std::move(known.error()));
  policy.bdt_ref_id = patch->bdt_ref_id;
  return json_answer(200, policy);
}

}  // namespace lobo::core_sim
