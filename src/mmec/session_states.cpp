// What goes over a session's connections, and what comes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "mmec/link.hpp"
#include "mmec/meter.hpp"
#include "mmec/ports.hpp"
#include "mmec/session.hpp"
#include "mmec/types.hpp"
#include "relay/client.hpp"
#include "relay/measure/stream_meter.hpp"
#include "wire/http/url.hpp"
#include "wire/json/formats.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {
namespace {

Error error_of(sdd::Cause cause, const std::string& what) {
  Errc code = Errc::refused;
  if (cause == sdd::Cause::token_refused) code = Errc::unauthenticated;
  if (cause == sdd::Cause::too_many) code = Errc::too_many;
  if (cause == sdd::Cause::flow_unknown) code = Errc::not_found;
  return {code, what + ": " + std::string(sdd::to_string(cause)), {}};
}

const sdd::TokenFlow* flow_of(const Grant& grant, sdd::FlowId id) {
  const auto found = std::ranges::find(grant.claims.flows, id, &sdd::TokenFlow::id);
  return found == grant.claims.flows.end() ? nullptr : &*found;
}

}  // namespace

void Session::refuse(sdd::FlowId flow, sdd::Alias alias, Error error) {
  application_.told(
      {.kind = EventKind::refused, .flow = flow, .alias = alias, .error = std::move(error)});
}

// ---- what goes

const sdd::TokenFlow* Session::publishing(sdd::FlowId flow) const {
  const Grant* grant = current_ ? &current_->link.grant() : grant_ ? &*grant_ : nullptr;
  if (grant == nullptr) return nullptr;
  for (const auto& one : grant->claims.flows)
    if (sdd::publishes(one.direction) && (flow == 0 || flow == one.id)) return &one;
  return nullptr;
}

Result<void> Session::may_publish(const sdd::TokenFlow& flow, sdd::Component component,
                                  std::size_t bytes) const {
  if (!sdd::allows(flow.components & enabler_.allowed(flow.asset), component))
    return fail(Errc::forbidden,
                "component " + std::to_string(component) + " of " + flow.asset +
                    " may not be published by this UE",
                {{Errc::forbidden, "/component", std::to_string(component)}});
  if (std::ranges::find(released_, flow.id) != released_.end())
    return fail(Errc::conflict, "flow " + std::to_string(flow.id) + " was released");
  if (bytes == 0) return fail(Errc::missing, "a state without octets tells nothing");
  if (sdd::by_datagram(flow.reliability) && bytes > sdd::state_bytes_max)
    return fail(Errc::too_large, "a state has at most 4,096 octets; larger ones go by streams",
                {{Errc::too_large, "/payload", std::to_string(bytes) + " octets"}});
  return {};
}

Result<std::optional<sdd::Sequence>> Session::publish(sdd::FlowId id, sdd::Component component,
                                                      Bytes payload,
                                                      std::optional<sdd::Sequence> base,
                                                      Instant now) {
  using Answer = std::optional<sdd::Sequence>;
  if (phase_ == Phase::ended || phase_ == Phase::leaving || phase_ == Phase::idle)
    return fail(Errc::conflict, "the session is " + std::string(to_string(phase_)));
  const sdd::TokenFlow* flow = publishing(id);
  if (flow == nullptr)
    return fail(flows().empty() ? Errc::unavailable : Errc::not_found,
                flows().empty() ? "there is no token yet" : "no such flow publishes",
                {{Errc::not_found, "/flow", std::to_string(id)}});
  if (auto may = may_publish(*flow, component, payload.size()); !may) return fail(may.error());
  const bool keeps = flow->reliability == sdd::FlowClass::newest && !base;
  if (!keeps && !is_up()) return fail(Errc::unavailable, "the node is not connected");
  const OwnPart part{flow->id, component};
  if (!sdd::by_datagram(flow->reliability)) {
    Link* by = carrier(*flow);
    if (by == nullptr) return fail(Errc::unavailable, "the way of this flow is not there");
    auto sent = by->send_message(*flow, component, payload);
    if (!sent) return fail(sent.error());
    ++counts_.messages_sent;
    return Answer(*sent);
  }
  if (!keeps) {
    const auto own = own_.find(part);
    Link* by = carrier(*flow);
    if (by == nullptr) return fail(Errc::unavailable, "the way of this flow is not there");
    if (base && (own == own_.end() || own->second.by != by->number() || own->second.seq != *base))
      return fail(Errc::precondition, "a delta changes the newest key frame of this connection",
                  {{Errc::precondition, "/base", std::to_string(*base)}});
    auto sent = by->publish(*by->carries(*flow), component, payload, base, now);
    if (!sent) return fail(sent.error());
    (void)send_second(*by, *flow, component, payload, base, *sent, now);
    ++counts_.states_sent;
    counts_.bytes_sent += payload.size();
    return Answer(*sent);
  }
  if (!own_.contains(part) && own_.size() >= own_states_max)
    return fail(Errc::too_many, "so many components are not published");
  Own& own = own_[part];
  if (own.waits && !own.was_sent) ++counts_.states_replaced;
  own.asset = flow->asset;
  own.payload.assign(payload.begin(), payload.end());
  own.was_sent = false;
  own.waits = true;
  if (!is_up() || !current_->link.writable()) {
    if (is_up() && !flush_at_) flush_at_ = now + flush_interval;
    return Answer();
  }
  auto sent = send_own(*flow, component, own, now);
  if (!sent) return fail(sent.error());
  return Answer(*sent);
}

