#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/key_feed.hpp"
#include "api/ss_nra.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "config.hpp"
#include "config_read.hpp"
#include "config_section.hpp"
#include "config_tree.hpp"
#include "nrm_wiring.hpp"
#include "services/seal_nrm/checks.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/json/json.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t release_min = 18;
constexpr std::uint64_t release_max = 19;
/// Addresses of one page stand in one URI; 64 of them stay below 6 KiB.
constexpr std::uint64_t audit_page_max = 64;

/// What NEF and PCF have in common.
void read_door(Section& section, NefConfig& out) {
  std::uint64_t release = out.release;
  if (section.integer("release", release_min, release_max, release))
    out.release = static_cast<std::uint32_t>(release);
  section.choice<AllocationEvents>("allocation_events",
                                   {{"auto", AllocationEvents::probed},
                                    {"always", AllocationEvents::always},
                                    {"never", AllocationEvents::never}},
                                   out.allocation_events);
  section.text("dnn", out.dnn);
  section.duration("deadline", 100ms, 60s, out.deadline);
  section.section("oauth2", [&](Section& oauth2) { read_oauth2(oauth2, out.oauth2.emplace()); });
  section.section("tls", [&](Section& tls) { read_client_tls(tls, out.tls); });
}

void read_nef(Section& section, NefConfig& out) {
  section.require("uri");
  if (section.text("uri", out.uri)) check_uri(section, "uri", out.uri);
  if (section.text("callback_base", out.callback_base))
    check_uri(section, "callback_base", out.callback_base);
  section.boolean("http2", out.http2);
  section.text("scs_as_id", out.scs_as_id);
  section.boolean("modify_by_put", out.modify_by_put);
  section.integer("flow_id_first", 1, 4294967295U, out.flow_id_first);
  read_door(section, out);
}

void read_core(Section& section, NrmConfig& out) {
  section.require("type");
  section.choice<CoreType>("type", {{"nef", CoreType::nef}, {"pcf", CoreType::pcf}}, out.core);
  if (out.core == CoreType::nef) return;
  auto& pcf = out.pcf;
  if (section.text("pcf", out.nef.uri)) check_uri(section, "pcf", out.nef.uri);
  if (section.text("bsf", pcf.bsf_uri)) check_uri(section, "bsf", pcf.bsf_uri);
  if (section.has("pcf") == section.has("bsf"))
    section.complain(section.has("pcf") ? "pcf" : "bsf", Errc::not_allowed,
                     "needs either the PCF that serves all UEs, or the BSF that names one");
  section.texts("pcf_hosts", pcf.pcf_hosts);
  if (section.has("bsf") != section.has("pcf_hosts"))
    section.complain("pcf_hosts", Errc::not_allowed,
                     "says whom the BSF may name: it stands beside bsf, and only there");
  if (const auto policy = http::SinkPolicy::from(pcf.pcf_hosts, false); !policy)
    section.complain("pcf_hosts", policy.error().code, policy.error().detail);
  section.text("af_app_id", pcf.af_app_id);
  section.text("media_type", pcf.media_type);
  section.text("supported_features", pcf.supported_features);
  read_door(section, out.nef);
  section.section("nef", [&](Section& nef) {
    read_nef(nef, out.nef_beside.emplace());
    for (const auto key : {"release", "allocation_events", "modify_by_put"})
      if (nef.has(key))
        nef.complain(key, Errc::not_allowed,
                     "is about reservations, and those are asked of the PCF");
  });
}

/// Each UE of a PCF without a NEF has an address, since nobody else tells it; one UE an address.
void check_addresses(Section& section, NrmConfig& out) {
  std::map<std::string, std::string> gpsi_of;
  const bool nef_tells = out.core == CoreType::nef || out.nef_beside;
  for (const auto& ue : out.ues) {
    if (ue.address.empty()) {
      if (!nef_tells)
        section.complain(
            "ues", Errc::missing,
            fmt::format("{}: with `core: type: pcf` and no NEF a UE needs its address", ue.gpsi));
      continue;
    }
    if (nef_tells)
      section.complain(
          "ues", Errc::not_allowed,
          fmt::format("{}: a NEF tells where a UE is; take the address away", ue.gpsi));
    const auto [at, first] = gpsi_of.emplace(ue.address, ue.gpsi);
    if (!first && at->second != ue.gpsi)
      section.complain("ues", Errc::duplicate,
                       fmt::format("{} is the address of two UEs", ue.address));
  }
}

