#pragma once
// Between the network and the server: what a core measures may be nonsense. Delays of days, volumes
// below zero, sessions that nobody has, bodies that end in the middle.

#include <string>

#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::app::simulation {

class BentCallbacks final : public runtime::HttpHandler {
 public:
  /// Both outlive it. Of `one_in` callbacks that bring measurements one is bent; 0: none.
  BentCallbacks(runtime::HttpHandler& server, Rng& rng, unsigned one_in)
      : server_(server), rng_(rng), one_in_(one_in) {}

  void handle(http::Request request, ReplyFn reply) override;
  void bend_one_in(unsigned one_in) { one_in_ = one_in; }

 private:
  runtime::HttpHandler& server_;
  Rng& rng_;
  unsigned one_in_;
};

}  // namespace lobo::app::simulation