Result<sdd::Sequence> Session::send_own(const sdd::TokenFlow& flow, sdd::Component component,
                                        Own& own, Instant now) {
  own.waits = false;
  Link* by = carrier(flow);
  if (by == nullptr) return fail(Errc::unavailable, "the way of this flow is not there");
  const std::uint64_t before = by->tag();
  // What was said last to another node is said to this one by the same number.
  const auto last = numbers_.find({flow.asset, component});
  if (own.was_sent && own.by != by->number() && last != numbers_.end() &&
      last->second == own.seq + 1)
    by->number_from({flow.alias, component}, own.seq);
  auto sent = by->publish(*by->carries(flow), component, own.payload, std::nullopt, now);
  if (!sent) return sent;
  const std::uint64_t second_before = second_ ? second_->link.tag() : 0;
  own.second_by = 0;
  if (send_second(*by, flow, component, own.payload, std::nullopt, *sent, now)) {
    own.second_by = second_->link.number();
    own.second_first = second_before + 1;
    own.second_last = second_->link.tag();
  }
  own.was_lost = own.second_lost = false;
  if (own.was_sent) ++counts_.states_repeated;
  own.was_sent = true;
  own.by = by->number();
  own.seq = *sent;
  own.tag_first = before + 1;
  own.tag_last = by->tag();
  ++counts_.states_sent;
  counts_.bytes_sent += own.payload.size();
  return sent;
}

void Session::flush(Instant now) {
  if (!is_up()) return;
  for (auto& [part, own] : own_) {
    if (!own.waits) continue;
    if (!current_->link.writable()) {
      flush_at_ = now + flush_interval;
      return;
    }
    const sdd::TokenFlow* flow = publishing(part.first);
    if (flow == nullptr || !may_publish(*flow, part.second, own.payload.size()))
      own.waits = false;
    else
      (void)send_own(*flow, part.second, own, now);
  }
}

void Session::acked(ConnectionNo connection, std::uint64_t tag) {
  // Each way counts its datagrams from 1; what is told is of the first.
  if (find(connection) != nullptr && (!second_ || second_->link.number() != connection))
    datagrams_.acked(tag);
}

void Session::lost(ConnectionNo connection, std::uint64_t tag) {
  const Slot* slot = find(connection);
  if (slot == nullptr) return;
  if (slot != second_.get()) datagrams_.lost(tag);
  if (!current_ || slot == moving_.get()) return;
  // The newest state, and no newer one will make it good: where no way has it, it goes again with
  // the next turn.
  for (auto& [part, own] : own_) {
    if (own.waits) continue;
    const bool by_first = own.by == connection && tag >= own.tag_first && tag <= own.tag_last;
    const bool by_second =
        own.second_by == connection && tag >= own.second_first && tag <= own.second_last;
    if (!by_first && !by_second) continue;
    own.was_lost = own.was_lost || by_first;
    own.second_lost = own.second_lost || by_second;
    if (!own.was_lost || (own.second_by != 0 && !own.second_lost)) continue;
    own.waits = true;
    if (!flush_at_) flush_at_ = slot->link.heard_last;
  }
}

