#include "adapters/aead/lanes_gcm.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "adapters/aead/lanes.hpp"
#include "base/bytes.hpp"
#include "wire/xrm/aead.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lobo::adapters::aead::lanes {

#if defined(__x86_64__)
namespace {

// NOLINTBEGIN(cppcoreguidelines-macro-usage): an attribute has no other name.
#define LOBO_NI __attribute__((target("aes,pclmul,ssse3,sse4.1")))
#define LOBO_NI_INLINE LOBO_NI __attribute__((always_inline)) inline
// NOLINTEND(cppcoreguidelines-macro-usage)

constexpr std::size_t narrow_lanes = 4;

// ---- one block

LOBO_NI_INLINE __m128i block_at(const std::byte* at) {
  __m128i block;
  std::memcpy(&block, at, sizeof block);
  return block;
}
LOBO_NI_INLINE __m128i load(const Block& block) { return block_at(block.data()); }
LOBO_NI_INLINE void store(std::byte* at, __m128i block) { std::memcpy(at, &block, sizeof block); }
LOBO_NI_INLINE void store(Block& at, __m128i block) { store(at.data(), block); }

LOBO_NI_INLINE __m128i reversed(__m128i block) {
  return _mm_shuffle_epi8(block,
                          _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

LOBO_NI_INLINE __m128i nonce_block(const xrm::Nonce& nonce) {
  std::uint64_t low = 0;
  std::uint32_t high = 0;
  std::memcpy(&low, nonce.data(), sizeof low);
  std::memcpy(&high, nonce.data() + nonce_word_at, sizeof high);
  return _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
}
LOBO_NI_INLINE __m128i counter(int word) { return _mm_set_epi32(word, 0, 0, 0); }

LOBO_NI_INLINE __m128i encrypted(const GcmKey& key, __m128i block) {
  block = _mm_xor_si128(block, load(key.round_keys[0]));
  for (std::size_t i = 1; i < key.rounds; ++i)
    block = _mm_aesenc_si128(block, load(key.round_keys[i]));
  return _mm_aesenclast_si128(block, load(key.round_keys[key.rounds]));
}

/// A product of 256 bits that is not reduced yet.
struct Product {
  __m128i low;
  __m128i middle;
  __m128i high;
};
LOBO_NI_INLINE Product product(__m128i a, __m128i b) {
  return {_mm_clmulepi64_si128(a, b, 0x00),
          _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10)),
          _mm_clmulepi64_si128(a, b, 0x11)};
}
LOBO_NI_INLINE Product sum(const Product& a, const Product& b) {
  return {_mm_xor_si128(a.low, b.low), _mm_xor_si128(a.middle, b.middle),
          _mm_xor_si128(a.high, b.high)};
}
/// Modulo x^128 + x^127 + x^126 + x^121 + 1, times x^-128.
LOBO_NI_INLINE __m128i reduced(const Product& p) {
  const __m128i polynomial = _mm_set_epi64x(static_cast<long long>(0xC200000000000000), 1);
  __m128i low = _mm_xor_si128(p.low, _mm_slli_si128(p.middle, 8));
  const __m128i high = _mm_xor_si128(p.high, _mm_srli_si128(p.middle, 8));
  low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4E), _mm_clmulepi64_si128(low, polynomial, 0x10));
  low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4E), _mm_clmulepi64_si128(low, polynomial, 0x10));
  return _mm_xor_si128(high, low);
}

// ---- the key

/// Each word is the sum of those before it and itself.
LOBO_NI_INLINE __m128i running_sum(__m128i key) {
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  return _mm_xor_si128(key, _mm_slli_si128(key, 8));
}
template <int constant>
LOBO_NI_INLINE __m128i next_key(__m128i before, __m128i last) {
  const __m128i mixed = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(last, constant), 0xFF);
  return _mm_xor_si128(running_sum(before), mixed);
}
/// The odd keys of AES-256: no rotation, no constant.
LOBO_NI_INLINE __m128i next_odd_key(__m128i before, __m128i last) {
  const __m128i mixed = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(last, 0), 0xAA);
  return _mm_xor_si128(running_sum(before), mixed);
}

// FIPS 197 clause 5.2.
LOBO_NI void expand_128(Bytes key, GcmKey& made) {
  std::array<Block, round_keys_max>& out = made.round_keys;
  __m128i k = block_at(key.data());
  store(out[0], k);
  store(out[1], k = next_key<0x01>(k, k));
  store(out[2], k = next_key<0x02>(k, k));
  store(out[3], k = next_key<0x04>(k, k));
  store(out[4], k = next_key<0x08>(k, k));
  store(out[5], k = next_key<0x10>(k, k));
  store(out[6], k = next_key<0x20>(k, k));
  store(out[7], k = next_key<0x40>(k, k));
  store(out[8], k = next_key<0x80>(k, k));
  store(out[9], k = next_key<0x1B>(k, k));
  store(out[10], k = next_key<0x36>(k, k));
  made.rounds = 10;
}

LOBO_NI void expand_256(Bytes key, GcmKey& made) {
  std::array<Block, round_keys_max>& out = made.round_keys;
  __m128i even = block_at(key.data());
  __m128i odd = block_at(key.data() + block_bytes);
  store(out[0], even);
  store(out[1], odd);
  store(out[2], even = next_key<0x01>(even, odd));
  store(out[3], odd = next_odd_key(odd, even));
  store(out[4], even = next_key<0x02>(even, odd));
  store(out[5], odd = next_odd_key(odd, even));
  store(out[6], even = next_key<0x04>(even, odd));
  store(out[7], odd = next_odd_key(odd, even));
  store(out[8], even = next_key<0x08>(even, odd));
  store(out[9], odd = next_odd_key(odd, even));
  store(out[10], even = next_key<0x10>(even, odd));
  store(out[11], odd = next_odd_key(odd, even));
  store(out[12], even = next_key<0x20>(even, odd));
  store(out[13], odd = next_odd_key(odd, even));
  store(out[14], next_key<0x40>(even, odd));
  made.rounds = 14;
}

