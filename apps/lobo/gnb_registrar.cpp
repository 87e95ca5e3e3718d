#include "gnb_registrar.hpp"

#include <fmt/format.h>

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

#include "api/net_control.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "gnb/session_terms.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::app {

namespace view = api::net_control;
using runtime::Level;
using std::chrono::milliseconds;

namespace {

constexpr std::string_view control = "/netsim-control/v1";
constexpr int no_content = 204;
constexpr int not_found = 404;
constexpr int conflict = 409;
constexpr int bad_request = 400;

bool is_good(const http::Response& answer) { return answer.status >= 200 && answer.status <= 299; }

}  // namespace

Registrar::Registrar(World world, std::string name, std::string n3, Tells tells)
    : world_(world), name_(std::move(name)), n3_(std::move(n3)), tells_(std::move(tells)) {}

Registrar::~Registrar() {
  if (timer_) world_.scheduler.cancel(*timer_);
  *alive_ = false;
}

void Registrar::ask(std::string_view method, const std::string& path, std::string body,
                    std::function<void(const Result<http::Response>&)> done) {
  world_.network.start(method, std::string(control) + path, std::move(body), {},
                       [alive = std::weak_ptr<bool>(alive_),
                        done = std::move(done)](const Result<http::Response>& answer) {
                         if (const auto here = alive.lock(); here && *here) done(answer);
                       });
}

std::string Registrar::session_path(const Ue& ue) const {
  return "/ues/" + http::percent_encode(ue.name) + "/pdu-session";
}

void Registrar::start() { look(); }

void Registrar::want(std::uint32_t number, const std::string& name, std::uint32_t teid) {
  const auto [at, fresh] = ues_.try_emplace(number);
  if (!fresh) return;
  at->second.name = name;
  at->second.teid = teid;
  if (registered_) follow(number, at->second);
}

void Registrar::leave(std::uint32_t number) {
  const auto at = ues_.find(number);
  if (at == ues_.end()) return;
  if (at->second.asked)
    ask("DELETE", session_path(at->second), {}, [](const Result<http::Response>&) {});
  ues_.erase(at);
}

void Registrar::notify(std::uint32_t number, const view::NetGuaranteeNotice& notice) {
  const auto at = ues_.find(number);
  if (at == ues_.end()) return;
  at->second.notices[notice.qfi] = notice;
  if (registered_ && !at->second.under_way) tell_notice(number, at->second);
}

void Registrar::measured(std::uint32_t number, const view::NetRanCounters& counters) {
  if (const auto at = ues_.find(number); at != ues_.end()) at->second.counters = counters;
}

void Registrar::look_soon(milliseconds delay) {
  if (timer_) world_.scheduler.cancel(*timer_);
  timer_ = world_.scheduler.after(delay, [this] {
    timer_.reset();
    look();
  });
}

void Registrar::fail_soon() {
  look_soon(retry_);
  retry_ = std::min(retry_ * 2, registrar_retry_max);
}

// One question of each kind is under way at a time.
void Registrar::look() {
  if (on_end_) return;
  look_soon(registrar_look);
  if (!registered_) return register_gnb();
  std::vector<std::uint32_t> all;  // an answer may take a UE away
  for (const auto& [number, ue] : ues_)
    if (!ue.under_way) all.push_back(number);
  for (const auto number : all) {
    const auto at = ues_.find(number);
    if (at == ues_.end()) continue;
    if (at->second.known && !at->second.notices.empty())
      tell_notice(number, at->second);
    else if (at->second.known && at->second.counters)
      tell_counters(number, at->second);
    else
      follow(number, at->second);
  }
}

void Registrar::register_gnb() {
  if (registering_) return;
  registering_ = true;
  view::NetGnb self;
  self.gnb_id = name_;
  self.n3_addr = n3_;
  ask("POST", "/gnbs", json::write(self), [this](const Result<http::Response>& answer) {
    registering_ = false;
    if (on_end_) return;
    if (!answer || !is_good(*answer)) {
      const Error error = answer ? error_of(*answer) : answer.error();
      if (!std::exchange(told_trouble_, true))
        world_.log.event(Level::warn, "gnb_not_registered", {{"reason", error.detail}});
      return fail_soon();
    }
    registered_ = true;
    told_trouble_ = false;
    retry_ = registrar_retry_first;
    for (auto& [number, ue] : ues_) ue.asked = false;
    world_.log.event(Level::info, "gnb_registered", {{"name", name_}, {"n3", n3_}});
    look();
  });
}

