// HTTP/1.1 on the server's side: requests in, handlers called, answers out in the order of the
// requests.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/server_session.hpp"
#include "adapters/http/session.hpp"
#include "wire/http/growing_body.hpp"
#include "wire/http/http1.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/status.hpp"

namespace lobo::adapters {
namespace {

namespace h1 = http::h1;

class Http1Server final : public Session, public std::enable_shared_from_this<Http1Server> {
 public:
  Http1Server(ServerSharedPtr shared, Transport& transport, const Established& facts,
              SteadyTime now)
      : shared_(std::move(shared)),
        transport_(&transport),
        peer_(facts.peer),
        began_(now),
        secure_(facts.secure) {}

  void receive(std::string_view bytes, SteadyTime now) override;
  void end_of_input(SteadyTime) override;
  void produce(std::string& out, SteadyTime now) override;
  bool wants_input() const override {
    return !input_over_ && slots_.size() < shared_->limits.pipelined_max &&
           out_.size() < shared_->limits.unsent_bytes_max;
  }
  bool finished() const override { return input_over_ && slots_.empty() && out_.empty(); }
  SteadyTime deadline() const override;
  void expired(SteadyTime now) override;
  void drain(SteadyTime now) override;
  void closed(std::string_view) override {
    transport_ = nullptr;
    drop_slots();
  }

 private:
  enum class Stage : std::uint8_t { idle, head, body };

  /// A request that waits for its answer, or an answer that waits for its turn.
  struct Slot {
    std::uint64_t number = 0;
    bool head_only = false;
    bool last = false;
    bool ready = false;
    http::Response response{};
    http::GrowingBodyPtr growing{};
    bool chunked = true;  ///< as `growing` is framed
    bool begun = false;   ///< the head of `growing` was written
  };

  h1::HeadLimits head_limits() const {
    return {.head_bytes_max = shared_->limits.head_bytes_max,
            .fields_max = shared_->limits.fields_max};
  }
  std::size_t parse(std::string_view bytes, SteadyTime now);
  std::size_t parse_head(std::string_view bytes, SteadyTime now);
  std::size_t parse_body(std::string_view bytes, SteadyTime now);
  void begin_body(std::string_view rest, SteadyTime now);
  void dispatch(SteadyTime now);
  void answer(std::uint64_t number, http::Response response);
  void write_ready();
  bool begin_growing(Slot& slot);
  void write_growing();
  void drop_slots();
  void cut(const http::Response& response);
  void refuse(int status, std::string_view why);

