// HTTP/1.1 on the client's side: one exchange at a time, no pipelining.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/http/client.hpp"
#include "adapters/http/client_session.hpp"
#include "adapters/http/session.hpp"
#include "base/result.hpp"
#include "wire/http/http1.hpp"
#include "wire/http/message.hpp"

namespace lobo::adapters {
namespace {

namespace h1 = http::h1;

class Http1Client final : public ClientSession {
 public:
  Http1Client(const ClientLimits& limits, Transport& transport, std::weak_ptr<ClientEvents> events,
              SteadyTime now)
      : limits_(limits), transport_(&transport), events_(std::move(events)), idle_since_(now) {}

  std::size_t room() const override { return ticket_ == 0 && !over_ ? 1 : 0; }
  std::size_t running() const override { return ticket_ != 0 ? 1 : 0; }
  bool is_over() const override { return over_; }
  void start(std::uint64_t ticket, std::shared_ptr<const http::Request> request,
             SteadyTime now) override;
  void cancel(std::uint64_t ticket) override;

  void receive(std::string_view bytes, SteadyTime now) override;
  void end_of_input(SteadyTime now) override;
  void produce(std::string& out, SteadyTime) override {
    if (out_.empty()) return;
    written_ = true;
    out.append(out_);
    out_ = std::string();
  }
  bool wants_input() const override { return true; }
  bool finished() const override { return over_; }
  SteadyTime deadline() const override {
    return ticket_ == 0 && !over_ ? idle_since_ + limits_.idle_timeout : never;
  }
  void expired(SteadyTime) override { over_ = true; }
  void drain(SteadyTime) override {
    if (ticket_ == 0) over_ = true;
  }
  void closed(std::string_view why) override;

 private:
  void parse(SteadyTime now);
  bool parse_head(SteadyTime now);
  bool parse_body();
  void complete(SteadyTime now);
  void broken(Errc code, std::string_view why);
  void end(Ending ending);

