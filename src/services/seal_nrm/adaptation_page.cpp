#include "services/seal_nrm/adaptation_page.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/nra_adaptation.hpp"
#include "api/state/adaptation.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/applied_bdt.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using api::nra_adaptation::AdaptationResult;
using api::nra_adaptation::AdaptationResultKnown;
using api::nra_adaptation::AdaptationUeResult;
using api::state::adaptation::BdtOrder;
using api::state::adaptation::BdtTold;
using api::state::adaptation::Counts;
using api::state::adaptation::MemberOrder;
using api::state::adaptation::MemberStatus;
using api::state::adaptation::MemberTold;
using api::state::adaptation::News;
using api::state::adaptation::PageAssign;
using api::state::adaptation::PageEnd;
using api::state::adaptation::PageLate;
using api::state::adaptation::PageMember;
using api::state::adaptation::PageRun;
using api::state::adaptation::PageState;
using api::state::adaptation::PageTold;
using api::state::adaptation::UeName;

namespace {

constexpr std::string_view timer_patience = "patience";
/// Beyond the time that a member has for its answer: the round of a page ends by then.
constexpr std::chrono::milliseconds patience_beyond_answer{500};

std::string_view adaptation_of(std::string_view page) { return page.substr(0, page.rfind('.')); }

UeName name_of(const PageMember& member) { return {.ue = member.ue, .user = member.user}; }

bool outstanding(const PageMember& member) {
  return member.status == MemberStatus::asked || member.status == MemberStatus::leaving;
}

/// Something of it is still to come.
bool busy(const PageMember& member) {
  return outstanding(member) || (member.bdt && member.bdt->result == bdt_pending);
}

AdaptationResultKnown known_result(const PageMember& member) {
  switch (member.status) {
    case MemberStatus::waiting:
    case MemberStatus::asked:
    case MemberStatus::leaving: return AdaptationResultKnown::pending;
    case MemberStatus::degraded: return AdaptationResultKnown::degraded;
    case MemberStatus::refused: return AdaptationResultKnown::refused;
    case MemberStatus::confirmed: break;
  }
  return member.granted || member.applied ? AdaptationResultKnown::negotiated
                                          : AdaptationResultKnown::confirmed;
}

Counts counts_of(const PageState& state) {
  Counts out;
  for (const auto& member : state.members) {
    if (member.dropped) continue;
    switch (known_result(member)) {
      case AdaptationResultKnown::pending: continue;
      case AdaptationResultKnown::confirmed: ++out.confirmed; break;
      case AdaptationResultKnown::negotiated: ++out.negotiated; break;
      case AdaptationResultKnown::degraded: ++out.degraded; break;
      case AdaptationResultKnown::refused: ++out.refused; break;
    }
    if (member.simulated.value_or(false)) ++out.simulated;
    if (member.enforced.value_or(false)) out.enforced = out.enforced.value_or(0) + 1;
  }
  return out;
}

Counts difference(const Counts& now, const Counts& before) {
  Counts out;
  out.confirmed = now.confirmed - before.confirmed;
  out.negotiated = now.negotiated - before.negotiated;
  out.degraded = now.degraded - before.degraded;
  out.refused = now.refused - before.refused;
  out.simulated = now.simulated - before.simulated;
  if (const auto more = now.enforced.value_or(0) - before.enforced.value_or(0); more != 0)
    out.enforced = more;
  return out;
}

class PageStep {
 public:
  PageStep(const Settings& settings, const UeDirectory& directory, const resource::Key& key,
           Instant now)
      : settings_(settings), directory_(directory), key_(key), now_(now) {}

  Result<void> load(const resource::Record& current) {
    auto state = json::read<PageState>(current.state);
    if (!state) return fail(Errc::internal, "stored page cannot be read: " + state.error().detail);
    state_ = std::move(*state);
    return {};
  }

  void told(const resource::Told& told);
  void out_of_patience();
  resource::Outcome finish(const resource::Record* current);

 private:
  void assign(const PageAssign& order);
  void run(PageRun order);
  void late(const PageLate& shown);
  void end(const PageEnd& order);
  void member_told(const resource::Key& from, const MemberTold& told);
  void bdt_told(const resource::Key& from, const BdtTold& told);

  void order(PageMember& member);
  void reserve(PageMember& member, const PageRun& run);
  void dismiss(PageMember& member);
  void left(PageMember& member);
  void news(const PageMember& member, std::string event, std::optional<std::string> cause,
            std::optional<std::string> applied);
  void say_result(PageMember& member);
  void flush();

