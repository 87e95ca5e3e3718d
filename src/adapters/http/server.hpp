#pragma once
// An HTTP server: HTTP/1.1 and HTTP/2 on one port, in clear (h2c by prior knowledge, told by its
// preface) or over TLS (told by ALPN).

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "adapters/http/loop.hpp"
#include "adapters/http/tls_files.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/growing_body.hpp"

namespace lobo::adapters {

struct ServerLimits {
  std::size_t head_bytes_max = 16384;  ///< of one message's fields, decoded
  std::size_t fields_max = 100;
  std::size_t body_bytes_max = 1048576;    ///< of one request; operations set their own below it
  std::size_t bodies_bytes_max = 8388608;  ///< unfinished bodies of one HTTP/2 connection together
  std::size_t connections_max = 1024;
  std::uint32_t streams_max = 128;        ///< concurrent, of one HTTP/2 connection
  std::size_t pipelined_max = 16;         ///< unanswered requests of one HTTP/1.1 connection
  std::size_t handling_max = 256;         ///< unanswered of one HTTP/2 connection, with reset ones
  std::size_t unsent_bytes_max = 262144;  ///< of output of a connection, beyond it nothing is read
  std::size_t resets_burst = 200;         ///< RST_STREAM frames, then resets_per_second
  std::size_t resets_per_second = 33;
  std::size_t control_frames_burst = 2000;  ///< frames that carry no request, then …_per_second
  std::size_t control_frames_per_second = 200;
  std::size_t continuations_max = 8;  ///< CONTINUATION frames of one header block
  std::chrono::milliseconds header_timeout{10000};
  std::chrono::milliseconds body_timeout{30000};
  std::chrono::milliseconds idle_timeout{75000};
  std::chrono::milliseconds write_timeout{
      30000};  ///< a peer that takes nothing for so long is gone
};

struct ServerConfig {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one, port() tells
  std::optional<TlsFiles> tls;
  ClientCertificates client_certificates = ClientCertificates::none;
  ServerLimits limits;
};

struct ServerCounters {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;
  std::uint64_t requests_http1 = 0;
  std::uint64_t requests_http2 = 0;
  std::uint64_t messages_refused =
      0;  ///< malformed, too large or too slow: never seen by the handler
  std::uint64_t connections_abused = 0;  ///< ended because a flood limit was passed
};

class HttpServer {
 public:
  /// The handler must outlive the server. Everything happens on the loop.
  HttpServer(EventLoop& loop, ServerConfig config, runtime::HttpHandler& handler);
  /// Aborts what is left.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Where the handler leaves bodies that grow; without it an answer that names one is empty.
  void take_growing_from(http::GrowingBodiesPtr bodies);
  Result<void> listen();
  std::uint16_t port() const;
  /// Reads other certificates, for connections accepted after the call of what it returns. That
  /// call cannot fail, so that several such changes are made together or not at all.
  Result<std::function<void()>> prepare_tls(const TlsFiles& files);
  /// At once; on failure the old certificates stay.
  Result<void> reload_tls(const TlsFiles& files);
  /// Accepts no more, tells peers (GOAWAY, Connection: close), lets requests under way end until
  /// `patience` is over, then calls `done`, once, on the loop.
  void drain(std::chrono::milliseconds patience, std::function<void()> done);
  std::size_t connections() const;
  ServerCounters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lobo::adapters
