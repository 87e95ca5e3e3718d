#include "adapters/webtransport/qpack.hpp"

#ifdef LOBO_NGHTTP3
#include <nghttp3/nghttp3.h>

#include <memory>
#endif

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::webtransport {
namespace {

/// RFC 7541 clause 5.1: a number that fills the rest of an octet and goes on behind it.
void put_number(std::vector<std::byte>& out, unsigned pattern, unsigned bits, std::size_t value) {
  const std::size_t full = (std::size_t{1} << bits) - 1;
  if (value < full) {
    out.push_back(static_cast<std::byte>(pattern | value));
    return;
  }
  out.push_back(static_cast<std::byte>(pattern | full));
  for (value -= full; value >= 128; value >>= 7U)
    out.push_back(static_cast<std::byte>(0x80U | (value & 0x7FU)));
  out.push_back(static_cast<std::byte>(value));
}
void put_text(std::vector<std::byte>& out, std::string_view text) {
  const auto octets = std::as_bytes(std::span(text));
  out.insert(out.end(), octets.begin(), octets.end());
}

// RFC 9204 appendix A: the first of those that are called ":status".
constexpr std::size_t static_status = 24;

}  // namespace

std::vector<std::byte> encode_answer(std::string_view status, const std::vector<Field>& fields) {
  // RFC 9204 clause 4.5.1: nothing of a dynamic table is referred to.
  std::vector<std::byte> out{std::byte{0}, std::byte{0}};
  // Clause 4.5.4: a literal whose name stands in the static table.
  put_number(out, 0x50, 4, static_status);
  put_number(out, 0, 7, status.size());
  put_text(out, status);
  for (const auto& [name, value] : fields) {
    put_number(out, 0x20, 3, name.size());  // clause 4.5.6
    put_text(out, name);
    put_number(out, 0, 7, value.size());
    put_text(out, value);
  }
  return out;
}

#ifdef LOBO_NGHTTP3
namespace {

struct FreeDecoder {
  void operator()(nghttp3_qpack_decoder* decoder) const { nghttp3_qpack_decoder_del(decoder); }
};
struct FreeContext {
  void operator()(nghttp3_qpack_stream_context* context) const {
    nghttp3_qpack_stream_context_del(context);
  }
};

std::string text_of(nghttp3_rcbuf* held) {
  const auto buffer = nghttp3_rcbuf_get_buf(held);
  std::string text(reinterpret_cast<const char*>(buffer.base), buffer.len);
  nghttp3_rcbuf_decref(held);
  return text;
}

}  // namespace

Result<std::vector<Field>> decode_fields(Bytes block) {
  const auto broken = [] { return fail(Errc::malformed, "the header fields cannot be read"); };
  nghttp3_qpack_decoder* decoder = nullptr;
  nghttp3_qpack_stream_context* context = nullptr;
  if (nghttp3_qpack_decoder_new(&decoder, 0, 0, nghttp3_mem_default()) != 0) return broken();
  const std::unique_ptr<nghttp3_qpack_decoder, FreeDecoder> own_decoder(decoder);
  if (nghttp3_qpack_stream_context_new(&context, 0, nghttp3_mem_default()) != 0) return broken();
  const std::unique_ptr<nghttp3_qpack_stream_context, FreeContext> own_context(context);
  std::vector<Field> fields;
  const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
  std::size_t left = block.size();
  // Each round takes octets or ends; fields_max bounds those that a short block could name.
  for (;;) {
    nghttp3_qpack_nv field{};
    std::uint8_t flags = NGHTTP3_QPACK_DECODE_FLAG_NONE;
    const auto took =
        nghttp3_qpack_decoder_read_request(decoder, context, &field, &flags, at, left, 1);
    if (took < 0 || (flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) != 0) return broken();
    at += took;
    left -= static_cast<std::size_t>(took);
    if ((flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) != 0) {
      auto name = text_of(field.name);
      fields.emplace_back(std::move(name), text_of(field.value));
      if (fields.size() > fields_max) return fail(Errc::too_large, "too many header fields");
    }
    if ((flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) != 0) return fields;
    if (took == 0 && (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) == 0) return broken();
  }
}
#else
Result<std::vector<Field>> decode_fields(Bytes) {
  return fail(Errc::unavailable, "this program was built without libnghttp3-dev");
}
#endif

}  // namespace lobo::adapters::webtransport
