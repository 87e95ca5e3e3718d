#pragma once
// One WebSocket and what waits to be written to it. For websocket.cpp and session.cpp alone: Beast
// is slow to compile.

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http/asio_loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/websocket/websocket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::websocket {

class Session final : public std::enable_shared_from_this<Session> {
 public:
  using Gone = std::function<void(quic::LinkId)>;

  Session(Socket socket, quic::LinkId link, const Settings& settings, quic::LinkEvents& events,
          Gone gone);
  void start();

  bool writable() const { return open_ && waiting_.empty(); }
  bool is_open() const { return open_; }
  Result<void> send_datagram(Bytes datagram);
  Result<quic::StreamNo> open_stream();
  Result<void> write_stream(quic::StreamNo stream, Bytes octets, bool end);
  void reset_stream(quic::StreamNo stream, std::uint64_t code);
  void close(std::uint64_t code, std::string_view reason);
  /// Its server goes: nobody is told anything any more.
  void forget();
  std::uint64_t bytes_waiting() const { return bytes_waiting_; }

 private:
  using Error = boost::system::error_code;
  using Request = boost::beast::http::request_parser<boost::beast::http::empty_body>;

  void judge();
  void refuse(unsigned status, std::string_view why);
  void read_next();
  void take(Bytes message);
  void queue(std::vector<std::byte> message);
  void write_next();
  void say_goodbye();
  void end(quic::CloseCause cause, std::uint64_t code, std::string detail);
  UdpEndpoint peer();

  boost::beast::websocket::stream<Socket> stream_;
  quic::LinkId link_;
  Settings settings_;
  quic::LinkEvents* events_;
  Gone gone_;
  Request request_;
  boost::beast::http::response<boost::beast::http::string_body> refusal_;
  boost::beast::flat_buffer buffer_;
  std::deque<std::vector<std::byte>> waiting_;  ///< the first is being written
  std::uint64_t bytes_waiting_ = 0;
  std::set<quic::StreamNo> streams_;  ///< open, of both ends
  quic::StreamNo next_stream_ = 1;
  bool open_ = false;
  bool told_ = false;
  bool ended_ = false;
  std::optional<quic::Closed> closing_;
};

}  // namespace lobo::adapters::websocket
