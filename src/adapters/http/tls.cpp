#include "adapters/http/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/http/tls_files.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "wire/http/ip.hpp"

namespace lobo::adapters {
namespace {

inline constexpr std::size_t plain_bytes = 16384;  // one TLS record

std::string last_error() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "TLS failed";
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

struct CtxFree {
  void operator()(SSL_CTX* ctx) const { SSL_CTX_free(ctx); }
};
using Ctx = std::unique_ptr<SSL_CTX, CtxFree>;

constexpr std::string_view alpn_h2 = "\x02h2";
constexpr std::string_view alpn_http1 = "\x08http/1.1";

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
  static const std::string ours = std::string(alpn_h2) + std::string(alpn_http1);
  unsigned char* chosen = nullptr;
  const int how = SSL_select_next_proto(&chosen, out_size, octets(ours),
                                        static_cast<unsigned>(ours.size()), in, in_size);
  if (how != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 clause 3.2
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<Ctx> make_context(const SSL_METHOD* method) {
  Ctx ctx(SSL_CTX_new(method));
  if (!ctx) return fail(Errc::internal, last_error());
  SSL_CTX_set_min_proto_version(ctx.get(), TLS1_2_VERSION);
  // TLS 1.2 suites: those that RFC 9113 appendix A does not forbid.
  SSL_CTX_set_cipher_list(ctx.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(ctx.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // An idle connection must not keep OpenSSL's two record buffers of 17 kB each.
  SSL_CTX_set_mode(ctx.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return ctx;
}

Result<void> use_key_pair(SSL_CTX* ctx, const std::string& certificate, const std::string& key) {
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate.c_str()) != 1)
    return fail(Errc::malformed, "certificate " + certificate + ": " + last_error());
  if (SSL_CTX_use_PrivateKey_file(ctx, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(Errc::malformed, "key " + key + ": " + last_error());
  if (SSL_CTX_check_private_key(ctx) != 1)
    return fail(Errc::malformed, "key " + key + " does not belong to certificate " + certificate);
  return {};
}

}  // namespace

class TlsContext {
 public:
  explicit TlsContext(Ctx ctx, std::string alpn = {})
      : exporting_(!alpn.empty()), alpn_(wire_form(alpn)), ctx_(std::move(ctx)) {}
  SSL_CTX* get() const { return ctx_.get(); }
  bool exporting() const { return exporting_; }
  /// With its length in front, as ALPN has it.
  const std::string& alpn() const { return alpn_; }

 private:
  static std::string wire_form(const std::string& name) {
    return name.empty() ? name : static_cast<char>(name.size()) + name;
  }
  bool exporting_;
  std::string alpn_;
  Ctx ctx_;
};

namespace {

int choose_only(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void* context) {
  const std::string& ours = static_cast<const TlsContext*>(context)->alpn();
  unsigned char* chosen = nullptr;
  const int how = SSL_select_next_proto(&chosen, out_size, octets(ours),
                                        static_cast<unsigned>(ours.size()), in, in_size);
  if (how != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 clause 3.2
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> believe(SSL_CTX* ctx, const std::string& ca) {
  if (SSL_CTX_load_verify_locations(ctx, ca.c_str(), nullptr) != 1)
    return fail(Errc::malformed, "CA '" + ca + "': " + last_error());
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

/// What both ends of an exporting context have in common.
Result<Ctx> make_exporting(const SSL_METHOD* method, const std::string& certificate,
                           const std::string& key, const std::string& ca) {
  auto made = make_context(method);
  if (!made) return made;
  SSL_CTX* ctx = made->get();
  SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
  // No ticket is given and none is kept: a connection that is resumed would have secrets that
  // follow from those of another. Without tickets there is no early data either.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(ctx, 0);
  SSL_CTX_set_max_early_data(ctx, 0);
  SSL_CTX_set_recv_max_early_data(ctx, 0);
  if (auto used = use_key_pair(ctx, certificate, key); !used) return fail(used.error());
  if (auto believed = believe(ctx, ca); !believed) return fail(believed.error());
  return made;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> make_exporting_server_tls(const TlsFiles& files,
                                                              const std::string& alpn) {
  auto made = make_exporting(TLS_server_method(), files.certificate, files.key, files.client_ca);
  if (!made) return fail(made.error());
  SSL_CTX* const ctx = made->get();
  SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(files.client_ca.c_str()));
  auto context = std::make_shared<TlsContext>(std::move(*made), alpn);
  SSL_CTX_set_alpn_select_cb(ctx, choose_only, context.get());
  return context;
}

Result<std::shared_ptr<TlsContext>> make_exporting_client_tls(const ClientTlsFiles& files,
                                                              const std::string& alpn) {
  auto made = make_exporting(TLS_client_method(), files.certificate, files.key, files.ca);
  if (!made) return fail(made.error());
  SSL_CTX* const ctx = made->get();
  auto context = std::make_shared<TlsContext>(std::move(*made), alpn);
  SSL_CTX_set_alpn_protos(ctx, octets(context->alpn()),
                          static_cast<unsigned>(context->alpn().size()));
  return context;
}

Result<std::shared_ptr<TlsContext>> make_server_tls(const TlsFiles& files,
                                                    ClientCertificates wanted) {
  auto made = make_context(TLS_server_method());
  if (!made) return fail(made.error());
  SSL_CTX* ctx = made->get();
  if (auto used = use_key_pair(ctx, files.certificate, files.key); !used) return fail(used.error());
  SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, nullptr);
  SSL_CTX_set_num_tickets(ctx, 1);
  static constexpr std::string_view id = "lobo";
  SSL_CTX_set_session_id_context(ctx, octets(id), static_cast<unsigned>(id.size()));
  if (wanted != ClientCertificates::none) {
    if (SSL_CTX_load_verify_locations(ctx, files.client_ca.c_str(), nullptr) != 1)
      return fail(Errc::malformed, "client CA '" + files.client_ca + "': " + last_error());
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(files.client_ca.c_str());
    SSL_CTX_set_client_CA_list(ctx, names);
    const int required =
        wanted == ClientCertificates::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | required, nullptr);
  }
  return std::make_shared<TlsContext>(std::move(*made));
}

Result<std::shared_ptr<TlsContext>> make_client_tls(const ClientTlsFiles& files, bool http2,
                                                    bool http2_only) {
  auto made = make_context(TLS_client_method());
  if (!made) return fail(made.error());
  SSL_CTX* ctx = made->get();
  if (!files.certificate.empty())
    if (auto used = use_key_pair(ctx, files.certificate, files.key); !used)
      return fail(used.error());
  const int loaded = files.ca.empty()
                         ? SSL_CTX_set_default_verify_paths(ctx)
                         : SSL_CTX_load_verify_locations(ctx, files.ca.c_str(), nullptr);
  if (loaded != 1) return fail(Errc::malformed, "CA '" + files.ca + "': " + last_error());
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  std::string protocols;
  if (http2) protocols += alpn_h2;
  if (!http2_only) protocols += alpn_http1;
  SSL_CTX_set_alpn_protos(ctx, octets(protocols), static_cast<unsigned>(protocols.size()));
  return std::make_shared<TlsContext>(std::move(*made));
}

// ---- engine -----------------------------------------------------------------------------------

namespace {

TlsFault fault_of_verdict(long verdict) {
  switch (verdict) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: return TlsFault::authority_unknown;
    case X509_V_ERR_CERT_HAS_EXPIRED: return TlsFault::certificate_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return TlsFault::certificate_not_yet_valid;
    default: return TlsFault::certificate_refused;
  }
}

TlsFault fault_of_alert(int alert) {
  switch (alert) {
    case SSL_AD_UNKNOWN_CA: return TlsFault::authority_unknown;
    case SSL_AD_CERTIFICATE_EXPIRED: return TlsFault::certificate_expired;
    case SSL_AD_CERTIFICATE_REQUIRED: return TlsFault::certificate_missing;
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_UNKNOWN: return TlsFault::certificate_refused;
    default: return TlsFault::other;
  }
}

/// Of what went wrong last; the queue of errors is left as it is.
TlsFailure failure_of(SSL* ssl) {
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) return {fault_of_verdict(verdict), false};
  const auto code = ERR_peek_error();
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
    return {TlsFault::certificate_missing, false};
  if (reason > SSL_AD_REASON_OFFSET) return {fault_of_alert(reason - SSL_AD_REASON_OFFSET), true};
  return {TlsFault::other, false};
}

}  // namespace

struct TlsEngine::Impl {
  std::shared_ptr<TlsContext> context;
  SSL* ssl = nullptr;
  std::string_view input;  ///< of the receive() under way
  std::string output;
  bool established = false;
  bool closed = false;
  TlsFailure failure;

  ~Impl() { SSL_free(ssl); }
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// Ends the handshake if it can be ended now.
  Result<void> shake() {
    const int ok = SSL_do_handshake(ssl);
    if (ok == 1) {
      established = true;
      return {};
    }
    const int why = SSL_get_error(ssl, ok);
    if (why == SSL_ERROR_WANT_READ) return {};
    failure = failure_of(ssl);
    const long verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK) {
      ERR_clear_error();
      return fail(Errc::unavailable,
                  std::string("TLS: certificate: ") + X509_verify_cert_error_string(verdict));
    }
    return fail(Errc::unavailable, "TLS handshake: " + last_error());
  }
};

namespace {

// A BIO that reads from the bytes at hand and writes to a string: unlike OpenSSL's memory BIO it
// keeps no buffer of its own between calls.
int bio_read(BIO* bio, char* out, int size) {
  auto* impl = static_cast<TlsEngine::Impl*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (impl->input.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto take = std::min(impl->input.size(), static_cast<std::size_t>(size));
  std::memcpy(out, impl->input.data(), take);
  impl->input.remove_prefix(take);
  return static_cast<int>(take);
}

int bio_write(BIO* bio, const char* in, int size) {
  auto* impl = static_cast<TlsEngine::Impl*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  impl->output.append(in, static_cast<std::size_t>(size));
  return size;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lobo");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

}  // namespace

TlsEngine::TlsEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  impl_->ssl = SSL_new(impl_->context->get());
  BIO* bio = BIO_new(bio_method());
  BIO_set_data(bio, impl_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(impl_->ssl, bio, bio);
}
TlsEngine::~TlsEngine() = default;

std::unique_ptr<TlsEngine> TlsEngine::server(std::shared_ptr<TlsContext> context) {
  auto impl = std::make_unique<Impl>();
  impl->context = std::move(context);
  std::unique_ptr<TlsEngine> engine(new TlsEngine(std::move(impl)));
  SSL_set_accept_state(engine->impl_->ssl);
  return engine;
}

std::unique_ptr<TlsEngine> TlsEngine::client(std::shared_ptr<TlsContext> context,
                                             const std::string& host) {
  auto impl = std::make_unique<Impl>();
  impl->context = std::move(context);
  std::unique_ptr<TlsEngine> engine(new TlsEngine(std::move(impl)));
  SSL* ssl = engine->impl_->ssl;
  if (host.empty()) {
    require(engine->impl_->context->exporting());
  } else if (http::IpAddress::parse(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else {
    SSL_set1_host(ssl, host.c_str());
    std::string name = host;
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  SSL_set_connect_state(ssl);
  return engine;
}

Result<void> TlsEngine::begin() { return impl_->shake(); }

Result<void> TlsEngine::receive(std::string_view wire, const std::function<void()>& established,
                                const std::function<void(std::string_view)>& plain) {
  impl_->input = wire;
  if (!impl_->established) {
    if (auto shaken = impl_->shake(); !shaken) return shaken;
    if (!impl_->established) return {};
    established();
  }
  // Not on the heap: one record, decrypted and handed on within this call.
  std::array<char, plain_bytes> buffer;  // NOLINT: filled before it is read
  for (;;) {
    const int got = SSL_read(impl_->ssl, buffer.data(), static_cast<int>(buffer.size()));
    if (got > 0) {
      plain({buffer.data(), static_cast<std::size_t>(got)});
      continue;
    }
    const int why = SSL_get_error(impl_->ssl, got);
    if (why == SSL_ERROR_WANT_READ) return {};
    if (why == SSL_ERROR_ZERO_RETURN) {
      impl_->closed = true;
      return {};
    }
    impl_->failure = failure_of(impl_->ssl);
    return fail(Errc::unavailable, "TLS: " + last_error());
  }
}

Result<void> TlsEngine::send(std::string_view plain) {
  while (!plain.empty()) {
    const auto size = static_cast<int>(std::min(plain.size(), static_cast<std::size_t>(INT_MAX)));
    const int put = SSL_write(impl_->ssl, plain.data(), size);
    if (put <= 0) return fail(Errc::unavailable, "TLS: " + last_error());
    plain.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

void TlsEngine::close_notify() {
  if (impl_->established) SSL_shutdown(impl_->ssl);
  ERR_clear_error();
}

bool TlsEngine::peer_closed() const { return impl_->closed; }
std::string& TlsEngine::wire_output() { return impl_->output; }
bool TlsEngine::is_established() const { return impl_->established; }

std::string TlsEngine::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(impl_->ssl, &name, &size);
  return size == 0 ? std::string{} : std::string(reinterpret_cast<const char*>(name), size);
}

namespace {

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

/// The first subject alternative name of that type.
std::optional<std::string> alternative_name(X509* certificate, int type) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return std::nullopt;
  std::optional<std::string> out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && !out; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == type)
      out = text_of(type == GEN_URI ? name->d.uniformResourceIdentifier : name->d.dNSName);
  }
  GENERAL_NAMES_free(names);
  return out;
}

std::optional<std::string> common_name(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return std::nullopt;
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

/// A name with a NUL or control byte could be read as another one.
bool is_printable(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

std::optional<std::string> TlsEngine::peer_subject() const {
  if (SSL_get_verify_mode(impl_->ssl) == SSL_VERIFY_NONE ||
      SSL_get_verify_result(impl_->ssl) != X509_V_OK)
    return std::nullopt;
  X509* certificate = SSL_get0_peer_certificate(impl_->ssl);
  if (certificate == nullptr) return std::nullopt;
  for (const auto& name : {alternative_name(certificate, GEN_URI),
                           alternative_name(certificate, GEN_DNS), common_name(certificate)})
    if (name) return is_printable(*name) ? name : std::nullopt;
  return std::nullopt;
}

std::optional<std::string> own_dns_name(const TlsContext& context) {
  X509* const certificate = SSL_CTX_get0_certificate(context.get());
  auto name = certificate == nullptr ? std::nullopt : alternative_name(certificate, GEN_DNS);
  return name && is_printable(*name) ? name : std::nullopt;
}

bool TlsEngine::peer_is(const std::string& name) const {
  if (name.empty() || SSL_get_verify_mode(impl_->ssl) == SSL_VERIFY_NONE ||
      SSL_get_verify_result(impl_->ssl) != X509_V_OK)
    return false;
  X509* const certificate = SSL_get0_peer_certificate(impl_->ssl);
  return certificate != nullptr &&
         X509_check_host(certificate, name.data(), name.size(),
                         X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS,
                         nullptr) == 1;
}

TlsFailure TlsEngine::failure() const { return impl_->failure; }

Result<void> TlsEngine::export_secret(std::string_view label, std::span<const std::byte> context,
                                      std::span<std::byte> out) const {
  SSL* const ssl = impl_->ssl;
  // What makes the octets secret, fresh and agreed upon by these two: asked here again, where they
  // are handed out, whatever the context was made for.
  const bool fit =
      impl_->context->exporting() && impl_->established && SSL_version(ssl) == TLS1_3_VERSION &&
      SSL_session_reused(ssl) == 0 && SSL_get_early_data_status(ssl) != SSL_EARLY_DATA_ACCEPTED &&
      SSL_get0_peer_certificate(ssl) != nullptr && SSL_get_verify_result(ssl) == X509_V_OK &&
      alpn() == impl_->context->alpn().substr(1);
  if (!fit) return fail(Errc::forbidden, "no key is taken from this connection");
  const int done = SSL_export_keying_material(
      ssl, reinterpret_cast<unsigned char*>(out.data()), out.size(), label.data(), label.size(),
      reinterpret_cast<const unsigned char*>(context.data()), context.size(), 1);
  if (done != 1) return fail(Errc::internal, "TLS: " + last_error());
  return {};
}

}  // namespace lobo::adapters
