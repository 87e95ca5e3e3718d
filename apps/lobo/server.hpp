#pragma once
// The NRM server: everything that `lobo serve` runs, wired.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/http/loop.hpp"
#include "config.hpp"

namespace lobo::app {

class NrmServer {
 public:
  /// Opens the store, recovers what was under way, listens. `config_file` is read again at SIGHUP.
  static Result<std::unique_ptr<NrmServer>> open(const Config& config, std::string config_file);
  ~NrmServer();
  NrmServer(const NrmServer&) = delete;
  NrmServer& operator=(const NrmServer&) = delete;

  /// The applications' URLs in the order of the configuration, then those of administration.
  std::vector<std::string> urls() const;
  /// For what else this process serves.
  adapters::EventLoop& loop();
  /// Serves until SIGTERM or SIGINT, then ends what is under way.
  void run();

 private:
  struct Parts;
  explicit NrmServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace lobo::app
