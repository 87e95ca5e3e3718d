// The metaverse enabler's whole server, not its parsers: octets are a history of sessions,
// policies, subscriptions, news of SEALDD, faults, crashes and time, through the router and the
// state machines on the virtual world. When all is calm and everything is deleted, nothing is left:
// not at SEALDD, not in the store. A session that was acknowledged is there after a crash.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/require.hpp"
#include "metaverse/world.hpp"
#include "octets.hpp"
#include "services/metaverse/session.hpp"

namespace {

using namespace std::chrono_literals;
namespace http = lobo::http;
namespace sim = lobo::sim;
using lobo::app::testing::MmWorld;
using lobo::fuzz::Octets;

constexpr std::size_t acts_max = 64;
/// So long a session lives whatever happens: its first flow, its grace and its retention are
/// longer.
constexpr auto surely_there = 50s;

constexpr std::string_view qualities[] = {
    "{}", R"({"mbrDl":"8 Mbps","pdbDl":20,"updateRateHz":60})",
    R"({"gbrUl":"1 Mbps","mbrDl":"4 Mbps","alternatives":[{"updateRateHz":15},{"components":1}]})",
    R"({"reliabilityClass":"R4","per":"1E-3","priority":3})"};
constexpr std::string_view impossible = R"({"mbrDl":"1 Mbps","gbrDl":"2 Mbps"})";
constexpr std::string_view wishes[] = {"",
                                       R"(,"redundancy":"DUAL")",
                                       R"(,"optional":true)",
                                       R"(,"mmelSupport":true,"components":15)",
                                       R"(,"direction":"PUB")",
                                       "",
                                       "",
                                       R"(,"dependsOn":["urn:a:1"])"};
constexpr std::string_view policies[] = {
    R"({"match":{},"qosCeil":{"mbrDl":"4 Mbps"},"ladder":[{"updateRateHz":30},{"updateRateHz":15}],)"
    R"("thresholds":{"lossPermille":20},"measurement":{"what":["PACKET_LOSS_RATE"]},)"
    R"("sealdd":{"qualGuarSets":["ESTABLISH_REDUNDANT_TRANS_PATH"]}})",
    R"({"match":{"ueIds":["ue-1"]},"effect":"DENY"})",
    R"({"match":{"valServiceId":"xr.meet"},"maxAssetsPerUe":1,"priority":9})",
    R"({"match":{},"permission":{"publish":0,"subscribe":1},"outOfRange":"REFUSE"})"};
constexpr std::string_view flow_states[] = {"INIT",      "HANDSHAKE", "UP",    "STALLED",
                                            "MIGRATING", "DRAINING",  "CLOSED"};
constexpr std::string_view connection_states[] = {"REQUESTED",   "CONNECTING", "ESTABLISHED",
                                                  "ESTABLISHED", "RELEASED",   "FAILED"};

void need(bool held, const std::string& what) {
  if (held) return;
  std::fprintf(stderr, "finding: %s\n", what.c_str());
  lobo::require(false);
}

/// What clients were promised. Shared with replies that may come after the history has ended.
struct Promises {
  std::map<std::string, lobo::Instant> made;  ///< when, by identifier
};

class History {
 public:
  History(const std::uint8_t* data, std::size_t size) : in_(data, size) {}

  void run() {
    for (std::size_t act = 0; act < acts_max && !in_.empty(); ++act) {
      one();
      world_.loop.run_for(2ms * in_.below(4));  // An answer takes some three.
    }
    calm();
    keep_promises();
    end();
    need(world_.sealdd.empty(), "something is left at SEALDD");
    for (const auto& [id, effect] : world_.durable().effects)
      need(effect.parked, "an effect is left: " + effect.body);  // What was given up is to be read.
    need(world_.durable().timers.empty(), "a timer is left");
    for (const auto& [key, record] : world_.durable().records)
      need(false, "a record is left: " + std::string(key.kind) + ' ' + key.id + ' ' + record.state);
  }

 private:
  void one() {
    switch (in_.below(16)) {
      case 0:
      case 1:
      case 2: return create();
      case 3: return send("DELETE", session());
      case 4: return send("PATCH", session(), R"({"expTime":)" + soon() + "}");
      case 5: return send("PUT", session(), body());
      case 6: return change_asset();
      case 7: return tell();
      case 8: return tell();
      case 9: return measure();
      case 10: return policy();
      case 11: return fault();
      case 12: return advance();
      case 13: return crash();
      case 14: return splice();
      default: return other();
    }
  }

