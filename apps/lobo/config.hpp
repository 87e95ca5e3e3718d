#pragma once
// What a configuration file says, as plain values. Every member has the value that is used where
// the file is silent; docs/configuration.md lists the keys.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_config.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "gnb/gnb_config.hpp"
#include "relay_node/relay_config.hpp"
#include "services/core_sim/config.hpp"
#include "services/media_energy/ports.hpp"
#include "services/metaverse/ports.hpp"
#include "services/seal_nrm/ports.hpp"
#include "steering/steer_config.hpp"
#include "upf/upf_config.hpp"

namespace lobo::app {

struct ServerTls {
  std::string cert;       ///< PEM file, our certificate first
  std::string key;        ///< PEM file
  std::string client_ca;  ///< PEM file; empty: no client certificate is asked for
  bool require_client_certificate = false;
  bool operator==(const ServerTls&) const = default;
};

/// `server: - address: …, port: …`
struct ServerAddress {
  std::string address;  ///< an IPv4 or IPv6 address, never a name
  std::uint16_t port = 0;
  std::optional<ServerTls> tls;
  bool operator==(const ServerAddress&) const = default;
};

enum class LogFormat : std::uint8_t { text, json };
enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct LoggerConfig {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::string file;  ///< empty: standard error
  bool operator==(const LoggerConfig&) const = default;
};

struct TraceConfig {
  std::string directory;  ///< empty: no trace is written
  std::string run;        ///< the same for the processes whose messages belong together; empty:
                          ///< those that are alive together
  bool operator==(const TraceConfig&) const = default;
};

enum class AuthMode : std::uint8_t { off, jwt };

struct AuthConfig {
  AuthMode mode = AuthMode::jwt;
  std::string jwks;  ///< a file, or an http(s) URL
  std::string issuer;
  std::string audience;
  std::vector<std::string> algorithms{"ES256"};
  bool client_certificates = false;  ///< a verified client certificate names the requester as well
  std::vector<std::string> certificate_scopes;  ///< what such a requester may do
  bool operator==(const AuthConfig&) const = default;
};

struct OAuth2Config {
  std::string token_uri;
  std::string client_id;
  std::string client_secret_file;
  std::string scope;
  bool operator==(const OAuth2Config&) const = default;
};

/// How we show ourselves to a server, and whom we believe.
struct ClientTls {
  std::string ca;    ///< PEM file of the authorities to trust; empty: the system's
  std::string cert;  ///< PEM file of our certificate; empty: none is shown
  std::string key;
  bool operator==(const ClientTls&) const = default;
};

/// Whether this core is known to send SUCCESSFUL_RESOURCES_ALLOCATION after a 201.
enum class AllocationEvents : std::uint8_t { probed, always, never };

/// Which door of the core we have (`core: type`).
enum class CoreType : std::uint8_t { nef, pcf };

/// What only a PCF needs; all that it has in common with a NEF stands in NefConfig.
struct PcfConfig {
  std::string bsf_uri;                 ///< asked which PCF serves a UE; empty: NefConfig::uri does
  std::vector<std::string> pcf_hosts;  ///< whom the BSF may name: addresses, names, CIDR blocks
  std::string af_app_id = "lobodon";
  std::string media_type = "VIDEO";
  std::string supported_features;  ///< empty: what we need
  bool operator==(const PcfConfig&) const = default;
};

/// The door of the core, NEF or PCF.
struct NefConfig {
  std::string uri;            ///< API root, "http://127.0.0.61:7777"
  std::string callback_base;  ///< by which it reaches us; empty: NrmConfig::callback_base
  bool http2 = true;
  std::string scs_as_id = "lobodon";
  std::uint32_t release = 19;  ///< which names of members: 18 or 19
  AllocationEvents allocation_events = AllocationEvents::probed;
  bool modify_by_put = false;           ///< for a core that knows no PATCH
  std::uint64_t flow_id_first = 65537;  ///< (1 << 16) | 1; some cores want 1
  std::string dnn;  ///< where a UE has several PDU sessions: the one that counts
  std::optional<OAuth2Config> oauth2;
  ClientTls tls;
  std::chrono::milliseconds deadline{5000};
  bool operator==(const NefConfig&) const = default;
};

struct UeConfig {
  std::string val_ue;  ///< VAL UE id; at least one of val_ue and val_user
  std::string val_user;
  std::string gpsi;
  std::string address;  ///< IPv4, IPv6 or MAC: for a PCF, which does not tell where a UE is
  std::vector<std::string> requesters;  ///< who may ask for it; empty: everybody
  bool operator==(const UeConfig&) const = default;
};

struct GroupConfig {
  std::string val_group;                ///< VAL group id
  std::vector<std::string> val_ues;     ///< members; each is one of `ues`
  std::vector<std::string> val_users;   ///< members that are named as users
  std::vector<std::string> requesters;  ///< who may name the group; empty: everybody
  bool operator==(const GroupConfig&) const = default;
};

/// A SEAL group management server (TS 29.549, SS_GroupManagement).
struct GroupServerConfig {
  NefConfig door;  ///< of it: uri, http2, deadline, oauth2, tls
  std::chrono::milliseconds refresh{30'000};
  std::vector<std::string> requesters;  ///< who may name its groups; empty: everybody
  bool operator==(const GroupServerConfig&) const = default;
};

struct SinksConfig {
  std::vector<std::string>
      allow;  ///< host names, addresses or CIDR blocks beyond the public Internet
  bool https_only = true;
  bool operator==(const SinksConfig&) const = default;
};

struct QuotasConfig {
  std::uint64_t resources_per_client = 1000;
  double requests_per_second = 200;
  std::uint64_t burst = 400;
  bool operator==(const QuotasConfig&) const = default;
};

struct LimitsConfig {
  std::uint64_t connections = 10'000;
  std::uint64_t streams_per_connection = 100;
  std::uint64_t header_bytes = 16 * 1024;
  std::uint64_t body_bytes = 64 * 1024;
  std::chrono::milliseconds request_time{30'000};
  std::chrono::milliseconds idle_time{60'000};
  std::chrono::milliseconds drain_time{10'000};
  bool operator==(const LimitsConfig&) const = default;
};

/// How often, and how fast, the network's books are compared with ours.
struct AuditConfig {
  std::chrono::milliseconds interval{std::chrono::minutes{5}};  ///< from one to the next
  std::uint64_t page = 32;                                      ///< UEs at a time
  std::chrono::milliseconds pause{200};                         ///< between two pages
  bool operator==(const AuditConfig&) const = default;
};

/// A VAL stream: from one VAL UE to another.
struct StreamConfig {
  std::string id;
  std::string from;
  std::string to;
  bool operator==(const StreamConfig&) const = default;
};

/// QoS monitoring (ss-nrm).
struct MonitoringConfig {
  std::string qos_reference;  ///< of sessions that only measure; empty: default traffic's budget
  std::chrono::milliseconds sample_period{1000};
  std::chrono::milliseconds silent_after{5000};
  std::chrono::milliseconds once_wait{4000};
  std::chrono::milliseconds series_step{2000};
  std::chrono::milliseconds default_period{std::chrono::minutes{5}};
  std::chrono::milliseconds time_max{std::chrono::hours{24 * 7}};
  std::uint64_t ues_per_subscription = 1000;
  std::uint64_t subscriptions_per_ue = 256;
  std::string series_path;  ///< folder of what was measured; empty: kept in memory
  std::uint64_t series_megabytes = 64;
  std::chrono::milliseconds series_keep{std::chrono::hours{24}};
  std::vector<StreamConfig> streams;
  bool operator==(const MonitoringConfig&) const = default;
};

struct NrmConfig {
  std::vector<ServerAddress> servers;
  std::vector<ServerAddress> metrics;  ///< metrics, health and administration: loopback only
  std::string store_path;              ///< of the SQLite file
  AuthConfig auth;
  std::string callback_base;  ///< absolute URI by which the network reaches us
  CoreType core = CoreType::nef;
  NefConfig nef;
  PcfConfig pcf;
  std::optional<NefConfig> nef_beside;  ///< beside a PCF, for what N5 has not
  std::vector<UeConfig> ues;
  std::vector<GroupConfig> groups;
  std::optional<GroupServerConfig> group_management;
  std::optional<seal_nrm::ReliablePaths> reliable_paths;  ///< of reliable transmission
  std::vector<std::string> qos_references;                ///< that the network knows
  std::map<std::string, std::string> val_services;  ///< VAL service id to its QoS in JSON form
  std::map<std::string, std::string> defaults;  ///< requester ("*": anyone) to service or reference
  SinksConfig sinks;
  QuotasConfig quotas;
  LimitsConfig limits;
  AuditConfig audit;
  MonitoringConfig monitoring;
  TraceConfig trace;
  std::chrono::milliseconds duration_max{std::chrono::hours{24 * 30}};  ///< of a subscription
  bool operator==(const NrmConfig&) const = default;
};

/// The media application function (media_energy).
struct MediaEnergyConfig {
  std::vector<ServerAddress> servers;
  std::vector<ServerAddress> metrics;  ///< metrics, health and administration: loopback only
  std::string store_path;              ///< of the SQLite file
  AuthConfig auth;
  std::string base_uri;  ///< by which applications and clients reach us; empty: the first server
  std::string steering_uri;              ///< told to clients; empty: there is none
  std::vector<std::string> web_origins;  ///< of pages that may use M5 and E5; "*": any
  std::map<std::string, media_energy::LocationSettings, std::less<>> locations;
  SinksConfig sinks;
  QuotasConfig quotas;
  LimitsConfig limits;
  TraceConfig trace;
  double usual_mbps = 4;
  double utilisation = 0.85;
  double spare_share = 0.05;
  bool stand_by = true;  ///< servers that can are told to stand by when the plan does not need them
  std::chrono::milliseconds plan_every{std::chrono::seconds{30}};
  std::chrono::milliseconds plan_spacing{std::chrono::seconds{60}};
  double release_share = 0.05;
  std::chrono::milliseconds steering_ttl{std::chrono::seconds{30}};
  std::chrono::milliseconds veto_time{std::chrono::minutes{5}};
  std::chrono::milliseconds subscription_idle{std::chrono::minutes{15}};
  std::chrono::milliseconds session_remaining{std::chrono::minutes{20}};
  bool operator==(const MediaEnergyConfig&) const = default;
};

/// The SEALDD server (sealdd).
struct SealddConfig {
  std::vector<ServerAddress> servers;
  std::vector<ServerAddress> metrics;  ///< metrics, health and administration: loopback only
  std::string store_path;              ///< of the SQLite file
  AuthConfig auth;
  std::string base_uri;    ///< by which applications and nodes reach us; empty: the first server
  std::string token_keys;  ///< folder of the key that signs flow tokens; made where there is none
  std::optional<NefConfig> mmes;  ///< the door of the enabler; absent: no sessions are taken here
  std::optional<NefConfig> nrm;   ///< the door of NRM; absent: two paths are nobody else's concern
  SinksConfig sinks;
  QuotasConfig quotas;
  LimitsConfig limits;
  TraceConfig trace;
  std::chrono::milliseconds lease{3000};
  std::chrono::milliseconds drain{1000};
  std::chrono::milliseconds settle{5000};
  std::chrono::milliseconds token_life{std::chrono::minutes{10}};
  std::chrono::milliseconds connection_life{std::chrono::hours{24}};
  bool operator==(const SealddConfig&) const = default;
};

/// The metaverse enabler's server (metaverse).
struct MetaverseConfig {
  std::vector<ServerAddress> servers;
  std::vector<ServerAddress> metrics;  ///< metrics, health and administration: loopback only
  std::string store_path;              ///< of the SQLite file
  AuthConfig auth;
  std::string base_uri;       ///< by which applications reach us; empty: the first server
  std::string callback_base;  ///< by which SEALDD reaches us; empty: base_uri
  std::vector<std::string> web_origins;  ///< of pages that may use sessions; "*": any
  NefConfig sealdd;                      ///< the door of SEALDD: uri, http2, deadline, oauth2, tls
  std::optional<NefConfig> nrm;          ///< the door of NRM; absent: the network is not asked
  std::vector<std::string> operators;    ///< their policies count for all sessions
  std::string media_path;                ///< folder of the assets' media; empty: none is kept
  std::uint64_t media_megabytes = 1024;  ///< of all assets together
  std::uint64_t asset_megabytes = 64;    ///< of one
  SinksConfig sinks;
  QuotasConfig quotas;
  LimitsConfig limits;
  TraceConfig trace;
  metaverse::Limits sessions;
  bool operator==(const MetaverseConfig&) const = default;
};

/// The SEALDD server that a relay node belongs to.
struct RelayHomeConfig {
  NefConfig door;  ///< uri, http2, deadline, oauth2, tls
  /// Where clients go, where that is not what the node listens on.
  std::string address;
  std::uint16_t port = 0;
  std::uint64_t egress_mbps = 1000;
  std::uint64_t flows = 10'000;
};

struct RelayServerConfig : RelayConfig {
  std::vector<ServerAddress> metrics;   ///< metrics, health and status: loopback only
  std::optional<RelayHomeConfig> home;  ///< nothing: tokens alone say who comes in
};

struct NetsimConfig {
  std::vector<ServerAddress> servers;
  core_sim::CoreConfig core;  ///< its api_root is set once the port is known
  ClientTls callback_tls;     ///< whom the network believes when it calls back, and its certificate
  TraceConfig trace;
};

struct EnergyAgentConfig {
  AgentConfig agent;
  ClientTls tls;  ///< towards the AF
  std::optional<OAuth2Config> oauth2;
};

/// A media AF whose plan is followed.
struct SteeringAfConfig {
  std::string uri;
  std::chrono::milliseconds deadline{5000};
  std::chrono::milliseconds patience{30'000};  ///< for the first plan, where no file has one
  ClientTls tls;
  std::optional<OAuth2Config> oauth2;
};

struct EnergySteeringConfig {
  std::vector<ServerAddress> servers;
  SteerConfig steer;
  std::optional<SteeringAfConfig> af;
};

struct Config {
  LoggerConfig logger;
  TraceConfig trace;  ///< `global: trace:`, for every section that has none of its own
  std::optional<NrmConfig> nrm;
  std::optional<NetsimConfig> netsim;
  std::optional<UpfConfig> upf;
  std::optional<EnergyAgentConfig> energy_agent;
  std::optional<EnergySteeringConfig> energy_steering;
  std::optional<GnbConfig> gnb;
  std::optional<RelayServerConfig> relay;
  std::optional<MediaEnergyConfig> media_energy;
  std::optional<SealddConfig> sealdd;
  std::optional<MetaverseConfig> metaverse;
};

/// Pure: reads no file but the text. `name` stands in the faults as "name:line". All faults at
/// once.
Result<Config> parse_config(std::string_view yaml, std::string_view name);

/// The file's content parsed; relative paths in it are resolved against the file's folder.
Result<Config> load_config(const std::string& path);

bool is_loopback_address(std::string_view address);
bool is_ip_address(std::string_view address);

}  // namespace lobo::app
