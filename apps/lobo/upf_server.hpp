#pragma once
// `lobo upf`: ports, worker, N4 and administration, wired.

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config.hpp"

namespace lobo::app {

class UpfServer {
 public:
  static Result<std::unique_ptr<UpfServer>> open(const Config& config);
  ~UpfServer();
  UpfServer(const UpfServer&) = delete;
  UpfServer& operator=(const UpfServer&) = delete;

  /// Where N4 is spoken ("pfcp://127.0.0.62:8805"), then administration.
  std::vector<std::string> urls() const;
  /// Serves until SIGTERM or SIGINT; a fault where it ended by itself.
  Result<void> run();

 private:
  struct Parts;
  explicit UpfServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace lobo::app
