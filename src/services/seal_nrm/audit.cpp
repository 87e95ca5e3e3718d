#include "services/seal_nrm/audit.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/state/adaptation.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "services/seal_nrm/applied_bdt.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::seal_nrm {

using api::state::seal_nrm::Audited;
using api::state::seal_nrm::UnicastStage;
using api::state::seal_nrm::UnicastState;
using api::state::seal_nrm::WatchStage;
using api::state::seal_nrm::WatchState;

namespace {

constexpr std::string_view unicast = "unicast";
constexpr std::string_view watch = "ue_watch";

bool quiet(const Held& held) { return !held.call && !held.doubt && !held.unnamed; }

bool lists(const std::vector<ListedOurs>& listed, std::string_view of, std::string_view secret,
           std::string_view id) {
  const auto mine = std::ranges::equal_range(listed, of, {}, &ListedOurs::of);
  return std::ranges::any_of(mine, [&](const ListedOurs& one) {
    return one.id == id && equal_in_constant_time(one.secret, secret);
  });
}

}  // namespace

std::string_view to_string(AuditResult result) {
  switch (result) {
    case AuditResult::compared: return "compared";
    case AuditResult::in_part: return "in_part";
    case AuditResult::by_name: return "by_name";
    case AuditResult::unsupported: return "unsupported";
    case AuditResult::failed: return "failed";
  }
  std::abort();
}

/// What the comparison needs of a resource.
struct AuditRound::Facts {
  Held held;
  std::string secret;
  bool at_rest = false;  ///< nothing under way, and long enough as it is
  bool keeps = false;    ///< it says that the core holds `held.current`
};

AuditTurn AuditRound::next(Instant now) {
  switch (stage_) {
    case Stage::sessions:
      asked_ = now;
      if (!southbound(settings_).lists()) {
        result_ = AuditResult::by_name;
        stage_ = has_nef(settings_) ? Stage::watches : Stage::ues;
        return next(now);
      }
      return ask(list_request(settings_, std::nullopt, false));
    case Stage::watches: return ask(list_watches_request(settings_));
    case Stage::policies:
      if (applies()) return ask(list_bdt_request(settings_));
      stage_ = Stage::listed;
      return look_at_listed();
    case Stage::listed: return look_at_listed();
    case Stage::addresses:
    case Stage::ues: return next_page(now);
    case Stage::page: return look_at_page();
    case Stage::applied: return next_applied();
    case Stage::release: return release_one();
    case Stage::over: return {.tells = {}, .ask = {}, .over = true};
  }
  std::abort();
}

AuditTurn AuditRound::ask(http::Request request) {
  return {.tells = {}, .ask = CoreCall{nef_of(settings_).peer, std::move(request)}, .over = false};
}

void AuditRound::give_up(AuditResult why) {
  result_ = why;
  stage_ = Stage::over;
}

void AuditRound::answered(const Result<http::Response>& response) {
  switch (stage_) {
    case Stage::sessions: {
      auto all = read_all(response, settings_, "unicast");
      stage_ = Stage::watches;
      if (all.verdict == ListVerdict::listed)
        sessions_ = std::move(all.ours);
      else if (all.verdict == ListVerdict::too_large)
        result_ = AuditResult::in_part;
      else
        give_up(all.verdict == ListVerdict::unsupported ? AuditResult::unsupported
                                                        : AuditResult::failed);
      return;
    }
    case Stage::watches: {
      // A watch that is lost unseen ends with its lifetime, so a core that cannot list them, or not
      // so many, does not end the round.
      auto all = read_all(response, settings_, "ue-watch");
      watches_known_ = all.verdict == ListVerdict::listed;
      watches_ = std::move(all.ours);
      stage_ = Stage::policies;
      return;
    }
    case Stage::policies:
      policies_ = read_bdt_names(response);
      stage_ = Stage::listed;
      return;
    case Stage::addresses: {
      auto all = read_all(response, settings_, "unicast");
      if (all.verdict != ListVerdict::listed) return give_up(AuditResult::failed);
      sessions_ = std::move(all.ours);
      stage_ = Stage::page;
      return;
    }
    case Stage::release: {
      if (read_released(response) == Verdict::done) ++released_;
      return;  // Whatever it says, the next list tells.
    }
    case Stage::listed:
    case Stage::ues:
    case Stage::page:
    case Stage::applied:
    case Stage::over: return;
  }
}

/// A page of the list against the store.
AuditTurn AuditRound::look_at_listed() {
  AuditTurn turn;
  const std::size_t page = settings_.limits.audit_page;
  if (at_ < sessions_.size()) {
    const auto to = std::min(at_ + page, sessions_.size());
    compare_listed(unicast, sessions_, at_, to, turn.tells);
    at_ = to;
  } else if (at_ < sessions_.size() + watches_.size()) {
    const auto from = at_ - sessions_.size();
    const auto to = std::min(from + page, watches_.size());
    compare_listed(watch, watches_, from, to, turn.tells);
    at_ = sessions_.size() + to;
  } else {
    stage_ = Stage::ues;
  }
  return turn;
}

/// A page of our UEs: each has a watch, and each resource has a UE.
AuditTurn AuditRound::next_page(Instant now) {
  auto page = lookup_.list(watch, "", after_, settings_.limits.audit_page);
  if (!page) {
    give_up(AuditResult::failed);
    return {};
  }
  if (page->empty()) {
    stage_ = policies_ ? Stage::applied : Stage::release;
    after_.clear();
    return {};
  }
  page_ = std::move(*page);
  after_ = page_.back().key.id;
  if (result_ != AuditResult::in_part) return look_at_page();
  std::vector<UeAddress> at;
  for (const auto& record : page_)
    if (const auto state = json::read<WatchState>(record.state);
        state && state->address && (state->address->ipv4 || state->address->ipv6))
      at.push_back(*state->address);
  if (at.empty()) return {};  // Nobody to ask for; the next page.
  stage_ = Stage::addresses;
  asked_ = now;
  return ask(list_at_request(settings_, at));
}

