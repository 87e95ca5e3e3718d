#include "demo_session/texts.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace lobo::app {

std::string session_sealdd_config(std::string_view folder) {
  return fmt::format(R"(logger: {{level: info, format: json}}
sealdd:
  server: {{address: 127.0.0.1, port: 0}}
  store: {{path: {0}/sealdd.sqlite}}
  auth: {{mode: "off"}}
  tokens: {{keys: {0}/flow}}
  connections: {{drain: 500ms}}
  sinks: {{allow: [127.0.0.0/8], https_only: false}}
  trace: {{directory: {0}/trace}}
)",
                     folder);
}

std::string session_enabler_config(std::string_view folder, const Doors& doors) {
  return fmt::format(R"(logger: {{level: info, format: json}}
metaverse:
  server: {{address: 127.0.0.1, port: 0}}
  store: {{path: {0}/metaverse.sqlite}}
  auth: {{mode: "off"}}
  media: {{path: {0}/media}}
  sealdd: {{uri: "{1}"}}
  nrm: {{uri: "{2}"}}
  sinks: {{allow: [127.0.0.0/8], https_only: false}}
  trace: {{directory: {0}/trace}}
)",
                     folder, doors.sealdd, doors.nrm);
}

std::string session_node_config(std::string_view folder, std::string_view node,
                                std::string_view address, std::string_view sealdd) {
  return fmt::format(R"(logger: {{level: info, format: json}}
relay:
  node: {1}
  server: {{address: {2}, port: 0}}
  tls: {{cert: {0}/server.pem, key: {0}/server.key}}
  reset_key: {0}/{1}.reset
  metrics: {{server: {{address: 127.0.0.1, port: 0}}}}
  sealdd: {{uri: "{3}"}}
)",
                     folder, node, address, sealdd);
}

std::string session_block() { return fmt::format(R"({{"name":"{}"}})", session_room); }

std::string session_screen(std::string_view block) {
  return fmt::format(R"({{"assetId":"{}","blockId":"{}","name":"screen","assetClass":"twin",)"
                     R"("components":{{"0":"pose","1":"texture: video/H264 over RTP"}}}})",
                     screen_asset, block);
}

std::string session_policy() {
  return fmt::format(
      R"({{"match":{{"valServiceId":"{}"}},"qosCeil":{{"gbrDl":"{}"}},)"
      R"("ladder":[{{"updateRateHz":{},"components":1}}],)"
      R"("thresholds":{{"latencyMs":120,"lossPermille":100}},)"
      R"("measurement":{{"what":["LATENCY","PACKET_LOSS_RATE","JITTER","BITRATE"]}},)"
      R"("retentionSec":{}}})",
      session_service, granted_gbr, lower_rate_hz, session_kept.count());
}

std::string network_policy() {
  return fmt::format(R"({{"match":{{"ueIds":["{}"]}},"networkQos":"REQUIRED"}})", bob_ue);
}

std::string session_request(std::string_view notif_uri) {
  const auto asset = [](std::string_view id, std::string_view ue) {
    return fmt::format(
        R"({{"assetId":"{}","assetClass":"avatar","serverEp":{{"id":"room:{}"}},)"
        R"("clientEp":{{"id":"{}"}},"hostUe":{{"valUeId":"{}"}},"direction":"BIDI",)"
        R"("qos":{{"updateRateHz":{},"reliabilityClass":"R0","ttlMs":200,"components":3,)"
        R"("gbrDl":"{}","pdbDl":100,"per":"1E-1"}}}})",
        id, session_room, ue, ue, avatar_rate_hz, asked_gbr);
  };
  return fmt::format(
      R"({{"valServiceId":"{}","requesterId":"val-1","room":"{}","notif":{{"uri":"{}",)"
      R"("events":["SESSION_STATE","TIER_CHANGE","QOS_NOT_FULFILLED","QOS_RESTORED","RELOCATED"]}},)"
      R"("assets":[{},{}]}})",
      session_service, session_room, notif_uri, asset(bob_asset, bob_ue),
      asset(alice_asset, alice_ue));
}

std::string relocation_policy() {
  return fmt::format(R"({{"appTrafficIds":["{}","{}"],"suppFeat":"10000000000",)"
                     R"("sealddPol":{{"qualGuarSets":["CHANGE_SEALDD_SERVER"]}},)"
                     R"("thresholds":{{"maxLatencyUs":1,"badSeconds":1}}}})",
                     bob_asset, alice_asset);
}

}  // namespace lobo::app