  ServerSharedPtr shared_;
  Transport* transport_;
  http::Peer peer_;
  std::string in_;  ///< what was received and not yet parsed
  std::string out_;
  h1::HeadFinder finder_;
  h1::RequestHead head_;
  h1::ChunkedDecoder chunked_;
  std::vector<Slot> slots_;  ///< oldest first, at most pipelined_max
  std::uint64_t last_number_ = 0;
  SteadyTime now_{};  ///< of the call under way
  SteadyTime began_;  ///< of the stage; the first request's head begins with the connection
  bool secure_;
  Stage stage_ = Stage::head;
  bool may_skip_line_ = true;
  bool inside_ = false;  ///< within receive() or produce(): no wake needed
  bool input_over_ = false;
  bool draining_ = false;
};

void Http1Server::receive(std::string_view bytes, SteadyTime now) {
  if (input_over_) return;
  inside_ = true;
  now_ = now;
  if (in_.empty()) {
    const auto used = parse(bytes, now);
    in_.assign(bytes.substr(used));
  } else {
    in_.append(bytes);
    in_.erase(0, parse(in_, now));
  }
  if (in_.empty() && in_.capacity() > 1024) in_ = std::string();
  inside_ = false;
}

void Http1Server::produce(std::string& out, SteadyTime now) {
  now_ = now;
  if (!in_.empty() && !input_over_ && slots_.size() < shared_->limits.pipelined_max) {
    // Requests that waited for room in the pipeline.
    inside_ = true;
    in_.erase(0, parse(in_, now));
    inside_ = false;
  }
  write_growing();
  out.append(out_);
  if (out_.capacity() > 4096)
    out_ = std::string();
  else
    out_.clear();
}

/// Returns how much of `bytes` is done with.
std::size_t Http1Server::parse(std::string_view bytes, SteadyTime now) {
  std::size_t used = 0;
  while (!input_over_ && used < bytes.size() && slots_.size() < shared_->limits.pipelined_max) {
    const auto rest = bytes.substr(used);
    const auto step = stage_ == Stage::body ? parse_body(rest, now) : parse_head(rest, now);
    if (step == 0) break;
    used += step;
  }
  return input_over_ ? bytes.size() : used;
}

std::size_t Http1Server::parse_head(std::string_view bytes, SteadyTime now) {
  if (stage_ == Stage::idle) {
    stage_ = Stage::head;
    began_ = now;
  }
  // One empty line before a request line is read past (RFC 9112 clause 2.2).
  if (may_skip_line_) {
    if (bytes == "\r") return 0;
    may_skip_line_ = false;
    if (bytes.starts_with("\r\n")) return 2;
  }
  const auto found = finder_.find(bytes, shared_->limits.head_bytes_max);
  if (!found) return refuse(found.error().status, found.error().why), 0;
  if (*found == 0) return 0;
  finder_.reset();
  may_skip_line_ = true;
  head_ = {};
  const auto parsed = h1::parse_request_head(bytes.substr(0, *found), head_limits(), head_);
  if (!parsed) return refuse(parsed.error().status, parsed.error().why), 0;
  if (head_.framing == h1::Framing::none)
    dispatch(now);
  else
    begin_body(bytes.substr(*found), now);
  return *found;
}

void Http1Server::begin_body(std::string_view rest, SteadyTime now) {
  if (head_.content_length > shared_->limits.body_bytes_max)
    return refuse(413, "the body is too large");
  stage_ = Stage::body;
  began_ = now;
  chunked_ = {};
  // The body may be on its way already; and an interim answer must not overtake earlier ones.
  if (head_.expects_continue && rest.empty() && slots_.empty())
    out_ += "HTTP/1.1 100 Continue\r\n\r\n";
}

std::size_t Http1Server::parse_body(std::string_view bytes, SteadyTime now) {
  auto& body = head_.request.body;
  if (head_.framing == h1::Framing::chunked) {
    const auto step = chunked_.decode(bytes, body, shared_->limits.body_bytes_max);
    if (!step) return refuse(step.error().status, step.error().why), 0;
    if (step->done) dispatch(now);
    return step->consumed;
  }
  const auto length = static_cast<std::size_t>(head_.content_length);
  const auto take = std::min(bytes.size(), length - body.size());
  if (body.empty()) body.reserve(std::min(length, std::max<std::size_t>(take, 65536)));
  body.append(bytes.substr(0, take));
  if (body.size() == length) dispatch(now);
  return take;
}

void Http1Server::dispatch(SteadyTime now) {
  ++shared_->counters.requests_http1;
  stage_ = Stage::idle;
  began_ = now;
  const auto number = ++last_number_;
  slots_.push_back({.number = number,
                    .head_only = head_.request.method == "HEAD",
                    .last = !head_.keep_alive,
                    .chunked = head_.takes_chunks});
  if (!head_.keep_alive || draining_) input_over_ = true;
  auto request = std::move(head_.request);
  request.scheme = secure_ ? "https" : "http";
  request.peer = peer_;
  if (shared_->handler == nullptr)
    return answer(number, http::problem(503, "the server is closing"));
  shared_->handler->handle(std::move(request), [weak = weak_from_this(), shared = shared_,
                                                number](http::Response response) {
    if (const auto self = weak.lock())
      self->answer(number, std::move(response));
    else
      abandon_growing(*shared, response);
  });
}

void Http1Server::answer(std::uint64_t number, http::Response response) {
  const auto slot =
      std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.number == number; });
  if (slot == slots_.end() || slot->ready)  // the requester has gone, or was answered
    return abandon_growing(*shared_, response);
  if (response.delivery != http::Delivery::whole) return cut(response);
  slot->ready = true;
  slot->response = checked(std::move(response));
  slot->growing = claim_growing(*shared_, slot->response);
  if (slot->growing)
    slot->growing->attach([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && !self->inside_ && self->transport_ != nullptr) self->transport_->wake();
    });
  write_ready();
  if (!inside_ && transport_ != nullptr) transport_->wake();
}

// A simulated peer's connection ends without an answer, or after a head that promises one octet
// more than follows.
void Http1Server::cut(const http::Response& response) {
  if (transport_ == nullptr) return;
  if (response.delivery == http::Delivery::cut_short) {
    out_ += "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(response.body.size() + 1) +
            "\r\n\r\n";
    out_ += response.body;
  }
  drop_slots();
  input_over_ = true;
  if (!inside_) transport_->wake();
}

