#include "gnb_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "adapters/udp/socket.hpp"
#include "api/net_control.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/guarantee.hpp"
#include "dataplane/radio/radio.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/set_queue.hpp"
#include "gnb/admin.hpp"
#include "gnb/air_side.hpp"
#include "gnb/cell_change.hpp"
#include "gnb/gnb_config.hpp"
#include "gnb/metrics.hpp"
#include "gnb/radio_loop.hpp"
#include "gnb/session_terms.hpp"
#include "gnb/summary.hpp"
#include "gnb_registrar.hpp"
#include "model/address.hpp"
#include "model/bit_rate.hpp"
#include "pages/status_pages.hpp"
#include "ready.hpp"
#include "runtime/ports.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using runtime::Level;

/// How long netsim has to answer at the end.
constexpr auto end_patience = 2000ms;
/// How long a PDU session waits for a UE that is not heard any more.
constexpr auto session_kept = 5000ms;
/// So often the network is told what was counted of a UE's packets.
constexpr auto counters_every = 1000ms;

struct Ue {
  std::string name;
  std::uint32_t teid = 0;
  dataplane::RadioLink link;
  std::optional<SessionTerms> session;
  bool wanted = false;   ///< somebody attached, and the network is asked
  std::string refused;   ///< why the network has none, told once
  bool strange = false;  ///< it never had one: its number may be another's
  std::optional<runtime::Scheduler::TimerId> leave_timer;
  api::net_control::NetRanCounters told;  ///< the newest counters
};

Result<dataplane::RateTrace> rate_of(const GnbConfig& config) {
  if (config.trace.empty()) return dataplane::RateTrace::constant(config.rate);
  std::ifstream file(config.trace, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return fail(Errc::not_found, "cannot read " + config.trace);
  auto trace = dataplane::RateTrace::parse(text);
  if (!trace) return fail(trace.error().code, config.trace + ": " + trace.error().detail);
  return trace;
}

std::string url_of_endpoint(std::string_view scheme, const adapters::UdpEndpoint& at) {
  const bool v6 = at.address.index() == 1;
  return fmt::format("{}://{}{}{}:{}", scheme, v6 ? "[" : "", model::to_text(at.address),
                     v6 ? "]" : "", at.port);
}

std::string address_of(const SessionTerms& terms) {
  return terms.v4 ? terms.v4->text() : terms.v6 ? terms.v6->text() : std::string();
}

}  // namespace

// Members stand in the order of construction: whoever uses another stands below it.
struct GnbServer::Parts {
  explicit Parts(const Config& all) : config(*all.gnb), logger(all.logger) {}

  GnbConfig config;
  LoggerConfig logger;
  adapters::EventLoop loop;
  adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  adapters::metrics::PrometheusMetrics metrics;
  std::unique_ptr<runtime::Log> log;
  std::vector<Ue> ues;  ///< by number
  std::unique_ptr<runtime::HttpClient> http;
  std::optional<ApiClient> network;
  std::optional<Registrar> registrar;
  std::unique_ptr<RadioLoop> radio;
  std::optional<GnbMetrics> copied;
  std::optional<GnbAdmin> admin;
  std::vector<std::unique_ptr<adapters::HttpServer>> admin_servers;
  bool ending = false;

  Result<void> open_control();
  Result<void> open_radio();
  Result<void> listen();
  void serve_configured();

  std::optional<std::uint32_t> number_of(std::string_view name);
  std::uint32_t new_teid();
  AirAnswer attach(std::string_view name);
  void session(std::uint32_t number, const SessionTerms& terms);
  void no_session(std::uint32_t number, const std::string& reason);
  void lost(std::uint32_t number);
  void leave(std::uint32_t number);
  void notice(const dataplane::RadioNotice& news);
  void tell_counters();
  void change(const CellChange& wanted);
  GnbSight sight() const;
  void end();
};

