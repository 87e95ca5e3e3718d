#include "demo_avatars.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "adapters/quic/quic.hpp"
#include "adapters/trace/trace_view.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "demo_avatars/body.hpp"
#include "demo_avatars/diagram.hpp"
#include "demo_avatars/door.hpp"
#include "demo_avatars/native.hpp"
#include "demo_avatars/room.hpp"
#include "demo_avatars_tabs.hpp"
#include "demo_green/configs.hpp"
#include "demo_report.hpp"
#include "endpoint_option.hpp"
#include "exit_code.hpp"
#include "process.hpp"
#include "relay/measure/histogram.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr auto tick = 500ms;
constexpr auto start_within = 20'000ms, browser_within = 120'000ms, settle_within = 120'000ms;
// Ten good windows a step, three steps; twice that where a window in between is bad.
constexpr auto tiers_back_within = 120'000ms;
constexpr double bad_slider = 62;
// Whose figures count. Neither draws: without a graphics card a tab that does reads nothing for
// seconds at a time, and its figures say so.
constexpr std::string_view observer = "bob", other_tab = "carol";
constexpr std::string_view mm_sessions = "/mm-das/v1/sessions";

class Avatars {
 public:
  Avatars(std::string directory, bool check, double seconds)
      : folder_(fs::absolute(directory).string()), check_(check), seconds_(seconds) {}
  DemoReport play();

 private:
  struct Least {
    double states = 0;
    std::string who;
  };

  bool step(std::string name, std::string clause, bool ok, bool real, std::string detail);
  Result<ChildProcess> lobo(const std::string& name, const std::vector<std::string>& words);
  bool wait(const std::function<bool()>& done, std::chrono::milliseconds patience);

  bool prepare();
  bool begin_servers();
  void count(std::string_view list, std::optional<std::size_t>& items);
  bool await_node();
  bool begin_networks();
  Result<NativeGrant> session_for(std::string_view id);
  bool begin_natives();
  void tick_on();
  void set_network(double slider);

  bool open_browser();
  void take_picture();
  Least least_seen() const;
  bool see_each_other();
  bool full_tier();
  bool make_it_worse();
  bool make_it_better();
  bool block_udp();
  bool tear_down();
  void write_artefacts();

  std::string folder_;
  bool check_;
  double seconds_;
  DemoReport report_{.demo = "avatars",
                     .subject =
                         "browsers and native clients in one room see each other's avatars "
                         "move, over a network that gets worse",
                     .steps = {},
                     .figures = {},
                     .latencies = {},
                     .pictures = {},
                     .sequence = {}};
  adapters::EventLoop loop_;
  // What answers are given to stands above who gives them.
  std::optional<std::size_t> nodes_, connections_;
  bool asking_ = false;
  std::unique_ptr<runtime::HttpClient> http_;
  AvatarsDoor door_;
  Tabs tabs_{door_, folder_};
  std::unique_ptr<adapters::HttpServer> door_server_;
  std::optional<ChildProcess> serve_, relay_, impair_, blocked_;
  std::unique_ptr<ApiClient> enabler_, sealdd_, network_;
  std::unique_ptr<TraceReader> trace_;
  std::vector<std::string> relay_urls_;
  std::vector<std::unique_ptr<NativeAvatar>> natives_;
  std::vector<std::string> sessions_;
  std::string page_url_, enabler_url_;
  double calm_loss_ = 0, calm_delay_ms_ = 0;
  bool interrupted_ = false, running_ = true;
};

bool Avatars::step(std::string name, std::string clause, bool ok, bool real, std::string detail) {
  return tell_step_in_a_line(report_,
                             {std::move(name), std::move(clause), ok, real, std::move(detail)});
}

Result<ChildProcess> Avatars::lobo(const std::string& name, const std::vector<std::string>& words) {
  return start_own(words, fmt::format("{}/{}.log", folder_, name));
}

bool Avatars::wait(const std::function<bool()>& done, std::chrono::milliseconds patience) {
  return run_until(loop_, [&] { return interrupted_ || done(); }, patience) && !interrupted_;
}

