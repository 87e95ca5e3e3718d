#include "wire/xrm/sender.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/pdu_set.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/protected.hpp"

namespace lobo::xrm {

Result<Sender> Sender::create(Context context, SenderId sender, std::uint32_t first_counter) {
  if (!context.senders().contains(sender))
    return fail(Errc::not_allowed, "the context does not allow this SID");
  return Sender(std::move(context), sender, first_counter);
}

Sender::Sender(Context context, SenderId sender, std::uint32_t first_counter)
    : context_(std::move(context)), sender_(sender), next_(first_counter) {}

tl::expected<std::size_t, SealRefusal> Sender::prepare(const PduSetMark& mark, UdpHeader udp,
                                                       MutableBytes out, Prepared& prepared) {
  if (next_ >= counters_per_key) return tl::unexpected(SealRefusal::counters_used_up);
  std::array<std::byte, plaintext_sent_max> plain{};
  const std::size_t said = write_body(std::span(plain).first<body_bytes_max>(), mark);
  const std::size_t text = (said + block_bytes - 1) / block_bytes * block_bytes;
  const std::size_t bytes = protected_header_bytes + text + tag_bytes(context_.tag());
  if (out.size() < bytes) return tl::unexpected(SealRefusal::no_room);
  write_protected_header(out.first<protected_header_bytes>(), context_.key_id(), sender_, next_,
                         context_.tag());
  std::copy_n(plain.begin(), text, out.begin() + protected_header_bytes);
  prepared.nonce = context_.nonce(sender_, next_);
  prepared.aad = context_.aad(udp, ProtectedHeader(out.first<protected_header_bytes>()));
  ++next_;
  return bytes;
}

SealJob Sender::job_of(const Prepared& prepared, MutableBytes body) const {
  const std::size_t tag = tag_bytes(context_.tag());
  const MutableBytes text =
      body.subspan(protected_header_bytes, body.size() - protected_header_bytes - tag);
  return {.nonce = &prepared.nonce,
          .aad = prepared.aad,
          .plain = text,
          .sealed = text,
          .tag = body.last(tag)};
}

tl::expected<std::size_t, SealRefusal> Sender::seal(const PduSetMark& mark, UdpHeader udp,
                                                    MutableBytes out) {
  Prepared prepared;
  const auto bytes = prepare(mark, udp, out, prepared);
  if (!bytes) return bytes;
  std::array jobs{job_of(prepared, out.first(*bytes))};
  if (!context_.aead().seal(jobs)) return tl::unexpected(SealRefusal::crypto_failed);
  return bytes;
}

void Sender::seal(std::span<SealRequest> requests) {
  while (!requests.empty()) {
    const std::size_t count = std::min(requests.size(), batch_jobs_max);
    seal_batch(requests.first(count));
    requests = requests.subspan(count);
  }
}

void Sender::seal_batch(std::span<SealRequest> requests) {
  std::array<Prepared, batch_jobs_max> prepared;
  std::array<SealJob, batch_jobs_max> jobs;
  std::size_t count = 0;
  for (SealRequest& request : requests) {
    request.written = prepare(request.mark, request.udp, request.out, prepared[count]);
    if (!request.written) continue;
    jobs[count] = job_of(prepared[count], request.out.first(*request.written));
    ++count;
  }
  if (count == 0 || context_.aead().seal(std::span(jobs).first(count))) return;
  for (SealRequest& request : requests)
    if (request.written) request.written = tl::unexpected(SealRefusal::crypto_failed);
}

}  // namespace lobo::xrm
