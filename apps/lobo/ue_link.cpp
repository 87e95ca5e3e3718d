#include "ue_link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/http/loop.hpp"
#include "adapters/tun/tun.hpp"
#include "adapters/udp/batch_socket.hpp"
#include "adapters/udp/readiness.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "wire/air/message.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto retry_first = 200ms;
constexpr auto retry_max = 2000ms;
constexpr auto keep_alive = 1000ms;
constexpr auto silence_max = 3000ms;
constexpr std::size_t packets_at_once = 64;
/// A number that is behind by more than this is another count, as after a restart of the gNB.
constexpr std::uint32_t reordered_max = 1000;

adapters::UdpEndpoint any_port(const adapters::UdpEndpoint& towards) {
  if (towards.address.index() == 0) return {model::Ipv4Address{}, 0};
  return {model::Ipv6Address{}, 0};
}

}  // namespace

UeLink::UeLink(adapters::EventLoop& loop, UeSettings settings, Tells tells, adapters::Tun tun,
               adapters::BatchSocket socket)
    : loop_(loop),
      settings_(std::move(settings)),
      tells_(std::move(tells)),
      tun_(std::move(tun)),
      socket_(std::move(socket)),
      room_(std::make_unique<std::array<std::byte, adapters::udp_datagram_bytes_max>>()),
      retry_(retry_first) {}

Result<std::unique_ptr<UeLink>> UeLink::open(adapters::EventLoop& loop, const UeSettings& settings,
                                             Tells tells) {
  auto tun = adapters::Tun::open(settings.tun);
  if (!tun) return fail(std::move(tun.error()));
  auto socket = adapters::BatchSocket::open(any_port(settings.gnb));
  if (!socket) return fail(std::move(socket.error()));
  std::unique_ptr<UeLink> link(
      new UeLink(loop, settings, std::move(tells), std::move(*tun), std::move(*socket)));
  UeLink* const self = link.get();
  link->from_air_ = std::make_unique<adapters::Readiness>(loop, link->socket_.descriptor(), [self] {
    self->socket_.receive([self](const adapters::UdpEndpoint& from, Bytes datagram) {
      self->receive(from, datagram);
    });
  });
  link->from_tun_ = std::make_unique<adapters::Readiness>(loop, link->tun_.descriptor(),
                                                          [self] { self->take_up(); });
  return link;
}

UeLink::~UeLink() {
  if (timer_) loop_.cancel(*timer_);
  if (is_attached()) say(air::Type::detach);
}

void UeLink::after(std::chrono::milliseconds delay, void (UeLink::*work)()) {
  if (timer_) loop_.cancel(*timer_);
  timer_ = loop_.after(delay, [this, work] {
    timer_.reset();
    (this->*work)();
  });
}

void UeLink::say(air::Type type, Bytes content) {
  std::array<std::byte, air::header_bytes> head{};
  ByteWriter out(head);
  const bool data = type == air::Type::data_up;
  air::write_header(out, type, attachment_, data ? sent_++ : 0);
  socket_.send(settings_.gnb, out.written(), content);
}

void UeLink::attach() {
  say(air::Type::attach, std::as_bytes(std::span(settings_.name)));
  after(retry_, &UeLink::attach);
  retry_ = std::min<std::chrono::milliseconds>(retry_ * 2, retry_max);
}

void UeLink::look() {
  if (steady_clock::now() - heard_ > silence_max) return lose("the gNB is not heard any more");
  say(air::Type::keep_alive);
  after(keep_alive, &UeLink::look);
}

void UeLink::lose(std::string_view why) {
  attachment_ = 0;
  retry_ = retry_first;
  // Each reason once, however often it is given.
  if (std::exchange(last_said_, std::string(why)) != why) tells_.say(why);
  after(retry_, &UeLink::attach);
}

void UeLink::receive(const adapters::UdpEndpoint& from, Bytes datagram) {
  const air::View view = air::parse(datagram);
  if (from != settings_.gnb || !view.ok()) {
    ++counters_.malformed;
    return;
  }
  if (view.type == air::Type::accept) return take_accepted(view);
  if (view.type == air::Type::wait) return;  // it is asked again until the network has answered
  if (view.type == air::Type::refuse && (!is_attached() || view.attachment == attachment_)) {
    std::string reason(view.content.size(), '\0');
    std::ranges::transform(view.content, reason.begin(), [](std::byte octet) {
      const char c = std::to_integer<char>(octet);
      return c >= ' ' && c <= '~' ? c : '?';  // it is shown on a terminal
    });
    if (is_attached()) return lose(reason);
    if (std::exchange(last_said_, reason) != reason) tells_.say(reason);
    return;
  }
  if (!is_attached() || view.attachment != attachment_) {
    ++counters_.malformed;
    return;
  }
  heard_ = steady_clock::now();
  if (view.type == air::Type::data_down) return take_data(view);
  if (view.type == air::Type::detach) return lose("the gNB has ended the attachment");
}

void UeLink::take_accepted(const air::View& view) {
  const auto accepted = air::read_accepted(view.content);
  if (!accepted || view.attachment == 0 || view.attachment == attachment_) return;
  const adapters::TunAddresses wanted{.v4 = accepted->v4,
                                      .v6 = accepted->v6,
                                      .mtu = settings_.mtu.value_or(accepted->mtu),
                                      .default_route = settings_.route};
  attachment_ = view.attachment;
  sent_ = 0;
  expected_.reset();
  heard_ = steady_clock::now();
  retry_ = retry_first;
  last_said_.clear();
  ++counters_.attached;
  after(keep_alive, &UeLink::look);
  if (configured_ == wanted) return tells_.say("attached again");
  if (const auto set = tun_.configure(wanted); !set) return tells_.trouble(set.error());
  configured_ = wanted;
  address_ = wanted.v4 ? wanted.v4->text() : wanted.v6->text();
  tells_.addressed(address_);
}

void UeLink::take_data(const air::View& view) {
  const std::uint32_t ahead = view.number - expected_.value_or(view.number);
  if (ahead < 0x80000000U) {
    counters_.missed += ahead;
    expected_ = view.number + 1;
  } else if (0U - ahead > reordered_max) {
    expected_ = view.number + 1;
  } else if (counters_.missed > 0) {
    --counters_.missed;  // it came after all
  }
  if (!tun_.write(view.content)) {
    ++counters_.dropped;
    return;
  }
  ++counters_.down;
  counters_.down_octets += view.content.size();
}

void UeLink::take_up() {
  for (std::size_t i = 0; i < packets_at_once; ++i) {
    const std::size_t size = tun_.read(*room_);
    if (size == 0) return;
    if (!is_attached() || size > adapters::udp_datagram_bytes_max - air::header_bytes) {
      ++counters_.dropped;
      continue;
    }
    ++counters_.up;
    counters_.up_octets += size;
    say(air::Type::data_up, Bytes(*room_).first(size));
  }
}

}  // namespace lobo::app
