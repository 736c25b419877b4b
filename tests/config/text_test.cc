#include "config/text.h"

#include "config/glob.h"
#include "config/resolve.h"
#include "config/yaml_reader.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

TEST(bytes, reads_what_prometheus_reads) {
  const std::pair<std::string_view, uint64_t> good[] = {{"0", 0},
                                                        {"0B", 0},
                                                        {"1B", 1},
                                                        {"10KB", 10240},
                                                        {"1KiB", 1024},
                                                        {"1.5MB", 1572864},
                                                        {"1GB", 1u << 30},
                                                        {"1GB512MB", 1610612736},
                                                        {"512MiB", 512u << 20},
                                                        {"1TB", 1ULL << 40},
                                                        {"1PB", 1ULL << 50},
                                                        {"1EB", 1ULL << 60}};
  for (const auto& [text, bytes] : good) {
    const auto r = parse_bytes(text);
    ASSERT_TRUE(r.ok()) << text << ": " << r.error().message();
    EXPECT_EQ(*r, bytes) << text;
  }
  for (const auto text : {"", "1", "MB", "1XB", "-1MB", "1 MB", "1.2.3MB", "9999EB", "1e3MB"})
    EXPECT_FALSE(parse_bytes(text).ok()) << text;
  EXPECT_EQ(parse_bytes("100").error().message(),
            "not a valid size: \"100\": missing unit (B, KB, MB, GB, TB, PB, EB)");
}

TEST(bytes, prints_what_it_reads) {
  EXPECT_EQ(format_bytes(0), "0B");
  EXPECT_EQ(format_bytes(512), "512B");
  EXPECT_EQ(format_bytes(64u << 20), "64MiB");
  EXPECT_EQ(format_bytes((1u << 20) + 1024), "1MiB1KiB");
  for (const uint64_t n : {1ULL, 1023ULL, 123456789ULL, 1ULL << 62})
    EXPECT_EQ(*parse_bytes(format_bytes(n)), n);
}

TEST(urls, are_masked) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"http://a.b/c", "http://a.b/c"},
      {"http://user:pw@a.b:1/c", "http://xxxxx:xxxxx@a.b:1/c"},
      {"http://token@a.b", "http://xxxxx@a.b"},
      {"http://u:p@q@a.b/", "http://xxxxx:xxxxx@a.b/"},
      {"http://a/b?key=secret&x=y#f", "http://a/b?key=xxxxx&x=xxxxx#f"},
      {"http://a/b?flag&k=a=b", "http://a/b?flag&k=xxxxx"},
      {"http://a/mail@b", "http://a/mail@b"},
      {"user:pw@host:9090", "xxxxx:xxxxx@host:9090"},
      {"", ""}};
  for (const auto& [url, masked] : cases)
    EXPECT_EQ(mask_url(url), masked) << url;
}

TEST(urls, are_checked) {
  for (const auto url : {"http://a", "https://a:1/b?c=d", "HTTP://u:p@a/"})
    EXPECT_TRUE(check_url(url).ok()) << url;
  EXPECT_EQ(check_url("a/b").message(), "must be an absolute URL");
  EXPECT_EQ(check_url("ftp://a").message(), "scheme must be 'http' or 'https'");
  EXPECT_EQ(check_url("http:///b").message(), "host is missing");
  EXPECT_EQ(check_url("http://:80/").message(), "host is missing");
  EXPECT_EQ(check_url("http://a b").message(), "must not hold spaces or control characters");
}

TEST(paths, are_joined_with_the_folder) {
  EXPECT_EQ(join_folder("/etc/p", "rules/*.yml"), "/etc/p/rules/*.yml");
  EXPECT_EQ(join_folder("/etc/p", "/abs/x"), "/abs/x");
  EXPECT_EQ(join_folder("/etc/p", "../x"), "/etc/x");
  EXPECT_EQ(join_folder(".", "x"), "x");
  EXPECT_EQ(join_folder("/etc", ""), "");
  EXPECT_EQ(folder_of("a/b.yml"), "a");
  EXPECT_EQ(folder_of("/b.yml"), "/");
  EXPECT_EQ(folder_of("b.yml"), ".");
}

TEST(names, follow_the_scheme) {
  EXPECT_TRUE(is_label_name("job", false));
  EXPECT_TRUE(is_label_name("http.status", true));
  EXPECT_FALSE(is_label_name("http.status", false));
  EXPECT_FALSE(is_label_name("1a", false));
  EXPECT_FALSE(is_label_name("", true));
  EXPECT_FALSE(is_label_name("\xff", true));
  EXPECT_TRUE(is_legacy_metric_name("job:up:sum"));
  EXPECT_FALSE(is_legacy_label_name("job:up"));
}

