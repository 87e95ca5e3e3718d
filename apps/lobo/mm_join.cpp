// `lobo mm join`: an avatar that walks in a circle and tells whom it sees.
#include "mm_join.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/loop.hpp"
#include "api_client.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "config_section.hpp"
#include "exit_code.hpp"
#include "mmec/meter.hpp"
#include "mmec/ports.hpp"
#include "mmec/types.hpp"
#include "mmec_client/client.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "wire/http/url.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/pose.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
namespace pose = sdd::pose;

constexpr std::string_view what = "the client does not join";
constexpr auto duration_max = 24h;
constexpr auto tell_interval = 1s;
constexpr double rate_max = 240;
constexpr double circle_m = 1.5;  ///< radius of the walk
constexpr double lap_s = 8;

Result<std::chrono::milliseconds> duration_option(const Arguments& arguments,
                                                  std::string_view name) {
  const auto read = parse_duration(arguments.text(name));
  if (!read || *read < 0ms || *read > duration_max)
    return fail(Errc::out_of_range,
                fmt::format("--{} wants a time such as 30s, at most 24h", name));
  return std::chrono::duration_cast<std::chrono::milliseconds>(*read);
}

Result<double> rate_of(const Arguments& arguments) {
  const auto text = arguments.text("rate");
  double rate = -1;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), rate);
  if (wrong != std::errc{} || end != text.data() + text.size() || !(rate >= 0 && rate <= rate_max))
    return fail(Errc::out_of_range, "--rate wants a number from 0 to 240");
  return rate;
}

/// The text itself, or that of the file behind an '@'.
Result<std::string> token_of(std::string_view text) {
  if (!text.starts_with('@')) return std::string(text);
  std::ifstream file{std::string(text.substr(1))};
  if (!file) return fail(Errc::not_found, fmt::format("--token: cannot read {}", text.substr(1)));
  const std::string read{std::istreambuf_iterator<char>(file), {}};
  return std::string(trim(read));
}

Result<mmec::Grant> grant_of(const Arguments& arguments) {
  const auto text = token_of(arguments.text("token"));
  if (!text) return fail(text.error());
  auto token = sdd::token_of_text(*text);
  if (!token) return fail(token.error());
  auto at = mmec_place(arguments.text("node"));
  if (!at) return fail(at.error());
  if (arguments.given("certificate")) {
    const auto digest = mmec_certificate(arguments.text("certificate"));
    if (!digest) return fail(digest.error());
    at->certificate = *digest;
  }
  return mmec::read_grant(std::move(*token), std::move(*at));
}

Result<mmec::Settings> settings_of(const Arguments& arguments) {
  mmec::Settings out;
  out.name = "lobo mm join";
  out.poses = true;
  out.ue = arguments.text("ue");
  if (arguments.given("through")) {
    auto through = mmec_place(arguments.text("through"));
    if (!through) return fail(through.error());
    out.through = std::move(*through);
  }
  if (arguments.given("second")) {
    auto second = mmec_way(arguments.text("second"));
    if (!second) return fail(second.error());
    out.second = std::move(*second);
  }
  if (arguments.given("token")) {
    auto grant = grant_of(arguments);
    if (!grant) return fail(grant.error());
    out.grant = std::move(*grant);
    return out;
  }
  const auto target = target_of(arguments);
  if (!target) return fail(target.error());
  const auto path = target->root.target == "/" ? std::string() : target->root.target;
  out.api_root = target->root.origin() + path;
  out.authorization = target->token;
  out.session = arguments.text("session");
  out.idempotency_key = arguments.text("idempotency-key");
  out.service = arguments.text("service");
  out.requester = arguments.text("requester");
  out.room = arguments.text("room");
  mmec::Wanted wanted;
  wanted.asset = arguments.given("asset") ? std::string(arguments.text("asset"))
                                          : "urn:avatar:" + http::percent_encode(out.ue);
  wanted.asset_class = "avatar";
  // Who only receives an asset sees that one; its own, which nobody publishes, would be nothing.
  if (arguments.given("observe") && arguments.given("asset"))
    wanted.direction = sdd::Direction::sub;
  const auto rate = rate_of(arguments);
  if (!rate) return fail(rate.error());
  if (*rate >= 0.1) wanted.rate_hz = *rate;
  out.assets.push_back(std::move(wanted));
  return out;
}

