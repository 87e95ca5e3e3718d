#include "config_files.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/key_feed.hpp"
#include "base/result.hpp"
#include "config.hpp"

namespace lobo::app {
namespace {

void check_readable(std::string_view key, const std::string& path, std::vector<Fault>& faults) {
  if (path.empty() || ::access(path.c_str(), R_OK) == 0) return;
  faults.push_back({Errc::not_found, std::string(key), fmt::format("cannot read {}", path)});
}

void check_servers(std::string_view key, const std::vector<ServerAddress>& servers,
                   std::vector<Fault>& faults) {
  for (const auto& server : servers) {
    if (!server.tls) continue;
    check_readable(fmt::format("{}.tls.cert", key), server.tls->cert, faults);
    check_readable(fmt::format("{}.tls.key", key), server.tls->key, faults);
    check_readable(fmt::format("{}.tls.client_ca", key), server.tls->client_ca, faults);
  }
}

void check_door(std::string_view key, const NefConfig& door, std::vector<Fault>& faults) {
  check_readable(fmt::format("{}.tls.ca", key), door.tls.ca, faults);
  check_readable(fmt::format("{}.tls.cert", key), door.tls.cert, faults);
  check_readable(fmt::format("{}.tls.key", key), door.tls.key, faults);
  if (door.oauth2)
    check_readable(fmt::format("{}.oauth2.client_secret_file", key),
                   door.oauth2->client_secret_file, faults);
}

}  // namespace

Result<void> check_files(const Config& config) {
  std::vector<Fault> faults;
  if (config.nrm) {
    const auto& nrm = *config.nrm;
    check_servers("nrm.server", nrm.servers, faults);
    if (nrm.auth.mode == AuthMode::jwt && !adapters::crypto::is_url(nrm.auth.jwks))
      check_readable("nrm.auth.jwks", nrm.auth.jwks, faults);
    check_door(nrm.core == CoreType::nef ? "nrm.nef" : "nrm.core", nrm.nef, faults);
    if (nrm.nef_beside) check_door("nrm.core.nef", *nrm.nef_beside, faults);
    if (nrm.group_management)
      check_door("nrm.group_management", nrm.group_management->door, faults);
  }
  if (config.netsim) check_servers("netsim.server", config.netsim->servers, faults);
  if (config.upf) {
    check_readable("upf.xrm.key_file", config.upf->marks.key_file, faults);
    check_readable("upf.keys.tls.ca", config.upf->keys.tls.ca, faults);
    check_readable("upf.keys.tls.cert", config.upf->keys.tls.certificate, faults);
    check_readable("upf.keys.tls.key", config.upf->keys.tls.key, faults);
  }
  if (config.energy_agent) {
    const auto& [agent, tls, oauth2] = *config.energy_agent;
    check_readable("energy_agent.af.tls.ca", tls.ca, faults);
    check_readable("energy_agent.af.tls.cert", tls.cert, faults);
    check_readable("energy_agent.af.tls.key", tls.key, faults);
    if (oauth2)
      check_readable("energy_agent.af.oauth2.client_secret_file", oauth2->client_secret_file,
                     faults);
  }
  if (config.energy_steering) {
    check_servers("energy_steering.server", config.energy_steering->servers, faults);
    check_readable("energy_steering.plan", config.energy_steering->steer.plan, faults);
    check_readable("energy_steering.keys", config.energy_steering->steer.keys, faults);
    if (const auto& af = config.energy_steering->af) {
      check_readable("energy_steering.af.tls.ca", af->tls.ca, faults);
      check_readable("energy_steering.af.tls.cert", af->tls.cert, faults);
      check_readable("energy_steering.af.tls.key", af->tls.key, faults);
      if (af->oauth2)
        check_readable("energy_steering.af.oauth2.client_secret_file",
                       af->oauth2->client_secret_file, faults);
    }
  }
  if (config.gnb) check_readable("gnb.cell.trace", config.gnb->trace, faults);
  if (config.relay) {
    check_readable("relay.tls.cert", config.relay->certificate, faults);
    check_readable("relay.tls.key", config.relay->key, faults);
    for (const auto& file : config.relay->token_keys)
      check_readable("relay.token_keys", file, faults);
    if (config.relay->home) check_door("relay.sealdd", config.relay->home->door, faults);
  }
  if (config.media_energy) {
    const auto& media = *config.media_energy;
    check_servers("media_energy.server", media.servers, faults);
    if (media.auth.mode == AuthMode::jwt && !adapters::crypto::is_url(media.auth.jwks))
      check_readable("media_energy.auth.jwks", media.auth.jwks, faults);
  }
  if (config.sealdd) {
    const auto& sealdd = *config.sealdd;
    check_servers("sealdd.server", sealdd.servers, faults);
    if (sealdd.auth.mode == AuthMode::jwt && !adapters::crypto::is_url(sealdd.auth.jwks))
      check_readable("sealdd.auth.jwks", sealdd.auth.jwks, faults);
  }
  if (config.metaverse) {
    const auto& mm = *config.metaverse;
    check_servers("metaverse.server", mm.servers, faults);
    if (mm.auth.mode == AuthMode::jwt && !adapters::crypto::is_url(mm.auth.jwks))
      check_readable("metaverse.auth.jwks", mm.auth.jwks, faults);
    check_door("metaverse.sealdd", mm.sealdd, faults);
  }
  if (faults.empty()) return {};
  return fail(Errc::not_found, "files that the configuration names are missing", std::move(faults));
}

}  // namespace lobo::app
