// What endpoints of content steering hear, the plan as a table of shares, and what they tell:
// where players were sent and which locations failed them (10g by its second-best source).

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_m1.hpp"
#include "api/media_steering.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/mapping.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/json/json.hpp"

namespace lobo::media_energy {

namespace m1 = api::media_m1;
namespace state = api::state::media_energy;
namespace steering = api::media_steering;

namespace {

constexpr std::size_t hash_digits = 16;
constexpr double weight_max = 1e9;

steering::SteeringStanding standing_of(LocationState state) {
  switch (state) {
    case LocationState::active: return steering::SteeringStanding::serving;
    case LocationState::draining:
    case LocationState::unknown: return steering::SteeringStanding::unknown;
    case LocationState::standby:  // Until it is awake: a player would find nobody there.
    case LocationState::down: return steering::SteeringStanding::closed;
  }
  return steering::SteeringStanding::unknown;
}

steering::SteeringShares weights_of(const std::vector<PlanShare>& shares) {
  steering::SteeringShares out;
  for (const auto& share : shares)
    if (share.weight > 0) out[share.location] = std::min(share.weight, weight_max);
  return out;
}

std::string hex_of(std::uint64_t hash) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out(hash_digits, '0');
  for (std::size_t i = hash_digits; i-- > 0; hash >>= 4U) out[i] = digits[hash & 0xFU];
  return out;
}

bool is_hash(std::string_view text) {
  return text.size() == hash_digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

/// A group of the plan has both names in its own; players tell one word.
std::string_view Eiaf::steered_name(std::string_view group) {
  const auto slash = group.rfind('/');
  if (slash == std::string_view::npos) return group;
  return slash + 1 < group.size() ? group.substr(slash + 1) : group.substr(0, slash);
}

std::string Eiaf::base_url_of(std::string_view location) const {
  for (const auto& [id, session] : sessions_) {
    if (!session.hosting) continue;
    for (const auto& one : session.hosting->distribution_configurations)
      if (one.base_url && one.service_location_id && *one.service_location_id == location)
        return *one.base_url;
  }
  for (const auto& [id, server] : servers_)
    for (const auto& part : server.registered.service_locations)
      if (part.service_location_id == location && !part.base_urls.empty())
        return part.base_urls.front();
  return {};
}

void Eiaf::publish(Instant now) {
  steering::SteeringPlan out;
  out.version = plan_.revision;
  out.valid_until = plan_.valid_until;
  out.ttl = settings_.steering_ttl.count();
  for (const auto& location : plan_.locations) {
    auto& to = out.locations.emplace_back();
    to.id = location.id;
    to.standing = standing_of(location.state);
    if (auto base = base_url_of(location.id); !base.empty()) to.base_url = std::move(base);
  }
  steered_groups_.clear();
  for (const auto& group : plan_.groups) {
    if (out.groups.size() == steered_groups_max) break;
    const std::string name(steered_name(group.id));
    steering::SteeredGroup to;
    to.id = name;
    to.shares = weights_of(group.shares);
    auto reserve = weights_of(group.reserve);
    // Nobody is planned for, or nothing can be: whatever is good enough, by its headroom.
    if (to.shares.empty()) std::swap(to.shares, reserve);
    if (to.shares.empty()) continue;
    if (!reserve.empty()) to.reserve = std::move(reserve);
    for (const auto& way : group.failover)
      if (auto weights = weights_of(way.to); !weights.empty()) {
        if (!to.failover) to.failover.emplace();
        (*to.failover)[way.lost] = std::move(weights);
      }
    if (!steered_groups_.emplace(name, group.id).second) continue;
    out.groups.push_back(std::move(to));
  }
  if (out.locations.empty() || out.groups.empty()) return;
  published_ = json::write(out);
  published_tag_ = '"' + std::to_string(fnv1a(published_)) + '"';
  answer_plan_polls(now);
}

void Eiaf::plan_poll(const std::string& body, Instant now) {
  const auto asked = json::read<state::PlanPoll>(body);
  if (!asked) return;
  if (plan_polls_.size() >= plan_polls_max) {  // The oldest is told how things are, and asks again.
    plan_polls_.front().until = now;
    answer_plan_polls(now);
  }
  plan_polls_.push_back({asked->request, asked->tag, asked->until});
  answer_plan_polls(now);
}

void Eiaf::answer_plan_polls(Instant now) {
  std::erase_if(plan_polls_, [&](const PlanPoll& poll) {
    const bool fresh = !published_.empty() && poll.tag != published_tag_;
    if (!fresh && now < poll.until) return false;
    http::Response answer;
    if (fresh) {
      answer = {200, {{"content-type", "application/json"}}, published_};
      answer.headers.add("etag", published_tag_);
    } else if (published_.empty()) {
      answer = http::problem(Error{Errc::not_found, "there is no plan yet", {}});
    } else {
      answer = {304, {{"etag", published_tag_}}, {}};
    }
    dues_.answers.push_back({poll.request, std::move(answer)});
    return true;
  });
}

void Eiaf::steered(const std::string& body, Instant now) {
  const auto told = json::read<steering::SteeringReports>(body);
  if (!told) return;
  for (const auto& one : told->reports) {
    const auto group = steered_groups_.find(one.group);
    if (!is_hash(one.session) || group == steered_groups_.end()) {
      map_.count_unmapped();
      continue;
    }
    const auto known = hashes_.find(one.session);
    const auto name = known == hashes_.end() ? "steered:" + one.session : known->second;
    const auto placed = [&] {
      const auto* at = map_.find(name);
      return at == nullptr ? std::string() : at->location;
    };
    const auto from = placed();
    saw(name, one.sent_to, Source::steering, now);
    if (known != hashes_.end()) {  // It tells on E5 what it is; here only what failed it.
      const auto subscription = subscriptions_.find(subscription_of_[name]);
      if (subscription == subscriptions_.end() || !one.failed) continue;
      for (const auto& failed : *one.failed)
        if (settings_.locations.contains(failed))
          subscription->second.vetoes[failed] = now + settings_.veto_time;
      continue;
    }
    if (steered_.size() >= placements_max && !steered_.contains(name)) continue;
    auto& player = steered_[name];
    // What a media session handler does from 35 to 35e, the player does by itself.
    if (player.group.empty())
      step("10g", name, "steered to " + one.sent_to);
    else if (const auto to = placed(); !from.empty() && to != from)
      step("35 to 35e", name, from + " to " + to + ", equivalent by steering");
    player.group = group->second;
    player.seen = now;
    std::erase_if(player.vetoes, [&](const auto& veto) { return veto.second <= now; });
    for (const auto& failed : one.failed.value_or(std::vector<std::string>{}))
      if (settings_.locations.contains(failed)) {
        player.vetoes[failed] = now + settings_.veto_time;
        step("35f", name, failed + " failed it, equivalent by steering");
      }
  }
}

void Eiaf::name_session(const std::string& session, const std::string& subscription) {
  const auto hash = hex_of(planner_.hash(session));
  hashes_[hash] = session;
  subscription_of_[session] = subscription;
  steered_.erase("steered:" + hash);
  map_.forget("steered:" + hash);
}

void Eiaf::forget_name(const std::string& session) {
  hashes_.erase(hex_of(planner_.hash(session)));
  subscription_of_.erase(session);
}

}  // namespace lobo::media_energy
