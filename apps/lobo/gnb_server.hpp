#pragma once
// `lobo gnb` as a process: the radio on the loop, the control API of the network, and the
// administration listener.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {

class GnbServer {
 public:
  static Result<std::unique_ptr<GnbServer>> open(const Config& config);
  ~GnbServer();
  GnbServer(const GnbServer&) = delete;
  GnbServer& operator=(const GnbServer&) = delete;

  /// "gtpu://10.100.3.2:2152", "air://10.100.9.1:2153", "http://127.0.0.64:9090".
  std::vector<std::string> urls() const;
  /// Until SIGINT, SIGTERM, or `at_most` (0: no end) is over.
  void run(std::chrono::seconds at_most);
  /// The QoS flows, as docs/gnb.md has them.
  json::Value summary() const;

 private:
  struct Parts;
  explicit GnbServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace lobo::app
