#pragma once
// The statuses of QoS of metaverse services (api/nra_mm_qos.yaml) and of reliable transmissions
// (api/nra_reliable.yaml), one by one.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/operation_case.hpp"
#include "services/seal_nrm/ports.hpp"
#include "support/system.hpp"

namespace lobo::app::testing {

inline const std::string mm_managements = "/ss-nra/v1/mm-qos";
inline const std::string reliables = "/ss-nra/v1/reliable-transmissions";

inline std::string mm_body(std::string_view ue, std::string_view quality) {
  return R"({"ues":[{"valUeId":")" + std::string(ue) +
         R"("}],"valServers":[{"valServerId":"s"}],"mmQos":)" + std::string(quality) +
         R"(,"notifUri":"http://app1.example/notify"})";
}
inline const std::string mm_silver = R"({"qosReference":"silver"})";
inline const std::string mm_gold = R"({"qosReference":"gold"})";
inline const std::string mm_patch = R"({"mmQos":{"qosReference":"bronze"}})";

inline std::string reliable_body(std::string_view ue) {
  return R"({"valTgtUe":{"valUeId":")" + std::string(ue) +
         R"("},"appDescs":[{"ipv4Addr":"192.0.2.1"},{"ipv4Addr":"192.0.2.2"}]})";
}
inline System::Setup two_paths() {
  return {.adjust = [](ControlPlane::Config& config) {
    config.nrm.reliable_paths = seal_nrm::ReliablePaths{{"red", {}}, {"blue", {}}};
  }};
}

inline std::string made_mm(System& s) {
  return mm_managements + "/" +
         System::id_of(s.ask("POST", mm_managements, mm_body("ue1", mm_silver)));
}
inline std::string made_reliable(System& s) {
  return reliables + "/" + System::id_of(s.ask("POST", reliables, reliable_body("ue1")));
}
/// The path by which the core tells what became of the guidance.
inline std::string reliable_callback(System& s) {
  made_reliable(s);
  for (const auto& request : s.core->seen) {
    const auto at = request.body.find("/nrm-callbacks/v1/reliable/");
    if (at != std::string::npos) return request.body.substr(at, request.body.find('"', at) - at);
  }
  return "/nrm-callbacks/v1/reliable/none/none";
}
inline const std::string af_news =
    R"({"subscription":"http://core.example/a/subscriptions/1","reportEvent":"SUCCESS_UE_POL_DEL_SP"})";

inline bool is_guidance(const http::Request& request) {
  return request.target.find("service-parameter") != std::string::npos && request.method != "GET";
}

/// One operation of a collection, and what a good request of it is.
struct ExtensionKind {
  std::string_view operation;
  std::string method;
  bool of_one;
  std::string body;
  std::string collection;
  std::string (*make)(System&);
  System::Setup setup;
};