void Registrar::follow(std::uint32_t number, Ue& ue) {
  ue.under_way = true;
  const auto done = [this, number](const Result<http::Response>& answer) { took(number, answer); };
  if (!ue.asked) {
    view::NetRegistration wish;
    wish.gnb_id = name_;
    wish.teid = ue.teid;
    return ask("POST", session_path(ue), json::write(wish), done);
  }
  ask("GET", fmt::format("{}?after={}", session_path(ue), ue.version), {}, done);
}

void Registrar::took(std::uint32_t number, const Result<http::Response>& answer) {
  const auto at = ues_.find(number);
  if (at == ues_.end() || on_end_) return;
  Ue& ue = at->second;
  ue.under_way = false;
  if (!answer) {
    registered_ = false;
    return fail_soon();
  }
  if (answer->status == no_content) return;
  if (is_good(*answer)) return take_session(number, *answer);
  const Error error = error_of(*answer);
  const std::string reason = error.detail;
  const bool was_asked = std::exchange(ue.asked, false);
  ue.version = 0;
  if (answer->status == not_found && was_asked) {
    // The network knows the UE no more; perhaps it has begun anew and does not know us either.
    registered_ = false;
    if (std::exchange(ue.known, false)) tells_.none(number, reason);
    return;
  }
  if (answer->status != conflict)
    world_.log.event(Level::warn, "ue_not_registered", {{"ue", ue.name}, {"reason", reason}});
  if (std::ranges::find(error.faults, "/gnbId", &Fault::where) != error.faults.end()) {
    registered_ = false;  // it forgot us between two questions
    return;
  }
  if (answer->status == conflict) return;  // no UPF is there yet: asked again at the next look
  ues_.erase(at);
  tells_.none(number, reason);
}

void Registrar::take_session(std::uint32_t number, const http::Response& answer) {
  Ue& ue = ues_.at(number);
  ue.asked = true;
  const auto session = json::read<view::NetPduSession>(answer.body);
  if (!session) {
    world_.log.event(Level::error, "pdu_session_not_read",
                     {{"ue", ue.name}, {"reason", session.error().detail}});
    return;
  }
  ue.version = session->version;
  if (session->state == view::PduSessionStateKnown::established) {
    auto terms = terms_of(*session);
    if (!terms) {
      world_.log.event(Level::error, "pdu_session_not_usable",
                       {{"ue", ue.name}, {"reason", terms.error().detail}});
      return;
    }
    ue.known = true;
    return tells_.session(number, *terms);
  }
  if (std::exchange(ue.known, false))
    tells_.none(number, session->cause.value_or("the PDU session is not established"));
}

void Registrar::tell_notice(std::uint32_t number, Ue& ue) {
  ue.under_way = true;
  const auto notice = ue.notices.begin()->second;
  ask("POST", session_path(ue) + "/notify", json::write(notice),
      [this, number, notice](const Result<http::Response>& answer) {
        const auto at = ues_.find(number);
        if (at == ues_.end() || on_end_) return;
        at->second.under_way = false;
        if (!answer) {
          registered_ = false;
          return fail_soon();
        }
        // A flow that is not there any more is told nothing.
        const bool over =
            is_good(*answer) || answer->status == not_found || answer->status == bad_request;
        auto& waiting = at->second.notices;
        const auto told = waiting.find(notice.qfi);
        if (over && told != waiting.end() && told->second == notice) waiting.erase(told);
        if (is_good(*answer)) ++notices_told_;
      });
}

// Sums: what is not taken is in those that come after.
void Registrar::tell_counters(std::uint32_t number, Ue& ue) {
  ue.under_way = true;
  const auto counters = *std::exchange(ue.counters, std::nullopt);
  ask("POST", session_path(ue) + "/measurements", json::write(counters),
      [this, number](const Result<http::Response>& answer) {
        const auto at = ues_.find(number);
        if (at == ues_.end() || on_end_) return;
        at->second.under_way = false;
        if (answer) return;
        registered_ = false;
        fail_soon();
      });
}

void Registrar::end(milliseconds patience, std::function<void()> done) {
  on_end_ = std::move(done);
  if (timer_) world_.scheduler.cancel(*timer_);
  const auto finish = [this] {
    if (timer_) world_.scheduler.cancel(*timer_);
    timer_.reset();
    if (const auto told = std::exchange(on_end_, [] {})) told();
  };
  timer_ = world_.scheduler.after(patience, finish);
  if (!registered_) return world_.scheduler.post(finish);
  ask("DELETE", "/gnbs/" + http::percent_encode(name_), {},
      [finish](const Result<http::Response>&) { finish(); });
}

}  // namespace lobo::app
