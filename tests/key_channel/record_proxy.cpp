#include "key_channel/record_proxy.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include "base/require.hpp"

namespace lobo::testing {
namespace {

constexpr std::size_t header_bytes = 5;  // RFC 8446 clause 5.1

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

bool send_all(int to, const std::string& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const auto put = ::send(to, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (put <= 0) return false;
    done += static_cast<std::size_t>(put);
  }
  return true;
}

/// The whole record in front, taken off.
std::optional<std::string> take_record(std::string& bytes) {
  if (bytes.size() < header_bytes) return std::nullopt;
  const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  const std::size_t size = header_bytes + (std::size_t{octet(3)} << 8U | octet(4));
  if (bytes.size() < size) return std::nullopt;
  std::string record = bytes.substr(0, size);
  bytes.erase(0, size);
  return record;
}

}  // namespace

RecordProxy::RecordProxy(std::uint16_t server, std::optional<Alteration> alteration)
    : server_(server),
      alteration_(alteration),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in own = loopback(0);
  socklen_t size = sizeof own;
  require(::bind(listener_, reinterpret_cast<const sockaddr*>(&own), size) == 0);
  require(::listen(listener_, 8) == 0);
  require(::getsockname(listener_, reinterpret_cast<sockaddr*>(&own), &size) == 0);
  port_ = ntohs(own.sin_port);
  thread_ = std::thread([this] { run(); });
}

RecordProxy::~RecordProxy() {
  const std::uint64_t one = 1;
  require(::write(stop_, &one, sizeof one) == sizeof one);
  thread_.join();
  ::close(listener_);
  ::close(stop_);
}

void RecordProxy::run() {
  for (;;) {
    std::array<pollfd, 2> waited{
        {{.fd = stop_, .events = POLLIN}, {.fd = listener_, .events = POLLIN}}};
    (void)::poll(waited.data(), waited.size(), -1);
    if (waited[0].revents != 0) return;
    const int client = ::accept(listener_, nullptr, nullptr);
    if (client < 0) continue;
    join(client);
    ::close(client);
  }
}

void RecordProxy::join(int client) {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in at = loopback(server_);
  bool up = ::connect(server, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  const std::array from{client, server};
  const std::array to{server, client};
  std::array<std::string, 2> waiting;
  std::array<std::size_t, 2> seen{};
  std::array<bool, 2> ended{};
  std::array<char, 16384> room{};
  while (up && !(ended[0] && ended[1])) {
    std::array<pollfd, 3> waited{{{.fd = stop_, .events = POLLIN},
                                  {.fd = ended[0] ? -1 : client, .events = POLLIN},
                                  {.fd = ended[1] ? -1 : server, .events = POLLIN}}};
    (void)::poll(waited.data(), waited.size(), -1);
    if (waited[0].revents != 0) break;
    for (std::size_t way = 0; way < 2 && up; ++way) {
      if (waited[1 + way].revents == 0) continue;
      const auto got = ::recv(from[way], room.data(), room.size(), 0);
      if (got <= 0) {
        ended[way] = true;
        (void)::shutdown(to[way], SHUT_WR);
        continue;
      }
      waiting[way].append(room.data(), static_cast<std::size_t>(got));
      while (auto record = take_record(waiting[way])) {
        if (alteration_ && static_cast<std::size_t>(alteration_->way) == way &&
            alteration_->record == seen[way] && record->size() > header_bytes) {
          const std::size_t length = record->size() - header_bytes;
          char& octet = (*record)[header_bytes + (length - 1) * alteration_->place / 100];
          octet = static_cast<char>(octet ^ 0x20);
          altered_ = true;
        }
        ++seen[way];
        if (first_) records_[way] = seen[way];
        up = up && send_all(to[way], *record);
      }
    }
  }
  first_ = false;
  ::close(server);
}

}  // namespace lobo::testing
