#include "metaverse/operations.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "metaverse/world.hpp"

namespace lobo::app::testing {
namespace {

const std::string sessions = "/mm-das/v1/sessions";
const std::string subscriptions = "/mm-das/v1/subscriptions";
const std::string policies = "/mm-pol/v1/policies";

const std::string rich_asset = MmWorld::asset(
    "1", "ue-1",
    R"({"gbrUl":"128 Kbps","mbrDl":"4 Mbps","pdbDl":20,"jitterDl":8000,"per":"1E-3","updateRateHz":30,)"
    R"("maxStateBytes":512,"reliabilityClass":"R0","ttlMs":100,"priority":3,)"
    R"("sched":[{"daysOfWeek":[1,2],"timeOfDayStart":"00:00"},{}],)"
    R"("alternatives":[{"updateRateHz":15},{"updateRateHz":5,"components":1}]})",
    R"(,"assetClass":"avatar","direction":"BIDI","components":15,"mmelSupport":true,)"
    R"("redundancy":"AUTO","optional":false)");
const std::string rich_session = MmWorld::session_text(
    rich_asset + ',' + MmWorld::asset("2", "ue-1", "{}", R"(,"dependsOn":["urn:a:1"])"),
    MmWorld::notif() +
        R"(,"syncGroups":[{"id":"g","assetIds":["urn:a:1","urn:a:2"],"maxSkewMs":20}],)"
        R"("lowerLayerHints":{"serviceArea":"hall","sNssai":{"sst":1},"transType":"regular"},)"
        R"("expTime":"2099-01-01T00:00:00Z")");
const std::string subscription =
    R"({"notifUri":"http://val.example/s","events":["FLOW_STATE","MEASUREMENT"],)"
    R"("sessionIds":["s"],"assetIds":["urn:a:1"],"valServiceId":"xr","minIntervalMs":100,)"
    R"("expTime":"2099-01-01T00:00:00Z"})";
const std::string policy =
    R"({"match":{"assetIds":["urn:a:1"],"assetClass":"avatar","valServiceId":"xr.meet","ueIds":["ue-1"],)"
    R"("serviceArea":"hall"},"priority":5,"effect":"ALLOW","outOfRange":"TRIM",)"
    R"("qosFloor":{"pdbDl":5},"qosCeil":{"mbrDl":"4 Mbps","components":255},)"
    R"("ladder":[{"updateRateHz":15}],"permission":{"publish":7,"subscribe":255},)"
    R"("redundancy":"NONE","sched":[{}],"maxAssetsPerUe":8,)"
    R"("sealdd":{"qualGuarSets":["REESTABLISH_TRANS_PATH"],"qualOptimSets":["BACK_TO_SINGLE_TRANS_PATH"],)"
    R"("bdwCtrlSets":["REALLOCATE_DL"]},"thresholds":{"latencyMs":50,"jitter":9,"lossPermille":1.5},)"
    R"("measurement":{"what":["LATENCY"],"periodSec":1},"retentionSec":30})";

std::string session_path(MmWorld& w) {
  return w.session(MmWorld::asset("1", "ue-1", R"({"alternatives":[{"updateRateHz":5}]})") + ',' +
                   MmWorld::asset("2", "ue-1"));
}
std::string asset_path(MmWorld& w) { return session_path(w) + "/assets/urn%3Aa%3A1"; }
std::string subscription_path(MmWorld& w) {
  return MmWorld::path_of(w.ask("POST", subscriptions, subscription));
}
std::string policy_path(MmWorld& w) { return MmWorld::path_of(w.ask("POST", policies, policy)); }
std::string callback_path(MmWorld& w, std::string_view what) {
  w.session(MmWorld::asset("1", "ue-1"));
  auto path = w.sealdd.of_ue("ue-1").notif_uri.substr(std::string_view("http://mm.example").size());
  return path.substr(0, path.rfind('/') + 1) + std::string(what);
}

std::string block_path(MmWorld& w) {
  return MmWorld::path_of(w.ask("POST", "/mm-mdrb/v1/blocks", R"({"name":"hall"})"));
}
std::string asset_text(MmWorld& w) {
  const auto block = block_path(w);
  return R"({"blockId":")" + block.substr(block.rfind('/') + 1) + R"(","name":"alice"})";
}
std::string mdrb_asset_path(MmWorld& w) {
  return MmWorld::path_of(w.ask("POST", "/mm-mdrb/v1/assets", asset_text(w)));
}

}  // namespace

std::vector<MmOperation> mm_operations() {
  const std::string change = R"({"expTime":"2098-01-01T00:00:00Z","notif":null})";
  return {
      {"CreateSyncSession", "POST", 201, rich_session, "val", false,
       [](MmWorld&) { return sessions; }},
      {"ListSyncSessions", "GET", 200, "", "val", false,
       [](MmWorld& w) {
         session_path(w);
         return sessions + "?val-service-id=xr.meet&ue-id=ue-1&asset-id=urn%3Aa%3A1&limit=2";
       }},
      {"GetSyncSession", "GET", 200, "", "val", true, session_path},
      {"ReplaceSyncSession", "PUT", 200, rich_session, "val", true, session_path},
      {"ModifySyncSession", "PATCH", 200, change, "val", true, session_path},
      {"DeleteSyncSession", "DELETE", 204, "", "val", true, session_path},
      {"GetSyncAsset", "GET", 200, "", "val", true, asset_path},
      {"PutSyncAsset", "PUT", 200, rich_asset, "val", true, asset_path},
      {"RemoveSyncAsset", "DELETE", 204, "", "val", true, asset_path},
      {"VetoTier", "POST", 200, R"({"tier":1,"holdSec":5})", "val", true,
       [](MmWorld& w) { return asset_path(w) + "/veto"; }},
      {"ListSyncFlows", "GET", 200, "", "val", true,
       [](MmWorld& w) { return session_path(w) + "/flows"; }},
      {"GetSyncState", "GET", 200, "", "val", true,
       [](MmWorld& w) {
         w.sealdd.replica =
             MmWorld::replica(R"({"component":0,"seq":7,"ageUs":2500,"state":"cG9zZQ=="})");
         return w.session(MmWorld::ending_here("1", "ue-1")) + "/state/urn%3Aa%3A1";
       }},
      {"CollectMeasurements", "POST", 202, R"({"forSec":5})", "val", true,
       [](MmWorld& w) { return session_path(w) + "/collect"; }},
      {"CreateSyncSubscription", "POST", 201, subscription, "val", false,
       [](MmWorld&) { return subscriptions; }},
      {"ListSyncSubscriptions", "GET", 200, "", "val", false,
       [](MmWorld& w) {
         subscription_path(w);
         subscription_path(w);
         return subscriptions + "?limit=1";
       }},
      {"GetSyncSubscription", "GET", 200, "", "val", true, subscription_path},
      {"ReplaceSyncSubscription", "PUT", 200, subscription, "val", true, subscription_path},
      {"ModifySyncSubscription", "PATCH", 200, R"({"minIntervalMs":null,"expTime":null})", "val",
       true, subscription_path},
      {"DeleteSyncSubscription", "DELETE", 204, "", "val", true, subscription_path},
      {"ListMissedNotifications", "GET", 200, "", "val", true,
       [](MmWorld& w) { return subscription_path(w) + "/missed"; }},
      {"ResolveSyncSession", "POST", 201, rich_session, "sealdd", false,
       [](MmWorld&) { return std::string("/mm-das/v1/resolve"); }},
      {"CreateSyncPolicy", "POST", 201, policy, "val", false, [](MmWorld&) { return policies; }},
      {"ListSyncPolicies", "GET", 200, "", "val", false,
       [](MmWorld& w) {
         policy_path(w);
         return policies;
       }},
      {"GetSyncPolicy", "GET", 200, "", "val", true, policy_path},
      {"ReplaceSyncPolicy", "PUT", 200, policy, "val", true, policy_path},
      {"ModifySyncPolicy", "PATCH", 200, R"({"priority":7})", "val", true, policy_path},
      {"DeleteSyncPolicy", "DELETE", 204, "", "val", true, policy_path},
      {"CreateMdrbBlock", "POST", 201, R"({"name":"hall","description":"with a stage"})", "val",
       false, [](MmWorld&) { return std::string("/mm-mdrb/v1/blocks"); }},
      {"ListMdrbBlocks", "GET", 200, "", "val", false,
       [](MmWorld& w) {
         block_path(w);
         return std::string("/mm-mdrb/v1/blocks");
       }},
      {"GetMdrbBlock", "GET", 200, "", "val", true, block_path},
      {"ReplaceMdrbBlock", "PUT", 200, R"({"name":"cellar"})", "val", true, block_path},
      {"DeleteMdrbBlock", "DELETE", 204, "", "val", true, block_path},
      {"ListMdrbAssets", "GET", 200, "", "val", false,
       [](MmWorld& w) {
         mdrb_asset_path(w);
         return std::string("/mm-mdrb/v1/assets?block-id=none");
       }},
      {"GetMdrbAsset", "GET", 200, "", "val", true, mdrb_asset_path},
      {"DeleteMdrbAsset", "DELETE", 204, "", "val", true, mdrb_asset_path},
      {"ReceiveConnectionStatus", "POST", 204,
       R"({"connectionId":"c1","seq":1,"ts":"2026-01-01T00:00:00Z","state":"ESTABLISHED",)"
       R"("flows":{"urn:a:1":"UP"},"epoch":2})",
       "", false, [](MmWorld& w) { return callback_path(w, "connection"); }},
      {"ReceiveNetworkQos", "POST", 204,
       R"({"notifId":"http://nrm.example/q","eventNotifs":[{"event":"QOS_GUARANTEED",)"
       R"("ts":"2026-01-01T00:00:00Z","seq":1,"mmQosId":"q"}]})",
       "", false, [](MmWorld& w) { return callback_path(w, "network"); }},
      {"ReceiveQualityMeasurement", "POST", 204,
       R"({"reports":[{"measId":["LATENCY"],"valUeIds":["ue-1"],"appTrafficIds":["urn:a:1"],)"
       R"("measData":{"avgLatency":5,"avgJitter":2,"avgPackLossRate":1,"avgBitRate":"1 Mbps",)"
       R"("timestamp":"2026-01-01T00:00:00Z"}}]})",
       "", false, [](MmWorld& w) { return callback_path(w, "measurements"); }},
  };
}

}  // namespace lobo::app::testing
