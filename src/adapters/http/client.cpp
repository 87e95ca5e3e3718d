#include "adapters/http/client.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "adapters/http/client_session.hpp"
#include "adapters/http/dialer.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"
#include "adapters/http/tls_files.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/http1.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"

namespace lobo::adapters {
namespace {

using runtime::Scheduler;

/// A request between send() and done.
struct Pending {
  std::shared_ptr<const http::Request> request;
  runtime::HttpClient::Done done;
  std::string origin;
  Scheduler::TimerId timer = 0;
  std::weak_ptr<ClientSession> session;  ///< where it is under way
  bool on_kept = false;                  ///< on a connection that had carried others before
  bool repeated = false;
};

struct Connection {
  std::shared_ptr<ClientSession> session;
  Transport* transport = nullptr;
  std::uint64_t carried = 0;
  bool retired = false;  ///< carries nothing new: see renew_connections()
  bool takes_more() const { return !retired && !session->is_over(); }
};

struct Origin {
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;
  Http2Use http2 = Http2Use::never;
  std::deque<std::uint64_t> waiting;  ///< tickets; one whose request has ended is skipped
  std::vector<Connection> connections;
  std::size_t dialing = 0;
  bool multiplexes = false;  ///< the last connection made was HTTP/2
};

bool is_idempotent(std::string_view method) {
  // RFC 9110 clause 9.2.2.
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

}  // namespace

struct HttpClient::Impl final : ClientEvents, std::enable_shared_from_this<HttpClient::Impl> {
  Impl(EventLoop& on, ClientConfig with) : loop(on), config(std::move(with)) {}

  void send(http::Request request, std::chrono::milliseconds deadline, Done done);
  Result<Origin*> origin_of(const http::Request& request);
  void pump(const std::string& key);
  Connection* with_room(Origin& origin);
  void run_on(Connection& connection, std::uint64_t ticket);
  bool may_dial(const Origin& origin) const;
  void dial_for(const std::string& key, Origin& origin);
  Result<std::shared_ptr<TlsContext>> tls_for(Http2Use use);
  std::shared_ptr<Session> up(const std::string& key, Transport& transport,
                              const Established& facts);
  void down(const std::string& key, const Error& why);
  void finish(std::uint64_t ticket, Result<http::Response> result);
  void timed_out(std::uint64_t ticket);
  void forget_unused(const std::string& key);
  void shut();

  void ended(std::uint64_t ticket, Ending ending) override;
  void room_changed() override;
  void gone(ClientSession& session) override;

  EventLoop& loop;
  ClientConfig config;
  ClientCounters counters;
  std::unordered_map<std::string, Origin> origins;
  std::unordered_map<std::uint64_t, Pending> pending;
  std::map<Http2Use, std::shared_ptr<TlsContext>> tls;
  std::uint64_t last_ticket = 0;
  bool pump_posted = false;
  bool shutting = false;
};

// ---- requests ---------------------------------------------------------------------------------

Result<Origin*> HttpClient::Impl::origin_of(const http::Request& request) {
  if (request.scheme != "http" && request.scheme != "https")
    return fail(Errc::malformed, "the scheme is neither http nor https");
  const auto authority = http::parse_authority(request.authority);
  if (!authority) return fail(Errc::malformed, "the authority names no host");
  std::string scratch;
  if (auto written = http::h1::append_request(scratch, request); !written)
    return fail(written.error());
  const auto key = request.scheme + "://" + request.authority;
  const auto found = origins.find(key);
  if (found != origins.end()) return &found->second;
  if (origins.size() >= config.limits.origins_max)
    return fail(Errc::unavailable, "too many different servers at a time");
  Origin origin;
  origin.scheme = request.scheme;
  origin.host = authority->host;
  origin.port =
      authority->port.value_or(request.scheme == "https" ? std::uint16_t{443} : std::uint16_t{80});
  const auto special = config.http2_of.find(key);
  origin.http2 = special == config.http2_of.end() ? config.http2 : special->second;
  origin.multiplexes = origin.http2 == Http2Use::always;
  return &origins.emplace(key, std::move(origin)).first->second;
}

void HttpClient::Impl::send(http::Request request, std::chrono::milliseconds deadline, Done done) {
  ++counters.requests;
  const auto ticket = ++last_ticket;
  auto key = request.scheme + "://" + request.authority;
  auto origin = origin_of(request);
  auto& entry = pending[ticket];
  entry.request = std::make_shared<const http::Request>(std::move(request));
  entry.done = std::move(done);
  entry.origin = std::move(key);
  Result<http::Response> refused = http::Response{};
  if (!origin)
    refused = fail(origin.error());
  else if ((*origin)->waiting.size() >= config.limits.waiting_max)
    refused = fail(Errc::unavailable, "too many requests wait for this server");
  if (!refused) {
    // Never within send(): whoever asks may hold what `done` needs.
    loop.post([weak = weak_from_this(), ticket, refused = std::move(refused)]() mutable {
      if (const auto self = weak.lock()) self->finish(ticket, std::move(refused));
    });
    return;
  }
  entry.timer = loop.after(std::max(deadline, std::chrono::milliseconds{0}),
                           [weak = weak_from_this(), ticket] {
                             if (const auto self = weak.lock()) self->timed_out(ticket);
                           });
  (*origin)->waiting.push_back(ticket);
  pump(entry.origin);
}

void HttpClient::Impl::timed_out(std::uint64_t ticket) {
  const auto found = pending.find(ticket);
  if (found == pending.end()) return;
  found->second.timer = 0;
  const auto session = found->second.session.lock();
  const auto key = found->second.origin;
  if (!session)
    if (const auto origin = origins.find(key); origin != origins.end())
      std::erase(origin->second.waiting, ticket);
  finish(ticket, fail(Errc::timeout, "no answer in time"));
  if (session) session->cancel(ticket);
}

void HttpClient::Impl::finish(std::uint64_t ticket, Result<http::Response> result) {
  auto node = pending.extract(ticket);
  if (node.empty()) return;
  if (node.mapped().timer != 0) loop.cancel(node.mapped().timer);
  if (!result) ++counters.failed;
  node.mapped().done(std::move(result));
}

void HttpClient::Impl::ended(std::uint64_t ticket, Ending ending) {
  const auto found = pending.find(ticket);
  if (found == pending.end()) return;  // it timed out before
  auto& entry = found->second;
  entry.session.reset();
  const bool again = !ending.result && !entry.repeated && !shutting &&
                     (ending.unprocessed ||
                      (ending.untouched && entry.on_kept && is_idempotent(entry.request->method)));
  const auto origin = origins.find(entry.origin);
  if (!again || origin == origins.end()) return finish(ticket, std::move(ending.result));
  ++counters.repeated;
  entry.repeated = true;
  origin->second.waiting.push_front(ticket);
  room_changed();
}

// ---- connections ------------------------------------------------------------------------------

/// One look at all queues for however many changes there were in this turn of the loop.
void HttpClient::Impl::room_changed() {
  if (pump_posted || shutting) return;
  pump_posted = true;
  loop.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->pump_posted = false;
    std::vector<std::string> keys;
    for (const auto& [key, origin] : self->origins)
      if (!origin.waiting.empty()) keys.push_back(key);
    for (const auto& key : keys) self->pump(key);
  });
}

