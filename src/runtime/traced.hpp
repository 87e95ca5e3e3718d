#pragma once
// Writes down every message that a party sends or gets, for `lobo trace`. Both ends write what they
// saw; the span of the traceparent header (W3C Trace Context) joins them, so that the view can name
// both parties and tell an answer that was lost on the way.

#include <string>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"

namespace lobo::runtime {

inline constexpr std::size_t trace_body_bytes_max = 512;

/// In front of a server's handler.
class TracedHandler final : public HttpHandler {
 public:
  TracedHandler(HttpHandler& inner, Trace& trace, std::string party, const Clock& clock)
      : inner_(inner), trace_(trace), party_(std::move(party)), clock_(clock) {}
  void handle(http::Request request, ReplyFn reply) override;

 private:
  HttpHandler& inner_;
  Trace& trace_;
  std::string party_;
  const Clock& clock_;
};

/// Around a client: gives each request a span of its own. The peer is told by its authority; what
/// it calls itself stands in its own records.
class TracedClient final : public HttpClient {
 public:
  TracedClient(HttpClient& inner, Trace& trace, std::string party, const Clock& clock, Rng& rng)
      : inner_(inner), trace_(trace), party_(std::move(party)), clock_(clock), rng_(rng) {}
  void send(http::Request request, std::chrono::milliseconds deadline, Done done) override;

 private:
  HttpClient& inner_;
  Trace& trace_;
  std::string party_;
  const Clock& clock_;
  Rng& rng_;
};

}  // namespace lobo::runtime
