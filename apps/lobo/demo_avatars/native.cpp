#include "demo_avatars/native.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "demo_avatars/body.hpp"
#include "model/address.hpp"
#include "relay/client.hpp"
#include "wire/json/value.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
namespace quic = adapters::quic;
using std::chrono::steady_clock;

constexpr auto period = 16'667us;  // 60 Hz
constexpr auto again_after = 200ms;
constexpr std::size_t assets_seen_max = 256;

Instant now_of_client() {
  return Instant(std::chrono::duration_cast<std::chrono::microseconds>(
      steady_clock::now().time_since_epoch()));
}

}  // namespace

Result<NativeGrant> grant_of(const json::Value& session) {
  const auto* granted = session.find("granted");
  const auto* id = session.find("sessionId");
  if (granted == nullptr || granted->array() == nullptr || granted->array()->empty() ||
      id == nullptr || id->text() == nullptr)
    return fail(Errc::refused, "nothing was granted");
  const auto& first = granted->array()->front();
  const auto* token = first.find("token");
  const auto* flows = first.find("flowIds");
  const auto* alias = first.find("alias");
  if (token == nullptr || token->text() == nullptr || flows == nullptr ||
      flows->array() == nullptr || flows->array()->empty() || alias == nullptr)
    return fail(Errc::refused, json::to_text(first));
  auto octets = sdd::token_of_text(*token->text());
  if (!octets) return fail(octets.error());
  return NativeGrant{
      .session = *id->text(),
      .token = std::move(*octets),
      .flow = static_cast<sdd::FlowId>(flows->array()->front().integer().value_or(0)),
      .alias = static_cast<sdd::Alias>(alias->integer().value_or(0))};
}

NativeAvatar::NativeAvatar(adapters::EventLoop& loop, std::string name, Stand stand,
                           NativeGrant grant, quic::Target target)
    : loop_(loop),
      name_(std::move(name)),
      stand_(stand),
      grant_(std::move(grant)),
      target_(std::move(target)),
      core_(static_cast<relay::ClientSink&>(*this)) {}

NativeAvatar::~NativeAvatar() {
  if (timer_) loop_.cancel(*timer_);
}

Result<void> NativeAvatar::start() {
  quic::Settings settings;
  settings.at = {*model::parse_ip_address("127.0.0.1"), 0};
  settings.protocols = {"sdd/1"};
  auto opened = quic::open(loop_, settings, *this);
  if (!opened) return fail(opened.error());
  endpoint_ = std::move(*opened);
  next_ = publish_at_ = steady_clock::now();
  connect();
  tick();
  return {};
}

void NativeAvatar::connect() {
  const auto made = endpoint_->connect(target_);
  if (made) link_ = *made;
}

void NativeAvatar::leave() {
  leaving_ = true;
  if (up_) core_.say(sdd::Release{});
  up_ = false;
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  if (endpoint_) endpoint_->shut(0, "bye");
}

void NativeAvatar::tick() {
  const auto now = steady_clock::now();
  core_.advance(now_of_client());
  // While something waits the path is behind: what would be said now waits for the next time.
  if (up_ && now >= publish_at_ && endpoint_->writable(link_)) {
    const double seconds =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    for (const auto& [component, octets] : payloads(moving(stand_, seconds), tier_.components))
      if (core_.publish(grant_.flow, grant_.alias, component, octets, {}, now_of_client()))
        ++published_;
    const auto every = tier_.rate_mhz == 0
                           ? std::chrono::microseconds(period)
                           : std::max(std::chrono::microseconds(period),
                                      std::chrono::microseconds(1'000'000'000 / tier_.rate_mhz));
    publish_at_ = std::max(publish_at_ + every, now);
  }
  next_ = std::max(next_ + period, now);
  timer_ = loop_.after(std::chrono::duration_cast<std::chrono::microseconds>(next_ - now),
                       [this] { tick(); });
}

void NativeAvatar::on_opened(quic::LinkId link, const quic::Opened&) {
  const auto stream = endpoint_->open_stream(link, quic::StreamKind::both);
  if (!stream) return;
  control_ = *stream;
  core_.on_open(name_, now_of_client());
  core_.say(sdd::Establish{
      .request = 1, .token = grant_.token, .flows = {}, .pose_flows = {grant_.flow}});
}

void NativeAvatar::on_datagram(quic::LinkId, Bytes datagram) {
  core_.on_datagram(datagram, now_of_client());
}

void NativeAvatar::on_stream(quic::LinkId link, quic::StreamNo stream, Bytes octets, bool) {
  if (control_ == stream && !core_.on_control(octets, now_of_client()))
    endpoint_->close(link, static_cast<std::uint64_t>(sdd::Cause::protocol), "control");
}

void NativeAvatar::on_closed(quic::LinkId, const quic::Closed&) {
  up_ = false;
  control_.reset();
  if (leaving_) return;
  ++returns_;
  loop_.after(again_after, [this] {
    if (!leaving_) connect();
  });
}

void NativeAvatar::send_datagram(Bytes datagram) {
  (void)endpoint_->send_datagram(link_, datagram, published_);
}

void NativeAvatar::send_control(Bytes bytes) {
  if (control_) (void)endpoint_->write_stream(link_, *control_, bytes, false);
}

void NativeAvatar::received(const relay::Received& state) {
  const auto one = seen_.find(state.alias);
  if (one == seen_.end()) return;
  ++one->second.states;
  if (state.age)
    one->second.ages.add(static_cast<std::uint64_t>(std::max<std::int64_t>(state.age->count(), 0)));
}

void NativeAvatar::told(const sdd::ControlMessage& message) {
  if (const auto* answer = std::get_if<sdd::EstablishRsp>(&message))
    up_ = answer->cause == sdd::Cause::ok && !answer->flows.empty();
  if (const auto* tier = std::get_if<sdd::Tier>(&message)) tier_ = *tier;
  const auto* event = std::get_if<sdd::Event>(&message);
  if (event == nullptr) return;
  if (event->kind == sdd::EventKind::asset_here && seen_.size() < assets_seen_max)
    seen_[event->alias].asset = event->asset;
}

}  // namespace lobo::app