Result<void> Session::want(const sdd::Update& update, Instant now) {
  const auto all = flows();
  if (std::ranges::find(all, update.flow, &sdd::TokenFlow::id) == all.end())
    return fail(Errc::not_found, "no such flow",
                {{Errc::not_found, "/flow", std::to_string(update.flow)}});
  std::erase_if(wants_, [&](const sdd::Update& one) { return one.flow == update.flow; });
  wants_.push_back(update);
  if (is_up()) current_->link.say(update);
  want_second(update);
  settle(now);
  return {};
}

// ---- what comes

void Session::datagram(ConnectionNo connection, Bytes bytes, Instant now) {
  Slot* slot = find(connection);
  if (slot == nullptr || !slot->link.is_open()) return;
  slot->link.datagram(bytes, now);
  settle(now);
}

void Session::stream(ConnectionNo connection, StreamNo stream, Bytes bytes, bool end, Instant now) {
  Slot* slot = find(connection);
  if (slot == nullptr || !slot->link.is_open()) return;
  if (!slot->link.stream(stream, bytes, end, now) && !slot->loss)
    slot->loss = Loss{
        {Errc::malformed,
         slot->link.grant().at.host + ": its control stream " + (end ? "ended" : "cannot be read"),
         {}},
        Then::retry};
  settle(now);
}

void Session::stream_reset(ConnectionNo connection, StreamNo stream) {
  if (Slot* slot = find(connection)) slot->link.stream_reset(stream);
}

bool Session::name_of(State& state, const Link& link) const {
  if (const auto known = assets_.find(state.alias); known != assets_.end()) {
    state.asset = known->second.name;
    state.ue = known->second.ue;
    return true;
  }
  const sdd::TokenFlow* flow = flow_of(link.grant(), state.flow);
  if (flow == nullptr || flow->alias != state.alias) return false;
  state.asset = flow->asset;
  return true;
}

void Session::received(Link& link, const relay::Received& state) {
  const sdd::TokenFlow* flow = flow_of(link.grant(), state.flow);
  if (flow == nullptr || !sdd::receives(flow->direction) || state.alias == 0) {
    ++counts_.refused;
    return;
  }
  const Part part{state.alias, state.component};
  auto seen = seen_.find(part);
  if (seen == seen_.end()) {
    if (seen_.size() >= parts_max) {
      ++counts_.refused;
      return;
    }
    seen = seen_.emplace(part, Seen{}).first;
  }
  if (is_known_twice(link, *flow, seen->second.known, state.seq)) {
    ++counts_.copies;
    return;
  }
  // While two nodes tell the same, the one that we go to is right: what it says again by the same
  // number is known, and lower numbers are those of somebody who began anew.
  const auto content =
      fnv1a({reinterpret_cast<const char*>(state.payload.data()), state.payload.size()});
  const bool later_node = seen->second.by < link.lineage();
  const auto ahead = sdd::distance(state.seq, seen->second.newest);
  const bool known = ahead == 0 && content == seen->second.content;
  const bool newer = later_node ? !known : seen->second.by == link.lineage() && ahead > 0;
  if (newer) {
    seen->second.by = link.lineage();
    seen->second.newest = state.seq;
    seen->second.content = content;
  } else {
    ++counts_.states_late;
    if (flow->reliability == sdd::FlowClass::newest || seen->second.by != link.lineage()) return;
  }
  State out{.asset = {},
            .ue = {},
            .flow = state.flow,
            .alias = state.alias,
            .component = state.component,
            .reliability = flow->reliability,
            .seq = state.seq,
            .base = state.base,
            .payload = state.payload,
            .age = state.age};
  if (!name_of(out, link)) return keep_early(out);
  deliver(out);
}

void Session::message(Link& link, const sdd::StreamHeader& header, Bytes payload) {
  const sdd::TokenFlow* flow = flow_of(link.grant(), header.flow);
  if (flow == nullptr || !sdd::receives(flow->direction) || payload.empty()) {
    ++counts_.refused;
    return;
  }
  if (flow->redundant && settings_.second) {
    const std::pair key{Part{header.alias, header.component}, header.reliability};
    if (!messages_.contains(key) && messages_.size() >= parts_max) {
      ++counts_.refused;
      return;
    }
    if (is_known_twice(link, *flow, messages_[key], header.seq)) {
      ++counts_.copies;
      return;
    }
  }
  ++counts_.messages_received;
  State out{.asset = {},
            .ue = {},
            .flow = header.flow,
            .alias = header.alias,
            .component = header.component,
            .reliability = header.reliability,
            .seq = header.seq,
            .base = {},
            .payload = payload,
            .age = {}};
  if (!name_of(out, link)) return keep_early(out);
  deliver(out);
}

