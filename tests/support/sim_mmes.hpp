#pragma once
// An enabler in a virtual world, as far as SEALDD sees one: it resolves by policies that the test
// gives it, keeps a shadow of each session, and behaves as the test wants. Only for tests.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/mm_das.hpp"
#include "runtime/ports.hpp"
#include "sync/policy.hpp"
#include "sync/resolve.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::testing {

class SimMmes final : public runtime::HttpHandler {
 public:
  void handle(http::Request request, ReplyFn reply) override {
    seen.push_back(request);
    if (silent) return;
    if (status != 0)
      return reply({status,
                    {{"content-type", "application/problem+json"}},
                    R"({"title":"Not granted","status":)" + std::to_string(status) +
                        R"(,"detail":"as the test wants","cause":"POLICY_DENIED"})"});
    auto answer = request.method == "DELETE" ? forget(request) : resolve(request);
    if (answers_badly) return reply({503, {}, {}});
    reply(std::move(answer));
  }

  void add_policy(std::string_view text) {
    sync::Policy policy;
    policy.id = "p" + std::to_string(policies.size() + 1);
    policy.version = 1;
    policy.said = json::read<api::mm_pol::SyncPolicyReq>(text).value();
    policies.push_back(std::make_shared<const sync::Policy>(std::move(policy)));
  }
  int resolutions() const {
    int out = 0;
    for (const auto& one : seen) out += one.target == "/mm-das/v1/resolve";
    return out;
  }

  std::vector<sync::PolicyPtr> policies;
  std::map<std::string, std::string> shadows;  ///< body by identifier
  std::vector<http::Request> seen;
  int status = 0;  ///< answers all with it
  bool silent = false;
  bool answers_badly = false;  ///< it does what it is asked, and its answer is lost
  std::int64_t ttl = 60;

 private:
  http::Response forget(const http::Request& request) {
    const auto id = request.target.substr(request.target.rfind('/') + 1);
    return {shadows.erase(id) > 0 ? 204 : 404, {}, {}};
  }
  http::Response resolve(const http::Request& request) {
    const std::string key(request.headers.find("idempotency-key").value_or(""));
    auto& id = keys_[key];
    const bool known = shadows.contains(id);
    if (known && shadows[id] != request.body) return {409, {}, {}};
    const auto asked = json::read<api::mm_das::SyncSessionReq>(request.body);
    if (!asked) return {400, {}, {}};
    if (!known) shadows[id = "shadow" + std::to_string(++ids_)] = request.body;
    auto resolution = sync::resolve(*asked, policies);
    api::mm_das::ResolvedSession out;
    out.session_id = id;
    out.policy_version = resolution.policy_version;
    out.ttl_sec = ttl;
    out.assets = std::move(resolution.assets);
    return {known ? 200 : 201,
            {{"content-type", "application/json"},
             {"location", "http://enabler.example/mm-das/v1/sessions/" + id}},
            json::write(out)};
  }

  std::map<std::string, std::string> keys_;
  int ids_ = 0;
};

}  // namespace lobo::testing
