#include "simulation/application.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/nra_adaptation.hpp"
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

constexpr std::string_view unicasts = "/ss-nra/v1/unicast-subscriptions";
constexpr std::string_view adaptations = "/ss-nra/v1/network-resource-adaptations";
constexpr std::chrono::milliseconds patience{8000};
constexpr std::chrono::milliseconds before_a_retry{500};

std::string last_segment(std::string_view uri) {
  return std::string(uri.substr(uri.rfind('/') + 1));
}

std::string path_of(const Known& known) {
  return std::string(known.adaptation ? adaptations : unicasts) + '/' + known.id;
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
  switch (rng_.below(held ? 9 : 2)) {
    case 0: return create();
    case 1: return rng_.below(2) == 0 && setup_.adapts ? adapt() : create();
    case 8: return list(adaptations, [] {});
    case 2:
    case 3: return release(*held);
    case 4:
    case 5: return modify(*held);
    case 6: return list(unicasts, [] {});
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
  ask(unicasts, json::write(wanted));
}

/// For some of the UEs, or the group.
void Application::adapt() {
  api::nra_adaptation::NetworkResourceAdaptation wanted;
  if (rng_.below(2) == 0) {
    wanted.val_group_id = setup_.group;
  } else {
    wanted.val_ue_ids.emplace();
    for (const auto& ue : setup_.ues)
      if (wanted.val_ue_ids->empty() || rng_.below(2) == 0)
        wanted.val_ue_ids->emplace_back().val_ue_id = ue;
  }
  wanted.uni_qos_req = setup_.qualities[rng_.below(setup_.qualities.size())];
  if (rng_.below(2) == 0) wanted.accept_offer = true;
  if (rng_.below(3) == 0) wanted.bdt_ref_id = rng_.below(4) == 0 ? "unknown" : "bdt-1";
  if (rng_.below(8) == 0) wanted.duration = loop_.now() + std::chrono::seconds(5 + rng_.below(60));
  wanted.notif_uri = "http://" + setup_.authority + "/notify";
  ask(adaptations, json::write(wanted));
}

void Application::ask(std::string_view collection, std::string body) {
  const auto key = setup_.name + '-' + std::to_string(++key_last_);
  send("POST", std::string(collection),
       {{"content-type", "application/json"}, {"idempotency-key", key}}, body,
       [this, collection, key, body](const Result<http::Response>& response) {
         created(response, collection, key, body);
       });
}

void Application::created(const Result<http::Response>& response, std::string_view collection,
                          const std::string& key, const std::string& body) {
  const bool unknown = !response || response->status == 409 || response->status >= 500;
  if (unknown && rng_.below(3) != 0) {
    // What became of it is not known: ask again under the same key, later.
    loop_.after(before_a_retry, [this, collection, key, body] {
      send("POST", std::string(collection),
           {{"content-type", "application/json"}, {"idempotency-key", key}}, body,
           [this, collection, key, body](const Result<http::Response>& again) {
             created(again, collection, key, body);
           });
    });
    return;
  }
  if (!response || response->status != 201) return;
  auto& known = known_[last_segment(response->headers.find("location").value_or(""))];
  known.id = last_segment(response->headers.find("location").value_or(""));
  known.adaptation = collection == adaptations;
  known.confirmed = true;
  if (confirmed_) confirmed_(known);
}

void Application::read(const std::string& id) {
  send("GET", path_of(known_[id]), {}, {}, [](const Result<http::Response>&) {});
}

void Application::modify(const std::string& id) {
  nra::UnicastSubscriptionPatch patch;
  patch.uni_qos_req = setup_.qualities[rng_.below(setup_.qualities.size())];
  auto body = json::write(patch);
  if (known_[id].adaptation && rng_.below(3) == 0)
    body = R"({"valUeIds":[{"valUeId":")" + setup_.ues[rng_.below(setup_.ues.size())] + R"("}]})";
  send("PATCH", path_of(known_[id]), {{"content-type", "application/merge-patch+json"}}, body,
       [](const Result<http::Response>&) {});
}

void Application::release(const std::string& id) {
  known_[id].id = id;
  known_[id].releasing = true;
  send("DELETE", path_of(known_[id]), {}, {}, [this, id](const Result<http::Response>& response) {
    if (response && (response->status == 204 || response->status == 404))
      known_[id].released = true;
  });
}

void Application::list(std::string_view collection, std::function<void()> then) {
  send("GET", std::string(collection) + "?limit=100", {}, {},
       [this, collection, then = std::move(then)](const Result<http::Response>& response) {
         listed_.clear();
         if (response && response->status == 200) {
           if (const auto page = json::read<nra::UnicastSubscriptionList>(response->body);
               page && collection == unicasts)
             for (const auto& item : page->items) listed_.insert(item.uni_sub_id);
           if (const auto page =
                   json::read<api::nra_adaptation::NetworkResourceAdaptationList>(response->body);
               page && collection == adaptations)
             for (const auto& item : page->items) {
               listed_.insert(item.adaptation_id);
               known_[item.adaptation_id].id = item.adaptation_id;
               known_[item.adaptation_id].adaptation = true;
             }
         }
         then();
       });
}

void Application::release_everything() {
  for (const auto collection : {unicasts, adaptations})
    list(collection, [this] {
      for (const auto& id : std::set<std::string>(listed_)) release(id);
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
      // Of an adaptation: only what is about all of its UEs.
      const bool adaptation = notification->notif_id.find(adaptations) != std::string::npos;
      known.adaptation = adaptation;
      const bool of_one = adaptation && request.body.find("valTgtUe") != std::string::npos;
      known.terminated = known.terminated || (told.event == "QOS_TERMINATED" && !of_one);
      if (told_) told_(told);
    }
  }
  reply(http::Response{204, {}, {}});
}

}  // namespace lobo::app::simulation
