#pragma once
// A list of groups as long as a message makes it: either values that the caller holds (to be
// written), or what a message that was read says, taken out one by one as the list is gone through.
// Neither allocates; both are borrowed.

#include <cstddef>
#include <iterator>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "wire/pfcp/ie.hpp"

namespace lobo::pfcp {

/// The group in the value of an information element that a reader has found to be one.
template <class T>
T read_again(Bytes value);

template <class T>
class Repeated {
 public:
  using value_type = T;

  Repeated() = default;
  Repeated(std::span<const T> given) : given_(given) {}  // NOLINT(google-explicit-constructor)
  /// All of `type` among these information elements; the reader has been through them.
  static Repeated within(Bytes ies, IeType type) {
    Repeated list;
    list.ies_ = ies;
    list.type_ = type;
    return list;
  }

  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(const Repeated& list)
        : given_(list.given_), walk_(list.ies_), type_(list.type_) {
      find();
    }
    T operator*() const { return found_ ? read_again<T>(found_->value) : given_.front(); }
    Iterator& operator++() {
      if (!given_.empty()) given_ = given_.subspan(1);
      find();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t /*end*/) const { return given_.empty() && !found_; }

   private:
    void find() {
      do found_ = walk_.next();
      while (found_ && (found_->is_vendors() || found_->type != type_));
    }

    std::span<const T> given_;
    Ies walk_;
    std::optional<Ie> found_;
    IeType type_;
  };

  Iterator begin() const { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }
  bool empty() const { return begin() == end(); }
  std::size_t size() const {
    std::size_t count = 0;
    for (auto at = begin(); at != end(); ++at) ++count;
    return count;
  }

  bool operator==(const Repeated& other) const {
    auto mine = begin();
    auto its = other.begin();
    for (; mine != end() && its != end(); ++mine, ++its)
      if (!(*mine == *its)) return false;
    return mine == end() && its == end();
  }

 private:
  std::span<const T> given_;
  Bytes ies_;
  IeType type_{};
};

}  // namespace lobo::pfcp
