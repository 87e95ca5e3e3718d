#include "adapters/http/link.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "adapters/http/asio_loop.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"

namespace lobo::adapters {
namespace {

using Error = boost::system::error_code;

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

/// What grew for a burst is not kept for the quiet time after it.
void release(std::string& text) {
  if (text.capacity() > 4096)
    text = std::string();
  else
    text.clear();
}

}  // namespace

Link::Link(EventLoop& loop, Socket socket, LinkLimits limits, std::unique_ptr<TlsEngine> tls)
    : loop_(loop), socket_(std::move(socket)), limits_(limits), tls_(std::move(tls)) {
  Error ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  // Without this, read_some() would block the whole loop in poll even on a non-blocking descriptor.
  socket_.non_blocking(true, ignored);
  const auto remote = socket_.remote_endpoint(ignored);
  if (!ignored) peer_address_ = remote.address().to_string();
}

Link::~Link() {
  if (timer_ != 0) loop_.cancel(timer_);
  loop_.impl().give_back(std::move(buffer_));
}

void Link::open(SessionFactory factory, Gone gone) {
  factory_ = std::move(factory);
  gone_ = std::move(gone);
  const auto now = steady_now();
  if (tls_) {
    handshake_deadline_ = now + limits_.handshake_timeout;
    if (auto begun = tls_->begin(); !begun) return close(begun.error().detail);
  } else {
    establish(now);
  }
  settle(now);
}

void Link::establish(SteadyTime) {
  handshake_deadline_ = never;
  Established facts;
  Error error;
  const auto remote = socket_.remote_endpoint(error);
  if (!error) {
    facts.peer.address = remote.address().to_string();
    facts.peer.loopback = remote.address().is_loopback();
  }
  if (tls_) {
    facts.secure = true;
    facts.tls = tls_.get();
    facts.alpn = tls_->alpn();
    facts.peer.certificate_subject = tls_->peer_subject();
  }
  const auto factory = std::exchange(factory_, nullptr);
  session_ = factory(*this, facts);
  if (!session_) close("no longer wanted");
}

void Link::wake() {
  if (waking_ || closed_) return;
  waking_ = true;
  asio::post(loop_.impl().io, [self = shared_from_this()] {
    self->waking_ = false;
    if (!self->closed_) self->settle(steady_now());
  });
}

void Link::drain() {
  if (closed_) return;
  if (!session_) return close("draining");
  session_->drain(steady_now());
  wake();
}

// ---- input ------------------------------------------------------------------------------------

bool Link::may_read() const {
  if (reading_ || closed_ || ended_) return false;
  if (linger_deadline_ != never || !session_) return true;
  return session_->wants_input() && unsent_.size() - sent_ <= limits_.unsent_bytes_max;
}

void Link::read() {
  if (!may_read()) return;
  reading_ = true;
  if (parked_) {
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const Error& error) {
      self->on_readable(error);
    });
    return;
  }
  if (!buffer_) buffer_ = loop_.impl().lend();
  socket_.async_read_some(asio::buffer(buffer_.get(), read_buffer_bytes),
                          [self = shared_from_this()](const Error& error, std::size_t size) {
                            self->on_read(error, size);
                          });
}

void Link::on_readable(const Error& error) {
  reading_ = false;
  if (closed_) return;
  if (error == asio::error::operation_aborted) return settle(steady_now());
  parked_ = false;
  read();
}

void Link::on_read(const Error& error, std::size_t size) {
  reading_ = false;
  if (closed_) return;
  const auto now = steady_now();
  if (error == asio::error::operation_aborted) {
    // on_timer() took the read back because the connection is quiet.
    loop_.impl().give_back(std::move(buffer_));
    parked_ = true;
    return settle(now);
  }
  last_read_ = now;
  if (error == asio::error::eof) {
    take_end(now);
  } else if (error) {
    return close(error.message());
  } else {
    take({buffer_.get(), size}, now);
  }
  settle(now);
}

void Link::take_end(SteadyTime now) {
  ended_ = true;
  if (!session_ || linger_deadline_ != never) return close("closed by the peer");
  session_->end_of_input(now);
}

void Link::take(std::string_view wire, SteadyTime now) {
  if (linger_deadline_ != never) {
    lingered_bytes_ += wire.size();
    if (lingered_bytes_ > linger_bytes_max) close("lingered long enough");
    return;
  }
  if (!tls_) return session_->receive(wire, now);
  const auto taken = tls_->receive(
      wire, [&] { establish(now); },
      [&](std::string_view plain) {
        if (!closed_ && session_) session_->receive(plain, now);
      });
  if (closed_) return;
  if (!taken) {
    // The alert goes out if the socket takes it at once.
    Error ignored;
    if (!writing_) socket_.write_some(asio::buffer(tls_->wire_output()), ignored);
    return close(taken.error().detail);
  }
  if (tls_->peer_closed()) take_end(now);
}

// ---- output -----------------------------------------------------------------------------------

