#pragma once
// The plan of a media AF, and what it is told of players (api/media_steering.yaml): one question
// that waits, reports in batches. The AF may be gone for long: the last plan stays in use,
// questions are asked again after growing pauses, and reports that were not taken are dropped,
// because players tell again.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "runtime/scoped_scheduler.hpp"
#include "steering/sightings.hpp"
#include "steering/steer_endpoint.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

inline constexpr std::chrono::seconds plan_wait{10};  ///< what the AF allows
inline constexpr std::chrono::seconds plan_retry_first{1};
inline constexpr std::chrono::seconds plan_retry_most{30};
inline constexpr std::chrono::seconds report_every{1};
inline constexpr std::size_t sightings_at_once_max = 4096;
static_assert(sightings_max % sightings_at_once_max == 0);

struct FollowerCounters {
  std::uint64_t plans = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t refused = 0;   ///< plans that could not be used
  std::uint64_t failures = 0;  ///< questions without an answer
  std::uint64_t reported = 0;  ///< players told of
  std::uint64_t dropped = 0;   ///< players not told of: the AF took nothing, or there were too many
};

class PlanFollower {
 public:
  struct Ports {
    runtime::Scheduler& scheduler;
    runtime::HttpClient& http;
    runtime::TokenProvider* tokens;  ///< null: no Authorization
    runtime::Log& log;
  };
  using Taken = std::function<void(SteerEndpoint::Plan)>;
  /// `uri` is the root of the AF's APIs, checked. `deadline` is the patience beyond the wait.
  PlanFollower(const std::string& uri, std::chrono::milliseconds deadline, Ports ports,
               Taken taken);

  void start() { ask(); }
  /// Tells of players from now on.
  void report_from(Sightings& sightings);
  const FollowerCounters& counters() const { return counters_; }

 private:
  using Done = std::function<void(Result<http::Response>)>;
  void ask();
  void answered(const Result<http::Response>& got);
  void later(std::string_view why, int status);
  void report();
  void send(http::Request request, std::chrono::milliseconds deadline, Done done);
  http::Request request(std::string method, std::string target) const;

  Ports ports_;
  runtime::ScopedScheduler scheduler_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::string scheme_, authority_, prefix_;
  std::chrono::milliseconds deadline_;
  Taken taken_;
  Sightings* sightings_ = nullptr;
  std::string tag_;
  std::chrono::seconds pause_ = plan_retry_first;
  bool renew_ = false;  ///< the last token was refused
  bool reporting_ = false;
  bool told_failure_ = false;
  FollowerCounters counters_;
};

}  // namespace lobo::app