  std::string client() { return in_.below(4) == 0 ? "ue-app" : "val"; }
  std::string asset(unsigned name) {
    const auto ue = "ue-" + std::to_string(1 + in_.below(3));
    const auto quality =
        in_.below(16) == 0 ? impossible : qualities[in_.below(std::size(qualities))];
    return MmWorld::asset(std::to_string(1 + name % 3), ue, quality,
                          wishes[in_.below(std::size(wishes))]);
  }
  std::string soon() {
    const auto n = in_.below(4);
    return n == 0 ? "null" : R"("1970-01-01T0)" + std::to_string(n) + R"(:00:00Z")";
  }
  std::string body() {
    unsigned name = in_.below(3);
    auto assets = asset(name);
    for (auto more = in_.below(3); more > 0; --more) assets += ',' + asset(++name);
    return MmWorld::session_text(assets, in_.below(2) == 0 ? MmWorld::notif() : "");
  }
  http::Headers key() {
    const auto n = in_.below(8);
    if (n > 2) return {};
    return {{"idempotency-key", "a-key-of-both-sides-" + std::to_string(n)}};
  }
  /// One that the store knows of, or one that it does not.
  std::string known(std::string_view kind, std::string_view root) {
    const auto n = in_.next();
    std::vector<std::string> all;
    for (const auto& [key, record] : world_.durable().records)
      if (key.kind == kind) all.push_back(key.id);
    return std::string(root) + (all.empty() || n == 255 ? "nobody" : all[n % all.size()]);
  }
  std::string session() { return known(lobo::metaverse::session_kind, "/mm-das/v1/sessions/"); }

  void send(const std::string& method, const std::string& target, std::string text = {},
            http::Headers headers = {}, std::string_view who = "") {
    const std::string id = target.substr(target.rfind('/') + 1);
    // Asked to end or to change, it may go sooner.
    if (method != "GET" && method != "POST") promises_->made.erase(id);
    const bool creates = method == "POST" && target == "/mm-das/v1/sessions";
    const std::string name = who.empty() ? client() : std::string(who);
    world_.server().plane.router().handle(
        world_.request(method, target, std::move(text), std::move(headers), name),
        [promises = promises_, creates, &loop = world_.loop](const http::Response& response) {
          need(response.status >= 200 && response.status < 600, "no status");
          need(response.status != 500, "500: " + response.body);
          if (!creates || response.status != 201) return;
          const auto path = MmWorld::path_of(response);
          promises->made[path.substr(path.rfind('/') + 1)] = loop.now();
        });
  }
  void create() { send("POST", "/mm-das/v1/sessions", body(), key()); }

  void change_asset() {
    const auto name = in_.below(3);
    auto at = session() + "/assets/urn%3Aa%3A" + std::to_string(1 + name);
    forget(at);
    if (in_.below(2) == 0) at += "?ue-id=ue-" + std::to_string(1 + in_.below(3));
    switch (in_.below(4)) {
      case 0: return send("DELETE", at);
      case 1: return send("GET", at);
      case 2:
        at.insert(std::min(at.find('?'), at.size()), "/veto");
        return send("POST", at, R"({"tier":1,"holdSec":5})");
      default: return send("PUT", at, asset(name));
    }
  }
  /// Whatever the request does, the session is not what was promised any more.
  void forget(std::string_view path) {
    constexpr std::string_view root = "/mm-das/v1/sessions/";
    path.remove_prefix(root.size());
    promises_->made.erase(std::string(path.substr(0, path.find('/'))));
  }

