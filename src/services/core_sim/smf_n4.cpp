#include "services/core_sim/smf_n4.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "model/address.hpp"
#include "services/core_sim/smf_config.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::core_sim {

using pfcp::MessageType;

namespace {

model::IpAddress address_of(std::string_view text) {
  const auto address = model::parse_ip_address(text);
  require(address.has_value());  // check() has seen it.
  return *address;
}

/// What a message says, or nothing where it cannot be read.
template <class Message>
std::optional<Message> read(const pfcp::MessageView& view) {
  pfcp::Remarks remarks;
  auto message = pfcp::read_message<Message>(view, remarks);
  if (!message) return std::nullopt;
  return *message;
}

}  // namespace

N4::N4(const SmfConfig& config, N4User& user, std::uint32_t first_sequence_number)
    : config_(config),
      user_(user),
      own_(address_of(config.address)),
      room_(n4_datagram_bytes_max),
      next_sequence_(first_sequence_number) {
  for (const auto& upf : config.upfs) {
    auto& made = upfs_.emplace_back();
    made.at = {address_of(upf.address), upf.port};
  }
}

N4::State N4::state(UpfIndex upf) const {
  const auto& is = upfs_[upf];
  return {.up = is.phase == Phase::up,
          .cause = is.phase == Phase::up ? std::string_view{} : is.cause,
          .features = is.features};
}

// Fewer requests are under way than there are numbers, so this ends.
std::uint32_t N4::fresh_sequence() {
  do next_sequence_ = (next_sequence_ + 1) % pfcp::sequence_numbers;
  while (requests_.contains(next_sequence_));
  return next_sequence_;
}

pfcp::NodeId N4::node() const {
  return std::visit([](const auto& address) { return pfcp::NodeId(address); }, own_);
}

// Requests of a UPF may come from any port of it (clause 6.3.2). Where several stand at one
// address, which is for tests, the port has to be the configured one.
std::optional<UpfIndex> N4::upf_at(const N4Endpoint& from) const {
  std::optional<UpfIndex> at_address;
  for (UpfIndex upf = 0; upf < upfs_.size(); ++upf) {
    if (upfs_[upf].at == from) return upf;
    if (upfs_[upf].at.address != from.address) continue;
    if (at_address) return std::nullopt;
    at_address = upf;
  }
  return at_address;
}

void N4::receive(const N4Endpoint& from, Bytes datagram, Instant now) {
  const auto upf = upf_at(from);
  if (!upf || !born_) {
    ++ignored_;
    return;
  }
  for (std::size_t i = 0; i < n4_bundled_max; ++i) {
    const auto view = pfcp::parse_message(datagram);
    if (view.fault == pfcp::NotPfcp::version &&
        view.type != MessageType::version_not_supported_response) {
      const auto size = pfcp::write_version_not_supported(room_, view.envelope.sequence_number);
      out_.push_back({from, {room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(size)}});
    }
    if (!view.ok()) {
      ++ignored_;
      return;
    }
    take(*upf, from, view, now);
    if (!view.follow_on) return;
    datagram = view.behind;
  }
}

void N4::take(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view, Instant now) {
  switch (view.type) {
    case MessageType::heartbeat_request:
    case MessageType::association_setup_request:
    case MessageType::association_update_request:
    case MessageType::session_report_request: return take_request(upf, from, view, now);
    case MessageType::heartbeat_response:
    case MessageType::association_setup_response:
    case MessageType::association_release_response:
    case MessageType::session_establishment_response:
    case MessageType::session_modification_response:
    case MessageType::session_deletion_response:
    case MessageType::version_not_supported_response: return take_response(upf, view, now);
    case MessageType::pfd_management_request:
    case MessageType::pfd_management_response:
    case MessageType::session_set_deletion_request:
    case MessageType::session_set_deletion_response:
    case MessageType::session_set_modification_request:
    case MessageType::session_set_modification_response:
    case MessageType::association_update_response:
    case MessageType::association_release_request:
    case MessageType::session_establishment_request:
    case MessageType::session_modification_request:
    case MessageType::session_deletion_request:
    case MessageType::session_report_response: break;
  }
  ++ignored_;  // Nothing that a UPF has to say to an SMF.
}

// ---- what a UPF asks --------------------------------------------------------------------------