  ClientLimits limits_;
  Transport* transport_;
  std::weak_ptr<ClientEvents> events_;
  std::uint64_t ticket_ = 0;  ///< of the exchange under way, 0 for none
  std::string method_;
  std::string in_;
  std::string out_;
  h1::HeadFinder finder_;
  h1::ResponseHead head_;
  h1::ChunkedDecoder chunked_;
  std::size_t interim_ = 0;
  SteadyTime idle_since_;
  bool in_body_ = false;
  bool written_ = false;
  bool touched_ = false;  ///< a byte of the answer arrived
  bool over_ = false;
};

void Http1Client::start(std::uint64_t ticket, std::shared_ptr<const http::Request> request,
                        SteadyTime) {
  ticket_ = ticket;
  method_ = request->method;
  interim_ = 0;
  in_body_ = written_ = touched_ = false;
  finder_.reset();
  // It was checked before it was queued.
  (void)h1::append_request(out_, *request);
  transport_->wake();
}

void Http1Client::cancel(std::uint64_t ticket) {
  if (ticket != ticket_) return;
  // The answer to a request that nobody waits for any more would be taken for the next one's.
  ticket_ = 0;
  over_ = true;
  if (transport_ != nullptr) transport_->wake();
}

void Http1Client::receive(std::string_view bytes, SteadyTime now) {
  if (over_) return;
  if (ticket_ == 0) {
    over_ = true;  // nobody asked: whatever this is, it must not become the next answer
    return;
  }
  touched_ = true;
  in_.append(bytes);
  parse(now);
  if (in_.empty() && in_.capacity() > 1024) in_ = std::string();
}

void Http1Client::parse(SteadyTime now) {
  while (ticket_ != 0 && !over_) {
    if (!in_body_ && !parse_head(now)) return;
    if (ticket_ == 0 || over_) return;
    if (in_body_ && !parse_body()) return;
    if (ticket_ != 0 && in_body_ && !over_) return complete(now);
  }
}

/// False where more bytes are needed or the exchange has ended.
bool Http1Client::parse_head(SteadyTime now) {
  const auto found = finder_.find(in_, limits_.head_bytes_max);
  if (!found)
    return broken(found.error().status == 431 ? Errc::too_large : Errc::malformed,
                  found.error().why),
           false;
  if (*found == 0) return false;
  finder_.reset();
  head_ = {};
  const h1::HeadLimits head_limits{.head_bytes_max = limits_.head_bytes_max,
                                   .fields_max = limits_.fields_max};
  const auto parsed =
      h1::parse_response_head(std::string_view(in_).substr(0, *found), head_limits, method_, head_);
  if (!parsed)
    return broken(parsed.error().status == 431 ? Errc::too_large : Errc::malformed,
                  parsed.error().why),
           false;
  in_.erase(0, *found);
  if (head_.response.status == 101)
    return broken(Errc::malformed, "a protocol change that was not asked for"), false;
  if (head_.response.status < 200) {
    if (++interim_ > limits_.interim_max)
      return broken(Errc::malformed, "too many interim responses"), false;
    return true;
  }
  if (head_.content_length > limits_.body_bytes_max)
    return broken(Errc::too_large, "the body is too large"), false;
  chunked_ = {};
  if (head_.framing == h1::Framing::none) {
    complete(now);
    return false;
  }
  in_body_ = true;
  return true;
}

/// True when the body is whole.
bool Http1Client::parse_body() {
  auto& body = head_.response.body;
  switch (head_.framing) {
    case h1::Framing::none: return true;
    case h1::Framing::length: {
      const auto take =
          std::min(in_.size(), static_cast<std::size_t>(head_.content_length) - body.size());
      body.append(in_, 0, take);
      in_.erase(0, take);
      return body.size() == head_.content_length;
    }
    case h1::Framing::chunked: {
      const auto step = chunked_.decode(in_, body, limits_.body_bytes_max);
      if (!step)
        return broken(step.error().status == 413 ? Errc::too_large : Errc::malformed,
                      step.error().why),
               false;
      in_.erase(0, step->consumed);
      return step->done;
    }
    case h1::Framing::until_close:
      if (body.size() + in_.size() > limits_.body_bytes_max)
        return broken(Errc::too_large, "the body is too large"), false;
      body.append(in_);
      in_.clear();
      return false;
  }
  std::abort();
}

void Http1Client::complete(SteadyTime now) {
  // Bytes beyond the answer belong to nothing that we asked.
  if (!head_.keep_alive || !in_.empty() || !out_.empty()) over_ = true;
  idle_since_ = now;
  end({.result = std::exchange(head_.response, {})});
}

void Http1Client::broken(Errc code, std::string_view why) {
  over_ = true;
  end({.result = fail(code, "the response: " + std::string(why))});
}

void Http1Client::end(Ending ending) {
  const auto ticket = std::exchange(ticket_, 0);
  in_body_ = false;
  const auto events = events_.lock();
  if (!events || ticket == 0) return;
  events->ended(ticket, std::move(ending));
  if (!over_) events->room_changed();
}

void Http1Client::end_of_input(SteadyTime now) {
  if (ticket_ != 0 && in_body_ && head_.framing == h1::Framing::until_close) complete(now);
  over_ = true;
  // Else closed() tells that the connection went away.
}

void Http1Client::closed(std::string_view why) {
  transport_ = nullptr;
  over_ = true;
  if (ticket_ != 0) {
    const std::string when = touched_ ? "the connection ended in the middle of the response: "
                                      : "the connection ended before a response: ";
    end({.result = fail(Errc::unavailable, when + std::string(why)),
         .untouched = !touched_,
         .unprocessed = !written_});
  }
  if (const auto events = events_.lock()) events->gone(*this);
}

}  // namespace

std::shared_ptr<ClientSession> make_http1_client(const ClientLimits& limits, Transport& transport,
                                                 std::weak_ptr<ClientEvents> events,
                                                 SteadyTime now) {
  return std::make_shared<Http1Client>(limits, transport, std::move(events), now);
}

}  // namespace lobo::adapters
