#include "demo_green.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "demo_green/books.hpp"
#include "demo_green/configs.hpp"
#include "demo_green/door.hpp"
#include "demo_green/page.hpp"
#include "demo_report.hpp"
#include "exit_code.hpp"
#include "process.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr auto tick = 250ms;
constexpr auto start_within = 20'000ms;
constexpr auto content_within = 120'000ms, browser_within = 120'000ms;
constexpr double here_s = 7;  ///< a player that asked a place so long ago is elsewhere, or nowhere
constexpr double reported_share_off = 0.15;  ///< between what is metered and what was reported
constexpr std::array<std::string_view, 3> player_names{"dash.js", "hls.js", "shaka"};

class Green {
 public:
  Green(std::string directory, std::string players, double seconds)
      : folder_(fs::absolute(directory).string()),
        players_(fs::absolute(players).string()),
        seconds_(seconds) {
    report_.demo = "green";
    report_.subject = "players as they are follow the greenest of three places through a day";
  }
  DemoReport play();

 private:
  bool step(std::string name, std::string clause, bool ok, bool real, std::string detail);
  Result<std::string> ready(ChildProcess& child, const std::string& what);
  Result<void> run(const std::vector<std::string>& words, const std::string& what,
                   std::chrono::milliseconds patience);
  Result<ChildProcess> lobo(const std::string& name, const std::vector<std::string>& words);
  bool prepare();
  bool begin_af();
  bool provision();
  bool begin_places();
  bool begin_steering();
  void watch_players();
  void meter();
  void ask_plan();
  std::string state() const;
  void tick_on();
  double hour() const;
  double grid(std::size_t place) const;
  bool asleep(std::size_t place) const;
  void judge(const json::Value& told);

  std::string folder_, players_;
  double seconds_;
  DemoReport report_{.demo = "green",
                     .subject =
                         "players as they are follow the greenest of three places through a "
                         "day of two minutes",
                     .steps = {},
                     .figures = {},
                     .latencies = {},
                     .pictures = {},
                     .sequence = {}};
  adapters::EventLoop loop_;
  std::unique_ptr<runtime::HttpClient> http_;
  Door door_;
  std::unique_ptr<adapters::HttpServer> door_server_;
  std::uint16_t port_ = 0;
  std::optional<ChildProcess> nginx_, af_, steer_, browser_;
  std::vector<ChildProcess> agents_;
  std::unique_ptr<ApiClient> api_;
  std::string session_, policy_, steer_url_, af_url_;
  std::array<std::uintmax_t, green_places> read_{};
  std::array<int, 3> player_at_{-1, -1, -1};
  std::array<double, 3> player_seen_{};
  std::array<double, green_places> joules_{}, shares_{};
  std::optional<steady_clock::time_point> day_began_;
  steady_clock::time_point metered_ = steady_clock::now();
  double metered_wh_ = 0, metered_from_ = -1, reported_from_ = 0;
  Books books_;
  std::vector<Moment> day_;
  std::uint64_t moves_ = 0, refused_ = 0;
  bool asking_ = false, interrupted_ = false, running_ = true;
};

bool Green::step(std::string name, std::string clause, bool ok, bool real, std::string detail) {
  return tell_step_in_a_line(report_,
                             {std::move(name), std::move(clause), ok, real, std::move(detail)});
}

Result<std::string> Green::ready(ChildProcess& child, const std::string& what) {
  const auto words = ready_words(child, start_within);
  if (!words) return fail(words.error().code, what + ": " + words.error().detail);
  return words->front();
}

Result<void> Green::run(const std::vector<std::string>& words, const std::string& what,
                        std::chrono::milliseconds patience) {
  auto child = ChildProcess::start(words, folder_ + "/tools.log");
  if (!child) return fail(child.error());
  const auto status = child->wait(patience);
  if (!status || *status != 0)
    return fail(Errc::unavailable, fmt::format("{} failed; see {}/tools.log", what, folder_));
  return {};
}

Result<ChildProcess> Green::lobo(const std::string& name, const std::vector<std::string>& words) {
  return start_own(words, folder_ + "/" + name + ".log");
}

