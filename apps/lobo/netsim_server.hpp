#pragma once
// `lobo netsim`: the simulated network behind real sockets. core_sim decides everything; here are
// the clock, the connections and the callbacks.

#include <memory>
#include <string>
#include <vector>

#include "config.hpp"

namespace lobo::app {

class NetsimServer {
 public:
  static Result<std::unique_ptr<NetsimServer>> open(const Config& config);
  ~NetsimServer();
  NetsimServer(const NetsimServer&) = delete;
  NetsimServer& operator=(const NetsimServer&) = delete;

  std::vector<std::string> urls() const;
  /// Serves until SIGTERM or SIGINT.
  void run();

 private:
  struct Parts;
  explicit NetsimServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace lobo::app
