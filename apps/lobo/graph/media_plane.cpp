#include "graph/media_plane.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "services/media_energy/consumed.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/ports.hpp"
#include "services/media_energy/recipient.hpp"
#include "services/media_energy/routes.hpp"
#include "services/media_energy/server.hpp"
#include "services/media_energy/session.hpp"
#include "services/media_energy/steering.hpp"
#include "services/media_energy/subscription.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::app {

namespace {
const resource::Key from_eiaf{"eiaf", "media"};
}  // namespace

MediaPlane::MediaPlane(Config config, Ports ports)
    : config_(std::move(config)),
      ports_(ports),
      planner_(config_.media),
      eiaf_(config_.media, planner_),
      scheduler_(ports.scheduler),
      replies_(scheduler_, ports.clock),
      notifier_(
          ports.store, scheduler_, ports.sinks, ports.jitter, ports.log, ports.metrics,
          [this](const http::Url& url) { return config_.media.sinks.check(url); },
          config_.notifier),
      runner_({ports.store, scheduler_, ports.clock, ports.log, ports.metrics, replies_, calls_,
               notifier_}),
      router_({runner_, replies_, ports.authenticator, ports.store, ports.clock, ports.secrets,
               ports.log, ports.metrics},
              config_.router),
      lost_(ports.metrics.counter("lobo_media_notifications_lost_total", {})),
      steps_(ports.metrics.counter("lobo_media_steps_total", {})) {
  machines_.push_back(std::make_unique<media_energy::SessionMachine>(config_.media));
  machines_.push_back(std::make_unique<media_energy::ServerMachine>(config_.media, eiaf_));
  machines_.push_back(std::make_unique<media_energy::SubscriptionMachine>(config_.media, eiaf_));
  machines_.push_back(std::make_unique<media_energy::RecipientMachine>());
  machines_.push_back(std::make_unique<media_energy::ConsumedMachine>());
  machines_.push_back(std::make_unique<media_energy::SteeringMachine>());
  for (const auto& machine : machines_) runner_.add(*machine);
  router_.add(media_energy::routes(config_.media, eiaf_));
  runner_.on_observed([this](const resource::Key& from, const resource::Observe& what) {
    eiaf_.observed(from, what, ports_.clock.now());
    observed();
  });
}

MediaPlane::~MediaPlane() = default;

/// What is stored is let known again. Sessions first: servers and subscriptions speak of them.
Result<void> MediaPlane::restore() {
  struct Kind {
    std::string_view kind, subject, what;
    std::size_t max;
  };
  static constexpr std::array kinds{
      Kind{media_energy::session_kind, media_energy::every_session, "session",
           media_energy::sessions_max},
      Kind{media_energy::consumed_kind, media_energy::every_consumed, "consumed",
           media_energy::sessions_max * media_energy::policies_max},
      Kind{media_energy::server_kind, media_energy::every_server, "server",
           media_energy::servers_max},
      Kind{media_energy::subscription_kind, media_energy::every_subscription, "subscription",
           media_energy::subscriptions_max}};
  for (const auto& one : kinds) {
    const auto keys = ports_.store.by_subject(one.kind, one.subject, one.max);
    if (!keys) return fail(keys.error());
    for (const auto& key : *keys) {
      const auto record = ports_.store.find(key);
      if (!record) return fail(record.error());
      if (*record)
        eiaf_.observed(key, resource::Observe{std::string(one.what), (*record)->state},
                       ports_.clock.now());
    }
  }
  eiaf_.forget_steps();  // They were taken by the process before.
  return {};
}

Result<void> MediaPlane::start() {
  if (auto restored = restore(); !restored) return restored;
  if (auto recovered = runner_.recover(); !recovered) return recovered;
  observed();
  return {};
}

void MediaPlane::observed() {
  // Through the loop: the resource that observed is still being worked on.
  if (std::exchange(delivering_, true)) return;
  scheduler_.post([this] {
    delivering_ = false;
    deliver();
    arm();
  });
}

void MediaPlane::deliver() {
  auto dues = eiaf_.take_dues();
  for (const auto& step : dues.steps) {
    steps_.add(1);
    ports_.log.event(runtime::Level::info, "step",
                     {{"clause", std::string_view("26.942 7.13.6")},
                      {"number", std::string_view(step.number)},
                      {"about", std::string_view(step.about)},
                      {"what", std::string_view(step.what)}});
  }
  for (const auto& [location, seconds] : dues.consumed_s)
    if (seconds > 0)
      ports_.metrics.counter("lobo_media_consumed_seconds_total", {{"location", location}})
          .add(seconds);
  for (auto& answer : dues.answers) replies_.reply(answer.request, std::move(answer.response));
  for (auto& told : dues.told) {
    if (runner_.takes(told.to))
      runner_.submit(told.to,
                     resource::Told{from_eiaf, std::move(told.what), std::move(told.body)});
    else
      lost_.add(1);
  }
}

void MediaPlane::arm() {
  const auto due = eiaf_.next_deadline();
  if (!due || armed_) return;
  armed_ = true;
  const auto delay = std::max(*due - ports_.clock.now(), Instant::duration::zero());
  scheduler_.after(delay, [this] {
    armed_ = false;
    eiaf_.advance(ports_.clock.now());
    deliver();
    arm();
  });
}

}  // namespace lobo::app