// ---- the stage --------------------------------------------------------------------------------

bool Green::prepare() {
  clear_folder(folder_, [](std::string_view name) {
    return name.starts_with("access-") || name.starts_with("asleep-") || name.starts_with("sys-") ||
           name.starts_with("media.sqlite") || name.ends_with(".log") || name == "www" ||
           name == "profile" || name == "summary.json" || name == "report.html" ||
           name == "page.png";
  });
  std::error_code ignored;
  fs::create_directories(folder_ + "/www/players", ignored);
  for (const auto& script : green_scripts)
    fs::copy_file(players_ + "/node_modules/" + std::string(script),
                  folder_ + "/www/players/" + fs::path(script).filename().string(), ignored);
  const auto length = fmt::format("{:.0f}", seconds_ + 40);
  const auto made = run({"ffmpeg",
                         "-v",
                         "error",
                         "-y",
                         "-f",
                         "lavfi",
                         "-i",
                         "testsrc2=size=320x180:rate=12:duration=" + length,
                         "-f",
                         "lavfi",
                         "-i",
                         "sine=frequency=330:duration=" + length,
                         "-map",
                         "0:v",
                         "-map",
                         "1:a",
                         "-c:v",
                         "libx264",
                         "-preset",
                         "ultrafast",
                         "-g",
                         "24",
                         "-keyint_min",
                         "24",
                         "-sc_threshold",
                         "0",
                         "-pix_fmt",
                         "yuv420p",
                         "-b:v",
                         "200k",
                         "-c:a",
                         "aac",
                         "-b:a",
                         "48k",
                         "-seg_duration",
                         "2",
                         "-adaptation_sets",
                         "id=0,streams=v id=1,streams=a",
                         "-hls_playlist",
                         "1",
                         "-f",
                         "dash",
                         folder_ + "/www/plain.mpd"},
                        "ffmpeg", content_within);
  port_ = free_port();
  if (made && port_ != 0 && write_file(folder_ + "/www/page.html", std::string(green_page)) &&
      write_file(folder_ + "/nginx.conf", nginx_text(folder_, port_, door_server_->port()))) {
    auto started =
        ChildProcess::start({fs::exists("/usr/sbin/nginx") ? "/usr/sbin/nginx" : "nginx", "-c",
                             folder_ + "/nginx.conf", "-e", folder_ + "/nginx-error.log"},
                            folder_ + "/nginx.log");
    if (started) nginx_ = std::move(*started);
  }
  return step(
      "three service locations with content", "TR 26.942 7.13.6 17-19",
      made && nginx_.has_value() && !nginx_->wait(300ms), true,
      made ? fmt::format("nginx on 127.0.1.1 to .3, port {}; ffmpeg made DASH and HLS", port_)
           : made.error().detail);
}

bool Green::begin_af() {
  if (!write_file(folder_ + "/media.yaml", af_text(folder_))) return false;
  auto started = lobo("af", {"serve", "-c", folder_ + "/media.yaml"});
  if (started) af_ = std::move(*started);
  const auto url = af_ ? ready(*af_, "the media AF") : Result<std::string>(fail(started.error()));
  if (!url) return step("a media AF", "TR 26.942 7.13", false, true, url.error().detail);
  af_url_ = *url;
  auto api = client_at(loop_, *http_, *url);
  if (!api) return step("a media AF", "TR 26.942 7.13", false, true, api.error().detail);
  api_ = std::move(*api);
  return provision();
}

bool Green::provision() {
  const std::string root = "/3gpp-m1/v2/provisioning-sessions";
  const auto made = [&](const std::string& path, const std::string& body) {
    const auto answer = api_->call("POST", path, body, {{"content-type", "application/json"}});
    if (!answer) return std::string();
    const std::string at(answer->headers.find("location").value_or("x"));
    return at.substr(at.rfind('/') + 1);
  };
  session_ = made(root, R"({"provisioningSessionType":"DOWNLINK","appId":"green"})");
  const auto at = root + '/' + session_;
  const bool good = !session_.empty() &&
                    !made(at + "/content-hosting-configuration", hosting_text(port_)).empty() &&
                    !made(at + "/energy-information-exposure", std::string(exposure_text)).empty();
  if (good) policy_ = made(at + "/energy-policies", policy_text(door_server_->port()));
  return step("a provider's policy: carbon, whatever place", "TR 26.942 7.13.6 1", !policy_.empty(),
              true, fmt::format("session {}, policy {}", session_, policy_));
}

