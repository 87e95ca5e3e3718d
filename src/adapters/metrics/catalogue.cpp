#include "adapters/metrics/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

namespace lobo::adapters::metrics {
namespace {

constexpr std::array entries{
    Entry{"lobo_audit_findings_total", Kind::counter, "what",
          "Differences between the core's list and ours: missing there, extra for a resource, "
          "orphan of no resource (released)."},
    Entry{"lobo_audits_total", Kind::counter, "result",
          "Audits by how they ended: compared, in_part (the list was too large), by_name (a PCF: "
          "each session asked for by its name), unsupported, failed."},
    Entry{"lobo_commits_failed_total", Kind::counter, "",
          "Decisions that were taken back because the store refused their unit."},
    Entry{"lobo_events_refused_total", Kind::counter, "",
          "Events that a resource's state machine refused."},
    Entry{"lobo_group_questions_total", Kind::counter, "result",
          "Questions to the group management server: told, or failed."},
    Entry{"lobo_groups_followed", Kind::gauge, "",
          "VAL groups of the group management server that are kept, because somebody uses them."},
    Entry{"lobo_groups_stale", Kind::gauge, "",
          "Of these, groups about which it did not answer when it was last asked."},
    Entry{"lobo_http_request_seconds", Kind::histogram, "operation",
          "Time from a request's arrival at the router to its answer."},
    Entry{"lobo_http_requests_total", Kind::counter, "operation class",
          "Requests answered, by operation and class of status (2xx, 4xx, …)."},
    Entry{"lobo_monitor_callbacks_total", Kind::counter, "",
          "Callbacks of the network that brought samples."},
    Entry{"lobo_monitor_points_lost_total", Kind::counter, "",
          "Measured values that the time series for past periods did not take."},
    Entry{"lobo_monitor_reports_lost_total", Kind::counter, "",
          "Monitoring reports that were due while 64 waited already for a store that takes "
          "nothing."},
    Entry{"lobo_monitor_reports_total", Kind::counter, "",
          "Monitoring reports that were due, of all subscriptions."},
    Entry{"lobo_monitors", Kind::gauge, "", "Monitoring subscriptions that are followed now."},
    Entry{"lobo_network_breaker_opened_total", Kind::counter, "peer",
          "Times that calls to a network function were stopped because too many had failed."},
    Entry{"lobo_network_calls_failed_total", Kind::counter, "peer",
          "Calls to a network function that ended without an answer or with 5xx."},
    Entry{"lobo_network_calls_total", Kind::counter, "peer", "Calls to a network function."},
    Entry{"lobo_notifications_total", Kind::counter, "result",
          "Notifications by what became of an attempt: delivered, retried, parked, or dropped "
          "because too many are parked."},
    Entry{"lobo_store_commit_seconds", Kind::histogram, "",
          "Time of one transaction of the store, which carries a batch of units, fsync included."},
    Entry{"lobo_store_failures_total", Kind::counter, "", "Units that the store refused or lost."},
    Entry{"lobo_store_units_total", Kind::counter, "", "Units that the store was given to write."},
};
static_assert(std::ranges::is_sorted(entries, {}, &Entry::name));

constexpr std::array<double, 17> bounds{50e-6,  100e-6, 250e-6, 500e-6, 1e-3,   2.5e-3,
                                        5e-3,   10e-3,  25e-3,  50e-3,  100e-3, 250e-3,
                                        500e-3, 1.0,    2.5,    5.0,    10.0};

}  // namespace

std::span<const Entry> catalogue() { return entries; }
std::span<const double> bucket_seconds() { return bounds; }

const Entry* find_entry(std::string_view name) {
  const auto found = std::ranges::lower_bound(entries, name, {}, &Entry::name);
  return found != entries.end() && found->name == name ? &*found : nullptr;
}

std::string markdown_table() {
  std::string table = "| Metric | Kind | Labels | Meaning |\n| --- | --- | --- | --- |\n";
  for (const auto& entry : entries)
    fmt::format_to(std::back_inserter(table), "| `{}` | {} | {} | {} |\n", entry.name,
                   to_string(entry.kind), entry.labels.empty() ? "none" : entry.labels, entry.help);
  return table;
}

}  // namespace lobo::adapters::metrics
