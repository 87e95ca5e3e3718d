#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "adapters/aead/lanes_gcm.hpp"
#include "base/bytes.hpp"
#include "wire/xrm/aead.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lobo::adapters::aead::lanes {

#if defined(__x86_64__)
namespace {

// NOLINTBEGIN(cppcoreguidelines-macro-usage): an attribute has no other name.
#define LOBO_WIDE \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,vaes,vpclmulqdq,aes,pclmul")))
#define LOBO_WIDE_INLINE LOBO_WIDE __attribute__((always_inline)) inline
// NOLINTEND(cppcoreguidelines-macro-usage)

constexpr std::size_t wide_lanes = 8;
constexpr __mmask8 all_words = 0xFF;
constexpr __mmask8 two_words = 0x03;

/// Four blocks in each of two registers.
struct Eight {
  __m512i low, high;
};
LOBO_WIDE_INLINE __m512i wide(__m128i a, __m128i b, __m128i c, __m128i d) {
  const __m512i ab = _mm512_inserti64x2(_mm512_castsi128_si512(a), b, 1);
  return _mm512_inserti64x2(_mm512_inserti64x2(ab, c, 2), d, 3);
}
/// A mask of all lanes, since GCC 12 warns of what the plain intrinsic leaves undefined.
LOBO_WIDE_INLINE __m512i of_one(__m128i block) {
  return _mm512_maskz_broadcast_i64x2(all_words, block);
}
LOBO_WIDE_INLINE __m512i in_each(const Block& block) {
  __m128i one;
  std::memcpy(&one, block.data(), sizeof one);
  return of_one(one);
}
LOBO_WIDE_INLINE __m512i swapped_halves(__m512i blocks) {
  return _mm512_maskz_permutex_epi64(all_words, blocks, 0xB1);
}
LOBO_WIDE_INLINE __m128i block_at(const std::byte* at) {
  __m128i block;
  std::memcpy(&block, at, sizeof block);
  return block;
}
LOBO_WIDE_INLINE __m128i nonce_block(const xrm::OpenJob& job) {
  std::uint64_t low = 0;
  std::uint32_t high = 0;
  std::memcpy(&low, job.nonce->data(), sizeof low);
  std::memcpy(&high, job.nonce->data() + nonce_word_at, sizeof high);
  return _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
}
LOBO_WIDE_INLINE __m512i reversed(__m512i blocks) {
  return _mm512_shuffle_epi8(
      blocks, of_one(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
}
LOBO_WIDE_INLINE __m512i sum_of_three(__m512i a, __m512i b, __m512i c) {
  return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}
/// reduced(a H^3 + b H^2) of each lane, as in reduced() above.
LOBO_WIDE_INLINE __m512i hash_of(const GcmKey& key, __m512i a, __m512i b) {
  const __m512i h_3 = in_each(key.h_3);
  const __m512i h_2 = in_each(key.h_2);
  const __m512i polynomial = of_one(_mm_set_epi64x(static_cast<long long>(0xC200000000000000), 1));
  const __m512i middle = _mm512_xor_si512(
      sum_of_three(_mm512_clmulepi64_epi128(a, h_3, 0x01), _mm512_clmulepi64_epi128(a, h_3, 0x10),
                   _mm512_clmulepi64_epi128(b, h_2, 0x01)),
      _mm512_clmulepi64_epi128(b, h_2, 0x10));
  __m512i low =
      sum_of_three(_mm512_clmulepi64_epi128(a, h_3, 0x00), _mm512_clmulepi64_epi128(b, h_2, 0x00),
                   _mm512_bslli_epi128(middle, 8));
  const __m512i high =
      sum_of_three(_mm512_clmulepi64_epi128(a, h_3, 0x11), _mm512_clmulepi64_epi128(b, h_2, 0x11),
                   _mm512_bsrli_epi128(middle, 8));
  low = _mm512_xor_si512(swapped_halves(low), _mm512_clmulepi64_epi128(low, polynomial, 0x10));
  low = _mm512_xor_si512(swapped_halves(low), _mm512_clmulepi64_epi128(low, polynomial, 0x10));
  return sum_of_three(high, low, in_each(key.lengths));
}

/// Tags and texts of four jobs, from the key stream on.
struct Opened {
  __m512i plain;
  __mmask8 wrong;  ///< two bits a text
};
LOBO_WIDE_INLINE Opened opened_four(const GcmKey& key, xrm::OpenJob* const* jobs, __m512i for_tag,
                                    __m512i for_text) {
  const __m512i aad = wide(block_at(jobs[0]->aad.data()), block_at(jobs[1]->aad.data()),
                           block_at(jobs[2]->aad.data()), block_at(jobs[3]->aad.data()));
  const __m512i sealed = wide(block_at(jobs[0]->sealed.data()), block_at(jobs[1]->sealed.data()),
                              block_at(jobs[2]->sealed.data()), block_at(jobs[3]->sealed.data()));
  const __m512i tag = wide(block_at(jobs[0]->tag.data()), block_at(jobs[1]->tag.data()),
                           block_at(jobs[2]->tag.data()), block_at(jobs[3]->tag.data()));
  const __m512i hash = hash_of(key, reversed(aad), reversed(sealed));
  const __m512i difference = sum_of_three(reversed(hash), for_tag, tag);
  const unsigned halves = _mm512_test_epi64_mask(difference, difference);
  const unsigned wrong = halves | (halves << 1U & 0xAAU) | (halves >> 1U & 0x55U);
  const auto right = static_cast<__mmask8>(~wrong);
  return {_mm512_maskz_mov_epi64(right, _mm512_xor_si512(sealed, for_text)),
          static_cast<__mmask8>(wrong)};
}
LOBO_WIDE_INLINE void put_four(xrm::OpenJob* const* jobs, const Opened& opened) {
  const auto put_one = [](xrm::OpenJob& job, __m128i plain, unsigned wrong) LOBO_WIDE
      __attribute__((always_inline)) {
        std::memcpy(job.plain.data(), &plain, sizeof plain);
        job.authentic = wrong == 0;
      };
  put_one(*jobs[0], _mm512_maskz_extracti64x2_epi64(two_words, opened.plain, 0),
          opened.wrong & 0x01U);
  put_one(*jobs[1], _mm512_maskz_extracti64x2_epi64(two_words, opened.plain, 1),
          opened.wrong & 0x04U);
  put_one(*jobs[2], _mm512_maskz_extracti64x2_epi64(two_words, opened.plain, 2),
          opened.wrong & 0x10U);
  put_one(*jobs[3], _mm512_maskz_extracti64x2_epi64(two_words, opened.plain, 3),
          opened.wrong & 0x40U);
}

LOBO_WIDE void open_eight(const GcmKey& key, const Group<wide_lanes>& jobs) {
  const Eight nonces{wide(nonce_block(*jobs[0]), nonce_block(*jobs[1]), nonce_block(*jobs[2]),
                          nonce_block(*jobs[3])),
                     wide(nonce_block(*jobs[4]), nonce_block(*jobs[5]), nonce_block(*jobs[6]),
                          nonce_block(*jobs[7]))};
  const __m512i first_key = in_each(key.round_keys[0]);
  const __m512i tag_key =
      _mm512_xor_si512(first_key, of_one(_mm_set_epi32(counter_of_tag, 0, 0, 0)));
  const __m512i text_key =
      _mm512_xor_si512(first_key, of_one(_mm_set_epi32(counter_of_text, 0, 0, 0)));
  Eight tag{_mm512_xor_si512(nonces.low, tag_key), _mm512_xor_si512(nonces.high, tag_key)};
  Eight text{_mm512_xor_si512(nonces.low, text_key), _mm512_xor_si512(nonces.high, text_key)};
  for (std::size_t i = 1; i < key.rounds; ++i) {
    const __m512i round_key = in_each(key.round_keys[i]);
    tag = {_mm512_aesenc_epi128(tag.low, round_key), _mm512_aesenc_epi128(tag.high, round_key)};
    text = {_mm512_aesenc_epi128(text.low, round_key), _mm512_aesenc_epi128(text.high, round_key)};
  }
  const __m512i last = in_each(key.round_keys[key.rounds]);
  tag = {_mm512_aesenclast_epi128(tag.low, last), _mm512_aesenclast_epi128(tag.high, last)};
  text = {_mm512_aesenclast_epi128(text.low, last), _mm512_aesenclast_epi128(text.high, last)};
  const Opened low = opened_four(key, jobs.data(), tag.low, text.low);
  const Opened high = opened_four(key, jobs.data() + 4, tag.high, text.high);
  put_four(jobs.data(), low);
  put_four(jobs.data() + 4, high);
}

bool has_wide() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("vaes") != 0 && __builtin_cpu_supports("vpclmulqdq") != 0;
}

}  // namespace

Open wide_open() noexcept {
  if (!has_wide()) return nullptr;
  return open_in<wide_lanes, open_eight>;
}

#else

Open wide_open() noexcept { return nullptr; }

#endif

}  // namespace lobo::adapters::aead::lanes
