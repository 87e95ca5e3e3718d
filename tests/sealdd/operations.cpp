#include <string>
#include <vector>

#include "api/sdd_connections.hpp"
#include "sealdd/world.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {

namespace {

const std::string sink = R"("notifUri":"http://val.example/n")";
const std::string status_text =
    R"({"events":["ESTABLISHED"],"valServerConnInfo":{"ipv4Addr":"10.1.1.1","port":80},)" + sink +
    "}";
const std::string quality_text =
    R"({"appTrafficIds":["urn:a:1"],"allValUesInd":true,"reqs":{"x":{"measId":["LATENCY"],)"
    R"("repType":"PERIODIC","repPeriodicity":5,"repGranularity":"ALL_UES"}},"suppFeat":"10000000000",)" +
    sink + "}";
const std::string policy_text =
    R"({"appTrafficIds":["urn:a:1"],"valUeId":"ue-1","suppFeat":"10000000000","thresholds":{"maxLossPpm":1},)"
    R"("sealddPol":{"qualGuarSets":["CHANGE_SEALDD_SERVER"],"bdwCtrlSets":["REALLOCATE_DL"]}})";
const std::string storage_text =
    R"({"data":"aGVsbG8=","ctrlPolicies":[{"entityId":"other-as","rights":["RETRIEVE"]}]})";
const std::string delivery_text = R"({"requestorId":"t1",)" + sink + "}";
const std::string trans_text =
    R"({"valServerId":"v1","valTargetUeId":"ue-7","suppFeat":"10000000000","valServerConnInfo":)"
    R"({"ipv4Addr":"10.1.1.1"},"qosInfo":{"altQosReqs":[{"altQosParamSetRef":"1","gbrDl":"1 Mbps"}]}})";
const std::string context_text =
    R"({"suppFeat":"10000000000","ddContext":{"uuContext":{"sddFlowId":"1","valServEndPoint":)"
    R"({"ipv4Addr":"10.1.1.1","portNumber":80},"valTgtUe":{"valUeId":"ue-8"}},"sContext":)"
    R"({"valServerId":"v1","valServerConnInfo":{"ipv4Addr":"10.1.1.1"}}}})";

void with_node(SealddWorld& w) { SimRelay(w, "n1").enrol(); }

/// Makes one of a collection, and gives its path.
std::string made(SealddWorld& w, const std::string& collection, const std::string& text) {
  return collection + '/' + SealddWorld::id_of(w.ask("POST", collection, text));
}
std::string connection(SealddWorld& w) {
  with_node(w);
  return made(w, "/sdd-trans/v1/connections", connection_text("ue-1"));
}
std::string flow(SealddWorld& w) {
  const auto made =
      json::read<api::sdd_connections::SddConnection>(w.ask("GET", connection(w)).body);
  return "/sdd-trans/v1/flows/" +
         std::to_string(made.value().flows.begin()->second.flow_ids.front());
}
std::string session(SealddWorld& w) {
  with_node(w);
  return made(w, "/sdd-das/v1/sessions", session_text({"ue-1"}));
}
std::string node(SealddWorld& w) {
  with_node(w);
  return "/sdd-rly/v1/nodes/n1";
}
std::string reserved(SealddWorld& w) {
  const auto answer = w.ask("POST", "/sdd-ds/v1/storages", R"({"valServiceId":"s"})");
  const auto at = answer.body.find("/sdd-ds/");
  return answer.body.substr(at, answer.body.find('"', at) - at);
}

void add_kept(std::vector<SealddOperation>& out, const std::string& collection,
              const std::string& text, const std::string& patch,
              std::vector<std::string_view> names) {
  out.push_back({names[0], "POST", 201, text, "mmes", false,
                 [collection](SealddWorld&) { return collection; }});
  const auto one = [collection, text](SealddWorld& w) { return made(w, collection, text); };
  out.push_back({names[1], "GET", 200, "", "mmes", true, one});
  out.push_back({names[2], "PUT", 200, text, "mmes", true, one});
  out.push_back({names[3], "PATCH", 200, patch, "mmes", true, one});
  out.push_back({names[4], "DELETE", 204, "", "mmes", true, one});
}

}  // namespace

