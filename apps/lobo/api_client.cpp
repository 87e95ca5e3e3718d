#include "api_client.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/client.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

Errc errc_of(int status) {
  switch (status) {
    case 401: return Errc::unauthenticated;
    case 403: return Errc::forbidden;
    case 404: return Errc::not_found;
    case 409: return Errc::conflict;
    case 412: return Errc::precondition;
    case 413: return Errc::too_large;
    case 429: return Errc::too_many;
    case 503: return Errc::unavailable;
    case 504: return Errc::timeout;
    default: return Errc::refused;
  }
}

std::string text_of(const json::Value& object, std::string_view name) {
  const json::Value* member = object.find(name);
  const std::string* text = member ? member->text() : nullptr;
  return text ? *text : std::string();
}

/// 403 with a cause of the network is a refusal of what was asked, not of who asked.
bool is_refusal_by_network(const json::Value& problem) {
  return problem.find("acceptableServInfo") != nullptr ||
         text_of(problem, "cause") != http::problem_kind(Errc::forbidden).cause;
}

}  // namespace

Error error_of(const http::Response& response) {
  Error error{errc_of(response.status), fmt::format("the server answered {}", response.status), {}};
  const auto problem = json::parse(response.body);
  if (!problem || !problem->object()) return error;
  const std::string detail = text_of(*problem, "detail");
  const std::string title = text_of(*problem, "title");
  const std::string cause = text_of(*problem, "cause");
  error.detail = fmt::format("{} {}{}{}", response.status, detail.empty() ? title : detail,
                             cause.empty() ? "" : ", cause ", cause);
  if (error.code == Errc::forbidden && is_refusal_by_network(*problem)) error.code = Errc::refused;
  const json::Value* invalid = problem->find("invalidParams");
  if (!invalid || !invalid->array()) return error;
  for (const auto& one : *invalid->array())
    error.faults.push_back({error.code, text_of(one, "param"), text_of(one, "reason")});
  return error;
}

void ApiClient::start(std::string_view method, std::string_view path, std::string body,
                      http::Headers headers, runtime::HttpClient::Done done) {
  http::Request request;
  request.method = std::string(method);
  request.scheme = target_.root.scheme;
  request.authority = target_.root.authority();
  const std::string prefix = target_.root.target == "/" ? std::string() : target_.root.target;
  request.target = prefix + std::string(path);
  request.headers = std::move(headers);
  if (!request.headers.find("accept"))
    request.headers.set("accept", "application/json, application/problem+json");
  if (!target_.token.empty()) request.headers.set("authorization", "Bearer " + target_.token);
  if (!body.empty() && !request.headers.find("content-type"))
    request.headers.set("content-type", "application/json");
  request.body = std::move(body);
  http_.send(std::move(request), api_patience, std::move(done));
}

Result<http::Response> ApiClient::exchange(std::string_view method, std::string_view path,
                                           std::string body, http::Headers headers) {
  std::optional<Result<http::Response>> answer;
  start(method, path, std::move(body), std::move(headers), [&](Result<http::Response> arrived) {
    answer = std::move(arrived);
    loop_.stop();
  });
  while (!answer) loop_.run();
  return std::move(*answer);
}

Answer ApiClient::call(std::string_view method, std::string_view path, std::string body,
                       http::Headers headers) {
  auto answer = exchange(method, path, std::move(body), std::move(headers));
  if (answer && (answer->status < 200 || answer->status > 299)) return fail(error_of(*answer));
  return answer;
}

Result<json::Value> ApiClient::ask(std::string_view method, std::string_view path, std::string body,
                                   http::Headers headers) {
  auto answer = call(method, path, std::move(body), std::move(headers));
  if (!answer) return fail(answer.error());
  if (answer->body.empty()) return json::Value{};
  return json::parse(answer->body);
}

