#include "sync/resolve.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_das.hpp"
#include "api/mm_pol.hpp"
#include "api/sync_types.hpp"
#include "base/text.hpp"
#include "sync/level.hpp"
#include "sync/policy.hpp"

namespace lobo::sync {
namespace {

using api::mm_das::PolicyDecision;
using api::mm_das::ResolvedAsset;
using api::mm_das::SyncAsset;
using api::mm_das::SyncSessionReq;
using api::mm_das::TraceOrigin;
using api::sync_types::Direction;
using api::sync_types::Redundancy;
using api::sync_types::ReliabilityClass;

constexpr std::int64_t all_components = 0xFFFFFFFF;
constexpr std::int64_t ttl_usual_ms = 100;
constexpr std::int64_t retention_usual_sec = 60;

/// Highest priority first, equal ones by identifier: the order in which they were given is
/// immaterial.
std::vector<PolicyPtr> ranked(const SyncSessionReq& session, const SyncAsset& asset,
                              std::span<const PolicyPtr> policies) {
  std::vector<PolicyPtr> out;
  for (const auto& policy : policies)
    if (concerns(*policy, session, asset)) out.push_back(policy);
  std::ranges::sort(out, [](const PolicyPtr& a, const PolicyPtr& b) {
    return a->priority() != b->priority() ? a->priority() > b->priority() : a->id < b->id;
  });
  return out;
}

/// One bound of one member: the first policy that has it.
struct Bound {
  double value = 0;
  const Policy* of = nullptr;
  const SyncQosLevel* level = nullptr;
  std::size_t rank = 0;
};

class Resolving {
 public:
  Resolving(const SyncSessionReq& session, const SyncAsset& asset,
            std::span<const PolicyPtr> policies)
      : asset_(asset),
        urllc_(session.lower_layer_hints &&
               session.lower_layer_hints->trans_type == api::mm_das::TransType::urllc),
        policies_(ranked(session, asset, policies)) {
    out_.asset_id = asset.asset_id;
    out_.host_ue = asset.host_ue;
  }

  ResolvedAsset done() {
    permit();
    if (!refused_) qualities();
    if (!refused_) choices();
    if (refused_) {
      // What was settled before the refusal does not count.
      ResolvedAsset refusal;
      refusal.asset_id = out_.asset_id;
      refusal.host_ue = out_.host_ue;
      refusal.decision = PolicyDecision::refuse;
      refusal.cause = std::move(out_.cause);
      refusal.trace.push_back({"/cause", TraceOrigin::refused, std::move(refused_by_)});
      return refusal;
    }
    out_.decision = trimmed_ ? PolicyDecision::trim : PolicyDecision::accept;
    return std::move(out_);
  }

 private:
  void note(std::string_view member, TraceOrigin origin, std::vector<std::string> sources = {}) {
    out_.trace.push_back({std::string(member), origin, std::move(sources)});
  }
  void refuse(std::string_view cause, std::vector<std::string> by) {
    refused_ = true;
    out_.cause = std::string(cause);
    refused_by_ = std::move(by);
  }

  // ---- who may publish and see what -----------------------------------------------------------

  struct Mask {
    std::int64_t bits = all_components;
    std::vector<std::string> by;  ///< those that took something away
    void cut(std::int64_t with, const Policy& policy) {
      if ((bits & with) != bits) by.push_back(policy.source());
      bits &= with;
    }
  };

