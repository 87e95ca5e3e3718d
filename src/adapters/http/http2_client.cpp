// HTTP/2 on the client's side, over nghttp2: many exchanges on one connection.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/http/client_session.hpp"
#include "adapters/http/http2_frames.hpp"
#include "adapters/http/session.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/http/http1.hpp"
#include "wire/http/message.hpp"

namespace lobo::adapters {
namespace {

inline constexpr std::int32_t connection_window_bytes = 1048576;
inline constexpr std::size_t control_frames_burst = 2000;
inline constexpr std::size_t control_frames_per_second = 200;
/// A header block this many times larger than allowed ends the connection, not just the exchange.
inline constexpr std::size_t header_bomb_factor = 4;

struct Exchange {
  std::uint64_t ticket = 0;
  std::shared_ptr<const http::Request> request;
  http::Response response;
  std::size_t sent = 0;
  std::size_t header_bytes = 0;
  std::size_t fields = 0;
  std::size_t interim = 0;
  bool touched = false;
  bool head_whole = false;
  bool whole = false;  ///< END_STREAM arrived after a final status
  std::optional<Error> failed;
  Decimal length{0};
};

class Http2Client final : public ClientSession {
 public:
  Http2Client(const ClientLimits& limits, Transport& transport, std::weak_ptr<ClientEvents> events,
              SteadyTime now);

  std::size_t room() const override;
  std::size_t running() const override { return exchanges_.size(); }
  bool is_over() const override { return over_ || leaving_; }
  void start(std::uint64_t ticket, std::shared_ptr<const http::Request> request,
             SteadyTime now) override;
  void cancel(std::uint64_t ticket) override;

  void receive(std::string_view bytes, SteadyTime now) override;
  void end_of_input(SteadyTime) override { over_ = true; }
  void produce(std::string& out, SteadyTime) override {
    if (!drain_output(session_.get(), out)) over_ = true;
    tell_ended();
  }
  bool wants_input() const override {
    return nghttp2_session_get_outbound_queue_size(session_.get()) < outbound_frames_max;
  }
  bool finished() const override {
    if (nghttp2_session_want_write(session_.get()) != 0) return false;
    return over_ || (leaving_ && exchanges_.empty());
  }
  SteadyTime deadline() const override {
    return exchanges_.empty() && !over_ ? idle_since_ + limits_.idle_timeout : never;
  }
  void expired(SteadyTime) override { leave(NGHTTP2_NO_ERROR); }
  void drain(SteadyTime) override { leave(NGHTTP2_NO_ERROR); }
  void closed(std::string_view why) override;

  int on_header(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  int on_data(std::int32_t id, std::string_view data);
  int on_frame(const nghttp2_frame& frame);
  int on_stream_close(std::int32_t id, std::uint32_t code);
  ssize_t read_body(std::int32_t id, std::uint8_t* out, std::size_t size, std::uint32_t* flags);

 private:
  Exchange* find(std::int32_t id) {
    return static_cast<Exchange*>(nghttp2_session_get_stream_user_data(session_.get(), id));
  }
  int reject(std::int32_t id, Exchange& exchange, Errc code, std::string_view why);
  void headers_done(std::int32_t id, Exchange& exchange);
  void leave(std::uint32_t code);
  void tell_ended();

  ClientLimits limits_;
  Transport* transport_;
  std::weak_ptr<ClientEvents> events_;
  SessionPtr session_;
  std::unordered_map<std::int32_t, std::unique_ptr<Exchange>> exchanges_;
  std::unordered_map<std::uint64_t, std::int32_t> streams_;
  std::vector<std::pair<std::uint64_t, Ending>> ended_;  ///< told when nghttp2 is not on the stack
  Budget control_;
  SteadyTime now_;
  SteadyTime idle_since_;
  bool leaving_ = false;  ///< GOAWAY was sent or received
  bool over_ = false;
};

Http2Client& self_of(void* user_data) { return *static_cast<Http2Client*>(user_data); }
std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

ssize_t read_body_callback(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source*, void* user_data) {
  return self_of(user_data).read_body(id, out, size, flags);
}

const nghttp2_session_callbacks* client_callbacks() {
  static const CallbacksPtr callbacks = [] {
    nghttp2_session_callbacks* made = nullptr;
    require(nghttp2_session_callbacks_new(&made) == 0);
    nghttp2_session_callbacks_set_on_header_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                 std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                 std::uint8_t, void* user) {
          return self_of(user).on_header(*frame, text_of(name, name_size),
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
    nghttp2_session_callbacks_set_on_stream_close_callback(
        made, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
          return self_of(user).on_stream_close(id, code);
        });
    return CallbacksPtr(made);
  }();
  return callbacks.get();
}

Http2Client::Http2Client(const ClientLimits& limits, Transport& transport,
                         std::weak_ptr<ClientEvents> events, SteadyTime now)
    : limits_(limits),
      transport_(&transport),
      events_(std::move(events)),
      control_(control_frames_burst, control_frames_per_second, now),
      now_(now),
      idle_since_(now) {
  nghttp2_option* option = nullptr;
  require(nghttp2_option_new(&option) == 0);
  const OptionPtr options(option);
  nghttp2_option_set_max_continuations(option, 8);
  nghttp2_option_set_max_outbound_ack(option, 128);
  nghttp2_option_set_max_settings(option, 16);
  nghttp2_session* made = nullptr;
  require(nghttp2_session_client_new2(&made, client_callbacks(), this, option) == 0);
  session_.reset(made);
  const std::array<nghttp2_settings_entry, 2> settings{{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits_.head_bytes_max)},
  }};
  nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, connection_window_bytes);
}