  /// SEALDD tells of one of its connections; what it calls over is.
  void tell() {
    auto& all = world_.sealdd.connections;
    if (all.empty()) return;
    const auto at = std::next(all.begin(), in_.below(static_cast<unsigned>(all.size())));
    auto held = at->second;
    const auto state = connection_states[in_.below(std::size(connection_states))];
    std::string flows;
    for (const auto& [asset, flow] : held.shown.flows)
      flows += (flows.empty() ? "\"" : ",\"") + asset + R"(":")" +
               std::string(flow_states[in_.below(std::size(flow_states))]) + '"';
    if (in_.below(8) == 0) held.sequence = in_.next();
    std::string more;
    if (in_.below(4) == 0) more = R"(,"epoch":)" + std::to_string(in_.below(4));
    const auto text = lobo::testing::SimSealdd::notification(held, state, '{' + flows + '}', more);
    at->second.sequence = std::max(at->second.sequence, held.sequence);
    auto target = held.notif_uri.substr(std::string_view("http://mm.example").size());
    if (in_.below(8) == 0) target.back() ^= 1;
    if (state == "RELEASED" || state == "FAILED") {
      all.erase(at);
      promises_->made.clear();
    }
    send("POST", target, text, {}, "sealdd");
  }
  void measure() {
    auto& all = world_.sealdd.connections;
    if (all.empty()) return;
    const auto at = std::next(all.begin(), in_.below(static_cast<unsigned>(all.size())));
    auto target = at->second.notif_uri.substr(std::string_view("http://mm.example").size());
    target = target.substr(0, target.rfind('/')) + "/measurements";
    send("POST", target,
         R"({"reports":[{"measId":["LATENCY"],"valUeIds":["ue-)" +
             std::to_string(1 + in_.below(3)) + R"("],"measData":{"avgPackLossRate":)" +
             std::to_string(in_.next()) + R"(,"avgLatency":)" + std::to_string(in_.next()) + "}}]}",
         {}, "sealdd");
  }

  void policy() {
    if (in_.below(3) == 0)
      return send("DELETE", known("mm_policy", "/mm-pol/v1/policies/"), {}, {}, "operator");
    promises_->made.clear();  // It may deny what there is.
    send("POST", "/mm-pol/v1/policies", std::string(policies[in_.below(std::size(policies))]), {},
         "operator");
  }

  void fault() {
    auto& sealdd = world_.sealdd;
    constexpr int statuses[] = {0, 429, 503};
    switch (in_.below(9)) {
      case 0: sealdd.status = statuses[in_.below(std::size(statuses))]; return;
      case 1: sealdd.silent = in_.below(2) == 0; return;
      case 2: sealdd.answers_badly = in_.below(2) == 0; return;
      case 3: sealdd.refuses_beside = in_.below(2) == 0; return;
      case 4: sealdd.refuses_change = in_.below(2) == 0; return;
      case 5: sealdd.refused_ues = {"ue-" + std::to_string(1 + in_.below(4))}; return;
      case 6: world_.sink.away = in_.below(2) == 0; return;
      case 7: return store_fault();
      default: break;
    }
    sim::Faults faults;
    const auto share = in_.below(300);
    switch (in_.below(6)) {
      case 0: faults.refuse = share; break;
      case 1: faults.never_answer = share; break;
      case 2: faults.lose_answer = share; break;
      case 3: faults.server_error = share; break;
      case 4: faults.duplicate = share; break;
      default: break;
    }
    world_.network.change_faults("sealdd.example", faults);
  }
  void store_fault() {
    auto& store = world_.server().store;
    switch (in_.below(3)) {
      case 0: return store.set_full(in_.below(2) == 0);
      case 1: return store.set_gone(in_.below(2) == 0);
      default: return store.set_latency(std::chrono::microseconds(100 + in_.next() * 400));
    }
  }

  void advance() {
    const auto scale = in_.below(4);
    auto by = std::chrono::milliseconds(1 + in_.next());
    for (unsigned i = 0; i < scale; ++i) by *= 16;
    world_.loop.run_for(by);
  }
  void crash() {
    world_.crash_and_restart();
    keep_promises();
  }
  void keep_promises() {
    for (const auto& [id, at] : promises_->made)
      need(world_.loop.now() - at > surely_there ||
               world_.durable().find({std::string(lobo::metaverse::session_kind), id}) != nullptr,
           "a promise is lost: " + id);
  }

  /// A valid body in which a few octets are somebody else's.
  void splice() {
    auto text = body();
    const auto at = in_.next() % text.size();
    text.replace(at, in_.below(16), in_.text());
    switch (in_.below(4)) {
      case 0: return send("POST", "/mm-das/v1/sessions", std::move(text));
      case 1: return send("PUT", session(), std::move(text));
      case 2: return send("POST", "/mm-das/v1/resolve", std::move(text), {}, "sealdd");
      default: return send("PATCH", session(), std::move(text));
    }
  }
  void other() {
    switch (in_.below(6)) {
      case 0: return send("POST", "/mm-das/v1/resolve", body(), {}, "sealdd");
      case 1: return send("POST", session() + "/collect", R"({"forSec":5})");
      case 2:
        return send("POST", "/mm-das/v1/subscriptions",
                    R"({"notifUri":"http://val.example/s","events":["FLOW_STATE","TIER_CHANGE"]})");
      case 3: return send("DELETE", known("mm_subscription", "/mm-das/v1/subscriptions/"));
      case 4: return send("GET", "/mm-das/v1/sessions?limit=" + in_.text());
      default: return send("GET", session() + "/flows");
    }
  }

  void calm() {
    world_.network.change_faults("sealdd.example", {});
    auto& sealdd = world_.sealdd;
    sealdd.status = 0;
    sealdd.silent = sealdd.answers_badly = sealdd.refuses_beside = sealdd.refuses_change = false;
    sealdd.refused_ues.clear();
    world_.sink.away = false;
    auto& store = world_.server().store;
    store.set_full(false);
    store.set_gone(false);
    store.set_latency(sim::SimStore::latency_usual);
    world_.loop.run_for(2min);  // The longest pause between two attempts is a minute.
  }

  /// Everything is deleted by who made it, and kept for as long as released sessions are.
  void end() {
    for (const auto kind : {"mm_policy", "mm_subscription", "mm_session"})
      for (const auto& [key, record] : sim::StoreState(world_.durable()).records) {
        if (key.kind != kind) continue;
        const std::string_view name = kind;
        const auto path = name == "mm_policy"    ? "/mm-pol/v1/policies/" + key.id
                          : name == "mm_session" ? "/mm-das/v1/sessions/" + key.id
                                                 : "/mm-das/v1/subscriptions/" + key.id;
        static_cast<void>(world_.ask("DELETE", path, {}, {}, record.owner));
      }
    world_.loop.run_for(15min);
  }

  Octets in_;
  std::shared_ptr<Promises> promises_ = std::make_shared<Promises>();
  MmWorld world_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // What the world around the server did not expect of it is a finding as well.
  GTEST_FLAG_SET(throw_on_failure, true);
  History(data, size).run();
  return 0;
}