void read_ues(Section& section, std::vector<UeConfig>& out) {
  std::set<std::string> seen;
  section.each("ues", [&](Section& ue) {
    UeConfig read;
    ue.text("val_ue", read.val_ue);
    ue.text("val_user", read.val_user);
    ue.require("gpsi");
    if (ue.text("gpsi", read.gpsi) && !read.gpsi.starts_with("msisdn-") &&
        !read.gpsi.starts_with("extid-"))
      ue.complain("gpsi", Errc::pattern,
                  fmt::format("'{}' begins neither with msisdn- nor with extid-", read.gpsi));
    if (ue.text("address", read.address) && !ue_address_of(read.address))
      ue.complain("address", Errc::pattern,
                  fmt::format("'{}' is no IPv4, IPv6 or MAC address", read.address));
    ue.texts("requesters", read.requesters);
    if (!ue.has("val_ue") && !ue.has("val_user"))
      ue.complain("val_ue", Errc::missing, "a UE needs val_ue or val_user or both");
    const auto check_once = [&](std::string_view key, const std::string& id) {
      if (!id.empty() && !seen.insert(std::string(key) + "/" + id).second)
        ue.complain(key, Errc::duplicate, fmt::format("'{}' is listed twice", id));
    };
    check_once("val_ue", read.val_ue);
    check_once("val_user", read.val_user);
    out.push_back(std::move(read));
  });
}

/// Members are UEs and users of `ues`: a name that nobody knows is a mistake of who wrote it.
void read_groups(Section& section, const std::vector<UeConfig>& ues,
                 std::vector<GroupConfig>& out) {
  std::set<std::string_view> known_ues, known_users, seen;
  for (const auto& ue : ues) {
    known_ues.insert(ue.val_ue);
    known_users.insert(ue.val_user);
  }
  section.each("groups", [&](Section& group) {
    GroupConfig read;
    group.require("val_group");
    group.text("val_group", read.val_group);
    group.texts("val_ues", read.val_ues);
    group.texts("val_users", read.val_users);
    group.texts("requesters", read.requesters);
    const auto check = [&](std::string_view key, const std::vector<std::string>& members,
                           const std::set<std::string_view>& known) {
      std::set<std::string_view> once;
      for (const auto& member : members) {
        if (member.empty() || !known.contains(member))
          group.complain(key, Errc::not_found, fmt::format("'{}' is none of nrm.ues", member));
        if (!once.insert(member).second)
          group.complain(key, Errc::duplicate, fmt::format("'{}' is listed twice", member));
      }
    };
    check("val_ues", read.val_ues, known_ues);
    check("val_users", read.val_users, known_users);
    out.push_back(std::move(read));
  });
  for (const auto& group : out)
    if (!seen.insert(group.val_group).second)
      section.complain("groups", Errc::duplicate,
                       fmt::format("val_group '{}' stands twice", group.val_group));
}

void read_group_management(Section& section, GroupServerConfig& out) {
  section.require("uri");
  out.door.deadline = 2s;
  if (section.text("uri", out.door.uri)) check_uri(section, "uri", out.door.uri);
  section.boolean("http2", out.door.http2);
  section.duration("deadline", 100ms, 10s, out.door.deadline);
  section.duration("refresh", 1s, 24h, out.refresh);
  section.texts("requesters", out.requesters);
  section.section("oauth2",
                  [&](Section& oauth2) { read_oauth2(oauth2, out.door.oauth2.emplace()); });
  section.section("tls", [&](Section& tls) { read_client_tls(tls, out.door.tls); });
}

/// The line of the member at a JSON pointer below `node`, or of the last part of it that is there.
std::size_t line_at(const YamlNode& node, std::string_view pointer, std::size_t line) {
  const YamlNode* at = &node;
  for (const auto part : split(pointer.substr(pointer.empty() ? 0 : 1), '/')) {
    const auto entry = std::ranges::find(at->entries, part, &YamlEntry::key);
    const auto index = parse_decimal(part);
    if (entry != at->entries.end()) {
      line = entry->line;
      at = &entry->value;
    } else if (index && *index < at->items.size()) {
      at = &at->items[static_cast<std::size_t>(*index)];
      line = at->line;
    } else {
      break;
    }
  }
  return line;
}

void read_path(Section& section, seal_nrm::PathRoute& out) {
  section.require("dnn");
  section.text("dnn", out.dnn);
  std::uint64_t sst = 0;
  if (section.integer("sst", 0, 255, sst)) {
    out.snssai.emplace();
    out.snssai->sst = static_cast<std::int64_t>(sst);
  }
}

/// The two PDU sessions of a UE that share no way.
void read_paths(Section& section, seal_nrm::ReliablePaths& out) {
  section.require("first");
  section.require("second");
  section.section("first", [&](Section& first) { read_path(first, out.first); });
  section.section("second", [&](Section& second) { read_path(second, out.second); });
  if (!out.first.dnn.empty() && out.first == out.second)
    section.complain("second", Errc::duplicate, "both paths are the same PDU session");
}

