#pragma once
// The relay's lease on an event loop: its questions go to SEALDD's server over HTTP.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "relay/lease/lease.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "runtime/scoped_scheduler.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {

class ServerLink {
 public:
  struct Ports {
    runtime::Scheduler& scheduler;
    const Clock& clock;
    runtime::HttpClient& http;
    runtime::TokenProvider* tokens;  ///< null: no Authorization
    runtime::Log& log;
  };
  /// `root` is the server's; `lease` and what the ports name outlive it.
  ServerLink(const http::Url& root, relay::Lease& lease, Ports ports);

  /// Asks what is to be asked now, and again when something is due.
  void look();
  /// Soon, and once for all that changed until then.
  void wake();
  /// Tells the server that the node ends; `done` is called when it knows, or cannot be told.
  void leave(std::function<void()> done);

 private:
  using Done = std::function<void(Result<http::Response>)>;
  void send(bool renew, const relay::Lease::Question& question, Done done);
  void ask(const relay::Lease::Question& question);
  void tell_changes();

  relay::Lease& lease_;
  Ports ports_;
  runtime::ScopedScheduler scheduler_;
  std::string scheme_, authority_, prefix_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::optional<runtime::Scheduler::TimerId> timer_;
  bool awake_ = false;
  bool leaving_ = false;
  bool held_ = false;
  std::int64_t epoch_ = 0;
  std::string trouble_;
};

}  // namespace lobo::app
