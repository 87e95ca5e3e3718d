#include "runtime/router.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/require.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "runtime/effect_runner.hpp"
#include "runtime/ports.hpp"
#include "wire/http/media_type.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"

namespace lobo::runtime {

using resource::Operation;
using resource::Protection;

namespace {

/// Size, format and acceptability; what a route declares and a schema cannot.
Result<void> check_envelope(const http::Request& request, const Operation& operation) {
  // "*/*" takes media of any type; of a GET it says that the answer is such media.
  const bool any_media = operation.content_type == "*/*";
  if (operation.content_type.empty() || request.method == "GET") {
    // What comes with a DELETE has no meaning (RFC 9110 clause 9.3.5) and is not looked at.
    if (!request.body.empty() && request.method != "DELETE")
      return fail(Errc::not_allowed, "this operation takes no body");
  } else {
    if (request.body.size() > operation.body_bytes_max)
      return fail(Errc::too_large, "the body is larger than the " +
                                       std::to_string(operation.body_bytes_max) +
                                       " bytes allowed here");
    const auto given = request.headers.find("content-type");
    const auto takes = [&](std::string_view wanted) {
      return !wanted.empty() && http::is_media_type(*given, wanted);
    };
    if (!given ||
        (!any_media && !takes(operation.content_type) && !takes(operation.other_content_type)))
      return fail(Errc::media_type, "send this operation's body as " +
                                        std::string(operation.content_type) +
                                        (operation.other_content_type.empty() ? "" : " or ") +
                                        std::string(operation.other_content_type));
  }
  const auto accept = request.headers.find("accept");
  // A GET that names a type answers with that as well.
  const bool takes_other =
      accept && !operation.content_type.empty() && http::accepts(*accept, operation.content_type);
  if (request.method == "GET" && !any_media && accept && !takes_other &&
      !http::accepts(*accept, "application/json"))
    return fail(Errc::not_acceptable, "the answer is application/json, which Accept excludes");
  return {};
}

/// What an Idempotency-Key stands for: the same key with another request is refused.
std::string digest_of(const http::Request& request) {
  const std::uint64_t a = fnv1a(request.body, fnv1a(request.target, fnv1a(request.method)));
  const std::uint64_t b = fnv1a(request.method, fnv1a(request.target, fnv1a(request.body)));
  return std::to_string(a) + '-' + std::to_string(b);
}

}  // namespace

Router::Router(Ports ports, RouterLimits limits)
    : ports_(ports),
      limits_(limits),
      unmatched_(ports.metrics.counter("lobo_http_requests_total",
                                       {{"operation", "none"}, {"class", "4xx"}})) {}

void Router::add(std::vector<resource::Route> routes) {
  for (auto& route : routes) {
    auto entry = std::make_unique<Entry>();
    const std::string operation(route.operation.id);
    for (const auto segment : split(route.operation.path.substr(1), '/'))
      entry->segments.emplace_back(segment);
    for (const auto& other : entries_)
      require(other->route.operation.method != route.operation.method ||
              other->route.operation.path != route.operation.path);
    entry->seconds =
        &ports_.metrics.histogram("lobo_http_request_seconds", {{"operation", operation}});
    for (std::size_t hundred = 0; hundred < 6; ++hundred)
      entry->by_class[hundred] = &ports_.metrics.counter(
          "lobo_http_requests_total",
          {{"operation", operation}, {"class", std::to_string(hundred) + "xx"}});
    entry->route = std::move(route);
    by_first_[entry->segments.front()].push_back(entry.get());
    entries_.push_back(std::move(entry));
  }
}

std::vector<Operation> Router::operations() const {
  std::vector<Operation> all;
  for (const auto& entry : entries_) all.push_back(entry->route.operation);
  return all;
}

// ---- 1. which operation -----------------------------------------------------------------------

/// `path` without its first slash, segment by segment against the template.
bool Router::fits(const Entry& entry, std::string_view path, resource::PathParams& params) {
  std::size_t at = 0;
  for (const std::string_view wanted : entry.segments) {
    if (at > path.size()) return false;
    const auto end = std::min(path.find('/', at), path.size());
    const auto given = path.substr(at, end - at);
    at = end + 1;
    if (wanted.front() != '{') {
      if (given != wanted) return false;
      continue;
    }
    auto value = http::percent_decode(given);
    if (!value || value->empty()) return false;
    params.emplace(wanted.substr(1, wanted.size() - 2), std::move(*value));
  }
  return at == path.size() + 1;
}

const Router::Entry* Router::match(const http::Request& request, std::string_view path,
                                   resource::PathParams& params, std::string& allow) const {
  if (path.empty() || path.front() != '/') return nullptr;
  path.remove_prefix(1);
  const auto candidates = by_first_.find(path.substr(0, path.find('/')));
  if (candidates == by_first_.end()) return nullptr;
  for (const Entry* entry : candidates->second) {
    resource::PathParams found;
    if (!fits(*entry, path, found)) continue;
    if (entry->route.operation.method == request.method) {
      params = std::move(found);
      return entry;
    }
    allow += (allow.empty() ? "" : ", ") + std::string(entry->route.operation.method);
  }
  return nullptr;
}

void Router::handle(http::Request request, ReplyFn reply) {
  auto pending = std::make_shared<Pending>();
  pending->since = ports_.clock.now();
  pending->reply = std::move(reply);
  pending->request = std::move(request);
  pending->method = pending->request.method;
  const std::string_view target = pending->request.target;
  const auto path = target.substr(0, target.find('?'));
  std::string allow;
  pending->entry = match(pending->request, path, pending->params, allow);
  if (pending->entry == nullptr) {
    if (allow.empty())
      return refuse(pending, Error{Errc::not_found, "no such resource or operation", {}});
    auto response =
        http::problem(Error{Errc::method_unknown, "the resource has no such method", {}});
    response.headers.set("allow", allow);
    return answer(pending, std::move(response));
  }
  authorise(std::move(pending));
}

// ---- 2. who asks, and may they ----------------------------------------------------------------

void Router::authorise(PendingPtr pending) {
  const Operation& operation = pending->entry->route.operation;
  switch (operation.protection) {
    case Protection::none:
    case Protection::secret:  // The secret is part of the path; the resource compares it.
      return admitted(std::move(pending));
    case Protection::loopback:
      if (!pending->request.peer.loopback)
        return refuse(pending,
                      Error{Errc::forbidden, "administration is for this machine only", {}});
      return admitted(std::move(pending));
    case Protection::token: break;
  }
  // The copy of the pointer keeps the request alive until the authenticator answers.
  auto& request = pending->request;
  const Instant now = pending->since;
  ports_.authenticator.authenticate(
      request, now,
      [this, pending = std::move(pending), &operation](Result<resource::Principal> who) {
        if (!who) return refuse(pending, who.error());
        if (std::ranges::find(who->scopes, operation.scope) == who->scopes.end())
          return refuse(pending,
                        Error{Errc::forbidden,
                              "the token lacks the scope '" + std::string(operation.scope) + "'",
                              {}});
        pending->who = std::move(*who);
        std::chrono::milliseconds retry_after{};
        if (!rate_.take(pending->who.subject, limits_.requests_per_second, limits_.request_burst,
                        pending->since, retry_after)) {
          auto response =
              http::problem(Error{Errc::too_many, "too many requests of this client", {}});
          response.headers.set("retry-after", std::to_string(retry_after.count() / 1000 + 1));
          return answer(pending, std::move(response));
        }
        admitted(pending);
      });
}

// ---- 3. what is asked -------------------------------------------------------------------------

void Router::admitted(PendingPtr pending) {
  const auto& route = pending->entry->route;
  if (const auto fits = check_envelope(pending->request, route.operation); !fits)
    return refuse(pending, fits.error());
  const bool asks = prepare_ && route.operation.protection == Protection::token &&
                    !route.operation.content_type.empty();
  if (!asks) return decide(std::move(pending));
  const auto& request = pending->request;
  prepare_(request, [this, pending] { decide(pending); });
}

void Router::decide(PendingPtr pending) {
  const auto& route = pending->entry->route;
  const auto fresh_id = random_id(ports_.secrets);
  auto decision = route.handle(resource::RouteContext{.request = pending->request,
                                                      .params = pending->params,
                                                      .who = pending->who,
                                                      .lookup = ports_.runner.lookup(),
                                                      .now = pending->since,
                                                      .fresh_id = fresh_id});
  if (!decision) return refuse(pending, decision.error());
  if (auto* response = std::get_if<http::Response>(&*decision))
    return answer(pending, std::move(*response));
  dispatch(std::move(pending), std::get<resource::Dispatch>(*decision), fresh_id);
}

void Router::dispatch(PendingPtr pending, const resource::Dispatch& to, std::string_view fresh_id) {
  Submission with;
  resource::Key key = to.to;
  std::optional<std::pair<std::string, std::string>> key_under_way;
  if (to.creates) {
    if (const auto given = pending->request.headers.find("idempotency-key");
        given && keys_under_way_.contains({pending->who.subject, std::string(*given)})) {
      auto response = http::problem(
          Error{Errc::conflict, "a request with this Idempotency-Key is still under way", {}});
      response.headers.set("retry-after", std::to_string(http::retry_after_seconds));
      return answer(pending, std::move(response));
    }
    if (const auto made = idempotent(pending, to, with); made)
      key = *made;
    else
      return refuse(pending, made.error());
    if (with.idempotency) key_under_way = {with.idempotency->owner, with.idempotency->key};
    const bool anew = key == to.to;
    with.fresh = anew && key.id == fresh_id;
    const auto count = ports_.runner.lookup().count(key.kind, pending->who.subject);
    if (!count) return refuse(pending, count.error());
    if (anew && *count >= limits_.resources_per_owner_max)
      return refuse(pending, Error{Errc::too_many,
                                   "this client has as many of these as it may; release some first",
                                   {}});
  } else if (const auto tag = pending->request.headers.find("if-match");
             tag && pending->entry->route.operation.protection != Protection::secret) {
    // Not for callbacks: whoever does not know the secret would learn versions from it.
    with.if_match = std::string(*tag);
  }

  const auto request = ports_.replies.wait([this, pending, key_under_way](http::Response response) {
    if (key_under_way) keys_under_way_.erase(*key_under_way);
    answer(pending, std::move(response));
  });
  if (!request)
    return refuse(pending, Error{Errc::unavailable, "too many requests are under way", {}});
  if (key_under_way) keys_under_way_.insert(*key_under_way);

  const auto& operation = pending->entry->route.operation;
  if (operation.protection == Protection::secret) {
    const auto secret = pending->params.find("secret");
    return ports_.runner.submit(
        key,
        resource::Callback{
            .request = *request,
            .secret = secret == pending->params.end() ? std::string() : secret->second,
            .http = std::move(pending->request)},
        std::move(with));
  }
  ports_.runner.submit(key,
                       resource::Command{.request = *request,
                                         .operation = std::string(operation.id),
                                         .http = std::move(pending->request),
                                         .who = pending->who,
                                         .secret = random_id(ports_.secrets)},
                       std::move(with));
}

/// The resource that a create is for: a new one, or the one that the same Idempotency-Key made
/// before. A resource that is gone again frees its key.
Result<resource::Key> Router::idempotent(const PendingPtr& pending, const resource::Dispatch& to,
                                         Submission& with) {
  const auto given = pending->request.headers.find("idempotency-key");
  if (!given) return to.to;
  const auto printable = [](char c) { return c > 0x20 && c < 0x7F; };
  if (given->empty() || given->size() > idempotency_key_bytes_max ||
      !std::ranges::all_of(*given, printable))
    return fail(
        Errc::malformed, "Idempotency-Key must be 1 to 128 printable characters",
        {{Errc::malformed, "header:idempotency-key", "1 to 128 printable ASCII characters"}});
  const std::string owner = pending->who.subject;
  const std::string key(*given);
  const std::string digest = digest_of(pending->request);
  auto known = ports_.store.idempotency(owner, key);
  if (!known) return fail(known.error());
  if (known->has_value() && (*known)->expires > pending->since) {
    if ((*known)->digest != digest)
      return fail(Errc::conflict, "this Idempotency-Key was used for a different request");
    auto made = ports_.runner.lookup().find((*known)->made);
    if (!made) return fail(made.error());
    if (made->has_value()) return (*known)->made;
  }
  with.idempotency =
      StoredIdempotency{owner, key, digest, to.to, pending->since + idempotency_kept};
  return to.to;
}

// ---- 4. the answer ----------------------------------------------------------------------------

void Router::refuse(const PendingPtr& pending, const Error& why) {
  answer(pending, http::problem(why));
}

void Router::answer(const PendingPtr& pending, http::Response response) {
  const auto took = ports_.clock.now() - pending->since;
  const auto status = response.status;
  std::string_view operation = "none";
  if (pending->entry != nullptr) {
    operation = pending->entry->route.operation.id;
    pending->entry->by_class[std::clamp(status / 100, 0, 5)]->add(1);
    pending->entry->seconds->observe(std::chrono::duration<double>(took).count());
  } else {
    unmatched_.add(1);
  }
  ports_.log.event(Level::info, "access",
                   {{"operation", operation},
                    {"method", std::string_view(pending->method)},
                    {"status", static_cast<std::int64_t>(status)},
                    {"micros", static_cast<std::int64_t>(took.count())},
                    {"client", std::string_view(pending->who.subject)}});
  pending->reply(std::move(response));
}

}  // namespace lobo::runtime