void read_services(Section& section, NrmConfig& out) {
  section.texts("qos_references", out.qos_references);
  seal_nrm::Settings rules;
  rules.qos_references = {out.qos_references.begin(), out.qos_references.end()};
  section.entries("val_services", [&](const YamlEntry& service) {
    if (service.value.kind != YamlNode::Kind::map || service.value.entries.empty()) {
      section.complaints().add(
          service.line, Errc::wrong_type,
          fmt::format("nrm.val_services.{}: must hold a QoS requirement", service.key));
      return;
    }
    std::string text = to_json(service.value);
    const auto complain = [&](const std::vector<Fault>& faults, std::string_view prefix) {
      for (const auto& fault : faults) {
        const auto where = std::string_view(fault.where).substr(prefix.size());
        section.complaints().add(
            line_at(service.value, where, service.line), fault.code,
            fmt::format("nrm.val_services.{}{}: {}", service.key, where, fault.reason));
      }
    };
    const auto quality = json::read<api::ss_nra::UniQosRequirement>(text);
    if (!quality) return complain(quality.error().faults, "");
    // As for a requirement that an application states: what would be refused there cannot be kept
    // here either.
    const auto faults = seal_nrm::requirement_faults(*quality, rules);
    if (!faults.empty()) return complain(faults, "/uniQosReq");
    out.val_services.emplace(service.key, std::move(text));
  });
  section.entries("defaults", [&](const YamlEntry& requester) {
    const bool known =
        requester.value.kind == YamlNode::Kind::scalar &&
        (out.val_services.contains(requester.value.text) ||
         std::ranges::find(out.qos_references, requester.value.text) != out.qos_references.end());
    if (known)
      out.defaults.emplace(requester.key, requester.value.text);
    else
      section.complaints().add(
          requester.line, Errc::not_found,
          fmt::format("nrm.defaults.{}: must name one of val_services or qos_references",
                      requester.key));
  });
}

void read_audit(Section& section, AuditConfig& out) {
  section.duration("interval", 10s, 24h, out.interval);
  section.integer("page", 1, audit_page_max, out.page);
  section.duration("pause", 10ms, 1min, out.pause);
}

void read_streams(Section& section, const std::vector<UeConfig>& ues,
                  std::vector<StreamConfig>& out) {
  std::set<std::string> known, seen;
  for (const auto& ue : ues) known.insert(ue.val_ue);
  section.each("streams", [&](Section& stream) {
    StreamConfig read;
    for (const auto key : {"id", "from", "to"}) stream.require(key);
    stream.text("id", read.id);
    stream.text("from", read.from);
    stream.text("to", read.to);
    for (const auto& [key, ue] : {std::pair{"from", &read.from}, std::pair{"to", &read.to}})
      if (!ue->empty() && !known.contains(*ue))
        stream.complain(key, Errc::not_found, fmt::format("'{}' is no val_ue of nrm.ues", *ue));
    if (!read.from.empty() && read.from == read.to)
      stream.complain("to", Errc::not_allowed, "a stream leads from one UE to another");
    if (!seen.insert(read.id).second)
      stream.complain("id", Errc::duplicate, fmt::format("'{}' stands twice", read.id));
    out.push_back(std::move(read));
  });
}

