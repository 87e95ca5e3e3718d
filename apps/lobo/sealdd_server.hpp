#pragma once
// The SEALDD server of `lobo serve`, wired: its own listeners, store and credentials,
// on an event loop that it may share with other servers of the process.

#include <memory>
#include <string>
#include <vector>

#include "adapters/http/loop.hpp"
#include "base/result.hpp"
#include "config.hpp"

namespace lobo::app {

class SealddServer {
 public:
  /// Opens the store, takes up what was under way, listens. `loop` outlives it.
  static Result<std::unique_ptr<SealddServer>> open(const SealddConfig& config,
                                                    const LoggerConfig& logger,
                                                    adapters::EventLoop& loop);
  ~SealddServer();
  SealddServer(const SealddServer&) = delete;
  SealddServer& operator=(const SealddServer&) = delete;

  /// The applications' URLs in the order of the configuration, then those of administration.
  std::vector<std::string> urls() const;
  /// For a process that serves nothing else: SIGTERM or SIGINT end what is under way, then the
  /// loop.
  void stop_at_signals();

 private:
  struct Parts;
  explicit SealddServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace lobo::app
