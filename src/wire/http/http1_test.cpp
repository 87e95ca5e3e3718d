#include "wire/http/http1.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <string>
#include <utility>

namespace lobo::http::h1 {
namespace {

/// The status that a head is refused with, 0 where it is taken, -1 where it is not whole.
int verdict(const std::string& text, RequestHead* out = nullptr) {
  HeadFinder finder;
  const auto found = finder.find(text, HeadLimits{}.head_bytes_max);
  if (!found) return found.error().status;
  if (*found == 0) return -1;
  RequestHead head;
  const auto parsed = parse_request_head(std::string_view(text).substr(0, *found), {}, head);
  if (out != nullptr) *out = std::move(head);
  return parsed ? 0 : parsed.error().status;
}

int with_fields(const std::string& fields) {
  return verdict("POST /a HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
}

TEST(request_head, a_plain_one_is_read) {
  RequestHead head;
  ASSERT_EQ(
      verdict("POST /a?b=c HTTP/1.1\r\nHost: h:81\r\nX-Y:  v w\t\r\nContent-Length: 12\r\n\r\n",
              &head),
      0);
  EXPECT_EQ(head.request.method, "POST");
  EXPECT_EQ(head.request.target, "/a?b=c");
  EXPECT_EQ(head.request.authority, "h:81");
  EXPECT_EQ(head.request.headers.find("x-y"), "v w");
  EXPECT_EQ(head.framing, Framing::length);
  EXPECT_EQ(head.content_length, 12U);
  EXPECT_TRUE(head.keep_alive);
}

TEST(request_head, a_line_that_ends_in_lf_alone_is_refused) {
  EXPECT_EQ(verdict("GET / HTTP/1.1\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: h\n\r\n"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: h\r\n\n"), 400);
}

TEST(request_head, a_cr_without_lf_is_refused) {
  EXPECT_EQ(with_fields("X: a\rb\r\n"), 400);
  EXPECT_EQ(verdict("GET /\r HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

TEST(request_head, a_folded_field_is_refused) {
  EXPECT_EQ(with_fields("X: a\r\n b\r\n"), 400);
  EXPECT_EQ(with_fields("X: a\r\n\tb\r\n"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), 400);
}

TEST(request_head, content_length_beside_transfer_encoding_is_refused) {
  EXPECT_EQ(with_fields("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(with_fields("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400);
}

TEST(request_head, a_second_content_length_is_refused_even_if_equal) {
  EXPECT_EQ(with_fields("Content-Length: 3\r\nContent-Length: 3\r\n"), 400);
  EXPECT_EQ(with_fields("Content-Length: 3\r\nContent-Length: 4\r\n"), 400);
  EXPECT_EQ(with_fields("Content-Length: 3, 3\r\n"), 400);
}

TEST(request_head, a_content_length_that_is_no_number_is_refused) {
  for (const auto* value :
       {"", "-1", "+1", "0x10", "1 2", "3,", "1e3", "9999999999999999999", "99999999999999999999"})
    EXPECT_EQ(with_fields(std::string("Content-Length: ") + value + "\r\n"), 400) << value;
}

TEST(request_head, a_transfer_coding_other_than_chunked_is_refused) {
  EXPECT_EQ(with_fields("Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(with_fields("Transfer-Encoding: identity\r\n"), 501);
  EXPECT_EQ(with_fields("Transfer-Encoding: xchunked\r\n"), 501);
  EXPECT_EQ(with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
}

TEST(request_head, host_is_given_exactly_once) {
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.0\r\n\r\n"), 0);
}

TEST(request_head, a_host_that_names_no_host_is_refused) {
  for (const auto* host : {"", "a b", "a@b", "a/b", "a:b", "a:0", "a:65536", "[::1", "[x]",
                           "2130706433", "127.1", "0x7f.0.0.1", "a,b"})
    EXPECT_EQ(verdict(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n"), 400) << host;
  for (const auto* host : {"a", "A.example:8080", "127.0.0.1", "[::1]:80", "_x-1.b"})
    EXPECT_EQ(verdict(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n"), 0) << host;
}

TEST(request_head, a_space_before_the_colon_is_refused) {
  EXPECT_EQ(with_fields("X : a\r\n"), 400);
  EXPECT_EQ(with_fields("X\t: a\r\n"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost : h\r\n\r\n"), 400);
}

TEST(request_head, a_field_without_name_or_colon_is_refused) {
  EXPECT_EQ(with_fields(": a\r\n"), 400);
  EXPECT_EQ(with_fields("noise\r\n"), 400);
  EXPECT_EQ(with_fields("X(y): a\r\n"), 400);
}

TEST(request_head, control_bytes_are_refused_anywhere) {
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool control = (c < 0x20 && c != '\t') || c == 0x7F;
    if (c == '\r' || c == '\n') continue;
    EXPECT_EQ(with_fields(std::string("X: a") + byte + "b\r\n"), control ? 400 : 0) << c;
    const bool target_ok = c > 0x20 && c < 0x7F && c != '#';
    EXPECT_EQ(verdict(std::string("GET /a") + byte + "b HTTP/1.1\r\nHost: h\r\n\r\n"),
              target_ok ? 0 : 400)
        << c;
  }
}

TEST(request_head, a_request_line_of_another_shape_is_refused) {
  for (const auto* line : {"GET /", "GET", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1",
                           "G(T / HTTP/1.1", "GET / http/1.1", "GET / HTTP/11", "GET a HTTP/1.1",
                           "GET * HTTP/1.1", "GET ftp://h/ HTTP/1.1", "/ HTTP/1.1"})
    EXPECT_EQ(verdict(std::string(line) + "\r\nHost: h\r\n\r\n"), 400) << line;
}

TEST(request_head, other_versions_are_refused_with_505) {
  EXPECT_EQ(verdict("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(verdict("GET / HTTP/0.9\r\nHost: h\r\n\r\n"), 505);
}

TEST(request_head, connect_is_not_served) {
  EXPECT_EQ(verdict("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"), 501);
}

TEST(request_head, the_absolute_form_outranks_host) {
  RequestHead head;
  ASSERT_EQ(verdict("GET http://other:81/x HTTP/1.1\r\nHost: h\r\n\r\n", &head), 0);
  EXPECT_EQ(head.request.authority, "other:81");
  EXPECT_EQ(head.request.target, "/x");
}

TEST(request_head, options_may_ask_about_the_server_as_a_whole) {
  EXPECT_EQ(verdict("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
}

TEST(request_head, limits_hold) {
  EXPECT_EQ(with_fields("X: " + std::string(17000, 'a') + "\r\n"), 431);
  EXPECT_EQ(verdict("GET /" + std::string(8192, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"), 414);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "a: b\r\n";
  EXPECT_EQ(with_fields(many), 431);
  EXPECT_EQ(verdict(std::string(20000, 'a')), 431);
}

TEST(request_head, keep_alive_follows_version_and_connection) {
  const auto keeps = [](const std::string& version, const std::string& fields) {
    RequestHead head;
    EXPECT_EQ(verdict("GET / HTTP/" + version + "\r\nHost: h\r\n" + fields + "\r\n", &head), 0);
    return head.keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.1", "Connection: foo, Close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: keep-alive\r\n"));
}

TEST(request_head, an_unknown_expectation_is_refused) {
  RequestHead head;
  EXPECT_EQ(
      verdict("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
              &head),
      0);
  EXPECT_TRUE(head.expects_continue);
  EXPECT_EQ(with_fields("Expect: more\r\n"), 417);
}

TEST(request_head, transfer_encoding_in_http_1_0_is_refused) {
  EXPECT_EQ(verdict("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

RC_GTEST_PROP(request_head, every_strict_prefix_is_incomplete, ()) {
  const std::string text =
      "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX-Name: value\r\n\r\n";
  RC_ASSERT(verdict(text.substr(0, *rc::gen::inRange<std::size_t>(0, text.size()))) == -1);
}

RC_GTEST_PROP(request_head, what_is_written_is_read_back, (const std::string& body)) {
  Request request{.method = "PUT",
                  .scheme = {},
                  .authority = "host:81",
                  .target = "/a?b",
                  .headers = {{"x-a", "1"}},
                  .body = body,
                  .peer = {}};
  std::string text;
  RC_ASSERT(append_request(text, request).has_value());
  HeadFinder finder;
  const auto found = finder.find(text, 16384);
  RC_ASSERT(found.has_value() && *found > 0);
  RequestHead head;
  RC_ASSERT(parse_request_head(text.substr(0, *found), {}, head).has_value());
  RC_ASSERT(head.request.method == "PUT");
  RC_ASSERT(head.request.authority == "host:81");
  RC_ASSERT(head.request.headers.find("x-a") == "1");
  RC_ASSERT(head.content_length == body.size());
  RC_ASSERT(text.substr(*found) == body);
}

// ---- responses --------------------------------------------------------------------------------

int response_verdict(const std::string& text, const std::string& method, ResponseHead& head) {
  head = {};
  const auto parsed = parse_response_head(text, {}, method, head);
  return parsed ? 0 : parsed.error().status;
}

TEST(response_head, the_body_is_delimited_by_method_status_and_fields) {
  ResponseHead head;
  ASSERT_EQ(response_verdict("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", head), 0);
  EXPECT_EQ(head.framing, Framing::length);
  ASSERT_EQ(response_verdict("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", head), 0);
  EXPECT_EQ(head.framing, Framing::none);
  ASSERT_EQ(response_verdict("HTTP/1.1 204 No Content\r\n\r\n", "GET", head), 0);
  EXPECT_EQ(head.framing, Framing::none);
  ASSERT_EQ(response_verdict("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", head), 0);
  EXPECT_EQ(head.framing, Framing::chunked);
  ASSERT_EQ(response_verdict("HTTP/1.1 200 OK\r\n\r\n", "GET", head), 0);
  EXPECT_EQ(head.framing, Framing::until_close);
  EXPECT_FALSE(head.keep_alive);
}

TEST(response_head, nonsense_is_refused) {
  ResponseHead head;
  for (const auto* text :
       {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 600 x\r\n\r\n",
        "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.1\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nnoise\r\n\r\n"})
    EXPECT_NE(response_verdict(text, "GET", head), 0) << text;
}

// ---- chunks -----------------------------------------------------------------------------------

/// Feeds `text` in slices; the status of the refusal, 0 when done, -1 when more is awaited.
int decode(const std::string& text, std::string& body, std::size_t slice = 1000,
           std::size_t most = 1000) {
  ChunkedDecoder decoder;
  body.clear();
  for (std::size_t at = 0; at < text.size(); at += slice) {
    const auto step = decoder.decode(std::string_view(text).substr(at, slice), body, most);
    if (!step) return step.error().status;
    if (step->done) return 0;
  }
  return -1;
}

TEST(chunked, is_joined_whatever_the_slices) {
  const std::string text = "3;ext=\"v\"\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  for (std::size_t slice = 1; slice <= text.size(); ++slice) {
    std::string body;
    EXPECT_EQ(decode(text, body, slice), 0);
    EXPECT_EQ(body, "abc0123456789");
  }
}

TEST(chunked, nonsense_is_refused) {
  std::string body;
  for (const auto* text :
       {"\r\n", "g\r\n", " 3\r\nabc\r\n", "3 \r\nabc\r\n", "3\nabc\r\n", "3\r\nabcd\r\n",
        "3\r\nabc\n", "-1\r\n", "0x3\r\n", "000000003\r\n", "3;\x01\r\n", "0\r\nno colon\r\n",
        "0\r\n: x\r\n", "0\r\nx\n", "3\r\nabc\r\n0\r\n\rx"})
    EXPECT_EQ(decode(text, body), 400) << text;
}

TEST(chunked, limits_hold) {
  std::string body;
  EXPECT_EQ(decode("FFFFFFFF\r\n", body), 413);
  EXPECT_EQ(decode("3e8\r\n" + std::string(1000, 'a') + "\r\n1\r\na\r\n", body, 5000), 413);
  EXPECT_EQ(decode("1;" + std::string(300, 'a') + "\r\n", body), 400);
  EXPECT_EQ(decode("0\r\nx: " + std::string(5000, 'a') + "\r\n\r\n", body, 6000), 431);
  std::string extensions;
  for (int i = 0; i < 100; ++i) extensions += "1;" + std::string(100, 'e') + "\r\na\r\n";
  EXPECT_EQ(decode(extensions, body, 20000), 400);
}

// ---- writing ----------------------------------------------------------------------------------

TEST(response_text, framing_is_ours_and_invalid_fields_are_left_out) {
  std::string out;
  append_response(out,
                  {200,
                   {{"content-length", "99"},
                    {"transfer-encoding", "chunked"},
                    {"x", "a\r\nb: c"},
                    {"bad name", "v"},
                    {"y", "z"}},
                   "hi"},
                  {});
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\ny: z\r\ncontent-length: 2\r\n\r\nhi");
}

TEST(response_text, no_content_has_neither_length_nor_body) {
  std::string out;
  append_response(out, {204, {}, "ignored"}, {.date = "D", .close = true});
  EXPECT_EQ(out, "HTTP/1.1 204 No Content\r\ndate: D\r\nconnection: close\r\n\r\n");
}

}  // namespace
}  // namespace lobo::http::h1
