#pragma once
// Where the keys of the token issuer come from: a file, or a URL that is fetched anew from time to
// time. What was there stays in use until something better has come.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/crypto/jws.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/url.hpp"

namespace lobo::adapters::crypto {

inline constexpr std::chrono::seconds keys_refresh_every{300};
/// A token of an unknown key makes us look for new keys, but not more often than this: who sends
/// such tokens must not make us flood the issuer.
inline constexpr std::chrono::seconds keys_refetch_after{60};
/// While there is no key at all, every request needs one.
inline constexpr std::chrono::seconds keys_retry_after{1};
inline constexpr std::chrono::milliseconds keys_fetch_deadline{5000};
inline constexpr std::size_t keys_waiters_max = 1024;

/// Whether keys are fetched from `source`, rather than read from a file of that name.
bool is_url(std::string_view source);

class KeyFeed {
 public:
  /// `source` is a file, or an http(s) URL; plain http only to this machine. A file is read at once
  /// and must be good; a URL is fetched when first needed. `client` may be null for a file.
  static Result<std::unique_ptr<KeyFeed>> open(std::string_view source,
                                               runtime::HttpClient* client);

  const KeyRing& ring() const { return ring_; }
  /// Rises with every change of the keys.
  std::uint64_t generation() const { return generation_; }

  /// Fetches in the background where the keys have grown old. Cheap where they have not.
  void keep_fresh(Instant now);
  /// Looks for new keys and calls `done` when that has ended, well or not; the error says why.
  /// Refused at once where the last look was a moment ago or too many wait already, and for a file:
  /// what lies there may be half of a change that the reload takes over as a whole or not at all.
  void look_again(Instant now, std::function<void(Result<void>)> done);
  /// At once and whatever the time: on a reload of the configuration.
  void reload(Instant now) { fetch(now); }

 private:
  KeyFeed(std::string file, std::optional<http::Url> url, runtime::HttpClient* client)
      : file_(std::move(file)), url_(std::move(url)), client_(client) {}

  void fetch(Instant now);
  Result<std::string> read_file() const;
  Result<void> take(const Result<std::string>& text);
  void finish(Result<void> outcome);

  std::string file_;
  std::optional<http::Url> url_;
  runtime::HttpClient* client_;
  KeyRing ring_;
  std::string text_;  ///< of the ring, to see a change
  std::uint64_t generation_ = 0;
  std::optional<Instant> looked_;
  bool failed_ = false;  ///< the last look found nothing good
  bool under_way_ = false;
  std::vector<std::function<void(Result<void>)>> waiters_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lobo::adapters::crypto
