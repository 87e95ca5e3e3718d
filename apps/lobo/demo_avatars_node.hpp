#pragma once
// Registers a relay node at the SEALDD server and tells it what became of flows, in the place of a
// node that does not do so itself: out of the node's log. What the node measured is not in it, and
// orders are acknowledged, not carried out.

#include <cstdint>
#include <ios>
#include <map>
#include <string>
#include <utility>

#include "api_client.hpp"
#include "base/result.hpp"

namespace lobo::app {

class NodeStandIn {
 public:
  /// `api` outlives it.
  NodeStandIn(ApiClient& api, std::string node, std::string log_file, std::string registration)
      : api_(api),
        path_("/sdd-rly/v1/nodes/" + std::move(node)),
        log_file_(std::move(log_file)),
        registration_(std::move(registration)) {}
  /// Registers; blocks.
  Result<void> enrol();
  /// Renews, and tells what is new; to be called a few times a second.
  void go_on();

 private:
  void read_log();
  void report();

  ApiClient& api_;
  std::string path_, log_file_, registration_;
  std::streamoff read_ = 0;
  std::int64_t epoch_ = 0;
  std::int64_t orders_seen_ = 0;
  std::uint64_t sequence_ = 0;
  std::map<std::int64_t, std::string> changed_;  ///< flow: its state
  bool renewing_ = false, reporting_ = false;
};

}  // namespace lobo::app
