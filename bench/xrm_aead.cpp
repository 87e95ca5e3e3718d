// Sealing and opening the 16 octets of an XRM option, by us and by others in one process.
//
//   xrm_aead [Google Benchmark's options]     nanoseconds
//   xrm_aead --list [--sse]                   names of the operations
//   xrm_aead --count NAME CALLS [--sse]       calls one operation so often and ends, for callgrind
//
// Valgrind does not know AVX-512: with --sse, ipsec-mb takes its SSE path, for itself and below us.

#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/aead/ipsec_mb.hpp"
#include "adapters/aead/openssl.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "model/pdu_set.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/protected.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/sender.hpp"
#ifdef LOBO_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

namespace lobo {
namespace {

using adapters::aead::IpsecMbPath;
using xrm::Algorithm;

/// `call` handles so many packets.
struct Operation {
  std::string name;
  std::size_t packets;
  std::function<void()> call;
};
using Operations = std::vector<Operation>;

/// The octets that all work on.
struct Text {
  std::array<std::byte, 32> key{};
  xrm::Nonce nonce{};
  xrm::Aad aad{};
  std::array<std::byte, 16> plain{};
  std::array<std::byte, 16> sealed{};
  std::array<std::byte, 16> tag{};
  std::array<std::byte, 16> out{};
};

template <class Octets>
unsigned char* octets(Octets& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

/// Sealed once, so that opening has what is genuine.
std::shared_ptr<Text> text_of(Algorithm algorithm) {
  auto text = std::make_shared<Text>();
  text->key.fill(std::byte{0x42});
  const auto aead = std::move(*adapters::aead::make_openssl()->aead(
      algorithm, Bytes(text->key).first(xrm::key_bytes(algorithm))));
  std::array jobs{xrm::SealJob{&text->nonce, text->aad, text->plain, text->sealed, text->tag}};
  require(aead->seal(jobs));
  return text;
}

// ---- peers
// -----------------------------------------------------------------------------------------

void add_openssl_naive(Operations& all) {
  const auto text = text_of(Algorithm::aes_128_gcm);
  all.push_back({"openssl_naive/seal", 1, [text] {
                   EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
                   int done = 0;
                   EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, octets(text->key),
                                      octets(text->nonce));
                   EVP_EncryptUpdate(context, nullptr, &done, octets(text->aad), 16);
                   EVP_EncryptUpdate(context, octets(text->out), &done, octets(text->plain), 16);
                   EVP_EncryptFinal_ex(context, octets(text->out) + done, &done);
                   EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, octets(text->out));
                   EVP_CIPHER_CTX_free(context);
                 }});
  all.push_back({"openssl_naive/open", 1, [text] {
                   EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
                   int done = 0;
                   EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), nullptr, octets(text->key),
                                      octets(text->nonce));
                   EVP_DecryptUpdate(context, nullptr, &done, octets(text->aad), 16);
                   EVP_DecryptUpdate(context, octets(text->out), &done, octets(text->sealed), 16);
                   EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, 16, octets(text->tag));
                   require(EVP_DecryptFinal_ex(context, octets(text->out) + done, &done) == 1);
                   EVP_CIPHER_CTX_free(context);
                 }});
}

void add_openssl_reused(Operations& all) {
  const auto text = text_of(Algorithm::aes_128_gcm);
  const auto context_for = [&](bool sealing) {
    std::shared_ptr<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    EVP_CipherInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, octets(text->key), nullptr,
                      sealing ? 1 : 0);
    return context;
  };
  all.push_back(
      {"openssl_reused/seal", 1, [text, context = context_for(true)] {
         int done = 0;
         EVP_EncryptInit_ex(context.get(), nullptr, nullptr, nullptr, octets(text->nonce));
         EVP_EncryptUpdate(context.get(), nullptr, &done, octets(text->aad), 16);
         EVP_EncryptUpdate(context.get(), octets(text->out), &done, octets(text->plain), 16);
         EVP_EncryptFinal_ex(context.get(), octets(text->out) + done, &done);
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, 16, octets(text->out));
       }});
  all.push_back(
      {"openssl_reused/open", 1, [text, context = context_for(false)] {
         int done = 0;
         EVP_DecryptInit_ex(context.get(), nullptr, nullptr, nullptr, octets(text->nonce));
         EVP_DecryptUpdate(context.get(), nullptr, &done, octets(text->aad), 16);
         EVP_DecryptUpdate(context.get(), octets(text->out), &done, octets(text->sealed), 16);
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, 16, octets(text->tag));
         require(EVP_DecryptFinal_ex(context.get(), octets(text->out) + done, &done) == 1);
       }});
}

