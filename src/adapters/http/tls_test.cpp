// TLS with certificates that the test makes itself by the openssl program.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "adapters/http/tls_files.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "support/temp_dir.hpp"
#include "wire/http/message.hpp"

namespace lobo::adapters {
namespace {

using namespace std::chrono_literals;

/// A certificate authority in a temporary folder.
class Pki {
 public:
  Pki() {
    run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=lab "
        "-keyout " +
        path("ca.key") + " -out " + path("ca.pem"));
  }

  std::string path(const std::string& name) const { return folder_.file(name); }
  std::string ca() const { return path("ca.pem"); }
  /// Makes NAME.pem and NAME.key, signed by the authority.
  void issue(const std::string& name, const std::string& subject_alt_name) const {
    run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name + " -keyout " +
        path(name + ".key") + " -out " + path(name + ".csr"));
    std::FILE* extensions = std::fopen(path(name + ".ext").c_str(), "w");
    ASSERT_NE(extensions, nullptr);
    std::fprintf(extensions, "subjectAltName=%s\n", subject_alt_name.c_str());
    std::fclose(extensions);
    run("x509 -req -days 30 -in " + path(name + ".csr") + " -CA " + ca() + " -CAkey " +
        path("ca.key") + " -extfile " + path(name + ".ext") + " -out " + path(name + ".pem"));
  }
  TlsFiles server(const std::string& name) const {
    return {path(name + ".pem"), path(name + ".key"), ca()};
  }
  ClientTlsFiles client(const std::string& name) const {
    return {ca(), path(name + ".pem"), path(name + ".key")};
  }

 private:
  static void run(const std::string& words) {
    ASSERT_EQ(std::system(("openssl " + words + " >/dev/null 2>&1").c_str()), 0) << words;
  }
  const lobo::testing::TempDir folder_;
};

const Pki& pki() {
  static const Pki* const made = [] {
    auto* out = new Pki;  // kept for all tests; the folder goes at exit below
    out->issue("server", "IP:127.0.0.1,DNS:localhost");
    out->issue("renewed", "IP:127.0.0.1");
    out->issue("elsewhere", "DNS:elsewhere.example");
    out->issue("app", "URI:urn:app:one,DNS:app.example");
    std::atexit([] { delete &pki(); });
    return out;
  }();
  return *made;
}

struct Handler final : runtime::HttpHandler {
  std::optional<http::Request> seen;
  void handle(http::Request request, ReplyFn reply) override {
    seen = request;
    reply({200, {}, "ok"});
  }
};

class tls : public ::testing::Test {
 protected:
  void serve(const std::string& name, ClientCertificates wanted = ClientCertificates::none) {
    ServerConfig config;
    config.tls = pki().server(name);
    config.client_certificates = wanted;
    server.emplace(loop, std::move(config), handler);
    const auto listening = server->listen();
    ASSERT_TRUE(listening) << listening.error().detail;
  }
  void connect(Http2Use use, ClientTlsFiles files) {
    ClientConfig config;
    config.http2 = use;
    config.tls = std::move(files);
    client.emplace(loop, std::move(config));
  }
  Result<http::Response> ask(const std::string& host = "127.0.0.1", std::string body = {}) {
    Result<http::Response> out;
    client->send({.method = "POST",
                  .scheme = "https",
                  .authority = host + ":" + std::to_string(server->port()),
                  .target = "/",
                  .headers = {},
                  .body = std::move(body),
                  .peer = {}},
                 10s, [&](Result<http::Response> result) {
                   out = std::move(result);
                   loop.stop();
                 });
    loop.run();
    return out;
  }
  ClientTlsFiles nobody() const { return {pki().ca(), {}, {}}; }

  EventLoop loop;
  Handler handler;
  std::optional<HttpServer> server;
  std::optional<HttpClient> client;
};

TEST_F(tls, alpn_chooses_http2_where_both_can) {
  serve("server");
  connect(Http2Use::alpn, nobody());
  const auto answer = ask();
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(handler.seen->scheme, "https");
  EXPECT_EQ(server->counters().requests_http2, 1U);
}

TEST_F(tls, alpn_chooses_http1_where_the_client_wants_it) {
  serve("server");
  connect(Http2Use::never, nobody());
  ASSERT_TRUE(ask());
  EXPECT_EQ(server->counters().requests_http1, 1U);
}

TEST_F(tls, carries_a_large_body) {
  serve("server");
  connect(Http2Use::alpn, nobody());
  const std::string body(900000, 'b');
  ASSERT_TRUE(ask("127.0.0.1", body));
  EXPECT_EQ(handler.seen->body, body);
}

TEST_F(tls, a_name_is_verified_too) {
  serve("server");
  connect(Http2Use::alpn, nobody());
  EXPECT_TRUE(ask("localhost"));
}

TEST_F(tls, a_certificate_for_somebody_else_is_refused) {
  serve("elsewhere");
  connect(Http2Use::alpn, nobody());
  const auto answer = ask();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_FALSE(handler.seen.has_value());
}

TEST_F(tls, a_certificate_of_an_unknown_authority_is_refused) {
  serve("server");
  connect(Http2Use::alpn, {});
  EXPECT_FALSE(ask());
}

TEST_F(tls, a_verified_client_certificate_names_the_peer_by_its_uri) {
  serve("server", ClientCertificates::required);
  connect(Http2Use::alpn, pki().client("app"));
  const auto answer = ask();
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(handler.seen->peer.certificate_subject, "urn:app:one");
}

TEST_F(tls, without_a_required_client_certificate_nothing_is_served) {
  serve("server", ClientCertificates::required);
  connect(Http2Use::alpn, nobody());
  EXPECT_FALSE(ask());
  EXPECT_FALSE(handler.seen.has_value());
}

TEST_F(tls, an_optional_client_certificate_may_be_missing) {
  serve("server", ClientCertificates::optional);
  connect(Http2Use::alpn, nobody());
  ASSERT_TRUE(ask());
  EXPECT_FALSE(handler.seen->peer.certificate_subject.has_value());
}

TEST_F(tls, new_certificates_serve_new_connections) {
  serve("elsewhere");
  connect(Http2Use::alpn, nobody());
  EXPECT_FALSE(ask());
  ASSERT_FALSE(server->reload_tls({"/nowhere.pem", "/nowhere.key", {}}));
  ASSERT_TRUE(server->reload_tls(pki().server("renewed")));
  EXPECT_TRUE(ask());
}

TEST_F(tls, a_key_that_does_not_fit_is_told_at_start) {
  ServerConfig config;
  config.tls = TlsFiles{pki().path("server.pem"), pki().path("app.key"), {}};
  HttpServer broken(loop, std::move(config), handler);
  const auto listening = broken.listen();
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, Errc::malformed);
}

TEST_F(tls, clear_text_to_a_tls_port_is_unavailable) {
  serve("server");
  connect(Http2Use::alpn, nobody());
  Result<http::Response> out;
  client->send({.method = "GET",
                .scheme = "http",
                .authority = "127.0.0.1:" + std::to_string(server->port()),
                .target = "/",
                .headers = {},
                .body = {},
                .peer = {}},
               10s, [&](Result<http::Response> result) {
                 out = std::move(result);
                 loop.stop();
               });
  loop.run();
  EXPECT_FALSE(out);
}

}  // namespace
}  // namespace lobo::adapters
