#pragma once
// A connection of HTTP/3 whose other end is the test: what a gate writes is kept, octet by octet.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/quic/links.hpp"
#include "adapters/webtransport/varint.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::webtransport::testing {

class Below final : public quic::Links {
 public:
  struct Stream {
    std::vector<std::byte> octets;
    bool ended = false;
    std::optional<std::uint64_t> reset;
  };
  bool writable(quic::LinkId) const override { return true; }
  std::size_t datagram_max(quic::LinkId) const override { return 1200; }
  Result<void> send_datagram(quic::LinkId, Bytes datagram, std::uint64_t) override {
    datagrams.emplace_back(datagram.begin(), datagram.end());
    return {};
  }
  Result<quic::StreamNo> open_stream(quic::LinkId, quic::StreamKind kind) override {
    auto& next = kind == quic::StreamKind::both ? next_both_ : next_out_;
    next += 4;
    streams[next - 4];
    return next - 4;
  }
  Result<void> write_stream(quic::LinkId, quic::StreamNo stream, Bytes octets, bool end) override {
    auto& one = streams[stream];
    one.octets.insert(one.octets.end(), octets.begin(), octets.end());
    one.ended = one.ended || end;
    return {};
  }
  void reset_stream(quic::LinkId, quic::StreamNo stream, std::uint64_t code) override {
    streams[stream].reset = code;
  }
  void close(quic::LinkId, std::uint64_t code, std::string_view) override { closed = code; }
  quic::PathStats stats(quic::LinkId) const override { return {}; }

  std::map<quic::StreamNo, Stream> streams;
  std::vector<std::vector<std::byte>> datagrams;
  std::optional<std::uint64_t> closed;

 private:
  quic::StreamNo next_both_ = 1;  // RFC 9000 clause 2.1: a server's
  quic::StreamNo next_out_ = 3;
};

class Above final : public quic::LinkEvents {
 public:
  void on_opened(quic::LinkId, const quic::Opened& now) override { opened = now; }
  void on_datagram(quic::LinkId, Bytes datagram) override {
    datagrams.emplace_back(datagram.begin(), datagram.end());
  }
  void on_stream(quic::LinkId, quic::StreamNo stream, Bytes octets, bool end) override {
    auto& one = streams[stream];
    one.first.insert(one.first.end(), octets.begin(), octets.end());
    one.second = one.second || end;
  }
  void on_stream_reset(quic::LinkId, quic::StreamNo stream, std::uint64_t code) override {
    resets[stream] = code;
  }
  void on_acked(quic::LinkId, std::uint64_t tag) override { acked.push_back(tag); }
  void on_lost(quic::LinkId, std::uint64_t tag) override { lost.push_back(tag); }
  void on_closed(quic::LinkId, const quic::Closed& now) override { closed = now; }

  std::optional<quic::Opened> opened;
  std::vector<std::vector<std::byte>> datagrams;
  std::map<quic::StreamNo, std::pair<std::vector<std::byte>, bool>> streams;
  std::map<quic::StreamNo, std::uint64_t> resets;
  std::vector<std::uint64_t> acked, lost;
  std::optional<quic::Closed> closed;
};

inline std::vector<std::byte> octets_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}
inline std::vector<std::byte> frame(std::uint64_t type, const std::vector<std::byte>& value) {
  std::vector<std::byte> out;
  append_varint(out, type);
  append_varint(out, value.size());
  out.insert(out.end(), value.begin(), value.end());
  return out;
}
/// A header block of literals with literal names (RFC 9204 clause 4.5.6), short ones.
inline std::vector<std::byte> block(
    const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<std::byte> out(2);
  for (const auto& [name, value] : fields) {
    if (name.size() < 7) {
      out.push_back(static_cast<std::byte>(0x20U | name.size()));
    } else {
      out.push_back(std::byte{0x27});
      out.push_back(static_cast<std::byte>(name.size() - 7));
    }
    for (const char c : name) out.push_back(static_cast<std::byte>(c));
    out.push_back(static_cast<std::byte>(value.size()));
    for (const char c : value) out.push_back(static_cast<std::byte>(c));
  }
  return out;
}
inline std::vector<std::pair<std::string, std::string>> good_request() {
  return {{":method", "CONNECT"},
          {":protocol", "webtransport"},
          {":scheme", "https"},
          {":authority", "relay.example:4433"},
          {":path", "/sdd?room=9"},
          {"origin", "https://app.example"},
          {"sec-webtransport-http3-draft02", "1"}};
}

}  // namespace lobo::adapters::webtransport::testing
