#include "simulation/application.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/ss_nra.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "sim/loop.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::simulation {

namespace nra = api::ss_nra;

namespace {

constexpr std::string_view collection = "/ss-nra/v1/unicast-subscriptions";
constexpr std::chrono::milliseconds patience{8000};
constexpr std::chrono::milliseconds before_a_retry{500};

std::string last_segment(std::string_view uri) {
  return std::string(uri.substr(uri.rfind('/') + 1));
}

}  // namespace

Application::Application(Setup setup, sim::SimLoop& loop, Rng& rng,
                         std::unique_ptr<runtime::HttpClient> client)
    : setup_(std::move(setup)), loop_(loop), rng_(rng), client_(std::move(client)) {}

void Application::send(std::string method, std::string target, http::Headers headers,
                       std::string body, Then then) {
  http::Request request;
  request.method = std::move(method);
  request.scheme = "http";
  request.authority = setup_.server;
  request.target = std::move(target);
  request.headers = std::move(headers);
  request.headers.add("x-lobo-client", setup_.name);
  request.body = std::move(body);
  ++under_way_;
  client_->send(std::move(request), patience,
                [this, then = std::move(then)](Result<http::Response> response) {
                  --under_way_;
                  then(response);
                });
}

void Application::act() {
  const auto held = any_held();
  switch (rng_.below(held ? 8 : 2)) {
    case 0:
    case 1: return create();
    case 2:
    case 3: return release(*held);
    case 4:
    case 5: return modify(*held);
    case 6: return list([] {});
    default: return read(*held);
  }
}

std::optional<std::string> Application::any_held() {
  std::vector<std::string> held;
  for (const auto& [id, known] : known_)
    if (known.confirmed && !known.releasing) held.push_back(id);
  if (held.empty()) return std::nullopt;
  return held[rng_.below(held.size())];
}

void Application::create() {
  nra::UnicastSubscription wanted;
  wanted.val_tgt_ue.val_ue_id = setup_.ues[rng_.below(setup_.ues.size())];
  if (rng_.below(4) != 0)
    wanted.uni_qos_req = setup_.qualities[rng_.below(setup_.qualities.size())];
  if (rng_.below(8) == 0) wanted.duration = loop_.now() + std::chrono::seconds(5 + rng_.below(60));
  wanted.notif_uri = "http://" + setup_.authority + "/notify";
  wanted.supp_feat =
      "70000000000";  // The QoS events, the state member and PATCH: docs/spec-map.md.
  const auto key = setup_.name + '-' + std::to_string(++key_last_);
  auto body = json::write(wanted);
  send("POST", std::string(collection),
       {{"content-type", "application/json"}, {"idempotency-key", key}}, body,
       [this, key, body](const Result<http::Response>& response) { created(response, key, body); });
}

void Application::created(const Result<http::Response>& response, const std::string& key,
                          const std::string& body) {
  const bool unknown = !response || response->status == 409 || response->status >= 500;
  if (unknown && rng_.below(3) != 0) {
    // What became of it is not known: ask again under the same key, later.
    loop_.after(before_a_retry, [this, key, body] {
      send("POST", std::string(collection),
           {{"content-type", "application/json"}, {"idempotency-key", key}}, body,
           [this, key, body](const Result<http::Response>& again) { created(again, key, body); });
    });
    return;
  }
  if (!response || response->status != 201) return;
  auto& known = known_[last_segment(response->headers.find("location").value_or(""))];
  known.id = last_segment(response->headers.find("location").value_or(""));
  known.confirmed = true;
  if (confirmed_) confirmed_(known);
}

void Application::read(const std::string& id) {
  send("GET", std::string(collection) + '/' + id, {}, {}, [](const Result<http::Response>&) {});
}

void Application::modify(const std::string& id) {
  nra::UnicastSubscriptionPatch patch;
  patch.uni_qos_req = setup_.qualities[rng_.below(setup_.qualities.size())];
  send("PATCH", std::string(collection) + '/' + id,
       {{"content-type", "application/merge-patch+json"}}, json::write(patch),
       [](const Result<http::Response>&) {});
}

void Application::release(const std::string& id) {
  known_[id].id = id;
  known_[id].releasing = true;
  send("DELETE", std::string(collection) + '/' + id, {}, {},
       [this, id](const Result<http::Response>& response) {
         if (response && (response->status == 204 || response->status == 404))
           known_[id].released = true;
       });
}

void Application::list(std::function<void()> then) {
  send("GET", std::string(collection) + "?limit=100", {}, {},
       [this, then = std::move(then)](const Result<http::Response>& response) {
         if (response && response->status == 200) {
           const auto page = json::read<nra::UnicastSubscriptionList>(response->body);
           listed_.clear();
           if (page)
             for (const auto& item : page->items) listed_.insert(item.uni_sub_id);
         }
         then();
       });
}

void Application::release_everything() {
  list([this] {
    for (const auto& id : listed_) release(id);
  });
}

void Application::handle(http::Request request, ReplyFn reply) {
  const auto notification = json::read<nra::UserPlaneNotification>(request.body);
  if (notification) {
    for (const auto& event : notification->event_notifs) {
      Told told;
      told.subscription = event.uni_sub_id.value_or(last_segment(notification->notif_id));
      told.sequence = static_cast<std::uint64_t>(event.seq.value_or(0));
      told.event = event.event.text;
      auto& known = known_[told.subscription];
      known.id = told.subscription;
      known.arrivals.push_back(told.sequence);
      known.sequences.insert(told.sequence);
      known.sequence_max = std::max(known.sequence_max, told.sequence);
      known.terminated = known.terminated || told.event == "QOS_TERMINATED";
      if (told_) told_(told);
    }
  }
  reply(http::Response{204, {}, {}});
}

}  // namespace lobo::app::simulation
