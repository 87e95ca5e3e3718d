#pragma once
// An HTTP client: connections kept per origin, HTTP/1.1 one request at a time on each, HTTP/2 many.
// Whatever a server sends is read as strictly and with as many limits as a request would be.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/http/loop.hpp"
#include "adapters/http/resolve.hpp"
#include "adapters/http/tls_files.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters {

/// Which version is spoken with an origin.
enum class Http2Use : std::uint8_t {
  never,
  alpn,    ///< https: what the server chooses; http: HTTP/1.1
  always,  ///< https: h2 or nothing; http: by prior knowledge
};

struct ClientLimits {
  std::size_t head_bytes_max = 16384;
  std::size_t fields_max = 100;
  std::size_t body_bytes_max = 1048576;  ///< of a response
  std::size_t interim_max = 16;          ///< 1xx answers before the real one
  std::size_t connections_max = 8;       ///< per origin
  std::size_t streams_max = 100;   ///< per HTTP/2 connection, less where the server allows less
  std::size_t waiting_max = 4096;  ///< requests of one origin that wait for a connection
  std::size_t origins_max = 4096;  ///< known at a time
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds idle_timeout{
      30000};  ///< below what servers wait, so that we close first
  std::chrono::milliseconds write_timeout{30000};
};

struct ClientConfig {
  Http2Use http2 = Http2Use::alpn;
  std::map<std::string, Http2Use, std::less<>> http2_of;  ///< by origin: "http://127.0.0.60:7777"
  std::optional<ClientTlsFiles> tls;  ///< nothing: the system's CAs, no certificate of ours
  /// Asked for every address that a host resolves to; one refusal refuses the host
  /// (Errc::forbidden).
  std::function<bool(std::string_view host, std::string_view address)> admits;
  Resolve resolve;  ///< of names; null: the system's
  ClientLimits limits;
};

struct ClientCounters {
  std::uint64_t requests = 0;
  std::uint64_t connections_opened = 0;
  std::uint64_t repeated = 0;  ///< sent again because a kept connection turned out to be closed
  std::uint64_t failed = 0;
};

class HttpClient final : public runtime::HttpClient {
 public:
  HttpClient(EventLoop& loop, ClientConfig config);
  /// Requests under way end with `unavailable`; their `done` is still called, within the
  /// destructor.
  ~HttpClient() override;

  /// A request is sent again, once, on a fresh connection only where the server cannot have acted
  /// on it: a kept connection was closed before any byte of the answer, and the method is
  /// idempotent or the request was not written yet, or the server said that it did not process it.
  void send(http::Request request, std::chrono::milliseconds deadline, Done done) override;

  /// Reads other certificates, for connections made after the call of what it returns, which
  /// cannot fail.
  Result<std::function<void()>> prepare_tls(const ClientTlsFiles& files);
  /// At once; on failure the old ones stay.
  Result<void> reload_tls(const ClientTlsFiles& files);
  /// What stands carries nothing new: it ends with what it carries now, and what comes next is sent
  /// over connections whose addresses `admits` has judged anew.
  void renew_connections();
  ClientCounters counters() const;
  std::size_t connections() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lobo::adapters
