#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/http/chars.hpp"
#include "wire/http/http1.hpp"

namespace lobo::http::h1 {
namespace {

tl::unexpected<Refusal> refuse(int status, std::string_view why) {
  return tl::unexpected<Refusal>(Refusal{status, why});
}

}  // namespace

Parsed<void> ChunkedDecoder::take_size(char c) {
  const int digit = hex_value(c);
  if (digit >= 0) {
    if (++size_digits_ > size_digits_max) return refuse(400, "a chunk size that is too long");
    left_ = left_ << 4U | static_cast<std::uint64_t>(digit);
    return {};
  }
  if (size_digits_ == 0) return refuse(400, "a chunk without a size");
  if (c == '\r')
    state_ = State::size_lf;
  else if (c == ';')
    state_ = State::extension;
  else
    return refuse(400, "a chunk size that is no number");
  return {};
}

Parsed<ChunkedDecoder::Step> ChunkedDecoder::decode(std::string_view bytes, std::string& body,
                                                    std::size_t body_bytes_max) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const char c = bytes[i];
    switch (state_) {
      case State::size:
        if (auto taken = take_size(c); !taken) return tl::unexpected(taken.error());
        ++i;
        break;
      case State::extension:
        ++i;
        if (++extension_bytes_ > extension_bytes_max || ++extensions_bytes_ > extensions_bytes_max)
          return refuse(400, "chunk extensions that are too long");
        if (c == '\r')
          state_ = State::size_lf;
        else if (!is_value_char(c))
          return refuse(400, "a control character in a chunk extension");
        break;
      case State::size_lf:
        if (c != '\n') return refuse(400, "a chunk size that does not end in CRLF");
        ++i;
        if (left_ > body_bytes_max || body.size() > body_bytes_max - left_)
          return refuse(413, "the body is too large");
        last_ = left_ == 0;
        line_bytes_ = 0;
        line_has_colon_ = false;
        state_ = last_ ? State::trailer : State::data;
        break;
      case State::data: {
        const auto take =
            static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - i));
        body.append(bytes.substr(i, take));
        i += take;
        left_ -= take;
        if (left_ == 0) state_ = State::data_cr;
        break;
      }
      case State::data_cr:
        if (c != '\r') return refuse(400, "a chunk that is longer than its size");
        ++i;
        state_ = State::data_lf;
        break;
      case State::data_lf:
        if (c != '\n') return refuse(400, "a chunk that does not end in CRLF");
        ++i;
        size_digits_ = 0;
        extension_bytes_ = 0;
        state_ = State::size;
        break;
      case State::trailer:
        ++i;
        if (++trailer_bytes_ > trailer_bytes_max) return refuse(431, "trailers that are too large");
        if (c == '\r') {
          state_ = State::trailer_lf;
        } else if (!line_has_colon_) {
          if (c == ':' && line_bytes_ > 0)
            line_has_colon_ = true;
          else if (token_char(c) == 0)
            return refuse(400, "a trailer name that is no token");
          ++line_bytes_;
        } else if (!is_value_char(c)) {
          return refuse(400, "a control character in a trailer");
        }
        break;
      case State::trailer_lf:
        if (c != '\n') return refuse(400, "a trailer that does not end in CRLF");
        ++i;
        if (line_bytes_ == 0) return Step{i, true};
        if (!line_has_colon_) return refuse(400, "a trailer without a colon");
        line_bytes_ = 0;
        line_has_colon_ = false;
        state_ = State::trailer;
        break;
    }
  }
  return Step{i, false};
}

}  // namespace lobo::http::h1
