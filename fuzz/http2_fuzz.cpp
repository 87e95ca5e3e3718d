// HTTP/2 from the first byte of a connection to the handler, through nghttp2 and our limits. With
// bit 2 of the second byte the preface and a SETTINGS frame are put in front, so that frames are
// reached at once.

#include "base/require.hpp"
#include "http_sessions.hpp"
#include "wire/http/chars.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  lobo::adapters::NoTransport transport;
  lobo::adapters::FuzzHandler handler;
  handler.later = (data[1] & 1U) != 0;
  auto shared = std::make_shared<lobo::adapters::ServerShared>();
  shared->handler = &handler;
  shared->limits.body_bytes_max = 4096;
  shared->limits.head_bytes_max = 1024;
  shared->limits.handling_max = 8;
  const auto session =
      lobo::adapters::make_server_session(shared, transport, {}, lobo::adapters::fuzz_start);
  std::string bytes;
  if ((data[1] & 4U) != 0) {
    static constexpr char settings[] =
        "\x00\x00\x00\x04\x00\x00\x00\x00";  // and the literal's own NUL: nine bytes
    bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string(settings, sizeof settings);
  }
  bytes.append(reinterpret_cast<const char*>(data) + 2, size - 2);
  if ((data[1] & 8U) != 0) session->drain(lobo::adapters::fuzz_start);
  lobo::adapters::feed(*session, handler, bytes, data[0] == 0 ? bytes.size() : data[0]);
  lobo::adapters::finish(*session, (data[1] & 2U) != 0);
  for (const auto& request : handler.seen) {
    lobo::require(request.body.size() <= shared->limits.body_bytes_max);
    for (const auto& field : request.headers) lobo::require(lobo::http::is_token(field.name));
  }
  return 0;
}
