#include "adapters/crypto/key_feed.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <fstream>
#include <functional>
#include <ios>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/crypto/jws.hpp"
#include "adapters/crypto/transport.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::adapters::crypto {

bool is_url(std::string_view source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

Result<std::unique_ptr<KeyFeed>> KeyFeed::open(std::string_view source,
                                               runtime::HttpClient* client) {
  if (!is_url(source)) {
    std::unique_ptr<KeyFeed> feed(new KeyFeed(std::string(source), std::nullopt, nullptr));
    if (auto taken = feed->take(feed->read_file()); !taken) return fail(taken.error());
    return feed;
  }
  auto url = parse_secret_url(source);
  if (!url) return fail(url.error());
  if (client == nullptr) return fail(Errc::internal, "keys of a URL need an HTTP client");
  return std::unique_ptr<KeyFeed>(new KeyFeed({}, std::move(*url), client));
}

void KeyFeed::keep_fresh(Instant now) {
  const auto wait = failed_ ? keys_refetch_after : keys_refresh_every;
  const bool old = !looked_ || now - *looked_ >= wait;
  if (url_ && old && !under_way_) fetch(now);
}

void KeyFeed::look_again(Instant now, std::function<void(Result<void>)> done) {
  if (!url_) return done(fail(Errc::unavailable, "a file of keys is read at a reload only"));
  if (waiters_.size() >= keys_waiters_max)
    return done(fail(Errc::too_many, "too many requests wait for the token issuer's keys"));
  if (under_way_) {
    waiters_.push_back(std::move(done));
    return;
  }
  if (looked_ && now - *looked_ < (ring_.size() == 0 ? keys_retry_after : keys_refetch_after))
    return done(fail(Errc::unavailable, "the token issuer's keys were fetched a moment ago"));
  waiters_.push_back(std::move(done));
  fetch(now);
}

void KeyFeed::fetch(Instant now) {
  looked_ = now;
  if (!url_) return finish(take(read_file()));
  under_way_ = true;
  http::Request request{.method = "GET",
                        .scheme = url_->scheme,
                        .authority = url_->authority(),
                        .target = url_->target,
                        .headers = {{"accept", "application/jwk-set+json, application/json"}},
                        .body = {},
                        .peer = {}};
  client_->send(
      std::move(request), keys_fetch_deadline,
      [this, alive = std::weak_ptr(alive_)](Result<http::Response> response) {
        if (alive.expired()) return;
        under_way_ = false;
        if (!response) return finish(fail(response.error()));
        if (response->status != 200)
          return finish(fail(Errc::unavailable,
                             fmt::format("{} answered {}", url_->text(), response->status)));
        finish(take(std::move(response->body)));
      });
}

Result<std::string> KeyFeed::read_file() const {
  std::ifstream in(file_, std::ios::binary);
  // One byte more than may be: enough to be refused, and no more of a huge file than that.
  std::string text(jwks_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad())
    return fail(Errc::unavailable, fmt::format("the key file {} cannot be read", file_));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

Result<void> KeyFeed::take(const Result<std::string>& text) {
  if (!text) return fail(text.error());
  if (generation_ > 0 && *text == text_) return {};
  auto ring = KeyRing::parse(*text);
  if (!ring)
    return fail(ring.error().code,
                fmt::format("keys of {}: {}", url_ ? url_->text() : file_, ring.error().detail));
  ring_ = std::move(*ring);
  text_ = *text;
  ++generation_;
  return {};
}

void KeyFeed::finish(Result<void> outcome) {
  failed_ = !outcome;
  for (const auto& waiter : std::exchange(waiters_, {})) waiter(outcome);
}

}  // namespace lobo::adapters::crypto
