#include "graph/auditor.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "services/seal_nrm/audit.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::app {

Auditor::Auditor(const seal_nrm::Settings& settings, Ports ports)
    : settings_(settings), ports_(ports) {}

void Auditor::start() {
  ports_.scheduler.after(settings_.limits.audit_interval, [this] { begin(); });
}

void Auditor::begin() {
  round_.emplace(settings_, ports_.runner.lookup());
  turn();
}

void Auditor::turn() {
  auto next = round_->next(ports_.clock.now());
  const resource::Key from{"audit", settings_.core.peer};
  for (auto& tell : next.tells)
    ports_.runner.submit(tell.to, resource::Told{from, "audited", std::move(tell.body)});
  if (next.over) return end();
  if (next.ask) {
    const resource::CallNetwork call{"audit", std::move(next.ask->peer),
                                     std::move(next.ask->request), settings_.limits.call_deadline};
    ports_.calls.start(call, ports_.scheduler, [this](const Result<http::Response>& response) {
      round_->answered(response);
      turn();
    });
    return;
  }
  ports_.scheduler.after(settings_.limits.audit_pause, [this] { turn(); });
}

void Auditor::end() {
  const auto result = to_string(round_->result());
  ports_.metrics.counter("lobo_audits_total", {{"result", std::string(result)}}).add(1);
  const auto count = [this](const char* what, std::uint64_t found) {
    ports_.metrics.counter("lobo_audit_findings_total", {{"what", what}})
        .add(static_cast<double>(found));
  };
  count("missing", round_->missing());
  count("extra", round_->extra());
  count("orphan", round_->released());
  const bool found = round_->missing() + round_->extra() + round_->released() > 0;
  ports_.log.event(found ? runtime::Level::warn : runtime::Level::debug, "audited",
                   {{"result", result},
                    {"missing", static_cast<std::int64_t>(round_->missing())},
                    {"extra", static_cast<std::int64_t>(round_->extra())},
                    {"orphans_released", static_cast<std::int64_t>(round_->released())}});
  round_.reset();
  start();
}

}  // namespace lobo::app