  void permit() {
    const auto wanted = asset_.direction.value_or(Direction::bidi);
    const auto asked = asset_.components.value_or(all_components);
    Mask publish{asked, {}}, subscribe{asked, {}};
    for (const auto& policy : policies_) {
      if (policy->said.effect == api::mm_pol::PolicyEffect::deny)
        return refuse(cause_denied, {policy->source()});
      const auto& permission = policy->said.permission;
      if (!permission) continue;
      publish.cut(permission->publish.value_or(all_components), *policy);
      subscribe.cut(permission->subscribe.value_or(all_components), *policy);
    }
    // A flow has one mask. Where both directions are asked for it is what both may have; where that
    // is nothing, the direction goes that may have less.
    auto direction = wanted;
    Mask mask;
    if (wanted == Direction::pub) mask = publish;
    if (wanted == Direction::sub) mask = subscribe;
    if (wanted == Direction::bidi) {
      const auto both = publish.bits & subscribe.bits;
      mask = publish;
      mask.bits = both;
      for (const auto& source : subscribe.by)
        if (std::ranges::find(mask.by, source) == mask.by.end()) mask.by.push_back(source);
      if (both == 0 && publish.bits != 0) {
        direction = Direction::pub;
        mask.bits = publish.bits;
      } else if (both == 0 && subscribe.bits != 0) {
        direction = Direction::sub;
        mask.bits = subscribe.bits;
      }
    }
    if (mask.bits == 0 && asked != 0) return refuse(cause_denied, std::move(mask.by));
    out_.direction = direction;
    out_.components = mask.bits;
    if (direction != wanted)
      note("/direction", TraceOrigin::intersection, mask.by);
    else
      note("/direction", asset_.direction ? TraceOrigin::requested : TraceOrigin::default_);
    if (mask.bits != asked || direction != wanted) trimmed_ = true;
    if (!mask.by.empty())
      note("/components", TraceOrigin::intersection, std::move(mask.by));
    else
      note("/components", asset_.components ? TraceOrigin::requested : TraceOrigin::default_);
  }

  // ---- numbers --------------------------------------------------------------------------------

  std::optional<Bound> bound(
      const LevelMember& member,
      const std::optional<SyncQosLevel> api::mm_pol::SyncPolicyReq::* side) const {
    for (std::size_t rank = 0; rank < policies_.size(); ++rank) {
      const auto& level = policies_[rank]->said.*side;
      if (!level) continue;
      if (const auto value = member.value(*level))
        return Bound{*value, policies_[rank].get(), &*level, rank};
    }
    return std::nullopt;
  }

  /// Which bound takes hold of `value`; none where it lies between. No value is what its absence
  /// means.
  const Bound* held_by(const LevelMember& member, std::optional<double> value,
                       const std::optional<Bound>& floor,
                       const std::optional<Bound>& ceiling) const {
    const bool cross = floor && ceiling && floor->value > ceiling->value;
    const Bound* first = cross ? (floor->rank <= ceiling->rank ? &*floor : &*ceiling) : nullptr;
    if (cross) return value && *value == first->value ? nullptr : first;
    if (!value) {
      if (member.absent_is_zero) return floor && floor->value > 0 ? &*floor : nullptr;
      return ceiling ? &*ceiling : nullptr;
    }
    if (floor && *value < floor->value) return &*floor;
    if (ceiling && *value > ceiling->value) return &*ceiling;
    return nullptr;
  }

  /// `level` within all bounds. `tell` hears who held what.
  template <class Tell>
  SyncQosLevel within(SyncQosLevel level, const Tell& tell) const {
    for (const auto& member : level_members()) {
      const auto floor = bound(member, &api::mm_pol::SyncPolicyReq::qos_floor);
      const auto ceiling = bound(member, &api::mm_pol::SyncPolicyReq::qos_ceil);
      const auto* by = held_by(member, member.value(level), floor, ceiling);
      if (by != nullptr) member.copy(*by->level, level);
      tell(member, by, floor && by == &*floor);
    }
    return level;
  }

