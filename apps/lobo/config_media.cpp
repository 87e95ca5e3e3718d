#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "config.hpp"
#include "config_read.hpp"
#include "config_section.hpp"
#include "energy/problem.hpp"
#include "services/media_energy/ports.hpp"
#include "web_origins.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr double watts_max = 1e6;

void read_location(Section& section, MediaEnergyConfig& out) {
  media_energy::LocationSettings read;
  std::string id;
  section.require("id");
  section.text("id", id);
  section.number("latency_ms", 0, 60'000, read.latency_ms);
  section.number("site_w", 0, watts_max, read.site_w);
  section.number("pue", 1, 10, read.pue);
  section.number("carbon_g_per_kwh", 0, 5000, read.carbon_g_per_kwh);
  section.number("renewable_ratio", 0, 1, read.renewable_ratio);
  section.number("price_per_kwh", 0, 1e5, read.price_per_kwh);
  section.number("server_mbps_max", 1, 1e7, read.server_mbps_max);
  section.number("idle_w_min", 0, watts_max, read.idle_w_min);
  if (!out.locations.emplace(id, read).second)
    section.complain("id", Errc::duplicate, fmt::format("'{}' stands twice", id));
}

}  // namespace

void read_web_origins(Section& section, std::vector<std::string>& out) {
  section.texts("web_origins", out);
  if (out.size() > web_origins_max)
    section.complain("web_origins", Errc::too_many, fmt::format("at most {}", web_origins_max));
  for (const auto& origin : out) {
    const auto url = origin == "*" ? std::nullopt : std::optional(http::parse_url(origin + '/'));
    if (url && (!*url || (*url)->origin() != origin))
      section.complain("web_origins", Errc::pattern,
                       fmt::format("'{}' is no origin such as https://page.example", origin));
  }
}

void read_media_energy(Section& section, MediaEnergyConfig& out) {
  for (const auto key : {"server", "store", "auth", "service_locations"}) section.require(key);
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
       {std::pair{"base_uri", &out.base_uri}, std::pair{"steering_uri", &out.steering_uri}})
    if (section.text(key, *uri)) check_uri(section, key, *uri);
  read_web_origins(section, out.web_origins);
  section.each("service_locations", [&](Section& location) { read_location(location, out); });
  if (out.locations.size() > energy::locations_max)
    section.complain("service_locations", Errc::out_of_range,
                     fmt::format("at most {}", energy::locations_max));
  section.section("sinks", [&](Section& sinks) { read_sinks(sinks, out.sinks); });
  section.section("quotas", [&](Section& quotas) { read_quotas(quotas, out.quotas); });
  section.section("limits", [&](Section& limits) { read_limits(limits, out.limits); });
  section.section("sessions", [&](Section& sessions) {
    sessions.number("usual_mbps", 0.001, 1e5, out.usual_mbps);
    sessions.duration("remaining", 1s, 24h, out.session_remaining);
    sessions.duration("veto", 1s, 24h, out.veto_time);
    sessions.duration("idle", 15s, 24h, out.subscription_idle);
  });
  section.section("plan", [&](Section& plan) {
    plan.duration("every", 1s, 1h, out.plan_every);
    plan.duration("spacing", 0s, 1h, out.plan_spacing);
    plan.number("release_share", 0.001, 1, out.release_share);
    plan.duration("steering_ttl", 5s, 5min, out.steering_ttl);
    plan.number("utilisation", 0.01, 1, out.utilisation);
    plan.number("spare_share", 0, 1, out.spare_share);
    plan.boolean("stand_by", out.stand_by);
  });
  read_trace(section, out.trace);
  check_servers(section, out.servers, out.metrics, out.auth);
}

}  // namespace lobo::app