bool Avatars::prepare() {
  clear_folder(folder_, left_by_avatars);
  auto client = make_http_client(loop_, {}, false);
  if (client) http_ = std::move(*client);
  door_.set_network = [this](double slider) { set_network(slider); };
  door_server_ = std::make_unique<adapters::HttpServer>(
      loop_, adapters::ServerConfig{.address = "127.0.0.1", .port = 0, .tls = {}, .limits = {}},
      door_);
  if (!client || !door_server_->listen())
    return step("a port for the page", "-", false, true, "none is free");
  page_url_ = fmt::format("http://127.0.0.1:{}", door_server_->port());
  return true;
}

bool Avatars::begin_servers() {
  const auto made = make_certificate(folder_);
  auto keys = lobo("pki", {"pki", "flow-key", folder_ + "/flow"});
  const bool keyed = made && keys && keys->wait(start_within) == 0;
  const auto sealdd_port = free_port();
  bool good = keyed && sealdd_port != 0 &&
              write_file(folder_ + "/serve.yaml", serve_text(folder_, sealdd_port, page_url_)) &&
              write_file(folder_ + "/relay.yaml", relay_text(folder_, sealdd_port, page_url_));
  if (good)
    if (auto serve = lobo("serve", {"serve", "-c", folder_ + "/serve.yaml"}))
      serve_ = std::move(*serve);
  const auto servers =
      serve_ ? ready_words(*serve_, start_within) : fail(Errc::unavailable, "not started");
  if (servers)
    if (auto relay = lobo("relay", {"relay", "-c", folder_ + "/relay.yaml"}))
      relay_ = std::move(*relay);
  const auto node =
      relay_ ? ready_words(*relay_, start_within) : fail(Errc::unavailable, "not started");
  good = good && servers && node && servers->size() == 2 && node->size() == 4;
  if (!step("the enabler, SEALDD and a relay node serve", "TR 23.700-21 7.y", good, true,
            good ? fmt::format("{} and {}", servers->back(), node->front())
                 : fmt::format("see {}/serve.log and relay.log", folder_)))
    return false;
  relay_urls_ = *node;
  enabler_url_ = servers->back();
  trace_ = std::make_unique<TraceReader>(folder_ + "/trace");
  auto enabler = client_at(loop_, *http_, enabler_url_);
  auto sealdd = client_at(loop_, *http_, servers->front());
  if (!enabler || !sealdd) return false;
  enabler_ = std::move(*enabler);
  sealdd_ = std::move(*sealdd);
  return true;
}

bool Avatars::await_node() {
  const bool there = wait(
      [this] {
        if (nodes_.value_or(0) == 0) count("/sdd-rly/v1/nodes", nodes_);
        return nodes_.value_or(0) > 0;
      },
      start_within);
  if (!step("the node registers at SEALDD", "TS 23.433 9.2", there, true,
            there ? fmt::format("{}, with its keys, lease and capacity", node_name)
                  : fmt::format("see {}/relay.log", folder_)))
    return false;
  const auto policy = enabler_->call("POST", "/mm-pol/v1/policies", policy_text(),
                                     {{"content-type", "application/json"}});
  return step("a policy with a ladder of tiers", "TR 23.700-21 7.y step 0",
              static_cast<bool>(policy), true, policy ? "60, 30, 15, 5 Hz" : policy.error().detail);
}

/// How many items a list of SEALDD's has; one question at a time.
void Avatars::count(std::string_view list, std::optional<std::size_t>& items) {
  if (std::exchange(asking_, true)) return;
  sealdd_->start("GET", list, {}, {}, [this, &items](const Result<http::Response>& got) {
    asking_ = false;
    const auto told =
        got ? json::parse(got->body) : Result<json::Value>(fail(Errc::unavailable, ""));
    const auto* found = told ? told->find("items") : nullptr;
    items.reset();
    if (found != nullptr && found->array() != nullptr) items = found->array()->size();
  });
}

