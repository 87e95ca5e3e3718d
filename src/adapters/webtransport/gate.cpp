#include "adapters/webtransport/gate.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/quic/links.hpp"
#include "adapters/webtransport/qpack.hpp"
#include "adapters/webtransport/tlv.hpp"
#include "adapters/webtransport/varint.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::webtransport {
namespace {

// RFC 9114 clauses 7.2 and 6.2, RFC 9204 clause 4.2.
constexpr std::uint64_t frame_data = 0x00;
constexpr std::uint64_t frame_headers = 0x01;
constexpr std::uint64_t frame_settings = 0x04;
constexpr std::uint64_t stream_control = 0x00;
constexpr std::uint64_t stream_push = 0x01;
// draft-ietf-webtrans-http3: streams of a session, and the capsule that ends it.
constexpr std::uint64_t stream_session_both = 0x41;
constexpr std::uint64_t stream_session_out = 0x54;
constexpr std::uint64_t capsule_close = 0x2843;
constexpr std::uint64_t session_gone = 0x170d7b68;
constexpr std::uint64_t buffered_stream_rejected = 0x3994bd84;
// Application error codes stand in a range of HTTP/3's, around the reserved ones.
constexpr std::uint64_t first_application_code = 0x52e4a40fa8db;
constexpr std::uint64_t last_application_code = 0x52e5ac983162;

// What we can, by each number that one of the browsers' drafts looks for: no dynamic table,
// extended CONNECT (RFC 9220), datagrams (RFC 9297 and its fourth draft), WebTransport by its
// second, seventh and later drafts, one session on a connection.
constexpr std::array<std::pair<std::uint64_t, std::uint64_t>, 8> settings_sent{{{0x01, 0},
                                                                                {0x07, 0},
                                                                                {0x08, 1},
                                                                                {0x33, 1},
                                                                                {0xffd277, 1},
                                                                                {0x2b603742, 1},
                                                                                {0xc671706a, 1},
                                                                                {0x14e9cd29, 1}}};

bool by_client(quic::StreamNo stream) { return (stream & 1U) == 0; }
bool both_ways(quic::StreamNo stream) { return (stream & 2U) == 0; }

std::uint64_t to_h3(std::uint64_t code) { return first_application_code + code + code / 0x1e; }
std::uint64_t from_h3(std::uint64_t code) {
  if (code < first_application_code || code > last_application_code) return 0;
  const std::uint64_t shifted = code - first_application_code;
  return shifted - shifted / 0x1f;
}

void append_frame(std::vector<std::byte>& out, std::uint64_t type, Bytes value) {
  append_varint(out, type);
  append_varint(out, value.size());
  out.insert(out.end(), value.begin(), value.end());
}

}  // namespace

// ---- frames of the three kinds of streams that are read
// ---------------------------------------------

struct Gate::ControlFrames final : TlvVisitor {
  explicit ControlFrames(Incoming& stream) : incoming(stream) {}
  tl::expected<Want, Fault> begin(std::uint64_t type) override {
    // RFC 9114 clause 6.2.1: settings come first, and once.
    if ((type == frame_settings) == incoming.settings_seen)
      return tl::unexpected<Fault>(type == frame_settings
                                       ? Fault{H3::frame_unexpected, "settings came twice"}
                                       : Fault{H3::missing_settings, "settings do not come first"});
    incoming.settings_seen = true;
    if (type == frame_data || type == frame_headers)
      return tl::unexpected<Fault>(Fault{H3::frame_unexpected, "a message on the control stream"});
    return type == frame_settings ? Want::whole : Want::nothing;
  }
  std::size_t whole_bytes_max() const override { return settings_bytes_max; }
  Checked piece(std::uint64_t, Bytes) override { return {}; }
  Checked whole(std::uint64_t, Bytes value) override {
    // Read for its form alone: whether the other end can WebTransport is told by its request.
    while (!value.empty()) {
      const auto key = read_varint(value);
      const auto number = key ? read_varint(value.subspan(key->octets)) : key;
      if (!number) return fault(H3::frame_error, "settings end within a number");
      value = value.subspan(key->octets + number->octets);
    }
    return {};
  }
  Incoming& incoming;
};

struct Gate::Capsules final : TlvVisitor {
  Capsules(Gate& gate, quic::LinkId on, Session& of) : owner(gate), link(on), session(of) {}
  tl::expected<Want, Fault> begin(std::uint64_t type) override {
    return type == capsule_close ? Want::whole : Want::nothing;
  }
  std::size_t whole_bytes_max() const override { return close_reason_bytes_max + 4; }
  Checked piece(std::uint64_t, Bytes) override { return {}; }
  Checked whole(std::uint64_t, Bytes value) override {
    if (value.size() < 4) return fault(H3::message_error, "a session's end without its code");
    const Bytes text = value.subspan(4);
    std::string reason(text.size(), ' ');
    std::ranges::transform(text, reason.begin(),
                           [](std::byte octet) { return std::to_integer<char>(octet); });
    owner.end_session(link, session, be32_at(value, 0), std::move(reason));
    return {};
  }
  Gate& owner;
  quic::LinkId link;
  Session& session;
};

