// What a hostile server may answer, HTTP/1.1 and HTTP/2: every exchange ends exactly once, with a
// response within the limits or an error.

#include "adapters/http/client_session.hpp"
#include "base/require.hpp"
#include "http_sessions.hpp"

namespace lobo::adapters {
namespace {

struct Count final : ClientEvents {
  std::size_t endings = 0;
  void ended(std::uint64_t, Ending ending) override {
    ++endings;
    if (!ending.result) return;
    lobo::require(ending.result->status >= 200 && ending.result->status <= 999);
    lobo::require(ending.result->body.size() <= 4096);
  }
  void room_changed() override {}
  void gone(ClientSession&) override {}
};

}  // namespace
}  // namespace lobo::adapters

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  lobo::adapters::NoTransport transport;
  lobo::adapters::FuzzHandler nobody;
  const auto events = std::make_shared<lobo::adapters::Count>();
  lobo::adapters::ClientLimits limits;
  limits.body_bytes_max = 4096;
  limits.head_bytes_max = 1024;
  const bool http2 = (data[1] & 1U) != 0;
  const auto session = http2 ? lobo::adapters::make_http2_client(limits, transport, events,
                                                                 lobo::adapters::fuzz_start)
                             : lobo::adapters::make_http1_client(limits, transport, events,
                                                                 lobo::adapters::fuzz_start);
  auto request = std::make_shared<lobo::http::Request>();
  request->method = (data[1] & 2U) != 0 ? "HEAD" : "POST";
  request->scheme = "http";
  request->authority = "a";
  request->target = "/";
  request->body = "body";
  const std::size_t started = http2 ? 3 : 1;
  for (std::uint64_t ticket = 1; ticket <= started; ++ticket)
    session->start(ticket, request, lobo::adapters::fuzz_start);
  if ((data[1] & 4U) != 0) session->cancel(2);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  lobo::adapters::feed(*session, nobody, bytes, data[0] == 0 ? bytes.size() : data[0]);
  lobo::adapters::finish(*session, false);
  lobo::require(events->endings == started);
  return 0;
}