Connection* HttpClient::Impl::with_room(Origin& origin) {
  // The latest first: the others may fall idle and close.
  for (auto at = origin.connections.rbegin(); at != origin.connections.rend(); ++at) {
    // A request that is being repeated must not meet the next stale connection: see run_on().
    if (!at->retired && at->session->room() > 0) return &*at;
  }
  return nullptr;
}

void HttpClient::Impl::run_on(Connection& connection, std::uint64_t ticket) {
  auto& entry = pending.at(ticket);
  entry.session = connection.session;
  entry.on_kept = connection.carried > 0;
  ++connection.carried;
  connection.session->start(ticket, entry.request, std::chrono::steady_clock::now());
}

bool HttpClient::Impl::may_dial(const Origin& origin) const {
  const auto all = origin.connections.size() + origin.dialing;
  if (all >= config.limits.connections_max) return false;
  // Until it is known whether one connection carries everything, one is tried.
  const bool unknown =
      origin.http2 == Http2Use::alpn && origin.scheme == "https" && origin.connections.empty();
  if (origin.multiplexes || unknown) return origin.dialing == 0;
  return origin.dialing < origin.waiting.size();
}

void HttpClient::Impl::pump(const std::string& key) {
  const auto found = origins.find(key);
  if (found == origins.end() || shutting) return;
  auto& origin = found->second;
  while (!origin.waiting.empty()) {
    const auto ticket = origin.waiting.front();
    if (!pending.contains(ticket)) {
      origin.waiting.pop_front();
      continue;
    }
    auto* connection = with_room(origin);
    if (connection == nullptr) break;
    origin.waiting.pop_front();
    run_on(*connection, ticket);
  }
  while (!origin.waiting.empty() && may_dial(origin)) dial_for(key, origin);
}

Result<std::shared_ptr<TlsContext>> HttpClient::Impl::tls_for(Http2Use use) {
  auto& made = tls[use];
  if (made) return made;
  auto context = make_client_tls(config.tls.value_or(ClientTlsFiles{}), use != Http2Use::never,
                                 use == Http2Use::always);
  if (!context) return context;
  made = std::move(*context);
  return made;
}

