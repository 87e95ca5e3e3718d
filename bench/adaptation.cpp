// An adaptation of many UEs next to the same number of bare calls to the NEF, by one client, turn
// by turn: what our server costs on top of what the network costs anyhow.
//
//   adaptation SERVER NEF UES ROUNDS
//
// Prints one JSON line a round: seconds until the adaptation was answered 201 with every UE
// confirmed, until it was released, until as many AsSessionWithQoS creates were answered 201 by the
// NEF itself, and until these were released. An adaptation also has to learn where the UEs are; the
// MonitoringEvent subscriptions by which it does are asked for bare as well.

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "base/require.hpp"
#include "base/text.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"

namespace lobo::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds patience{60000};
constexpr std::string_view sessions = "/3gpp-as-session-with-qos/v1/bench/subscriptions";
constexpr std::string_view watches = "/3gpp-monitoring-event/v1/bench/subscriptions";
constexpr std::string_view adaptations = "/ss-nra/v1/network-resource-adaptations";

class Asker {
 public:
  explicit Asker(adapters::EventLoop& loop) : loop_(loop), client_(loop, {}) {}

  /// All of them, as fast as the client takes them; seconds until the last was answered.
  double all(const std::vector<http::Request>& requests,
             const std::function<void(const http::Response&)>& answered) {
    const auto began = steady_clock::now();
    std::size_t left = requests.size();
    for (const auto& request : requests)
      client_.send(request, patience, [&](Result<http::Response> response) {
        require(response.has_value());
        answered(*response);
        if (--left == 0) loop_.stop();
      });
    if (left > 0) loop_.run();
    return std::chrono::duration<double>(steady_clock::now() - began).count();
  }

 private:
  adapters::EventLoop& loop_;
  adapters::HttpClient client_;
};

http::Request request_to(const http::Url& root, std::string method, std::string target,
                         std::string body = {}) {
  http::Request request;
  request.method = std::move(method);
  request.scheme = root.scheme;
  request.authority = root.authority();
  request.target = std::move(target);
  if (!body.empty()) request.headers.add("content-type", "application/json");
  request.body = std::move(body);
  return request;
}

/// What the server asks the NEF for one UE.
std::string session_body(std::uint64_t ue) {
  const auto address = fmt::format("10.45.{}.{}", ue / 250, ue % 250 + 1);
  return fmt::format(
      R"({{"notificationDestination":"http://127.0.0.1:9/nrm-callbacks/v1/unicast/u{0}/x",)"
      R"("ueIpv4Addr":"{1}","qosReference":"xr-gold","flowInfo":[{{"flowId":65537,"flowDescriptions":)"
      R"(["permit out ip from any to {1}","permit in ip from {1} to any"]}}],)"
      R"("events":["FAILED_RESOURCES_ALLOCATION","QOS_NOT_GUARANTEED","QOS_GUARANTEED"]}})",
      ue, address);
}

/// What the server asks the NEF for, to know where a UE is.
std::string watch_body(std::uint64_t ue) {
  return fmt::format(
      R"({{"notificationDestination":"http://127.0.0.1:9/nrm-callbacks/v1/ue-watch/u{0}/x",)"
      R"("msisdn":"49170{0:07}","monitoringType":"PDN_CONNECTIVITY_STATUS",)"
      R"("maximumNumberOfReports":100,"immediateRep":true}})",
      ue);
}

std::string adaptation_body(std::uint64_t ues) {
  std::string list;
  for (std::uint64_t ue = 0; ue < ues; ++ue)
    list += fmt::format(R"({}{{"valUeId":"ue{}"}})", ue == 0 ? "" : ",", ue);
  return fmt::format(
      R"({{"valUeIds":[{}],"uniQosReq":"xr-gold","notifUri":"http://127.0.0.1:9/none"}})", list);
}

std::string path_of(std::string_view location) {
  const auto url = http::parse_url(location);
  require(url.has_value());
  return url->target;
}

struct Bare {
  double made = 0;
  double released = 0;
};

/// As many creates, and then as many deletes of what they made.
Bare bare(Asker& asker, const http::Url& nef, std::string_view collection,
          const std::function<std::string(std::uint64_t)>& body, std::uint64_t ues) {
  std::vector<http::Request> creates, deletes;
  for (std::uint64_t ue = 0; ue < ues; ++ue)
    creates.push_back(request_to(nef, "POST", std::string(collection), body(ue)));
  const double made = asker.all(creates, [&](const http::Response& response) {
    require(response.status == 201);
    deletes.push_back(
        request_to(nef, "DELETE", path_of(response.headers.find("location").value_or(""))));
  });
  const double released = asker.all(deletes, [](const http::Response& response) {
    require(response.status == 204 || response.status == 200);
  });
  return {made, released};
}

void round(Asker& asker, const http::Url& server, const http::Url& nef, std::uint64_t ues) {
  std::string made;
  const double adapted = asker.all(
      {request_to(server, "POST", std::string(adaptations), adaptation_body(ues))},
      [&](const http::Response& response) {
        require(response.status == 201);
        require(response.body.find(fmt::format(R"("confirmed":{})", ues)) != std::string::npos);
        made = path_of(response.headers.find("location").value_or(""));
      });
  const double released =
      asker.all({request_to(server, "DELETE", made)},
                [](const http::Response& response) { require(response.status == 204); });

  const auto reserved = bare(asker, nef, sessions, session_body, ues);
  const auto watched = bare(asker, nef, watches, watch_body, ues);
  fmt::print(R"({{"adaptation_s":{:.4f},"adaptation_release_s":{:.4f},"bare_s":{:.4f},)"
             R"("bare_release_s":{:.4f},"bare_watch_s":{:.4f},"bare_watch_release_s":{:.4f}}})"
             "\n",
             adapted, released, reserved.made, reserved.released, watched.made, watched.released);
}

}  // namespace
}  // namespace lobo::bench

int main(int argc, char** argv) {
  namespace http = lobo::http;
  if (argc != 5) return EXIT_FAILURE;
  const auto server = http::parse_url(argv[1]);
  const auto nef = http::parse_url(argv[2]);
  const auto ues = lobo::parse_decimal(argv[3]);
  const auto rounds = lobo::parse_decimal(argv[4]);
  if (!server || !nef || !ues || !rounds) return EXIT_FAILURE;
  lobo::adapters::EventLoop loop;
  lobo::bench::Asker asker(loop);
  for (std::uint64_t i = 0; i < *rounds; ++i) lobo::bench::round(asker, *server, *nef, *ues);
  return EXIT_SUCCESS;
}
