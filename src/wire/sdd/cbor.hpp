#pragma once
// CBOR (RFC 8949) as sdd/1 uses it: numbers, texts, byte strings, arrays and maps of definite
// length. A reader is pulled, borrows its bytes and is spent at the first item that is not what was
// asked for. Nothing is kept that the bytes only claim to hold, nothing recurses.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace lobo::sdd {

class CborReader {
 public:
  explicit CborReader(Bytes in) : in_(in) {}

  bool ok() const { return ok_; }
  std::size_t left() const { return in_.size(); }
  /// Whether everything was read and as it should be.
  bool finished() const { return ok_ && in_.empty(); }

  std::uint64_t number(std::uint64_t max);
  bool boolean();
  std::string_view text(std::size_t bytes_max);
  Bytes bytes(std::size_t bytes_max);
  /// How many items follow.
  std::size_t array(std::size_t items_max);
  /// How many pairs of a key and a value follow.
  std::size_t map(std::size_t pairs_max);
  /// Passes over one item with everything in it: what a later version added.
  void skip();
  void refuse() {
    ok_ = false;
    in_ = {};
  }

 private:
  enum class Kind : std::uint8_t { none, number, boolean, text, bytes, array, map, other, refused };
  struct Item {
    Kind kind = Kind::none;
    std::uint64_t value = 0;
    Bytes body;
  };
  struct Calls;
  Item next();
  Item next(Kind wanted, std::uint64_t value_max);

  Bytes in_;
  bool ok_ = true;
};

/// Each in its shortest form, so that equal values are equal bytes.
class CborWriter {
 public:
  void number(std::uint64_t value);
  void boolean(bool value);
  void text(std::string_view value);
  void bytes(Bytes value);
  void array(std::size_t items);
  void map(std::size_t pairs);

  const std::vector<std::byte>& written() const { return out_; }
  std::vector<std::byte> take() { return std::move(out_); }

 private:
  std::vector<std::byte> out_;
};

}  // namespace lobo::sdd