/// libsodium has no AES-128: its AES-256 with the key prepared, and ChaCha20-Poly1305.
void add_sodium(Operations& all) {
  require(sodium_init() >= 0);
  if (crypto_aead_aes256gcm_is_available() == 1) {
    const auto text = text_of(Algorithm::aes_256_gcm);
    auto state = std::make_shared<crypto_aead_aes256gcm_state>();
    crypto_aead_aes256gcm_beforenm(state.get(), octets(text->key));
    all.push_back({"sodium_aes256/seal", 1, [text, state] {
                     unsigned long long size = 0;
                     std::array<unsigned char, 16> tag;
                     crypto_aead_aes256gcm_encrypt_detached_afternm(
                         octets(text->out), tag.data(), &size, octets(text->plain), 16,
                         octets(text->aad), 16, nullptr, octets(text->nonce), state.get());
                     benchmark::DoNotOptimize(tag);
                   }});
    all.push_back({"sodium_aes256/open", 1, [text, state] {
                     require(crypto_aead_aes256gcm_decrypt_detached_afternm(
                                 octets(text->out), nullptr, octets(text->sealed), 16,
                                 octets(text->tag), octets(text->aad), 16, octets(text->nonce),
                                 state.get()) == 0);
                   }});
  }
  const auto text = text_of(Algorithm::chacha20_poly1305);
  all.push_back({"sodium_chacha20/seal", 1, [text] {
                   unsigned long long size = 0;
                   std::array<unsigned char, 16> tag;
                   crypto_aead_chacha20poly1305_ietf_encrypt_detached(
                       octets(text->out), tag.data(), &size, octets(text->plain), 16,
                       octets(text->aad), 16, nullptr, octets(text->nonce), octets(text->key));
                   benchmark::DoNotOptimize(tag);
                 }});
  all.push_back({"sodium_chacha20/open", 1, [text] {
                   require(crypto_aead_chacha20poly1305_ietf_decrypt_detached(
                               octets(text->out), nullptr, octets(text->sealed), 16,
                               octets(text->tag), octets(text->aad), 16, octets(text->nonce),
                               octets(text->key)) == 0);
                 }});
}

#ifdef LOBO_IPSEC_MB
/// The library's own call, and for opening the comparison that it leaves to its user.
void add_ipsec_mb_raw(Operations& all, IpsecMbPath path) {
  struct Raw {
    IMB_MGR* manager = alloc_mb_mgr(0);
    alignas(64) gcm_key_data key{};
    alignas(64) gcm_context_data scratch{};
  };
  auto raw = std::make_shared<Raw>();
  if (path == IpsecMbPath::sse)
    init_mb_mgr_sse(raw->manager);
  else
    init_mb_mgr_auto(raw->manager, nullptr);
  const auto text = text_of(Algorithm::aes_128_gcm);
  IMB_AES128_GCM_PRE(raw->manager, octets(text->key), &raw->key);
  all.push_back({"ipsec_mb_raw/seal", 1, [text, raw] {
                   std::array<std::uint8_t, 16> tag;
                   IMB_AES128_GCM_ENC(raw->manager, &raw->key, &raw->scratch, octets(text->out),
                                      octets(text->plain), 16, octets(text->nonce),
                                      octets(text->aad), 16, tag.data(), 16);
                   benchmark::DoNotOptimize(tag);
                 }});
  all.push_back({"ipsec_mb_raw/open", 1, [text, raw] {
                   std::array<std::uint8_t, 16> tag;
                   IMB_AES128_GCM_DEC(raw->manager, &raw->key, &raw->scratch, octets(text->out),
                                      octets(text->sealed), 16, octets(text->nonce),
                                      octets(text->aad), 16, tag.data(), 16);
                   require(CRYPTO_memcmp(tag.data(), text->tag.data(), 16) == 0);
                 }});
}
#endif

