// Who comes in, who does not, and what is said to packets that belong to nobody.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "quic/ends.hpp"

namespace lobo::testing {
namespace {

using quic_doorstep = QuicEnds;

TEST_F(quic_doorstep, no_common_protocol_is_a_refusal_at_both_ends) {
  serve();
  auto settings = client_settings();
  settings.protocols = {"other/1"};
  make_client(settings);
  link = connect(target());
  ASSERT_TRUE(until([&] { return !at_client.closed.empty(); }));
  EXPECT_EQ(at_client.closed.at(link).cause, quic::CloseCause::refused);
  EXPECT_TRUE(at_client.opened_as.empty());
  EXPECT_TRUE(at_server.opened_as.empty());
  EXPECT_EQ(server->size(), 0U);
}

TEST_F(quic_doorstep, a_certificate_for_another_name_or_of_another_authority_is_refused) {
  serve();
  make_client();
  auto other_name = target();
  other_name.name = "somebody.example";
  auto system_trust = target();
  system_trust.trust.ca_file.clear();
  for (const auto& to : {other_name, system_trust}) {
    link = connect(to);
    ASSERT_TRUE(until([&] { return at_client.closed.contains(link); }));
    EXPECT_EQ(at_client.closed.at(link).cause, quic::CloseCause::refused)
        << at_client.closed.at(link).detail;
  }
  EXPECT_TRUE(at_client.opened_as.empty());
}

TEST_F(quic_doorstep, an_address_may_be_what_the_certificate_is_for) {
  serve();
  make_client();
  auto to = target();
  to.name = "127.0.0.1";
  link = connect(to);
  ASSERT_TRUE(until([&] { return at_client.opened_as.contains(link); }));
}

TEST_F(quic_doorstep, a_certificate_may_be_known_by_its_digest_and_no_other_passes) {
  serve();
  make_client();
  auto to = target();
  to.name.clear();
  to.trust.ca_file.clear();
  const auto digest = quic::certificate_sha256(folder.file("server.pem"));
  ASSERT_TRUE(digest) << digest.error().detail;
  to.trust.certificate_sha256 = *digest;
  link = connect(to);
  ASSERT_TRUE(until([&] { return at_client.opened_as.contains(link); }));
  (*to.trust.certificate_sha256)[5] ^= 1U;
  const auto wrong = connect(to);
  ASSERT_TRUE(until([&] { return at_client.closed.contains(wrong); }));
  EXPECT_EQ(at_client.closed.at(wrong).cause, quic::CloseCause::refused);
}

TEST_F(quic_doorstep, under_load_a_client_proves_its_address_first_and_then_comes_in) {
  auto settings = server_settings();
  settings.limits.handshakes_per_second_max = 0;
  serve(settings);
  meet();
  EXPECT_EQ(server->counters().retries_asked, 1U);
  EXPECT_EQ(server->counters().accepted, 1U);
  ASSERT_TRUE(client->send_datagram(link, bytes_of("in"), 1));
  ASSERT_TRUE(until([&] { return at_server.datagrams.size() == 1; }));
}

TEST_F(quic_doorstep, one_more_than_the_limit_of_connections_is_refused) {
  auto settings = server_settings();
  settings.limits.connections_max = 1;
  serve(settings);
  meet();
  const auto second = connect(target());
  ASSERT_TRUE(until([&] { return at_client.closed.contains(second); }));
  EXPECT_EQ(at_client.closed.at(second).cause, quic::CloseCause::refused);
  EXPECT_EQ(server->counters().refused, 1U);
  EXPECT_EQ(server->size(), 1U);
}

TEST_F(quic_doorstep, the_next_server_with_the_same_key_ends_connections_of_the_one_that_died) {
  meet();
  auto settings = server_settings();
  settings.at = server->local();
  server.reset();  // without a word, as kill -9 does it
  serve(settings);
  ASSERT_TRUE(client->send_datagram(link, bytes_of(std::string(100, 'x')), 1));
  ASSERT_TRUE(until([&] { return !at_client.closed.empty(); }));
  EXPECT_EQ(at_client.closed.at(link).cause, quic::CloseCause::reset);
  EXPECT_GE(server->counters().resets_sent, 1U);
}

TEST_F(quic_doorstep, another_key_ends_nothing) {
  meet();
  auto settings = server_settings();
  settings.at = server->local();
  settings.reset_key_file = folder.file("another.key");
  server.reset();
  serve(settings);
  ASSERT_TRUE(client->send_datagram(link, bytes_of(std::string(100, 'x')), 1));
  ASSERT_TRUE(until([&] { return server->counters().resets_sent > 0; }));
  EXPECT_TRUE(at_client.closed.empty());
}

TEST_F(quic_doorstep, the_key_file_is_made_for_its_owner_alone_and_wanted_so) {
  serve();
  struct stat facts{};
  ASSERT_EQ(::stat(folder.file("reset.key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(facts.st_size, 32);
  ASSERT_EQ(::chmod(folder.file("reset.key").c_str(), 0644), 0);
  auto open_to_all = quic::open(loop, server_settings(), at_server);
  ASSERT_FALSE(open_to_all);
  EXPECT_EQ(open_to_all.error().code, Errc::forbidden);

  auto short_key = server_settings();
  short_key.reset_key_file = folder.file("short.key");
  std::ofstream(short_key.reset_key_file) << "short";
  ASSERT_EQ(::chmod(short_key.reset_key_file.c_str(), 0600), 0);
  const auto refused = quic::open(loop, short_key, at_server);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::malformed);
}

TEST_F(quic_doorstep, a_key_that_is_not_of_the_certificate_stops_the_start) {
  auto settings = server_settings();
  settings.key_file = folder.file("ca.pem");
  const auto opened = quic::open(loop, settings, at_server);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().detail.find("ca.pem"), std::string::npos);
}

TEST_F(quic_doorstep, noise_and_strange_versions_change_nothing_for_others) {
  meet();
  std::vector<std::string> answers;
  auto stranger = adapters::UdpSocket::open(
      loop, loopback(),
      [&](const UdpEndpoint&, Bytes datagram) { answers.push_back(text_of(datagram)); });
  ASSERT_TRUE(stranger);
  SeededRng rng(7);
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::byte> noise(rng.below(1400));
    for (auto& octet : noise) octet = static_cast<std::byte>(rng.below(256));
    (*stranger)->send(server->local(), noise);
  }
  // A long header of version 0xa, identifiers of eight octets: a list of versions comes back.
  std::string strange(1200, '\0');
  strange.replace(0, 6, std::string("\xc0\x00\x00\x00\x0a\x08", 6));
  strange[14] = 8;
  answers.clear();
  (*stranger)->send(server->local(), bytes_of(strange));
  ASSERT_TRUE(client->send_datagram(link, bytes_of("still here"), 1));
  ASSERT_TRUE(until([&] {
    return at_server.datagrams.size() == 1 &&
           std::ranges::any_of(answers, [](const std::string& one) {
             return one.size() > 5 && one.substr(1, 4) == std::string(4, '\0');
           });
  }));
  EXPECT_GT(server->counters().malformed, 0U);
  EXPECT_EQ(server->size(), 1U);
  EXPECT_TRUE(at_server.closed.empty());
}

}  // namespace
}  // namespace lobo::testing