TEST(yaml_scalars, follow_yaml_1_1) {
  bool b = false;
  for (const auto yes : {"true", "True", "TRUE", "yes", "on", "y"})
    EXPECT_TRUE(parse_yaml_bool(yes, b) && b) << yes;
  for (const auto no : {"false", "No", "OFF", "n"})
    EXPECT_TRUE(parse_yaml_bool(no, b) && !b) << no;
  for (const auto junk : {"", "tRuE", "1", "enabled"})
    EXPECT_FALSE(parse_yaml_bool(junk, b)) << junk;
  int64_t i = 0;
  const std::pair<std::string_view, int64_t> integers[] = {
      {"0", 0},    {"-5", -5},   {"+7", 7},   {"1_000", 1000}, {"0x1f", 31},
      {"0b11", 3}, {"0o17", 15}, {"017", 15}, {"1e3", 1000},   {"5.0", 5}};
  for (const auto& [text, value] : integers)
    EXPECT_TRUE(parse_yaml_int(text, i) && i == value) << text;
  for (const auto junk : {"", "x", "1.5", "0x", "99999999999999999999", "--1", "1e99"})
    EXPECT_FALSE(parse_yaml_int(junk, i)) << junk;
  double d = 0;
  EXPECT_TRUE(parse_yaml_number(".5", d) && d == 0.5);
  EXPECT_TRUE(parse_yaml_number("-.inf", d) && d < 0);
  EXPECT_FALSE(parse_yaml_number("infinity", d));
  EXPECT_FALSE(parse_yaml_number("1x", d));
}

TEST(globs, match_names) {
  const std::tuple<std::string_view, std::string_view, bool> cases[] = {
      {"*.yml", "a.yml", true},  {"*.yml", "a.yaml", false},
      {"a?c", "abc", true},      {"[a-c]x", "bx", true},
      {"[^a-c]x", "bx", false},  {"[ab", "[ab", true},
      {"*a*b*", "xaxxbx", true}, {"*a*b*", "xbxa", false},
      {"\\*", "*", true},        {"\\*", "a", false},
      {"*", "", true},           {"", "", true}};
  for (const auto& [pattern, name, matches] : cases)
    EXPECT_EQ(matches_glob(pattern, name), matches) << pattern << " " << name;
  // Linear steps, not exponential.
  std::string stars;
  for (int i = 0; i < 50; ++i)
    stars += "a*";
  EXPECT_FALSE(matches_glob(stars + "b", std::string(2000, 'a')));
}

TEST(globs, find_files) {
  support::sim_file_system fs(1);
  for (const auto dir : {"/e", "/e/r1", "/e/r2"})
    ASSERT_TRUE(fs.create_directories(dir).ok());
  for (const auto file : {"/e/b.yml", "/e/a.yml", "/e/c.txt", "/e/r1/x.yml", "/e/r2/y.yml"})
    fs.put(file, "x");
  using list = std::vector<std::string>;
  EXPECT_EQ(*glob(fs, "/e/*.yml"), (list{"/e/a.yml", "/e/b.yml"}));
  EXPECT_EQ(*glob(fs, "/e/r?/*.yml"), (list{"/e/r1/x.yml", "/e/r2/y.yml"}));
  EXPECT_EQ(*glob(fs, "/e/a.yml"), (list{"/e/a.yml"}));
  EXPECT_EQ(*glob(fs, "/e/none.yml"), list{});
  EXPECT_EQ(*glob(fs, "/none/*.yml"), list{});
}

TEST(variables, expand_as_in_go) {
  const auto environment = [](const std::string& name) {
    return name == "HOST" ? std::string("h1") : std::string();
  };
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"$HOST-x", "h1-x"}, {"${HOST}2", "h12"}, {"a$$b", "a$b"},    {"$", "$"},
      {"a$ b", "a$ b"},    {"${}x", "x"},       {"${HOST", "HOST"}, {"$NONE.", "."}};
  for (const auto& [text, expanded] : cases) {
    std::vector<std::string> missing;
    EXPECT_EQ(expand_variables(text, environment, missing), expanded) << text;
    EXPECT_EQ(missing.size(), text.starts_with("$NONE") ? 1u : 0u) << text;
  }
}

}  // namespace
}  // namespace troupe::config
