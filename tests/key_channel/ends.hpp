#pragma once
// Both ends of a key channel on one loop, with certificates made for the test.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/certificate.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/tls.hpp"
#include "adapters/http/tls_files.hpp"
#include "adapters/key_channel/client.hpp"
#include "adapters/key_channel/owner.hpp"
#include "adapters/key_channel/server.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "support/temp_dir.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/acceptor.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/offerer.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::testing {

/// An authority, and who it vouches for.
class KeyPki {
 public:
  KeyPki()
      : authority_(*adapters::crypto::make_identity(
            {.name = "lab",
             .also = {},
             .usage = adapters::crypto::Usage::authority,
             .from = adapters::SystemClock{}.now() - std::chrono::hours{48},
             .until = adapters::SystemClock{}.now() + std::chrono::hours{48}},
            nullptr)) {
    std::ofstream(ca()) << *adapters::crypto::certificate_pem(authority_);
  }
  std::string ca() const { return folder_.file("ca.pem"); }
  /// NAME.pem and NAME.key, good for `name` from and until so many hours from now.
  adapters::TlsFiles issue(const std::string& name, adapters::crypto::Usage usage, int from = -1,
                           int until = 24) const {
    const auto now = adapters::SystemClock{}.now();
    const auto made = adapters::crypto::make_identity({.name = name,
                                                       .also = {"DNS:" + name},
                                                       .usage = usage,
                                                       .from = now + std::chrono::hours{from},
                                                       .until = now + std::chrono::hours{until}},
                                                      &authority_);
    require(made.has_value());
    std::ofstream(folder_.file(name + ".pem")) << *adapters::crypto::certificate_pem(*made);
    std::ofstream(folder_.file(name + ".key")) << *adapters::crypto::key_pem(*made);
    return {folder_.file(name + ".pem"), folder_.file(name + ".key"), ca()};
  }

 private:
  TempDir folder_;
  adapters::crypto::Identity authority_;
};

class KeyEnds : public ::testing::Test {
 protected:
  using Usage = adapters::crypto::Usage;
  static constexpr std::chrono::seconds patience{20};

  adapters::TlsFiles eas_files() { return pki.issue("eas1.example", Usage::server); }
  adapters::TlsFiles upf_files() { return pki.issue("upf1.example", Usage::client); }

  void serve(adapters::TlsFiles files, std::chrono::milliseconds lifetime = std::chrono::hours{1}) {
    auto made =
        adapters::KeyServer::open(loop,
                                  {.address = "127.0.0.1",
                                   .port = 0,
                                   .files = std::move(files),
                                   .upf = "upf1.example",
                                   .keys = {.eas = {},
                                            .senders = {xrm::SenderId{1}, xrm::SenderId{4}},
                                            .lifetime = lifetime}},
                                  {.use =
                                       [this](const std::optional<adapters::KeyInUse>& key) {
                                         in_use = key;
                                         if (key) ++keys_used;
                                         if (key) check_that_it_opens(key->settings);
                                         look();
                                       },
                                   .ended =
                                       [this](std::string_view, xrm::KeyCause cause) {
                                         eas_ended.push_back(cause);
                                         look();
                                       }});
    ASSERT_TRUE(made) << made.error().detail;
    server = std::move(*made);
  }
  void dial(const adapters::TlsFiles& files, std::uint16_t port,
            xrm::KeyIdRange ids = {xrm::KeyId{192}, xrm::KeyId{195}}) {
    auto tls = adapters::make_exporting_client_tls({files.client_ca, files.certificate, files.key},
                                                   std::string(adapters::key_channel_alpn));
    ASSERT_TRUE(tls) << tls.error().detail;
    client = std::make_unique<adapters::KeyClient>(
        loop,
        adapters::KeyClientConfig{.keys = {.eas = "eas1.example",
                                           .key_ids = ids,
                                           .senders = {xrm::SenderId{1}, xrm::SenderId{64}},
                                           .of_others = {}},
                                  .host = "127.0.0.1",
                                  .port = port,
                                  .tls = std::move(*tls)},
        adapters::KeyClient::Hooks{
            .publish = [this](const adapters::KeyClient::Contexts& now) -> Result<void> {
              opened = now;
              look();
              return {};
            },
            .accepted = nullptr,
            .removed = nullptr,
            .ended =
                [this](xrm::KeyCause cause, std::chrono::milliseconds) {
                  upf_ended.push_back(cause);
                  look();
                }});
    client->start();
  }

  /// Runs the loop until `done` holds; whether it came to that.
  template <class Done>
  bool run_until(Done done) {
    if (done()) return true;
    until = done;
    const auto timer = loop.after(patience, [this] { loop.stop(); });
    loop.run();
    loop.cancel(timer);
    until = nullptr;
    return done();
  }
  void look() {
    if (until && until()) loop.stop();
  }
  void check_that_it_opens(const xrm::ContextSettings& settings) {
    EXPECT_NE(std::find(opened.begin(), opened.end(), settings), opened.end())
        << "the UPF does not open what is sealed";
  }

  KeyPki pki;
  adapters::EventLoop loop;
  std::function<bool()> until;
  std::optional<adapters::KeyInUse> in_use;
  adapters::KeyClient::Contexts opened;
  std::size_t keys_used = 0;
  std::vector<xrm::KeyCause> upf_ended, eas_ended;
  std::unique_ptr<adapters::KeyServer> server;
  std::unique_ptr<adapters::KeyClient> client;
};

}  // namespace lobo::testing