bool run_until(adapters::EventLoop& loop, const std::function<bool()>& done,
               std::chrono::milliseconds patience) {
  bool late = false;
  const auto timer = loop.after(patience, [&] {
    late = true;
    loop.stop();
  });
  while (!late && !done()) loop.run();
  loop.cancel(timer);
  return done();
}

Result<void> is_root_url(std::string_view text) {
  if (const auto url = http::parse_url(text); !url)
    return fail(Errc::malformed, fmt::format("is no root URL such as http://127.0.0.60:7777: {}",
                                             url.error().detail));
  return {};
}

Result<void> is_readable(std::string_view file) {
  if (::access(std::string(file).c_str(), R_OK) != 0)
    return fail(Errc::not_found, "cannot be read");
  return {};
}

std::vector<Option> tls_options() {
  return {{.name = "--ca", .help = "PEM file of the authorities to trust", .check = is_readable},
          {.name = "--cert", .help = "PEM file of the certificate to show", .check = is_readable},
          {.name = "--key", .help = "PEM file of its key", .check = is_readable}};
}

std::vector<Option> server_options(std::string_view default_server) {
  std::vector<Option> options{
      {.name = "--server",
       .help = "root URL of the server",
       .fallback = default_server,
       .check = is_root_url},
      {.name = "--token-file", .help = "file with a bearer token"},
      {.name = "--http2", .help = "speak HTTP/2", .takes = Option::Takes::nothing}};
  for (auto& option : tls_options()) options.push_back(std::move(option));
  return options;
}

Result<ApiTarget> target_of(const Arguments& arguments) {
  ApiTarget target;
  auto root = http::parse_url(arguments.text("server"));
  if (!root) return fail(root.error());
  target.root = std::move(*root);
  while (target.root.target.size() > 1 && target.root.target.ends_with('/'))
    target.root.target.pop_back();
  target.tls = {.ca = std::string(arguments.text("ca")),
                .cert = std::string(arguments.text("cert")),
                .key = std::string(arguments.text("key"))};
  target.http2 = arguments.given("http2");
  if (!arguments.given("token-file")) return target;
  const std::string file(arguments.text("token-file"));
  std::ifstream stream(file);
  if (!stream)
    return fail(Errc::unauthenticated, fmt::format("cannot read the token file {}", file));
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  target.token = std::string(trim(text));
  return target;
}

Result<std::unique_ptr<OneServer>> OneServer::from(const Arguments& arguments) {
  auto target = target_of(arguments);
  if (!target) return fail(target.error());
  std::unique_ptr<OneServer> made(new OneServer);
  auto client = make_http_client(made->loop_, target->tls, target->http2);
  if (!client) return fail(client.error());
  made->http_ = std::move(*client);
  made->api_ = std::make_unique<ApiClient>(made->loop_, *made->http_, std::move(*target));
  return made;
}

OneServer::~OneServer() = default;

Result<std::unique_ptr<runtime::HttpClient>> make_http_client(adapters::EventLoop& loop,
                                                              const ClientTls& tls, bool http2) {
  adapters::ClientConfig config;
  config.http2 = http2 ? adapters::Http2Use::always : adapters::Http2Use::never;
  auto client = std::make_unique<adapters::HttpClient>(loop, std::move(config));
  if (!tls.ca.empty() || !tls.cert.empty())
    if (auto loaded = client->reload_tls({.ca = tls.ca, .certificate = tls.cert, .key = tls.key});
        !loaded)
      return fail(loaded.error());
  return std::unique_ptr<runtime::HttpClient>(std::move(client));
}

Result<std::unique_ptr<ApiClient>> client_at(adapters::EventLoop& loop, runtime::HttpClient& http,
                                             std::string_view url) {
  auto root = http::parse_url(url);
  if (!root) return fail(root.error());
  return std::make_unique<ApiClient>(loop, http,
                                     ApiTarget{.root = std::move(*root), .token = {}, .tls = {}});
}

}  // namespace lobo::app
