#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "media/world.hpp"
#include "support/media_driver.hpp"

namespace lobo::app::testing {

namespace {

using Driver = lobo::testing::MediaDriver;

const std::string sessions = "/3gpp-m1/v2/provisioning-sessions";
const std::string new_session = R"({"provisioningSessionType":"DOWNLINK","appId":"app-1"})";
const std::string policy_text =
    R"({"externalReference":"eco","monitoringScope":{"level":"SERVICE_LOCATION","samplePercentage":50},)"
    R"("reporting":{"mode":"BOTH","reportingInterval":10,"samplingPeriod":1,"minReportSpacing":5},)"
    R"("thresholds":[{"thresholdRef":"hot","metric":"POWER_W","direction":"UP","crossing":150,)"
    R"("clear":130,"dwell":5,"severity":"CRITICAL"}],"adaptationGuidance":[{"action":)"
    R"("RESELECT_SERVICE_LOCATION","triggerThresholdRef":"hot"}],"suspensionPolicy":{"conditions":)"
    R"(["hot"],"target":"SESSION","maxDuration":60},"recoveryPolicy":{"conditions":["hot"],)"
    R"("holdOff":10,"rampSessionsPerSecond":5},"recipients":[{"type":"ASP_CALLBACK",)"
    R"("notificationUri":"http://asp.example/n"}],"serviceEnergyProfile":{"mode":"ECO","objective":)"
    R"("CARBON","qoeFloor":{"minBitRate":"1 Mbps","maxLatencyMs":100},"switchCostJoule":60},)"
    R"("measurementTime":{"start":"2026-01-01T00:00:00Z","duration":1000},"reportValidityTime":30,)"
    R"("energyBudget":{"period":3600,"segments":[{"lowerWh":0,"upperWh":5,"action":"NONE"},)"
    R"({"lowerWh":5,"action":"DEFER_DOWNLOAD"}]}})";

std::string policy_path(MediaWorld& w) {
  const auto at = w.session() + "/energy-policies";
  return at + '/' + MediaWorld::id_of(w.ask("POST", at, policy_text));
}
std::string server_path(MediaWorld& w) {
  const std::string at = "/x-e3/v1/application-servers/as1";
  w.ask("PUT", at, Driver::registration("SL1"), {}, "as");
  return at;
}
std::string subscription_path(MediaWorld& w);

/// Where the network may say how that subscription's session is served.
std::string network_path(MediaWorld& w, std::string_view form) {
  const auto shown = w.ask("GET", subscription_path(w), {}, {}, "ue");
  const auto uri = std::string(
      *Driver::body_of(shown).find("networkNotificationUris")->find(std::string(form))->text());
  return uri.substr(std::string_view("http://af.example").size());
}

std::string subscription_path(MediaWorld& w) {
  const auto policy = policy_path(w);
  const auto session = policy.substr(sessions.size() + 1,
                                     policy.find('/', sessions.size() + 1) - sessions.size() - 1);
  const std::string at = "/x-e5/v1/subscriptions";
  return at + '/' +
         MediaWorld::id_of(
             w.ask("POST", at,
                   R"({"provisioningSessionId":")" + session + R"(","energyPolicyId":")" +
                       policy.substr(policy.rfind('/') + 1) + R"(","mediaDeliverySessionId":"m1"})",
                   {}, "ue"));
}

}  // namespace

