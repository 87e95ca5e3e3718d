#pragma once
// The member types of generated structs that the standard library does not have.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace lobo::json {

/// A member that a merge patch may leave alone (absent), remove (null) or set (value): schemas with
/// `nullable: true`.
template <class T>
class Patch {
 public:
  Patch() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a value is the ordinary case
  Patch(T value) : value_(std::move(value)) {}
  static Patch null() {
    Patch patch;
    patch.null_ = true;
    return patch;
  }

  bool is_absent() const { return !null_ && !value_; }
  bool is_null() const { return null_; }
  bool has_value() const { return value_.has_value(); }
  const T& operator*() const { return *value_; }
  const T* operator->() const { return &*value_; }
  /// The value, or nothing where it is absent or null.
  const std::optional<T>& value() const { return value_; }

  T& emplace() {
    null_ = false;
    return value_.emplace();
  }
  void set_null() {
    null_ = true;
    value_.reset();
  }
  bool operator==(const Patch&) const = default;

 private:
  std::optional<T> value_;
  bool null_ = false;
};

/// The names of a generated enum, in the order of its enumerators 0, 1, 2 …: specialised beside
/// each.
template <class E>
struct EnumNames;

template <class E>
constexpr std::string_view name_of(E value) {
  return EnumNames<E>::names[static_cast<std::size_t>(value)];
}

template <class E>
constexpr std::optional<E> enum_from(std::string_view name) {
  const auto& names = EnumNames<E>::names;
  const auto at = std::ranges::find(names, name);
  if (at == std::ranges::end(names)) return std::nullopt;
  return static_cast<E>(at - std::ranges::begin(names));
}

/// An enumeration that later releases may extend (`anyOf: [{type: string, enum: […]}, {type:
/// string}]`): the text as it came, and the value that we know, if it is one.
template <class Known>
struct OpenEnum {
  std::string text;

  OpenEnum() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a known value is an open one
  OpenEnum(Known value) : text(name_of(value)) {}
  explicit OpenEnum(std::string value) : text(std::move(value)) {}

  std::optional<Known> known() const { return enum_from<Known>(text); }
  bool operator==(const OpenEnum&) const = default;
  bool operator==(Known value) const { return text == name_of(value); }
};

/// Any JSON value, kept as its text: schemas without a type.
struct Raw {
  std::string text = "null";
  bool operator==(const Raw&) const = default;
};

/// `format: byte`: base64 in JSON (RFC 4648 clause 4), octets here.
struct Bytes {
  std::string octets;
  bool operator==(const Bytes&) const = default;
};

/// A value on the heap that is copied with its owner: members of a type that contains itself.
template <class T>
class Box {
 public:
  Box() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): as for std::optional
  Box(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(const Box& other) {
    if (this != &other) value_ = other.value_ ? std::make_unique<T>(*other.value_) : nullptr;
    return *this;
  }
  Box& operator=(Box&&) noexcept = default;
  ~Box() = default;

  bool has_value() const { return value_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  const T& operator*() const { return *value_; }
  T& operator*() { return *value_; }
  const T* operator->() const { return value_.get(); }
  T* operator->() { return value_.get(); }
  T& emplace() {
    value_ = std::make_unique<T>();
    return *value_;
  }
  bool operator==(const Box& other) const {
    return value_ && other.value_ ? *value_ == *other.value_ : !value_ && !other.value_;
  }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace lobo::json
