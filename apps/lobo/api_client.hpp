#pragma once
// Requests of a person or a demo to one server: blocking, on an event loop of their own.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/http/loop.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "config.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {

inline constexpr std::chrono::milliseconds api_patience{30'000};

struct ApiTarget {
  http::Url root;     ///< "https://127.0.0.60:7777", with or without a path
  std::string token;  ///< of the Authorization header; empty: none
  ClientTls tls;
  bool http2 = false;
};

/// An answer with a status of 200 to 299, or why there is none: the ProblemDetails as an Error.
using Answer = Result<http::Response>;

class ApiClient {
 public:
  /// Both outlive the client.
  ApiClient(adapters::EventLoop& loop, runtime::HttpClient& http, ApiTarget target)
      : loop_(loop), http_(http), target_(std::move(target)) {}

  /// Blocks until the answer is there; whatever else runs on the loop goes on meanwhile.
  Answer call(std::string_view method, std::string_view path, std::string body = {},
              http::Headers headers = {});
  /// The same, with whatever status the server answered.
  Result<http::Response> exchange(std::string_view method, std::string_view path,
                                  std::string body = {}, http::Headers headers = {});
  /// The same, but gives the answer to `done` later.
  void start(std::string_view method, std::string_view path, std::string body,
             http::Headers headers, runtime::HttpClient::Done done);
  /// The answer's body as JSON.
  Result<json::Value> ask(std::string_view method, std::string_view path, std::string body = {},
                          http::Headers headers = {});
  const ApiTarget& target() const { return target_; }

 private:
  adapters::EventLoop& loop_;
  runtime::HttpClient& http_;
  ApiTarget target_;
};

/// A client of the server at `url`, without credentials.
Result<std::unique_ptr<ApiClient>> client_at(adapters::EventLoop& loop, runtime::HttpClient& http,
                                             std::string_view url);

/// Runs the loop until `done()` or for `patience`; says whether it was done. What changes the
/// condition stops the loop, so that nothing is polled.
bool run_until(adapters::EventLoop& loop, const std::function<bool()>& done,
               std::chrono::milliseconds patience);

/// What a server that answers with an error status says, as an Error.
Error error_of(const http::Response& response);

/// Checks of options: an absolute http or https URL, a file that can be read.
Result<void> is_root_url(std::string_view text);
Result<void> is_readable(std::string_view file);
/// The options that name certificates.
std::vector<Option> tls_options();

/// The options by which a verb finds its server, and what they mean.
std::vector<Option> server_options(std::string_view default_server);
Result<ApiTarget> target_of(const Arguments& arguments);

/// A loop, an HTTP client and the server that the arguments name: for verbs that ask and end.
class OneServer {
 public:
  static Result<std::unique_ptr<OneServer>> from(const Arguments& arguments);
  ~OneServer();
  ApiClient& api() { return *api_; }
  adapters::EventLoop& loop() { return loop_; }

 private:
  OneServer() = default;
  adapters::EventLoop loop_;
  std::unique_ptr<runtime::HttpClient> http_;
  std::unique_ptr<ApiClient> api_;
};

/// The HTTP client of the adapters for such a target.
Result<std::unique_ptr<runtime::HttpClient>> make_http_client(adapters::EventLoop& loop,
                                                              const ClientTls& tls, bool http2);

}  // namespace lobo::app