bool Avatars::begin_networks() {
  const auto to = relay_urls_.front().substr(std::string_view("quic://").size());
  auto network = lobo("impair", {"impair", "--to", to, "--control", "127.0.0.1:0"});
  auto blocked = lobo("blocked", {"impair", "--to", to, "--loss", "100"});
  if (network) impair_ = std::move(*network);
  if (blocked) blocked_ = std::move(*blocked);
  const auto open =
      impair_ ? ready_words(*impair_, start_within) : fail(Errc::unavailable, "not started");
  const auto closed =
      blocked_ ? ready_words(*blocked_, start_within) : fail(Errc::unavailable, "not started");
  if (open && closed && open->size() == 2) {
    auto client = client_at(loop_, *http_, open->back());
    if (client) network_ = std::move(*client);
  }
  if (!step("a network between browsers and node that can be made bad", "-", network_ != nullptr,
            false, "lobo impair; native clients are beside the node"))
    return false;
  door_.setup = setup_text({.enabler = enabler_url_,
                            .udp = open->front(),
                            .udp_blocked = closed->front(),
                            .websocket = relay_urls_.back()});
  return true;
}

Result<NativeGrant> Avatars::session_for(std::string_view id) {
  const auto told =
      enabler_->ask("POST", mm_sessions, session_text(id), {{"content-type", "application/json"}});
  if (!told) return fail(told.error());
  return grant_of(*told);
}

bool Avatars::begin_natives() {
  const auto digest = adapters::quic::certificate_sha256(folder_ + "/server.pem");
  const auto at =
      endpoint_option("relay", relay_urls_.front().substr(std::string_view("quic://").size()));
  std::string why;
  for (std::size_t seat = 0; digest && at && why.empty() && seat < people.size(); ++seat) {
    const auto& who = people[seat];
    if (!who.native) continue;
    auto session = session_for(who.id);
    if (!session) {
      why = session.error().detail;
      break;
    }
    sessions_.push_back(session->session);
    natives_.push_back(std::make_unique<NativeAvatar>(
        loop_, std::string(who.id), stand_of(seat, people.size()), std::move(*session),
        adapters::quic::Target{.to = *at,
                               .name = {},
                               .from = {},
                               .trust = {.ca_file = {}, .certificate_sha256 = *digest}}));
    if (const auto begun = natives_.back()->start(); !begun) why = begun.error().detail;
  }
  const bool up =
      why.empty() && !natives_.empty() &&
      wait([&] { return std::ranges::all_of(natives_, [](const auto& one) { return one->up(); }); },
           start_within);
  return step("native clients join by sessions of their own", "TR 23.700-21 7.y steps 1-5", up,
              true, up ? fmt::format("{} over QUIC", natives_.size()) : why);
}

/// Twice a second: the trace, the browser's words. Whoever waits looks again.
void Avatars::tick_on() {
  if (!running_) return;
  if (trace_)
    for (auto& message : trace_->take()) door_.draw(std::move(message));
  tabs_.hear();
  loop_.stop();
  loop_.after(tick, [this] { tick_on(); });
}

void Avatars::set_network(double slider) {
  door_.slider = slider;
  if (network_)
    network_->start("PUT", "/line", quality_json(quality_of(slider)),
                    {{"content-type", "application/json"}}, [](const Result<http::Response>&) {});
}

// ---- the browser ------------------------------------------------------------------------------

bool Avatars::open_browser() {
  const auto begun = tabs_.open(page_url_);
  const auto up = [&](const Person& one) { return one.native || tabs_.up(one.id); };
  const bool open = begun && wait([&] { return std::ranges::all_of(people, up); }, browser_within);
  return step("three tabs join by lobo-mmec.js", "TR 23.700-21 7.y steps 1-5", open, true,
              open ? "Debian's Chromium, sessions by fetch, WebTransport"
                   : fmt::format("see {}/browser.log{}", folder_,
                                 tabs_.errors().empty() ? "" : "; " + tabs_.errors().front()));
}

/// A picture of the first tab as it is now.
void Avatars::take_picture() {
  const auto before = tabs_.shots();
  tabs_.shoot();
  (void)wait([&] { return tabs_.shots() > before; }, settle_within);
}

