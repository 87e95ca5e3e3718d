#pragma once
// HTTP/1.1 messages between bytes and values (RFC 9112), without a socket. Read strictly: wherever
// two readers of the same bytes could disagree about where a message ends, the message is refused,
// because that disagreement is what request smuggling is made of.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "wire/http/message.hpp"

namespace lobo::http::h1 {

struct HeadLimits {
  std::size_t head_bytes_max = 16384;  ///< start line and fields together
  std::size_t fields_max = 100;
  std::size_t target_bytes_max = 8192;
};

/// Why a message is not taken: the status to answer with, and a sentence. `status` is what a server
/// would say; a client only reports `why`.
struct Refusal {
  int status;
  std::string_view why;  ///< a literal
};
template <class T>
using Parsed = tl::expected<T, Refusal>;

/// How the end of a body is found (RFC 9112 clause 6.3).
enum class Framing : std::uint8_t { none, length, chunked, until_close };

struct RequestHead {
  Request request;  ///< without scheme, body and peer
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  bool expects_continue = false;
  bool takes_chunks = true;  ///< HTTP/1.1: a body without a length may be sent in chunks
};

struct ResponseHead {
  Response response;  ///< without body
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
};

/// Finds the end of a head in bytes that arrive bit by bit, each byte looked at once.
class HeadFinder {
 public:
  /// The length of the head at the start of `bytes` including its empty line, or 0 where more is
  /// needed. `bytes` must begin with what the last call was given. Refuses a bare LF at once, and a
  /// head that is longer than `head_bytes_max`.
  Parsed<std::size_t> find(std::string_view bytes, std::size_t head_bytes_max);
  void reset() { scanned_ = 0; }

 private:
  std::size_t scanned_ = 0;
};

/// `head` is what HeadFinder found: start line, fields, empty line.
Parsed<void> parse_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out);
/// `method` of the request decides whether a body follows.
Parsed<void> parse_response_head(std::string_view head, const HeadLimits& limits,
                                 std::string_view method, ResponseHead& out);

/// The chunked transfer coding (RFC 9112 clause 7.1). Extensions and trailers are read past, within
/// bounds.
class ChunkedDecoder {
 public:
  struct Step {
    std::size_t consumed;
    bool done;
  };
  /// Appends to `body` what `bytes` carries of it; refuses with 413 what would exceed
  /// `body_bytes_max`.
  Parsed<Step> decode(std::string_view bytes, std::string& body, std::size_t body_bytes_max);

  static constexpr std::size_t size_digits_max = 8;
  static constexpr std::size_t extension_bytes_max = 256;  ///< of one chunk
  static constexpr std::size_t extensions_bytes_max =
      4096;  ///< of one body: tiny chunks cannot carry endless extensions
  static constexpr std::size_t trailer_bytes_max = 4096;  ///< all trailer fields together

 private:
  enum class State : std::uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_lf
  };
  Parsed<void> take_size(char c);

  State state_ = State::size;
  std::size_t size_digits_ = 0;
  std::uint64_t left_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t extensions_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::size_t line_bytes_ = 0;
  bool line_has_colon_ = false;
  bool last_ = false;
};

/// How the head of a response is written.
struct WriteResponse {
  std::string_view date;   ///< "Sun, 06 Nov 1994 08:49:37 GMT"; empty: no Date field
  bool close = false;      ///< add "connection: close"
  bool omit_body = false;  ///< answer to HEAD: content-length tells what a GET would have had
  /// `chunked` and `until_close`: the head alone, of a body that will grow.
  Framing framing = Framing::length;
};
/// Appends a whole response. Fields that frame the message are ours to set and are left out where
/// the response brings them; a field that is not valid is left out too, so that nothing that a
/// service copied from elsewhere can split the response.
void append_response(std::string& out, const Response& response, const WriteResponse& how);
/// Appends one chunk of a growing body; an empty one is the last (RFC 9112 clause 7.1).
void append_chunk(std::string& out, std::string_view bytes);
/// Appends a whole request. `malformed` where method, target, authority or a field is not valid.
Result<void> append_request(std::string& out, const Request& request);

/// Fields that belong to one connection or to framing; they never pass to the next hop or HTTP/2.
bool is_connection_field(std::string_view lower_name);

}  // namespace lobo::http::h1