  void qualities() {
    auto qos = asset_.qos;
    const auto asked = level_of(qos);
    auto level = within(asked, [&](const LevelMember& member, const Bound* by, bool floor) {
      const auto pointer = "/qos/" + std::string(member.name);
      if (by == nullptr) {
        if (member.value(asked)) note(pointer, TraceOrigin::requested);
        return;
      }
      note(pointer, floor ? TraceOrigin::floor : TraceOrigin::ceiling, {by->of->source()});
      if (!member.value(asked)) return;
      trimmed_ = true;
      if (by->of->said.out_of_range == api::mm_pol::OutOfRange::refuse)
        refuse(cause_not_supportable, {by->of->source()});
    });
    if (refused_) return;
    if (level.components) {
      level.components = *level.components & *out_.components;
      note("/qos/components", level.components == asked.components ? TraceOrigin::requested
                                                                   : TraceOrigin::intersection);
    }
    put_level(qos, level);
    ladder(level, qos.alternatives);
    qos.alternatives.reset();
    schedule(qos);
    const auto usual = [this](auto& member, std::string_view name, auto value) {
      note(name, member ? TraceOrigin::requested : TraceOrigin::default_);
      if (!member) member = value;
    };
    usual(qos.reliability_class, "/qos/reliabilityClass", ReliabilityClass::r0);
    usual(qos.ttl_ms, "/qos/ttlMs", ttl_usual_ms);
    usual(qos.priority, "/qos/priority", std::int64_t{0});
    out_.qos = std::move(qos);
  }

  /// The first policy that has such a member.
  template <class Member>
  const Policy* first_with(Member api::mm_pol::SyncPolicyReq::* member) const {
    const auto found = std::ranges::find_if(
        policies_, [&](const PolicyPtr& policy) { return (policy->said.*member).has_value(); });
    return found == policies_.end() ? nullptr : found->get();
  }

  void ladder(const SyncQosLevel& top, const std::optional<std::vector<SyncQosLevel>>& asked) {
    const auto* policy = first_with(&api::mm_pol::SyncPolicyReq::ladder);
    const auto& steps = policy != nullptr ? policy->said.ladder : asked;
    std::vector<SyncQosLevel> out{top};
    if (steps)
      for (const auto& step : *steps) {
        auto level = within(below(out.back(), step), [](auto&&...) {});
        if (level.components) level.components = *level.components & *out_.components;
        // A step that the bounds have made equal to the one above is none.
        if (level != out.back()) out.push_back(std::move(level));
      }
    out_.ladder = std::move(out);
    if (policy != nullptr)
      note("/ladder", TraceOrigin::policy, {policy->source()});
    else
      note("/ladder", asked ? TraceOrigin::requested : TraceOrigin::default_);
  }

  void schedule(SyncQos& qos) {
    const auto* policy = first_with(&api::mm_pol::SyncPolicyReq::sched);
    if (policy != nullptr) {
      if (qos.sched && qos.sched != policy->said.sched) trimmed_ = true;
      qos.sched = policy->said.sched;
      note("/qos/sched", TraceOrigin::policy, {policy->source()});
    } else if (qos.sched) {
      note("/qos/sched", TraceOrigin::requested);
    }
  }

  // ---- choices --------------------------------------------------------------------------------

  /// One that only policies speak of.
  template <class T>
  void choose(std::optional<T> api::mm_pol::SyncPolicyReq::* member, std::optional<T>& to,
              std::string_view pointer) {
    const auto* policy = first_with(member);
    if (policy == nullptr) return;
    to = policy->said.*member;
    note(pointer, TraceOrigin::policy, {policy->source()});
  }

  void choices() {
    using Said = api::mm_pol::SyncPolicyReq;
    if (const auto* policy = first_with(&Said::redundancy)) {
      out_.redundancy = policy->said.redundancy;
      if (asset_.redundancy && asset_.redundancy != out_.redundancy) trimmed_ = true;
      note("/redundancy", TraceOrigin::policy, {policy->source()});
    } else {
      // Who asks for urllc and says no more gets two paths, as TS 29.548's transType means it.
      out_.redundancy = asset_.redundancy.value_or(urllc_ ? Redundancy::dual : Redundancy::none);
      note("/redundancy", asset_.redundancy ? TraceOrigin::requested : TraceOrigin::default_);
    }
    choose(&Said::measurement, out_.measurement, "/measurement");
    choose(&Said::thresholds, out_.thresholds, "/thresholds");
    choose(&Said::sealdd, out_.sealdd, "/sealdd");
    choose(&Said::network_qos, out_.network_qos, "/networkQos");
    choose(&Said::retention_sec, out_.retention_sec, "/retentionSec");
    if (!out_.retention_sec) {
      out_.retention_sec = retention_usual_sec;
      note("/retentionSec", TraceOrigin::default_);
    }
  }

