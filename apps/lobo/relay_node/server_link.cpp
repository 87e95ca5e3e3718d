#include "relay_node/server_link.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "relay/lease/lease.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {

using runtime::Level;
using Question = relay::Lease::Question;

ServerLink::ServerLink(const http::Url& root, relay::Lease& lease, Ports ports)
    : lease_(lease),
      ports_(ports),
      scheduler_(ports.scheduler),
      scheme_(root.scheme),
      authority_(root.authority()),
      prefix_(root.target) {
  while (prefix_.ends_with('/')) prefix_.pop_back();
}

void ServerLink::send(bool renew, const Question& question, Done done) {
  http::Request request;
  request.method = question.method;
  request.scheme = scheme_;
  request.authority = authority_;
  request.target = prefix_ + question.target;
  request.headers.add("accept", "application/json");
  if (!question.body.empty()) request.headers.add("content-type", "application/json");
  request.body = question.body;
  const auto guarded = [alive = std::weak_ptr<bool>(alive_),
                        done = std::move(done)](Result<http::Response> got) {
    if (alive.lock()) done(std::move(got));
  };
  if (ports_.tokens == nullptr)
    return ports_.http.send(std::move(request), question.deadline, guarded);
  ports_.tokens->authorization(
      renew, [this, alive = std::weak_ptr<bool>(alive_), request = std::move(request),
              deadline = question.deadline, guarded](const Result<std::string>& value) mutable {
        if (!alive.lock()) return;
        if (!value) return guarded(fail(value.error()));
        request.headers.set("authorization", *value);
        ports_.http.send(std::move(request), deadline, guarded);
      });
}

void ServerLink::ask(const Question& question) {
  const auto answered = [this, question](Result<http::Response> got) {
    if (leaving_) return;
    lease_.answered(question, got, ports_.clock.now());
    wake();
  };
  send(false, question, [this, question, answered](Result<http::Response> got) {
    // A token may have been withdrawn before its time: once with a new one.
    if (ports_.tokens == nullptr || !got || got->status != 401) return answered(std::move(got));
    send(true, question, answered);
  });
}

void ServerLink::wake() {
  if (awake_ || leaving_) return;
  awake_ = true;
  scheduler_.post([this] {
    awake_ = false;
    look();
  });
}

void ServerLink::look() {
  if (leaving_) return;
  for (const auto& question : lease_.ask(ports_.clock.now())) ask(question);
  tell_changes();
  if (timer_) scheduler_.cancel(*timer_);
  const auto now = ports_.clock.now();
  timer_ = scheduler_.after(std::max(lease_.next_due(now) - now, std::chrono::microseconds{1000}),
                            [this] {
                              timer_.reset();
                              look();
                            });
}

void ServerLink::leave(std::function<void()> done) {
  leaving_ = true;
  if (timer_) scheduler_.cancel(*timer_);
  timer_.reset();
  if (!lease_.held()) return done();
  send(false, lease_.farewell(ports_.clock.now()),
       [done = std::move(done)](const Result<http::Response>&) { done(); });
}

void ServerLink::tell_changes() {
  if (held_ != lease_.held() || epoch_ != lease_.epoch()) {
    held_ = lease_.held();
    epoch_ = lease_.epoch();
    ports_.log.event(held_ ? Level::info : Level::warn, held_ ? "lease_held" : "lease_lost",
                     {{"epoch", epoch_}});
  }
  if (trouble_ == lease_.trouble()) return;
  trouble_ = lease_.trouble();
  if (!trouble_.empty()) ports_.log.event(Level::warn, "server_trouble", {{"why", trouble_}});
}

}  // namespace lobo::app
