#pragma once
// A resource as it is stored: its state machine's state in JSON, and the few columns by which it is
// found.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"

namespace lobo::resource {

struct Key {
  std::string kind;  ///< "unicast", "ue_watch", …: which state machine
  std::string id;    ///< unique within its kind
  auto operator<=>(const Key&) const = default;
  bool operator==(const Key&) const = default;
};

/// Not noexcept on purpose: libstdc++ then keeps the hash in each node of a table, instead of
/// computing it anew for every neighbour that a search meets.
struct KeyHash {
  std::size_t operator()(const Key& key) const {
    return static_cast<std::size_t>(fnv1a(key.id, fnv1a(key.kind)));
  }
};

struct Record {
  Key key;
  std::string owner;  ///< the principal that may see it; empty: ours alone
  std::string
      subject;  ///< what else it is found by, such as the GPSI that it concerns; may be empty
  std::uint64_t version = 0;  ///< 1 at creation, one more at each change; the ETag
  std::string state;          ///< JSON, a schema of api/state/*.yaml
  bool operator==(const Record&) const = default;
};

/// What a decision may look at besides its own state. Sees what was committed and what is being
/// committed, so that a decision never relies on something already taken back.
struct Lookup {
  Lookup() = default;
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;
  virtual ~Lookup() = default;
  virtual Result<std::optional<Record>> find(const Key& key) const = 0;
  /// Records of `kind` that belong to `owner`, ids after `after` in ascending order, at most
  /// `limit`.
  virtual Result<std::vector<Record>> list(std::string_view kind, std::string_view owner,
                                           std::string_view after, std::size_t limit) const = 0;
  /// The keys of `kind` with that subject, at most `limit`.
  virtual Result<std::vector<Key>> by_subject(std::string_view kind, std::string_view subject,
                                              std::size_t limit) const = 0;
  /// How many records of `kind` have that subject, counted no further than `limit`: bounds on all
  /// of them together. Reads no list of those records, however many there are,
  /// where the implementation counts as they come and go.
  virtual Result<std::uint64_t> count_by_subject(std::string_view kind, std::string_view subject,
                                                 std::size_t limit) const {
    const auto keys = by_subject(kind, subject, limit);
    if (!keys) return fail(keys.error());
    return keys->size();
  }
  /// How many records of `kind` belong to `owner`: quotas.
  virtual Result<std::uint64_t> count(std::string_view kind, std::string_view owner) const = 0;
};

}  // namespace lobo::resource