Result<void> GnbServer::Parts::open_control() {
  if (config.control.empty()) return {};
  auto root = http::parse_url(config.control);
  if (!root) return fail(std::move(root.error()));
  auto client = make_http_client(loop, {}, false);
  if (!client) return fail(std::move(client.error()));
  http = std::move(*client);
  network.emplace(loop, *http, ApiTarget{.root = std::move(*root), .token = {}, .tls = {}});
  registrar.emplace(
      Registrar::World{loop, *network, *log}, config.name, model::to_text(config.n3.address),
      Registrar::Tells{
          .session = [this](std::uint32_t ue, const SessionTerms& terms) { session(ue, terms); },
          .none = [this](std::uint32_t ue, const std::string& reason) { no_session(ue, reason); }});
  return {};
}

Result<void> GnbServer::Parts::open_radio() {
  auto rate = rate_of(config);
  if (!rate) return fail(std::move(rate.error()));
  auto opened =
      RadioLoop::open(loop, clock, rng, config, std::move(*rate),
                      {.attach = [this](std::string_view name) { return attach(name); },
                       .lost = [this](std::uint32_t ue) { lost(ue); },
                       .notice = [this](const dataplane::RadioNotice& news) { notice(news); }});
  if (!opened) return fail(std::move(opened.error()));
  radio = std::move(*opened);
  serve_configured();
  return {};
}

/// Sessions of the configuration are there from the start.
void GnbServer::Parts::serve_configured() {
  for (const auto& ue : config.ues) {
    if (!ue.session) continue;
    const auto number = number_of(ue.name);
    if (!number) continue;
    ues[*number].teid = ue.session->teid;
    session(*number, terms_of(*ue.session));
  }
}

Result<void> GnbServer::Parts::listen() {
  copied.emplace(metrics);
  admin.emplace(
      StatusSources{.name = {},
                    .more = {},
                    .metrics =
                        [this] {
                          copied->copy(sight());
                          return metrics.expose();
                        },
                    .status = [this] { return json::to_text(status_value(sight())); },
                    .ready = [this]() -> Result<void> {
                      if (ending) return fail(Errc::unavailable, "the gNB is shutting down");
                      return {};
                    }},
      CellPage{.cell = [this] { return json::to_text(cell_value(radio->radio(), radio->now())); },
               .change = [this](const CellChange& wanted) { change(wanted); }});
  for (const auto& [address, port] : config.metrics) {
    ServerAddress at;
    at.address = model::to_text(address);
    at.port = port;
    admin_servers.push_back(
        std::make_unique<adapters::HttpServer>(loop, server_config(at, {}), *admin));
    if (auto open = admin_servers.back()->listen(); !open) return open;
  }
  return {};
}

// ---- UEs --------------------------------------------------------------------------------------

std::uint32_t GnbServer::Parts::new_teid() {
  for (;;) {
    const auto teid = static_cast<std::uint32_t>(rng.next());
    const bool taken = std::ranges::any_of(ues, [teid](const Ue& ue) { return ue.teid == teid; });
    if (teid != 0 && !taken) return teid;
  }
}

/// Of a UE that is known, or has room.
std::optional<std::uint32_t> GnbServer::Parts::number_of(std::string_view name) {
  const auto known = std::ranges::find(ues, name, &Ue::name);
  if (known != ues.end()) return static_cast<std::uint32_t>(known - ues.begin());
  const auto free = std::ranges::find(ues, true, &Ue::strange);
  if (free == ues.end() && ues.size() == dataplane::radio_ues_max) return std::nullopt;
  Ue ue{.name = std::string(name), .teid = new_teid(), .link = config.link};
  const auto own = std::ranges::find(config.ues, name, &GnbUeConfig::name);
  if (own != config.ues.end()) ue.link = own->link;
  if (free != ues.end()) {
    *free = std::move(ue);
    return static_cast<std::uint32_t>(free - ues.begin());
  }
  ues.push_back(std::move(ue));
  return static_cast<std::uint32_t>(ues.size() - 1);
}

