#pragma once
// Steering behind HTTP. Keeps a plan, keys and counters; no sessions. Below its path every GET is
// answered with 200, whatever the query: a 404, 410 or 429 is the last thing that some players
// hear.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "energy/steering/answer.hpp"
#include "energy/steering/plan_table.hpp"
#include "energy/steering/token.hpp"
#include "runtime/ports.hpp"
#include "steering/sightings.hpp"
#include "steering/steer_config.hpp"

namespace lobo::app {

struct SteerCounters {
  std::uint64_t answers = 0;
  std::uint64_t sessions = 0;  ///< first requests, without a token
  std::uint64_t expired = 0;
  std::uint64_t foreign = 0;
  std::uint64_t demoted = 0;
  std::uint64_t moves_pending = 0;
  std::uint64_t stretched = 0;  ///< told to ask more seldom because of load
  std::uint64_t elsewhere = 0;  ///< not below our path
  std::uint64_t held = 0;       ///< left where they were, because the plan is not valid any more
};

class SteerEndpoint final : public runtime::HttpHandler {
 public:
  using Plan = std::shared_ptr<const energy::steering::PlanTable>;
  using Keys = std::shared_ptr<const energy::steering::TokenMac>;
  /// Neither plan nor keys are null: the first request has to succeed.
  SteerEndpoint(const SteerConfig& config, const Clock& clock, Rng& rng, Plan plan, Keys keys);

  void handle(http::Request request, ReplyFn reply) override;

  void change(Plan plan, Keys keys);
  void change(Plan plan) { change(std::move(plan), keys_); }
  /// Where players were sent is written down there from now on; it outlives the endpoint.
  void note_in(Sightings& sightings) { sightings_ = &sightings; }
  const energy::steering::PlanTable& plan() const { return *plan_; }
  const Plan& shared_plan() const { return plan_; }
  const SteerCounters& counters() const { return counters_; }

 private:
  bool is_ours(std::string_view path) const;
  double stretch(Instant now);

  std::string path_;
  double requests_per_second_;
  energy::steering::SteeringSettings settings_;
  const Clock& clock_;
  Rng& rng_;
  Plan plan_;
  Keys keys_;
  Sightings* sightings_ = nullptr;
  SteerCounters counters_;
  Instant window_{};
  std::uint64_t in_window_ = 0;
  double stretch_ = 1;
};

}  // namespace lobo::app
