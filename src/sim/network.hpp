#pragma once
// A network of plain HTTP values between handlers, with everything that goes wrong on a real one.
// Which fault hits which message comes from one Rng, so that one seed gives one history.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "sim/loop.hpp"

namespace lobo::sim {

/// How often, in parts per thousand of the requests to one party, each fault strikes.
struct Faults {
  unsigned refuse = 0;        ///< no connection; the party never sees the request
  unsigned never_answer = 0;  ///< seen, and no answer until the deadline
  unsigned lose_answer = 0;   ///< seen and done, then the connection closes in the middle
  unsigned duplicate = 0;     ///< seen twice
  unsigned server_error = 0;  ///< 500 or 503 instead of an answer
  unsigned throttle = 0;      ///< 429 with Retry-After
  unsigned redirect = 0;      ///< 307 or 308 to the same party's other name
  std::chrono::microseconds delay_max{500};  ///< each way; messages overtake one another within it
};

/// What passed, for checkers and for the digest of a history.
struct Passed {
  Instant at;
  std::string from, to;
  const http::Request* request = nullptr;  ///< null when this is an answer
  const http::Response* response = nullptr;
  std::string_view fault;  ///< "" when nothing went wrong
};

class SimNetwork {
 public:
  SimNetwork(SimLoop& loop, Rng& rng) : loop_(loop), rng_(rng) {}

  /// Requests to `authority` go to `handler` from now on; null: nobody listens there.
  void attach(const std::string& authority, runtime::HttpHandler* handler);
  void change_faults(const std::string& authority, Faults faults) { faults_[authority] = faults; }
  void watch(std::function<void(const Passed&)> watcher) { watcher_ = std::move(watcher); }

  /// The client of one party. It dies with its party: an answer to a dead one reaches nobody.
  std::unique_ptr<runtime::HttpClient> client(std::string from);

  /// Every redirect leads here, and from here to the party itself: "alias.AUTHORITY".
  static std::string alias_of(const std::string& authority) { return "alias." + authority; }

 private:
  class Client;
  struct Exchange;
  void begin(std::shared_ptr<Exchange> exchange, std::chrono::milliseconds deadline);
  void arrive(const std::shared_ptr<Exchange>& exchange, std::string_view fault);
  void finish(const std::shared_ptr<Exchange>& exchange, Result<http::Response> response,
              std::string_view fault);
  std::chrono::microseconds delay(const Faults& faults);
  void tell(const Exchange& exchange, const http::Request* request, const http::Response* response,
            std::string_view fault);

  SimLoop& loop_;
  Rng& rng_;
  std::map<std::string, runtime::HttpHandler*> handlers_;
  std::map<std::string, Faults> faults_;
  std::function<void(const Passed&)> watcher_;
};

}  // namespace lobo::sim
