// The whole server, not its parsers: octets are a history of requests, callbacks, faults, crashes
// and time, through the router and the state machines on the virtual world. The checkers of `lobo
// sim` judge when all is calm again.
//
// The first octet chooses whether the core is honest. A core that lies about what it holds may make
// the books disagree; it may never crash the server, hold it up, or make it forget what it
// promised.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/require.hpp"
#include "octets.hpp"
#include "support/system.hpp"

namespace {

namespace app = lobo::app;
namespace http = lobo::http;
namespace sim = lobo::sim;
using app::testing::collection;
using app::testing::System;
using lobo::require;
using lobo::fuzz::Octets;

constexpr std::size_t acts_max = 96;

constexpr std::string_view qualities[] = {
    "gold", "silver", "bronze", R"({\"dlBitRate\":\"5 Mbps\",\"gbrDl\":\"1 Mbps\"})",
    R"({\"qosReference\":\"gold\",\"altQoSReferences\":[\"bronze\"]})"};
constexpr std::string_view events[] = {"QOS_GUARANTEED",
                                       "QOS_NOT_GUARANTEED",
                                       "SUCCESSFUL_RESOURCES_ALLOCATION",
                                       "FAILED_RESOURCES_ALLOCATION",
                                       "SESSION_TERMINATION",
                                       "RELEASE_OF_BEARER",
                                       "LOSS_OF_BEARER",
                                       "USAGE_REPORT",
                                       "SOMETHING_NEW"};

/// What clients were promised. Shared with replies that may come after the history has ended.
struct Promises {
  struct One {
    std::string client;
    bool ended = false;  ///< released, or given an end: it may go
  };
  std::map<std::string, One> made;
};

class History {
 public:
  History(const std::uint8_t* data, std::size_t size)
      : in_(data, size), honest_(in_.next() % 2 == 0) {}

  void run() {
    for (std::size_t act = 0; act < acts_max && !in_.empty(); ++act) one();
    calm();
    for (const auto& [id, promise] : promises_->made)
      if (!promise.ended && honest_)
        need(system_.durable().find({"unicast", id}) != nullptr, "a promise is lost: " + id);
    judge(false);
    for (int round = 0; round < 2; ++round) {
      system_.release_everything();
      system_.settle();
    }
    judge(true);
    need(system_.evil.seen.empty(), "somebody was asked who has no part in this");
  }

 private:
  static void need(bool held, const std::string& what) {
    if (held) return;
    std::fprintf(stderr, "finding: %s\n", what.c_str());
    require(false);
  }
  void judge(bool released) {
    if (!honest_) {
      app::simulation::Checkers checkers;
      checkers.not_stuck(system_.durable());
      need(checkers.findings().empty(),
           checkers.findings().empty() ? "" : checkers.findings().front().what);
      return;
    }
    const auto wrong = system_.unjust(released);
    need(wrong.empty(), wrong);
  }

  void one() {
    switch (in_.below(16)) {
      case 0:
      case 1: return send("POST", std::string(collection), body(), key());
      case 2: return send("PATCH", path(), patch());
      case 3: return send("DELETE", path(), {});
      case 4:
        return send("GET",
                    in_.below(2) == 0 ? path() : std::string(collection) + "?limit=" + in_.text(),
                    {});
      case 5: return callback();
      case 6: return fault();
      case 7: return advance();
      case 8: return advance();
      case 9: return crash();
      case 10: return splice();
      case 11: return degrade();
      case 12: return store_fault();
      case 13: return send(std::string(methods[in_.below(5)]), "/" + in_.text(), in_.text());
      case 14: return lie();
      default: return watch_callback();
    }
  }

  std::string client() { return in_.below(4) == 0 ? "app2" : "app1"; }
  std::string ue() { return "ue" + std::to_string(1 + in_.below(4)); }
  std::string body() { return System::body(ue(), qualities[in_.below(5)]); }
  std::string patch() {
    if (in_.below(8) == 0) return in_.text();
    return R"({"uniQosReq":")" + std::string(qualities[in_.below(5)]) + "\"}";
  }
  http::Headers key() {
    const auto n = in_.below(8);
    if (n > 3) return {};
    return {{"idempotency-key", "key" + std::to_string(n)}};
  }
  /// One of the subscriptions that the store knows, or one that it does not.
  std::string id() {
    const auto n = in_.next();
    std::vector<std::string> all;
    for (const auto& [key, record] : system_.durable().records)
      if (key.kind == "unicast") all.push_back(key.id);
    if (all.empty() || n == 255) return "nobody";
    return all[n % all.size()];
  }
  std::string path() { return System::path_of(id()); }

  void send(const std::string& method, const std::string& target, std::string text,
            http::Headers headers = {}) {
    const auto who = client();
    auto request = system_.request(method, target, std::move(text), headers, who);
    const bool forever = request.body.find("duration") == std::string::npos;
    if (method == "DELETE" || (method == "PATCH" && !forever))
      promises_->made[target.substr(target.rfind('/') + 1)].ended = true;
    system_.server().control_plane.router().handle(
        std::move(request),
        [promises = promises_, who, forever, method](const http::Response& response) {
          need(response.status >= 200 && response.status < 600, "no status");
          need(response.status != 500, "500: " + response.body);
          if (response.status == 201) {
            auto& promise = promises->made[System::id_of(response)];
            promise.client = who;
            promise.ended = promise.ended || !forever;
          }
        });
  }

