#include "wire/sdd/cbor.hpp"

#include <cbor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace lobo::sdd {
namespace {

const unsigned char* octets(Bytes in) { return reinterpret_cast<const unsigned char*>(in.data()); }

constexpr std::size_t head_bytes_max = 9;  // RFC 8949 clause 3: one octet, and up to eight

/// What one of the library's writers made of one head.
template <class Write>
void append(std::vector<std::byte>& out, const Write& write) {
  std::array<unsigned char, head_bytes_max> head{};
  const std::size_t size = write(head.data(), head.size());
  for (std::size_t i = 0; i < size; ++i) out.push_back(std::byte{head[i]});
}

}  // namespace

/// The library decodes one head and calls the one of these that fits; it allocates nothing.
struct CborReader::Calls {
  template <class Number>
  static void number(void* item, Number value) {
    *static_cast<Item*>(item) = {Kind::number, value, {}};
  }
  static void boolean(void* item, bool value) {
    *static_cast<Item*>(item) = {Kind::boolean, value ? 1U : 0U, {}};
  }
  template <Kind kind>
  static void string(void* item, cbor_data data, std::size_t size) {
    *static_cast<Item*>(item) = {kind, size, std::as_bytes(std::span(data, size))};
  }
  template <Kind kind>
  static void many(void* item, std::size_t count) {
    *static_cast<Item*>(item) = {kind, count, {}};
  }
  static void refuse(void* item) { *static_cast<Item*>(item) = {Kind::refused, 0, {}}; }
  static void tag(void* item, std::uint64_t) { refuse(item); }

  static cbor_callbacks table() {
    cbor_callbacks calls = cbor_empty_callbacks;
    calls.uint8 = number<std::uint8_t>;
    calls.uint16 = number<std::uint16_t>;
    calls.uint32 = number<std::uint32_t>;
    calls.uint64 = number<std::uint64_t>;
    calls.boolean = boolean;
    calls.string = string<Kind::text>;
    calls.byte_string = string<Kind::bytes>;
    calls.array_start = many<Kind::array>;
    calls.map_start = many<Kind::map>;
    calls.tag = tag;
    calls.string_start = refuse;
    calls.byte_string_start = refuse;
    calls.indef_array_start = refuse;
    calls.indef_map_start = refuse;
    calls.indef_break = refuse;
    return calls;
  }
};

CborReader::Item CborReader::next() {
  static const cbor_callbacks calls = Calls::table();
  Item item{.kind = Kind::other, .value = 0, .body = {}};
  const auto done = cbor_stream_decode(octets(in_), in_.size(), &calls, &item);
  if (done.status != CBOR_DECODER_FINISHED || item.kind == Kind::refused) {
    refuse();
    return {};
  }
  in_ = in_.subspan(done.read);
  return item;
}

CborReader::Item CborReader::next(Kind wanted, std::uint64_t value_max) {
  const Item item = next();
  if (item.kind == wanted && item.value <= value_max) return item;
  refuse();
  return {};
}

std::uint64_t CborReader::number(std::uint64_t max) { return next(Kind::number, max).value; }
bool CborReader::boolean() { return next(Kind::boolean, 1).value != 0; }

std::string_view CborReader::text(std::size_t bytes_max) {
  const Bytes body = next(Kind::text, bytes_max).body;
  return {reinterpret_cast<const char*>(body.data()), body.size()};
}

Bytes CborReader::bytes(std::size_t bytes_max) { return next(Kind::bytes, bytes_max).body; }

std::size_t CborReader::array(std::size_t items_max) {
  return static_cast<std::size_t>(next(Kind::array, items_max).value);
}
std::size_t CborReader::map(std::size_t pairs_max) {
  return static_cast<std::size_t>(next(Kind::map, pairs_max).value);
}

void CborReader::skip() {
  // Each item is an octet at least, so that the loop is as long as the bytes are.
  std::size_t items = 1;
  while (ok_ && items > 0) {
    const Item item = next();
    --items;
    const bool holds = item.kind == Kind::array || item.kind == Kind::map;
    if (!holds) continue;
    const std::uint64_t each = item.kind == Kind::map ? 2 : 1;
    if (item.value > left()) return refuse();
    items += static_cast<std::size_t>(item.value * each);
  }
}

void CborWriter::number(std::uint64_t value) {
  append(out_, [&](auto* at, std::size_t size) { return cbor_encode_uint(value, at, size); });
}
void CborWriter::boolean(bool value) {
  append(out_, [&](auto* at, std::size_t size) { return cbor_encode_bool(value, at, size); });
}
void CborWriter::text(std::string_view value) {
  append(out_, [&](auto* at, std::size_t size) {
    return cbor_encode_string_start(value.size(), at, size);
  });
  const Bytes body = std::as_bytes(std::span(value));
  out_.insert(out_.end(), body.begin(), body.end());
}
void CborWriter::bytes(Bytes value) {
  append(out_, [&](auto* at, std::size_t size) {
    return cbor_encode_bytestring_start(value.size(), at, size);
  });
  out_.insert(out_.end(), value.begin(), value.end());
}
void CborWriter::array(std::size_t items) {
  append(out_,
         [&](auto* at, std::size_t size) { return cbor_encode_array_start(items, at, size); });
}
void CborWriter::map(std::size_t pairs) {
  append(out_, [&](auto* at, std::size_t size) { return cbor_encode_map_start(pairs, at, size); });
}

}  // namespace lobo::sdd