struct Gate::RequestFrames final : TlvVisitor {
  RequestFrames(Gate& gate, quic::LinkId on, Session& of, quic::StreamNo number, Incoming& stream)
      : owner(gate), link(on), session(of), no(number), incoming(stream) {}
  tl::expected<Want, Fault> begin(std::uint64_t type) override {
    if (type == frame_settings)
      return tl::unexpected<Fault>(Fault{H3::frame_unexpected, "settings with a request"});
    if (type == frame_headers) return incoming.answered ? Want::nothing : Want::whole;
    if (type != frame_data) return Want::nothing;
    if (!incoming.answered)
      return tl::unexpected<Fault>(Fault{H3::frame_unexpected, "a body before its header"});
    return session.request == no ? Want::pieces : Want::nothing;
  }
  std::size_t whole_bytes_max() const override { return header_bytes_max; }
  Checked piece(std::uint64_t, Bytes octets) override {
    Capsules capsules(owner, link, session);
    return incoming.capsules.feed(octets, capsules);
  }
  Checked whole(std::uint64_t, Bytes block) override {
    incoming.answered = true;
    return owner.take_request(link, session, no, block);
  }
  Gate& owner;
  quic::LinkId link;
  Session& session;
  quic::StreamNo no;
  Incoming& incoming;
};

// ---- from below
// ---------------------------------------------------------------------------------------

Gate::Session* Gate::find(quic::LinkId link) {
  const auto found = sessions_.find(link);
  return found == sessions_.end() ? nullptr : &found->second;
}
const Gate::Session* Gate::find(quic::LinkId link) const {
  const auto found = sessions_.find(link);
  return found == sessions_.end() ? nullptr : &found->second;
}

void Gate::on_opened(quic::LinkId link, const quic::Opened& opened) {
  if (opened.protocol != protocol) return above_.on_opened(link, opened);
  Session& session = sessions_[link];
  session.below = opened;
  std::vector<std::byte> settings;
  for (const auto& [key, value] : settings_sent) {
    append_varint(settings, key);
    append_varint(settings, value);
  }
  std::vector<std::byte> out;
  append_varint(out, stream_control);
  append_frame(out, frame_settings, settings);
  const auto control = below_->open_stream(link, quic::StreamKind::out);
  if (!control || !below_->write_stream(link, *control, out, false))
    give_up(link, session, {H3::general_protocol_error, "no stream for settings was granted"});
}

void Gate::on_datagram(quic::LinkId link, Bytes datagram) {
  const Session* session = find(link);
  if (session == nullptr) return above_.on_datagram(link, datagram);
  // RFC 9297 clause 2.1: a quarter of the request's number. Others are of no session, and dropped.
  const auto quarter = read_varint(datagram);
  if (!quarter || !session->told || session->ending || quarter->value != *session->request / 4)
    return;
  above_.on_datagram(link, datagram.subspan(quarter->octets));
}

void Gate::on_stream(quic::LinkId link, quic::StreamNo stream, Bytes octets, bool end) {
  Session* session = find(link);
  if (session == nullptr) return above_.on_stream(link, stream, octets, end);
  if (const auto taken = take(link, *session, stream, octets, end); !taken)
    give_up(link, *session, taken.error());
}

void Gate::on_stream_reset(quic::LinkId link, quic::StreamNo stream, std::uint64_t code) {
  Session* session = find(link);
  if (session == nullptr) return above_.on_stream_reset(link, stream, code);
  if (session->request == stream) return end_session(link, *session, 0, "the request was reset");
  const auto found = session->streams.find(stream);
  const bool payload =
      found != session->streams.end() ? found->second.role == Role::payload : !by_client(stream);
  if (found != session->streams.end()) session->streams.erase(found);
  if (payload && session->told && !session->ending)
    above_.on_stream_reset(link, stream, from_h3(code));
}

void Gate::on_closed(quic::LinkId link, const quic::Closed& closed) {
  const auto found = sessions_.find(link);
  if (found == sessions_.end()) return above_.on_closed(link, closed);
  const bool tell = found->second.told;
  const bool by_us = found->second.ending;
  sessions_.erase(found);
  if (!tell) return;
  quic::Closed told = closed;
  if (by_us) told.cause = quic::CloseCause::local;  // it was the other end's turn to hang up
  above_.on_closed(link, told);
}

