#pragma once
// `lobo relay` as a process: the relay, QUIC and browsers on one loop.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config.hpp"
#include "output.hpp"

namespace lobo::app {

class RelayServer {
 public:
  static Result<std::unique_ptr<RelayServer>> open(const Config& config);
  ~RelayServer();
  RelayServer(const RelayServer&) = delete;
  RelayServer& operator=(const RelayServer&) = delete;

  /// "quic://127.0.0.68:4433", "https://127.0.0.68:4433/sdd", "sha256:…" of the certificate.
  std::vector<std::string> urls() const;
  /// Until SIGINT, SIGTERM, or `at_most` (0: no end) is over; then everybody is told goodbye.
  void run(std::chrono::seconds at_most);
  /// What it did.
  Rows summary() const;

 private:
  struct Parts;
  explicit RelayServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace lobo::app
