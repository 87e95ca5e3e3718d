#include <chrono>

#include "config.hpp"
#include "config_read.hpp"
#include "config_section.hpp"

namespace lobo::app {

using namespace std::chrono_literals;

void read_sealdd(Section& section, SealddConfig& out) {
  for (const auto key : {"server", "store", "auth"}) section.require(key);
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
  if (section.text("base_uri", out.base_uri)) check_uri(section, "base_uri", out.base_uri);
  section.section("tokens", [&](Section& tokens) {
    tokens.text("keys", out.token_keys);
    tokens.duration("life", 10s, 24h, out.token_life);
  });
  section.section("nodes", [&](Section& nodes) {
    nodes.duration("lease", 500ms, 60s, out.lease);
    nodes.duration("settle", 500ms, 60s, out.settle);
  });
  section.section("connections", [&](Section& connections) {
    connections.duration("life", 10s, 24h * 30, out.connection_life);
    connections.duration("drain", 0ms, 60s, out.drain);
  });
  section.section("mmes", [&](Section& mmes) { read_sealdd_door(mmes, out.mmes.emplace()); });
  section.section("nrm", [&](Section& nrm) { read_sealdd_door(nrm, out.nrm.emplace()); });
  section.section("sinks", [&](Section& sinks) { read_sinks(sinks, out.sinks); });
  section.section("quotas", [&](Section& quotas) { read_quotas(quotas, out.quotas); });
  section.section("limits", [&](Section& limits) { read_limits(limits, out.limits); });
  read_trace(section, out.trace);
  check_servers(section, out.servers, out.metrics, out.auth);
}

}  // namespace lobo::app
