// A relay of the room by Boost.Beast's WebSocket, without TLS: what a member sends goes to all
// others, one message after the other.

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "relay_room.hpp"

namespace lobo::bench {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;

/// Of 200 octets about 64 MiB, at which NATS gives a receiver up; here what is beyond is not sent.
constexpr std::size_t queue_max = 335'000;

struct Member : std::enable_shared_from_this<Member> {
  using Message = std::shared_ptr<const std::string>;
  using Members = std::set<std::shared_ptr<Member>>;

  Member(Socket socket, Members& members) : stream(std::move(socket)), all(members) {
    boost::system::error_code ignored;
    stream.next_layer().set_option(tcp::no_delay(true), ignored);
    stream.binary(true);
  }
  void begin() {
    stream.async_accept([self = shared_from_this()](auto error) {
      if (error) return;
      self->all.insert(self);
      self->read();
    });
  }
  void read() {
    stream.async_read(in, [self = shared_from_this()](auto error, std::size_t) {
      if (error) {
        self->all.erase(self);
        return;
      }
      const auto message =
          std::make_shared<const std::string>(boost::beast::buffers_to_string(self->in.cdata()));
      self->in.consume(self->in.size());
      for (const auto& other : self->all)
        if (other != self) other->send(message);
      self->read();
    });
  }
  void send(const Message& message) {
    if (out.size() >= queue_max) return;
    out.push_back(message);
    if (out.size() == 1) write();
  }
  void write() {
    stream.async_write(asio::buffer(*out.front()),
                       [self = shared_from_this()](auto error, std::size_t) {
                         if (error) return;
                         self->out.pop_front();
                         if (!self->out.empty()) self->write();
                       });
  }

  boost::beast::websocket::stream<Socket> stream;
  Members& all;
  boost::beast::flat_buffer in;
  std::deque<Message> out;
};

}  // namespace

int serve_websocket(const std::string& host, std::uint16_t port) {
  asio::io_context io{1};
  Member::Members members;
  asio::basic_socket_acceptor<tcp, Executor> acceptor(
      io.get_executor(), tcp::endpoint(asio::ip::make_address(host), port));
  std::cout << acceptor.local_endpoint().port() << std::endl;
  std::function<void()> accept = [&] {
    acceptor.async_accept([&](auto error, auto socket) {
      if (!error) std::make_shared<Member>(std::move(socket), members)->begin();
      accept();
    });
  };
  accept();
  io.run();
  return 0;
}

}  // namespace lobo::bench
