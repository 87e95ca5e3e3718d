#include "energy/steering/answer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "energy/rendezvous.hpp"
#include "energy/steering/plan_table.hpp"
#include "energy/steering/query.hpp"
#include "energy/steering/token.hpp"
#include "wire/json/writer.hpp"

namespace lobo::energy::steering {
namespace {

constexpr std::uint32_t lower_half(std::uint64_t hash) { return static_cast<std::uint32_t>(hash); }

bool holds(const std::vector<std::string>& list, std::string_view id) {
  return std::ranges::find(list, id) != list.end();
}

/// One answer in the making.
class Making {
 public:
  Making(const PlanTable& plan, const SteeringQuery& asked, Instant now,
         const SteeringSettings& settings)
      : plan_(plan), said_(plan.said()), asked_(asked), now_(now), settings_(settings) {}

  Answer make(const TokenMac& mac, std::uint64_t fresh_session, double stretch);

 private:
  std::int64_t now_s() const {
    return std::chrono::floor<std::chrono::seconds>(now_).time_since_epoch().count();
  }
  void recognise(const TokenMac& mac, std::uint64_t fresh_session);
  void hear();
  void demote(const SteeredLocation& location);
  void order();
  void fit_to_manifest();
  std::size_t where_it_is() const;
  std::optional<Clone> clone_of(const SteeredLocation& location) const;
  void without_demoted(std::vector<Share>& shares) const;
  std::size_t drawn_of(const std::vector<Share>& shares) const;
  std::chrono::seconds ttl(double stretch) const;