void Http1Server::drop_slots() {
  for (const auto& slot : slots_)
    if (slot.growing) slot.growing->leave();
  slots_.clear();
}

/// Half of a connection is enough for an answer that has an end. Of one that has none, it is how a
/// reader is seen to go.
void Http1Server::end_of_input(SteadyTime) {
  input_over_ = true;
  if (!slots_.empty() && slots_.front().begun) drop_slots();
}

void Http1Server::write_ready() {
  std::size_t done = 0;
  for (; done < slots_.size() && slots_[done].ready; ++done) {
    auto& slot = slots_[done];
    const bool last = slot.last || (draining_ && input_over_ && done + 1 == slots_.size());
    if (slot.growing && begin_growing(slot)) break;
    h1::append_response(out_, slot.response,
                        {.date = shared_->date(now_), .close = last, .omit_body = slot.head_only});
  }
  slots_.erase(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(done));
  if (slots_.empty() && stage_ == Stage::idle) began_ = now_;
}

/// False where the head is all of it.
bool Http1Server::begin_growing(Slot& slot) {
  if (slot.begun) return true;
  if (slot.head_only || http::has_no_body(slot.response.status)) {
    std::exchange(slot.growing, nullptr)->leave();
    return false;
  }
  if (!slot.chunked) slot.last = true;
  h1::append_response(out_, slot.response,
                      {.date = shared_->date(now_),
                       .close = slot.last || draining_,
                       .omit_body = true,
                       .framing = slot.chunked ? h1::Framing::chunked : h1::Framing::until_close});
  slot.begun = true;
  if (draining_) slot.growing->end();
  return true;
}

/// What the oldest answer has grown by; the reader's pace decides how often this is asked.
void Http1Server::write_growing() {
  while (!slots_.empty() && slots_.front().begun) {
    auto& slot = slots_.front();
    const auto state = slot.growing->state();
    if (state == http::GrowingBody::State::cut || state == http::GrowingBody::State::left) {
      drop_slots();
      input_over_ = true;
      return;
    }
    const auto pending = slot.growing->pending().substr(0, output_chunk_bytes);
    if (!pending.empty()) {
      if (slot.chunked)
        h1::append_chunk(out_, pending);
      else
        out_ += pending;
      slot.growing->taken(pending.size());
      return;
    }
    if (state != http::GrowingBody::State::ended) return;
    if (!slot.chunked) {  // It is the end of the connection that ends it: nothing may follow.
      input_over_ = true;
      return drop_slots();
    }
    h1::append_chunk(out_, {});
    if (slot.last || draining_) input_over_ = true;
    slot.growing->leave();
    slots_.erase(slots_.begin());
    write_ready();
  }
}

void Http1Server::refuse(int status, std::string_view why) {
  ++shared_->counters.messages_refused;
  input_over_ = true;
  slots_.push_back({.number = ++last_number_,
                    .last = true,
                    .ready = true,
                    .response = http::problem(status, why)});
  write_ready();
}

SteadyTime Http1Server::deadline() const {
  if (input_over_) return never;
  const auto& limits = shared_->limits;
  switch (stage_) {
    case Stage::idle: return slots_.empty() ? began_ + limits.idle_timeout : never;
    case Stage::head: return began_ + limits.header_timeout;
    case Stage::body: return began_ + limits.body_timeout;
  }
  std::abort();
}

void Http1Server::expired(SteadyTime now) {
  now_ = now;
  const bool begun = stage_ == Stage::body || !in_.empty();
  if (begun)
    refuse(408,
           stage_ == Stage::body ? "the body took too long" : "the header section took too long");
  else
    input_over_ = true;
}

void Http1Server::drain(SteadyTime now) {
  now_ = now;
  draining_ = true;
  const bool mid_request = stage_ == Stage::body || (stage_ == Stage::head && !in_.empty());
  if (!mid_request) input_over_ = true;
  for (const auto& slot : slots_)
    if (slot.growing) slot.growing->end();
}

}  // namespace

std::shared_ptr<Session> make_http1_server(ServerSharedPtr shared, Transport& transport,
                                           const Established& facts, SteadyTime now) {
  return std::make_shared<Http1Server>(std::move(shared), transport, facts, now);
}

}  // namespace lobo::adapters
