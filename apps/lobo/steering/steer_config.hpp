#pragma once
// What `energy_steering:` says beside its servers, as plain values.

#include <string>

#include "energy/steering/answer.hpp"

namespace lobo::app {

struct SteerConfig {
  std::string plan;                     ///< file, read again at SIGHUP
  std::string keys;                     ///< file of token keys; empty: one that nobody else knows
  std::string path = "/steer";          ///< all below it is answered
  double requests_per_second = 20'000;  ///< beyond it, players are told to ask more seldom
  energy::steering::SteeringSettings settings;
  bool operator==(const SteerConfig&) const = default;
};

}  // namespace lobo::app
