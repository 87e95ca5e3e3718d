#pragma once
// The readers of the configuration's sections, shared by the files that parse it.

#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"
#include "config_section.hpp"

namespace lobo::app {

void read_client_tls(Section& section, ClientTls& out);
void read_trace(Section& section, TraceConfig& out);
void read_servers(Section& section, std::string_view key, std::vector<ServerAddress>& out,
                  bool tls_allowed);
void read_nrm(Section& section, NrmConfig& out);
void read_netsim(Section& section, NetsimConfig& out);
void read_upf(Section& section, UpfConfig& out);
void read_oauth2(Section& section, OAuth2Config& out);
/// The door of SEALDD, for who asks it.
void read_sealdd_door(Section& section, NefConfig& out);
void read_energy_agent(Section& section, EnergyAgentConfig& out);
void read_energy_steering(Section& section, EnergySteeringConfig& out);
void read_gnb(Section& section, GnbConfig& out);
void read_relay(Section& section, RelayServerConfig& out);
void read_media_energy(Section& section, MediaEnergyConfig& out);
void read_sealdd(Section& section, SealddConfig& out);
void read_metaverse(Section& section, MetaverseConfig& out);

// Of every server that applications reach.
void read_auth(Section& section, AuthConfig& out);
void read_sinks(Section& section, SinksConfig& out);
void read_quotas(Section& section, QuotasConfig& out);
void read_limits(Section& section, LimitsConfig& out);
/// Pages that may use an API of clients (web_origins.hpp).
void read_web_origins(Section& section, std::vector<std::string>& out);
/// Administration stays on this machine, and so does a server without authentication.
void check_servers(Section& section, const std::vector<ServerAddress>& servers,
                   const std::vector<ServerAddress>& metrics, const AuthConfig& auth);

/// Complains unless the text below `key` is an absolute http or https URI with a host.
void check_uri(Section& section, std::string_view key, std::string_view uri);

}  // namespace lobo::app