Checked Gate::take(quic::LinkId link, Session& session, quic::StreamNo stream, Bytes octets,
                   bool end) {
  // A stream of ours: nobody but a session opens one that the other end answers.
  if (!by_client(stream)) return take_payload(link, session, stream, octets, end);
  Incoming& incoming = session.streams[stream];
  if (incoming.role == Role::unknown)
    if (auto known = find_role(link, session, stream, incoming, octets); !known) return known;
  switch (incoming.role) {
    case Role::unknown: break;
    case Role::ignored: break;
    case Role::payload: {
      if (end) session.streams.erase(stream);
      return take_payload(link, session, stream, octets, end);
    }
    case Role::control: {
      ControlFrames frames(incoming);
      if (auto taken = incoming.frames.feed(octets, frames); !taken) return taken;
      if (end) return fault(H3::closed_critical_stream, "the control stream ended");
      return {};
    }
    case Role::request: {
      RequestFrames frames(*this, link, session, stream, incoming);
      if (auto taken = incoming.frames.feed(octets, frames); !taken) return taken;
      if (!end) return {};
      if (!incoming.answered) return fault(H3::request_incomplete, "a request without its header");
      if (session.request == stream) end_session(link, session, 0, "");
      break;
    }
  }
  if (end) session.streams.erase(stream);
  return {};
}

Checked Gate::take_payload(quic::LinkId link, Session& session, quic::StreamNo stream, Bytes octets,
                           bool end) {
  if (session.told && !session.ending) above_.on_stream(link, stream, octets, end);
  return {};
}

Checked Gate::find_role(quic::LinkId link, Session& session, quic::StreamNo stream,
                        Incoming& incoming, Bytes& octets) {
  // Type, and the session's number where one follows: octet by octet, as both may come in pieces.
  for (;;) {
    const auto type = read_varint(incoming.head);
    const bool of_session =
        type && type->value == (both_ways(stream) ? stream_session_both : stream_session_out);
    const auto number = of_session ? read_varint(Bytes(incoming.head).subspan(type->octets)) : type;
    if (!type || !number) {
      if (octets.empty()) return {};
      incoming.head.push_back(octets.front());
      octets = octets.subspan(1);
      continue;
    }
    if (of_session) {
      if (number->value % 4 != 0)
        return fault(H3::id_error, "a stream of a session that cannot be");
      // The session may be over, or its request still on its way behind this stream.
      if (!session.told || session.ending || *session.request != number->value) {
        below_->reset_stream(link, stream,
                             session.ending ? session_gone : buffered_stream_rejected);
        incoming.role = Role::ignored;
      } else {
        incoming.role = Role::payload;
      }
      return {};
    }
    if (both_ways(stream)) {
      incoming.role = Role::request;
      // What was taken for a type is the head of the first frame.
      const std::vector<std::byte> head = std::exchange(incoming.head, {});
      RequestFrames frames(*this, link, session, stream, incoming);
      return incoming.frames.feed(head, frames);
    }
    if (type->value == stream_push)
      return fault(H3::stream_creation_error, "a client pushes nothing");
    if (type->value == stream_control) {
      if (std::exchange(session.control_seen, true))
        return fault(H3::stream_creation_error, "a second control stream");
      incoming.role = Role::control;
    } else {
      // QPACK's two say nothing as long as there is no table; others are not understood, which is
      // no fault (RFC 9114 clause 6.2.3).
      incoming.role = Role::ignored;
    }
    return {};
  }
}

/// The status that a request is answered with.
std::string_view Gate::judge(const std::map<std::string_view, std::string_view>& fields) const {
  const auto field = [&](std::string_view name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string_view{} : found->second;
  };
  if (field(":method") != "CONNECT") return "405";
  if (field(":protocol") != "webtransport") return "501";
  if (field(":scheme") != "https" || field(":authority").empty() ||
      !field(":path").starts_with('/'))
    return "400";
  const auto path = field(":path");
  if (!settings_.path.empty() && path.substr(0, path.find('?')) != settings_.path) return "404";
  const bool any = std::ranges::find(settings_.origins, "*") != settings_.origins.end();
  if (fields.contains("origin") && !any &&
      std::ranges::find(settings_.origins, field("origin")) == settings_.origins.end())
    return "403";
  return "200";
}

