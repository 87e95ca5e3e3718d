#include "demo_avatars/room.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <ios>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/crypto/certificate.hpp"
#include "adapters/http/loop.hpp"
#include "base/result.hpp"

namespace lobo::app {

std::string asset_of(std::string_view id) { return fmt::format("urn:avatar:{}", id); }

Quality quality_of(double slider) {
  constexpr double loss_most = 15, delay_most = 150, jitter_most = 40;
  const double bad = 1 - std::clamp(slider, 0.0, 100.0) / 100;
  return {.loss_percent = loss_most * std::pow(bad, 1.5),
          .delay_ms = delay_most * bad,
          .jitter_ms = jitter_most * std::pow(bad, 1.2)};
}

std::string quality_text(const Quality& quality) {
  if (quality.delay_ms == 0) return "nothing lost, no delay";
  return fmt::format("{:.1f} % lost, {:.0f} ± {:.0f} ms each way", quality.loss_percent,
                     quality.delay_ms, quality.jitter_ms);
}

std::string quality_json(const Quality& quality) {
  return fmt::format(R"({{"loss":{:.4f},"delay":{:.3f},"jitter":{:.3f}}})", quality.loss_percent,
                     quality.delay_ms, quality.jitter_ms);
}

bool left_by_avatars(std::string_view name) {
  constexpr std::array<std::string_view, 8> ours{"trace",     "flow",         "profile",
                                                 "reset.key", "summary.json", "report.html",
                                                 "trace.mmd", "drive.mjs"};
  return name.ends_with(".log") || name.ends_with(".png") ||
         name.find(".sqlite") != std::string_view::npos ||
         std::ranges::find(ours, name) != ours.end();
}

Result<void> make_certificate(const std::string& folder) {
  using std::chrono::hours;
  const auto now = adapters::SystemClock{}.now();
  const auto identity = adapters::crypto::make_identity({.name = "relay.lab",
                                                         .also = {"IP:127.0.0.1"},
                                                         .usage = adapters::crypto::Usage::server,
                                                         .from = now - hours{1},
                                                         .until = now + hours{24 * 13}},
                                                        nullptr);
  if (!identity) return fail(identity.error());
  const auto certificate = adapters::crypto::certificate_pem(*identity);
  const auto key = adapters::crypto::key_pem(*identity);
  if (!certificate || !key) return fail(Errc::internal, "no certificate was made");
  for (const auto& [name, text] : {std::pair{"server.pem", &*certificate}, {"server.key", &*key}}) {
    std::ofstream stream(folder + '/' + name, std::ios::trunc);
    stream << *text;
    if (!stream.flush()) return fail(Errc::unavailable, "cannot write below " + folder);
  }
  return {};
}

std::string serve_text(const std::string& folder, std::uint16_t sealdd_port,
                       const std::string& page_origin) {
  return fmt::format(R"(global:
  trace: {{directory: {0}/trace}}
sealdd:
  server: {{address: 127.0.0.1, port: {1}}}
  store: {{path: {0}/sealdd.sqlite}}
  auth: {{mode: "off"}}
  tokens: {{keys: {0}/flow}}
  connections: {{drain: 200ms}}
  sinks: {{allow: [127.0.0.0/8], https_only: false}}
metaverse:
  server: {{address: 127.0.0.1, port: 0}}
  store: {{path: {0}/metaverse.sqlite}}
  auth: {{mode: "off"}}
  web_origins: ["{2}"]
  sealdd: {{uri: "http://127.0.0.1:{1}"}}
  sinks: {{allow: [127.0.0.0/8], https_only: false}}
)",
                     folder, sealdd_port, page_origin);
}

std::string relay_text(const std::string& folder, std::uint16_t sealdd_port,
                       const std::string& page_origin) {
  return fmt::format(R"(logger: {{level: info, format: json}}
relay:
  node: {2}
  server: {{address: 127.0.0.1, port: 0}}
  websocket: {{address: 127.0.0.1, port: 0}}
  tls: {{cert: {0}/server.pem, key: {0}/server.key}}
  reset_key: {0}/reset.key
  sealdd: {{uri: "http://127.0.0.1:{3}"}}
  origins: ["{1}"]
)",
                     folder, page_origin, node_name, sealdd_port);
}

std::string policy_text() {
  // Tiers: all of it at 60 Hz; without fingers at 30; head and hands at 15; where somebody is at 5.
  return fmt::format(
      R"({{"match":{{"valServiceId":"{}"}},"ladder":[{{"updateRateHz":30,"components":15}},)"
      R"({{"updateRateHz":15,"components":3}},{{"updateRateHz":5,"components":1}}],)"
      R"("thresholds":{},)"
      R"("measurement":{{"what":["LATENCY","PACKET_LOSS_RATE","JITTER","BITRATE"]}}}})",
      service_name, thresholds_text());
}

std::string thresholds_text() { return R"({"latencyMs":90,"lossPermille":60})"; }

std::string qos_text() {
  return R"({"updateRateHz":60,"reliabilityClass":"R0","ttlMs":200,"components":31})";
}

std::string setup_text(const Reach& reach) {
  const auto https = [](const std::string& udp) {
    return "https://" + udp.substr(std::string_view("udp://").size()) + "/sdd";
  };
  std::string list;
  for (const auto& one : people)
    list += fmt::format(R"({}{{"id":"{}","name":"{}","hue":{},"native":{}}})",
                        list.empty() ? "" : ",", one.id, one.name, one.hue, one.native);
  return fmt::format(
      R"({{"mmes":"{}","service":"{}","room":"{}","url":"{}","blocked":"{}","websocket":"{}",)"
      R"("patienceMs":4000,"qos":{},"thresholds":{},"people":[{}]}})",
      reach.enabler, service_name, room_name, https(reach.udp), https(reach.udp_blocked),
      reach.websocket, qos_text(), thresholds_text(), list);
}

std::string session_text(std::string_view id) {
  return fmt::format(
      R"({{"valServiceId":"{0}","requesterId":"ue-{1}","room":"{2}","assets":[{{"assetId":"{3}",)"
      R"("assetClass":"avatar","serverEp":{{"id":"room:{2}"}},"clientEp":{{"id":"native:{1}"}},)"
      R"("hostUe":{{"valUeId":"ue-{1}"}},"direction":"BIDI","qos":{4}}}]}})",
      service_name, id, room_name, asset_of(id), qos_text());
}

}  // namespace lobo::app