void HttpClient::Impl::dial_for(const std::string& key, Origin& origin) {
  Dial what{.host = origin.host,
            .port = origin.port,
            .tls = nullptr,
            .timeout = config.limits.connect_timeout,
            .write_timeout = config.limits.write_timeout,
            .admits = config.admits,
            .resolve = config.resolve};
  ++origin.dialing;
  if (origin.scheme == "https") {
    auto context = tls_for(origin.http2);
    if (!context) {
      loop.post([weak = weak_from_this(), key, why = context.error()] {
        if (const auto self = weak.lock()) self->down(key, why);
      });
      return;
    }
    what.tls = std::move(*context);
  }
  ++counters.connections_opened;
  dial(
      loop, std::move(what),
      [weak = weak_from_this(), key](Transport& transport,
                                     const Established& facts) -> std::shared_ptr<Session> {
        const auto self = weak.lock();
        return self ? self->up(key, transport, facts) : nullptr;
      },
      [weak = weak_from_this(), key](const Error& why) {
        if (const auto self = weak.lock()) self->down(key, why);
      });
}

std::shared_ptr<Session> HttpClient::Impl::up(const std::string& key, Transport& transport,
                                              const Established& facts) {
  const auto found = origins.find(key);
  if (found == origins.end() || shutting) return nullptr;
  auto& origin = found->second;
  --origin.dialing;
  const bool http2 = facts.secure ? facts.alpn == "h2" : origin.http2 == Http2Use::always;
  if (origin.http2 == Http2Use::always && !http2) {
    ++origin.dialing;
    down(key, {Errc::unavailable, origin.host + " does not speak HTTP/2", {}});
    return nullptr;
  }
  origin.multiplexes = http2;
  const auto now = std::chrono::steady_clock::now();
  auto session = http2 ? make_http2_client(config.limits, transport, weak_from_this(), now)
                       : make_http1_client(config.limits, transport, weak_from_this(), now);
  origin.connections.push_back({session, &transport, 0});
  room_changed();
  return session;
}

/// A connection could not be made: as many requests fail as would have had it for themselves.
void HttpClient::Impl::down(const std::string& key, const Error& why) {
  const auto found = origins.find(key);
  if (found == origins.end()) return;
  auto& origin = found->second;
  --origin.dialing;
  if (std::ranges::any_of(origin.connections, &Connection::takes_more)) return room_changed();
  if (origin.dialing > 0) return;
  const auto failed = std::exchange(origin.waiting, {});
  forget_unused(key);
  for (const auto ticket : failed) finish(ticket, fail(why));
}

void HttpClient::Impl::gone(ClientSession& session) {
  for (auto& [key, origin] : origins) {
    const auto erased = std::erase_if(
        origin.connections, [&](const Connection& c) { return c.session.get() == &session; });
    if (erased == 0) continue;
    const std::string name = key;
    forget_unused(name);
    return room_changed();
  }
}

void HttpClient::Impl::forget_unused(const std::string& key) {
  const auto found = origins.find(key);
  if (found == origins.end()) return;
  const auto& origin = found->second;
  if (origin.waiting.empty() && origin.connections.empty() && origin.dialing == 0)
    origins.erase(found);
}

void HttpClient::Impl::shut() {
  shutting = true;
  std::vector<Transport*> transports;
  for (const auto& [key, origin] : origins)
    for (const auto& connection : origin.connections) transports.push_back(connection.transport);
  for (auto* transport : transports) transport->abort();
  std::vector<std::uint64_t> tickets;
  for (const auto& [ticket, entry] : pending) tickets.push_back(ticket);
  for (const auto ticket : tickets)
    finish(ticket, fail(Errc::unavailable, "the client is closing"));
}

// ---- face -------------------------------------------------------------------------------------

HttpClient::HttpClient(EventLoop& loop, ClientConfig config)
    : impl_(std::make_shared<Impl>(loop, std::move(config))) {}
HttpClient::~HttpClient() { impl_->shut(); }

void HttpClient::send(http::Request request, std::chrono::milliseconds deadline, Done done) {
  impl_->send(std::move(request), deadline, std::move(done));
}

Result<std::function<void()>> HttpClient::prepare_tls(const ClientTlsFiles& files) {
  // Of each kind at once: the files may be others by the time of the next connection.
  std::map<Http2Use, std::shared_ptr<TlsContext>> contexts;
  for (const auto use : {Http2Use::never, Http2Use::alpn, Http2Use::always}) {
    auto made = make_client_tls(files, use != Http2Use::never, use == Http2Use::always);
    if (!made) return fail(made.error());
    contexts.emplace(use, std::move(*made));
  }
  return [this, files, contexts = std::move(contexts)] {
    impl_->config.tls = files;
    impl_->tls = contexts;
  };
}

Result<void> HttpClient::reload_tls(const ClientTlsFiles& files) {
  const auto change = prepare_tls(files);
  if (!change) return fail(change.error());
  (*change)();
  return {};
}

void HttpClient::renew_connections() {
  const auto now = std::chrono::steady_clock::now();
  for (auto& [key, origin] : impl_->origins)
    for (auto& connection : origin.connections) {
      connection.retired = true;
      connection.session->drain(now);
      connection.transport->wake();
    }
}

ClientCounters HttpClient::counters() const { return impl_->counters; }

std::size_t HttpClient::connections() const {
  std::size_t out = 0;
  for (const auto& [key, origin] : impl_->origins) out += origin.connections.size();
  return out;
}

}  // namespace lobo::adapters