AuditTurn AuditRound::look_at_page() {
  AuditTurn turn;
  stage_ = Stage::ues;
  const bool in_part = result_ == AuditResult::in_part;
  if (in_part) compare_listed(unicast, sessions_, 0, sessions_.size(), turn.tells);
  for (const auto& ue : page_) {
    if (watches_known_) compare_known(ue, watches_, turn.tells);
    const auto keys = lookup_.by_subject(unicast, ue.key.id, settings_.limits.unicasts_per_ue_max);
    if (!keys) {
      give_up(AuditResult::failed);
      return turn;
    }
    const auto where = json::read<WatchState>(ue.state);
    const bool asked_for =
        !in_part || (where && where->address && (where->address->ipv4 || where->address->ipv6));
    if (!asked_for) continue;
    for (const auto& key : *keys)
      if (const auto record = lookup_.find(key); record && *record)
        compare_known(**record, sessions_, turn.tells);
  }
  return turn;
}

bool AuditRound::applies() const {
  const auto one = lookup_.list(applied_bdt_kind, "", "", 1);
  return one && !one->empty();
}

/// A page of the policies that we applied.
AuditTurn AuditRound::next_applied() {
  AuditTurn turn;
  const auto page = lookup_.list(applied_bdt_kind, "", after_, settings_.limits.audit_page);
  if (!page) {
    give_up(AuditResult::failed);
    return turn;
  }
  if (page->empty()) {
    stage_ = Stage::release;
    return turn;
  }
  after_ = page->back().key.id;
  for (const auto& record : *page) {
    const auto state = json::read<api::state::adaptation::BdtState>(record.state);
    if (!state || state->stage != api::state::adaptation::BdtStage::applied ||
        !state->held.current || !quiet(state->held) ||
        std::ranges::binary_search(*policies_, *state->held.current))
      continue;
    ++missing_;
    Audited news;
    news.missing = state->held.current;
    turn.tells.push_back({record.key, json::write(news)});
  }
  return turn;
}

void AuditRound::compare_listed(std::string_view kind, const std::vector<ListedOurs>& listed,
                                std::size_t from, std::size_t to, std::vector<AuditTell>& tells) {
  for (std::size_t i = from; i < to; ++i) {
    const auto& one = listed[i];
    const resource::Key key{std::string(kind), one.of};
    const auto known = facts(key);
    if (!known) return give_up(AuditResult::failed);
    if (!*known) {
      if (one.at_our_base && orphans_.size() < audit_orphans_max)
        orphans_.push_back({kind, one.id});
    } else if ((*known)->at_rest && equal_in_constant_time(one.secret, (*known)->secret) &&
               !knows((*known)->held, one.id)) {
      ++extra_;
      Audited news;
      news.extra = {one.id};
      tells.push_back({key, json::write(news)});
    }
  }
}

void AuditRound::compare_known(const resource::Record& record,
                               const std::vector<ListedOurs>& listed,
                               std::vector<AuditTell>& tells) {
  const auto known = facts_of(record);
  if (!known || !known->at_rest || !known->keeps || !known->held.current) return;
  const bool by_name = result_ == AuditResult::by_name && record.key.kind == unicast;
  if (!by_name && lists(listed, record.key.id, known->secret, *known->held.current)) return;
  if (!by_name) ++missing_;
  Audited news;
  news.missing = known->held.current;
  tells.push_back({record.key, json::write(news)});
}

AuditTurn AuditRound::release_one() {
  if (orphans_.empty()) {
    stage_ = Stage::over;
    return {};
  }
  const auto orphan = std::move(orphans_.back());
  orphans_.pop_back();
  return ask(orphan.kind == unicast ? release_request(settings_, orphan.id)
                                    : unsubscribe_request(settings_, orphan.id));
}

Result<std::optional<AuditRound::Facts>> AuditRound::facts(const resource::Key& key) const {
  const auto record = lookup_.find(key);
  if (!record) return fail(record.error());
  if (!*record) return std::optional<Facts>();
  auto known = facts_of(**record);
  // It is there, and what it holds cannot be read: nothing of it is touched.
  return known ? std::move(known) : std::optional<Facts>(std::in_place);
}

std::optional<AuditRound::Facts> AuditRound::facts_of(const resource::Record& record) const {
  Facts out;
  if (record.key.kind == watch) {
    auto state = json::read<WatchState>(record.state);
    if (!state) return std::nullopt;
    out.keeps = state->stage == WatchStage::watching;
    out.at_rest = (out.keeps || state->stage == WatchStage::unfollowed ||
                   state->stage == WatchStage::failed) &&
                  quiet(state->held) && !state->renewing;
    out.held = std::move(state->held);
    out.secret = std::move(state->secret);
    return out;
  }
  auto state = json::read<UnicastState>(record.state);
  if (!state) return std::nullopt;
  out.keeps = state->stage == UnicastStage::confirmed || state->stage == UnicastStage::degraded;
  const bool young =
      state->changed_at && *state->changed_at > asked_ - settings_.limits.answer_within;
  out.at_rest = (out.keeps || state->stage == UnicastStage::terminated) && quiet(state->held) &&
                !state->pending && !young;
  out.held = std::move(state->held);
  out.secret = std::move(state->secret);
  return out;
}

}  // namespace lobo::seal_nrm
