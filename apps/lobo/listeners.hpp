#pragma once
// The listeners of one server: those of applications and those of administration, from the start to
// the drain.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "late_handler.hpp"

namespace lobo::app {

class Listeners {
 public:
  /// Listens at all addresses, before there is anybody to answer: whoever answers has to know the
  /// ports. Nothing is answered before the loop runs. `loop` outlives it.
  Result<void> open(adapters::EventLoop& loop, const std::vector<ServerAddress>& applications,
                    const std::vector<ServerAddress>& administration, const LimitsConfig& limits);

  /// Who answers from now on.
  LateHandler applications, administration;

  /// Bodies of the applications' answers that grow are taken from there.
  void take_growing_from(const http::GrowingBodiesPtr& bodies);
  /// The applications' URLs in the order of the configuration, then those of administration.
  std::vector<std::string> urls() const { return urls_; }
  /// Takes nothing new, and calls `done` once what is under way has ended.
  void drain(std::chrono::milliseconds patience, std::function<void()> done);

 private:
  std::vector<std::unique_ptr<adapters::HttpServer>> servers_, admin_servers_;
  std::vector<std::string> urls_;
};

}  // namespace lobo::app