  const PlanTable& plan_;
  const PlanTable::Said& said_;
  const SteeringQuery& asked_;
  Instant now_;
  const SteeringSettings& settings_;
  Token token_;
  std::vector<bool> there_, demoted_;
  std::vector<std::size_t> ranked_;
  Answer out_;
};

void Making::recognise(const TokenMac& mac, std::uint64_t fresh_session) {
  if (!asked_.token.empty()) {
    if (auto read = read_token(asked_.token, mac)) {
      token_ = std::move(*read);
      out_.fate = token_.expires_s > now_s() ? TokenFate::good : TokenFate::expired;
    } else {
      out_.fate = TokenFate::foreign;
    }
  }
  if (out_.fate == TokenFate::none || out_.fate == TokenFate::foreign) {
    token_.session = asked_.session.empty() ? fresh_session : stable_hash(asked_.session);
    token_.group = asked_.group;
  }
  token_.group = plan_.group(token_.group).id;
  token_.expires_s = now_s() + settings_.token_life.count();
  std::erase_if(token_.demoted, [&](const Demotion& one) { return one.until_s <= now_s(); });
}

/// Where the session is, and what failed it. A player that has moved on from a dead location names
/// it still, with no throughput; the one it came to last may just not have been measured yet. Nor
/// may one that it left because it was sent on so soon: it is then where it was sent.
void Making::hear() {
  there_.assign(said_.locations.size(), false);
  demoted_.assign(said_.locations.size(), false);
  const bool any_works = std::ranges::any_of(
      asked_.heard, [](const Heard& one) { return one.bits_per_second.value_or(0) > 0; });
  const std::size_t at =
      asked_.heard.empty() ? no_location : plan_.location(asked_.heard.back().location);
  const bool obeyed = at != no_location && token_.sent_to != 0 &&
                      lower_half(said_.locations[at].hash) == token_.sent_to;
  for (std::size_t k = 0; k < asked_.heard.size(); ++k) {
    const Heard& heard = asked_.heard[k];
    const std::size_t i = plan_.location(heard.location);
    if (i == no_location) continue;
    const bool last = k + 1 == asked_.heard.size();
    there_[i] = there_[i] || last;
    if (!asked_.measured || !any_works || heard.bits_per_second.value_or(0) > 0 || last || obeyed)
      continue;
    there_[i] = false;
    demote(said_.locations[i]);
  }
  if (token_.demoted.empty()) return;
  for (std::size_t i = 0; i < said_.locations.size(); ++i)
    demoted_[i] = std::ranges::find(token_.demoted, lower_half(said_.locations[i].hash),
                                    &Demotion::location) != token_.demoted.end();
}

void Making::demote(const SteeredLocation& location) {
  out_.demoted = true;
  out_.failed.push_back(location.id);
  std::erase_if(token_.demoted,
                [&](const Demotion& one) { return one.location == lower_half(location.hash); });
  if (token_.demoted.size() == demotions_max) token_.demoted.erase(token_.demoted.begin());
  token_.demoted.push_back({lower_half(location.hash), now_s() + settings_.demoted_for.count()});
}

void Making::without_demoted(std::vector<Share>& shares) const {
  if (token_.demoted.empty()) return;
  std::erase_if(shares, [this](const Share& share) { return demoted_[share.at]; });
}

/// The location that the session draws from `shares`.
std::size_t Making::drawn_of(const std::vector<Share>& shares) const {
  const std::size_t best = pick(token_.session, shares);
  return best == no_location ? no_location : shares[best].at;
}

void Making::order() {
  const SteeredGroup& group = plan_.group(token_.group);
  auto now = plan_.weights(group, now_, there_);
  auto target = plan_.target(group, there_);
  auto reserve = plan_.reserve(group, there_);
  const auto all = target;
  const std::size_t drawn = drawn_of(now);
  for (auto* shares : {&now, &target, &reserve}) without_demoted(*shares);
  // Most plans have nothing to release and most sessions no failure: one draw is the other.
  const std::size_t goes = token_.demoted.empty() ? drawn : drawn_of(now);
  const std::size_t will = target == now ? goes : drawn_of(target);
  out_.move_pending = will != no_location && will != goes;
  const std::size_t stays = now_ < said_.valid_until ? no_location : where_it_is();

  std::vector<bool> named(said_.locations.size(), false);
  const auto name = [&](std::size_t i) {
    if (!named[i]) ranked_.push_back(i);
    named[i] = true;
  };
  // A plan that is not valid any more moves nobody; it still says where those begin who are
  // nowhere.
  if (stays != no_location) {
    out_.held = true;
    out_.move_pending = false;
    name(stays);
  }
  // From where the plan has it, on to where the plan has room for those who lose that place.
  if (drawn != no_location) {
    if (!demoted_[drawn]) name(drawn);
    auto next = plan_.failover(group, drawn, there_);
    without_demoted(next);
    for (const std::size_t i : failover_ranks(token_.session, said_.locations[drawn].hash, next))
      name(next[i].at);
  }
  for (const std::size_t i : ranks(token_.session, now, reserve))
    name(i < now.size() ? now[i].at : reserve[i - now.size()].at);
  // What failed this session stands behind all that did not: better than nothing when all do.
  if (all != now)
    for (const std::size_t i : ranks(token_.session, all, {})) name(all[i].at);
  if (!ranked_.empty()) return;
  for (const Standing allowed : {Standing::serving, Standing::unknown, Standing::closed}) {
    for (std::size_t i = 0; i < said_.locations.size(); ++i)
      if (said_.locations[i].standing == allowed) name(i);
    if (!ranked_.empty()) return;
  }
}

std::size_t Making::where_it_is() const {
  for (std::size_t i = 0; i < there_.size(); ++i)
    if (there_[i] && !demoted_[i] && said_.locations[i].standing != Standing::closed) return i;
  return no_location;
}

std::optional<Clone> Making::clone_of(const SteeredLocation& location) const {
  if (!location.base) return std::nullopt;
  for (const auto& id : asked_.manifest) {
    const std::size_t i = plan_.location(id);
    if (i == no_location || !said_.locations[i].base) continue;
    // Only the host is replaced, and hls.js would pass over a port.
    const auto& [scheme, host, port, path] = *said_.locations[i].base;
    if (scheme != location.base->scheme || port != location.base->port ||
        path != location.base->path)
      continue;
    const bool v6 = location.base->host.find(':') != std::string::npos;
    return Clone{.base_id = id,
                 .id = location.id,
                 .host = v6 ? '[' + location.base->host + ']' : location.base->host};
  }
  return std::nullopt;
}

/// A clone is given only for what the manifest does not name: dash.js would have two of one name.
void Making::fit_to_manifest() {
  for (const std::size_t i : ranked_) {
    const SteeredLocation& location = said_.locations[i];
    if (!asked_.manifest.empty() && !holds(asked_.manifest, location.id)) {
      auto clone = clone_of(location);
      if (!clone) continue;
      out_.clones.push_back(std::move(*clone));
    }
    out_.priority.push_back(location.id);
  }
  if (out_.priority.empty()) out_.priority = asked_.manifest;
}

std::chrono::seconds Making::ttl(double stretch) const {
  auto base = std::chrono::duration<double>(said_.ttl);
  if (out_.move_pending)
    base = std::min(base, std::chrono::duration<double>(settings_.pending_ttl));
  base *= std::max(1.0, stretch);
  // Another number each second, so that sessions that once asked together do not go on doing so.
  const std::uint64_t bits =
      stable_hash(std::to_string(token_.session) + ' ' + std::to_string(now_s()));
  const double place = static_cast<double>(bits >> 11U) * 0x1p-53;  // in [0, 1)
  base *= 1 - settings_.jitter + 2 * settings_.jitter * place;
  // Nobody shall hold on to a plan that is no longer valid; one that has been for long is not
  // replaced any sooner by asking more often.
  const std::chrono::duration<double> left = said_.valid_until - now_;
  if (left.count() > 0) base = std::min(base, left * (1 - settings_.jitter * place));
  const std::chrono::seconds whole{std::llround(base.count())};
  return std::clamp(whole, ttl_least, ttl_most);
}

Answer Making::make(const TokenMac& mac, std::uint64_t fresh_session, double stretch) {
  recognise(mac, fresh_session);
  hear();
  order();
  fit_to_manifest();
  out_.ttl = ttl(stretch);
  const std::size_t first =
      out_.priority.empty() ? no_location : plan_.location(out_.priority.front());
  token_.sent_to = first == no_location ? 0 : lower_half(said_.locations[first].hash);
  out_.token = write_token(token_, mac);
  out_.group = token_.group;
  out_.session = token_.session;
  return std::move(out_);
}

void write_list(std::string& out, const std::vector<std::string>& ids) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) out += ',';
    json::write_text(out, ids[i]);
  }
}

}  // namespace