// ---- ours
// ------------------------------------------------------------------------------------------

void add_port(Operations& all, const std::string& name, const xrm::Crypto& crypto,
              Algorithm algorithm) {
  const auto text = text_of(algorithm);
  const std::shared_ptr<xrm::Aead> aead =
      std::move(*crypto.aead(algorithm, Bytes(text->key).first(xrm::key_bytes(algorithm))));
  all.push_back({name + "/seal", 1, [text, aead] {
                   std::array<std::byte, 16> tag;
                   std::array jobs{
                       xrm::SealJob{&text->nonce, text->aad, text->plain, text->out, tag}};
                   require(aead->seal(jobs));
                   benchmark::DoNotOptimize(tag);
                 }});
  all.push_back({name + "/open", 1, [text, aead] {
                   std::array jobs{
                       xrm::OpenJob{&text->nonce, text->aad, text->sealed, text->tag, text->out}};
                   aead->open(jobs);
                   require(jobs[0].authentic);
                 }});
  constexpr std::size_t batch = xrm::batch_jobs_max;
  all.push_back({name + "/seal_batch", batch,
                 [text, aead, tags = std::vector<std::array<std::byte, 16>>(batch),
                  jobs = std::vector<xrm::SealJob>(batch)]() mutable {
                   for (std::size_t i = 0; i < batch; ++i)
                     jobs[i] = {&text->nonce, text->aad, text->plain, text->out, tags[i]};
                   require(aead->seal(jobs));
                 }});
  all.push_back({name + "/open_batch", batch,
                 [text, aead, jobs = std::vector<xrm::OpenJob>(batch)]() mutable {
                   for (auto& job : jobs)
                     job = {&text->nonce, text->aad, text->sealed, text->tag, text->out};
                   aead->open(jobs);
                   require(jobs.back().authentic);
                 }});
}

/// From a mark to the body of an option and back: counter, nonce, AAD, replay window and codec.
class Option {
 public:
  explicit Option(std::unique_ptr<xrm::Crypto> crypto) : crypto_(std::move(crypto)) {
    settings_.key = *xrm::Key::from(std::vector<std::byte>(16, std::byte{0x42}));
    renew_sender();
    for (Packet& packet : packets_) require(sender_->seal(mark_, udp_, packet.body).has_value());
    renew_receiver();
  }

  void seal() {
    if (sender_->next_counter() == xrm::counters_per_key) renew_sender();
    require(sender_->seal(mark_, udp_, place_.body).has_value());
  }
  void open() {
    if (next_ == packets_.size()) renew_receiver();
    const auto read = receiver_->read(Bytes(packets_[next_++].body), udp_);
    require(read.has_value());
  }
  void open_batch() {
    if (next_ + xrm::batch_jobs_max > packets_.size()) renew_receiver();
    for (std::size_t i = 0; i < xrm::batch_jobs_max; ++i)
      requests_[i].body = packets_[next_++].body;
    receiver_->read(requests_);
    require(requests_.back().marking.has_value());
  }

 private:
  struct Packet {
    std::array<std::byte, 40> body{};
  };
  // A counter counts once, so opening goes round a pool; the new receiver at its end is a
  // thousandth of the cost.
  static constexpr std::size_t pool = 16384;