bool Green::begin_places() {
  std::error_code ignored;
  bool good = true;
  for (std::size_t i = 0; i < green_places; ++i) {
    const auto zone = fmt::format("{}/sys-{}/class/powercap/intel-rapl:0", folder_, green_ids[i]);
    fs::create_directories(zone, ignored);
    good = good && write_file(zone + "/name", "psys\n") &&
           write_file(zone + "/max_energy_range_uj", "1152921504606846976\n");
  }
  meter();
  for (std::size_t i = 0; good && i < green_places; ++i) {
    const auto file = fmt::format("{}/agent-{}.yaml", folder_, green_ids[i]);
    good = static_cast<bool>(write_file(file, agent_text(folder_, af_url_, i, port_)));
    auto agent = lobo("agent-" + std::string(green_ids[i]), {"energy", "agent", "-c", file});
    good = good && agent && ready(*agent, "an agent");
    if (good) agents_.push_back(std::move(*agent));
  }
  return step("an energy agent beside each place", "TR 26.942 7.13.6 3, 4, 30", good, false,
              "counters are made up, in RAPL's form; their reports and method are the agent's");
}

bool Green::begin_steering() {
  const auto config = fmt::format(
      "energy_steering:\n  server: {{address: 127.0.0.1, port: 0}}\n  af: {{uri: \"{}\"}}\n",
      af_url_);
  bool good = static_cast<bool>(write_file(folder_ + "/steer.yaml", config));
  auto started = lobo("steer", {"energy", "steer", "-c", folder_ + "/steer.yaml"});
  if (started) steer_ = std::move(*started);
  // It waits for the AF's first plan, which needs the agents' reports, which need our counters.
  std::optional<std::string> url;
  run_until(
      loop_,
      [&] {
        if (url || !steer_) return true;
        const auto line = steer_->read_line(1ms);
        if (line && line->starts_with("ready: ")) url = line->substr(7);
        return url.has_value();
      },
      start_within);
  good = good && url.has_value();
  // Who begins before it has asked begins where the plan has somebody awake, not at the first name.
  run_until(loop_, [&] { return std::ranges::max(shares_) > 0; }, start_within);
  const auto first = static_cast<std::size_t>(std::ranges::max_element(shares_) - shares_.begin());
  for (std::size_t i = 0; good && i < player_names.size(); ++i) {
    const bool hls = i == 1;
    std::vector<std::string> words{
        own_program(),
        "energy",
        "manifest",
        folder_ + (hls ? "/www/master.m3u8" : "/www/plain.mpd"),
        "-o",
        fmt::format("{}/www/p{}.{}", folder_, i, hls ? "m3u8" : "mpd"),
        "--steering",
        fmt::format("{}/steer/{}?g={}&s=player{}", *url, hls ? "hls" : "dash", policy_, i)};
    words.insert(words.end(), {"--default", std::string(green_ids[first])});
    for (std::size_t k = 0; k < green_places; ++k) {
      words.emplace_back("--location");
      words.push_back(fmt::format("{}=http://{}:{}/d{}/", green_ids[k], address_of(k), port_, i));
    }
    good = static_cast<bool>(run(words, "lobo energy manifest", start_within));
  }
  return step("steering follows the AF's plan, manifests carry its tags", "ETSI TS 103 998", good,
              true, url.value_or("no plan came"));
}

// ---- the day ----------------------------------------------------------------------------------

double Green::hour() const {
  if (!day_began_) return 0;
  const std::chrono::duration<double> since = steady_clock::now() - *day_began_;
  return std::min(24.0, since.count() / seconds_ * 24);
}
double Green::grid(std::size_t place) const {
  return door_.held[place].value_or(grid_at(place, hour()));
}
bool Green::asleep(std::size_t place) const {
  return fs::exists(fmt::format("{}/asleep-{}", folder_, green_ids[place]));
}

