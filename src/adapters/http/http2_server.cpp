// HTTP/2 on the server's side, over nghttp2 (RFC 9113). nghttp2 checks the framing and the message
// rules of clause 8; here stand the limits, the assembly of requests and the answers.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "adapters/http/http2_frames.hpp"
#include "adapters/http/server.hpp"
#include "adapters/http/server_session.hpp"
#include "adapters/http/session.hpp"
#include "base/require.hpp"
#include "base/text.hpp"
#include "wire/http/chars.hpp"
#include "wire/http/growing_body.hpp"
#include "wire/http/http1.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/status.hpp"

namespace lobo::adapters {
namespace {

/// A header block this many times larger than allowed is no mistake any more but a bomb.
inline constexpr std::size_t header_bomb_factor = 4;
/// Receive window of the connection as a whole.
inline constexpr std::int32_t connection_window_bytes = 1048576;
/// What was read is taken in by so much at a time, and the answers to it are made into frames
/// before the next: few streams are then alive at once, and what they held is reused while it is
/// warm. Measured: a tenth less time a request when 32 come in one read.
inline constexpr std::size_t slice_bytes = 4096;
/// Room made at once for the fields of a request; most bring fewer.
inline constexpr std::size_t fields_expected = 8;
/// Frames that carry no request but belong to one: WINDOW_UPDATE, PRIORITY, SETTINGS ACK.
inline constexpr double control_frames_per_request = 4;

struct Stream {
  std::int32_t id = 0;
  http::Request request;
  std::size_t header_bytes = 0;
  std::size_t fields = 0;
  SteadyTime began{};
  int refused = 0;        ///< the status that it will be answered with once its head is whole
  bool complete = false;  ///< END_STREAM was received
  bool handled = false;   ///< given to the handler, or answered here
  bool answered = false;
  bool head_only = false;    ///< asked with HEAD
  bool reset_after = false;  ///< answered before its body was whole
  http::Response response;
  http::GrowingBodyPtr growing;
  bool resting = false;  ///< all that `growing` has was taken
  std::size_t sent = 0;
  std::array<char, 3> status{};
  std::array<char, 29> date{};
  Decimal length{0};
};

class Http2Server final : public Session, public std::enable_shared_from_this<Http2Server> {
 public:
  Http2Server(ServerSharedPtr shared, Transport& transport, const Established& facts,
              SteadyTime now);

  void receive(std::string_view bytes, SteadyTime now) override;
  void end_of_input(SteadyTime) override { over_ = true; }
  void produce(std::string& out, SteadyTime now) override;
  bool wants_input() const override;
  bool finished() const override;
  SteadyTime deadline() const override;
  void expired(SteadyTime now) override;
  void drain(SteadyTime now) override;
  void closed(std::string_view) override;

  // What nghttp2 reports; 0 or an nghttp2 error.
  int on_begin_headers(const nghttp2_frame& frame);
  int on_header(std::int32_t id, std::string_view name, std::string_view value);
  int on_data(std::int32_t id, std::string_view data);
  int on_frame(const nghttp2_frame& frame);
  int on_frame_sent(const nghttp2_frame& frame);
  int on_stream_close(std::int32_t id);
  ssize_t read_body(std::int32_t id, std::uint8_t* out, std::size_t size, std::uint32_t* flags);

 private:
  Stream* find(std::int32_t id);
  void take_pseudo(Stream& stream, std::string_view name, std::string_view value);
  void headers_done(Stream& stream);
  void request_done(Stream& stream);
  void dispatch(Stream& stream);
  void reply(std::int32_t id, http::Response response);
  void submit(Stream& stream, http::Response response);
  void refuse(Stream& stream, int status, std::string_view why);
  void abuse(std::uint32_t code);
  void grown(std::int32_t id);
  ssize_t read_growing(Stream& stream, std::uint8_t* out, std::size_t size, std::uint32_t* flags);