  xrm::Context context() const { return *xrm::Context::create(settings_, *crypto_); }
  void renew_sender() { sender_.emplace(*xrm::Sender::create(context(), xrm::SenderId{1}, 0)); }
  void renew_receiver() {
    if (!receiver_)
      receiver_ = std::make_unique<xrm::Receiver>(
          xrm::ReceiverSettings{.accept = xrm::Accept::protected_only});
    receiver_->remove(settings_.key_id);
    require(receiver_->add(context()).has_value());
    next_ = 0;
  }

  std::unique_ptr<xrm::Crypto> crypto_;
  xrm::ContextSettings settings_{.key_id = xrm::KeyId{7}};
  PduSetMark mark_{.psi = Psi::low_bits_of(1),
                   .pdu_set_size = 30000,
                   .pdus_in_set = 25,
                   .burst_size = 100000,
                   .time_to_next_burst = 167};
  std::array<std::byte, 8> udp_{};
  Packet place_;
  std::vector<Packet> packets_{pool};
  std::vector<xrm::ReadRequest> requests_{xrm::batch_jobs_max, xrm::ReadRequest{{}, udp_}};
  std::size_t next_ = 0;
  std::optional<xrm::Sender> sender_;
  std::unique_ptr<xrm::Receiver> receiver_;
};

void add_option(Operations& all, const std::string& name, std::unique_ptr<xrm::Crypto> crypto) {
  const auto option = std::make_shared<Option>(std::move(crypto));
  all.push_back({name + "/seal", 1, [option] { option->seal(); }});
  all.push_back({name + "/open", 1, [option] { option->open(); }});
  all.push_back({name + "/open_batch", xrm::batch_jobs_max, [option] { option->open_batch(); }});
}

Operations operations(IpsecMbPath path) {
  Operations all;
  add_openssl_naive(all);
  add_openssl_reused(all);
  add_sodium(all);
  const auto openssl = adapters::aead::make_openssl();
  add_port(all, "ours_openssl", *openssl, Algorithm::aes_128_gcm);
  if (auto fast = adapters::aead::make_ipsec_mb(path)) {
#ifdef LOBO_IPSEC_MB
    add_ipsec_mb_raw(all, path);
#endif
    add_port(all, "ours", **fast, Algorithm::aes_128_gcm);
    add_port(all, "ours_aes256", **fast, Algorithm::aes_256_gcm);
    add_port(all, "ours_chacha20", **fast, Algorithm::chacha20_poly1305);
    add_option(all, "ours_option", std::move(*fast));
  }
  return all;
}

int count_calls(std::span<char*> words, const Operations& all) {
  if (std::string_view(words[1]) == "--list") {
    for (const auto& operation : all)
      std::printf("%s %zu\n", operation.name.c_str(), operation.packets);
    return 0;
  }
  const auto found = std::ranges::find_if(
      all, [&](const auto& operation) { return words.size() > 3 && operation.name == words[2]; });
  if (found == all.end()) return 2;
  const auto calls = std::strtoull(words[3], nullptr, 10);
  for (std::uint64_t i = 0; i < calls; ++i) found->call();
  return 0;
}

int run(std::span<char*> words) {
  const bool sse = std::ranges::any_of(
      words, [](const char* word) { return std::string_view(word) == "--sse"; });
  const auto all = operations(sse ? IpsecMbPath::sse : IpsecMbPath::fastest);
  if (words.size() > 1 &&
      (std::string_view(words[1]) == "--list" || std::string_view(words[1]) == "--count"))
    return count_calls(words, all);
  for (const auto& operation : all)
    benchmark::RegisterBenchmark(operation.name.c_str(), [&](benchmark::State& state) {
      for ([[maybe_unused]] const auto round : state) operation.call();
      state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(operation.packets));
    });
  int count = static_cast<int>(words.size());
  benchmark::Initialize(&count, words.data());
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace lobo

int main(int count, char** words) { return lobo::run({words, static_cast<std::size_t>(count)}); }
