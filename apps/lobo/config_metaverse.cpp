#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include "config.hpp"
#include "config_read.hpp"
#include "config_section.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t metaverse_body_bytes = std::uint64_t{4} << 20U;

void read_seconds(Section& section, std::string_view key, std::chrono::milliseconds most,
                  std::chrono::seconds& out) {
  std::chrono::milliseconds read = out;
  if (section.duration(key, 1s, most, read)) out = std::chrono::ceil<std::chrono::seconds>(read);
}

}  // namespace

void read_sealdd_door(Section& section, NefConfig& out) {
  section.require("uri");
  out.deadline = 4s;
  if (section.text("uri", out.uri)) check_uri(section, "uri", out.uri);
  section.boolean("http2", out.http2);
  section.duration("deadline", 100ms, 10s, out.deadline);
  section.section("oauth2", [&](Section& oauth2) { read_oauth2(oauth2, out.oauth2.emplace()); });
  section.section("tls", [&](Section& tls) { read_client_tls(tls, out.tls); });
}

void read_metaverse(Section& section, MetaverseConfig& out) {
  for (const auto key : {"server", "store", "auth", "sealdd"}) section.require(key);
  read_servers(section, "server", out.servers, true);
  section.section("metrics", [&](Section& metrics) {
    metrics.require("server");
    read_servers(metrics, "server", out.metrics, false);
  });
  section.section("store", [&](Section& store) {
    store.require("path");
    store.text("path", out.store_path);
  });
  section.section("auth", [&](Section& auth) { read_auth(auth, out.auth); });
  for (const auto& [key, uri] :
       {std::pair{"base_uri", &out.base_uri}, std::pair{"callback_base", &out.callback_base}})
    if (section.text(key, *uri)) check_uri(section, key, *uri);
  read_web_origins(section, out.web_origins);
  section.section("sealdd", [&](Section& sealdd) { read_sealdd_door(sealdd, out.sealdd); });
  section.section("nrm", [&](Section& nrm) { read_sealdd_door(nrm, out.nrm.emplace()); });
  section.texts("operators", out.operators);
  section.section("media", [&](Section& media) {
    media.require("path");
    media.text("path", out.media_path);
    media.integer("megabytes", 1, 1U << 20U, out.media_megabytes);
    media.integer("asset_megabytes", 1, 1024, out.asset_megabytes);
  });
  section.section("sinks", [&](Section& sinks) { read_sinks(sinks, out.sinks); });
  section.section("quotas", [&](Section& quotas) { read_quotas(quotas, out.quotas); });
  out.limits.body_bytes = metaverse_body_bytes;  // A session of 256 assets, a part of media.
  section.section("limits", [&](Section& limits) { read_limits(limits, out.limits); });
  section.section("sessions", [&](Section& sessions) {
    sessions.duration("answer_within", 100ms, 10s, out.sessions.answer_within);
    read_seconds(sessions, "grace", 24h, out.sessions.grace);
    read_seconds(sessions, "first_flow", 24h, out.sessions.first_flow);
    read_seconds(sessions, "connection_lifetime", 24h, out.sessions.connection_lifetime);
    read_seconds(sessions, "resolved_for", 24h, out.sessions.resolved_for);
  });
  out.sessions.call_deadline = out.sealdd.deadline;
  read_trace(section, out.trace);
  check_servers(section, out.servers, out.metrics, out.auth);
}

}  // namespace lobo::app
