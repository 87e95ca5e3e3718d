// Keys agreed on between both ends of a key channel, over loopback, one thread for both.
//
//   key_channel FOLDER SECONDS      two lines: on one connection, and with a handshake for each

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/crypto/pki.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/tls.hpp"
#include "adapters/key_channel/client.hpp"
#include "adapters/key_channel/owner.hpp"
#include "adapters/key_channel/server.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/failure.hpp"

namespace lobo {
namespace {

using adapters::KeyClient;
using adapters::KeyServer;
using std::chrono::steady_clock;

class Ends {
 public:
  explicit Ends(const std::string& folder) {
    auto opened = KeyServer::open(loop,
                                  {.address = "127.0.0.1",
                                   .port = 0,
                                   .files = {.certificate = folder + "/eas-eas1.example.pem",
                                             .key = folder + "/eas-eas1.example.key",
                                             .client_ca = folder + "/ca.pem"},
                                   .upf = "upf1.example",
                                   .keys = {}},
                                  {.use =
                                       [this](const auto& key) {
                                         require(key.has_value());
                                         used();
                                       },
                                   .ended = nullptr});
    require(opened.has_value());
    server = std::move(*opened);
    auto made =
        adapters::make_exporting_client_tls({.ca = folder + "/ca.pem",
                                             .certificate = folder + "/upf-upf1.example.pem",
                                             .key = folder + "/upf-upf1.example.key"},
                                            std::string(adapters::key_channel_alpn));
    require(made.has_value());
    tls = std::move(*made);
  }
  void dial() {
    adapters::KeyClientConfig config;  // GCC 12 at -O2 warns of a braced one without cause
    config.keys.eas = "eas1.example";
    config.keys.key_ids = {xrm::KeyId{0}, xrm::KeyId{255}};
    config.host = "127.0.0.1";
    config.port = server->port();
    config.tls = tls;
    client = std::make_unique<KeyClient>(
        loop, std::move(config),
        KeyClient::Hooks{
            .publish = [](const KeyClient::Contexts&) -> Result<void> { return {}; },
            .accepted = nullptr,
            .removed = nullptr,
            .ended = [](xrm::KeyCause, std::chrono::milliseconds) { require(false); }});
    client->start();
  }

  adapters::EventLoop loop;
  std::function<void()> used;
  std::unique_ptr<KeyServer> server;
  std::shared_ptr<adapters::TlsContext> tls;
  std::unique_ptr<KeyClient> client;
};

/// Keys until the time is over; `next` asks for one more.
void measure(const char* name, const std::string& folder, std::chrono::milliseconds time,
             const std::function<void(Ends&)>& next) {
  Ends ends(folder);
  const auto begin = steady_clock::now();
  const std::clock_t work = std::clock();
  std::size_t keys = 0;
  ends.used = [&] {
    ++keys;
    if (steady_clock::now() - begin >= time) return ends.loop.stop();
    ends.loop.post([&] { next(ends); });
  };
  ends.dial();
  ends.loop.run();
  const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
  const double worked = static_cast<double>(std::clock() - work) / CLOCKS_PER_SEC;
  fmt::print(R"({{"name":"{}","keys":{},"per_second":{:.1f},"cpu_us_each":{:.1f}}})"
             "\n",
             name, keys, static_cast<double>(keys) / seconds,
             1e6 * worked / static_cast<double>(keys));
  ends.client.reset();
}

int run(int argc, char** argv) {
  const auto seconds = argc == 3 ? std::atof(argv[2]) : 0;
  if (seconds <= 0) {
    std::fputs("key_channel FOLDER SECONDS\n", stderr);
    return 2;
  }
  const std::string folder = argv[1];
  const auto made = adapters::crypto::make_key_pki(
      {.folder = folder, .upfs = {"upf1.example"}, .eas = {"eas1.example"}},
      adapters::SystemClock{}.now());
  if (!made) {
    std::fputs((made.error().detail + "\n").c_str(), stderr);
    return 1;
  }
  const auto time = std::chrono::milliseconds{static_cast<std::int64_t>(1000 * seconds)};
  measure("rolled_over", folder, time, [](Ends& ends) { ends.server->renew(); });
  measure("with_handshake", folder, time, [](Ends& ends) { ends.dial(); });
  return 0;
}

}  // namespace
}  // namespace lobo

int main(int argc, char** argv) { return lobo::run(argc, argv); }