  PageMember* find(const UeName& name);
  PageMember* find(const resource::Key& member);
  std::string id_of(const PageMember& member) const {
    std::string id(adaptation_of(key_.id));
    return id.append(member.user ? ".u." : ".e.").append(member.user ? *member.user : *member.ue);
  }
  /// A PCF without a NEF beside it gets the reference with each session (TS 29.514, bdtRefId), and
  /// says nothing of it apart.
  bool shall_have_bdt() const {
    return has_nef(settings_) && state_.order && state_.order->bdt_ref_id;
  }

  const Settings& settings_;
  const UeDirectory& directory_;
  const resource::Key& key_;
  Instant now_;

  PageState state_;
  Effects effects_;
  std::vector<News> news_;
  bool erased_ = false;
};

// ---- what the adaptation says -----------------------------------------------------------------

void PageStep::told(const resource::Told& told) {
  if (told.what == "assign") {
    if (const auto order = json::read<PageAssign>(told.body)) assign(*order);
  } else if (told.what == "run") {
    if (auto order = json::read<PageRun>(told.body)) run(std::move(*order));
  } else if (told.what == "late") {
    if (const auto shown = json::read<PageLate>(told.body)) late(*shown);
  } else if (told.what == "end") {
    if (const auto order = json::read<PageEnd>(told.body)) end(*order);
  } else if (told.what == "member") {
    if (const auto news = json::read<MemberTold>(told.body)) member_told(told.from, *news);
  } else if (told.what == "bdt") {
    if (const auto news = json::read<BdtTold>(told.body)) bdt_told(told.from, *news);
  }
  flush();
}

/// Who belongs to the page. Nothing is asked of anybody before the next "run".
void PageStep::assign(const PageAssign& order) {
  const bool say = order.say.value_or(false);
  for (const auto& name : order.add.value_or(std::vector<UeName>{})) {
    auto* member = find(name);
    if (member == nullptr) {
      auto& fresh = state_.members.emplace_back();
      fresh.ue = name.ue;
      fresh.user = name.user;
      fresh.status = MemberStatus::waiting;
      member = &fresh;
    }
    member->dropped.reset();  // Back before it had left: asked again once it has.
    member->say = say ? std::optional<std::string>("UE_ADDED") : std::nullopt;
  }
  for (const auto& name : order.drop.value_or(std::vector<UeName>{}))
    if (auto* member = find(name)) {
      member->dropped = true;
      member->say = say ? std::optional<std::string>("UE_REMOVED") : std::nullopt;
    }
}

void PageStep::run(PageRun order) {
  if (state_.ending.value_or(false)) return;
  state_.round = order.round;
  state_.order = std::move(order);
  for (auto& member : state_.members) this->order(member);
  std::erase_if(state_.members, [](const PageMember& member) {
    return member.dropped && !member.made && !member.bdt_held;
  });
  effects_.start(timer_patience, now_ + settings_.limits.answer_within + patience_beyond_answer);
}

/// These were shown as pending in an answer: what becomes of them is told one by one.
void PageStep::late(const PageLate& shown) {
  for (const auto& name : shown.ues)
    if (auto* member = find(name); member != nullptr && !member->dropped) {
      member->say = "UE_RESULT";
      if (!outstanding(*member)) say_result(*member);
    }
}

void PageStep::end(const PageEnd& order) {
  state_.ending = true;
  state_.round = order.round;
  effects_.stop(timer_patience);
  for (auto& member : state_.members) {
    member.dropped = true;
    member.say.reset();
    dismiss(member);
  }
  std::erase_if(state_.members,
                [](const PageMember& member) { return !member.made && !member.bdt_held; });
}

// ---- what becomes of the members --------------------------------------------------------------

/// The next thing that a member is to be told, where it is not busy.
void PageStep::order(PageMember& member) {
  const auto& run = *state_.order;
  if (member.dropped) return dismiss(member);
  if (member.status == MemberStatus::leaving) return;  // Then reserved anew.
  const bool fresh = member.status == MemberStatus::waiting || member.revision != run.revision;
  if (fresh && run.late.value_or(false) && !member.say) member.say = "UE_RESULT";
  if (!member.made) {
    reserve(member, run);
  } else if (member.revision != run.revision || member.status == MemberStatus::asked) {
    MemberOrder change;
    change.target = target_of(member);
    change.qos = run.qos;
    change.revision = run.revision;
    change.accept_offer = run.accept_offer;
    if (member.revision != run.revision)
      effects_.tell({"unicast", id_of(member)}, "change", json::write(change));
    member.status = MemberStatus::asked;
    member.revision = run.revision;
  }
  if (outstanding(member) && run.late.value_or(false) && !member.say) member.say = "UE_RESULT";
}

void PageStep::reserve(PageMember& member, const PageRun& run) {
  const auto entry = member.user ? directory_.user(*member.user) : directory_.ue(*member.ue);
  const bool visible =
      entry && (entry->requesters.empty() ||
                std::ranges::find(entry->requesters, run.requester) != entry->requesters.end());
  member.revision = run.revision;
  if (!visible) {
    // Known to nobody, or not to this requester: the same answer, so that nothing is learned.
    member.status = MemberStatus::refused;
    member.cause = "USER_NOT_FOUND";
    return say_result(member);
  }
  MemberOrder order;
  order.target = target_of(member);
  order.gpsi = entry->gpsi;
  order.qos = run.qos;
  order.revision = run.revision;
  order.accept_offer = run.accept_offer;
  order.bdt_ref_id = run.bdt_ref_id;
  order.secret = run.secret;
  effects_.tell({"unicast", id_of(member)}, "reserve", json::write(order));
  member.made = true;
  member.status = MemberStatus::asked;
  if (!shall_have_bdt() || member.bdt_held) return;
  BdtOrder apply;
  apply.gpsi = entry->gpsi;
  apply.bdt_ref_id = *run.bdt_ref_id;
  effects_.tell({std::string(applied_bdt_kind), id_of(member)}, "apply", json::write(apply));
  member.bdt_held = true;
  member.bdt.emplace().result = bdt_pending;
}

void PageStep::dismiss(PageMember& member) {
  if (member.status == MemberStatus::leaving) return;
  if (member.made) effects_.tell({"unicast", id_of(member)}, "release");
  if (member.bdt_held) effects_.tell({std::string(applied_bdt_kind), id_of(member)}, "withdraw");
  if (member.made || member.bdt_held)
    member.status = MemberStatus::leaving;
  else
    say_result(member);
}

void PageStep::member_told(const resource::Key& from, const MemberTold& told) {
  auto* member = find(from);
  if (member == nullptr) return;
  if (told.gone.value_or(false)) {
    member->made.reset();
    if (member->status == MemberStatus::leaving) return left(*member);
  }
  if (member->status == MemberStatus::leaving) return;
  const bool asked = member->status == MemberStatus::asked;
  if (asked && told.revision < member->revision) return;  // Of before: the answer is to come.
  member->status = told.status;
  member->revision = told.revision;
  member->cause = told.cause;
  member->applied = told.applied;
  member->granted = told.granted;
  member->kept = told.kept;
  member->simulated = told.simulated;
  member->enforced = told.enforced;
  if (asked) return say_result(*member);
  if (told.events)
    for (const auto& event : *told.events) news(*member, event.event, event.cause, event.applied);
}

void PageStep::bdt_told(const resource::Key& from, const BdtTold& told) {
  auto* member = find(from);
  if (member == nullptr) return;
  if (told.gone.value_or(false)) {
    member->bdt_held.reset();
    member->bdt.reset();
    if (member->status == MemberStatus::leaving) left(*member);
    return;
  }
  member->bdt = told;
  if (!state_.round && !outstanding(*member)) news(*member, "UE_RESULT", told.cause, {});
}

/// Nothing of it is held any more. Whoever came back meanwhile is asked for anew.
void PageStep::left(PageMember& member) {
  if (member.made || member.bdt_held) return;
  const auto name = name_of(member);
  if (member.dropped) {
    say_result(member);
    std::erase_if(state_.members, [&](const PageMember& one) { return name_of(one) == name; });
    return;
  }
  PageMember fresh;
  fresh.ue = name.ue;
  fresh.user = name.user;
  fresh.status = MemberStatus::waiting;
  fresh.say = std::move(member.say);
  member = std::move(fresh);
  if (state_.order) order(member);
}

void PageStep::out_of_patience() {
  if (!state_.round || state_.ending.value_or(false)) return;
  for (auto& member : state_.members)
    if (outstanding(member) && !member.dropped && !member.say) member.say = "UE_RESULT";
  PageTold told;
  told.round = std::exchange(state_.round, std::nullopt);
  told.delta = difference(counts_of(state_), state_.told);
  state_.told = counts_of(state_);
  effects_.tell({"adaptation", std::string(adaptation_of(key_.id))}, "page", json::write(told));
}

// ---- what the adaptation hears ----------------------------------------------------------------

void PageStep::news(const PageMember& member, std::string event, std::optional<std::string> cause,
                    std::optional<std::string> applied) {
  News one;
  one.event = std::move(event);
  one.of = name_of(member);
  one.cause = std::move(cause);
  one.applied = std::move(applied);
  if (!member.dropped) one.result = result_of(member);
  news_.push_back(std::move(one));
}

void PageStep::say_result(PageMember& member) {
  if (!member.say) return;
  news(member, *std::exchange(member.say, std::nullopt), member.cause, member.applied);
}

void PageStep::flush() {
  const bool ended = state_.ending.value_or(false) && state_.members.empty();
  const bool settled =
      state_.round && !state_.ending.value_or(false) && std::ranges::none_of(state_.members, busy);
  if (!ended && !settled && news_.empty()) return;
  PageTold told;
  const auto counts = counts_of(state_);
  told.delta = difference(counts, state_.told);
  state_.told = counts;
  told.news = std::move(news_);
  news_.clear();
  if (ended) {
    told.gone = true;
    told.round = state_.round;
    erased_ = true;
  } else if (settled) {
    told.round = std::exchange(state_.round, std::nullopt);
    effects_.stop(timer_patience);
    std::int64_t kept = 0;
    std::int64_t changed = 0;
    for (const auto& member : state_.members) {
      if (member.kept.value_or(false))
        ++kept;
      else if (member.status == MemberStatus::refused)
        told.cause = told.cause ? told.cause : member.cause;
      else
        ++changed;
      if (member.kept.value_or(false) && !told.cause) told.cause = member.cause;
    }
    told.kept = kept;
    told.changed = changed;
  }
  effects_.tell({"adaptation", std::string(adaptation_of(key_.id))}, "page", json::write(told));
}

PageMember* PageStep::find(const UeName& name) {
  const auto found = std::ranges::find_if(
      state_.members, [&](const PageMember& member) { return name_of(member) == name; });
  return found == state_.members.end() ? nullptr : &*found;
}

PageMember* PageStep::find(const resource::Key& key) {
  const auto found = std::ranges::find_if(
      state_.members, [&](const PageMember& member) { return id_of(member) == key.id; });
  return found == state_.members.end() ? nullptr : &*found;
}

resource::Outcome PageStep::finish(const resource::Record* current) {
  resource::Outcome out;
  out.effects = effects_.take();
  if (erased_) {
    out.change = current == nullptr ? resource::Change::keep : resource::Change::erase;
    return out;
  }
  out.state = json::write(state_);
  if (current != nullptr && current->state == out.state) {
    out.state.clear();
    return out;
  }
  out.change = resource::Change::put;
  return out;
}

}  // namespace

