#include "wire/http/url.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "base/result.hpp"
#include "wire/http/media_type.hpp"
#include "wire/http/message.hpp"
#include "wire/http/redirect.hpp"

namespace lobo::http {
namespace {

TEST(url, its_parts_are_read) {
  const auto url = parse_url("HTTPS://Example.ORG:8443/a/b%20c?d=e&f");
  ASSERT_TRUE(url);
  EXPECT_EQ(*url, (Url{"https", "example.org", 8443, "/a/b%20c?d=e&f"}));
  EXPECT_EQ(url->origin(), "https://example.org:8443");
}

TEST(url, defaults_are_filled_in) {
  EXPECT_EQ(parse_url("http://a"), (Url{"http", "a", 80, "/"}));
  EXPECT_EQ(parse_url("https://a?x"), (Url{"https", "a", 443, "/?x"}));
  EXPECT_EQ(parse_url("https://a:443/")->authority(), "a");
}

TEST(url, an_ipv6_literal_keeps_its_brackets_in_the_authority) {
  const auto url = parse_url("http://[::1]:8080/");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->authority(), "[::1]:8080");
}

TEST(url, what_readers_could_understand_differently_is_refused) {
  for (const auto* text : {"",
                           "a",
                           "/a",
                           "ftp://a/",
                           "file:///etc/passwd",
                           "http:/a",
                           "http://",
                           "http:///a",
                           "http://user@a/",
                           "http://user:pw@a/",
                           "http://a/#f",
                           "http://a#f",
                           "http://a:0/",
                           "http://a:99999/",
                           "http://a:/",
                           "http://a:80:80/",
                           "http://a b/",
                           "http://a/b c",
                           "http://a/\n",
                           "http://a\\b/",
                           "http://a/%",
                           "http://a/%4",
                           "http://a/%zz",
                           "http://a/\x80",
                           "http://[::1/",
                           "http://[::1]x/",
                           "http://[::ffff:127.0.0.1%25lo]/",
                           "http://a..b/",
                           "http://.a/",
                           "http://%61/",
                           "http://a/\"",
                           "http://a/<",
                           "http://\xC3\xA4/",
                           "javascript://a/"})
    EXPECT_FALSE(parse_url(text)) << text;
}

TEST(url, hosts_that_are_numbers_in_disguise_are_refused) {
  for (const auto* host : {"2130706433", "127.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001",
                           "127.0.0.01", "1.2.3.4.5", "256.0.0.1", "127.0.0.1.", "a.1"})
    EXPECT_FALSE(parse_url(std::string("http://") + host + "/")) << host;
  EXPECT_TRUE(parse_url("http://127.0.0.1/"));
  EXPECT_TRUE(parse_url("http://1a.example/"));
}

TEST(url, one_that_is_too_long_is_refused) {
  EXPECT_EQ(parse_url("http://a/" + std::string(9000, 'b')).error().code, Errc::too_large);
}

TEST(target, is_split_at_the_first_question_mark) {
  EXPECT_EQ(split_target("/a?b?c").path, "/a");
  EXPECT_EQ(split_target("/a?b?c").query, "b?c");
  EXPECT_EQ(split_target("/a").query, "");
}

RC_GTEST_PROP(percent, decoding_undoes_encoding, (const std::string& text)) {
  RC_PRE(text.find('\0') == std::string::npos);
  RC_ASSERT(percent_decode(percent_encode(text)) == text);
}

TEST(percent, bad_encoding_and_nul_are_refused) {
  for (const auto* text : {"%", "a%2", "%2", "%G0", "%0G", "%00"})
    EXPECT_FALSE(percent_decode(text)) << text;
}

TEST(query, parameters_keep_their_order_and_are_decoded) {
  EXPECT_EQ(parse_query("b=1&a=%7B%22x%22%7D&c&&d=a+b"),
            (QueryParameters{{"b", "1"}, {"a", "{\"x\"}"}, {"c", ""}, {"d", "a+b"}}));
  EXPECT_EQ(parse_query(""), QueryParameters{});
}

TEST(query, a_fault_names_its_parameter) {
  const auto twice = parse_query("a=1&a=2");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().faults.front().where, "query:a");
  EXPECT_FALSE(parse_query("a=%zz"));
  EXPECT_FALSE(parse_query("=x"));
  std::string many = "a0=1";
  for (int i = 1; i < 70; ++i) many += "&a" + std::to_string(i) + "=1";
  EXPECT_EQ(parse_query(many).error().code, Errc::too_large);
}

TEST(media_type, case_and_parameters_do_not_matter) {
  EXPECT_TRUE(is_media_type("application/json", "application/json"));
  EXPECT_TRUE(is_media_type(" Application/JSON ; charset=\"UTF-8\"", "application/json"));
  EXPECT_FALSE(is_media_type("application/json; charset=latin1", "application/json"));
  EXPECT_FALSE(is_media_type("application/jsonp", "application/json"));
  EXPECT_FALSE(is_media_type("", "application/json"));
}

TEST(accept, the_most_exact_range_decides) {
  EXPECT_TRUE(accepts("", "application/json"));
  EXPECT_TRUE(accepts("*/*", "application/json"));
  EXPECT_TRUE(accepts("text/html, application/*;q=0.5", "application/json"));
  EXPECT_FALSE(accepts("text/html", "application/json"));
  EXPECT_FALSE(accepts("*/*, application/json;q=0", "application/json"));
  EXPECT_TRUE(accepts("*/*;q=0, application/json;q=0.001", "application/json"));
}

Result<Url> redirect(int status, const std::string& location, const std::string& scheme = "http") {
  const Request request{.method = "POST",
                        .scheme = scheme,
                        .authority = "a:81",
                        .target = "/x?y",
                        .headers = {},
                        .body = {},
                        .peer = {}};
  Response response{status, {}, {}};
  if (!location.empty()) response.headers.add("location", location);
  return redirect_target(request, response);
}

TEST(redirect, absolute_and_path_locations_lead_on) {
  EXPECT_EQ(redirect(307, "http://b:82/z")->text(), "http://b:82/z");
  EXPECT_EQ(redirect(308, "/z")->text(), "http://a:81/z");
  EXPECT_EQ(redirect(308, "//c/z")->text(), "http://c/z");
  EXPECT_EQ(redirect(308, "?q")->text(), "http://a:81/x?q");
}

TEST(redirect, from_https_to_http_is_refused) {
  EXPECT_EQ(redirect(307, "http://b/", "https").error().code, Errc::not_allowed);
  EXPECT_TRUE(redirect(307, "https://b/", "http"));
}

TEST(redirect, other_statuses_and_bad_locations_are_refused) {
  EXPECT_FALSE(redirect(302, "/z"));
  EXPECT_FALSE(redirect(307, ""));
  EXPECT_FALSE(redirect(307, "http://user@b/"));
  EXPECT_FALSE(redirect(307, "z"));
}

}  // namespace
}  // namespace lobo::http