  ServerSharedPtr shared_;
  Transport* transport_;
  http::Peer peer_;
  bool secure_;
  SessionPtr session_;
  std::unordered_map<std::int32_t, Stream> streams_;  ///< nghttp2 points to them: they stay put
  std::string out_;                 ///< frames made between two slices, not yet produced
  std::vector<nghttp2_nv> fields_;  ///< scratch of submit()
  Budget control_;
  std::size_t incomplete_ = 0;  ///< streams without END_STREAM yet
  std::size_t handling_ = 0;    ///< requests at the handler, their streams open or not
  std::size_t sending_ = 0;     ///< streams with an answer that is not fully sent
  std::size_t resting_ = 0;     ///< of those, with nothing to send at present
  bool starting_ = false;       ///< the next output is where the peer's time to take it begins
  std::size_t bodies_bytes_ = 0;
  SteadyTime now_;
  SteadyTime began_;
  SteadyTime quiet_since_;
  SteadyTime sent_at_;
  bool greeted_ = false;  ///< the client's SETTINGS arrived
  bool inside_ = false;
  bool draining_ = false;
  bool over_ = false;  ///< nothing more is read
};

Http2Server& self_of(void* user_data) { return *static_cast<Http2Server*>(user_data); }
std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

ssize_t read_body_callback(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source*, void* user_data) {
  return self_of(user_data).read_body(id, out, size, flags);
}

const nghttp2_session_callbacks* server_callbacks() {
  static const CallbacksPtr callbacks = [] {
    nghttp2_session_callbacks* made = nullptr;
    require(nghttp2_session_callbacks_new(&made) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          return self_of(user).on_begin_headers(*frame);
        });
    nghttp2_session_callbacks_set_on_header_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                 std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                 std::uint8_t, void* user) {
          return self_of(user).on_header(frame->hd.stream_id, text_of(name, name_size),
                                         text_of(value, value_size));
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        made, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                 std::size_t size,
                 void* user) { return self_of(user).on_data(id, text_of(data, size)); });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          return self_of(user).on_frame(*frame);
        });
    nghttp2_session_callbacks_set_on_frame_send_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          return self_of(user).on_frame_sent(*frame);
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        made, [](nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
          return self_of(user).on_stream_close(id);
        });
    return CallbacksPtr(made);
  }();
  return callbacks.get();
}

OptionPtr server_options(const ServerLimits& limits) {
  nghttp2_option* made = nullptr;
  require(nghttp2_option_new(&made) == 0);
  nghttp2_option_set_stream_reset_rate_limit(made, limits.resets_burst, limits.resets_per_second);
  nghttp2_option_set_max_continuations(made, limits.continuations_max);
  nghttp2_option_set_max_outbound_ack(made, 128);
  nghttp2_option_set_max_settings(made, 16);
  nghttp2_option_set_no_closed_streams(made, 1);  // no priority tree of dead streams to keep
  return OptionPtr(made);
}

Http2Server::Http2Server(ServerSharedPtr shared, Transport& transport, const Established& facts,
                         SteadyTime now)
    : shared_(std::move(shared)),
      transport_(&transport),
      peer_(facts.peer),
      secure_(facts.secure),
      control_(shared_->limits.control_frames_burst, shared_->limits.control_frames_per_second,
               now),
      now_(now),
      began_(now),
      quiet_since_(now),
      sent_at_(now) {
  const auto& limits = shared_->limits;
  nghttp2_session* made = nullptr;
  require(nghttp2_session_server_new2(&made, server_callbacks(), this,
                                      server_options(limits).get()) == 0);
  session_.reset(made);
  const std::array<nghttp2_settings_entry, 3> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams_max},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.head_bytes_max)},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 0},
  }};
  nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, connection_window_bytes);
}

Stream* Http2Server::find(std::int32_t id) {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_.get(), id));
}

// ---- bytes ------------------------------------------------------------------------------------