Result<resource::Outcome> AdaptationPageMachine::step(const resource::Record* current,
                                                      const resource::Key& key,
                                                      const resource::Event& event, Instant now,
                                                      const resource::Lookup& /*lookup*/) const {
  PageStep step(settings_, directory_, key, now);
  if (current != nullptr)
    if (auto loaded = step.load(*current); !loaded) return fail(std::move(loaded.error()));
  const auto* told = std::get_if<resource::Told>(&event);
  const auto* fired = std::get_if<resource::TimerFired>(&event);
  if (told == nullptr && fired == nullptr) return fail(Errc::not_found, "no operation of a page");
  // Without a record only its adaptation may make one, or end what was never made.
  if (current == nullptr && (told == nullptr || (told->what != "assign" && told->what != "end")))
    return resource::Outcome{};
  if (told != nullptr)
    step.told(*told);
  else if (fired->name == timer_patience)
    step.out_of_patience();
  return step.finish(current);
}

resource::Key page_key(std::string_view adaptation, std::uint64_t number) {
  return {std::string(page_kind), std::string(adaptation) + "." + std::to_string(number)};
}

api::common::ValTargetUe target_of(const PageMember& member) {
  api::common::ValTargetUe target;
  target.val_ue_id = member.ue;
  target.val_user_id = member.user;
  return target;
}

AdaptationUeResult result_of(const PageMember& member) {
  AdaptationUeResult out;
  out.val_tgt_ue = target_of(member);
  out.result = AdaptationResult(known_result(member));
  if (out.result != AdaptationResult(AdaptationResultKnown::pending)) {
    out.cause = member.cause;
    out.applied_qos_ref = member.applied;
    out.granted_qos = member.granted;
    out.previous_kept = member.kept;
    out.simulated = member.simulated;
    out.enforced = member.enforced;
  }
  if (member.bdt) {
    out.bdt_result = AdaptationResult(member.bdt->result);
    out.bdt_cause = member.bdt->cause;
  }
  return out;
}

}  // namespace lobo::seal_nrm