  /// A valid body in which a few octets are somebody else's.
  void splice() {
    auto text = in_.below(2) == 0 ? body() : patch();
    const auto at = text.empty() ? 0 : in_.next() % text.size();
    text.replace(at, in_.below(16), in_.text());
    switch (in_.below(3)) {
      case 0: return send("POST", std::string(collection), std::move(text));
      case 1: return send("PATCH", path(), std::move(text));
      default: return to_callback(std::move(text), in_.below(2) == 0);
    }
  }

  void callback() {
    const auto& event = events[in_.below(9)];
    // In an honest world only news that change nothing about what the core holds may be invented.
    const bool harmless =
        event.starts_with("QOS_") || event.starts_with("USAGE") || event.starts_with("SOME");
    const bool right = in_.below(2) == 0 && (harmless || !honest_);
    to_callback(R"({"transaction":"http://core.example/x/subscriptions/)" +
                    in_.text().substr(0, 16) + R"(","eventReports":[{"event":")" +
                    std::string(event) + R"("}]})",
                right);
  }
  void to_callback(std::string text, bool right) {
    const auto to = id();
    const auto secret = right ? system_.secret_of(to).value_or("x") : "guess" + in_.text();
    send("POST", system_.callback_path(to, secret), std::move(text));
  }
  void watch_callback() {
    send("POST", "/nrm-callbacks/v1/ue-watch/extid-" + ue() + "@lobodon.example/" + "guess",
         R"({"subscription":"http://core.example/subscriptions/1","cancelInd":true})");
  }

  void fault() {
    sim::Faults faults;
    const auto share = in_.below(300);
    switch (in_.below(7)) {
      case 0: faults.refuse = share; break;
      case 1: faults.never_answer = share; break;
      case 2: faults.lose_answer = share; break;
      case 3: faults.server_error = share; break;
      case 4: faults.throttle = share; break;
      case 5: faults.redirect = share; break;
      default: break;
    }
    const std::string_view parties[] = {System::core_authority, System::server_authority,
                                        "app1.example"};
    system_.network.change_faults(std::string(parties[in_.below(3)]), faults);
  }

  void advance() {
    const auto scale = in_.below(4);
    auto by = std::chrono::milliseconds(1 + in_.next());
    for (unsigned i = 0; i < scale; ++i) by *= 16;
    system_.loop.run_for(by);
  }

  void crash() { system_.crash_and_restart(); }

  void degrade() {
    const std::string base = "/netsim-control/v1/ues/" + ue();
    switch (in_.below(5)) {
      case 0:
        system_.operate("POST", base + "/degrade", R"({"lossPercent":5,"delayMs":400})");
        return;
      case 1: system_.operate("POST", base + "/restore"); return;
      case 2:
        system_.operate("POST", base + "/address",
                        R"({"ipv4Addr":"10.46.0.)" + std::to_string(2 + in_.below(200)) + "\"}");
        return;
      case 3: system_.operate("POST", base + "/detach"); return;
      default: system_.operate("POST", base + "/attach"); return;
    }
  }

  void store_fault() {
    auto& store = system_.server().store;
    switch (in_.below(3)) {
      case 0: return store.set_full(in_.below(2) == 0);
      case 1: return store.set_gone(in_.below(2) == 0);
      default: return store.set_latency(std::chrono::microseconds(100 + in_.next() * 400));
    }
  }

  /// The next answers of a dishonest core are not its own.
  void lie() {
    auto lie = std::make_shared<http::Response>();
    const int statuses[] = {200, 201, 204, 307, 400, 403, 404, 429, 500, 503};
    lie->status = statuses[in_.below(10)];
    if (in_.below(2) == 0)
      lie->headers.add("location",
                       in_.below(4) == 0 ? "http://evil.example/subscriptions/1" : in_.text());
    lie->headers.add("content-type", "application/json");
    lie->body = in_.text();
    const auto left = std::make_shared<unsigned>(1 + in_.below(4));
    if (honest_) return;
    system_.core->bend = [lie, left](const http::Request&, http::Response& response) {
      if (*left == 0) return;
      --*left;
      response = *lie;
    };
  }

  void calm() {
    for (const auto party :
         {System::core_authority, System::server_authority, std::string_view("app1.example")})
      system_.network.change_faults(std::string(party), {});
    system_.core->bend = nullptr;
    auto& store = system_.server().store;
    store.set_full(false);
    store.set_gone(false);
    store.set_latency(sim::SimStore::latency_usual);
    for (int i = 1; i <= 4; ++i) {
      const auto base = "/netsim-control/v1/ues/ue" + std::to_string(i);
      system_.operate("POST", base + "/attach");
      system_.operate("POST", base + "/restore");
    }
    system_.settle();
  }

  static constexpr std::string_view methods[] = {"GET", "POST", "PATCH", "DELETE", "OPTIONS"};
  Octets in_;
  bool honest_;
  std::shared_ptr<Promises> promises_ = std::make_shared<Promises>();
  // A core that gives a callback up leaves us with what it told last: it has patience here, so that
  // a store that was gone for long is not taken for a forgotten reservation.
  System system_{{.adjust_core = [](lobo::core_sim::CoreConfig& config) {
    config.callback_attempts_max = 14;
  }}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  History(data, size).run();
  return 0;
}