void Session::deliver(const State& state) {
  if (phase_ != Phase::leaving && phase_ != Phase::ended) application_.received(state);
}

/// Until its asset has a name; of states the newest of each component.
void Session::keep_early(const State& state) {
  if (sdd::by_datagram(state.reliability))
    std::erase_if(early_, [&](const Early& one) {
      return one.alias == state.alias && one.component == state.component &&
             sdd::by_datagram(one.reliability) && !state.base;
    });
  if (early_.size() >= early_max) {
    ++counts_.refused;
    return;
  }
  early_.push_back({state.flow,
                    state.alias,
                    state.component,
                    state.reliability,
                    state.seq,
                    state.base,
                    state.age,
                    {state.payload.begin(), state.payload.end()}});
}

void Session::told(Link& link, const sdd::ControlMessage& message) {
  if (phase_ == Phase::leaving || phase_ == Phase::ended) return;
  if (const auto* answer = std::get_if<sdd::EstablishRsp>(&message)) return hear(link, *answer);
  if (const auto* event = std::get_if<sdd::Event>(&message)) return hear(link, *event);
  if (const auto* tier = std::get_if<sdd::Tier>(&message)) return hear(link, *tier);
  if (const auto* release = std::get_if<sdd::Release>(&message)) return hear(link, *release);
}

void Session::hear(Link& link, const sdd::EstablishRsp& answer) {
  Slot* slot = slot_of(link);
  if (slot == nullptr) return;
  const bool again = link.established;
  if (answer.cause != sdd::Cause::ok) {
    Error error = error_of(answer.cause, link.grant().at.host + ": the token is not taken");
    if (!answer.reason.empty()) error.detail += ": " + answer.reason;
    if (again) return refuse(0, 0, std::move(error));  // The one before holds until it ends.
    const bool of_token =
        answer.cause == sdd::Cause::token_refused || answer.cause == sdd::Cause::token_malformed ||
        answer.cause == sdd::Cause::token_other_node ||
        answer.cause == sdd::Cause::token_other_ue || answer.cause == sdd::Cause::epoch_old;
    slot->loss = Loss{std::move(error), of_token ? Then::wait_for_token : Then::retry};
    return;
  }
  std::size_t taken = 0;
  for (const auto& flow : answer.flows) {
    if (flow.cause == sdd::Cause::ok)
      ++taken;
    else
      refuse(flow.flow, flow.alias, error_of(flow.cause, "flow " + std::to_string(flow.flow)));
  }
  if (taken == 0 && !again) {
    slot->loss =
        Loss{{Errc::refused, link.grant().at.host + ": no flow was let in", {}}, Then::fresh_grant};
    return;
  }
  link.renewing = false;
  link.established = true;
  if (slot == second_.get())
    for (const auto& update : wants_) want_second(update);
}

void Session::hear(Link& link, const sdd::Event& event) {
  switch (event.kind) {
    case sdd::EventKind::asset_here: return asset_here(event);
    case sdd::EventKind::asset_gone:
      // The node that is left does not know who is at the other one.
      if (!moving_ && current_ && &current_->link == &link) asset_gone(event.alias);
      return;
    case sdd::EventKind::refused:
      return refuse(event.flow, event.alias, error_of(event.cause, "the node refuses"));
    case sdd::EventKind::relocate: break;
  }
  const auto at = http::parse_authority(event.address);
  Place place;
  if (at) place.host = at->host;
  if (at) place.port = at->port.value_or(0);
  if (const auto hash = json::base64_decode(event.certificate_hash);
      hash && hash->size() == certificate_bytes) {
    place.certificate.emplace();
    std::ranges::transform(*hash, place.certificate->begin(),
                           [](char octet) { return static_cast<std::uint8_t>(octet); });
  }
  auto grant = read_grant(event.token, std::move(place));
  if (!grant) return refuse(0, 0, std::move(grant.error()));
  if (current_ && &current_->link == &link && !moving_) move_to(std::move(*grant), link.heard_last);
}

