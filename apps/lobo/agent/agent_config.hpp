#pragma once
// What `energy_agent:` says, as plain values.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "energy/meter/duty.hpp"
#include "energy/meter/host_meter.hpp"

namespace lobo::app {

struct AgentLocation {
  std::string id;
  std::vector<std::string> base_urls;
  double reserved = 1;  ///< share of the host's capacity, in any unit
  bool operator==(const AgentLocation&) const = default;
};

/// What is said of the grid; absent: nothing.
struct AgentSupply {
  std::optional<double> carbon_g_per_kwh;
  std::optional<double> renewable_ratio;
  std::string zone;
  std::string file;  ///< "G_PER_KWH [RENEWABLE_RATIO]", looked at before each report
  bool operator==(const AgentSupply&) const = default;
};

struct AgentCommands {
  std::vector<std::string> drain, standby, wake;
  std::chrono::milliseconds limit{30'000};
  bool operator==(const AgentCommands&) const = default;
};

struct AgentConfig {
  std::string as_instance_id;
  std::string af_uri;  ///< API root, without a slash at its end
  std::chrono::milliseconds deadline{5000};
  std::vector<AgentLocation> locations;
  energy::meter::HostSettings host;
  double capacity_mbps = 0;
  std::string sys_root = "/sys";
  std::string proc_root = "/proc";
  std::string access_log;     ///< empty: nothing is known of octets
  std::string session_query;  ///< the parameter of a request that names its media session
  std::string status_url;     ///< of nginx's stub_status; empty: active requests are not known
  std::chrono::milliseconds sampling{1000};
  std::chrono::milliseconds reporting{10'000};
  AgentCommands commands;
  energy::meter::DutySettings duty;
  AgentSupply supply;
  bool operator==(const AgentConfig&) const = default;
};

}  // namespace lobo::app