std::size_t Http2Client::room() const {
  if (over_ || leaving_ || nghttp2_session_check_request_allowed(session_.get()) == 0) return 0;
  const std::size_t theirs =
      nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  const auto most = std::min(limits_.streams_max, theirs);
  return most > exchanges_.size() ? most - exchanges_.size() : 0;
}

void Http2Client::start(std::uint64_t ticket, std::shared_ptr<const http::Request> request,
                        SteadyTime now) {
  now_ = now;
  auto exchange = std::make_unique<Exchange>();
  exchange->ticket = ticket;
  exchange->request = std::move(request);
  const auto& asked = *exchange->request;
  exchange->length = Decimal(asked.body.size());
  std::vector<nghttp2_nv> fields;
  fields.reserve(asked.headers.size() + 5);
  fields.push_back(borrowed_field(":method", asked.method));
  fields.push_back(borrowed_field(":scheme", asked.scheme));
  fields.push_back(borrowed_field(":authority", asked.authority));
  fields.push_back(borrowed_field(":path", asked.target));
  for (const auto& field : asked.headers) {
    const bool ours = http::h1::is_connection_field(field.name) || field.name == "host" ||
                      field.name == "te" || field.name == "expect";
    if (!ours) fields.push_back(borrowed_field(field.name, field.value));
  }
  const bool with_body = !asked.body.empty();
  if (with_body) fields.push_back(borrowed_field("content-length", exchange->length.view()));
  nghttp2_data_provider provider{};
  provider.read_callback = read_body_callback;
  const auto id = nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(),
                                         with_body ? &provider : nullptr, exchange.get());
  if (id < 0) {
    leaving_ = true;  // stream ids are used up
    ended_.emplace_back(
        ticket,
        Ending{fail(Errc::unavailable, "no stream is left on this connection"), true, true});
  } else {
    streams_.emplace(ticket, id);
    exchanges_.emplace(id, std::move(exchange));
  }
  transport_->wake();
}

void Http2Client::cancel(std::uint64_t ticket) {
  const auto found = streams_.find(ticket);
  if (found == streams_.end() || transport_ == nullptr) return;
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, found->second, NGHTTP2_CANCEL);
  transport_->wake();
}

void Http2Client::receive(std::string_view bytes, SteadyTime now) {
  if (over_) return;
  now_ = now;
  const auto taken = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) leave(NGHTTP2_PROTOCOL_ERROR);
  tell_ended();
  if (nghttp2_session_want_read(session_.get()) == 0) over_ = true;
}

void Http2Client::leave(std::uint32_t code) {
  if (leaving_) return;
  leaving_ = true;
  if (code == NGHTTP2_NO_ERROR) {
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, 0, code, nullptr, 0);
  } else {
    nghttp2_session_terminate_session(session_.get(), code);
    over_ = true;
    // What was under way will not be answered; closed() ends it.
    transport_->wake();
  }
}

int Http2Client::reject(std::int32_t id, Exchange& exchange, Errc code, std::string_view why) {
  if (!exchange.failed) exchange.failed = Error{code, "the response: " + std::string(why), {}};
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  return 0;
}

int Http2Client::on_header(const nghttp2_frame& frame, std::string_view name,
                           std::string_view value) {
  auto* exchange = find(frame.hd.stream_id);
  if (exchange == nullptr || exchange->failed) return 0;
  exchange->touched = true;
  exchange->header_bytes += name.size() + value.size() + 32;
  if (exchange->header_bytes > header_bomb_factor * limits_.head_bytes_max)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  if (exchange->header_bytes > limits_.head_bytes_max || ++exchange->fields > limits_.fields_max)
    return reject(frame.hd.stream_id, *exchange, Errc::too_large,
                  "the header section is too large");
  if (exchange->head_whole) return 0;  // trailers are read past
  if (name == ":status")
    exchange->response.status = static_cast<int>(parse_decimal(value).value_or(0));
  else if (exchange->response.status >= 200)
    exchange->response.headers.add(std::string(name), std::string(value));
  return 0;
}

