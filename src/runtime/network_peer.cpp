#include "runtime/network_peer.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/redirect.hpp"

namespace lobo::runtime {

struct NetworkPeer::Call {
  http::Request request;
  Instant ends;
  Done done;
  int hops = 0;
  bool retried = false;
  bool renewed = false;
  bool probe = false;
};

NetworkPeer::NetworkPeer(PeerConfig config, HttpClient& client, TokenProvider* tokens,
                         const Clock& clock, Metrics& metrics)
    : config_(std::move(config)),
      client_(client),
      tokens_(tokens),
      clock_(clock),
      calls_(metrics.counter("lobo_network_calls_total", {{"peer", config_.name}})),
      calls_failed_(metrics.counter("lobo_network_calls_failed_total", {{"peer", config_.name}})),
      breaker_opened_(
          metrics.counter("lobo_network_breaker_opened_total", {{"peer", config_.name}})) {}

void NetworkPeer::send(http::Request request, std::chrono::milliseconds deadline, Done done) {
  calls_.add(1);
  if (under_way_ >= calls_under_way_max)
    return done(fail(Errc::too_many, config_.name + ": too many calls are under way"));
  const Instant now = clock_.now();
  const bool open = failures_ >= breaker_failures_max;
  if (open && (now < open_until_ || probing_)) {
    calls_failed_.add(1);
    return done(fail(Errc::too_many, config_.name + " does not answer; it is asked again soon"));
  }
  retry_budget_ = std::min(retry_budget_max, retry_budget_ + retry_budget_ratio);

  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  call->request.scheme = config_.scheme;
  call->request.authority = config_.authority;
  call->request.target = config_.path_prefix + call->request.target;
  call->ends = now + deadline;
  call->done = std::move(done);
  call->probe = open;
  probing_ = probing_ || open;
  ++under_way_;
  attempt(call);
}

void NetworkPeer::attempt(const std::shared_ptr<Call>& call) {
  // Our credentials go to the configured peer only, never to where a redirect led.
  if (tokens_ == nullptr || call->request.authority != config_.authority) return transmit(call);
  tokens_->authorization(call->renewed, [this, call](Result<std::string> value) {
    if (!value) return finish(call, fail(value.error()));
    call->request.headers.set("authorization", std::move(*value));
    transmit(call);
  });
}

void NetworkPeer::transmit(const std::shared_ptr<Call>& call) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(call->ends - clock_.now());
  if (left.count() <= 0)
    return finish(call, fail(Errc::timeout, config_.name + " did not answer in time"));
  client_.send(call->request, left, [this, call](Result<http::Response> response) {
    answered(call, std::move(response));
  });
}

void NetworkPeer::answered(const std::shared_ptr<Call>& call, Result<http::Response> response) {
  if (!response) {
    if (!may_retry(*call, response.error())) return finish(call, std::move(response));
    call->retried = true;
    retry_budget_ -= 1;
    return attempt(call);
  }
  if (response->status == 401 && tokens_ != nullptr && !call->renewed) {
    call->renewed = true;
    return attempt(call);
  }
  if (response->status == 307 || response->status == 308) {
    if (!follow(*call, *response))
      return finish(call,
                    fail(Errc::unavailable,
                         config_.name + " redirects to where we may not follow, or too often"));
    return attempt(call);
  }
  finish(call, std::move(response));
}

bool NetworkPeer::follow(Call& call, const http::Response& response) const {
  if (call.hops == http::redirects_max) return false;
  const auto target = http::redirect_target(call.request, response);
  if (!target) return false;
  const auto authority = target->authority();
  const bool allowed = authority == config_.authority ||
                       std::ranges::find(config_.redirect_authorities, authority) !=
                           config_.redirect_authorities.end();
  if (!allowed) return false;
  ++call.hops;
  call.request.scheme = target->scheme;
  call.request.authority = authority;
  call.request.target = target->target;
  call.request.headers.erase("authorization");
  return true;
}

bool NetworkPeer::may_retry(const Call& call, const Error& why) {
  // A POST may have been seen by the peer: whether to repeat it is the state machine's business.
  const bool harmless = call.request.method == "GET" || call.request.method == "DELETE";
  return why.code == Errc::unavailable && harmless && !call.retried && retry_budget_ >= 1 &&
         !call.probe;
}

void NetworkPeer::finish(const std::shared_ptr<Call>& call, Result<http::Response> response) {
  --under_way_;
  if (call->probe) probing_ = false;
  // 5xx and silence count against the peer; 4xx is an answer, and so are some 5xx.
  const bool healthy =
      response && (response->status < 500 ||
                   (config_.answers_all_the_same && config_.answers_all_the_same(*response)));
  healthy ? succeeded() : failed();
  call->done(std::move(response));
}

void NetworkPeer::succeeded() {
  failures_ = 0;
  open_for_ = breaker_open_first;
}

void NetworkPeer::failed() {
  calls_failed_.add(1);
  if (++failures_ < breaker_failures_max) return;
  if (failures_ > breaker_failures_max) open_for_ = std::min(open_for_ * 2, breaker_open_max);
  open_until_ = clock_.now() + open_for_;
  breaker_opened_.add(1);
}

}  // namespace lobo::runtime