inline void add_what_all_refuse_alike(const ExtensionKind& kind, std::vector<Case>& out) {
  const bool creates = kind.method == "POST", changes = kind.method == "PATCH";
  const auto path = [kind](System& s) { return kind.of_one ? kind.make(s) : kind.collection; };
  const auto ask = [=](System& s, const http::Headers& headers, std::string_view who = "app1") {
    return s.ask(kind.method, path(s), kind.body, headers, who).status;
  };
  out.push_back({kind.operation, 401, [=](System& s) { return ask(s, {}, ""); }, kind.setup});
  if (!creates && !changes)
    out.push_back({kind.operation, 403,
                   [=](System& s) { return ask(s, {{"x-lobo-scopes", "other"}}); }, kind.setup});
  if (kind.of_one)
    out.push_back({kind.operation, 404, [=](System& s) { return ask(s, {}, "app2"); }, kind.setup});
  if (kind.method == "GET")
    out.push_back({kind.operation, 406,
                   [=](System& s) { return ask(s, {{"accept", "text/html"}}); }, kind.setup});
  if (changes || kind.method == "DELETE")
    out.push_back({kind.operation, 412,
                   [=](System& s) { return ask(s, {{"if-match", "\"999\""}}); }, kind.setup});
  auto slow = slow_clients();
  slow.adjust = [first = kind.setup.adjust, then = slow.adjust](ControlPlane::Config& config) {
    if (first) first(config);
    then(config);
  };
  out.push_back({kind.operation, 429,
                 [=](System& s) {
                   const auto at = path(s);
                   if (!kind.of_one) s.ask("GET", kind.collection);
                   s.ask("GET", kind.collection);
                   return s.ask(kind.method, at, kind.body).status;
                 },
                 slow});
  out.push_back({kind.operation, 503,
                 [=](System& s) {
                   const auto at = path(s);
                   if (kind.method == "GET") {
                     s.crash_and_restart();  // What was used a moment ago would be in memory.
                     s.server().store.set_gone(true);
                   } else {
                     s.server().store.set_full(true);
                   }
                   return s.ask(kind.method, at, kind.body).status;
                 },
                 kind.setup});
  out.push_back({kind.operation, 500,
                 [=](System& s) {
                   if (!creates) {
                     const auto at = path(s);
                     if (!kind.of_one) kind.make(s);
                     return over_spoilt(s, s.request(kind.method, at, kind.body));
                   }
                   const auto request =
                       s.request("POST", kind.collection, kind.body, {{"idempotency-key", "k"}});
                   s.ask(request);
                   return over_spoilt(s, request);
                 },
                 kind.setup});
  if (creates)
    out.push_back(
        {kind.operation, 409,
         [=](System& s) {
           s.ask("POST", kind.collection, kind.body, {{"idempotency-key", "k"}});
           auto other = kind.body;
           other.replace(other.find("ue1"), 3, "ue2");
           return s.ask("POST", kind.collection, other, {{"idempotency-key", "k"}}).status;
         },
         kind.setup});
  if (creates || changes) {
    out.push_back({kind.operation, 400,
                   [=](System& s) { return s.ask(kind.method, path(s), "{}").status; },
                   kind.setup});
    out.push_back({kind.operation, 413,
                   [=](System& s) {
                     return s.ask(kind.method, path(s), std::string(beyond_any_limit, ' ')).status;
                   },
                   kind.setup});
    out.push_back({kind.operation, 415,
                   [=](System& s) { return ask(s, {{"content-type", "text/plain"}}); },
                   kind.setup});
  }
  if (kind.method == "GET")
    out.push_back({kind.operation, 400,
                   [=](System& s) {
                     return kind.of_one ? s.ask("GET", path(s), "{}").status
                                        : s.ask("GET", kind.collection + "?limit=many").status;
                   },
                   kind.setup});
}