AirAnswer GnbServer::Parts::attach(std::string_view name) {
  if (ending) return AirRefuse{"the gNB is shutting down"};
  const bool printable =
      std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~' && c != '"'; });
  if (!printable) return AirRefuse{"a name of a UE has letters, digits and signs of ASCII"};
  const bool known = std::ranges::find(ues, name, &Ue::name) != ues.end();
  if (!registrar && !known) return AirRefuse{"this gNB's configuration has no such UE"};
  const auto number = number_of(name);
  if (!number) return AirRefuse{"the gNB has as many UEs as it may have"};
  Ue& ue = ues[*number];
  if (ue.leave_timer) {
    loop.cancel(*ue.leave_timer);
    ue.leave_timer.reset();
  }
  if (ue.session)
    return AirAccept{*number, {.mtu = config.mtu, .v4 = ue.session->v4, .v6 = ue.session->v6}};
  if (!ue.refused.empty()) return AirRefuse{std::exchange(ue.refused, {})};
  if (registrar && !std::exchange(ue.wanted, true)) registrar->want(*number, ue.name, ue.teid);
  return AirWait{};
}

void GnbServer::Parts::session(std::uint32_t number, const SessionTerms& terms) {
  Ue& ue = ues[number];
  const bool readdressed = ue.session && (ue.session->v4 != terms.v4 || ue.session->v6 != terms.v6);
  const bool fresh = !ue.session;
  ue.strange = false;
  ue.session = terms;
  const bool room = !radio || radio->serve(number, ue.teid, terms, joined(ue.link, terms.worse));
  if (!room)
    log->event(Level::warn, "too_many_bearers", {{"ue", ue.name}, {"note", "flows share one"}});
  if (fresh)
    log->event(Level::info, "ue_served",
               {{"ue", ue.name},
                {"address", address_of(terms)},
                {"flows", static_cast<std::int64_t>(terms.flows.size())}});
  if (readdressed) radio->air().drop(number, "the UE has another address");
}

void GnbServer::Parts::no_session(std::uint32_t number, const std::string& reason) {
  Ue& ue = ues[number];
  ue.strange = !ue.session && radio->radio().flows(number).empty();
  ue.session.reset();
  radio->end(number);
  log->event(Level::warn, "ue_without_session", {{"ue", ue.name}, {"reason", reason}});
  if (radio->air().is_attached(number))
    radio->air().drop(number, reason);
  else
    ue.refused = reason;
  ue.wanted = false;
  registrar->leave(number);
}

void GnbServer::Parts::lost(std::uint32_t number) {
  Ue& ue = ues[number];
  if (!registrar || ue.leave_timer) return;
  ue.leave_timer = loop.after(session_kept, [this, number] {
    ues[number].leave_timer.reset();
    leave(number);
  });
}

void GnbServer::Parts::leave(std::uint32_t number) {
  Ue& ue = ues[number];
  log->event(Level::info, "ue_left", {{"ue", ue.name}});
  registrar->leave(number);
  ue.wanted = false;
  ue.session.reset();
  radio->end(number);
}

// ---- guarantees, the cell ---------------------------------------------------------------------

void GnbServer::Parts::notice(const dataplane::RadioNotice& news) {
  const Ue& ue = ues[news.ue];
  const std::vector<dataplane::Promise>* alternatives = nullptr;
  if (ue.session)
    if (const auto at = ue.session->alternatives.find(news.qfi);
        at != ue.session->alternatives.end())
      alternatives = &at->second;
  const auto told =
      notice_of(news, alternatives != nullptr ? *alternatives : std::vector<dataplane::Promise>{},
                config.guarantee.window);
  std::string causes;
  for (const auto& cause : told.causes.value_or(std::vector<api::net_control::GuaranteeCause>{}))
    (causes += causes.empty() ? "" : "+") += cause.text;
  log->event(news.news.held ? Level::info : Level::warn,
             news.news.held ? "guarantee_held" : "guarantee_not_held",
             {{"ue", ue.name},
              {"qfi", news.qfi},
              {"causes", causes},
              {"offered", *told.offered_dl},
              {"delivered", *told.delivered_dl},
              {"clause", "TS 38.413 8.2.4"}});
  if (registrar) registrar->notify(news.ue, told);
}