/// Who of all has seen the least of whom.
Avatars::Least Avatars::least_seen() const {
  Least least{.states = 1e9, .who = {}};
  for (const auto& one : people)
    for (const auto& other : people) {
      if (one.id == other.id) continue;
      double states = 0;
      if (one.native) {
        for (const auto& native : natives_)
          for (const auto& [alias, seen] : native->seen())
            if (native->name() == one.id && seen.asset == asset_of(other.id))
              states = static_cast<double>(seen.states);
      } else {
        states = tabs_.states_seen(one.id, asset_of(other.id));
      }
      if (states < least.states)
        least = {states, fmt::format("{} has seen {:.0f} of {}", one.name, states, other.name)};
    }
  return least;
}

bool Avatars::see_each_other() {
  constexpr double many = 300;  // five components at 60 Hz: a second of somebody
  const bool all = wait([&] { return least_seen().states >= many; }, settle_within);
  (void)wait([&] { return tabs_.tier(observer) == 0; }, settle_within);
  // Figures are of the last four seconds: those of a calm network alone.
  const auto calm = std::chrono::milliseconds(static_cast<std::int64_t>(seconds_ * 1000));
  (void)run_until(loop_, [&] { return interrupted_; }, calm);
  const double loss = tabs_.shown(observer, asset_of("dora"), "loss");
  const double age = tabs_.shown(observer, asset_of("dora"), "ageMs.p99");
  double first = 0;
  for (const auto& one : people)
    if (const auto* told = one.native ? nullptr : tabs_.told(one.id); told != nullptr)
      first = std::max(first, number_at(*told, "firstStateMs").value_or(-1));
  relay::Histogram native_ages;
  for (const auto& [alias, seen] : natives_.front()->seen())
    if (seen.asset == asset_of(observer)) native_ages = seen.ages;
  report_.figures.insert(
      report_.figures.end(),
      {{"calm_loss_percent", 100 * loss},
       {"calm_delay_p50_ms", tabs_.shown(observer, asset_of("dora"), "delayMs.p50")},
       {"calm_age_p99_ms", age},
       {"calm_states_per_second", tabs_.shown(observer, asset_of("dora"), "hz")},
       {"first_state_after_establish_ms", first},
       {"browser_seen_by_native_age_p50_ms",
        static_cast<double>(native_ages.percentile(50).value_or(0)) / 1000}});
  take_picture();
  return step("everybody sees everybody move", "TR 23.700-21 7.y step 5", all, true,
              fmt::format("{}; native to tab: {:.1f} % lost, 99 of 100 younger than {:.0f} ms; "
                          "newest states {:.0f} ms after Establish",
                          least_seen().who, 100 * loss, age, first));
}

bool Avatars::full_tier() {
  const bool full =
      wait([&] { return tabs_.tier(observer) == 0 && tabs_.tier(other_tab) == 0; }, settle_within);
  return step("a calm network keeps the full tier", "TR 23.700-21 7.y step 7", full, true,
              fmt::format("tier {} at {}, {} at {}", tabs_.tier(observer), observer,
                          tabs_.tier(other_tab), other_tab));
}