inline std::vector<Case> cases_of_mm_qos() {
  std::vector<Case> out;
  const auto post = [](System& s, std::string text) {
    return s.ask("POST", mm_managements, std::move(text)).status;
  };
  out.push_back(
      {"CreateMmQos", 201, [=](System& s) { return post(s, mm_body("ue1", mm_silver)); }});
  out.push_back({"CreateMmQos", 403, [=](System& s) {
                   for (int i = 0; i < 5; ++i) s.create("ue1", "gold");
                   return post(s, mm_body("ue1", mm_gold));  // The cell has no more.
                 }});
  out.push_back({"CreateMmQos", 404, [=](System& s) { return post(s, mm_body("ue9", mm_gold)); }});
  out.push_back({"CreateMmQos", 504, [=](System& s) {
                   s.core->silent = is_write_to_session;
                   return post(s, mm_body("ue1", mm_silver));
                 }});
  out.push_back({"ListMmQosManagements", 200, [](System& s) {
                   made_mm(s);
                   return s.ask("GET", mm_managements).status;
                 }});
  out.push_back({"GetMmQos", 200, [](System& s) { return s.ask("GET", made_mm(s)).status; }});
  out.push_back(
      {"ModifyMmQos", 200, [](System& s) { return s.ask("PATCH", made_mm(s), mm_patch).status; }});
  out.push_back({"ModifyMmQos", 403, [](System& s) {
                   for (int i = 0; i < 4; ++i) s.create("ue1", "gold");
                   return s.ask("PATCH", made_mm(s), R"({"mmQos":{"gbrDl":"39 Mbps"}})").status;
                 }});
  out.push_back({"ModifyMmQos", 409, [](System& s) {
                   const auto at = made_mm(s);
                   s.core->silent = is_write_to_session;
                   begin(s, s.request("PATCH", at, mm_patch));
                   return s.ask("PATCH", at, R"({"mmQos":{"qosReference":"gold"}})").status;
                 }});
  out.push_back({"DeleteMmQos", 204, [](System& s) { return s.ask("DELETE", made_mm(s)).status; }});
  out.push_back({"DeleteMmQos", 504, [](System& s) {
                   const auto at = made_mm(s);
                   s.core->silent = [](const http::Request&) { return true; };
                   return s.ask("DELETE", at).status;
                 }});
  const std::string good = mm_body("ue1", mm_silver);
  for (const auto& kind : std::vector<ExtensionKind>{
           {"CreateMmQos", "POST", false, good, mm_managements, made_mm, {}},
           {"ListMmQosManagements", "GET", false, "", mm_managements, made_mm, {}},
           {"GetMmQos", "GET", true, "", mm_managements, made_mm, {}},
           {"ModifyMmQos", "PATCH", true, mm_patch, mm_managements, made_mm, {}},
           {"DeleteMmQos", "DELETE", true, "", mm_managements, made_mm, {}}})
    add_what_all_refuse_alike(kind, out);
  return out;
}

inline std::vector<Case> cases_of_reliables() {
  std::vector<Case> out;
  const auto add = [&](std::string_view operation, int status, std::function<int(System&)> how) {
    out.push_back({operation, status, std::move(how), two_paths()});
  };
  const auto post = [](System& s, std::string text) {
    return s.ask("POST", reliables, std::move(text)).status;
  };
  add("CreateReliableTransmission", 201, [=](System& s) { return post(s, reliable_body("ue1")); });
  add("CreateReliableTransmission", 403, [=](System& s) {
    s.core->bend = [](const http::Request& request, http::Response& r) {
      if (is_guidance(request)) r = {403, {}, {}};
    };
    return post(s, reliable_body("ue1"));
  });
  add("CreateReliableTransmission", 404, [=](System& s) { return post(s, reliable_body("ue9")); });
  add("CreateReliableTransmission", 504, [=](System& s) {
    s.core->silent = is_guidance;
    return post(s, reliable_body("ue1"));
  });
  add("ListReliableTransmissions", 200, [](System& s) {
    made_reliable(s);
    return s.ask("GET", reliables).status;
  });
  add("GetReliableTransmission", 200,
      [](System& s) { return s.ask("GET", made_reliable(s)).status; });
  add("DeleteReliableTransmission", 204,
      [](System& s) { return s.ask("DELETE", made_reliable(s)).status; });
  add("DeleteReliableTransmission", 504, [](System& s) {
    const auto at = made_reliable(s);
    s.core->silent = [](const http::Request&) { return true; };
    return s.ask("DELETE", at).status;
  });
  for (const auto& kind : std::vector<ExtensionKind>{
           {"CreateReliableTransmission", "POST", false, reliable_body("ue1"), reliables,
            made_reliable, two_paths()},
           {"ListReliableTransmissions", "GET", false, "", reliables, made_reliable, two_paths()},
           {"GetReliableTransmission", "GET", true, "", reliables, made_reliable, two_paths()},
           {"DeleteReliableTransmission", "DELETE", true, "", reliables, made_reliable,
            two_paths()}})
    add_what_all_refuse_alike(kind, out);
  return out;
}

}  // namespace lobo::app::testing
