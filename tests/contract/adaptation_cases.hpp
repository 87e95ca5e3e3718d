#pragma once
// The statuses of network resource adaptations (api/nra_adaptation.yaml), one by one.

#include <string>
#include <string_view>
#include <vector>

#include "contract/operation_case.hpp"
#include "support/system.hpp"

namespace lobo::app::testing {

inline const std::string adaptations = "/ss-nra/v1/network-resource-adaptations";

inline std::string adaptation_body(std::string_view ue, std::string_view quality) {
  return R"({"valUeIds":[{"valUeId":")" + std::string(ue) + R"("}],"uniQosReq":")" +
         std::string(quality) + R"(","notifUri":"http://app1.example/notify"})";
}

inline std::string made_adaptation(System& s) {
  const auto response = s.ask("POST", adaptations, adaptation_body("ue1", "silver"));
  return adaptations + "/" + System::id_of(response);
}

inline std::vector<Case> cases_of_adaptations() {
  constexpr std::string_view creates = "CreateNetworkResourceAdaptation";
  constexpr std::string_view lists = "ListNetworkResourceAdaptations";
  constexpr std::string_view reads = "GetNetworkResourceAdaptation";
  constexpr std::string_view results = "ListAdaptationUeResults";
  constexpr std::string_view changes = "ModifyNetworkResourceAdaptation";
  constexpr std::string_view deletes = "DeleteNetworkResourceAdaptation";
  static const std::string good = adaptation_body("ue1", "silver");
  static const std::string patch = R"({"uniQosReq":"bronze"})";
  const auto post = [](System& s, std::string text, const http::Headers& headers = {}) {
    return s.ask("POST", adaptations, std::move(text), headers).status;
  };
  const auto silent = [](const http::Request&) { return true; };
  std::vector<Case> out{
      {creates, 201, [=](System& s) { return post(s, good); }},
      {creates, 400, [=](System& s) { return post(s, "{}"); }},
      {creates, 403,
       [=](System& s) {
         for (int i = 0; i < 5; ++i) s.create("ue1", "gold");
         return post(s, adaptation_body("ue1", "gold"));  // The cell has no more.
       }},
      {creates, 404, [=](System& s) { return post(s, adaptation_body("ue9", "gold")); }},
      {creates, 409,
       [=](System& s) {
         post(s, good, {{"idempotency-key", "k"}});
         return post(s, adaptation_body("ue2", "silver"), {{"idempotency-key", "k"}});
       }},
      {creates, 413, [=](System& s) { return post(s, std::string(beyond_any_limit * 20, ' ')); }},
      {creates, 415, [=](System& s) { return post(s, good, {{"content-type", "text/plain"}}); }},
      {creates, 500,
       [](System& s) {
         const auto request = s.request("POST", adaptations, good, {{"idempotency-key", "k"}});
         s.ask(request);
         return over_spoilt(s, request);
       }},
      {creates, 504,
       [=](System& s) {
         s.core->silent = is_write_to_session;
         return post(s, good);
       }},
      {lists, 200,
       [=](System& s) {
         post(s, good);
         return s.ask("GET", adaptations).status;
       }},
      {lists, 400, [](System& s) { return s.ask("GET", adaptations + "?limit=many").status; }},
      {lists, 500,
       [=](System& s) {
         post(s, good);
         return over_spoilt(s, s.request("GET", adaptations));
       }},
      {results, 200,
       [](System& s) { return s.ask("GET", made_adaptation(s) + "/ue-results").status; }},
      {results, 400,
       [](System& s) {
         return s.ask("GET", made_adaptation(s) + "/ue-results?cursor=what").status;
       }},
      {changes, 200, [](System& s) { return s.ask("PATCH", made_adaptation(s), patch).status; }},
      {changes, 400, [](System& s) { return s.ask("PATCH", made_adaptation(s), "{}").status; }},
      {changes, 403,
       [](System& s) {
         for (int i = 0; i < 4; ++i) s.create("ue1", "gold");
         const auto at = made_adaptation(s);
         return s.ask("PATCH", at, R"({"uniQosReq":"{\"gbrDl\":\"39 Mbps\"}"})").status;
       }},
      {changes, 409,
       [](System& s) {
         const auto at = made_adaptation(s);
         s.core->silent = is_write_to_session;
         begin(s, s.request("PATCH", at, patch));
         return s.ask("PATCH", at, R"({"uniQosReq":"gold"})").status;
       }},
      {changes, 413,
       [](System& s) {
         return s.ask("PATCH", made_adaptation(s), std::string(beyond_any_limit * 20, ' ')).status;
       }},
      {changes, 415,
       [](System& s) {
         return s.ask("PATCH", made_adaptation(s), patch, {{"content-type", "application/json"}})
             .status;
       }},
      {deletes, 204, [](System& s) { return s.ask("DELETE", made_adaptation(s)).status; }},
      {deletes, 504,
       [=](System& s) {
         const auto at = made_adaptation(s);
         s.core->silent = silent;
         return s.ask("DELETE", at).status;
       }},
      {reads, 200, [](System& s) { return s.ask("GET", made_adaptation(s)).status; }},
      {reads, 400, [](System& s) { return s.ask("GET", made_adaptation(s), "{}").status; }},
  };

  // What every operation refuses alike.
  struct Kind {
    std::string_view operation;
    std::string method;
    bool of_one;
    std::string below;
    std::string body;
  };
  for (const auto& kind : std::vector<Kind>{{creates, "POST", false, "", good},
                                            {lists, "GET", false, "", ""},
                                            {reads, "GET", true, "", ""},
                                            {results, "GET", true, "/ue-results", ""},
                                            {changes, "PATCH", true, "", patch},
                                            {deletes, "DELETE", true, "", ""}}) {
    const auto path = [kind](System& s) {
      return (kind.of_one ? made_adaptation(s) : adaptations) + kind.below;
    };
    const auto ask = [=](System& s, const http::Headers& headers, std::string_view who = "app1") {
      return s.ask(kind.method, path(s), kind.body, headers, who).status;
    };
    out.push_back({kind.operation, 401, [=](System& s) { return ask(s, {}, ""); }});
    if (kind.operation != creates && kind.operation != changes)
      out.push_back(
          {kind.operation, 403, [=](System& s) { return ask(s, {{"x-lobo-scopes", "other"}}); }});
    if (kind.of_one)
      out.push_back({kind.operation, 404, [=](System& s) { return ask(s, {}, "app2"); }});
    if (kind.method == "GET")
      out.push_back(
          {kind.operation, 406, [=](System& s) { return ask(s, {{"accept", "text/html"}}); }});
    if (kind.operation == changes || kind.operation == deletes)
      out.push_back(
          {kind.operation, 412, [=](System& s) { return ask(s, {{"if-match", "\"999\""}}); }});
    out.push_back({kind.operation, 429,
                   [=](System& s) {
                     const auto at = path(s);
                     if (!kind.of_one) s.ask("GET", adaptations);
                     s.ask("GET", adaptations);
                     return s.ask(kind.method, at, kind.body).status;
                   },
                   slow_clients()});
    out.push_back({kind.operation, 503, [=](System& s) {
                     const auto at = path(s);
                     if (kind.method == "GET") {
                       s.crash_and_restart();  // What was used a moment ago would be in memory.
                       s.server().store.set_gone(true);
                     } else {
                       s.server().store.set_full(true);
                     }
                     return s.ask(kind.method, at, kind.body).status;
                   }});
    if (kind.of_one)
      out.push_back({kind.operation, 500, [=](System& s) {
                       return over_spoilt(s, s.request(kind.method, path(s), kind.body));
                     }});
  }
  return out;
}

}  // namespace lobo::app::testing