void N4::take_request(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view,
                      Instant now) {
  if (view.type == MessageType::session_report_request) return report(upf, from, view, now);
  if (view.type == MessageType::association_setup_request) return greeted(upf, from, view, now);
  if (view.type == MessageType::association_update_request) return updated(upf, from, view, now);
  const auto request = read<pfcp::HeartbeatRequest>(view);
  if (!request) {
    ++ignored_;
    return;
  }
  respond(from, view, pfcp::HeartbeatResponse{*born_});
  seen_alive(upf, request->recovery_time_stamp, now);
}

// Clause 6.2.6.3: the UPF may be the one to begin. It has no sessions of ours then.
void N4::greeted(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view, Instant now) {
  const auto request = read<pfcp::AssociationSetupRequest>(view);
  pfcp::AssociationSetupResponse response{.node = node(), .recovery_time_stamp = *born_};
  if (!request) {
    response.cause = pfcp::Cause::mandatory_ie_missing;
    return respond(from, view, response);
  }
  // Sent again because our answer was lost: the association has begun, and stays.
  if (upfs_[upf].born == request->recovery_time_stamp && answer_again(upf, from, view)) return;
  if (upfs_[upf].phase == Phase::up) lose(upf, "RESTARTED", now, now);
  auto bytes = written(0, view.envelope.sequence_number, response);
  out_.push_back({from, bytes});
  begin(upf, request->recovery_time_stamp, request->up_features, now);
  keep(upf, {from, view.type, view.envelope.sequence_number, std::move(bytes)});
}

void N4::updated(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view, Instant now) {
  const auto request = read<pfcp::AssociationUpdateRequest>(view);
  pfcp::AssociationUpdateResponse response{.node = node()};
  auto& is = upfs_[upf];
  if (!request)
    response.cause = pfcp::Cause::mandatory_ie_missing;
  else if (is.phase != Phase::up)
    response.cause = pfcp::Cause::no_established_association;
  respond(from, view, response);
  if (!request || is.phase != Phase::up) return;
  if (request->up_features) is.features = request->up_features;
  // It asks to be released. It may be gone at once, so the release is not waited for.
  const bool leaves = request->release && request->release->has(pfcp::AssociationReleaseFlag::sarr);
  if (!leaves) return;
  lose(upf, "RELEASED", now + config_.setup_retry, now);
  this->request(upf, 0, pfcp::AssociationReleaseRequest{node()}, Purpose::release, now);
}

void N4::report(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view, Instant now) {
  if (answer_again(upf, from, view)) return;
  const auto sequence = view.envelope.sequence_number;
  const auto answer = user_.reported(upf, view, now);
  auto bytes = written(answer.seid, sequence, answer.response);
  out_.push_back({from, bytes});
  keep(upf, {from, view.type, sequence, std::move(bytes)});
}

bool N4::answer_again(UpfIndex upf, const N4Endpoint& from, const pfcp::MessageView& view) {
  for (const auto& answer : upfs_[upf].kept) {
    if (answer.sequence != view.envelope.sequence_number || answer.type != view.type ||
        answer.to != from)
      continue;
    out_.push_back({from, answer.bytes});
    return true;
  }
  return false;
}

// What comes again does so within T1 times N1; the newest are enough for that.
void N4::keep(UpfIndex upf, KeptAnswer answer) {
  auto& kept = upfs_[upf].kept;
  if (kept.size() == n4_answers_kept_max) kept.pop_front();
  kept.push_back(std::move(answer));
}

// Clause 19A of TS 23.007: another Recovery Time Stamp is another life, without our sessions.
void N4::seen_alive(UpfIndex upf, pfcp::NtpSeconds born, Instant now) {
  auto& is = upfs_[upf];
  if (is.phase != Phase::up || !is.born || *is.born == born) return;
  lose(upf, "RESTARTED", now, now);
}

// ---- what a UPF answers -----------------------------------------------------------------------

void N4::take_response(UpfIndex upf, const pfcp::MessageView& view, Instant now) {
  const auto sequence = view.envelope.sequence_number;
  const auto at = requests_.find(sequence);
  const bool fits =
      at != requests_.end() && at->second.upf == upf &&
      (at->second.answer == view.type || view.type == MessageType::version_not_supported_response);
  if (!fits) {
    ++ignored_;  // Late, the answer to a repetition, or nobody's.
    return;
  }
  const auto purpose = at->second.purpose;
  erase(sequence);
  if (view.type == MessageType::version_not_supported_response)
    return lose(upf, "VERSION_NOT_SUPPORTED", now + config_.setup_retry, now);
  switch (purpose) {
    case Purpose::setup: return take_setup(upf, view, now);
    case Purpose::heartbeat: {
      upfs_[upf].heartbeat_under_way = false;
      if (const auto life = read<pfcp::HeartbeatResponse>(view))
        seen_alive(upf, life->recovery_time_stamp, now);
      return;
    }
    case Purpose::release: return;
    case Purpose::session: return user_.answered(sequence, view, now);
  }
}

