#pragma once
// Failure is a value that says where. Exceptions are for a broken start-up only.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace lobo {

/// What kind of wrong. Each maps to one HTTP status and one `cause` at the edge
/// (wire/http/problem.hpp).
enum class Errc : std::uint8_t {
  malformed,        ///< not parseable at all: JSON, URI, header, frame
  missing,          ///< a required member is absent
  wrong_type,       ///< a member has another JSON type than its schema
  out_of_range,     ///< number, length or item count outside its bounds
  pattern,          ///< a string that its pattern or format refuses
  not_allowed,      ///< a member or value that may not be present here
  duplicate,        ///< the same key or item twice
  unauthenticated,  ///< no valid credentials
  forbidden,        ///< valid credentials, but not for this
  not_found,        ///< no such object, or none that the caller may see
  method_unknown,   ///< the path exists, the method does not
  not_acceptable,   ///< Accept excludes what we can answer
  media_type,       ///< a content type that the operation does not take
  conflict,         ///< the object's state forbids it
  precondition,     ///< If-Match does not hold
  too_large,        ///< body, header or list beyond its limit
  too_many,         ///< a quota or rate is used up; try again later
  refused,          ///< the network said no
  unavailable,      ///< a peer or the store cannot be reached
  timeout,          ///< no answer in time
  internal,         ///< ours
};

constexpr std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::malformed: return "malformed";
    case Errc::missing: return "missing";
    case Errc::wrong_type: return "wrong_type";
    case Errc::out_of_range: return "out_of_range";
    case Errc::pattern: return "pattern";
    case Errc::not_allowed: return "not_allowed";
    case Errc::duplicate: return "duplicate";
    case Errc::unauthenticated: return "unauthenticated";
    case Errc::forbidden: return "forbidden";
    case Errc::not_found: return "not_found";
    case Errc::method_unknown: return "method_unknown";
    case Errc::not_acceptable: return "not_acceptable";
    case Errc::media_type: return "media_type";
    case Errc::conflict: return "conflict";
    case Errc::precondition: return "precondition";
    case Errc::too_large: return "too_large";
    case Errc::too_many: return "too_many";
    case Errc::refused: return "refused";
    case Errc::unavailable: return "unavailable";
    case Errc::timeout: return "timeout";
    case Errc::internal: return "internal";
  }
  std::abort();
}

/// One fault: `where` is a JSON pointer into the body ("" is the whole body), or
/// "header:NAME", "query:NAME", "path:NAME". `reason` is a sentence for people.
struct Fault {
  Errc code{};
  std::string where;
  std::string reason;
  bool operator==(const Fault&) const = default;
};

/// Why something was not done. All faults of a body are told at once.
struct Error {
  Errc code{};
  std::string detail;         ///< a sentence for people: what was wrong and what to do
  std::vector<Fault> faults;  ///< empty where no member is to blame
  bool operator==(const Error&) const = default;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string detail, std::vector<Fault> faults = {}) {
  return tl::unexpected<Error>(Error{code, std::move(detail), std::move(faults)});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace lobo