void Link::settle(SteadyTime now) {
  if (closed_) return;
  flush(now);
  if (closed_) return;
  if (!writing_ && session_ && session_->finished() && linger_deadline_ == never) finish(now);
  if (closed_) return;
  read();
  watch(now);
}

/// Fills the loop's wire scratch; false where there is nothing to write or the connection broke.
bool Link::collect(SteadyTime now) {
  auto& scratch = loop_.impl().wire;
  scratch.clear();
  if (!tls_) {
    if (session_) session_->produce(scratch, now);
    return !scratch.empty();
  }
  if (session_ && tls_->is_established()) {
    auto& plain = loop_.impl().plain;
    plain.clear();
    session_->produce(plain, now);
    if (auto sent = tls_->send(plain); !sent) {
      close(sent.error().detail);
      return false;
    }
    if (plain.capacity() > 4 * output_chunk_bytes) plain = std::string();
  }
  scratch.append(tls_->wire_output());
  release(tls_->wire_output());
  return !scratch.empty();
}

void Link::flush(SteadyTime now) {
  while (!writing_ && !closed_ && collect(now)) {
    auto& scratch = loop_.impl().wire;
    Error error;
    const auto put = socket_.write_some(asio::buffer(scratch), error);
    if (error && error != asio::error::would_block && error != asio::error::try_again)
      return close(error.message());
    if (put < scratch.size()) {
      unsent_.assign(scratch, put);
      sent_ = 0;
      write_deadline_ = now + limits_.write_timeout;
      await_writable();
    }
    if (scratch.capacity() > 4 * output_chunk_bytes) scratch = std::string();
  }
}

void Link::await_writable() {
  writing_ = true;
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const Error& error) {
    self->writing_ = false;
    if (self->closed_) return;
    if (error && error != asio::error::operation_aborted) return self->close(error.message());
    self->write_remains(steady_now());
  });
}

void Link::write_remains(SteadyTime now) {
  Error error;
  const auto put =
      socket_.write_some(asio::buffer(unsent_.data() + sent_, unsent_.size() - sent_), error);
  if (error && error != asio::error::would_block && error != asio::error::try_again)
    return close(error.message());
  sent_ += put;
  if (put > 0) write_deadline_ = now + limits_.write_timeout;
  if (sent_ < unsent_.size()) {
    await_writable();
    return watch(now);
  }
  release(unsent_);
  sent_ = 0;
  write_deadline_ = never;
  settle(now);
}

void Link::finish(SteadyTime now) {
  if (tls_) {
    tls_->close_notify();
    Error ignored;
    socket_.write_some(asio::buffer(tls_->wire_output()), ignored);
    release(tls_->wire_output());
  }
  if (!limits_.linger || ended_) return close("done");
  Error error;
  socket_.shutdown(Socket::shutdown_send, error);
  if (error) return close("done");
  linger_deadline_ = now + linger_time_max;
}

// ---- time and end -----------------------------------------------------------------------------

/// One timer for all deadlines. It is only moved forward; a deadline that moved back is found when
/// it fires.
void Link::watch(SteadyTime) {
  auto next = std::min({handshake_deadline_, write_deadline_, linger_deadline_});
  if (session_ && linger_deadline_ == never) next = std::min(next, session_->deadline());
  if (reading_ && !parked_) next = std::min(next, last_read_ + quiet_time);
  if (next >= armed_) return;
  if (timer_ != 0) loop_.cancel(timer_);
  armed_ = next;
  const auto delay = std::chrono::ceil<std::chrono::microseconds>(next - steady_now());
  timer_ = loop_.after(std::max(delay, std::chrono::microseconds{0}), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_timer();
  });
}

void Link::on_timer() {
  timer_ = 0;
  armed_ = never;
  if (closed_) return;
  const auto now = steady_now();
  if (now >= handshake_deadline_) return close("the TLS handshake took too long");
  if (now >= write_deadline_) return close("the peer takes no data");
  if (now >= linger_deadline_) return close("done");
  if (session_ && linger_deadline_ == never && now >= session_->deadline()) session_->expired(now);
  if (closed_) return;
  if (reading_ && !parked_ && !writing_ && now >= last_read_ + quiet_time) {
    Error ignored;
    socket_.cancel(ignored);  // on_read() parks the connection
    last_read_ = now;
  }
  settle(now);
}

void Link::close(std::string_view why) {
  if (closed_) return;
  closed_ = true;
  const auto self = shared_from_this();  // the callbacks below may drop the last other owner
  Error ignored;
  socket_.close(ignored);
  if (timer_ != 0) loop_.cancel(timer_);
  timer_ = 0;
  factory_ = nullptr;
  if (session_) session_->closed(why);
  if (const auto gone = std::exchange(gone_, nullptr)) gone(*this, why);
  // Perhaps called by the session itself: both live until the loop turns.
  asio::post(loop_.impl().io, [self, session = std::move(session_)] {});
}

}  // namespace lobo::adapters
