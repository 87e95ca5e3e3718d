// HTTP/1.1 from the first byte of a connection to the handler. Oracle: however the bytes are
// sliced, the same requests reach the handler; none of them carries what could split a message
// further on.

#include "base/require.hpp"
#include "http_sessions.hpp"
#include "wire/http/chars.hpp"

namespace lobo::adapters {
namespace {

std::vector<lobo::http::Request> requests_of(std::string_view bytes, std::size_t slice, bool later,
                                             bool by_time) {
  NoTransport transport;
  FuzzHandler handler;
  handler.later = later;
  auto shared = std::make_shared<ServerShared>();
  shared->handler = &handler;
  shared->limits.body_bytes_max = 4096;
  shared->limits.head_bytes_max = 1024;
  const auto session = make_http1_server(shared, transport, {}, fuzz_start);
  feed(*session, handler, bytes, slice);
  finish(*session, by_time);
  return handler.seen;
}

}  // namespace
}  // namespace lobo::adapters

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const bool later = (data[1] & 1U) != 0;
  const bool by_time = (data[1] & 2U) != 0;
  const auto sliced = lobo::adapters::requests_of(bytes, data[0], later, by_time);
  const auto whole = lobo::adapters::requests_of(bytes, bytes.size(), later, by_time);
  lobo::require(sliced == whole);
  for (const auto& request : whole) {
    lobo::require(lobo::http::is_token(request.method));
    lobo::require(request.target.starts_with('/') || request.target == "*");
    for (const auto& field : request.headers)
      lobo::require(lobo::http::is_token(field.name) && lobo::http::is_field_value(field.value));
  }
  return 0;
}
