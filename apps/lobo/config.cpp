#include "config.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ios>
#include <utility>
#include <vector>

#include "adapters/crypto/key_feed.hpp"
#include "base/result.hpp"
#include "config_read.hpp"
#include "config_section.hpp"
#include "config_tree.hpp"

namespace lobo::app {
namespace {

constexpr std::uint64_t port_max = 65535;

void read_logger(Section& section, LoggerConfig& out) {
  section.choice<LogLevel>("level",
                           {{"debug", LogLevel::debug},
                            {"info", LogLevel::info},
                            {"warn", LogLevel::warn},
                            {"error", LogLevel::error}},
                           out.level);
  section.choice<LogFormat>("format", {{"text", LogFormat::text}, {"json", LogFormat::json}},
                            out.format);
  section.text("file", out.file);
}

void read_tls(Section& section, ServerTls& out) {
  section.require("cert");
  section.require("key");
  section.text("cert", out.cert);
  section.text("key", out.key);
  section.text("client_ca", out.client_ca);
  section.boolean("require_client_certificate", out.require_client_certificate);
  if (out.require_client_certificate && !section.has("client_ca"))
    section.complain("require_client_certificate", Errc::missing,
                     "needs client_ca, the authorities whose certificates are accepted");
}

std::array<unsigned char, 16> address_bytes(std::string_view address, int family, bool& ok) {
  std::array<unsigned char, 16> bytes{};
  const std::string text(address);
  ok = ::inet_pton(family, text.c_str(), bytes.data()) == 1;
  return bytes;
}

void resolve(std::string& path, const std::filesystem::path& base) {
  if (!path.empty() && std::filesystem::path(path).is_relative())
    path = (base / path).lexically_normal();
}

void resolve(std::vector<ServerAddress>& servers, const std::filesystem::path& base) {
  for (auto& server : servers)
    if (server.tls)
      for (auto* path : {&server.tls->cert, &server.tls->key, &server.tls->client_ca})
        resolve(*path, base);
}

/// Keys and certificates lie beside the configuration; what is written (store, trace, log) goes
/// below the current folder.
void resolve(Config& config, const std::filesystem::path& base) {
  if (config.nrm) {
    auto& nrm = *config.nrm;
    resolve(nrm.servers, base);
    resolve(nrm.metrics, base);
    if (!adapters::crypto::is_url(nrm.auth.jwks)) resolve(nrm.auth.jwks, base);
    for (auto* path : {&nrm.nef.tls.ca, &nrm.nef.tls.cert, &nrm.nef.tls.key}) resolve(*path, base);
    if (nrm.nef.oauth2) resolve(nrm.nef.oauth2->client_secret_file, base);
  }
  if (config.netsim) {
    auto& tls = config.netsim->callback_tls;
    resolve(config.netsim->servers, base);
    for (auto* path : {&tls.ca, &tls.cert, &tls.key}) resolve(*path, base);
  }
  if (config.upf) {
    resolve(config.upf->marks.key_file, base);
    auto& tls = config.upf->keys.tls;
    for (std::string* const file : {&tls.ca, &tls.certificate, &tls.key}) resolve(*file, base);
  }
  if (config.energy_agent) {
    auto& tls = config.energy_agent->tls;
    for (auto* path : {&tls.ca, &tls.cert, &tls.key}) resolve(*path, base);
    if (config.energy_agent->oauth2) resolve(config.energy_agent->oauth2->client_secret_file, base);
    resolve(config.energy_agent->agent.supply.file, base);
  }
  if (config.energy_steering) {
    resolve(config.energy_steering->servers, base);
    for (auto* path : {&config.energy_steering->steer.plan, &config.energy_steering->steer.keys})
      resolve(*path, base);
    if (auto& af = config.energy_steering->af) {
      for (auto* path : {&af->tls.ca, &af->tls.cert, &af->tls.key}) resolve(*path, base);
      if (af->oauth2) resolve(af->oauth2->client_secret_file, base);
    }
  }
  if (config.gnb) resolve(config.gnb->trace, base);
  if (config.relay) {
    resolve(config.relay->certificate, base);
    resolve(config.relay->key, base);
    for (auto& file : config.relay->token_keys) resolve(file, base);
    if (auto& home = config.relay->home) {
      for (auto* path : {&home->door.tls.ca, &home->door.tls.cert, &home->door.tls.key})
        resolve(*path, base);
      if (home->door.oauth2) resolve(home->door.oauth2->client_secret_file, base);
    }
  }
  if (config.media_energy) {
    resolve(config.media_energy->servers, base);
    resolve(config.media_energy->metrics, base);
    auto& jwks = config.media_energy->auth.jwks;
    if (!adapters::crypto::is_url(jwks)) resolve(jwks, base);
  }
  if (config.sealdd) {
    auto& sealdd = *config.sealdd;
    resolve(sealdd.servers, base);
    resolve(sealdd.metrics, base);
    if (!adapters::crypto::is_url(sealdd.auth.jwks)) resolve(sealdd.auth.jwks, base);
  }
  if (config.metaverse) {
    auto& mm = *config.metaverse;
    resolve(mm.servers, base);
    resolve(mm.metrics, base);
    if (!adapters::crypto::is_url(mm.auth.jwks)) resolve(mm.auth.jwks, base);
    for (auto* path : {&mm.sealdd.tls.ca, &mm.sealdd.tls.cert, &mm.sealdd.tls.key})
      resolve(*path, base);
    if (mm.sealdd.oauth2) resolve(mm.sealdd.oauth2->client_secret_file, base);
  }
}

}  // namespace

bool is_ip_address(std::string_view address) {
  bool ok = false;
  address_bytes(address, AF_INET, ok);
  if (!ok) address_bytes(address, AF_INET6, ok);
  return ok;
}

bool is_loopback_address(std::string_view address) {
  bool ok = false;
  const auto v4 = address_bytes(address, AF_INET, ok);
  if (ok) return v4[0] == 127;
  const auto v6 = address_bytes(address, AF_INET6, ok);
  constexpr std::array<unsigned char, 16> one{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return ok && v6 == one;
}

void read_client_tls(Section& section, ClientTls& out) {
  section.text("ca", out.ca);
  const bool cert = section.text("cert", out.cert);
  const bool key = section.text("key", out.key);
  if (cert != key)
    section.complain(cert ? "cert" : "key", Errc::missing, "cert and key go together");
}

void read_trace(Section& section, TraceConfig& out) {
  section.section("trace", [&](Section& trace) {
    trace.require("directory");
    trace.text("directory", out.directory);
    trace.text("run", out.run);
  });
}

void read_servers(Section& section, std::string_view key, std::vector<ServerAddress>& out,
                  bool tls_allowed) {
  section.each(key, [&](Section& server) {
    ServerAddress read;
    server.require("address");
    server.require("port");
    if (server.text("address", read.address) && !is_ip_address(read.address))
      server.complain("address", Errc::pattern,
                      fmt::format("'{}' is no IPv4 or IPv6 address", read.address));
    std::uint64_t port = 0;
    if (server.integer("port", 0, port_max, port)) read.port = static_cast<std::uint16_t>(port);
    if (tls_allowed)
      server.section("tls", [&](Section& tls) { read_tls(tls, read.tls.emplace()); });
    out.push_back(std::move(read));
  });
}

void check_uri(Section& section, std::string_view key, std::string_view uri) {
  const std::size_t scheme = uri.starts_with("http://") ? 7 : uri.starts_with("https://") ? 8 : 0;
  const std::string_view host = uri.substr(scheme, uri.find('/', scheme) - scheme);
  if (scheme == 0 || host.empty() || uri.find_first_of(" \t#?@") != std::string_view::npos)
    section.complain(key, Errc::pattern, fmt::format("'{}' is no absolute http or https URI", uri));
}

Result<Config> parse_config(std::string_view yaml, std::string_view name) {
  const auto tree = parse_yaml(yaml, name);
  if (!tree) return fail(tree.error());
  Complaints complaints(name);
  Config config;
  Section top(*tree, "", complaints);
  top.section("logger", [&](Section& section) { read_logger(section, config.logger); });
  top.section("global", [&](Section& section) { read_trace(section, config.trace); });
  top.section("nrm", [&](Section& section) { read_nrm(section, config.nrm.emplace()); });
  top.section("netsim", [&](Section& section) { read_netsim(section, config.netsim.emplace()); });
  top.section("upf", [&](Section& section) { read_upf(section, config.upf.emplace()); });
  top.section("gnb", [&](Section& section) { read_gnb(section, config.gnb.emplace()); });
  top.section("relay", [&](Section& section) { read_relay(section, config.relay.emplace()); });
  top.section("media_energy",
              [&](Section& section) { read_media_energy(section, config.media_energy.emplace()); });
  top.section("sealdd", [&](Section& section) { read_sealdd(section, config.sealdd.emplace()); });
  top.section("metaverse",
              [&](Section& section) { read_metaverse(section, config.metaverse.emplace()); });
  top.section("energy_agent",
              [&](Section& section) { read_energy_agent(section, config.energy_agent.emplace()); });
  top.section("energy_steering", [&](Section& section) {
    read_energy_steering(section, config.energy_steering.emplace());
  });
  top.finish();
  if (complaints.empty() && !config.nrm && !config.netsim && !config.upf && !config.gnb &&
      !config.relay && !config.media_energy && !config.sealdd && !config.metaverse &&
      !config.energy_agent && !config.energy_steering)
    complaints.add(1, Errc::missing,
                   "there is no section 'nrm', 'netsim', 'upf', 'gnb', 'relay', 'media_energy', "
                   "'sealdd', 'metaverse', 'energy_agent' or 'energy_steering'");
  if (!complaints.empty()) return fail(complaints.to_error());
  if (config.nrm && config.nrm->trace.directory.empty()) config.nrm->trace = config.trace;
  if (config.media_energy && config.media_energy->trace.directory.empty())
    config.media_energy->trace = config.trace;
  if (config.sealdd && config.sealdd->trace.directory.empty()) config.sealdd->trace = config.trace;
  if (config.metaverse && config.metaverse->trace.directory.empty())
    config.metaverse->trace = config.trace;
  if (config.netsim && config.netsim->trace.directory.empty()) config.netsim->trace = config.trace;
  return config;
}

Result<Config> load_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::not_found, fmt::format("cannot read {}", path));
  std::string text(config_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail(Errc::unavailable, fmt::format("cannot read {}", path));
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto config = parse_config(text, path);
  if (config) resolve(*config, std::filesystem::absolute(path).parent_path());
  return config;
}

}  // namespace lobo::app
