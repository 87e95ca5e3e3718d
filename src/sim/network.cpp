#include "sim/network.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::sim {

struct SimNetwork::Exchange {
  std::string from, to;
  http::Request request;
  runtime::HttpClient::Done done;
  std::weak_ptr<bool> alive;  ///< expired once the asking party is gone
  runtime::Scheduler::TimerId deadline = 0;
  bool over = false;
};

class SimNetwork::Client final : public runtime::HttpClient {
 public:
  Client(SimNetwork& network, std::string from) : network_(network), from_(std::move(from)) {}
  void send(http::Request request, std::chrono::milliseconds deadline, Done done) override {
    auto exchange = std::make_shared<Exchange>();
    exchange->from = from_;
    exchange->to =
        request.authority.starts_with("alias.") ? request.authority.substr(6) : request.authority;
    exchange->request = std::move(request);
    exchange->done = std::move(done);
    exchange->alive = alive_;
    network_.begin(std::move(exchange), deadline);
  }

 private:
  SimNetwork& network_;
  std::string from_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

std::unique_ptr<runtime::HttpClient> SimNetwork::client(std::string from) {
  return std::make_unique<Client>(*this, std::move(from));
}

void SimNetwork::attach(const std::string& authority, runtime::HttpHandler* handler) {
  handlers_[authority] = handler;
}

std::chrono::microseconds SimNetwork::delay(const Faults& faults) {
  return std::chrono::microseconds(
      1 + rng_.below(static_cast<std::uint64_t>(faults.delay_max.count())));
}

void SimNetwork::tell(const Exchange& exchange, const http::Request* request,
                      const http::Response* response, std::string_view fault) {
  if (!watcher_) return;
  const bool answer = request == nullptr;
  watcher_(Passed{loop_.now(), answer ? exchange.to : exchange.from,
                  answer ? exchange.from : exchange.to, request, response, fault});
}

void SimNetwork::begin(std::shared_ptr<Exchange> exchange, std::chrono::milliseconds deadline) {
  const Faults& faults = faults_[exchange->to];
  exchange->deadline = loop_.after(deadline, [this, exchange] {
    finish(exchange, fail(Errc::timeout, "no answer in time"), "timeout");
  });

  // One draw decides between faults that exclude one another; the order is part of the history.
  auto draw = static_cast<unsigned>(rng_.below(1000));
  const auto strikes = [&draw](unsigned share) {
    if (draw < share) return true;
    draw -= share;
    return false;
  };
  const bool aliased = exchange->request.authority.starts_with("alias.");
  const auto way = delay(faults);
  std::string_view fault;
  http::Response instead;
  if (handlers_[exchange->to] == nullptr || strikes(faults.refuse)) {
    loop_.after(way, [this, exchange] {
      finish(exchange, fail(Errc::unavailable, "connection refused"), "refuse");
    });
    return;
  }
  if (strikes(faults.server_error)) {
    fault = "server_error";
    instead.status = rng_.below(2) == 0 ? 500 : 503;
  } else if (strikes(faults.throttle)) {
    fault = "throttle";
    instead.status = 429;
    instead.headers.add("retry-after", "1");
  } else if (!aliased && strikes(faults.redirect)) {
    fault = "redirect";
    instead.status = rng_.below(2) == 0 ? 307 : 308;
    instead.headers.add("location", exchange->request.scheme + "://" + alias_of(exchange->to) +
                                        exchange->request.target);
  }
  if (!fault.empty()) {
    tell(*exchange, &exchange->request, nullptr, fault);
    loop_.after(way, [this, exchange, instead, fault] { finish(exchange, instead, fault); });
    return;
  }
  if (strikes(faults.never_answer))
    fault = "never_answer";
  else if (strikes(faults.lose_answer))
    fault = "lose_answer";
  else if (strikes(faults.duplicate))
    fault = "duplicate";
  loop_.after(way, [this, exchange, fault] { arrive(exchange, fault); });
  if (fault == "duplicate")
    loop_.after(way + delay(faults), [this, exchange] { arrive(exchange, "second"); });
}

void SimNetwork::arrive(const std::shared_ptr<Exchange>& exchange, std::string_view fault) {
  tell(*exchange, &exchange->request, nullptr, fault);
  runtime::HttpHandler* handler = handlers_[exchange->to];
  if (handler == nullptr)
    return finish(exchange, fail(Errc::unavailable, "connection reset"), "gone");
  handler->handle(exchange->request, [this, exchange, fault](http::Response response) {
    if (fault == "never_answer" || fault == "second") return;
    loop_.after(
        delay(faults_[exchange->to]), [this, exchange, fault, response = std::move(response)] {
          if (fault == "lose_answer" || response.delivery != http::Delivery::whole)
            return finish(exchange, fail(Errc::unavailable, "the connection closed in the middle"),
                          fault);
          finish(exchange, response, fault);
        });
  });
}

void SimNetwork::finish(const std::shared_ptr<Exchange>& exchange, Result<http::Response> response,
                        std::string_view fault) {
  if (std::exchange(exchange->over, true)) return;
  loop_.cancel(exchange->deadline);
  tell(*exchange, nullptr, response ? &*response : nullptr, fault);
  if (exchange->alive.lock()) exchange->done(std::move(response));
}

}  // namespace lobo::sim