/// A UE's number on its circle, so that two of them do not stand in each other.
double phase_of(std::string_view ue) {
  const auto hash = std::hash<std::string_view>{}(ue) % 360;
  return static_cast<double>(hash) / 180 * std::numbers::pi;
}

class Walker final : public mmec::Application {
 public:
  Walker(const Arguments& arguments, std::string_view ue)
      : json_(arguments.text("output") == "json"),
        every_state_(arguments.given("states")),
        phase_(phase_of(ue)) {}

  void received(const mmec::State& state) override {
    auto& seen = seen_[std::string(state.asset)];
    ++seen.states;
    if (state.age) seen.age = *state.age;
    if (state.component == pose::component_root)
      if (const auto root = pose::read_root(state.payload)) seen.at = root->at;
    if (!every_state_) return;
    line(fmt::format(
        R"({{"event":"state","asset":{},"component":{},"seq":{},"bytes":{},"ageUs":{}{}}})",
        json_quoted(state.asset), state.component, state.seq, state.payload.size(),
        state.age ? fmt::to_string(state.age->count()) : "null", place(seen)));
  }

  void told(const mmec::Event& event) override {
    std::string more;
    if (!event.asset.empty())
      more += fmt::format(R"(,"asset":{},"ue":{},"alias":{})", json_quoted(event.asset),
                          json_quoted(event.ue), event.alias);
    if (event.flow != 0) more += fmt::format(R"(,"flow":{})", event.flow);
    if (event.kind == mmec::EventKind::tier)
      more += fmt::format(R"(,"tier":{},"reason":{},"rateHz":{},"components":{})", event.tier,
                          json_quoted(sdd::to_string(event.reason)), event.rate_mhz / 1000.0,
                          event.components);
    if (event.error) {
      more += fmt::format(R"(,"error":{},"detail":{})", json_quoted(to_string(event.error->code)),
                          json_quoted(event.error->detail));
      for (const auto& fault : event.error->faults)
        more +=
            fmt::format(R"(,{}:{})", json_quoted("at " + fault.where), json_quoted(fault.reason));
    }
    line(fmt::format(R"({{"event":"{}"{}}})", mmec::to_string(event.kind), more));
    if (event.kind == mmec::EventKind::asset_gone) seen_.erase(event.asset);
    if (event.kind == mmec::EventKind::ended) {
      failed_ = event.error.has_value();
      if (ended) ended();
    }
  }

  void tell(const mmec::Stats& stats, std::string_view session, std::string_view name) {
    mmec::FlowFigures all;
    std::string flows;
    for (const auto& flow : stats.total) {
      all.states += flow.states;
      all.bytes += flow.bytes;
      all.expected += flow.expected;
      all.lost += flow.lost;
      all.left_out += flow.left_out;
    }
    for (const auto& flow : stats.recent) flows += (flows.empty() ? "" : ",") + figures(flow);
    std::string others;
    for (const auto& [asset, seen] : seen_)
      others +=
          fmt::format(R"({}{{"asset":{},"states":{}{}{}}})", others.empty() ? "" : ",",
                      json_quoted(asset), seen.states, place(seen),
                      seen.age ? fmt::format(R"(,"ageUs":{})", seen.age->count()) : std::string());
    std::string clock = "null";
    if (stats.clock)
      clock = fmt::format(R"({{"offsetUs":{},"errorUs":{}}})", stats.clock->offset.count(),
                          stats.clock->error.count());
    line(fmt::format(
        R"({{"event":"{}","phase":"{}","session":{},"connections":{},"ways":{},"attempts":{},"clock":{},"rttUs":{},)"
        R"("sent":{{"states":{},"bytes":{},"replaced":{},"repeated":{},"twice":{},"datagramsAcked":{},"datagramsLost":{}}},)"
        R"("received":{{"states":{},"bytes":{},"expected":{},"lost":{},"lossPpm":{},"leftOut":{},"late":{},"copies":{}}},)"
        R"("flows":[{}],"assets":[{}]}})",
        name, mmec::to_string(stats.phase), json_quoted(session), stats.connections, stats.ways,
        stats.attempts, clock, stats.path.smoothed_rtt.count(), stats.states_sent, stats.bytes_sent,
        stats.states_replaced, stats.states_repeated, stats.states_twice, stats.datagrams.acked,
        stats.datagrams.lost, all.states, all.bytes, all.expected, all.lost,
        all.expected == 0 ? 0 : all.lost * 1'000'000 / all.expected, all.left_out,
        stats.states_late, stats.copies, flows, others));
  }