  const SyncAsset& asset_;
  bool urllc_;
  std::vector<PolicyPtr> policies_;
  ResolvedAsset out_;
  bool trimmed_ = false;
  bool refused_ = false;
  std::vector<std::string> refused_by_;
};

void refuse(ResolvedAsset& asset, std::string_view cause, std::vector<std::string> by) {
  ResolvedAsset refusal;
  refusal.asset_id = std::move(asset.asset_id);
  refusal.host_ue = std::move(asset.host_ue);
  refusal.decision = PolicyDecision::refuse;
  refusal.cause = std::string(cause);
  refusal.trace.push_back({"/cause", TraceOrigin::refused, std::move(by)});
  asset = std::move(refusal);
}

bool stands(const ResolvedAsset& asset) { return asset.decision != PolicyDecision::refuse; }

/// maxAssetsPerUe: that of each policy counts for what it concerns.
void limit_per_ue(const SyncSessionReq& session, std::span<const PolicyPtr> policies,
                  std::vector<ResolvedAsset>& assets) {
  std::vector<std::size_t> order(assets.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return session.assets[a].qos.priority.value_or(0) > session.assets[b].qos.priority.value_or(0);
  });
  std::map<std::pair<std::string, std::string>, std::int64_t> had;  // by policy and UE
  for (const auto i : order) {
    if (!stands(assets[i])) continue;
    const auto& asset = session.assets[i];
    std::vector<std::string> over;
    std::vector<std::int64_t*> counts;
    for (const auto& policy : ranked(session, asset, policies)) {
      if (!policy->said.max_assets_per_ue) continue;
      auto& count = had[{policy->id, id_of(asset.host_ue)}];
      if (count >= *policy->said.max_assets_per_ue) over.push_back(policy->source());
      counts.push_back(&count);
    }
    if (!over.empty()) {
      refuse(assets[i], cause_too_many, std::move(over));
      continue;
    }
    for (auto* count : counts) ++*count;
  }
}

/// What depends on a refused asset is refused as well, and so on; each round refuses one at least.
void follow_dependencies(const SyncSessionReq& session, std::vector<ResolvedAsset>& assets) {
  for (bool changed = true; changed;) {
    changed = false;
    std::set<std::string> there;
    for (const auto& asset : assets)
      if (stands(asset)) there.insert(asset.asset_id);
    for (std::size_t i = 0; i < assets.size(); ++i) {
      if (!stands(assets[i]) || !session.assets[i].depends_on) continue;
      if (std::ranges::all_of(*session.assets[i].depends_on,
                              [&](const std::string& id) { return there.contains(id); }))
        continue;
      refuse(assets[i], cause_depends, {});
      changed = true;
    }
  }
}

}  // namespace

ResolvedAsset resolve_asset(const SyncSessionReq& session, const SyncAsset& asset,
                            std::span<const PolicyPtr> policies) {
  return Resolving(session, asset, policies).done();
}

Resolution resolve(const SyncSessionReq& session, std::span<const PolicyPtr> policies) {
  Resolution out;
  std::set<std::string> sources;
  for (const auto& asset : session.assets) {
    out.assets.push_back(resolve_asset(session, asset, policies));
    for (const auto& policy : policies)
      if (concerns(*policy, session, asset)) sources.insert(policy->source());
  }
  limit_per_ue(session, policies, out.assets);
  follow_dependencies(session, out.assets);
  std::uint64_t digest = fnv1a("");
  for (const auto& source : sources) digest = fnv1a("\n", fnv1a(source, digest));
  out.policy_version = std::to_string(digest);
  return out;
}

}  // namespace lobo::sync
