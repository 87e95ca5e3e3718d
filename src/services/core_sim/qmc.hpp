#pragma once
// QoE measurement collection (TS 28.405; TR 26.942 clause 7.13.6 steps 10a to 10f, 31a to 31d): the
// OAM takes jobs, the cell configures UEs and takes their reports, the OAM forwards them. What
// stands for RRC is the control API; what it carries is the real gzip of the real XML, within RRC's
// limits. Nobody's quality is invented: a report comes from a UE that plays (`lobo energy ue`, a
// test).

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/oam.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/timers.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

inline constexpr std::size_t qmc_jobs_max = 16;  ///< maxNrofAppLayerMeas of TS 38.331

class QmcJobs {
 public:
  explicit QmcJobs(Network& network) : net_(network) {}

  static bool serves(std::string_view operation);
  Answer handle(const Call& call);
  std::size_t size() const { return jobs_.size(); }

 private:
  struct Job {
    Number number{};               ///< of its callbacks
    std::int64_t measurement = 0;  ///< measConfigAppLayerId
    api::oam::QmcJobAttributes attributes;
    std::vector<CellIndex> cells;         ///< empty: everywhere
    std::string container;                ///< of the configuration
    std::set<UeIndex> configured, heard;  ///< who was told, who has reported
    std::uint64_t collected = 0;
    std::uint64_t refused = 0;
  };

  Answer on_job(const Call& call);
  Answer put(const Call& call, const std::string& id);
  Answer configuration(const Call& call, UeIndex ue);
  Answer report(const Call& call, UeIndex ue);
  Outcome<Job> made(const api::oam::QmcJobAttributes& wanted) const;
  void note(const Call& call, std::string_view steps);
  std::int64_t free_measurement() const;
  bool concerns(const Job& job, UeIndex ue) const;
  std::size_t container_max(CellIndex cell) const;

  Network& net_;
  std::map<std::string, Job, std::less<>> jobs_;
};

}  // namespace lobo::core_sim
