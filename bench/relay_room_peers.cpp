// The same room carried by peers over TCP, without TLS: NATS by its text protocol, Colyseus and a
// relay of Beast (relay_room_websocket.cpp) by WebSocket. One connection a member, one thread.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/require.hpp"
#include "relay_room.hpp"

namespace lobo::bench {
namespace {

/// A connection whose unsent and unread octets are kept.
class Line {
 public:
  explicit Line(const RoomLoad& load) : file_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    require(::inet_pton(AF_INET, load.host.c_str(), &at.sin_addr) == 1);
    at.sin_port = htons(load.port);
    require(::connect(file_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    const int on = 1;
    (void)::setsockopt(file_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() { ::close(file_); }

  int file() const { return file_; }
  void send(std::string_view octets) {
    unsent_ += octets;
    flush();
  }
  void flush() {
    const ssize_t sent = ::send(file_, unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
  }
  bool has_unsent() const { return !unsent_.empty(); }
  /// What has come and was not taken. False: the other end has gone.
  bool read() {
    std::array<char, 65'536> room;
    const ssize_t got = ::recv(file_, room.data(), room.size(), MSG_DONTWAIT);
    if (got > 0) unread_.append(room.data(), static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && errno == EAGAIN);
  }
  std::string_view unread() const { return std::string_view(unread_).substr(taken_); }
  void take(std::size_t octets) { taken_ += octets; }
  /// What was taken is forgotten; views of it end.
  void settle() {
    unread_.erase(0, taken_);
    taken_ = 0;
  }

 private:
  int file_;
  std::string unsent_;
  std::string unread_;
  std::size_t taken_ = 0;
};

using Lines = std::vector<std::unique_ptr<Line>>;

/// Hands what comes on a line to `read`, and gives the driver its turns.
int serve(Lines& lines, const RoomLoad& load, const std::function<void(std::size_t, Line&)>& read,
          const std::function<bool()>& all_up, RoomDriver& driver) {
  const int waits = ::epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t i = 0; i < load.members; ++i) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    require(::epoll_ctl(waits, EPOLL_CTL_ADD, lines[i]->file(), &event) == 0);
  }
  std::array<epoll_event, 64> events{};
  while (driver.turn(all_up())) {
    const int ready = ::epoll_wait(waits, events.data(), events.size(), 1);
    for (int i = 0; i < ready; ++i) {
      const std::size_t member = events[static_cast<std::size_t>(i)].data.u64;
      if (!lines[member]->read()) {
        std::cerr << "relay_room: the server closed a connection\n";
        return 1;
      }
      read(member, *lines[member]);
      lines[member]->settle();
    }
    for (const auto& line : lines)
      if (line->has_unsent()) line->flush();
  }
  ::close(waits);
  return 0;
}

Bytes octets_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string_view text_of(Bytes octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

// ---- WebSocket (RFC 6455), as much as a client of one server needs

constexpr char opcode_binary = 2;
constexpr std::size_t long_payload = 126;

void send_frame(Line& line, std::string_view payload) {
  require(payload.size() < 65'536);
  std::string frame{static_cast<char>(0x80 | opcode_binary)};
  if (payload.size() < long_payload) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += static_cast<char>(0x80 | long_payload);
    frame += static_cast<char>(payload.size() >> 8U);
    frame += static_cast<char>(payload.size());
  }
  frame.append(4, '\0');  // a mask that changes nothing
  frame += payload;
  line.send(frame);
}

/// The next whole frame's payload, or nothing yet.
bool next_frame(Line& line, std::string_view& payload) {
  const std::string_view in = line.unread();
  if (in.size() < 2) return false;
  const auto octet = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(in[at]));
  };
  std::size_t header = 2;
  std::size_t size = octet(1) & 0x7FU;
  require(size != 127);
  if (size == long_payload) {
    if (in.size() < 4) return false;
    size = octet(2) << 8U | octet(3);
    header = 4;
  }
  if (in.size() < header + size) return false;
  payload = in.substr(header, size);
  line.take(header + size);
  return true;
}

void ask_upgrade(Line& line, const std::string& path) {
  line.send("GET " + path +
            " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
}

/// Takes the answer to it, once it is there.
bool is_upgraded(Line& line) {
  const std::size_t end = line.unread().find("\r\n\r\n");
  if (end == std::string_view::npos) return false;
  require(line.unread().starts_with("HTTP/1.1 101"));
  line.take(end + 4);
  return true;
}

// Of Colyseus: the first octet of a message.
constexpr char join_room = 10;
constexpr char room_state_patch = 15;
constexpr char room_data_bytes = 17;
constexpr char type_of_states = 0;  // a small number is one octet

}  // namespace

int load_nats(const RoomLoad& load) {
  Lines lines;
  RoomDriver driver(load, [&](std::size_t member, Bytes state) {
    lines[member]->send("PUB room 200\r\n" + std::string(text_of(state)) + "\r\n");
  });
  for (std::size_t i = 0; i < load.members; ++i) {
    lines.push_back(std::make_unique<Line>(load));
    lines.back()->send(
        "CONNECT {\"verbose\":false,\"echo\":false,\"protocol\":1}\r\nSUB room 1\r\nPING\r\n");
  }
  std::size_t pongs = 0;
  const auto read = [&](std::size_t member, Line& line) {
    for (;;) {
      const std::string_view in = line.unread();
      const std::size_t end = in.find("\r\n");
      if (end == std::string_view::npos) return;
      const std::string_view head = in.substr(0, end);
      if (head == "PONG") ++pongs;
      if (head == "PING") line.send("PONG\r\n");
      if (!head.starts_with("MSG ")) {
        line.take(end + 2);
        continue;
      }
      std::size_t size = 0;
      const std::string_view last = head.substr(head.rfind(' ') + 1);
      std::from_chars(last.data(), last.data() + last.size(), size);
      if (in.size() < end + 2 + size + 2) return;
      driver.heard(member, octets_of(in.substr(end + 2, size)));
      line.take(end + 2 + size + 2);
    }
  };
  return serve(lines, load, read, [&] { return pongs >= load.members; }, driver);
}

namespace {

/// Of a room of Colyseus, in which `hear` takes what comes once one is in.
int load_room_of_colyseus(const RoomLoad& load, Lines& lines, RoomDriver& driver,
                          const std::function<void(std::size_t, std::string_view)>& hear) {
  for (std::string path; std::getline(std::cin, path) && path != "go";) {
    lines.push_back(std::make_unique<Line>(load));
    ask_upgrade(*lines.back(), path);
  }
  if (lines.size() != load.members) return 2;
  std::vector<bool> upgraded(load.members);
  std::size_t joined = 0;
  const auto read = [&](std::size_t member, Line& line) {
    if (!upgraded[member]) {
      if (!is_upgraded(line)) return;
      upgraded[member] = true;
    }
    for (std::string_view payload; next_frame(line, payload);) {
      if (payload.starts_with(join_room)) {
        send_frame(line, std::string_view(&join_room, 1));
        ++joined;
      }
      hear(member, payload);
    }
  };
  return serve(lines, load, read, [&] { return joined >= load.members; }, driver);
}

// A state as a text for a schema: its stamp in hexadecimal between a mark, by which it is found
// again wherever the schema's encoding puts it, and the filling.
constexpr std::string_view text_mark = "STATE:";
constexpr std::string_view digits = "0123456789abcdef";

void put_text(std::span<char> text, Bytes state) {
  std::ranges::fill(text, '.');
  std::ranges::copy(text_mark, text.begin());
  auto to = text.begin() + text_mark.size();
  for (const std::byte octet : state.first(room_stamp_bytes)) {
    *to++ = digits[std::to_integer<std::size_t>(octet >> 4)];
    *to++ = digits[std::to_integer<std::size_t>(octet & std::byte{0xF})];
  }
}

std::array<std::byte, room_state_bytes> state_of(std::string_view stamp) {
  std::array<std::byte, room_state_bytes> state{};
  for (std::size_t i = 0; i < stamp.size(); ++i)
    state[i / 2] = state[i / 2] << 4 | static_cast<std::byte>(digits.find(stamp[i]));
  return state;
}

}  // namespace

int load_colyseus(const RoomLoad& load) {
  Lines lines;
  std::string message{room_data_bytes, type_of_states};
  message.resize(2 + room_state_bytes);
  RoomDriver driver(load, [&](std::size_t member, Bytes state) {
    std::memcpy(message.data() + 2, state.data(), state.size());
    send_frame(*lines[member], message);
  });
  return load_room_of_colyseus(load, lines, driver, [&](std::size_t member, std::string_view in) {
    if (in.starts_with(room_data_bytes)) driver.heard(member, octets_of(in.substr(2)));
  });
}

int load_colyseus_schema(const RoomLoad& load) {
  Lines lines;
  std::string message{room_data_bytes, type_of_states};
  message.resize(2 + room_state_bytes);
  RoomDriver driver(load, [&](std::size_t member, Bytes state) {
    put_text(std::span(message).subspan(2), state);
    send_frame(*lines[member], message);
  });
  return load_room_of_colyseus(load, lines, driver, [&](std::size_t member, std::string_view in) {
    if (!in.starts_with(room_state_patch)) return;
    for (std::size_t at = in.find(text_mark); at != std::string_view::npos;
         at = in.find(text_mark, at + 1))
      driver.heard(member, state_of(in.substr(at + text_mark.size(), 2 * room_stamp_bytes)));
  });
}

int load_websocket(const RoomLoad& load) {
  Lines lines;
  RoomDriver driver(
      load, [&](std::size_t member, Bytes state) { send_frame(*lines[member], text_of(state)); });
  for (std::size_t i = 0; i < load.members; ++i) {
    lines.push_back(std::make_unique<Line>(load));
    ask_upgrade(*lines.back(), "/");
  }
  std::vector<bool> upgraded(load.members);
  std::size_t joined = 0;
  const auto read = [&](std::size_t member, Line& line) {
    if (!upgraded[member]) {
      if (!is_upgraded(line)) return;
      upgraded[member] = true;
      ++joined;
    }
    for (std::string_view payload; next_frame(line, payload);)
      driver.heard(member, octets_of(payload));
  };
  return serve(lines, load, read, [&] { return joined >= load.members; }, driver);
}

}  // namespace lobo::bench