std::vector<SealddOperation> sealdd_operations() {
  std::vector<SealddOperation> out{
      {"CreateSddConnection", "POST", 201, connection_text("ue-1"), "mmes", false,
       [](SealddWorld& w) {
         with_node(w);
         return std::string("/sdd-trans/v1/connections");
       }},
      {"ListSddConnections", "GET", 200, "", "mmes", false,
       [](SealddWorld& w) {
         connection(w);
         return std::string("/sdd-trans/v1/connections");
       }},
      {"GetSddConnection", "GET", 200, "", "mmes", true, connection},
      {"PatchSddConnection", "PATCH", 200, R"({"flows":{"urn:a:1":{"tier":1}}})", "mmes", true,
       connection},
      {"DeleteSddConnection", "DELETE", 204, "", "mmes", true, connection},
      {"RelocateSddConnection", "POST", 204,
       R"({"connInfo":{"ipv4Addr":"127.0.0.1","port":1},"token":"t"})", "mmes", true,
       [](SealddWorld& w) { return connection(w) + "/relocate"; }},
      {"ListSddFlows", "GET", 200, "", "mmes", false,
       [](SealddWorld& w) {
         connection(w);
         return std::string("/sdd-trans/v1/flows");
       }},
      {"GetSddFlow", "GET", 200, "", "mmes", true, flow},
      // Nobody answers for the node here; flows_test.cpp has one that does.
      {"GetSddFlowState", "GET", 504, "", "mmes", true,
       [](SealddWorld& w) { return flow(w) + "/state"; }},
      {"RequestTrans", "POST", 200, trans_text, "mmes", false,
       [](SealddWorld& w) {
         with_node(w);
         return std::string("/sdd-trans/v1/regular/request-trans");
       }},
      {"CreateSddSession", "POST", 201, session_text({"ue-1"}), "mmes", false,
       [](SealddWorld& w) {
         with_node(w);
         return std::string("/sdd-das/v1/sessions");
       }},
      {"ListSddSessions", "GET", 200, "", "mmes", false,
       [](SealddWorld& w) {
         session(w);
         return std::string("/sdd-das/v1/sessions");
       }},
      {"GetSddSession", "GET", 200, "", "mmes", true, session},
      {"DeleteSddSession", "DELETE", 204, "", "mmes", true, session},
      {"ListRelayNodes", "GET", 200, "", "relay", false,
       [](SealddWorld& w) {
         node(w);
         return std::string("/sdd-rly/v1/nodes");
       }},
      {"RegisterRelayNode", "PUT", 200,
       R"({"connInfo":{"ipv4Addr":"127.0.0.1","port":1},"bootId":"b","capacity":{"flows":10}})",
       "relay", true, node},
      {"GetRelayNode", "GET", 200, "", "relay", true, node},
      {"DeregisterRelayNode", "DELETE", 204, "", "relay", true, node},
      {"SubmitRelayReport", "POST", 200,
       R"({"seq":1,"epoch":1,"flows":[{"flowId":9,"state":"UP"}],"windows":[{"flowId":9,)"
       R"("direction":"DL","from":"2026-01-01T00:00:00Z","ms":500,"packets":3,"bytes":600,"delay":)"
       R"({"buckets":[3],"counts":[3]}}]})",
       "relay", true, [](SealddWorld& w) { return node(w) + "/reports"; }},
      {"ListRelayOrders", "GET", 200, "", "relay", true,
       [](SealddWorld& w) { return node(w) + "/orders"; }},
      {"GetHistTransQualMeasReports", "GET", 200, "", "mmes", false,
       [](SealddWorld&) {
         return std::string("/sdd-tqm/v1/reports?app-traffic-ids=a&all-val-ues=true");
       }},
      {"PullDdContext", "GET", 200, "", "mmes", false,
       [](SealddWorld& w) {
         connection(w);
         return std::string("/sdd-ddc/v1/contexts?supp-feats=10000000000");
       }},
      {"PushDdContext", "POST", 201, context_text, "mmes", false,
       [](SealddWorld& w) {
         with_node(w);
         return std::string("/sdd-ddc/v1/contexts");
       }},
      {"GetDataStorages", "GET", 200, "", "mmes", false,
       [](SealddWorld& w) {
         made(w, "/sdd-ds/v1/storages", storage_text);
         return std::string("/sdd-ds/v1/storages");
       }},
      {"PutStoredOctets", "PUT", 204, "octets", "mmes", true, reserved, "application/octet-stream"},
      {"GetStoredOctets", "GET", 200, "", "mmes", true,
       [](SealddWorld& w) {
         const auto at = reserved(w);
         w.ask("PUT", at, "octets", {{"content-type", "application/octet-stream"}});
         return at;
       }},
      {"DataDeliveryRequest", "POST", 204, R"({"targetId":"t1","data":"aGVsbG8="})", "mmes", false,
       [](SealddWorld& w) {
         made(w, "/sdd-ds/v1/subscriptions", delivery_text);
         return std::string("/sdd-ds/v1/request-del");
       }}};
  add_kept(out, "/sdd-trans/v1/subscriptions", status_text, R"({"events":["RELEASED"]})",
           {"CreateConnStatusSubsc", "GetConnStatusSubsc", "UpdateConnStatusSubsc",
            "ModifyConnStatusSubsc", "DeleteConnStatusSubsc"});
  add_kept(out, "/sdd-tqm/v1/subscriptions", quality_text,
           R"({"reqs":{"y":{"measId":["JITTER"],"repType":"PERIODIC","repPeriodicity":9}}})",
           {"CreateTransQualMeasSubsc", "GetIndTransQualMeasSubsc", "UpdateIndTransQualMeasSubsc",
            "ModifyIndTransQualMeasSubsc", "DeleteIndTransQualMeasSubsc"});
  add_kept(out, "/sdd-pc/v1/configurations", policy_text,
           R"({"sealddPol":{"qualOptimSets":["BACK_TO_SINGLE_TRANS_PATH"]}})",
           {"CreatePolicyConfig", "GetIndPolicyConfig", "UpdateIndPolicyConfig",
            "ModifyIndPolicyConfig", "DeleteIndPolicyConfig"});
  add_kept(out, "/sdd-ds/v1/storages", storage_text, R"({"data":"d29ybGQ="})",
           {"CreateDataStorage", "GetIndDataStorage", "UpdateIndDataStorage",
            "ModifyIndDataStorage", "DeleteIndDataStorage"});
  add_kept(out, "/sdd-ds/v1/subscriptions", delivery_text, R"({"notifUri":"http://val.example/m"})",
           {"CreateDataDelSubsc", "GetIndDataDelSubsc", "UpdateIndDataDelSubsc",
            "ModifyIndDataDelSubsc", "DeleteIndDataDelSubsc"});
  return out;
}

}  // namespace lobo::app::testing