void Session::asset_here(const sdd::Event& event) {
  if (event.alias == 0) return;
  if (const auto known = assets_.find(event.alias); known != assets_.end()) {
    known->second.confirmed = true;
    if (known->second.name == event.asset && known->second.ue == event.ue) return;
    asset_gone(event.alias);
  }
  if (assets_.size() >= assets_max) {
    ++counts_.refused;
    return;
  }
  assets_[event.alias] = {event.asset, event.ue, true};
  application_.told({.kind = EventKind::asset_here,
                     .alias = event.alias,
                     .asset = event.asset,
                     .ue = event.ue,
                     .error = {}});
  std::vector<Early> waiting;
  std::erase_if(early_, [&](Early& one) {
    if (one.alias != event.alias) return false;
    waiting.push_back(std::move(one));
    return true;
  });
  for (const Early& one : waiting)
    deliver({.asset = event.asset,
             .ue = event.ue,
             .flow = one.flow,
             .alias = one.alias,
             .component = one.component,
             .reliability = one.reliability,
             .seq = one.seq,
             .base = one.base,
             .payload = one.payload,
             .age = one.age});
}

void Session::asset_gone(sdd::Alias alias) {
  const auto known = assets_.find(alias);
  if (known == assets_.end()) return;
  const Asset asset = std::move(known->second);
  assets_.erase(known);
  std::erase_if(seen_, [&](const auto& one) { return one.first.first == alias; });
  std::erase_if(messages_, [&](const auto& one) { return one.first.first.first == alias; });
  std::erase_if(early_, [&](const Early& one) { return one.alias == alias; });
  application_.told({.kind = EventKind::asset_gone,
                     .alias = alias,
                     .asset = asset.name,
                     .ue = asset.ue,
                     .error = {}});
}

void Session::forget_unconfirmed() {
  std::vector<sdd::Alias> gone;
  for (const auto& [alias, asset] : assets_)
    if (!asset.confirmed) gone.push_back(alias);
  for (const auto alias : gone) asset_gone(alias);
}

void Session::hear(Link& link, const sdd::Tier& tier) {
  // The first way told of it.
  if (second_ && &second_->link == &link && link.way() == Link::Way::second) return;
  application_.told({.kind = EventKind::tier,
                     .flow = tier.flow,
                     .tier = tier.tier,
                     .reason = tier.reason,
                     .rate_mhz = tier.rate_mhz,
                     .components = tier.components,
                     .error = {}});
}

void Session::hear(Link& link, const sdd::Release& release) {
  Slot* slot = slot_of(link);
  // The new connection has the flows of the old one; what ends on the second way ends on the first
  // one, too, which tells of it.
  if (slot == nullptr || slot == second_.get() || release.cause == sdd::Cause::relocated) return;
  for (const auto flow : link.flows()) {
    const bool meant =
        release.flows.empty() || std::ranges::find(release.flows, flow) != release.flows.end();
    if (!meant || std::ranges::find(released_, flow) != released_.end()) continue;
    released_.push_back(flow);
    refuse(flow, 0, error_of(release.cause, "flow " + std::to_string(flow)));
  }
  if (released_.size() < link.flows().size()) return;
  slot->loss = Loss{error_of(release.cause, "all flows ended"),
                    settings_.api_root.empty() ? Then::over : Then::fresh_grant};
}

// ---- what was measured

void Session::measured(Link& /*link*/, sdd::FlowId flow, const relay::Window& window) {
  meter_.add(flow, window);
}

void Session::left_out(Link& /*link*/, sdd::FlowId flow, std::uint64_t states) {
  meter_.left_out(flow, states);
}

Stats Session::stats() const {
  Stats out = counts_;
  out.phase = phase_;
  out.recent = meter_.recent();
  out.total = meter_.total();
  out.datagrams = datagrams_.counts();
  out.ways = (is_up() ? 1U : 0U) + (second_ && second_->link.established ? 1U : 0U);
  if (!current_ || !current_->link.is_open()) return out;
  if (const auto clock = current_->link.clock()) out.clock = NodeClock{clock->offset, clock->error};
  out.path = network_.stats(current_->link.number());
  out.refused += current_->link.streams_refused();
  return out;
}

}  // namespace lobo::mmec