/// What was served by which place to whom, from the places' own logs.
void Green::watch_players() {
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  for (std::size_t i = 0; i < green_places; ++i) {
    std::ifstream log(fmt::format("{}/access-{}.log", folder_, green_ids[i]));
    log.seekg(static_cast<std::streamoff>(read_[i]));
    std::string line;
    while (std::getline(log, line) && !log.eof()) {
      read_[i] += line.size() + 1;
      const auto words = split(line, ' ');
      if (words.size() < 8 || !words[7].starts_with("/d") || words[7].size() < 3 ||
          words[7].find(".m4s") == std::string_view::npos)
        continue;
      if (words[3] != "200") {
        ++refused_;
        continue;
      }
      const auto player = static_cast<std::size_t>(words[7][2] - '0');
      const double at = std::strtod(std::string(words[0]).c_str(), nullptr);
      if (player >= player_at_.size() || at < player_seen_[player]) continue;
      player_seen_[player] = at;
      const int here = static_cast<int>(i);
      if (player_at_[player] >= 0 && player_at_[player] != here) ++moves_;
      player_at_[player] = here;
    }
  }
  for (std::size_t k = 0; k < player_at_.size(); ++k)
    if (now - player_seen_[k] > here_s) player_at_[k] = -1;
}

/// The made-up counters go on by what each place takes, and the grid's files say what hour it is.
void Green::meter() {
  const auto now = steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - std::exchange(metered_, now)).count();
  std::array<std::size_t, green_places> players{};
  for (const int at : player_at_)
    if (at >= 0) ++players[static_cast<std::size_t>(at)];
  std::array<bool, green_places> sleeps{};
  std::array<double, green_places> grids{};
  for (std::size_t i = 0; i < green_places; ++i) {
    sleeps[i] = asleep(i);
    grids[i] = grid(i);
    const double watts = watts_at(players[i], sleeps[i]);
    joules_[i] += watts * seconds;
    metered_wh_ += green_pue * watts * seconds / 3600;
    const auto file =
        fmt::format("{}/sys-{}/class/powercap/intel-rapl:0/energy_uj", folder_, green_ids[i]);
    // By rename: nobody reads half a number.
    std::error_code ignored;
    if (write_file(file + ".new", fmt::format("{:.0f}\n", joules_[i] * 1e6)))
      fs::rename(file + ".new", file, ignored);
    const auto told = fmt::format("{}/grid-{}.txt", folder_, green_ids[i]);
    if (write_file(told + ".new", fmt::format("{:.1f}\n", grids[i])))
      fs::rename(told + ".new", told, ignored);
  }
  if (!day_began_ || hour() >= 24) return;
  books_.add(players, sleeps, grids, seconds / seconds_ * 24);
  day_.push_back({hour(), grids, players});
}

void Green::ask_plan() {
  if (!api_ || std::exchange(asking_, true)) return;
  api_->start("GET", "/x-steering/v1/steering-plan", {}, {}, [this](Result<http::Response> got) {
    asking_ = false;
    const auto plan = got && got->status == 200 ? json::parse(got->body)
                                                : Result<json::Value>(fail(Errc::unavailable, ""));
    const auto* groups = plan ? plan->find("groups") : nullptr;
    if (groups == nullptr || groups->array() == nullptr) return;
    for (const auto& group : *groups->array()) {
      if (group.find("id") == nullptr || *group.find("id")->text() != policy_) continue;
      double sum = 0;
      for (std::size_t i = 0; i < green_places; ++i) {
        const auto* share = group.find("shares")->find(green_ids[i]);
        const auto* digits =
            share == nullptr ? nullptr : std::get_if<json::Value::Number>(&share->held);
        shares_[i] = digits == nullptr ? 0 : std::strtod(digits->digits.c_str(), nullptr);
        sum += shares_[i];
      }
      for (auto& share : shares_) share /= sum > 0 ? sum : 1;
    }
  });
}

