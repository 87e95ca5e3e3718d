#pragma once
// A virtual world with the real server in it: two applications, the simulated core, and one server
// process that may die at any commit and start again on what was durable.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "graph/control_plane.hpp"
#include "graph/core_driver.hpp"
#include "services/seal_nrm/series_memory.hpp"
#include "sim/loop.hpp"
#include "sim/network.hpp"
#include "sim/observers.hpp"
#include "sim/store.hpp"
#include "simulation/application.hpp"
#include "simulation/bent_callbacks.hpp"
#include "simulation/checkers.hpp"
#include "simulation/history.hpp"
#include "simulation/run.hpp"

namespace lobo::app::simulation {

/// One run of the server process.
struct ServerProcess {
  ServerProcess(sim::SimLoop& loop, sim::SimNetwork& network, sim::StoreState durable,
                seal_nrm::monitor::Series& series, Rng& bends, const Options& options,
                std::uint64_t run);

  /// Where the configuration has the UEs; a PCF does not tell.
  void place(const std::map<std::string, std::string, std::less<>>& addresses,
             const ConfiguredUes::Groups& groups);

  SeededRng rng;
  sim::SimLog log;
  sim::SimMetrics metrics;
  sim::SimAuthenticator authenticator{{"ss-nra", "ss-nrm"}};
  sim::SimStore store;
  std::unique_ptr<runtime::HttpClient> client;
  std::unique_ptr<runtime::HttpClient> planted_client;  ///< null without a plant
  std::unique_ptr<runtime::Store> planted_store;
  ControlPlane control_plane;
  BentCallbacks bent;  ///< in front of its router
};

class World {
 public:
  explicit World(const Options& options);

  /// Random acts of applications, network, store and fate until events_min pieces of work have run.
  void chaos();
  /// Everything works again; runs until nothing is left to do.
  void calm();
  /// All applications release all they have; the UEs' watches go with them.
  void release();

  Report report() const;

 private:
  void start_server(sim::StoreState durable);
  void kill_server(const char* how);
  void start_core();
  void kill_core();
  void fate();
  void degrade_something();
  void change_group();
  std::size_t policies_at_core();
  void look_at_monitoring();
  void readdress_something(const std::string& ue);
  void disconnect_all();
  bool pcf() const;
  bool readable() const;
  http::Response operate(std::string method, std::string target, std::string body);
  void run_checked(std::chrono::microseconds by);
  void settle();
  bool quiet() const;
  void check_quiet(bool all_released);
  std::vector<Reservation> at_core();
  std::vector<Reservation> analytics_at_core();
  std::int64_t watches_at_core();

  Options options_;
  SeededRng rng_;         ///< of fate and applications
  SeededRng faults_rng_;  ///< of the network
  SeededRng core_rng_;
  SeededRng bends_rng_;
  sim::SimLoop loop_;
  sim::SimNetwork network_;
  History history_;
  Checkers checkers_;
  std::unique_ptr<runtime::HttpClient> core_client_;
  std::unique_ptr<CoreDriver> core_;
  std::vector<std::unique_ptr<Application>> applications_;
  ConfiguredUes::Groups groups_;
  /// Outlives a process, as a disk does.
  seal_nrm::monitor::MemorySeries series_{100'000, std::chrono::hours{24}};
  std::unique_ptr<ServerProcess> server_;
  std::uint64_t runs_ = 0;
  std::uint64_t crashes_ = 0;
  std::uint64_t confirmed_ = 0;
  std::uint64_t notifications_ = 0;
  std::uint64_t reports_ = 0;  ///< of monitoring
  bool crash_pending_ = false;
  std::map<std::string, std::string, std::less<>> addresses_;  ///< of the UEs, as configured
};

}  // namespace lobo::app::simulation