void read_monitoring(Section& section, const NrmConfig& all, MonitoringConfig& out) {
  if (section.text("qos_reference", out.qos_reference) &&
      std::ranges::find(all.qos_references, out.qos_reference) == all.qos_references.end())
    section.complain("qos_reference", Errc::not_found,
                     fmt::format("'{}' is none of nrm.qos_references", out.qos_reference));
  section.duration("sample_period", 1s, 1h, out.sample_period);
  section.duration("silent_after", 1s, 24h, out.silent_after);
  section.duration("once_wait", 0ms, 25s, out.once_wait);
  section.duration("series_step", 1s, 1h, out.series_step);
  section.section("series", [&](Section& series) {
    series.text("path", out.series_path);
    series.integer("megabytes", 1, 1'000'000, out.series_megabytes);
    series.duration("keep", 1min, std::chrono::hours{24 * 365}, out.series_keep);
  });
  section.duration("default_period", 1s, std::chrono::hours{24 * 365}, out.default_period);
  section.duration("time_max", 1s, std::chrono::hours{24 * 365}, out.time_max);
  section.integer("ues_per_subscription", 1, 100'000, out.ues_per_subscription);
  section.integer("subscriptions_per_ue", 1, 10'000, out.subscriptions_per_ue);
  read_streams(section, all.ues, out.streams);
}

}  // namespace

void read_auth(Section& section, AuthConfig& out) {
  section.require("mode");
  section.choice<AuthMode>("mode", {{"off", AuthMode::off}, {"jwt", AuthMode::jwt}}, out.mode);
  if (section.text("jwks", out.jwks) && adapters::crypto::is_url(out.jwks))
    check_uri(section, "jwks", out.jwks);
  section.text("issuer", out.issuer);
  section.text("audience", out.audience);
  section.texts("algorithms", out.algorithms);
  static const std::set<std::string> known{"ES256", "ES384", "RS256", "PS256", "EdDSA"};
  for (const auto& algorithm : out.algorithms)
    if (!known.contains(algorithm))
      section.complain("algorithms", Errc::not_allowed,
                       fmt::format("'{}' is none of: {}", algorithm, fmt::join(known, ", ")));
  section.boolean("client_certificates", out.client_certificates);
  section.texts("certificate_scopes", out.certificate_scopes);
  if (out.mode == AuthMode::jwt)
    for (const auto key : {"jwks", "issuer", "audience"}) section.require(key);
}

void read_sinks(Section& section, SinksConfig& out) {
  section.texts("allow", out.allow);
  section.boolean("https_only", out.https_only);
  if (const auto policy = http::SinkPolicy::from(out.allow, out.https_only); !policy)
    section.complain("allow", policy.error().code, policy.error().detail);
}

void read_quotas(Section& section, QuotasConfig& out) {
  section.integer("resources_per_client", 1, 10'000'000, out.resources_per_client);
  section.number("requests_per_second", 0.01, 1e6, out.requests_per_second);
  section.integer("burst", 1, 1'000'000, out.burst);
}

void read_limits(Section& section, LimitsConfig& out) {
  section.integer("connections", 1, 1'000'000, out.connections);
  section.integer("streams_per_connection", 1, 10'000, out.streams_per_connection);
  section.integer("header_bytes", 1024, 1024 * 1024, out.header_bytes);
  section.integer("body_bytes", 1024, 16 * 1024 * 1024, out.body_bytes);
  section.duration("request_time", 100ms, 10min, out.request_time);
  section.duration("idle_time", 1s, 24h, out.idle_time);
  section.duration("drain_time", 100ms, 10min, out.drain_time);
}

void check_servers(Section& section, const std::vector<ServerAddress>& servers,
                   const std::vector<ServerAddress>& metrics, const AuthConfig& auth) {
  for (const auto& server : metrics)
    if (!is_loopback_address(server.address))
      section.complain(
          "metrics", Errc::not_allowed,
          fmt::format("{} is not loopback; metrics and administration stay on this machine",
                      server.address));
  if (auth.mode != AuthMode::off) return;
  for (const auto& server : servers)
    if (!is_loopback_address(server.address))
      section.complain(
          "auth", Errc::not_allowed,
          fmt::format("authentication may be off only while every server is on loopback, and {} "
                      "is not; set mode: jwt",
                      server.address));
}

void read_oauth2(Section& section, OAuth2Config& out) {
  for (const auto key : {"token_uri", "client_id", "client_secret_file"}) section.require(key);
  if (section.text("token_uri", out.token_uri)) check_uri(section, "token_uri", out.token_uri);
  section.text("client_id", out.client_id);
  section.text("client_secret_file", out.client_secret_file);
  section.text("scope", out.scope);
}

void read_nrm(Section& section, NrmConfig& out) {
  for (const auto key : {"server", "store", "auth"}) section.require(key);
  section.section("core", [&](Section& core) { read_core(core, out); });
  if (out.core == CoreType::nef) section.require("nef");
  if (out.core == CoreType::pcf && section.has("nef"))
    section.complain("nef", Errc::not_allowed,
                     "with `core: type: pcf` a NEF beside the PCF stands in `core: nef:`");
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
  section.section("callback", [&](Section& callback) {
    callback.require("base");
    if (callback.text("base", out.callback_base)) check_uri(callback, "base", out.callback_base);
  });
  section.section("nef", [&](Section& nef) { read_nef(nef, out.nef); });
  read_ues(section, out.ues);
  check_addresses(section, out);
  read_groups(section, out.ues, out.groups);
  section.section("group_management", [&](Section& groups) {
    read_group_management(groups, out.group_management.emplace());
  });
  read_services(section, out);
  section.section("reliable_paths",
                  [&](Section& paths) { read_paths(paths, out.reliable_paths.emplace()); });
  section.section("sinks", [&](Section& sinks) { read_sinks(sinks, out.sinks); });
  section.section("quotas", [&](Section& quotas) { read_quotas(quotas, out.quotas); });
  section.section("limits", [&](Section& limits) { read_limits(limits, out.limits); });
  section.section("audit", [&](Section& audit) { read_audit(audit, out.audit); });
  section.section("monitoring",
                  [&](Section& monitoring) { read_monitoring(monitoring, out, out.monitoring); });
  section.duration("duration_max", 1s, std::chrono::hours{24 * 365}, out.duration_max);
  read_trace(section, out.trace);
  check_servers(section, out.servers, out.metrics, out.auth);
}

}  // namespace lobo::app
