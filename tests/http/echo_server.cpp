// A small server for tests and benchmarks: prints "port N" and serves until it is ended.
//
//   http_echo_server [--fixed BYTES] [--port N] [--quick] [--tls CERT KEY]
//
// Answers 200 with the request's body, or, with --fixed, 201 with a Location and a body of BYTES.
// --quick: timeouts of a few hundred milliseconds, for tests that provoke them.

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "adapters/http/tls_files.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::adapters {
namespace {

struct Echo final : runtime::HttpHandler {
  std::string fixed;
  void handle(http::Request request, ReplyFn reply) override {
    if (fixed.empty())
      return reply({200, {{"content-type", "application/octet-stream"}}, std::move(request.body)});
    reply(
        {201, {{"content-type", "application/json"}, {"location", "http://127.0.0.1/r/1"}}, fixed});
  }
};

struct Options {
  ServerConfig config;
  std::size_t fixed_bytes = 0;
};

Options parse(const std::vector<std::string_view>& words) {
  using namespace std::chrono_literals;
  Options out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--fixed" && i + 1 < words.size())
      out.fixed_bytes = std::strtoul(words[++i].data(), nullptr, 10);
    if (words[i] == "--port" && i + 1 < words.size())
      out.config.port = static_cast<std::uint16_t>(std::strtoul(words[++i].data(), nullptr, 10));
    if (words[i] == "--connections" && i + 1 < words.size())
      out.config.limits.connections_max = std::strtoul(words[++i].data(), nullptr, 10);
    if (words[i] == "--quick") {
      out.config.limits.header_timeout = 300ms;
      out.config.limits.body_timeout = 300ms;
      out.config.limits.idle_timeout = 2000ms;
      out.config.limits.write_timeout = 500ms;
    }
    if (words[i] == "--tls" && i + 2 < words.size()) {
      out.config.tls = TlsFiles{std::string(words[i + 1]), std::string(words[i + 2]), {}};
      i += 2;
    }
  }
  return out;
}

}  // namespace
}  // namespace lobo::adapters

int main(int count, char** words) {
  auto options = lobo::adapters::parse({words + 1, words + count});
  lobo::adapters::EventLoop loop;
  lobo::adapters::Echo echo;
  echo.fixed.assign(options.fixed_bytes, 'x');
  lobo::adapters::HttpServer server(loop, options.config, echo);
  if (const auto listening = server.listen(); !listening) {
    std::fprintf(stderr, "%s\n", listening.error().detail.c_str());
    return 1;
  }
  loop.on_signal(SIGTERM, [&] { loop.stop(); });
  std::printf("port %u\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  loop.run();
  return 0;
}