Answer answer(const PlanTable& plan, const SteeringQuery& asked, Instant now, const TokenMac& mac,
              std::uint64_t fresh_session, double stretch, const SteeringSettings& settings) {
  return Making(plan, asked, now, settings).make(mac, fresh_session, stretch);
}

std::string write_answer(const Answer& answer, std::string_view path,
                         const std::vector<std::string>& manifest) {
  std::string reload(path);
  reload += "?t=" + answer.token;
  for (std::size_t i = 0; i < manifest.size(); ++i) (reload += i == 0 ? "&p=" : ",") += manifest[i];
  std::string out = "{\"VERSION\":1,\"TTL\":" + std::to_string(answer.ttl.count());
  out += ",\"RELOAD-URI\":";
  json::write_text(out, reload);
  out += ",\"PATHWAY-PRIORITY\":[";
  write_list(out, answer.priority);
  out += ']';
  for (const Clone& clone : answer.clones) {
    out += &clone == &answer.clones.front() ? ",\"PATHWAY-CLONES\":[" : ",";
    out += "{\"BASE-ID\":";
    json::write_text(out, clone.base_id);
    out += ",\"ID\":";
    json::write_text(out, clone.id);
    out += ",\"URI-REPLACEMENT\":{\"HOST\":";
    json::write_text(out, clone.host);
    out += "}}";
  }
  if (!answer.clones.empty()) out += ']';
  out += '}';
  return out;
}

}  // namespace lobo::energy::steering
