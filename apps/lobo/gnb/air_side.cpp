#include "gnb/air_side.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/udp/batch_socket.hpp"
#include "adapters/udp/readiness.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "gnb/gnb_config.hpp"
#include "wire/air/message.hpp"

namespace lobo::app {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t message_bytes_max = air::header_bytes + air::reason_bytes_max;
/// Batches that are taken before others have their turn.
constexpr std::size_t batches_max = 8;

std::string text_of(Bytes bytes) {
  std::string text(bytes.size(), '\0');
  std::ranges::transform(bytes, text.begin(),
                         [](std::byte octet) { return std::to_integer<char>(octet); });
  return text;
}

}  // namespace

AirSide::AirSide(adapters::EventLoop& loop, Rng& rng, Asks asks)
    : loop_(loop), rng_(rng), asks_(std::move(asks)) {}

Result<std::unique_ptr<AirSide>> AirSide::open(adapters::EventLoop& loop,
                                               const std::vector<GnbListen>& at, Rng& rng,
                                               Asks asks) {
  std::unique_ptr<AirSide> side(new AirSide(loop, rng, std::move(asks)));
  for (const auto& one : at) {
    auto socket = adapters::BatchSocket::open({one.address, one.port});
    if (!socket) return fail(std::move(socket.error()));
    side->sockets_.push_back(std::move(*socket));
  }
  AirSide* const self = side.get();
  for (std::size_t i = 0; i < side->sockets_.size(); ++i)
    side->readiness_.push_back(
        std::make_unique<adapters::Readiness>(loop, side->sockets_[i].descriptor(), [self, i] {
          const auto take = [self, i](const adapters::UdpEndpoint& from, Bytes datagram) {
            self->receive(i, from, datagram);
          };
          for (std::size_t batch = 0; batch < batches_max; ++batch)
            if (self->sockets_[i].receive(take) < adapters::udp_batch_max) break;
          self->asks_.done();
        }));
  side->look();
  return side;
}

AirSide::~AirSide() {
  if (timer_) loop_.cancel(*timer_);
  for (const auto& [ue, attachment] : attached_) say(attachment, air::Type::detach);
}

std::vector<adapters::UdpEndpoint> AirSide::local() const {
  std::vector<adapters::UdpEndpoint> all;
  for (const auto& socket : sockets_) all.push_back(socket.local());
  return all;
}

std::uint64_t AirSide::lost() const {
  std::uint64_t lost = 0;
  for (const auto& socket : sockets_) lost += socket.lost();
  return lost;
}

void AirSide::receive(std::size_t socket, const adapters::UdpEndpoint& from, Bytes datagram) {
  const air::View view = air::parse(datagram);
  if (!view.ok()) return add(AirEvent::malformed);
  if (view.type == air::Type::attach) return take_attach(socket, from, view);
  const auto known = by_number_.find(view.attachment);
  if (known == by_number_.end() || attached_.at(known->second).at != from) {
    add(AirEvent::unknown_attachment);
    // Who thinks that it is attached learns that it is not, as after our restart.
    if (view.type == air::Type::data_up || view.type == air::Type::keep_alive)
      refuse(socket, from, view.attachment, "there is no such attachment");
    return;
  }
  const std::uint32_t ue = known->second;
  attached_.at(ue).heard = steady_clock::now();
  switch (view.type) {
    case air::Type::data_up:
      add(AirEvent::data_up);
      asks_.uplink(ue, view.content);
      return;
    case air::Type::detach:
      add(AirEvent::detached);
      by_number_.erase(known);
      attached_.erase(ue);
      asks_.lost(ue);
      return;
    case air::Type::keep_alive: return;
    case air::Type::attach:
    case air::Type::accept:
    case air::Type::refuse:
    case air::Type::data_down:
    case air::Type::wait: break;
  }
  add(AirEvent::unexpected);
}

