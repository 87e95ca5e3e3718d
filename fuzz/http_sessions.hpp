#pragma once
// What the HTTP targets share: a transport that is none, and a handler that answers now or later.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http/server_session.hpp"

namespace lobo::adapters {

struct NoTransport final : Transport {
  void wake() override {}
  void abort() override {}
};

struct FuzzHandler final : runtime::HttpHandler {
  std::vector<http::Request> seen;
  std::vector<ReplyFn> kept;
  bool later = false;
  void handle(http::Request request, ReplyFn reply) override {
    seen.push_back(request);
    if (later)
      kept.push_back(std::move(reply));
    else
      reply({200, {{"x-echo", request.target}}, std::move(request.body)});
  }
  void answer_kept() {
    for (auto& reply : kept) reply({201, {}, "late"});
    kept.clear();
  }
};

inline constexpr SteadyTime fuzz_start{std::chrono::seconds{1000}};

/// Feeds `bytes` in slices to a session, taking its output and moving its time as a transport
/// would.
inline void feed(Session& session, FuzzHandler& handler, std::string_view bytes,
                 std::size_t slice) {
  auto now = fuzz_start;
  std::string out;
  while (!bytes.empty() && !session.finished()) {
    const auto take = std::min(std::max<std::size_t>(slice, 1), bytes.size());
    if (session.wants_input()) {
      session.receive(bytes.substr(0, take), now);
      bytes.remove_prefix(take);
    } else {
      handler.answer_kept();
      out.clear();
      session.produce(out, now);
      if (!session.wants_input()) break;
    }
    out.clear();
    session.produce(out, now);
  }
  handler.answer_kept();
  session.produce(out, now);
}

/// What a transport does at the end: the deadline passes, or the peer goes.
inline void finish(Session& session, bool by_time) {
  std::string out;
  if (by_time && session.deadline() != never)
    session.expired(session.deadline());
  else
    session.end_of_input(fuzz_start);
  session.produce(out, fuzz_start);
  session.closed("the fuzzer ends");
}

}  // namespace lobo::adapters