  /// Where it is after so long: a step further on the circle, the head nodding, the hands waving.
  void walk(MmecClient& client, std::chrono::duration<double> time) const {
    const double angle = phase_ + time.count() / lap_s * 2 * std::numbers::pi;
    pose::Root root;
    root.at = {circle_m * std::cos(angle), 0, circle_m * std::sin(angle)};
    root.turn = {0, std::sin(-angle / 2), 0, std::cos(-angle / 2)};
    send(client, pose::component_root, root);
    pose::Upper upper;
    const double wave = 0.2 * std::sin(time.count() * 3);
    for (std::size_t i = 0; i < pose::upper_parts; ++i) {
      const double side = i == 0 ? 0 : i == 1 ? -0.4 : 0.4;
      upper.parts[i] = {true, {side, (i == 0 ? 1.6 : 1.2) + wave / (i == 0 ? 10 : 1), 0.2}, {}};
    }
    send(client, pose::component_upper, upper);
  }

  bool failed() const { return failed_; }
  std::function<void()> ended;

 private:
  struct Seen {
    std::uint64_t states = 0;
    std::optional<std::chrono::microseconds> age;
    std::optional<pose::Vec3> at;
  };

  template <class Part>
  static void send(MmecClient& client, sdd::Component component, const Part& part) {
    std::array<std::byte, pose::bones_bytes_max> room{};
    ByteWriter out(room);
    pose::write(out, part);
    // What is refused here is told as an event, or will be said better by the next state.
    (void)client.publish(0, component, out.written());
  }
  static std::string place(const Seen& seen) {
    if (!seen.at) return {};
    return fmt::format(R"(,"x":{:.3f},"y":{:.3f},"z":{:.3f})", seen.at->x, seen.at->y, seen.at->z);
  }
  static std::string figures(const mmec::FlowFigures& flow) {
    std::string out = fmt::format(
        R"({{"flow":{},"states":{},"bps":{},"lossPpm":{},"duplicates":{},"jitterUs":{})", flow.flow,
        flow.states, flow.bps, static_cast<std::uint64_t>(flow.loss() * 1e6), flow.duplicates,
        flow.jitter_us);
    const auto add = [&](std::string_view name, const std::optional<mmec::Quantiles>& of) {
      if (of) out += fmt::format(R"(,"{0}UsP50":{1},"{0}UsP99":{2})", name, of->p50, of->p99);
    };
    add("delay", flow.delay);
    add("age", flow.age);
    add("gap", flow.gap);
    return out + '}';
  }
  /// One JSON object a line; for people without its braces and quotes.
  void line(std::string text) const {
    if (!json_) {
      std::erase_if(text, [](char c) { return c == '{' || c == '}' || c == '"'; });
      for (std::size_t at = 0; (at = text.find(',', at)) != std::string::npos; ++at) text[at] = ' ';
      if (text.starts_with("event:")) text.erase(0, std::string_view("event:").size());
    }
    std::cout << text << '\n' << std::flush;
  }

  bool json_;
  bool every_state_;
  double phase_;
  bool failed_ = false;
  std::map<std::string, Seen> seen_;
};