void AirSide::take_attach(std::size_t socket, const adapters::UdpEndpoint& from,
                          const air::View& view) {
  const AirAnswer answer = asks_.attach(text_of(view.content));
  if (const auto* accepted = std::get_if<AirAccept>(&answer))
    return accept(socket, from, *accepted);
  if (const auto* refused = std::get_if<AirRefuse>(&answer)) {
    add(AirEvent::refused);
    return refuse(socket, from, 0, refused->reason);
  }
  std::array<std::byte, message_bytes_max> room{};
  ByteWriter out(room);
  air::write_header(out, air::Type::wait, 0);
  sockets_[socket].send(from, out.written());
}

// A datagram that comes again, because the answer was lost, gets the same attachment.
void AirSide::accept(std::size_t socket, const adapters::UdpEndpoint& from,
                     const AirAccept& answer) {
  const auto before = attached_.find(answer.ue);
  const bool same = before != attached_.end() && before->second.at == from;
  if (!same) {
    add(before == attached_.end() ? AirEvent::attached : AirEvent::moved);
    if (before != attached_.end()) by_number_.erase(before->second.number);
    std::uint32_t number = 0;
    while (number == 0 || by_number_.contains(number))
      number = static_cast<std::uint32_t>(rng_.next());
    attached_.insert_or_assign(answer.ue, Attachment{.socket = socket,
                                                     .at = from,
                                                     .number = number,
                                                     .sent = 0,
                                                     .heard = steady_clock::now()});
    by_number_[number] = answer.ue;
  }
  std::array<std::byte, message_bytes_max> room{};
  ByteWriter out(room);
  air::write_header(out, air::Type::accept, attached_.at(answer.ue).number);
  air::write_accepted(out, answer.terms);
  sockets_[socket].send(from, out.written());
}

void AirSide::refuse(std::size_t socket, const adapters::UdpEndpoint& to, std::uint32_t attachment,
                     std::string_view reason) {
  std::array<std::byte, message_bytes_max> room{};
  ByteWriter out(room);
  air::write_header(out, air::Type::refuse, attachment);
  for (const char c : reason.substr(0, air::reason_bytes_max)) out.u8(static_cast<std::uint8_t>(c));
  sockets_[socket].send(to, out.written());
}

void AirSide::deliver(std::uint32_t ue, Bytes packet) {
  const auto at = attached_.find(ue);
  if (at == attached_.end()) return add(AirEvent::nobody);
  Attachment& attachment = at->second;
  std::array<std::byte, air::header_bytes> head{};
  ByteWriter out(head);
  air::write_header(out, air::Type::data_down, attachment.number, attachment.sent++);
  sockets_[attachment.socket].send(attachment.at, head, packet);
  add(AirEvent::data_down);
}

void AirSide::drop(std::uint32_t ue, std::string_view reason) {
  const auto at = attached_.find(ue);
  if (at == attached_.end()) return;
  refuse(at->second.socket, at->second.at, at->second.number, reason);
  by_number_.erase(at->second.number);
  attached_.erase(at);
}

void AirSide::say(const Attachment& to, air::Type type) {
  std::array<std::byte, air::header_bytes> head{};
  ByteWriter out(head);
  air::write_header(out, type, to.number);
  sockets_[to.socket].send(to.at, out.written());
}

// Keep alives, and who is not heard any more.
void AirSide::look() {
  const auto now = steady_clock::now();
  std::vector<std::uint32_t> silent;
  for (const auto& [ue, attachment] : attached_) {
    if (now - attachment.heard > air_silence_max)
      silent.push_back(ue);
    else
      say(attachment, air::Type::keep_alive);
  }
  for (const auto ue : silent) {
    add(AirEvent::silent);
    drop(ue, "nothing was heard for a while");
    asks_.lost(ue);
  }
  timer_ = loop_.after(air_keep_alive, [this] { look(); });
}

}  // namespace lobo::app