/// mulX_POLYVAL of RFC 8452 appendix A; in a time that does not depend on `h`.
LOBO_NI_INLINE __m128i times_x(__m128i h) {
  const __m128i polynomial = _mm_set_epi64x(static_cast<long long>(0xC200000000000000), 1);
  const __m128i carries = _mm_srli_epi64(h, 63);
  const __m128i shifted = _mm_or_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(carries, 8));
  const __m128i top = _mm_shuffle_epi32(_mm_srai_epi32(h, 31), 0xFF);
  return _mm_xor_si128(shifted, _mm_and_si128(top, polynomial));
}

LOBO_NI void make_key(Bytes key, GcmKey& made) noexcept {
  if (key.size() == xrm::key_bytes(xrm::Algorithm::aes_128_gcm))
    expand_128(key, made);
  else
    expand_256(key, made);
  const __m128i h = times_x(reversed(encrypted(made, _mm_setzero_si128())));
  const __m128i h_2 = reduced(product(h, h));
  store(made.h_2, h_2);
  store(made.h_3, reduced(product(h_2, h)));
  constexpr long long bits = block_bytes * 8;  // of the AAD, of the text
  store(made.lengths, reduced(product(_mm_set_epi64x(bits, bits), h)));
}

// ---- four texts with instructions of 128 bits

struct Four {
  __m128i a, b, c, d;
};
LOBO_NI_INLINE Four each_with(const Four& x, __m128i y) {
  return {_mm_xor_si128(x.a, y), _mm_xor_si128(x.b, y), _mm_xor_si128(x.c, y),
          _mm_xor_si128(x.d, y)};
}
LOBO_NI_INLINE Four round_of(const Four& x, __m128i key) {
  return {_mm_aesenc_si128(x.a, key), _mm_aesenc_si128(x.b, key), _mm_aesenc_si128(x.c, key),
          _mm_aesenc_si128(x.d, key)};
}
LOBO_NI_INLINE Four last_round_of(const Four& x, __m128i key) {
  return {_mm_aesenclast_si128(x.a, key), _mm_aesenclast_si128(x.b, key),
          _mm_aesenclast_si128(x.c, key), _mm_aesenclast_si128(x.d, key)};
}

/// What is left of a text when its two blocks of the key stream are there.
struct Opened {
  __m128i plain;
  bool authentic;
};
LOBO_NI_INLINE Opened opened(const GcmKey& key, const xrm::OpenJob& job, __m128i for_tag,
                             __m128i for_text) {
  const __m128i aad = reversed(block_at(job.aad.data()));
  const __m128i sealed = block_at(job.sealed.data());
  const __m128i hash = _mm_xor_si128(
      reduced(sum(product(aad, load(key.h_3)), product(reversed(sealed), load(key.h_2)))),
      load(key.lengths));
  const __m128i tag = _mm_xor_si128(reversed(hash), for_tag);
  const __m128i same = _mm_cmpeq_epi8(tag, block_at(job.tag.data()));
  const bool authentic = _mm_movemask_epi8(same) == 0xFFFF;
  const __m128i kept = _mm_set1_epi32(-static_cast<int>(authentic));
  return {_mm_and_si128(_mm_xor_si128(sealed, for_text), kept), authentic};
}
LOBO_NI_INLINE void put(xrm::OpenJob& job, const Opened& opened) {
  store(job.plain.data(), opened.plain);
  job.authentic = opened.authentic;
}

LOBO_NI void open_four(const GcmKey& key, const Group<narrow_lanes>& jobs) {
  Four text{nonce_block(*jobs[0]->nonce), nonce_block(*jobs[1]->nonce),
            nonce_block(*jobs[2]->nonce), nonce_block(*jobs[3]->nonce)};
  const __m128i first_key = load(key.round_keys[0]);
  Four tag = each_with(text, _mm_xor_si128(first_key, counter(counter_of_tag)));
  text = each_with(text, _mm_xor_si128(first_key, counter(counter_of_text)));
  for (std::size_t i = 1; i < key.rounds; ++i) {
    const __m128i round_key = load(key.round_keys[i]);
    tag = round_of(tag, round_key);
    text = round_of(text, round_key);
  }
  const __m128i last_key = load(key.round_keys[key.rounds]);
  tag = last_round_of(tag, last_key);
  text = last_round_of(text, last_key);
  const Opened a = opened(key, *jobs[0], tag.a, text.a);
  const Opened b = opened(key, *jobs[1], tag.b, text.b);
  const Opened c = opened(key, *jobs[2], tag.c, text.c);
  const Opened d = opened(key, *jobs[3], tag.d, text.d);
  put(*jobs[0], a);
  put(*jobs[1], b);
  put(*jobs[2], c);
  put(*jobs[3], d);
}

bool has_narrow() {
  return __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0 &&
         __builtin_cpu_supports("ssse3") != 0 && __builtin_cpu_supports("sse4.1") != 0;
}

}  // namespace

std::optional<Way> way_of(LanesPath path) {
  if (!has_narrow()) return std::nullopt;
  const Open wide = path == LanesPath::fastest ? wide_open() : nullptr;
  if (wide != nullptr) return Way{"8, VAES", make_key, wide};
  return Way{"4, AES-NI", make_key, open_in<narrow_lanes, open_four>};
}

#else

std::optional<Way> way_of(LanesPath) { return std::nullopt; }

#endif

}  // namespace lobo::adapters::aead::lanes
