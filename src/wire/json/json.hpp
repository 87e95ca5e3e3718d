#pragma once
// JSON in and out of plain structs. The structs are generated from api/*.yaml (see api/README.md):
//
//   #include "api/ss_nra.hpp"
//   Result<api::ss_nra::UnicastSubscription> body =
//   json::read<api::ss_nra::UnicastSubscription>(text); if (!body) …  // body.error().faults: every
//   fault at once, each with its JSON pointer std::string text = json::write(*body);  // members in
//   schema order, absent optionals left out Result<std::string> merged =
//   json::merge_patch(stored_text, patch_text);  // RFC 7396
//
// Codes of the faults: malformed (not JSON, bad UTF-8, trailing bytes, too deep), missing,
// wrong_type, out_of_range (numbers, lengths, counts), pattern (patterns and formats), not_allowed
// (unknown value of a closed enumeration; oneOf, anyOf, not violated), duplicate (a key or a unique
// item twice, also in members that the schema does not know). The Error's own code is that of its
// first fault. Unknown members are ignored: keep the text where they must survive.
//
// Member types (types.hpp): std::string, bool, std::int64_t, std::uint64_t, double, Instant
// (date-time), std::vector, std::map<std::string, T, std::less<>>, std::optional,
//   Patch<T>     absent, null or value: `nullable: true`, for merge patches
//   OpenEnum<E>  text as it came, and known() where it is a value of E
//   Raw          any JSON value as text      Bytes  base64      Box<T>  a type that contains itself
// For what has no schema there is Value (value.hpp).

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "wire/json/type.hpp"

namespace lobo::json {

inline constexpr std::size_t depth_max = 32;   ///< arrays and objects within each other
inline constexpr std::size_t faults_max = 64;  ///< told about one body; further ones are left out
inline constexpr std::size_t write_reserve_bytes =
    1024;  ///< most bodies fit without a second allocation
inline constexpr std::size_t text_bytes_max = std::size_t{64} << 20U;

/// Reads one value of `type` into `to`, which must be fresh.
Result<void> read_into(std::string_view text, const Type& type, const Rules& rules, void* to);
void write_onto(std::string& out, const Type& type, const void* from);

template <class T>
Result<T> read(std::string_view text, const Rules& rules = no_rules) {
  Result<T> value(tl::in_place);
  if (auto done = read_into(text, type_of<T>, rules, &*value); !done)
    value = fail(std::move(done.error()));
  return value;
}

template <class T>
std::string write(const T& value) {
  std::string out;
  out.reserve(write_reserve_bytes);
  write_onto(out, type_of<T>, &value);
  return out;
}

/// `target` with `patch` applied (RFC 7396). Members that no schema knows are kept; numbers keep
/// their digits; the order of members is the target's.
Result<std::string> merge_patch(std::string_view target, std::string_view patch);

inline constexpr std::size_t patch_operations_max = 256;

/// `target` with `patch` applied (RFC 6902), as merge_patch keeps it. The fault of an operation
/// that does not apply is at "/index/member" of the patch; Errc::conflict where a test fails.
/// Nothing is made that is deeper than depth_max or, by copying, larger than `bytes_max`.
Result<std::string> json_patch(std::string_view target, std::string_view patch,
                               std::size_t bytes_max);

/// `text` as a JSON string with its quotes. What is not UTF-8 becomes U+FFFD.
std::string quoted(std::string_view text);

/// For tests and fuzzers: one schema of a document, reached by its name.
struct NamedSchema {
  std::string_view name;
  Result<std::string> (*round_trip)(std::string_view text);  ///< read, then written back
  const Type* type;
  const Rules* rules;
};

template <class T>
Result<std::string> round_trip(std::string_view text, const Rules& rules) {
  const auto value = read<T>(text, rules);
  if (!value) return fail(value.error());
  return write(*value);
}

}  // namespace lobo::json
