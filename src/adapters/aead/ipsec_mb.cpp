#include "adapters/aead/ipsec_mb.hpp"

#include <memory>
#include <string>

#ifdef LOBO_IPSEC_MB

#include <intel-ipsec-mb.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/xrm/aead.hpp"

namespace lobo::adapters::aead {
namespace {

using xrm::Algorithm;
using Tag = std::array<std::byte, xrm::tag_bytes_full>;

struct FreeManager {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};
using Manager = std::unique_ptr<IMB_MGR, FreeManager>;

std::string_view path_name(std::uint32_t arch) {
  switch (arch) {
    case IMB_ARCH_NOAESNI: return "no AES-NI";
    case IMB_ARCH_SSE: return "SSE";
    case IMB_ARCH_AVX: return "AVX";
    case IMB_ARCH_AVX2: return "AVX2";
    case IMB_ARCH_AVX512: return "AVX-512";
    default: return "no path";
  }
}

Result<Manager> make_manager(IpsecMbPath path) {
  Manager manager(alloc_mb_mgr(0));
  if (manager == nullptr) return fail(Errc::internal, "ipsec-mb gave no memory");
  if (path == IpsecMbPath::sse)
    init_mb_mgr_sse(manager.get());
  else
    init_mb_mgr_auto(manager.get(), nullptr);
  if (imb_get_errno(manager.get()) != 0 || manager->used_arch <= IMB_ARCH_NOAESNI)
    return fail(Errc::unavailable, "the processor has no instructions for AES");
  return manager;
}

/// Two words at a time where the tag is whole, which it is but in tests and with short tags.
bool same(const Tag& computed, Bytes tag) {
  if (tag.size() != computed.size())
    return xrm::equal_in_constant_time(Bytes(computed).first(tag.size()), tag);
  using Words = std::array<std::uint64_t, 2>;
  Words received;
  std::memcpy(received.data(), tag.data(), sizeof received);
  const auto words = std::bit_cast<Words>(computed);
  return ((words[0] ^ received[0]) | (words[1] ^ received[1])) == 0;
}

/// Cipher is a class with seal(job, tag) and open(job, tag), both of which compute the tag.
template <class Cipher>
class IpsecMbAead final : public xrm::Aead {
 public:
  IpsecMbAead(const IMB_MGR& manager, Bytes key) : cipher_(manager, key) {}

  bool seal(std::span<xrm::SealJob> jobs) noexcept override {
    for (const xrm::SealJob& job : jobs) {
      Tag tag;
      cipher_.seal(job, tag);
      if (job.tag.size() == tag.size())
        std::memcpy(job.tag.data(), tag.data(), tag.size());
      else
        std::copy_n(tag.begin(), job.tag.size(), job.tag.begin());
    }
    return true;
  }

  void open(std::span<xrm::OpenJob> jobs) noexcept override {
    for (xrm::OpenJob& job : jobs) {
      Tag tag;
      cipher_.open(job, tag);
      job.authentic = same(tag, job.tag);
      if (!job.authentic) xrm::wipe(job.plain);
    }
  }

 private:
  Cipher cipher_;
};

template <Algorithm algorithm>
class Gcm {
 public:
  Gcm(const IMB_MGR& manager, Bytes key)
      : seal_(wide ? manager.gcm256_enc : manager.gcm128_enc),
        open_(wide ? manager.gcm256_dec : manager.gcm128_dec) {
    (wide ? manager.gcm256_pre : manager.gcm128_pre)(key.data(), &key_);
  }
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;
  ~Gcm() { xrm::wipe(std::as_writable_bytes(std::span(&key_, 1))); }

  void seal(const xrm::SealJob& job, Tag& tag) {
    seal_(&key_, &scratch_, octets(job.sealed), octets(job.plain), job.plain.size(),
          octets(*job.nonce), octets(job.aad), job.aad.size(), octets(tag), tag.size());
  }
  void open(const xrm::OpenJob& job, Tag& tag) {
    open_(&key_, &scratch_, octets(job.plain), octets(job.sealed), job.sealed.size(),
          octets(*job.nonce), octets(job.aad), job.aad.size(), octets(tag), tag.size());
  }

