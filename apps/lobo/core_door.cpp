#include "core_door.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/http/client.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "network_tokens.hpp"
#include "runtime/traced.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

/// Of an answer: lists of all our sessions, some 800 bytes each. Bounds the time for which reading
/// one holds up everybody else to some tens of milliseconds.
constexpr std::size_t core_answer_bytes_max = std::size_t{4} << 20;

adapters::ClientConfig client_config(const NefConfig& config, CoreType type,
                                     const http::Url& root) {
  adapters::ClientConfig out;
  // Between network functions HTTP/2 is all there is (TS 29.500 clause 5.2), also to a PCF that
  // only the BSF knows; a token endpoint may be of another make.
  const bool sbi = type == CoreType::pcf && root.scheme == "http";
  out.http2 = sbi ? adapters::Http2Use::always : adapters::Http2Use::alpn;
  if (config.oauth2)
    if (const auto tokens = http::parse_url(config.oauth2->token_uri))
      out.http2_of[tokens->origin()] = adapters::Http2Use::alpn;
  const bool tls = root.scheme == "https";
  out.http2_of[root.origin()] = !config.http2 ? adapters::Http2Use::never
                                : tls         ? adapters::Http2Use::alpn
                                              : adapters::Http2Use::always;
  if (tls) out.tls = tls_files(config.tls);
  out.limits.body_bytes_max = core_answer_bytes_max;
  return out;
}

}  // namespace

void NoticingClient::send(http::Request request, std::chrono::milliseconds deadline, Done done) {
  inner_.send(std::move(request), deadline,
              [this, done = std::move(done)](Result<http::Response> response) {
                if (response) simulated_ = response->headers.find("x-lobo-simulated").has_value();
                done(std::move(response));
              });
}

CoreDoor::CoreDoor(adapters::ClientConfig config, bool tls, Ports ports)
    : tls_(tls), connections_(ports.loop, std::move(config)) {
  if (ports.trace != nullptr)
    traced_ = std::make_unique<runtime::TracedClient>(noticing_, *ports.trace, "lobo", ports.clock,
                                                      ports.rng);
}

Result<std::unique_ptr<CoreDoor>> CoreDoor::open(const NefConfig& config, CoreType type,
                                                 const http::Url& root, Ports ports) {
  std::unique_ptr<CoreDoor> door(
      new CoreDoor(client_config(config, type, root), root.scheme == "https", ports));
  if (config.oauth2) {
    auto made = NetworkTokens::open(*config.oauth2, door->connections_, ports.loop, ports.clock);
    if (!made) return fail(made.error());
    door->tokens_ = std::move(*made);
  }
  return door;
}

std::vector<Result<std::function<void()>>> CoreDoor::prepare(const NefConfig& next) {
  std::vector<Result<std::function<void()>>> changes;
  if (tls_) changes.push_back(connections_.prepare_tls(tls_files(next.tls)));
  if (tokens_ && next.oauth2) changes.push_back(tokens_->prepare(*next.oauth2));
  return changes;
}

}  // namespace lobo::app
