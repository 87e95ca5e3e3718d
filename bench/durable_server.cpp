// The control plane over SQLite and HTTP, in front of a network that answers at once: what a
// durable create costs when the network costs nothing.
//
//   durable_server FOLDER UES
//
// Each POST gets the next of UES UEs put into its body, and an Idempotency-Key of its own, because
// h2load says the same each time. The address of each UE is known before "port N" is printed, as it
// is of a UE that was asked for before. When it is ended it tells by "sizes STATE EFFECT" how
// long the stored texts of the last create were.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "adapters/crypto/jwt_authenticator.hpp"
#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/client.hpp"
#include "adapters/http/server.hpp"
#include "adapters/log/file_log.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "graph/control_plane.hpp"
#include "runtime/forwarding_store.hpp"
#include "settings.hpp"

namespace lobo {
namespace {

constexpr std::size_t warm_in_flight = 256;

/// Takes everything, and knows where each UE is.
class InstantNetwork final : public runtime::HttpClient {
 public:
  explicit InstantNetwork(runtime::Scheduler& loop) : loop_(loop) {}
  void send(http::Request request, std::chrono::milliseconds, Done done) override {
    http::Response response{201, {{"content-type", "application/json"}}, {}};
    response.headers.add("location",
                         fmt::format("http://core.example{}/{}", request.target, ++last_));
    if (request.target.starts_with("/3gpp-monitoring-event/")) {
      request.body.pop_back();
      response.body =
          std::move(request.body) +
          R"(,"monitoringEventReport":{"monitoringType":"PDN_CONNECTIVITY_STATUS","pdnConnInfoList":[)"
          R"({"status":"CREATED","pdnType":"IPV4","ipv4Addr":"10.45.0.2"}]}})";
    } else {
      response.body = std::move(request.body);
    }
    loop_.post([done = std::move(done), response = std::move(response)] { done(response); });
  }

 private:
  runtime::Scheduler& loop_;
  std::uint64_t last_ = 0;
};

/// How long the texts are that a create stores.
class MeasuredStore final : public runtime::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void commit(std::vector<runtime::StoreChange> unit,
              std::function<void(Result<void>)> done) override {
    for (const auto& change : unit) {
      if (const auto* put = std::get_if<runtime::PutRecord>(&change);
          put && put->record.key.kind == "unicast")
        state_bytes = put->record.state.size();
      if (const auto* put = std::get_if<runtime::PutEffect>(&change))
        effect_bytes = put->effect.body.size();
    }
    inner().commit(std::move(unit), std::move(done));
  }

  std::size_t state_bytes = 0;
  std::size_t effect_bytes = 0;
};

/// Makes each create one for another UE.
class EachItsUe final : public runtime::HttpHandler {
 public:
  EachItsUe(runtime::HttpHandler& inner, std::uint64_t ues) : inner_(inner), ues_(ues) {}
  void handle(http::Request request, ReplyFn reply) override {
    const auto at = request.body.find("ue-");
    if (at != std::string::npos)
      request.body.replace(at, bench::ue_name_bytes, bench::ue_name(last_ % ues_));
    request.headers.set("idempotency-key", fmt::format("key-{}", last_++));
    inner_.handle(std::move(request), std::move(reply));
  }

 private:
  runtime::HttpHandler& inner_;
  std::uint64_t ues_;
  std::uint64_t last_ = 0;
};

/// One create for each UE, so that all are being watched.
bool warm(adapters::EventLoop& loop, EachItsUe& front, std::uint64_t ues) {
  std::uint64_t begun = 0;
  std::uint64_t done = 0;
  std::uint64_t refused = 0;
  std::function<void()> next = [&] {
    if (begun++ >= ues) return;
    http::Request request{
        .method = "POST",
        .scheme = "http",
        .authority = "127.0.0.1",
        .target = "/ss-nra/v1/unicast-subscriptions",
        .headers = {{"content-type", "application/json"}},
        .body = R"({"valTgtUe":{"valUeId":"ue-0000000"},"uniQosReq":"xr-gold",)"
                R"("notifUri":"http://127.0.0.1:9/n"})",
        .peer = {.address = "127.0.0.1", .loopback = true, .certificate_subject = {}}};
    front.handle(std::move(request), [&](const http::Response& response) {
      if (response.status != 201 && refused++ == 0)
        std::fprintf(stderr, "durable_server: %d %s\n", response.status, response.body.c_str());
      if (++done == ues) loop.stop();
      loop.post(next);
    });
  };
  for (std::size_t i = 0; i < warm_in_flight; ++i) loop.post(next);
  loop.run();
  return refused == 0;
}

}  // namespace

static int serve(int count, char** words) {
  if (count != 3) return 2;
  const std::string folder = words[1];
  const std::uint64_t ues = std::strtoull(words[2], nullptr, 10);
  adapters::EventLoop loop;
  const adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  adapters::metrics::PrometheusMetrics metrics;
  auto log =
      adapters::log::FileLog::open({.file = folder + "/access.log", .domain = "nrm"}, loop, clock);
  auto sqlite =
      adapters::store::SqliteStore::open({.file = folder + "/store.sqlite"}, loop, &metrics);
  if (!log || !sqlite) return 1;
  MeasuredStore store(**sqlite);
  InstantNetwork network(loop);
  adapters::HttpClient sinks(loop, {});
  adapters::crypto::OpenAuthenticator everybody({.scopes = {"ss-nra"}});
  app::ControlPlane plane({.nrm = bench::nrm_settings(),
                           .nef = {.name = "nef",
                                   .scheme = "http",
                                   .authority = "core.example",
                                   .path_prefix = {},
                                   .redirect_authorities = {}},
                           .router = {.resources_per_owner_max = 100'000'000,
                                      .requests_per_second = 1e9,
                                      .request_burst = 1e9},
                           .notifier = {}},
                          {.store = store,
                           .scheduler = loop,
                           .clock = clock,
                           .secrets = rng,
                           .jitter = rng,
                           .network = network,
                           .sinks = sinks,
                           .nef_tokens = nullptr,
                           .authenticator = everybody,
                           .log = **log,
                           .metrics = metrics});
  app::ConfiguredUes::Entries known;
  for (std::uint64_t i = 0; i < ues; ++i)
    known.emplace(bench::ue_name(i), seal_nrm::DirectoryEntry{bench::gpsi_of(i), {}});
  plane.ues().replace(std::move(known), {});
  if (!plane.start()) return 1;

  EachItsUe front(plane.router(), ues);
  if (!warm(loop, front, ues)) return 1;
  adapters::HttpServer server(loop, {}, front);
  if (!server.listen()) return 1;
  loop.on_signal(SIGTERM, [&] { loop.stop(); });
  std::printf("port %u\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  loop.run();
  std::printf("sizes %zu %zu\n", store.state_bytes, store.effect_bytes);
  return 0;
}

}  // namespace lobo

int main(int count, char** words) { return lobo::serve(count, words); }