 private:
  static constexpr bool wide = algorithm == Algorithm::aes_256_gcm;
  // The library takes octets as std::uint8_t.
  static const std::uint8_t* octets(Bytes bytes) {
    return reinterpret_cast<const std::uint8_t*>(bytes.data());
  }
  static std::uint8_t* octets(MutableBytes bytes) {
    return reinterpret_cast<std::uint8_t*>(bytes.data());
  }
  static const std::uint8_t* octets(const xrm::Nonce& nonce) { return octets(Bytes(nonce)); }
  static std::uint8_t* octets(Tag& tag) { return octets(MutableBytes(tag)); }

  // The library wants cache lines; its header says so only where LINUX is defined.
  alignas(64) gcm_key_data key_;
  alignas(64) gcm_context_data scratch_;
  aes_gcm_enc_dec_t seal_;
  aes_gcm_enc_dec_t open_;
};

class ChaCha20Poly1305 {
 public:
  ChaCha20Poly1305(const IMB_MGR& manager, Bytes key)
      : begin_(manager.chacha20_poly1305_init),
        seal_(manager.chacha20_poly1305_enc_update),
        open_(manager.chacha20_poly1305_dec_update),
        end_(manager.chacha20_poly1305_finalize) {
    std::copy_n(key.begin(), key_.size(), key_.begin());
  }
  ChaCha20Poly1305(const ChaCha20Poly1305&) = delete;
  ChaCha20Poly1305& operator=(const ChaCha20Poly1305&) = delete;
  ~ChaCha20Poly1305() { xrm::wipe(key_); }

  void seal(const xrm::SealJob& job, Tag& tag) {
    begin_(key_.data(), &scratch_, job.nonce->data(), job.aad.data(), job.aad.size());
    seal_(key_.data(), &scratch_, job.sealed.data(), job.plain.data(), job.plain.size());
    end_(&scratch_, tag.data(), tag.size());
  }
  void open(const xrm::OpenJob& job, Tag& tag) {
    begin_(key_.data(), &scratch_, job.nonce->data(), job.aad.data(), job.aad.size());
    open_(key_.data(), &scratch_, job.plain.data(), job.sealed.data(), job.sealed.size());
    end_(&scratch_, tag.data(), tag.size());
  }

 private:
  alignas(64) std::array<std::byte, 32> key_;
  alignas(64) chacha20_poly1305_context_data scratch_;
  chacha_poly_init_t begin_;
  chacha_poly_enc_dec_update_t seal_;
  chacha_poly_enc_dec_update_t open_;
  chacha_poly_finalize_t end_;
};

/// CMAC goes through the library's job queue, hence each has a manager of its own.
class IpsecMbCmac final : public xrm::Mac {
 public:
  IpsecMbCmac(Manager manager, Bytes key) : manager_(std::move(manager)) {
    text_.reserve(text_bytes_usual);  // also: an empty text must have an address
    alignas(16) RoundKeys unused;
    IMB_AES_KEYEXP_128(manager_, key.data(), key_.data(), unused.data());
    IMB_AES_CMAC_SUBKEY_GEN_128(manager_, key_.data(), subkey_1_.data(), subkey_2_.data());
    xrm::wipe(std::as_writable_bytes(std::span(unused)));
  }
  ~IpsecMbCmac() override {
    xrm::wipe(std::as_writable_bytes(std::span(key_)));
    xrm::wipe(std::as_writable_bytes(std::span(subkey_1_)));
    xrm::wipe(std::as_writable_bytes(std::span(subkey_2_)));
  }

