#include "graph/monitoring.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>

#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/effect_runner.hpp"
#include "runtime/ports.hpp"
#include "services/seal_nrm/measure_source.hpp"
#include "services/seal_nrm/monitor_hub.hpp"
#include "services/seal_nrm/monitor_machine.hpp"
#include "services/seal_nrm/monitor_terms.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::app {

namespace state = api::state::nrm_monitor;

namespace {
const resource::Key from_hub{"monitor_hub", "nrm"};
}  // namespace

Monitoring::Monitoring(seal_nrm::MonitorHub& hub, Ports ports)
    : hub_(hub),
      ports_(ports),
      reports_(ports.metrics.counter("lobo_monitor_reports_total", {})),
      monitors_(ports.metrics.gauge("lobo_monitors", {})),
      samples_(ports.metrics.counter("lobo_monitor_callbacks_total", {})),
      lost_(ports.metrics.counter("lobo_monitor_reports_lost_total", {})),
      points_lost_(ports.metrics.counter("lobo_monitor_points_lost_total", {})) {
  ports_.runner.on_observed(
      [this](const resource::Key& from, const resource::Observe& what) { observed(from, what); });
}

Result<void> Monitoring::start() {
  const Instant now = ports_.clock.now();
  const auto keys =
      ports_.store.by_subject("monitor", seal_nrm::every_monitor, seal_nrm::monitors_max);
  if (!keys) return fail(keys.error());
  for (const auto& key : *keys) {
    const auto record = ports_.store.find(key);
    if (!record) return fail(record.error());
    if (!*record) continue;
    auto stored = json::read<state::MonitorState>((*record)->state);
    if (!stored) {
      ports_.log.event(runtime::Level::error, "monitor_unreadable",
                       {{"id", std::string_view(key.id)}});
      continue;
    }
    // Sources first: what is measured for a monitor is known from its beginning.
    const auto take = [&](const std::string& gpsi) -> Result<void> {
      for (const auto kind : seal_nrm::sources_of(stored->what)) {
        const auto source = ports_.store.find({"measure_source", seal_nrm::source_id(kind, gpsi)});
        if (!source) return fail(source.error());
        if (!*source) continue;
        if (const auto kept = json::read<state::MeasureSourceState>((*source)->state))
          hub_.restore(*kept, now);
      }
      return {};
    };
    for (const auto& target : stored->targets)
      if (auto taken = take(target.gpsi); !taken) return taken;
    for (const auto& stream : stored->streams)
      for (const auto* gpsi : {&stream.from, &stream.to})
        if (auto taken = take(*gpsi); !taken) return taken;
    hub_.restore(key.id, std::move(*stored), now);
  }
  // Not inside the start: the runner takes no events before it has recovered.
  ports_.scheduler.post([this] {
    deliver();
    arm();
  });
  ports_.scheduler.after(monitoring_round, [this] { round(); });
  return {};
}

void Monitoring::observed(const resource::Key& from, const resource::Observe& what) {
  if (what.what == "samples") samples_.add(1);
  hub_.observed(from, what, ports_.clock.now());
  // Through the loop: the resource that observed is still being worked on.
  if (!std::exchange(delivering_, true))
    ports_.scheduler.post([this] {
      delivering_ = false;
      deliver();
      arm();
    });
}

void Monitoring::deliver() {
  // A store that takes nothing for long lets a monitor's events wait, so many of them.
  auto due = std::exchange(late_, {});
  std::ranges::move(hub_.take_due(), std::back_inserter(due));
  for (auto& one : due) {
    const resource::Key to{"monitor", one.monitor};
    if (ports_.runner.takes(to)) {
      if (one.what == "report") reports_.add(1);
      ports_.runner.submit(to, resource::Told{from_hub, std::move(one.what), std::move(one.body)});
    } else if (one.last) {
      late_.push_back(std::move(one));
    } else {
      lost_.add(1);
    }
  }
  const auto count = static_cast<double>(hub_.monitors());
  monitors_.add(count - std::exchange(monitors_shown_, count));
  const auto points_lost = static_cast<double>(hub_.points_lost());
  points_lost_.add(points_lost - std::exchange(points_lost_shown_, points_lost));
}

void Monitoring::arm() {
  const auto due = hub_.next_deadline();
  if (!due) return;
  if (wake_ != 0 && wake_at_ <= *due) return;
  if (wake_ != 0) ports_.scheduler.cancel(wake_);
  wake_at_ = *due;
  const auto delay = std::max(*due - ports_.clock.now(), Instant::duration::zero());
  wake_ = ports_.scheduler.after(delay, [this] {
    wake_ = 0;
    hub_.advance(ports_.clock.now());
    deliver();
    arm();
  });
}

void Monitoring::look_around() {
  for (const auto& id : hub_.stale(ports_.directory))
    ports_.runner.submit({"monitor", id}, resource::Told{from_hub, "members", {}});
  for (const auto& id : hub_.take_silent(ports_.clock.now()))
    ports_.runner.submit({"measure_source", id}, resource::Told{from_hub, "silent", {}});
}

void Monitoring::round() {
  look_around();
  if (!late_.empty()) deliver();
  ports_.scheduler.after(monitoring_round, [this] { round(); });
}

}  // namespace lobo::app