std::string Green::state() const {
  std::string places;
  double all = 0;
  for (std::size_t i = 0; i < green_places; ++i) {
    const auto here = static_cast<std::size_t>(std::ranges::count(player_at_, static_cast<int>(i)));
    const double watts = watts_at(here, asleep(i));
    all += green_pue * watts;
    places += fmt::format(
        R"({}{{"id":"{}","town":"{}","grid":{:.1f},"fixed":{},"watts":{:.1f},"asleep":{},"share":{:.3f}}})",
        i == 0 ? "" : ",", green_ids[i], green_towns[i], grid(i), door_.held[i].has_value(), watts,
        asleep(i), shares_[i]);
  }
  return fmt::format(
      R"({{"hour":{:.3f},"watts":{:.1f},"spent_wh":{:.2f},"saved_wh":{:.2f},"saved_g":{:.2f},"saved_wh_off":{:.2f},"saved_g_off":{:.2f},"players":[{},{},{}],"places":[{}]}})",
      hour(), all, books_.spent().wh, books_.saved_wh(), books_.saved_g(), books_.saved_wh_off(),
      books_.saved_g_off(), player_at_[0], player_at_[1], player_at_[2], places);
}

void Green::tick_on() {
  if (!running_) return;
  watch_players();
  meter();
  ask_plan();
  loop_.stop();  // Whoever waits looks again.
  loop_.after(tick, [this] { tick_on(); });
}

// ---- the verdict ------------------------------------------------------------------------------

void Green::judge(const json::Value& told) {
  const auto count = [&](std::string_view name) {
    const auto* value = told.find(name);
    return value == nullptr ? std::int64_t{-1} : value->integer().value_or(-1);
  };
  const auto* errors = told.find("errors");
  const auto* at = told.find("at");  // The shortest of the three.
  const auto* digits = at == nullptr ? nullptr : std::get_if<json::Value::Number>(&at->held);
  const bool played =
      digits != nullptr && std::strtod(digits->digits.c_str(), nullptr) >= seconds_ * 0.8;
  const bool no_error = errors != nullptr && errors->array() != nullptr && errors->array()->empty();
  step("players moved with the plan, and none stalled", "TR 26.942 7.13.6 35a-35f, by steering",
       moves_ >= player_names.size() && count("waiting") == 0 && no_error && played, true,
       fmt::format("{} moves of three players, {} stalls, {} segments refused", moves_,
                   count("waiting"), refused_));
  step("places that nobody needs stood by, and woke before anybody came", "TR 26.942 7.13",
       books_.asleep_hours() > 0 && refused_ == 0, false,
       fmt::format("{:.1f} place-hours on standby", books_.asleep_hours()));
  step("energy and carbon were saved, beyond all uncertainty", "TR 26.942 7.13.5.2",
       books_.saved_wh() > books_.saved_wh_off() && books_.saved_g() > books_.saved_g_off(), false,
       fmt::format("{:.0f} Wh +- {:.0f} and {:.0f} gCO2e +- {:.0f} of a day, against the nearest "
                   "place and nothing on standby",
                   books_.saved_wh(), books_.saved_wh_off(), books_.saved_g(),
                   books_.saved_g_off()));
  const double metered = metered_wh_ - metered_from_, reported = door_.reported_wh - reported_from_;
  step("what was reported to the provider is what was metered", "TR 26.942 M8",
       metered > 0 && std::abs(reported / metered - 1) <= reported_share_off, false,
       fmt::format("{:.3f} Wh reported, {:.3f} metered, within {:.0f} % by their method", reported,
                   metered, 100 * door_.reported_off));
  report_.figures = {{"saved_wh", books_.saved_wh()},
                     {"saved_wh_off_at_most", books_.saved_wh_off()},
                     {"saved_gco2e", books_.saved_g()},
                     {"saved_gco2e_off_at_most", books_.saved_g_off()},
                     {"spent_wh", books_.spent().wh},
                     {"nearest_wh", books_.nearest().wh},
                     {"player_moves", static_cast<double>(moves_)},
                     {"stalls", static_cast<double>(count("waiting"))},
                     {"standby_place_hours", books_.asleep_hours()}};
  report_.pictures.emplace_back("The grid at the three places, and where the players were",
                                day_svg(day_));
  if (fs::exists(folder_ + "/page.png"))
    report_.lead =
        "<p><img src=\"page.png\" alt=\"the page at the end of the day\" "
        "style=\"max-width:100%\"></p>\n";
}