Exit join(const Arguments& arguments) {
  auto settings = settings_of(arguments);
  const auto how_long = duration_option(arguments, "for");
  const auto rate = rate_of(arguments);
  const std::array<const Error*, 3> wrongs{settings ? nullptr : &settings.error(),
                                           how_long ? nullptr : &how_long.error(),
                                           rate ? nullptr : &rate.error()};
  for (const auto* wrong : wrongs)
    if (wrong != nullptr) return tell(what, *wrong, "lobo mm join --help"), Exit::usage;

  adapters::EventLoop loop;
  adapters::crypto::SystemRng rng;
  const std::string ue = settings->grant ? settings->grant->claims.ue : settings->ue;
  Walker walker(arguments, ue);
  auto client = MmecClient::open(std::move(*settings),
                                 {loop, rng, walker, std::string(arguments.text("ca"))});
  if (!client) return tell(what, client.error()), Exit::failed;
  std::optional<mmec::Stats> before;  // Whoever has left measures nothing.
  const auto leave = [&] {
    if (!before) before = (*client)->stats();
    (*client)->leave(arguments.given("end-session"));
  };
  walker.ended = [&] { loop.stop(); };
  for (const int number : {SIGTERM, SIGINT}) loop.on_signal(number, leave);
  if (*how_long > 0ms) loop.after(*how_long, leave);

  const auto begun = std::chrono::steady_clock::now();
  std::uint64_t steps = 0;
  // By number, so that a late step does not make all that follow late.
  std::function<void()> step = [&] {
    walker.walk(**client, std::chrono::steady_clock::now() - begun);
    const auto next = begun + std::chrono::duration<double>(static_cast<double>(++steps) / *rate);
    loop.after(
        std::chrono::duration_cast<std::chrono::microseconds>(
            std::max<std::chrono::duration<double>>(next - std::chrono::steady_clock::now(), 0s)),
        step);
  };
  std::function<void()> report = [&] {
    walker.tell((*client)->stats(), (*client)->session().id(), "stats");
    loop.after(tell_interval, report);
  };
  if (const auto started = (*client)->start(); !started)
    return tell(what, started.error(), "lobo mm join --help"), Exit::usage;
  if (const auto told = announce_ready({ue}, std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error()), Exit::failed;
  if (*rate > 0 && !arguments.given("observe")) step();
  loop.after(tell_interval, report);
  loop.run();
  if (before) before->phase = (*client)->session().phase();
  walker.tell(before ? *before : (*client)->stats(), (*client)->session().id(), "end");
  return walker.failed() ? Exit::failed : Exit::ok;
}

}  // namespace

Verb mm_join_verb() {
  auto options = std::vector<Option>{
      {.name = "--ue", .help = "who joins: VAL UE id", .fallback = "lobo"},
      {.name = "--session", .help = "join this one; absent: ask for one"},
      {.name = "--service", .help = "VAL service id of a new session", .fallback = "lobo"},
      {.name = "--requester", .help = "of a new session; absent: the UE"},
      {.name = "--room", .help = "of a new session: who is in one room sees each other"},
      {.name = "--idempotency-key", .help = "who asks with the same one gets the same session"},
      {.name = "--asset", .help = "URI of the avatar; absent: urn:avatar: and the UE"},
      {.name = "--token", .help = "a flow token, or @FILE: without an enabler"},
      {.name = "--node", .help = "with --token: the node's address and port"},
      {.name = "--certificate", .help = "with --token: SHA-256 of the node's certificate, in hex"},
      {.name = "--through", .help = "reach the node by this address and port, as lobo impair has"},
      {.name = "--second",
       .help =
           "another way for flows that go twice: an address to leave from, @ADDRESS:PORT, or both"},
      {.name = "--rate", .help = "poses a second; 0: none", .fallback = "30"},
      {.name = "--observe",
       .help = "publish nothing; with --asset: see that one alone",
       .takes = Option::Takes::nothing},
      {.name = "--states", .help = "a line for each state", .takes = Option::Takes::nothing},
      {.name = "--end-session",
       .help = "end the session when leaving",
       .takes = Option::Takes::nothing},
      {.name = "--for", .help = "how long; 0s: until Ctrl-C", .fallback = "0s"},
      {.name = "--ready-file", .help = "where to write a line once it begins"}};
  for (auto& option : server_options("http://127.0.0.67:7777"))
    options.push_back(std::move(option));
  options.push_back(output_option());
  return {.path = "mm join",
          .summary = "an emulated client: joins, moves an avatar, and tells whom it sees",
          .example =
              "  lobo mm join --ue alice --room hall --for 10s\n"
              "  lobo mm join --session 3f0c… --ue bob -o json\n"
              "  lobo mm join --token @alice.token --node 127.0.0.68:4433 --certificate sha256:…",
          .options = std::move(options),
          .run = join};
}

}  // namespace lobo::app
