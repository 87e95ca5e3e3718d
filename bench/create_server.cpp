// A server that does all of a create but storing it and asking the network: HTTP, router, token
// from the cache, schema and rules of a unicast subscription, metrics, access log, representation.
//
//   create_server FOLDER [--connections N] [--tls CERT KEY]
//
// Keys and the access log go to FOLDER. Prints "port N" and "token T", and serves until it is
// ended.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "adapters/crypto/jwt_authenticator.hpp"
#include "adapters/crypto/pki.hpp"
#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/client.hpp"
#include "adapters/http/server.hpp"
#include "adapters/log/file_log.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "api/ss_nra.hpp"
#include "memory_store.hpp"
#include "runtime/router.hpp"
#include "services/seal_nrm/checks.hpp"
#include "services/seal_nrm/representation.hpp"
#include "services/seal_nrm/routes.hpp"
#include "settings.hpp"
#include "wire/json/json.hpp"

namespace lobo {
namespace {

constexpr std::size_t kept_max = 1024;

/// The documents made last, instead of a store.
class Kept {
 public:
  Kept() { documents_.reserve(4 * kept_max); }
  void put(std::string id, api::ss_nra::UnicastSubscription doc) {
    if (order_.size() == kept_max) {
      documents_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(documents_.emplace(std::move(id), std::move(doc)).first);
  }

 private:
  using Documents = std::unordered_map<std::string, api::ss_nra::UnicastSubscription>;
  Documents documents_;
  std::deque<Documents::iterator> order_;  // none moves: there are never more than were reserved
};

class OneUe final : public seal_nrm::UeDirectory {
 public:
  std::optional<seal_nrm::DirectoryEntry> ue(std::string_view id) const override {
    if (id != name_) return std::nullopt;
    return seal_nrm::DirectoryEntry{gpsi_, {}};
  }
  std::optional<seal_nrm::DirectoryEntry> user(std::string_view) const override {
    return std::nullopt;
  }

 private:
  std::string name_ = bench::ue_name(0);
  std::string gpsi_ = bench::gpsi_of(0);
};

struct Create {
  const seal_nrm::Settings& settings;
  OneUe directory{};
  Kept kept{};

  Result<resource::Decision> operator()(const resource::RouteContext& context) {
    auto doc = json::read<api::ss_nra::UnicastSubscription>(context.request.body);
    if (!doc) return fail(doc.error());
    auto checked = seal_nrm::check_create(std::move(*doc), context.who.subject, settings, directory,
                                          context.now);
    if (!checked) return fail(checked.error());
    if (!checked->unknown_ue.empty()) return fail(Errc::not_found, "no such UE");
    http::Response response{201, {}, json::write(checked->doc)};
    response.headers.reserve(3);
    response.headers.add("location", seal_nrm::unicast_uri(settings, context.fresh_id));
    response.headers.add("content-type", "application/json");
    response.headers.add("etag", "\"1\"");
    kept.put(std::string(context.fresh_id), std::move(checked->doc));
    return response;
  }
};

adapters::ServerConfig server_config(const std::vector<std::string_view>& words) {
  adapters::ServerConfig config;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--connections" && i + 1 < words.size())
      config.limits.connections_max = std::strtoul(words[++i].data(), nullptr, 10);
    if (words[i] == "--tls" && i + 2 < words.size())
      config.tls = adapters::TlsFiles{std::string(words[i + 1]), std::string(words[i + 2]), {}};
  }
  return config;
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "create_server: %s\n", result.error().detail.c_str());
  std::exit(1);
}

}  // namespace

static int serve(int count, char** words) {
  if (count < 2) return 2;
  const std::string folder = words[1];
  adapters::EventLoop loop;
  const adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  adapters::metrics::PrometheusMetrics metrics;
  const auto log = must(
      adapters::log::FileLog::open({.file = folder + "/access.log", .domain = "nrm"}, loop, clock));
  must(adapters::crypto::make_pki({.folder = folder + "/pki", .server_names = {}, .clients = {}},
                                  clock.now()));
  const auto token =
      must(adapters::crypto::issue_token(folder + "/pki/token.key", {.issuer = "https://bench.lab",
                                                                     .audience = "lobodon",
                                                                     .subject = "app1",
                                                                     .scopes = {"ss-nra"},
                                                                     .issued = clock.now()}));
  const auto authenticator = must(adapters::crypto::JwtAuthenticator::create(
      {.jwks = folder + "/pki/jwks.json",
       .rules = {.issuer = "https://bench.lab", .audience = "lobodon"}},
      nullptr));

  bench::MemoryStore store(loop);
  adapters::HttpClient nobody(loop, {});
  runtime::Replies replies(loop, clock);
  runtime::Calls calls;
  runtime::Notifier notifier(store, loop, nobody, rng, *log, metrics,
                             [](const http::Url&) { return Result<void>(); });
  runtime::EffectRunner runner({store, loop, clock, *log, metrics, replies, calls, notifier});
  runtime::Router router({runner, replies, *authenticator, store, clock, rng, *log, metrics},
                         {.requests_per_second = 1e9, .request_burst = 1e9});
  const auto settings = bench::nrm_settings();
  Create create{settings};
  auto routes = seal_nrm::routes(settings);
  for (auto& route : routes)
    if (route.operation.id == api::ss_nra::operation::create_unicast_subscription)
      route.handle = std::ref(create);
  router.add(std::move(routes));

  adapters::HttpServer server(loop, server_config({words + 2, words + count}), router);
  if (const auto listening = server.listen(); !listening) return 1;
  loop.on_signal(SIGTERM, [&] { loop.stop(); });
  std::printf("port %u\ntoken %s\n", static_cast<unsigned>(server.port()), token.c_str());
  std::fflush(stdout);
  loop.run();
  return 0;
}

}  // namespace lobo

int main(int count, char** words) { return lobo::serve(count, words); }