DemoReport Green::play() {
  for (const int number : {SIGINT, SIGTERM})
    loop_.on_signal(number, [this] {
      interrupted_ = true;
      loop_.stop();
    });
  auto client = make_http_client(loop_, {}, false);
  if (client) http_ = std::move(*client);
  door_.state = [this] { return state(); };
  door_server_ = std::make_unique<adapters::HttpServer>(
      loop_, adapters::ServerConfig{.address = "127.0.0.1", .port = 0}, door_);
  if (!client || !door_server_->listen()) {
    step("a port for the page", "-", false, true, "none is free");
    return report_;
  }
  if (!prepare() || !begin_af() || !begin_places()) return report_;
  tick_on();
  if (!begin_steering()) return report_;
  std::cout << fmt::format("the page: http://127.0.0.1:{}/\n", port_) << std::flush;
  if (const auto why = no_browser(players_); !why.empty()) {
    step("SKIPPED: three players in a browser", "TR 26.942 7.13.6 17-19", true, false, why);
    report_.facts.emplace_back("skipped", why);
    running_ = false;
    return report_;
  }
  auto browser = ChildProcess::start(
      {"node", players_ + "/show.mjs", fmt::format("http://127.0.0.1:{}/", port_),
       folder_ + "/profile", fmt::format("{:.0f}", seconds_), folder_ + "/page.png"},
      folder_ + "/browser.log");
  if (browser) browser_ = std::move(*browser);
  std::optional<json::Value> heard;
  const auto hear = [&](std::chrono::milliseconds patience) {
    heard.reset();
    run_until(
        loop_,
        [&] {
          if (interrupted_ || !browser_) return true;
          if (const auto line = browser_->read_line(1ms))
            if (auto read = json::parse(*line)) heard = std::move(*read);
          return heard.has_value();
        },
        patience);
    return heard.has_value();
  };
  const bool playing = hear(browser_within) && heard->find("event") != nullptr &&
                       *heard->find("event")->text() == "playing";
  if (step("dash.js, hls.js and Shaka Player play, as they are", "TR 26.942 7.13.6 15-19", playing,
           true, playing ? "in Debian's Chromium" : "see " + folder_ + "/browser.log")) {
    day_began_ = steady_clock::now();
    metered_from_ = metered_wh_;
    reported_from_ = door_.reported_wh;
    const auto long_enough = std::chrono::milliseconds(static_cast<std::int64_t>(seconds_ * 1000));
    if (hear(long_enough + browser_within)) judge(*heard);
  }
  report_.interrupted = interrupted_;
  running_ = false;
  return report_;
}

Exit green(const Arguments& arguments) {
  const std::string directory(arguments.text("out"));
  const auto seconds = parse_decimal(arguments.text("seconds"));
  if (!seconds || *seconds < 30 || *seconds > 3600) {
    std::cerr << "--seconds wants 30 to 3600\n";
    return Exit::usage;
  }
  Green demo(directory, std::string(arguments.text("players")), static_cast<double>(*seconds));
  return finish_demo(demo.play(), directory, !arguments.given("check"));
}

}  // namespace

Verb green_verb() {
  return {
      .path = "demo green",
      .summary = "a day in two minutes: players as they are follow the greenest of three places",
      .example = "  lobo demo green\n  lobo demo green --check --out out/green",
      .options = {{.name = "--out",
                   .help = "folder for what it leaves behind",
                   .fallback = "out/green"},
                  {.name = "--seconds", .help = "how long a day takes", .fallback = "120"},
                  {.name = "--players",
                   .help = "folder with the players and their driver",
                   .fallback = "tests/players"},
                  {.name = "--check",
                   .help = "unattended: say nothing to a person at the end",
                   .takes = Option::Takes::nothing}},
      .run = green};
}

}  // namespace lobo::app