std::vector<MediaOperation> media_operations() {
  std::vector<MediaOperation> out{
      {"CreateProvisioningSession", "POST", 201, new_session, "asp", false,
       [](MediaWorld&) { return sessions; }},
      {"ListProvisioningSessions", "GET", 200, "", "asp", false,
       [](MediaWorld& w) {
         w.session();
         return sessions;
       }},
      {"GetProvisioningSession", "GET", 200, "", "asp", true,
       [](MediaWorld& w) { return w.session(); }},
      {"DestroyProvisioningSession", "DELETE", 204, "", "asp", true,
       [](MediaWorld& w) { return w.session(); }},
      {"ListEnergyPolicies", "GET", 200, "", "asp", true,
       [](MediaWorld& w) {
         const auto one = policy_path(w);
         return one.substr(0, one.rfind('/'));
       }},
      {"GetServiceAccessInformation", "GET", 200, "", "ue", false,
       [](MediaWorld& w) {
         const auto at = w.session();
         return "/3gpp-m5/v2/service-access-information" + at.substr(sessions.size());
       }},
      {"SubmitConsumptionReport", "POST", 204,
       R"({"mediaPlayerEntry":"http://sl1.example/m4/live.mpd","reportingClientId":"c1",)"
       R"("consumptionReportingUnits":[{"mediaConsumed":"http://sl1.example/m4/1.mp4",)"
       R"("serverEndpointAddress":{"hostname":"sl1.example","portNumber":80},)"
       R"("startTime":"2026-11-22T12:00:00Z","duration":10}]})",
       "ue", false,
       [](MediaWorld& w) {
         const auto at = w.session();
         return "/3gpp-m5/v2/consumption-reporting" + at.substr(sessions.size());
       }},
      {"SubmitMetricsReport", "POST", 204,
       R"(<ReceptionReport xmlns="urn:3gpp:metadata:2011:HSD:receptionreport" clientID="c1">)"
       R"(<QoeReport reportTime="2026-11-22T12:00:00Z" reportPeriod="10"/></ReceptionReport>)",
       "ue", false,
       [](MediaWorld& w) {
         const auto at = w.session();
         const auto made = MediaWorld::id_of(
             w.ask("POST", at + "/metrics-reporting-configurations", R"({"samplingPeriod":1})"));
         return "/3gpp-m5/v2/metrics-reporting" + at.substr(sessions.size()) + '/' + made;
       }},
      {"GetSteeringPlan", "GET", 200, "", "steer", false,
       [](MediaWorld& w) {
         w.ask("POST", w.session() + "/content-hosting-configuration", Driver::hosting_text());
         server_path(w);
         w.loop.run_for(w.server().plane.settings().plan_every);
         Driver words;
         words.now = w.loop.now();
         w.ask("POST", "/x-e3/v1/as-energy-reports",
               words.report_text("as1", "SL1", {}, 100, 0, 1000, 1), {}, "as");
         w.loop.run_for(w.server().plane.settings().plan_every);
         return std::string("/x-steering/v1/steering-plan");
       }},
      {"SubmitSteeringReports", "POST", 204,
       R"({"reports":[{"session":"0123456789abcdef","group":"g","sentTo":"SL1","failed":["SL2"]}]})",
       "steer", false, [](MediaWorld&) { return std::string("/x-steering/v1/steering-reports"); }},
      {"ListApplicationServers", "GET", 200, "", "as", false,
       [](MediaWorld& w) {
         server_path(w);
         return std::string("/x-e3/v1/application-servers");
       }},
      {"RegisterApplicationServer", "PUT", 200, Driver::registration("SL1"), "as", true,
       server_path},
      {"GetApplicationServer", "GET", 200, "", "as", true, server_path},
      {"DeregisterApplicationServer", "DELETE", 204, "", "as", true, server_path},
      {"SubmitAsEnergyReports", "POST", 200,
       R"({"reports":[{"reportId":"r1","sequence":1,"asInstanceId":"as1","bootId":"b1",)"
       R"("reason":"PERIODIC","measurementTime":{"start":"2026-01-01T00:00:00Z",)"
       R"("end":"2026-01-01T00:00:10Z"},"timestamp":"2026-01-01T00:00:10Z","validityTime":30,)"
       R"("host":{"energyJ":1200,"powerW":120,"idlePowerW":100,"method":"MEASURED_RAPL",)"
       R"("relUncertainty":0.05,"cpuUtil":0.2,"nicTxMbps":10,"state":"ACTIVE"},)"
       R"("perServiceLocation":[{"serviceLocationId":"SL1","energyJ":1200,"idleShareJ":1000,)"
       R"("dynamicJ":200,"bytesTx":5000,"requests":7,"activeSessions":2}],)"
       R"("perServiceDataFlow":[{"domainName":"sl1.example","bytesTx":5000,"energyJ":200}],)"
       R"("supply":{"carbonIntensityGPerKWh":120,"renewableRatio":0.4,"zone":"DE"}}]})",
       "as", true,
       [](MediaWorld& w) {
         server_path(w);
         return std::string("/x-e3/v1/as-energy-reports");
       }},
      {"ReceiveNetworkMonitoring", "POST", 204,
       R"({"valUeIds":[{"valUserId":"u"}],"timestamp":"2026-11-22T12:00:00Z","measData":{"dlDelay":9}})",
       "", false, [](MediaWorld& w) { return network_path(w, "monitoring"); }},
      {"ReceiveNetworkResourceEvents", "POST", 204,
       R"({"notifId":"http://val.example/n","eventNotifs":[{"event":"QOS_NOT_GUARANTEED",)"
       R"("ts":"2026-11-22T12:00:00Z"}]})",
       "", false, [](MediaWorld& w) { return network_path(w, "resource"); }},
      {"ReceiveNetworkUserPlaneEvents", "POST", 204,
       R"({"transaction":"http://nef.example/1","eventReports":[{"event":"QOS_GUARANTEED"}]})", "",
       false, [](MediaWorld& w) { return network_path(w, "userPlane"); }},
      {"ReceiveNetworkAppSessionEvents", "POST", 204,
       R"({"evSubsUri":"http://pcf.example/s","evNotifs":[{"event":"QOS_NOTIF"}]})", "", false,
       [](MediaWorld& w) { return network_path(w, "appSession") + "/notify"; }},
      {"GetEnergySubscription", "GET", 200, "", "ue", true, subscription_path},
      {"UnsubscribeFromEnergyInformation", "DELETE", 204, "", "ue", true, subscription_path},
      {"ListEnergyEvents", "GET", 200, "", "ue", true,
       [](MediaWorld& w) { return subscription_path(w) + "/events"; }},
      {"ReportUeEnergyState", "PUT", 204,
       R"({"battery":0.5,"powerSource":"BATTERY","thermal":"FAIR","userMode":"ECO"})", "ue", true,
       [](MediaWorld& w) { return subscription_path(w) + "/ue-energy-state"; }},
      {"NotifyServiceLocationChange", "POST", 204,
       R"({"moveId":"m","from":"SL1","to":"SL2","at":"2026-11-22T12:00:00Z","outcome":"SUCCEEDED",)"
       R"("stallMs":0})",
       "ue", true,
       [](MediaWorld& w) { return subscription_path(w) + "/service-location-changes"; }}};

  struct Part {
    std::string_view name, segment;
    bool many;
    std::string text;
  };
  const std::vector<Part> parts{
      {"ContentHostingConfiguration", "content-hosting-configuration", false,
       Driver::hosting_text()},
      {"ConsumptionReportingConfiguration", "consumption-reporting-configuration", false,
       R"({"reportingInterval":10,"samplePercentage":50,"locationReporting":true,"accessReporting":true})"},
      {"EnergyInformationExposure", "energy-information-exposure", false,
       Driver::everything_exposed()},
      {"MetricsReportingConfiguration", "metrics-reporting-configurations", true,
       R"({"scheme":"urn:3GPP:ns:PSS:DASH:QM10","reportingInterval":10,"samplePercentage":50,)"
       R"("urlFilters":["a"],"samplingPeriod":1,"metrics":["BufferLevel"]})"},
      {"EnergyPolicy", "energy-policies", true, policy_text}};
  struct Verb {
    std::string_view name;
    std::string method;
    int status;
    bool body;
  };
  // Names live as long as the program: an operation has a view of its own.
  static std::vector<std::unique_ptr<std::string>> names;
  for (const auto& part : parts)
    for (const auto& verb : std::vector<Verb>{{"Create", "POST", 201, true},
                                              {"Get", "GET", 200, false},
                                              {"Replace", "PUT", 204, true},
                                              {"Modify", "PATCH", 200, true},
                                              {"Delete", "DELETE", 204, false}}) {
      names.push_back(
          std::make_unique<std::string>(std::string(verb.name) + std::string(part.name)));
      const bool makes = verb.name == "Create";
      out.push_back({*names.back(), verb.method, verb.status,
                     !verb.body              ? std::string()
                     : verb.name == "Modify" ? R"({"x-other":1})"
                                             : part.text,
                     "asp", true, [part, makes](MediaWorld& w) {
                       auto at = w.session() + '/' + std::string(part.segment);
                       if (makes) return at;
                       const auto made = w.ask("POST", at, part.text);
                       return part.many ? at + '/' + MediaWorld::id_of(made) : at;
                     }});
    }
  return out;
}

}  // namespace lobo::app::testing
