#pragma once
// `lobo energy agent` and `lobo energy steer` as processes: clocks, files, connections and signals
// around agent/ and steering/, which decide.

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config.hpp"

namespace lobo::app {

class EnergyAgentServer {
 public:
  static Result<std::unique_ptr<EnergyAgentServer>> open(const Config& config);
  ~EnergyAgentServer();
  EnergyAgentServer(const EnergyAgentServer&) = delete;
  EnergyAgentServer& operator=(const EnergyAgentServer&) = delete;

  /// Reports until SIGTERM or SIGINT.
  void run();

 private:
  struct Parts;
  explicit EnergyAgentServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

class SteeringServer {
 public:
  static Result<std::unique_ptr<SteeringServer>> open(const Config& config);
  ~SteeringServer();
  SteeringServer(const SteeringServer&) = delete;
  SteeringServer& operator=(const SteeringServer&) = delete;

  std::vector<std::string> urls() const;
  /// Answers until SIGTERM or SIGINT; reads plan and keys again at SIGHUP.
  void run();

 private:
  struct Parts;
  explicit SteeringServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace lobo::app
