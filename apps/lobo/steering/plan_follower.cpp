#include "steering/plan_follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_steering.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "energy/steering/plan_file.hpp"
#include "energy/steering/plan_table.hpp"
#include "runtime/ports.hpp"
#include "steering/sightings.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::app {
namespace {

namespace messages = api::media_steering;
using runtime::Level;

constexpr std::string_view plan_path = "/x-steering/v1/steering-plan";
constexpr std::string_view reports_path = "/x-steering/v1/steering-reports";
constexpr std::string_view clause = "TR 26.942 7.13.6 step 32, by steering";

messages::SteeringReport message_of(const Sighting& sighting) {
  messages::SteeringReport out;
  out.session = fmt::format("{:016x}", sighting.session);
  out.group = sighting.group;
  out.sent_to = sighting.sent_to;
  if (!sighting.failed.empty()) out.failed = sighting.failed;
  return out;
}

}  // namespace

PlanFollower::PlanFollower(const std::string& uri, std::chrono::milliseconds deadline, Ports ports,
                           Taken taken)
    : ports_(ports), scheduler_(ports.scheduler), deadline_(deadline), taken_(std::move(taken)) {
  const auto root = http::parse_url(uri);
  require(root.has_value());  // the configuration was checked
  scheme_ = root->scheme;
  authority_ = root->authority();
  prefix_ = root->target;
  while (prefix_.ends_with('/')) prefix_.pop_back();
}

http::Request PlanFollower::request(std::string method, std::string target) const {
  http::Request out;
  out.method = std::move(method);
  out.scheme = scheme_;
  out.authority = authority_;
  out.target = prefix_ + target;
  out.headers.add("accept", "application/json");
  return out;
}

void PlanFollower::send(http::Request request, std::chrono::milliseconds deadline, Done done) {
  const auto guarded = [alive = std::weak_ptr<bool>(alive_),
                        done = std::move(done)](Result<http::Response> got) {
    if (alive.lock()) done(std::move(got));
  };
  if (ports_.tokens == nullptr) return ports_.http.send(std::move(request), deadline, guarded);
  ports_.tokens->authorization(
      std::exchange(renew_, false),
      [this, alive = std::weak_ptr<bool>(alive_), request = std::move(request), deadline,
       guarded](const Result<std::string>& value) mutable {
        if (!alive.lock()) return;
        if (!value) return guarded(fail(value.error()));
        request.headers.set("authorization", *value);
        ports_.http.send(std::move(request), deadline, guarded);
      });
}

// ---- the plan ---------------------------------------------------------------------------------

void PlanFollower::ask() {
  auto question = request("GET", fmt::format("{}?wait={}", plan_path, plan_wait.count()));
  if (!tag_.empty()) question.headers.add("if-none-match", tag_);
  send(std::move(question), plan_wait + deadline_,
       [this](const Result<http::Response>& got) { answered(got); });
}

void PlanFollower::later(std::string_view why, int status) {
  ++counters_.failures;
  if (!std::exchange(told_failure_, true))  // Once: the AF may be gone for hours.
    ports_.log.event(Level::warn, "plan_not_fetched", {{"reason", why}, {"status", status}});
  scheduler_.after(pause_, [this] { ask(); });
  pause_ = std::min(pause_ * 2, plan_retry_most);
}

void PlanFollower::answered(const Result<http::Response>& got) {
  if (!got) return later(got.error().detail, 0);
  if (got->status == 404) return later("the AF has no plan yet", 404);
  renew_ = got->status == 401;  // A token may have been withdrawn before its time.
  if (got->status != 200 && got->status != 304) return later("the AF refuses", got->status);
  pause_ = plan_retry_first;
  if (std::exchange(told_failure_, false)) ports_.log.event(Level::info, "plan_fetched_again", {});
  if (got->status == 304) {
    ++counters_.unchanged;
    return ask();
  }
  auto plan = energy::steering::read_plan(got->body);
  if (!plan) {
    ++counters_.refused;
    const auto& error = plan.error();
    return later(error.faults.empty()
                     ? error.detail
                     : error.faults.front().where + ": " + error.faults.front().reason,
                 200);
  }
  tag_ = std::string(got->headers.find("etag").value_or(""));
  ++counters_.plans;
  ports_.log.event(
      Level::info, "plan_taken",
      {{"clause", clause}, {"version", static_cast<std::int64_t>(plan->said().version)}});
  taken_(std::make_shared<const energy::steering::PlanTable>(std::move(*plan)));
  // Without a tag the same plan would come at once, and again.
  if (tag_.empty())
    scheduler_.after(plan_wait, [this] { ask(); });
  else
    ask();
}

// ---- players ----------------------------------------------------------------------------------

void PlanFollower::report_from(Sightings& sightings) {
  sightings_ = &sightings;
  scheduler_.after(report_every, [this] { report(); });
}

void PlanFollower::report() {
  scheduler_.after(report_every, [this] { report(); });
  if (reporting_) return;  // What is seen meanwhile waits, as far as there is room.
  const auto seen = sightings_->take();
  counters_.dropped += sightings_->take_dropped();
  if (seen.empty()) return;
  reporting_ = true;
  const auto left = std::make_shared<std::size_t>(0);
  for (std::size_t at = 0; at < seen.size(); at += sightings_at_once_max) {
    messages::SteeringReports reports;
    const auto end = std::min(seen.size(), at + sightings_at_once_max);
    for (std::size_t i = at; i < end; ++i) reports.reports.push_back(message_of(seen[i]));
    auto post = request("POST", std::string(reports_path));
    post.headers.add("content-type", "application/json");
    post.body = json::write(reports);
    ++*left;
    send(std::move(post), deadline_,
         [this, left, count = end - at](const Result<http::Response>& got) {
           (got && got->status == 204 ? counters_.reported : counters_.dropped) += count;
           if (--*left == 0) reporting_ = false;
         });
  }
}

}  // namespace lobo::app