void N4::take_setup(UpfIndex upf, const pfcp::MessageView& view, Instant now) {
  const auto response = read<pfcp::AssociationSetupResponse>(view);
  if (response && pfcp::is_accepted(response->cause))
    return begin(upf, response->recovery_time_stamp, response->up_features, now);
  lose(upf, response ? "REFUSED" : "UNREADABLE", now + config_.setup_retry, now);
}

// ---- associations and requests ----------------------------------------------------------------

void N4::begin(UpfIndex upf, pfcp::NtpSeconds born, std::optional<pfcp::UpFeatures> features,
               Instant now) {
  forget_requests(upf);  // A greeting of ours that crossed the UPF's.
  auto& is = upfs_[upf];
  is.phase = Phase::up;
  is.born = born;
  is.features = features;
  is.heartbeat_under_way = false;
  is.next = now + config_.heartbeat;
  is.kept.clear();
  user_.upf_up(upf, now);
}

void N4::lose(UpfIndex upf, std::string_view cause, Instant retry, Instant now) {
  auto& is = upfs_[upf];
  const bool was_up = is.phase == Phase::up;
  forget_requests(upf);
  is.phase = Phase::down;
  is.cause = cause;
  is.next = retry;
  is.heartbeat_under_way = false;
  is.kept.clear();
  if (was_up) user_.upf_down(upf, now);
}

void N4::erase(std::uint32_t sequence) {
  const auto at = requests_.find(sequence);
  due_.erase({at->second.due, sequence});
  requests_.erase(at);
}

void N4::forget_requests(UpfIndex upf) {
  for (auto at = requests_.begin(); at != requests_.end();) {
    if (at->second.upf != upf) {
      ++at;
      continue;
    }
    due_.erase({at->second.due, at->first});
    at = requests_.erase(at);
  }
}

void N4::repeat_or_give_up(std::uint32_t sequence, Instant now) {
  auto& request = requests_.at(sequence);
  const auto upf = request.upf;
  if (request.repeats < config_.n1) {
    due_.erase({request.due, sequence});
    ++request.repeats;
    request.due = now + config_.t1;
    due_.emplace(request.due, sequence);
    out_.push_back({upfs_[upf].at, request.bytes});
    return;
  }
  const bool release = request.purpose == Purpose::release;
  erase(sequence);
  if (!release) lose(upf, "SILENT", now + config_.setup_retry, now);
}

void N4::tick(Instant now) {
  if (!born_) born_ = pfcp::NtpSeconds::at(std::chrono::floor<std::chrono::seconds>(now));
  // Ends: what is sent again is due after `now`.
  while (!due_.empty() && due_.begin()->first <= now) repeat_or_give_up(due_.begin()->second, now);
  for (UpfIndex upf = 0; upf < upfs_.size(); ++upf) {
    auto& is = upfs_[upf];
    if (is.phase == Phase::greeting || is.next > now) continue;
    if (is.phase == Phase::down) {
      is.phase = Phase::greeting;
      is.cause = "GREETING";
      request(upf, 0,
              pfcp::AssociationSetupRequest{
                  .node = node(), .recovery_time_stamp = *born_, .cp_features = pfcp::CpFeatures{}},
              Purpose::setup, now);
      continue;
    }
    is.next = now + config_.heartbeat;
    if (is.heartbeat_under_way) continue;
    is.heartbeat_under_way = true;
    request(upf, 0, pfcp::HeartbeatRequest{*born_}, Purpose::heartbeat, now);
  }
}

std::optional<Instant> N4::next_due() const {
  std::optional<Instant> next;
  const auto earlier = [&](Instant at) { next = next ? std::min(*next, at) : at; };
  if (!due_.empty()) earlier(due_.begin()->first);
  for (const auto& upf : upfs_)
    if (upf.phase != Phase::greeting) earlier(upf.next);
  return next;
}

}  // namespace lobo::core_sim
