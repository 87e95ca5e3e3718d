#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/http/tls_files.hpp"
#include "adapters/key_channel/client.hpp"
#include "adapters/key_channel/server.hpp"
#include "base/result.hpp"
#include "key_channel/ends.hpp"
#include "wire/http/message.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::testing {
namespace {

using namespace std::chrono_literals;
using adapters::KeyServer;
using xrm::KeyCause;
using xrm::KeyFailure;

TEST_F(KeyEnds, have_the_same_key_and_said_nothing_of_it) {
  serve(eas_files());
  dial(upf_files(), server->port());
  ASSERT_TRUE(run_until([this] { return in_use.has_value(); }));
  ASSERT_EQ(opened.size(), 1U);
  EXPECT_EQ(opened[0], in_use->settings);
  EXPECT_EQ(opened[0].key.bytes().size(), 16U);
  EXPECT_EQ(opened[0].key_id, xrm::KeyId{192});
  EXPECT_EQ(opened[0].senders.last, xrm::SenderId{4});
  EXPECT_EQ(server->eas(), "eas1.example");
  EXPECT_TRUE(upf_ended.empty() && eas_ended.empty());
}

TEST_F(KeyEnds, roll_keys_over_and_never_have_one_twice) {
  serve(eas_files(), 200ms);
  dial(upf_files(), server->port());
  std::set<std::string> keys;
  std::size_t most = 0;
  for (std::size_t i = 1; i <= 14; ++i) {
    ASSERT_TRUE(run_until([&] { return keys_used >= i; }));
    const auto bytes = in_use->settings.key.bytes();
    keys.emplace(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    most = std::max(most, opened.size());
  }
  EXPECT_EQ(keys.size(), 14U);
  EXPECT_EQ(most, xrm::keys_live_max);
  EXPECT_TRUE(upf_ended.empty() && eas_ended.empty());
  // KeyIDs come again, on another connection: so the keys differ.
  EXPECT_EQ(client->counters().dials, 4U);
}

TEST_F(KeyEnds, forget_a_key_that_expires_when_the_other_end_is_gone) {
  serve(eas_files(), 300ms);
  dial(upf_files(), server->port());
  ASSERT_TRUE(run_until([this] { return in_use.has_value(); }));
  client.reset();
  ASSERT_TRUE(run_until([this] { return !in_use.has_value(); })) << "the sender goes on";
  dial(upf_files(), server->port());
  ASSERT_TRUE(run_until([this] { return in_use.has_value(); }));
  server.reset();
  ASSERT_TRUE(run_until([this] { return opened.empty(); })) << "the UPF goes on";
  EXPECT_EQ(upf_ended.front().failure, KeyFailure::closed);
}

TEST_F(KeyEnds, a_upf_that_begins_anew_gets_another_key_at_once) {
  serve(eas_files());
  dial(upf_files(), server->port());
  ASSERT_TRUE(run_until([this] { return keys_used == 1; }));
  const auto first = in_use->settings;
  client.reset();
  opened.clear();
  dial(upf_files(), server->port());
  ASSERT_TRUE(run_until([this] { return keys_used == 2; }));
  EXPECT_NE(in_use->settings.key, first.key);
}

TEST_F(KeyEnds, a_certificate_of_another_authority_is_refused_at_both_ends) {
  const KeyPki other;
  serve(eas_files());
  auto files = other.issue("upf1.example", Usage::client);
  files.client_ca = pki.ca();
  dial(files, server->port());
  ASSERT_TRUE(run_until([this] { return !eas_ended.empty() && !upf_ended.empty(); }));
  EXPECT_EQ(eas_ended[0], (KeyCause{KeyFailure::authority_unknown, false}));
  EXPECT_EQ(upf_ended[0], (KeyCause{KeyFailure::authority_unknown, true}));
  EXPECT_EQ(keys_used + opened.size(), 0U);

  client.reset();
  server.reset();
  upf_ended.clear();
  eas_ended.clear();
  auto of_eas = other.issue("eas1.example", Usage::server);
  of_eas.client_ca = pki.ca();
  serve(of_eas);
  dial(upf_files(), server->port());
  ASSERT_TRUE(run_until([this] { return !eas_ended.empty() && !upf_ended.empty(); }));
  EXPECT_EQ(upf_ended[0], (KeyCause{KeyFailure::authority_unknown, false}));
  EXPECT_EQ(eas_ended[0], (KeyCause{KeyFailure::authority_unknown, true}));
  EXPECT_EQ(keys_used + opened.size(), 0U);
}

TEST_F(KeyEnds, a_name_that_is_not_expected_is_refused_at_both_ends) {
  serve(eas_files());
  dial(pki.issue("upf2.example", Usage::client), server->port());
  ASSERT_TRUE(run_until([this] { return !eas_ended.empty() && !upf_ended.empty(); }));
  EXPECT_EQ(eas_ended[0], (KeyCause{KeyFailure::name_not_expected, false}));
  EXPECT_EQ(upf_ended[0], (KeyCause{KeyFailure::name_not_expected, true}));
  EXPECT_EQ(keys_used + opened.size(), 0U);

  client.reset();
  server.reset();
  upf_ended.clear();
  eas_ended.clear();
  serve(pki.issue("eas2.example", Usage::server));
  dial(upf_files(), server->port());
  ASSERT_TRUE(run_until([this] { return !eas_ended.empty() && !upf_ended.empty(); }));
  EXPECT_EQ(upf_ended[0], (KeyCause{KeyFailure::name_not_expected, false}));
  EXPECT_EQ(eas_ended[0], (KeyCause{KeyFailure::name_not_expected, true}));
  EXPECT_EQ(keys_used + opened.size(), 0U);
}

TEST_F(KeyEnds, a_certificate_out_of_its_time_is_refused_at_both_ends) {
  serve(eas_files());
  dial(pki.issue("upf1.example", Usage::client, -24, -1), server->port());
  ASSERT_TRUE(run_until([this] { return !eas_ended.empty() && !upf_ended.empty(); }));
  EXPECT_EQ(eas_ended[0], (KeyCause{KeyFailure::certificate_expired, false}));
  EXPECT_EQ(upf_ended[0], (KeyCause{KeyFailure::certificate_expired, true}));

  client.reset();
  server.reset();
  upf_ended.clear();
  eas_ended.clear();
  serve(pki.issue("eas1.example", Usage::server, 1, 2));
  dial(upf_files(), server->port());
  ASSERT_TRUE(run_until([this] { return !eas_ended.empty() && !upf_ended.empty(); }));
  EXPECT_EQ(upf_ended[0], (KeyCause{KeyFailure::certificate_not_yet_valid, false}));
  EXPECT_EQ(eas_ended[0].by_peer, true);
  EXPECT_EQ(keys_used + opened.size(), 0U);
}

TEST_F(KeyEnds, a_certificate_for_the_other_role_is_refused) {
  serve(eas_files());
  dial(pki.issue("upf1.example", Usage::server), server->port());
  ASSERT_TRUE(run_until([this] { return !eas_ended.empty() && !upf_ended.empty(); }));
  EXPECT_EQ(eas_ended[0], (KeyCause{KeyFailure::certificate_refused, false}));
  EXPECT_EQ(keys_used + opened.size(), 0U);
}

TEST_F(KeyEnds, a_port_where_nobody_listens_is_unreachable_and_is_tried_again) {
  serve(eas_files());
  const auto port = server->port();
  server.reset();
  dial(upf_files(), port);
  ASSERT_TRUE(run_until([this] { return upf_ended.size() == 2; }));
  EXPECT_EQ(upf_ended[0], (KeyCause{KeyFailure::unreachable, false}));
}

TEST_F(KeyEnds, a_client_without_certificate_and_one_of_another_protocol_get_nothing) {
  serve(eas_files());
  const auto ask = [this](adapters::ClientTlsFiles files) {
    adapters::ClientConfig config;
    config.tls = std::move(files);
    adapters::HttpClient http(loop, std::move(config));
    eas_ended.clear();
    bool answered = false;
    http.send({.method = "GET",
               .scheme = "https",
               .authority = "127.0.0.1:" + std::to_string(server->port()),
               .target = "/",
               .headers = {},
               .body = {},
               .peer = {}},
              5s, [&](const Result<http::Response>& result) {
                EXPECT_FALSE(result);
                answered = true;
                look();
              });
    EXPECT_TRUE(run_until([&] { return answered && !eas_ended.empty(); }));
    return eas_ended.front();
  };
  // An HTTP client offers another ALPN; with a certificate that is believed that is its fault.
  const auto files = upf_files();
  EXPECT_EQ(ask({pki.ca(), files.certificate, files.key}).failure, KeyFailure::handshake_failed);
  EXPECT_EQ(ask({pki.ca(), {}, {}}).failure, KeyFailure::handshake_failed);
  EXPECT_EQ(keys_used, 0U);
}

TEST_F(KeyEnds, a_server_whose_certificate_has_no_name_does_not_begin) {
  const auto files = eas_files();
  EXPECT_FALSE(KeyServer::open(loop,
                               {.address = "127.0.0.1",
                                .port = 0,
                                .files = {pki.ca(), files.key, pki.ca()},
                                .upf = "upf1.example",
                                .keys = {}},
                               {}));
}

}  // namespace
}  // namespace lobo::testing