  std::optional<xrm::MacValue> mac(std::span<const Bytes> pieces) noexcept override {
    text_.clear();  // the library wants one piece
    for (const Bytes piece : pieces) text_.insert(text_.end(), piece.begin(), piece.end());
    xrm::MacValue value;
    IMB_JOB* job = IMB_GET_NEXT_JOB(manager_.get());
    job->cipher_mode = IMB_CIPHER_NULL;
    job->cipher_direction = IMB_DIR_ENCRYPT;
    job->chain_order = IMB_ORDER_HASH_CIPHER;
    job->hash_alg = IMB_AUTH_AES_CMAC;
    job->src = reinterpret_cast<const std::uint8_t*>(text_.data());
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = text_.size();
    job->auth_tag_output = reinterpret_cast<std::uint8_t*>(value.data());
    job->auth_tag_output_len_in_bytes = value.size();
    job->u.CMAC._key_expanded = key_.data();
    job->u.CMAC._skey1 = subkey_1_.data();
    job->u.CMAC._skey2 = subkey_2_.data();
    job = IMB_SUBMIT_JOB(manager_.get());
    if (job == nullptr) job = IMB_FLUSH_JOB(manager_.get());
    if (job == nullptr || job->status != IMB_STATUS_COMPLETED) return std::nullopt;
    return value;
  }

 private:
  using RoundKeys = std::array<std::uint32_t, 44>;  // of AES-128
  static constexpr std::size_t text_bytes_usual = 2048;
  Manager manager_;
  std::vector<std::byte> text_;
  alignas(16) RoundKeys key_{};
  alignas(16) std::array<std::uint32_t, 4> subkey_1_{};
  alignas(16) std::array<std::uint32_t, 4> subkey_2_{};
};

class IpsecMb final : public xrm::Crypto {
 public:
  IpsecMb(IpsecMbPath path, Manager manager) : path_(path), manager_(std::move(manager)) {}

  Result<std::unique_ptr<xrm::Aead>> aead(Algorithm algorithm, Bytes key) const override {
    if (key.size() != xrm::key_bytes(algorithm))
      return fail(Errc::out_of_range, "the key has the wrong size for its algorithm");
    switch (algorithm) {
      case Algorithm::aes_128_gcm: return made<Gcm<Algorithm::aes_128_gcm>>(key);
      case Algorithm::aes_256_gcm: return made<Gcm<Algorithm::aes_256_gcm>>(key);
      case Algorithm::chacha20_poly1305: return made<ChaCha20Poly1305>(key);
    }
    std::abort();
  }

  Result<std::unique_ptr<xrm::Mac>> aes_128_cmac(Bytes key) const override {
    if (key.size() != xrm::mac_key_bytes)
      return fail(Errc::out_of_range, "a key of AES-128-CMAC has 16 octets");
    auto manager = make_manager(path_);
    if (!manager) return fail(std::move(manager.error()));
    return std::make_unique<IpsecMbCmac>(std::move(*manager), key);
  }

  std::string name() const override {
    return ipsec_mb_state() + " (" + std::string(path_name(manager_->used_arch)) + ")";
  }

 private:
  // Of the manager only addresses of functions are taken, so that what is made outlives it.
  template <class Cipher>
  std::unique_ptr<xrm::Aead> made(Bytes key) const {
    return std::make_unique<IpsecMbAead<Cipher>>(*manager_, key);
  }
  IpsecMbPath path_;
  Manager manager_;
};

}  // namespace

Result<std::unique_ptr<xrm::Crypto>> make_ipsec_mb(IpsecMbPath path) {
  auto manager = make_manager(path);
  if (!manager) return fail(std::move(manager.error()));
  return std::make_unique<IpsecMb>(path, std::move(*manager));
}

std::string ipsec_mb_state() { return std::string("ipsec-mb ") + imb_get_version_str(); }

}  // namespace lobo::adapters::aead

#else

namespace lobo::adapters::aead {

Result<std::unique_ptr<xrm::Crypto>> make_ipsec_mb(IpsecMbPath) {
  return fail(Errc::unavailable, "built without ipsec-mb");
}

std::string ipsec_mb_state() { return "ipsec-mb off (not built in)"; }

}  // namespace lobo::adapters::aead

#endif