void Http2Server::receive(std::string_view bytes, SteadyTime now) {
  if (over_) return;
  now_ = now;
  inside_ = true;
  while (!bytes.empty() && !over_) {
    const auto slice = bytes.substr(0, slice_bytes);
    bytes.remove_prefix(slice.size());
    const auto taken = nghttp2_session_mem_recv(
        session_.get(), reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size());
    if (taken < 0) {
      // Not even framing (bad preface), or a flood that nghttp2 itself counted.
      const bool flood = taken == NGHTTP2_ERR_FLOODED || taken == NGHTTP2_ERR_TOO_MANY_SETTINGS;
      if (!over_) abuse(flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    } else if (!bytes.empty() && !drain_output(session_.get(), out_)) {
      over_ = true;
    }
  }
  inside_ = false;
}

void Http2Server::produce(std::string& out, SteadyTime now) {
  now_ = now;
  if (std::exchange(starting_, false)) sent_at_ = now;
  const auto before = out.size();
  out.append(out_);
  if (out_.capacity() > slice_bytes)
    out_ = std::string();
  else
    out_.clear();
  inside_ = true;
  if (!drain_output(session_.get(), out)) over_ = true;
  inside_ = false;
  if (out.size() > before) sent_at_ = now;
}

bool Http2Server::wants_input() const {
  return !over_ && handling_ < shared_->limits.handling_max &&
         nghttp2_session_get_outbound_queue_size(session_.get()) < outbound_frames_max;
}

bool Http2Server::finished() const {
  if (!out_.empty()) return false;
  if (over_) return nghttp2_session_want_write(session_.get()) == 0;
  return nghttp2_session_want_read(session_.get()) == 0 &&
         nghttp2_session_want_write(session_.get()) == 0;
}

/// Ends the connection: GOAWAY with `code` is the last that goes out.
void Http2Server::abuse(std::uint32_t code) {
  if (over_) return;
  over_ = true;
  ++shared_->counters.connections_abused;
  nghttp2_session_terminate_session(session_.get(), code);
}

// ---- time -------------------------------------------------------------------------------------

SteadyTime Http2Server::deadline() const {
  if (over_) return never;
  const auto& limits = shared_->limits;
  auto next = never;
  if (!greeted_) next = began_ + limits.header_timeout;
  if (streams_.empty()) return std::min(next, quiet_since_ + limits.idle_timeout);
  if (incomplete_ > 0)
    for (const auto& [id, stream] : streams_)
      if (!stream.complete) next = std::min(next, stream.began + limits.body_timeout);
  // Answers that wait for the peer to open its window.
  if (sending_ > resting_ && !starting_) next = std::min(next, sent_at_ + limits.write_timeout);
  return next;
}

void Http2Server::expired(SteadyTime now) {
  now_ = now;
  const auto& limits = shared_->limits;
  const bool stalled = sending_ > resting_ && !starting_ && now >= sent_at_ + limits.write_timeout;
  const bool silent = !greeted_ && now >= began_ + limits.header_timeout;
  const bool idle = streams_.empty() && now >= quiet_since_ + limits.idle_timeout;
  if (stalled || silent || idle) {
    over_ = true;
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
    return;
  }
  for (auto& [id, stream] : streams_) {
    if (stream.complete || now < stream.began + limits.body_timeout) continue;
    stream.began = now;  // the reset below takes a turn to be done
    ++shared_->counters.messages_refused;
    if (stream.handled)
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    else
      refuse(stream, 408, "the request took too long");
  }
}

void Http2Server::drain(SteadyTime now) {
  now_ = now;
  if (draining_ || over_) return;
  draining_ = true;
  for (auto& [id, stream] : streams_)
    if (stream.growing) stream.growing->end();
  // RFC 9113 clause 6.8: first "no more", with the highest id; the real last id when the peer has
  // seen that, which the answer to a PING tells.
  nghttp2_submit_shutdown_notice(session_.get());
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
}

void Http2Server::closed(std::string_view) {
  // Streams stay until the end: this may be called from within a handler, hence from within
  // nghttp2.
  transport_ = nullptr;
  over_ = true;
  for (auto& [id, stream] : streams_)
    if (stream.growing) stream.growing->leave();
}

// ---- frames -----------------------------------------------------------------------------------

int Http2Server::on_begin_headers(const nghttp2_frame& frame) {
  if (frame.headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  auto& stream = streams_[frame.hd.stream_id];
  stream.id = frame.hd.stream_id;
  stream.began = now_;
  stream.request.scheme = secure_ ? "https" : "http";
  stream.request.peer = peer_;
  stream.request.headers.reserve(fields_expected);
  nghttp2_session_set_stream_user_data(session_.get(), stream.id, &stream);
  ++incomplete_;
  return 0;
}

void Http2Server::take_pseudo(Stream& stream, std::string_view name, std::string_view value) {
  auto& request = stream.request;
  if (name == ":method")
    request.method = value;
  else if (name == ":path")
    request.target = value;
  else if (name == ":authority")
    request.authority = value;
  // :scheme is what the peer believes; whether the connection is secure we know better.
}

int Http2Server::on_header(std::int32_t id, std::string_view name, std::string_view value) {
  auto* stream = find(id);
  if (stream == nullptr || stream->handled) return 0;  // trailers are read past
  const auto& limits = shared_->limits;
  stream->header_bytes += name.size() + value.size() + 32;  // RFC 9113 clause 6.5.2
  if (stream->header_bytes > header_bomb_factor * limits.head_bytes_max) {
    abuse(NGHTTP2_ENHANCE_YOUR_CALM);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  if (stream->header_bytes > limits.head_bytes_max || ++stream->fields > limits.fields_max) {
    stream->refused = 431;
    return 0;
  }
  if (name.starts_with(':')) {
    take_pseudo(*stream, name, value);
    return 0;
  }
  stream->request.headers.add(std::string(name), std::string(value));
  return 0;
}

int Http2Server::on_data(std::int32_t id, std::string_view data) {
  auto* stream = find(id);
  if (stream == nullptr || stream->handled) return 0;
  auto& body = stream->request.body;
  if (body.size() + data.size() > shared_->limits.body_bytes_max) {
    refuse(*stream, 413, "the body is too large");
    return 0;
  }
  if (bodies_bytes_ + data.size() > shared_->limits.bodies_bytes_max) {
    refuse(*stream, 503, "too many unfinished bodies on this connection");
    return 0;
  }
  bodies_bytes_ += data.size();
  body.append(data);
  return 0;
}

int Http2Server::on_frame(const nghttp2_frame& frame) {
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  const bool carries = frame.hd.type == NGHTTP2_HEADERS ||
                       (frame.hd.type == NGHTTP2_DATA && (frame.hd.length > 0 || ends));
  if (!carries && !control_.spend(now_)) {
    abuse(NGHTTP2_ENHANCE_YOUR_CALM);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  if (frame.hd.type == NGHTTP2_SETTINGS) greeted_ = true;
  if (frame.hd.type == NGHTTP2_PING && (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0 && draining_)
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR,
                          nullptr, 0);
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return 0;
  auto* stream = find(frame.hd.stream_id);
  if (stream == nullptr) return 0;
  if (frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST)
    headers_done(*stream);
  if (ends) request_done(*stream);
  return 0;
}

void Http2Server::headers_done(Stream& stream) {
  if (stream.refused != 0) return refuse(stream, stream.refused, "the header section is too large");
  auto& request = stream.request;
  if (request.method == "CONNECT") return refuse(stream, 501, "CONNECT is not served");
  const auto host = request.headers.find("host");
  if (request.authority.empty() && host) request.authority = *host;
  if (request.authority.empty()) return refuse(stream, 400, "no :authority");
  if (host && !equal_ignoring_case(*host, request.authority))
    return refuse(stream, 400, "Host differs from :authority");
  if (!http::is_target_text(request.target))
    return refuse(stream, 400, "a character that may not be in :path");
  // nghttp2 has checked that it is a number.
  const auto length = request.headers.find("content-length");
  if (length && parse_decimal(*length).value_or(UINT64_MAX) > shared_->limits.body_bytes_max)
    return refuse(stream, 413, "the body is too large");
}

void Http2Server::request_done(Stream& stream) {
  if (!stream.complete) --incomplete_;
  stream.complete = true;
  if (!stream.handled) dispatch(stream);
}

void Http2Server::dispatch(Stream& stream) {
  stream.handled = true;
  stream.head_only = stream.request.method == "HEAD";
  ++handling_;
  ++shared_->counters.requests_http2;
  control_.earn(control_frames_per_request);
  bodies_bytes_ -= stream.request.body.size();
  if (shared_->handler == nullptr)
    return reply(stream.id, http::problem(503, "the server is closing"));
  shared_->handler->handle(std::move(stream.request), [weak = weak_from_this(), shared = shared_,
                                                       id = stream.id](http::Response response) {
    if (const auto self = weak.lock())
      self->reply(id, std::move(response));
    else
      abandon_growing(*shared, response);
  });
}

// ---- answers ----------------------------------------------------------------------------------

void Http2Server::reply(std::int32_t id, http::Response response) {
  auto* stream = transport_ == nullptr ? nullptr : find(id);
  if (stream == nullptr || stream->answered) abandon_growing(*shared_, response);
  if (transport_ == nullptr || (stream != nullptr && stream->answered)) return;
  if (handling_ > 0) --handling_;
  if (stream != nullptr && response.delivery != http::Delivery::whole) {
    // A simulated peer's answer that does not arrive: over HTTP/2 the stream ends, not the
    // connection.
    stream->answered = true;
    ++sending_;
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
  } else if (stream != nullptr) {
    submit(*stream, checked(std::move(response)));
  }
  if (!inside_) transport_->wake();
}

void Http2Server::refuse(Stream& stream, int status, std::string_view why) {
  stream.handled = true;
  ++shared_->counters.messages_refused;
  bodies_bytes_ -= stream.request.body.size();
  submit(stream, http::problem(status, why));
}

void Http2Server::submit(Stream& stream, http::Response response) {
  stream.answered = true;
  stream.reset_after = !stream.complete;
  stream.response = std::move(response);
  stream.growing = claim_growing(*shared_, stream.response);
  const auto& answer = stream.response;
  const auto& date = shared_->date(now_);
  std::memcpy(stream.date.data(), date.data(), std::min(date.size(), stream.date.size()));
  std::memcpy(stream.status.data(),
              Decimal(static_cast<std::uint64_t>(answer.status)).view().data(), 3);
  stream.length = Decimal(answer.body.size());

  fields_.clear();
  fields_.push_back(borrowed_field(":status", {stream.status.data(), 3}));
  for (const auto& field : answer.headers)
    if (!http::h1::is_connection_field(field.name) && http::is_token(field.name) &&
        http::is_field_value(field.value))
      fields_.push_back(borrowed_field(field.name, field.value));
  fields_.push_back(borrowed_field("date", {stream.date.data(), stream.date.size()}));
  const bool bodiless = http::has_no_body(answer.status);
  if (stream.growing && (bodiless || stream.head_only))
    std::exchange(stream.growing, nullptr)->leave();
  else if (!bodiless && !stream.growing)
    fields_.push_back(borrowed_field("content-length", stream.length.view()));
  if (stream.growing) {
    if (draining_) stream.growing->end();
    stream.growing->attach([weak = weak_from_this(), id = stream.id] {
      if (const auto self = weak.lock()) self->grown(id);
    });
  }

  const bool with_body = stream.growing || (!bodiless && !answer.body.empty() && !stream.head_only);
  nghttp2_data_provider provider{};
  provider.read_callback = read_body_callback;
  ++sending_;
  sent_at_ = now_;
  nghttp2_submit_response(session_.get(), stream.id, fields_.data(), fields_.size(),
                          with_body ? &provider : nullptr);
}

ssize_t Http2Server::read_body(std::int32_t id, std::uint8_t* out, std::size_t size,
                               std::uint32_t* flags) {
  auto* stream = find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (stream->growing) return read_growing(*stream, out, size, flags);
  const auto& body = stream->response.body;
  const auto take = std::min(size, body.size() - stream->sent);
  std::memcpy(out, body.data() + stream->sent, take);
  stream->sent += take;
  if (stream->sent == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(take);
}

ssize_t Http2Server::read_growing(Stream& stream, std::uint8_t* out, std::size_t size,
                                  std::uint32_t* flags) {
  const auto pending = stream.growing->pending().substr(0, size);
  std::memcpy(out, pending.data(), pending.size());
  stream.growing->taken(pending.size());
  if (!pending.empty()) return static_cast<ssize_t>(pending.size());
  if (stream.growing->state() == http::GrowingBody::State::ended) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return 0;
  }
  // Cut off before anybody was told of it.
  if (stream.growing->state() != http::GrowingBody::State::open)
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  stream.resting = true;
  ++resting_;
  return NGHTTP2_ERR_DEFERRED;
}

void Http2Server::grown(std::int32_t id) {
  auto* stream = find(id);
  if (stream == nullptr || transport_ == nullptr) return;
  if (stream->growing->state() == http::GrowingBody::State::cut) {
    // The window is shut, so that nobody would ask for more.
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  } else {
    if (sending_ == resting_) starting_ = true;
    if (std::exchange(stream->resting, false)) --resting_;
    nghttp2_session_resume_data(session_.get(), id);
  }
  if (!inside_) transport_->wake();
}

int Http2Server::on_frame_sent(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return 0;
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  const auto* stream = find(frame.hd.stream_id);
  // RFC 9113 clause 8.1: an answer may precede the end of its request; the rest is asked not to be
  // sent.
  if (stream != nullptr && stream->reset_after && !stream->complete)
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
  return 0;
}

int Http2Server::on_stream_close(std::int32_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return 0;
  const auto& stream = found->second;
  if (!stream.complete) --incomplete_;
  if (stream.answered) --sending_;
  if (stream.resting) --resting_;
  if (stream.growing) stream.growing->leave();
  if (!stream.handled) bodies_bytes_ -= stream.request.body.size();
  streams_.erase(found);
  quiet_since_ = now_;
  return 0;
}

}  // namespace

std::shared_ptr<Session> make_http2_server(ServerSharedPtr shared, Transport& transport,
                                           const Established& facts, SteadyTime now) {
  return std::make_shared<Http2Server>(std::move(shared), transport, facts, now);
}

}  // namespace lobo::adapters
