#pragma once
// From a request to the operation that it means: finds the route, checks who asks and whether they
// may, how often, how much and in which format, and hands it to the service. Every refusal is a
// ProblemDetails; every answer is logged, counted and timed.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "runtime/effect_runner.hpp"
#include "runtime/ports.hpp"
#include "runtime/rate_limit.hpp"
#include "runtime/replies.hpp"
#include "wire/resource/route.hpp"

namespace lobo::runtime {

inline constexpr std::size_t idempotency_key_bytes_max = 128;
inline constexpr std::chrono::hours idempotency_kept{24};

struct RouterLimits {
  std::uint64_t resources_per_owner_max = 100000;  ///< of one kind
  double requests_per_second = 1000;               ///< of one principal, in the long run
  double request_burst = 2000;
};

class Router final : public HttpHandler {
 public:
  struct Ports {
    EffectRunner& runner;
    Replies& replies;
    Authenticator& authenticator;
    const Store& store;
    const Clock& clock;
    Rng& secrets;  ///< must be unguessable: identifiers and callback secrets come from it
    Log& log;
    Metrics& metrics;
  };
  Router(Ports ports, RouterLimits limits);

  /// Two routes of one method and one template are a broken promise.
  void add(std::vector<resource::Route> routes);
  void change_limits(RouterLimits limits) { limits_ = limits; }

  /// Called for each request with a body of whom we have admitted, before it is decided on; it goes
  /// on when `ready` is called, once. For what has to be learned from somebody else first.
  using Prepare = std::function<void(const http::Request&, std::function<void()> ready)>;
  void before_deciding(Prepare prepare) { prepare_ = std::move(prepare); }

  void handle(http::Request request, ReplyFn reply) override;

  /// All operations, for the capabilities document.
  std::vector<resource::Operation> operations() const;

 private:
  struct Entry {
    resource::Route route;
    std::vector<std::string> segments;  ///< "{name}" is a parameter
    Histogram* seconds;
    Counter* by_class[6];  ///< [status / 100]
  };
  /// A request on its way through the checks.
  struct Pending {
    http::Request request;  ///< given away when it is dispatched
    std::string method;     ///< for the access log
    ReplyFn reply;
    resource::PathParams params;
    const Entry* entry = nullptr;
    resource::Principal who;
    Instant since;
  };
  using PendingPtr = std::shared_ptr<Pending>;

  const Entry* match(const http::Request& request, std::string_view path,
                     resource::PathParams& params, std::string& allow) const;
  static bool fits(const Entry& entry, std::string_view path, resource::PathParams& params);
  void authorise(PendingPtr pending);
  void admitted(PendingPtr pending);
  void decide(PendingPtr pending);
  void dispatch(PendingPtr pending, const resource::Dispatch& to, std::string_view fresh_id);
  Result<resource::Key> idempotent(const PendingPtr& pending, const resource::Dispatch& to,
                                   Submission& with);
  void answer(const PendingPtr& pending, http::Response response);
  void refuse(const PendingPtr& pending, const Error& why);

  Ports ports_;
  RouterLimits limits_;
  RateLimit rate_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::unordered_map<std::string, std::vector<const Entry*>, TextHash, std::equal_to<>> by_first_;
  std::set<std::pair<std::string, std::string>> keys_under_way_;  ///< owner and Idempotency-Key
  Counter& unmatched_;
  Prepare prepare_;
};

}  // namespace lobo::runtime
