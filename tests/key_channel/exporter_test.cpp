// The exporter of TLS, over memory: equal at both ends, and of no connection that was not made for
// it.

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/crypto/certificate.hpp"
#include "adapters/http/tls.hpp"
#include "adapters/http/tls_files.hpp"
#include "key_channel/ends.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::testing {
namespace {

using adapters::TlsEngine;
using adapters::crypto::Usage;
using Octets = std::array<std::byte, 28>;

constexpr std::string_view alpn = "some-keys";

struct Pair {
  std::unique_ptr<TlsEngine> server, client;
  bool broken = false;

  /// Until neither has anything to say.
  void shake_hands() {
    broken = !client->begin();
    for (bool busy = true; busy && !broken;) {
      busy = false;
      for (const auto& [from, to] :
           {std::pair{client.get(), server.get()}, std::pair{server.get(), client.get()}}) {
        const std::string said = std::exchange(from->wire_output(), {});
        busy = busy || !said.empty();
        if (!said.empty() && !to->receive(said, [] {}, [](std::string_view) {})) broken = true;
      }
    }
  }
};

Octets exported(const TlsEngine& engine, unsigned key_id,
                std::string_view label = xrm::exporter_label) {
  Octets out{};
  const auto context = xrm::exporter_context(xrm::KeyId{static_cast<std::uint8_t>(key_id)},
                                             xrm::Direction::to_upf, "eas1.example");
  EXPECT_TRUE(engine.export_secret(label, context, out));
  return out;
}

class Exporter : public ::testing::Test {
 protected:
  Pair connected(const std::string& of_client = std::string(alpn)) {
    Pair pair{
        .server = TlsEngine::server(*adapters::make_exporting_server_tls(eas_, std::string(alpn))),
        .client = TlsEngine::client(*adapters::make_exporting_client_tls(
                                        {upf_.client_ca, upf_.certificate, upf_.key}, of_client),
                                    "")};
    pair.shake_hands();
    return pair;
  }

  KeyPki pki_;
  adapters::TlsFiles eas_ = pki_.issue("eas1.example", Usage::server);
  adapters::TlsFiles upf_ = pki_.issue("upf1.example", Usage::client);
};

TEST_F(Exporter, gives_both_ends_the_same_and_each_use_and_connection_another) {
  const Pair one = connected();
  ASSERT_FALSE(one.broken);
  EXPECT_EQ(exported(*one.server, 1), exported(*one.client, 1));
  EXPECT_NE(exported(*one.client, 1), exported(*one.client, 2));
  EXPECT_NE(exported(*one.client, 1), exported(*one.client, 1, "EXPORTER-other"));
  EXPECT_NE(exported(*one.client, 1), Octets{});
  const Pair other = connected();
  EXPECT_NE(exported(*one.client, 1), exported(*other.client, 1));
  EXPECT_TRUE(one.server->peer_is("upf1.example"));
  EXPECT_TRUE(one.client->peer_is("eas1.example"));
  for (const auto* const name : {"", "upf1", "upf1.example.org", "*.example", "upf2.example"})
    EXPECT_FALSE(one.server->peer_is(name)) << name;
}

TEST_F(Exporter, gives_nothing_before_the_handshake_is_done) {
  const auto context = adapters::make_exporting_client_tls(
      {upf_.client_ca, upf_.certificate, upf_.key}, std::string(alpn));
  const auto engine = TlsEngine::client(*context, "");
  ASSERT_TRUE(engine->begin());
  Octets out{};
  EXPECT_FALSE(engine->export_secret(xrm::exporter_label, {}, out));
  EXPECT_EQ(out, Octets{});
}

TEST_F(Exporter, gives_nothing_of_a_connection_that_was_made_for_something_else) {
  Pair pair{
      .server = TlsEngine::server(
          *adapters::make_server_tls(eas_, adapters::ClientCertificates::required)),
      .client = TlsEngine::client(
          *adapters::make_client_tls({upf_.client_ca, upf_.certificate, upf_.key}, true, false),
          "eas1.example")};
  pair.shake_hands();
  ASSERT_TRUE(pair.client->is_established() && pair.server->is_established());
  Octets out{};
  EXPECT_FALSE(pair.client->export_secret(xrm::exporter_label, {}, out));
  EXPECT_FALSE(pair.server->export_secret(xrm::exporter_label, {}, out));
}

TEST_F(Exporter, is_not_reached_by_another_protocol) {
  const Pair pair = connected("h2");
  EXPECT_TRUE(pair.broken);
  EXPECT_EQ(pair.server->failure().fault, adapters::TlsFault::other);
  EXPECT_FALSE(pair.server->is_established());
}

}  // namespace
}  // namespace lobo::testing