void GnbServer::Parts::tell_counters() {
  loop.after(counters_every, [this] { tell_counters(); });
  for (std::uint32_t number = 0; number < ues.size(); ++number) {
    Ue& ue = ues[number];
    if (!ue.session) continue;
    const auto counters = counters_of(radio->radio().flows(number));
    if (counters == ue.told) continue;
    ue.told = counters;
    registrar->measured(number, counters);
  }
}

void GnbServer::Parts::change(const CellChange& wanted) {
  if (wanted.rate) radio->set_rate(dataplane::RateTrace::constant(*wanted.rate));
  auto cell = radio->radio().cell().config();
  const auto before = cell;
  cell.scheduler = wanted.scheduler.value_or(cell.scheduler);
  cell.policy = wanted.policy.value_or(cell.policy);
  if (cell.scheduler != before.scheduler || cell.policy != before.policy) radio->reconfigure(cell);
  log->event(Level::info, "cell_changed",
             {{"rate", model::format_bit_rate(radio->radio().cell().rate().at(radio->now()))},
              {"scheduler", to_string(cell.scheduler)},
              {"policy", to_string(cell.policy)}});
}

GnbSight GnbServer::Parts::sight() const {
  GnbSight sight{.config = config,
                 .loop = *radio,
                 .ues = {},
                 .control = !registrar                ? "none"
                            : registrar->registered() ? "registered"
                                                      : "trying",
                 .notices_told = registrar ? registrar->notices_told() : 0};
  for (std::size_t i = 0; i < ues.size(); ++i) {
    const Ue& ue = ues[i];
    sight.ues.push_back({.number = static_cast<std::uint32_t>(i),
                         .name = ue.name,
                         .address = ue.session ? address_of(*ue.session) : std::string(),
                         .session = ue.session  ? "established"
                                    : ue.wanted ? "waiting"
                                                : "none",
                         .teid = ue.teid,
                         .upf = ue.session ? model::to_text(ue.session->upf) : std::string()});
  }
  return sight;
}

void GnbServer::Parts::end() {
  if (std::exchange(ending, true)) return loop.stop();  // asked twice: at once
  log->event(Level::info, "ending", {{"patience_ms", end_patience.count()}});
  if (!registrar) return loop.stop();
  registrar->end(end_patience, [this] { loop.stop(); });
}

Result<std::unique_ptr<GnbServer>> GnbServer::open(const Config& config) {
  auto parts = std::make_unique<Parts>(config);
  auto log = open_log(parts->logger, "gnb", parts->loop, parts->clock);
  if (!log) return fail(std::move(log.error()));
  parts->log = std::move(*log);
  for (const auto stage : {&Parts::open_control, &Parts::open_radio, &Parts::listen})
    if (auto done = (*parts.*stage)(); !done) return fail(std::move(done.error()));
  Parts* const self = parts.get();
  for (const int number : {SIGTERM, SIGINT}) parts->loop.on_signal(number, [self] { self->end(); });
  return std::unique_ptr<GnbServer>(new GnbServer(std::move(parts)));
}

GnbServer::GnbServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
GnbServer::~GnbServer() = default;

std::vector<std::string> GnbServer::urls() const {
  std::vector<std::string> urls{url_of_endpoint("gtpu", parts_->radio->n3().local())};
  for (const auto& at : parts_->radio->air().local()) urls.push_back(url_of_endpoint("air", at));
  for (std::size_t i = 0; i < parts_->admin_servers.size(); ++i)
    urls.push_back(url_of(model::to_text(parts_->config.metrics[i].address),
                          parts_->admin_servers[i]->port(), false));
  return urls;
}

void GnbServer::run(std::chrono::seconds at_most) {
  if (parts_->registrar) {
    parts_->registrar->start();
    parts_->tell_counters();
  }
  Parts* const self = parts_.get();
  if (at_most > 0s) parts_->loop.after(at_most, [self] { self->end(); });
  parts_->loop.run();
}

json::Value GnbServer::summary() const { return flows_value(parts_->sight()); }

}  // namespace lobo::app
