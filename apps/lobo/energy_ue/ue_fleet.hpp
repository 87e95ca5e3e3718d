#pragma once
// Emulated UEs on one event loop: each a media session handler (src/energy/client) with an emulated
// player, and content steering where they poll. Counts what happened; the report is one JSON
// object.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "energy/client/media_session.hpp"
#include "energy_ue/ue_config.hpp"
#include "energy_ue/ue_player.hpp"
#include "runtime/ports.hpp"
#include "runtime/scoped_scheduler.hpp"

namespace lobo::app {

struct FleetReport {
  std::size_t ues = 0, playing = 0, listening = 0;
  std::map<std::string, std::size_t> at;  ///< UEs by location
  PlayerCounters media;
  std::uint64_t recommendations = 0;
  std::uint64_t reduced = 0;    ///< with a limited operation point now
  std::uint64_t suspended = 0;  ///< now
  std::uint64_t refused = 0;    ///< what was not understood or not taken
  std::uint64_t lost = 0;       ///< requests to the AF without an answer
  /// How often each step of TR 26.942 clause 7.13.6 was taken.
  std::map<std::string, std::uint64_t> steps;
  std::vector<double> move_s;  ///< from the order to the first segment from the new place, sorted
  /// Of the numbers above; 0 where there is none.
  double move_quantile(double share) const;
  std::string json() const;
};

class UeFleet {
 public:
  struct Ports {
    runtime::Scheduler& scheduler;
    const Clock& clock;
    runtime::HttpClient& af;     ///< also to content steering
    runtime::HttpClient& media;  ///< to service locations
    Rng& rng;
  };
  /// `config` outlives it.
  UeFleet(const EnergyUeConfig& config, Ports ports);
  ~UeFleet();

  void start();
  /// Every session tells the AF that it ends.
  void stop();
  FleetReport report() const;
  const energy::client::MediaSession& session(std::size_t i) const;

 private:
  struct Ue;
  void begin(Ue& ue);
  void pump(Ue& ue);
  void arm(Ue& ue);
  void play(Ue& ue);
  void poll(Ue& ue);
  void steered(Ue& ue, const std::string& body);
  void ask_cell();
  void configured(const std::string& body);

  const EnergyUeConfig& config_;
  Ports ports_;
  runtime::ScopedScheduler scheduler_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<std::unique_ptr<Ue>> ues_;
  std::vector<energy::client::CellMeasurement> measurements_;  ///< that the cell has configured
  std::vector<double> move_s_;
  std::uint64_t lost_ = 0;
  std::uint64_t recommendations_ = 0;
  std::map<std::string, std::uint64_t> steps_;
};

}  // namespace lobo::app