Checked Gate::take_request(quic::LinkId link, Session& session, quic::StreamNo stream,
                           Bytes block) {
  const auto decoded = decode_fields(block);
  if (!decoded) return fault(H3::qpack_decompression_failed, decoded.error().detail);
  std::map<std::string_view, std::string_view> fields;
  for (const auto& [name, value] : *decoded)
    if (!fields.emplace(name, value).second && name.starts_with(':'))
      return fault(H3::message_error, "a pseudo-header field came twice");
  std::string_view status = judge(fields);
  if (status == "200" && session.request) status = "429";  // one session on a connection
  const bool good = status == "200";
  std::vector<Field> answer;
  // What Chromium looks for by the second draft.
  if (good) answer.emplace_back("sec-webtransport-http3-draft", "draft02");
  std::vector<std::byte> out;
  append_frame(out, frame_headers, encode_answer(status, answer));
  if (!below_->write_stream(link, stream, out, !good)) return {};
  if (!good) return {};
  session.request = stream;
  session.told = true;
  quic::Opened opened = session.below;
  opened.protocol = "webtransport";
  opened.authority = fields.at(":authority");
  opened.path = fields.at(":path");
  if (const auto origin = fields.find("origin"); origin != fields.end())
    opened.origin = origin->second;
  above_.on_opened(link, opened);
  return {};
}

/// The other end ended the session: the connection has nothing else to carry.
void Gate::end_session(quic::LinkId link, Session& session, std::uint64_t code,
                       std::string reason) {
  // It was ours to end: who read the capsule hangs up by itself. Chromium takes a connection that
  // is closed under it for one that was lost, and forgets the code.
  if (session.ending) return;
  const bool tell = session.told;
  session.ending = true;
  session.told = false;
  if (session.request) (void)below_->write_stream(link, *session.request, {}, true);
  below_->close(link, static_cast<std::uint64_t>(H3::no_error), "");
  if (tell) above_.on_closed(link, {quic::CloseCause::peer, code, std::move(reason)});
}

void Gate::give_up(quic::LinkId link, Session& session, const Fault& why) {
  session.ending = true;
  below_->close(link, static_cast<std::uint64_t>(why.code), why.what);
}

// ---- from above
// ---------------------------------------------------------------------------------------

std::size_t Gate::datagram_max(quic::LinkId link) const {
  const Session* session = find(link);
  const std::size_t most = below_->datagram_max(link);
  if (session == nullptr) return most;
  if (!session->told || session->ending) return 0;
  const std::size_t head = varint_octets(*session->request / 4);
  return most > head ? most - head : 0;
}

Result<void> Gate::send_datagram(quic::LinkId link, Bytes datagram, std::uint64_t tag) {
  const Session* session = find(link);
  if (session == nullptr) return below_->send_datagram(link, datagram, tag);
  if (!session->told || session->ending) return fail(Errc::not_found, "the session is not open");
  scratch_.clear();
  append_varint(scratch_, *session->request / 4);
  scratch_.insert(scratch_.end(), datagram.begin(), datagram.end());
  return below_->send_datagram(link, scratch_, tag);
}

Result<quic::StreamNo> Gate::open_stream(quic::LinkId link, quic::StreamKind kind) {
  const Session* session = find(link);
  if (session == nullptr) return below_->open_stream(link, kind);
  if (!session->told || session->ending) return fail(Errc::not_found, "the session is not open");
  auto stream = below_->open_stream(link, kind);
  if (!stream) return stream;
  scratch_.clear();
  append_varint(scratch_,
                kind == quic::StreamKind::both ? stream_session_both : stream_session_out);
  append_varint(scratch_, *session->request);
  if (auto written = below_->write_stream(link, *stream, scratch_, false); !written)
    return fail(written.error());
  return stream;
}

Result<void> Gate::write_stream(quic::LinkId link, quic::StreamNo stream, Bytes octets, bool end) {
  const Session* session = find(link);
  if (session != nullptr && (!session->told || session->ending || session->request == stream))
    return fail(Errc::not_found, "no stream of an open session");
  return below_->write_stream(link, stream, octets, end);
}

void Gate::reset_stream(quic::LinkId link, quic::StreamNo stream, std::uint64_t code) {
  Session* session = find(link);
  if (session == nullptr) return below_->reset_stream(link, stream, code);
  if (session->request == stream) return;
  session->streams.erase(stream);
  below_->reset_stream(link, stream, to_h3(code));
}

void Gate::close(quic::LinkId link, std::uint64_t code, std::string_view reason) {
  Session* session = find(link);
  if (session == nullptr || !session->told || session->ending)
    return below_->close(link, code, reason);
  // The capsule needs a stream that goes on for a moment: the other end closes when it has read it,
  // or the connection ends by itself when it is idle.
  session->ending = true;
  std::vector<std::byte> value(4);
  put_be32_at(value, 0, static_cast<std::uint32_t>(code));
  const auto text = std::as_bytes(std::span(reason.substr(0, close_reason_bytes_max)));
  value.insert(value.end(), text.begin(), text.end());
  std::vector<std::byte> capsule;
  append_frame(capsule, capsule_close, value);
  std::vector<std::byte> out;
  append_frame(out, frame_data, capsule);
  if (!below_->write_stream(link, *session->request, out, true))
    below_->close(link, static_cast<std::uint64_t>(H3::no_error), reason);
}

}  // namespace lobo::adapters::webtransport