int Http2Client::on_data(std::int32_t id, std::string_view data) {
  auto* exchange = find(id);
  if (exchange == nullptr || exchange->failed) return 0;
  auto& body = exchange->response.body;
  if (body.size() + data.size() > limits_.body_bytes_max)
    return reject(id, *exchange, Errc::too_large, "the body is too large");
  body.append(data);
  return 0;
}

void Http2Client::headers_done(std::int32_t id, Exchange& exchange) {
  const int status = exchange.response.status;
  if (status >= 200) {
    exchange.head_whole = true;
    return;
  }
  exchange.header_bytes = 0;
  exchange.fields = 0;
  if (status < 100 || status == 101)
    reject(id, exchange, Errc::malformed, "no valid status");
  else if (++exchange.interim > limits_.interim_max)
    reject(id, exchange, Errc::malformed, "too many interim responses");
}

int Http2Client::on_frame(const nghttp2_frame& frame) {
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  const bool carries = frame.hd.type == NGHTTP2_HEADERS ||
                       (frame.hd.type == NGHTTP2_DATA && (frame.hd.length > 0 || ends));
  if (!carries && !control_.spend(now_)) return NGHTTP2_ERR_CALLBACK_FAILURE;
  if (frame.hd.type == NGHTTP2_GOAWAY) leaving_ = true;
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return 0;
  auto* exchange = find(frame.hd.stream_id);
  if (exchange == nullptr) return 0;
  if (frame.hd.type == NGHTTP2_HEADERS) headers_done(frame.hd.stream_id, *exchange);
  if (ends && exchange->response.status >= 200) exchange->whole = true;
  return 0;
}

int Http2Client::on_stream_close(std::int32_t id, std::uint32_t code) {
  const auto found = exchanges_.find(id);
  if (found == exchanges_.end()) return 0;
  auto& exchange = *found->second;
  Ending ending{fail(Errc::unavailable, "the server reset the request"), !exchange.touched,
                code == NGHTTP2_REFUSED_STREAM};
  if (exchange.failed)
    ending.result = fail(*exchange.failed);
  else if (exchange.whole)
    ending.result = std::move(exchange.response);
  else if (code == NGHTTP2_PROTOCOL_ERROR)
    ending.result = fail(Errc::malformed, "the response is not valid HTTP/2");
  ended_.emplace_back(exchange.ticket, std::move(ending));
  streams_.erase(exchange.ticket);
  exchanges_.erase(found);
  control_.earn(4);
  idle_since_ = now_;
  // Closed while writing (a cancelled or refused request): receive() will not tell it.
  if (transport_ != nullptr) transport_->wake();
  return 0;
}

/// Ended exchanges are told outside of nghttp2: whoever hears of one may start the next here.
void Http2Client::tell_ended() {
  if (ended_.empty()) return;
  const auto events = events_.lock();
  auto ended = std::exchange(ended_, {});
  if (!events) return;
  for (auto& [ticket, ending] : ended) events->ended(ticket, std::move(ending));
  events->room_changed();
}

ssize_t Http2Client::read_body(std::int32_t id, std::uint8_t* out, std::size_t size,
                               std::uint32_t* flags) {
  auto* exchange = find(id);
  if (exchange == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const auto& body = exchange->request->body;
  const auto take = std::min(size, body.size() - exchange->sent);
  std::memcpy(out, body.data() + exchange->sent, take);
  exchange->sent += take;
  if (exchange->sent == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(take);
}

void Http2Client::closed(std::string_view why) {
  transport_ = nullptr;
  over_ = true;
  for (auto& [id, exchange] : exchanges_) {
    Ending ending{
        fail(Errc::unavailable, "the connection ended before the response: " + std::string(why)),
        !exchange->touched, false};
    if (exchange->failed) ending.result = fail(*exchange->failed);
    ended_.emplace_back(exchange->ticket, std::move(ending));
  }
  // The exchanges themselves stay until the end: nghttp2 points at them.
  streams_.clear();
  tell_ended();
  if (const auto events = events_.lock()) events->gone(*this);
}

}  // namespace

std::shared_ptr<ClientSession> make_http2_client(const ClientLimits& limits, Transport& transport,
                                                 std::weak_ptr<ClientEvents> events,
                                                 SteadyTime now) {
  return std::make_shared<Http2Client>(limits, transport, std::move(events), now);
}

}  // namespace lobo::adapters
