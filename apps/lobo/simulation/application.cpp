#include "simulation/application.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
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

constexpr std::chrono::milliseconds patience{8000};
constexpr std::chrono::milliseconds before_a_retry{500};

std::string_view collection_of(Asked what) {
  switch (what) {
    case Asked::unicast: return detail::unicasts;
    case Asked::adaptation: return detail::adaptations;
    case Asked::monitor: return detail::monitors;
  }
  std::abort();
}

Asked asked_of(std::string_view collection) {
  if (collection == detail::monitors) return Asked::monitor;
  return collection == detail::adaptations ? Asked::adaptation : Asked::unicast;
}

}  // namespace

namespace detail {

std::string last_segment(std::string_view uri) {
  return std::string(uri.substr(uri.rfind('/') + 1));
}

std::string path_of(const Known& known) {
  return std::string(collection_of(known.what)) + '/' + known.id;
}

}  // namespace detail

using detail::adaptations;
using detail::last_segment;
using detail::monitors;
using detail::path_of;
using detail::unicasts;

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
  if (setup_.monitors && rng_.below(5) < 2) return act_on_monitors();
  const auto held = all_held(false);
  const auto one = held.empty() ? std::string() : held[rng_.below(held.size())];
  switch (rng_.below(held.empty() ? 2 : 9)) {
    case 0: return create();
    case 1: return rng_.below(2) == 0 ? adapt() : create();
    case 8: return list(adaptations, [] {});
    case 2:
    case 3: return release(one);
    case 4:
    case 5: return modify(one);
    case 6: return list(unicasts, [] {});
    default: return read(one);
  }
}

std::vector<std::string> Application::all_held(bool of_monitors) const {
  std::vector<std::string> held;
  for (const auto& [id, known] : known_)
    if (known.confirmed && !known.releasing && (known.what == Asked::monitor) == of_monitors &&
        !(of_monitors && known.terminated))
      held.push_back(id);
  return held;
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
  known.what = asked_of(collection);
  known.confirmed = true;
  if (known.what == Asked::monitor) monitor_created(known, body);
  if (confirmed_) confirmed_(known);
}

void Application::read(const std::string& id) {
  send("GET", path_of(known_[id]), {}, {}, [](const Result<http::Response>&) {});
}

void Application::modify(const std::string& id) {
  nra::UnicastSubscriptionPatch patch;
  patch.uni_qos_req = setup_.qualities[rng_.below(setup_.qualities.size())];
  auto body = json::write(patch);
  if (known_[id].what == Asked::adaptation && rng_.below(3) == 0)
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
         if (response && response->status == 200) take_list(collection, response->body);
         then();
       });
}

void Application::take_list(std::string_view collection, const std::string& body) {
  if (collection == monitors) return take_monitors(body);
  if (collection == unicasts) {
    if (const auto page = json::read<nra::UnicastSubscriptionList>(body))
      for (const auto& item : page->items) listed_.insert(item.uni_sub_id);
    return;
  }
  if (const auto page = json::read<api::nra_adaptation::NetworkResourceAdaptationList>(body))
    for (const auto& item : page->items) {
      listed_.insert(item.adaptation_id);
      known_[item.adaptation_id].id = item.adaptation_id;
      known_[item.adaptation_id].what = Asked::adaptation;
    }
}

void Application::release_everything() {
  for (const auto collection : {unicasts, adaptations, monitors}) {
    if (collection == monitors && !setup_.monitors) continue;
    list(collection, [this] {
      for (const auto& id : std::set<std::string>(listed_)) release(id);
    });
  }
}

void Application::hear(Told told, bool terminated, Asked what) {
  auto& known = known_[told.subscription];
  known.id = told.subscription;
  known.what = what;
  known.arrivals.push_back(told.sequence);
  known.sequences.insert(told.sequence);
  known.sequence_max = std::max(known.sequence_max, told.sequence);
  known.terminated = known.terminated || terminated;
  if (told_) told_(told);
}

void Application::handle(http::Request request, ReplyFn reply) {
  if (request.target.starts_with("/reports/")) {
    hear_report(request);
  } else if (const auto notification = json::read<nra::UserPlaneNotification>(request.body)) {
    for (const auto& event : notification->event_notifs) {
      Told told;
      told.subscription = event.uni_sub_id.value_or(last_segment(notification->notif_id));
      told.sequence = static_cast<std::uint64_t>(event.seq.value_or(0));
      told.event = event.event.text;
      // Of an adaptation: only what is about all of its UEs.
      const bool adaptation = notification->notif_id.find(adaptations) != std::string::npos;
      const bool of_one = adaptation && request.body.find("valTgtUe") != std::string::npos;
      const bool terminated = told.event == "QOS_TERMINATED" && !of_one;
      hear(std::move(told), terminated, adaptation ? Asked::adaptation : Asked::unicast);
    }
  }
  reply(http::Response{204, {}, {}});
}

}  // namespace lobo::app::simulation
