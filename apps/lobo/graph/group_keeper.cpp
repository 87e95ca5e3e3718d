#include "graph/group_keeper.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "services/seal_nrm/group_server.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

GroupKeeper::GroupKeeper(GroupServer server, const seal_nrm::Settings& settings, Ports ports,
                         Changed changed)
    : server_(std::move(server)),
      settings_(settings),
      ports_(ports),
      changed_(std::move(changed)),
      told_(ports.metrics.counter("lobo_group_questions_total", {{"result", "told"}})),
      untold_(ports.metrics.counter("lobo_group_questions_total", {{"result", "failed"}})),
      followed_(ports.metrics.gauge("lobo_groups_followed", {})),
      stale_(ports.metrics.gauge("lobo_groups_stale", {})) {}

void GroupKeeper::start() {
  ports_.scheduler.after(group_tick, [this] { tick(); });
}

void GroupKeeper::change(GroupServer server) {
  // Who may name a group stands in its snapshot.
  const bool others = server.requesters != server_.requesters;
  server_ = std::move(server);
  if (!others) return;
  for (auto& [id, entry] : entries_) {
    if (!entry.group) continue;
    auto group = *entry.group;
    group.requesters = server_.requesters;
    entry.group = std::make_shared<const seal_nrm::DirectoryGroup>(std::move(group));
  }
}

/// Null where there is room for no more.
GroupKeeper::Entry* GroupKeeper::entry(std::string_view id) const {
  auto found = entries_.find(id);
  if (found == entries_.end()) {
    if (id.empty() || id.size() > seal_nrm::group_id_bytes_max || entries_.size() >= groups_max)
      return nullptr;
    found = entries_.emplace(std::string(id), Entry{}).first;
  }
  found->second.used = ports_.clock.now();
  return &found->second;
}

std::shared_ptr<const seal_nrm::DirectoryGroup> GroupKeeper::group(std::string_view id) const {
  const auto* known = entry(id);
  return known == nullptr ? nullptr : known->group;
}

bool GroupKeeper::unsettled(std::string_view id) const {
  const auto* known = entry(id);
  return known == nullptr || !known->settled;
}

void GroupKeeper::ask(std::string_view id, std::function<void()> ready) {
  auto* known = entry(id);
  if (known == nullptr || waiting_ >= group_waiting_max) return ready();
  ++waiting_;
  known->waiting.push_back(std::move(ready));
  if (!known->asking) question(std::string(id), *known);
}

void GroupKeeper::tick() {
  const Instant now = ports_.clock.now();
  std::erase_if(entries_, [&](const auto& each) {
    return !each.second.asking && now - each.second.used > group_unused_after;
  });
  for (auto& [id, entry] : entries_) {
    if (asking_ >= group_questions_max) break;
    if (!entry.asking && entry.due <= now) question(id, entry);
  }
  show();
  ports_.scheduler.after(group_tick, [this] { tick(); });
}

void GroupKeeper::question(const std::string& id, Entry& entry) {
  entry.asking = true;
  ++asking_;
  ports_.calls.start(
      {"group", std::string(seal_nrm::group_peer), seal_nrm::group_request(id), server_.deadline},
      ports_.scheduler,
      [this, id](const Result<http::Response>& response) { answered(id, response); });
}

void GroupKeeper::answered(const std::string& id, const Result<http::Response>& response) {
  --asking_;
  auto& entry = entries_.at(id);  // One that is being asked for is not forgotten.
  entry.asking = false;
  auto answer = seal_nrm::read_group(response, id, settings_.limits.adaptation_members_max);
  bool changed = false;
  if (answer.verdict == seal_nrm::GroupVerdict::unknown) {
    failed(id, entry, answer.why);
  } else {
    told_.add(1);
    const std::uint64_t before = entry.group ? entry.group->revision : 0;
    entry.group.reset();
    if (answer.verdict == seal_nrm::GroupVerdict::there) {
      answer.group.requesters = server_.requesters;
      entry.group = std::make_shared<const seal_nrm::DirectoryGroup>(std::move(answer.group));
    }
    changed = !entry.settled || before != (entry.group ? entry.group->revision : 0);
    entry.settled = true;
    entry.failing = false;
    entry.pause = group_tick;
    entry.due = ports_.clock.now() + server_.refresh;
    if (std::exchange(away_, false))
      ports_.log.event(runtime::Level::info, "group_server_back",
                       {{"group", std::string_view(id)}});
  }
  show();
  auto waiting = std::exchange(entry.waiting, {});
  waiting_ -= waiting.size();
  if (changed) changed_(id);
  for (const auto& ready : waiting) ready();
}

/// The last snapshot stays.
void GroupKeeper::failed(const std::string& id, Entry& entry, const std::string& why) {
  untold_.add(1);
  entry.failing = true;
  entry.pause = std::clamp(entry.pause, std::chrono::milliseconds(group_tick), server_.refresh);
  entry.due = ports_.clock.now() + entry.pause;
  entry.pause *= 2;
  if (!std::exchange(away_, true))
    ports_.log.event(runtime::Level::warn, "group_server_away",
                     {{"group", std::string_view(id)},
                      {"why", std::string_view(why)},
                      {"note", std::string_view("groups stay as they were last known")}});
}

void GroupKeeper::show() {
  const auto set = [](runtime::Counter& gauge, double& shown, double value) {
    gauge.add(value - std::exchange(shown, value));
  };
  const auto count = [this](auto which) {
    return static_cast<double>(
        std::ranges::count_if(entries_, [&](const auto& each) { return which(each.second); }));
  };
  set(followed_, followed_shown_, count([](const Entry& one) { return one.group != nullptr; }));
  set(stale_, stale_shown_,
      count([](const Entry& one) { return one.group != nullptr && one.failing; }));
}

}  // namespace lobo::app
