#include "pipeline/http/url.h"

#include "pipeline/http/base64.h"
#include "pipeline/http/header_text.h"

#include <gtest/gtest.h>

namespace troupe::http {
namespace {

url parsed(const std::string& text) {
  auto got = parse_url(text);
  EXPECT_TRUE(got.ok()) << got.error().to_string();
  return got.ok() ? *got : url{};
}

TEST(UrlTest, SplitsAnUrl) {
  url u = parsed("HTTP://us%65r:p%40ss@Example.ORG:9090/a%20b/c?x=1&y=%26#frag");
  EXPECT_EQ(u.scheme, "http");
  EXPECT_EQ(u.user, "user");
  EXPECT_EQ(u.password, "p@ss");
  EXPECT_EQ(u.host, "example.org");
  EXPECT_EQ(u.port, 9090);
  EXPECT_EQ(u.target(), "/a%20b/c?x=1&y=%26");
  EXPECT_EQ(u.text(), "http://example.org:9090/a%20b/c?x=1&y=%26");
}

TEST(UrlTest, FillsInDefaults) {
  EXPECT_EQ(parsed("https://h").port, 443);
  EXPECT_EQ(parsed("http://h?q").target(), "/?q");
  EXPECT_EQ(parsed("http://h:80/x").authority(), "h");
  EXPECT_EQ(parsed("https://h:80/x").authority(), "h:80");
  EXPECT_EQ(parsed("http://[::1]:9100/metrics").host, "::1");
  EXPECT_EQ(parsed("http://[::1]:9100/metrics").authority(), "[::1]:9100");
}

TEST(UrlTest, EscapesWhatPeopleWrite) {
  EXPECT_EQ(parsed("http://h/a b?m[]={x=\"y\"}|z&p=100%").target(),
            "/a%20b?m%5B%5D=%7Bx=%22y%22%7D%7Cz&p=100%25");
}

TEST(UrlTest, RefusesWhatIsNoHttpUrl) {
  for (std::string bad :
       {"", "h", "/path", "ftp://h/", "file:///etc/passwd", "http://", "http:///x", "http://h:0/",
        "http://h:99999/", "http://h:x/", "http://[::1/", "http://a\r\nb/", "javascript:alert(1)",
        "http://a%3f/e", "http://a%2fb/", "http://a%40b/", "http://a%3a1/"}) {
    EXPECT_EQ(parse_url(bad).code(), errc::invalid_argument) << bad;
  }
  EXPECT_FALSE(parse_url("http://h/" + std::string(70'000, 'x')).ok());
  auto failed = parse_url("ftp://user:canary@h/");
  EXPECT_EQ(failed.error().message().find("canary"), std::string::npos);
}

TEST(UrlTest, ResolvesReferences) {
  url base = parsed("http://u:p@h:9/a/b?q=1");
  EXPECT_EQ(resolve_url(base, "c")->text(), "http://h:9/a/c");
  EXPECT_EQ(resolve_url(base, "../c?d")->text(), "http://h:9/c?d");
  EXPECT_EQ(resolve_url(base, "/x")->text(), "http://h:9/x");
  EXPECT_EQ(resolve_url(base, "//other/x")->text(), "http://other/x");
  EXPECT_EQ(resolve_url(base, "https://h/")->text(), "https://h/");
  EXPECT_FALSE(resolve_url(base, "ftp://h/").ok());
  EXPECT_TRUE(same_origin(base, *resolve_url(base, "/x")));
  EXPECT_FALSE(same_origin(base, *resolve_url(base, "//other:9/x")));
  EXPECT_FALSE(same_origin(base, *resolve_url(base, "//h:8/x")));
  EXPECT_FALSE(same_origin(base, *resolve_url(base, "https://h:9/x")));
}

TEST(UrlTest, CodesPercentAndForms) {
  EXPECT_EQ(*percent_decode("a%2Fb+c%e2%82%ac"), "a/b+c\xe2\x82\xac");
  EXPECT_EQ(*percent_decode("a+b", true), "a b");
  for (std::string bad : {"%", "%1", "%g0", "a%0"})
    EXPECT_FALSE(percent_decode(bad).ok()) << bad;
  EXPECT_EQ(percent_encode("a/b c~_-.\xff"), "a%2Fb%20c~_-.%FF");
  params form = {{"match[]", "{a=\"b&c\"}"}, {"x", ""}, {"x", "1+1"}};
  EXPECT_EQ(*parse_form(encode_form(form)), form);
  EXPECT_EQ(*parse_form("&&a&=b&c=d=e"), (params{{"a", ""}, {"", "b"}, {"c", "d=e"}}));
  EXPECT_EQ(parse_form("a&b&c", 2).code(), errc::resource_exhausted);
}

TEST(UrlTest, NormalisesPaths) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "/"},          {"/", "/"},          {"//", "/"},        {"/a//b/", "/a/b/"},
      {"/a/./b", "/a/b"}, {"/a/../b", "/b"},   {"/../../a", "/a"}, {"/a/..", "/"},
      {"/a/b/..", "/a/"}, {"/a/b/.", "/a/b/"}, {"/...", "/..."},   {"/a/..b", "/a/..b"},
  };
  for (const auto& [from, expected] : cases)
    EXPECT_EQ(normalise_path(from), expected) << from;
  EXPECT_EQ(parse_request_target("/a%2e%2e/%2E%2e/b?x=%2e#f")->path, "/b");
  EXPECT_EQ(parse_request_target("http://h")->path, "/");
  EXPECT_FALSE(parse_request_target("h:443").ok());
  EXPECT_FALSE(parse_request_target("/%0a").ok());
  EXPECT_FALSE(parse_request_target("").ok());
}

TEST(HeaderTextTest, ReadsLists) {
  EXPECT_TRUE(list_contains("a, Keep-Alive ,b", "keep-alive"));
  EXPECT_FALSE(list_contains("keep-alive-not", "keep-alive"));
  EXPECT_TRUE(accepts_gzip("deflate, gzip;q=0.5"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0.000, *"));
  EXPECT_FALSE(accepts_gzip("*;q=0"));
  EXPECT_FALSE(accepts_gzip(""));
  EXPECT_FALSE(valid_header_value("a\r\nb"));
  EXPECT_FALSE(valid_header_name("a b"));
}

TEST(HeaderTextTest, CodesBase64) {
  for (std::string s : {"", "f", "fo", "foo", "foob", "fooba", "foobar"})
    EXPECT_EQ(*base64_decode(base64_encode(s)), s);
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  for (std::string bad : {"Z", "Zg", "Zg=", "Zh==", "Z===", "====", "Zm9v!m9v", "Zg==Zg=="})
    EXPECT_FALSE(base64_decode(bad).ok()) << bad;
}

}  // namespace
}  // namespace troupe::http
