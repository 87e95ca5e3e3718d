#include "adapters/crypto/claims.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/json/value.hpp"

namespace lobo::adapters::crypto {
namespace {

using json::Value;

tl::unexpected<Error> refuse(std::string why) {
  return fail(Errc::unauthenticated, std::move(why));
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return static_cast<unsigned char>(c) >= 0x20U && c != 0x7F; });
}

/// NumericDate (RFC 7519 clause 2): seconds, perhaps with a fraction. Nothing for another type.
std::optional<Instant> date_of(const Value& value) {
  const auto* number = std::get_if<Value::Number>(&value.held);
  if (number == nullptr) return std::nullopt;
  // The digits are a JSON number already; strtod only turns them into a value.
  const double seconds = std::strtod(number->digits.c_str(), nullptr);
  constexpr double years_1970_to_9999 = 253402300799.0;
  if (!(seconds >= 0)) return Instant{};
  return Instant{std::chrono::duration_cast<Instant::duration>(
      std::chrono::duration<double>(std::min(std::floor(seconds), years_1970_to_9999)))};
}

Result<Instant> check_time(const Value& claims, const ClaimRules& rules, Instant now) {
  const auto* exp = claims.find("exp");
  const auto expires = exp == nullptr ? std::nullopt : date_of(*exp);
  if (!expires) return refuse("the token has no \"exp\" in seconds");
  const Instant until = *expires + rules.leeway;
  if (now >= until) return refuse("the token has expired");
  if (const auto* nbf = claims.find("nbf")) {
    const auto from = date_of(*nbf);
    if (!from) return refuse("the token's \"nbf\" is no time in seconds");
    if (now + rules.leeway < *from) return refuse("the token is not valid yet");
  }
  return until;
}

bool names(const Value* claim, std::string_view wanted) {
  if (claim == nullptr) return false;
  if (const auto* text = claim->text()) return *text == wanted;
  const auto* list = claim->array();
  return list != nullptr && std::ranges::any_of(*list, [&](const Value& each) {
           return each.text() != nullptr && *each.text() == wanted;
         });
}

/// RFC 8693 clause 4.2 has one string with spaces; some issuers send an array.
Result<std::vector<std::string>> scopes_of(const Value* claim) {
  std::vector<std::string> scopes;
  if (claim == nullptr) return scopes;
  if (const auto* text = claim->text()) {
    for (const auto scope : split(*text, ' '))
      if (!scope.empty()) scopes.emplace_back(scope);
  } else if (const auto* list = claim->array()) {
    for (const auto& each : *list) {
      if (each.text() == nullptr)
        return refuse("the token's \"scope\" has something that is no text");
      scopes.push_back(*each.text());
    }
  } else {
    return refuse("the token's \"scope\" is neither a string nor an array");
  }
  const bool short_enough = std::ranges::all_of(
      scopes, [](const std::string& scope) { return scope.size() <= scope_bytes_max; });
  if (scopes.size() > scopes_max || !short_enough)
    return refuse(fmt::format("the token has more than {} scopes or one of more than {} bytes",
                              scopes_max, scope_bytes_max));
  return scopes;
}

}  // namespace

Result<Claims> check_claims(std::string_view payload, const ClaimRules& rules, Instant now) {
  const auto claims = json::parse(payload);
  if (!claims || claims->object() == nullptr)
    return refuse("the token's claims are no JSON object");
  const auto until = check_time(*claims, rules, now);
  if (!until) return fail(until.error());
  const auto* issuer = claims->find("iss");
  const bool from_issuer =
      issuer != nullptr && issuer->text() != nullptr && *issuer->text() == rules.issuer;
  if (!rules.issuer.empty() && !from_issuer) return refuse("the token is of another issuer");
  if (!rules.audience.empty() && !names(claims->find("aud"), rules.audience))
    return refuse("the token is meant for another audience");
  // RFC 8705 clause 3.1, RFC 9449: such a token is worth nothing without its key, and whether the
  // requester holds that is not known here.
  if (claims->find("cnf") != nullptr) return refuse("tokens bound to a key are not supported");
  const auto* subject = claims->find("sub");
  const auto* name = subject == nullptr ? nullptr : subject->text();
  if (name == nullptr || name->empty() || name->size() > subject_bytes_max || !is_printable(*name))
    return refuse(
        fmt::format("the token has no \"sub\" of 1 to {} printable bytes", subject_bytes_max));
  auto scopes = scopes_of(claims->find("scope"));
  if (!scopes) return fail(scopes.error());
  return Claims{{*name, std::move(*scopes)}, *until};
}

}  // namespace lobo::adapters::crypto