/// Figures are of four seconds, in which a lower tier leaves few states: what counts is whether
/// each of them rose, and the most that it showed.
bool Avatars::make_it_worse() {
  const auto dora = asset_of("dora");
  const auto other = asset_of(other_tab);
  const Quality bad = quality_of(bad_slider);
  calm_loss_ = tabs_.shown(observer, dora, "loss");
  calm_delay_ms_ = tabs_.shown(observer, dora, "delayMs.p50");
  set_network(bad_slider);
  const double loss_wanted = bad.loss_percent / 100;
  double loss = 0, delay = 0, loss_of_tab = 0, delay_of_tab = 0;
  const bool worse = wait(
      [&] {
        loss = std::max(loss, tabs_.shown(observer, dora, "loss"));
        delay = std::max(delay, tabs_.shown(observer, dora, "delayMs.p50"));
        loss_of_tab = std::max(loss_of_tab, tabs_.shown(observer, other, "loss"));
        delay_of_tab = std::max(delay_of_tab, tabs_.shown(observer, other, "delayMs.p50"));
        return loss > calm_loss_ + 0.5 * loss_wanted &&
               loss_of_tab > calm_loss_ + 0.8 * loss_wanted &&
               delay > calm_delay_ms_ + 0.8 * bad.delay_ms && delay_of_tab > 1.6 * bad.delay_ms;
      },
      settle_within);
  report_.figures.insert(report_.figures.end(), {{"bad_injected_loss_percent", bad.loss_percent},
                                                 {"bad_injected_delay_ms", bad.delay_ms},
                                                 {"bad_native_to_tab_loss_percent", 100 * loss},
                                                 {"bad_native_to_tab_delay_p50_ms", delay},
                                                 {"bad_tab_to_tab_loss_percent", 100 * loss_of_tab},
                                                 {"bad_tab_to_tab_delay_p50_ms", delay_of_tab}});
  if (!step("a bad network makes the shown loss and delay rise", "TR 23.700-21 7.y step 6", worse,
            false,
            fmt::format("injected {:.1f} % and {:.0f} ms; shown of a native client {:.1f} % and "
                        "{:.0f} ms, of a tab {:.1f} % and {:.0f} ms",
                        bad.loss_percent, bad.delay_ms, 100 * loss, delay, 100 * loss_of_tab,
                        delay_of_tab)))
    return false;
  const bool lower =
      wait([&] { return tabs_.tier(observer) > 0 && !tabs_.why(observer).empty(); }, settle_within);
  take_picture();
  return step("the tier falls, and the application is told why", "TR 23.700-21 7.y step 7", lower,
              true, fmt::format("tier {}: {}", tabs_.tier(observer), tabs_.why(observer)));
}

bool Avatars::make_it_better() {
  const auto dora = asset_of("dora");
  const Quality bad = quality_of(bad_slider);
  set_network(100);
  const auto began = steady_clock::now();
  const auto since = [&] {
    return std::chrono::duration<double>(steady_clock::now() - began).count();
  };
  const bool better = wait(
      [&] {
        const double loss = tabs_.shown(observer, dora, "loss");
        return loss >= 0 && loss < calm_loss_ + 0.5 * bad.loss_percent / 100 &&
               tabs_.shown(observer, dora, "delayMs.p50") < calm_delay_ms_ + bad.delay_ms / 2;
      },
      settle_within);
  if (!step("a good network makes them fall again", "TR 23.700-21 7.y step 6", better, false,
            fmt::format("after {:.0f} s", since())))
    return false;
  const bool back = wait([&] { return tabs_.tier(observer) == 0; }, tiers_back_within);
  report_.figures.emplace_back("full_tier_after_seconds", since());
  return step("the tier rises to the top again", "TR 23.700-21 7.y step 7", back, true,
              fmt::format("tier {} after {:.0f} s", tabs_.tier(observer), since()));
}

bool Avatars::block_udp() {
  tabs_.open_guest();
  constexpr double many = 60;
  const auto by_websocket = [&] {
    return tabs_.carrier("guest") == "websocket" &&
           tabs_.states_seen("guest", asset_of("dora")) >= many &&
           tabs_.states_seen(observer, asset_of("guest")) >= many;
  };
  const bool good = wait(by_websocket, browser_within);
  return step("where UDP is blocked, a tab comes by WebSocket", "sdd/1", good, true,
              good ? "it sees the others, and they see it" : "it did not come");
}

bool Avatars::tear_down() {
  for (const auto& [name, one] : door_.tabs())
    if (const auto* session = one.told.find("session");
        session != nullptr && session->text() != nullptr)
      sessions_.push_back(*session->text());
  tabs_.end();
  for (const auto& one : natives_) one->leave();
  for (const auto& session : sessions_)
    enabler_->start("DELETE", fmt::format("{}/{}", mm_sessions, session), {}, {},
                    [](const Result<http::Response>&) {});
  const bool empty = wait(
      [this] {
        if (connections_ != 0U) count("/sdd-trans/v1/connections", connections_);
        return connections_ == 0U;
      },
      settle_within);
  return step("teardown leaves nothing at SEALDD", "TR 23.700-21 7.y step 8", empty, true,
              fmt::format("{} sessions deleted, {} connections left", sessions_.size(),
                          connections_ ? std::to_string(*connections_) : "an unknown number of"));
}

void Avatars::write_artefacts() {
  if (trace_)
    for (auto& message : trace_->take()) door_.draw(std::move(message));
  const auto& drawn = door_.drawn();
  for (const auto& one : drawn)
    report_.sequence.push_back(
        {.from = one.from,
         .to = one.to,
         .text = one.text,
         .clause = one.clause,
         .when = fmt::format("{:.2f} s",
                             std::chrono::duration<double>(one.at - drawn.front().at).count()),
         .request = one.request});
  (void)write_file(
      folder_ + "/trace.mmd",
      adapters::trace::to_mermaid({.id = "avatars", .messages = drawn, .lines_unreadable = 0}));
  std::error_code ignored;
  fs::remove_all(folder_ + "/profile", ignored);
  fs::remove(folder_ + "/drive.mjs", ignored);
  for (const auto& [file, words] :
       {std::pair{"page.png", "a calm network"}, std::pair{"page-2.png", "the network made bad"}})
    if (fs::exists(folder_ + '/' + file))
      report_.lead += fmt::format(
          "<figure><img src=\"{}\" alt=\"{}\" style=\"max-width:100%\"><figcaption>The page of one "
          "tab: {}.</figcaption></figure>\n",
          file, words, words);
}

DemoReport Avatars::play() {
  for (const int number : {SIGINT, SIGTERM})
    loop_.on_signal(number, [this] {
      interrupted_ = true;
      loop_.stop();
    });
  if (!adapters::quic::built_in()) {
    step("QUIC", "sdd/1", false, true, "this program was built without it");
    return report_;
  }
  if (!prepare() || !begin_servers() || !begin_networks()) return report_;
  tick_on();
  bool good = await_node() && begin_natives();
  if (good) std::cout << fmt::format("the page: {}/\n", page_url_) << std::flush;
  if (good && !check_) {
    std::cout << "open it in as many tabs as you like; Ctrl-C ends\n" << std::flush;
    (void)run_until(loop_, [&] { return interrupted_; }, std::chrono::hours{24 * 30});
    interrupted_ = false;  // that is how it ends
    tear_down();
  } else if (good && (!fs::exists("/usr/bin/chromium") || !fs::exists("/usr/bin/node"))) {
    const std::string why = "chromium or node is missing";
    step("SKIPPED: tabs of a browser", "TR 23.700-21 7.y step 5", true, false, why);
    report_.facts.emplace_back("skipped", why);
    tear_down();
  } else if (good) {
    good = open_browser() && see_each_other() && full_tier() && make_it_worse() &&
           make_it_better() && block_udp();
    step("no page had an error", "-", tabs_.errors().empty(), true,
         tabs_.errors().empty() ? "" : tabs_.errors().front());
    tear_down();
  }
  running_ = false;
  write_artefacts();
  report_.interrupted = interrupted_;
  return report_;
}

Exit avatars(const Arguments& arguments) {
  const std::string directory(arguments.text("out"));
  const auto seconds = parse_decimal(arguments.text("seconds"));
  if (!seconds || *seconds < 1 || *seconds > 3600) {
    std::cerr << "--seconds wants 1 to 3600\n";
    return Exit::usage;
  }
  const bool check = arguments.given("check");
  Avatars demo(directory, check, static_cast<double>(*seconds));
  return finish_demo(demo.play(), directory, !check);
}

}  // namespace

Verb avatars_verb() {
  return {.path = "demo avatars",
          .summary =
              "avatars in step: browsers and native clients in one room, a network that gets worse",
          .example = "  lobo demo avatars\n  lobo demo avatars --check --out out/avatars",
          .options = {{.name = "--out",
                       .help = "folder for what it leaves behind",
                       .fallback = "out/avatars"},
                      {.name = "--seconds",
                       .help = "how long the network is calm in a check",
                       .fallback = "5"},
                      {.name = "--check",
                       .help = "unattended: tabs in a headless browser, and an end by itself",
                       .takes = Option::Takes::nothing}},
          .run = avatars};
}

}  // namespace lobo::app
