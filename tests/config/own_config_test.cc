// The blocks of --troupe.config.file.
#include "config/load.h"
#include "tests/config/config_fixture.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

loaded_config load_own(std::string_view text) {
  support::sim_file_system fs(1);
  EXPECT_TRUE(fs.create_directories("/e").ok());
  fs.put("/e/t.yml", std::string(text));
  auto options = no_environment();
  options.own_file = "/e/t.yml";
  return parse_config("", "c.yml", fs, options);
}

TEST(own_config, a_source_of_federation) {
  const auto loaded = load_own(
      "troupe.web.max-body: 1MiB\n"
      "federation:\n"
      "- name: east\n"
      "  url: https://east:9090/\n"
      "  match: ['{job=\"node\"}', up]\n"
      "  labels: {region: east}\n"
      "  basic_auth: {username: u, password_file: pw}\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  ASSERT_EQ(loaded.value->own.federation.size(), 1u);
  const auto& s = loaded.value->own.federation[0];
  EXPECT_EQ(s.name, "east");
  EXPECT_EQ(s.match, (std::vector<std::string>{"{job=\"node\"}", "up"}));
  EXPECT_EQ(s.labels.at("region"), "east");
  EXPECT_EQ(s.keep_bytes, 4ull << 30);
  EXPECT_EQ(s.client.basic_auth->password_file, "/e/pw");
}

TEST(own_config, selectors_are_checked) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("/e").ok());
  fs.put("/e/t.yml", "federation: [{name: a, url: 'http://a', match: [up, 'x{']}]\n");
  auto options = no_environment();
  options.own_file = "/e/t.yml";
  options.check_selector = [](std::string_view text) {
    return text == "up" ? status() : status(errc::invalid_argument, "no selector");
  };
  const auto loaded = parse_config("", "c.yml", fs, options);
  EXPECT_EQ(loaded.value, nullptr);
  ASSERT_EQ(loaded.errors.size(), 1u);
  EXPECT_EQ(loaded.errors[0].field, "federation[0].match[1]");
}

TEST(own_config, errors_have_their_place_in_the_file) {
  EXPECT_EQ(join(load_own("federation:\n"
                          "- url: http://a\n"
                          "  match: [up]\n"
                          "- name: b/c\n"
                          "  url: 'x y'\n"
                          "  labels: {'': v}\n"
                          "  more: 1\n")
                     .errors),
            "/e/t.yml:2:3: federation[0]: name for federation is empty\n"
            "/e/t.yml:4:3: federation[1].name: must be at most 80 of a-z A-Z 0-9 - _ .\n"
            "/e/t.yml:4:3: federation[1]: match for federation is empty\n"
            "/e/t.yml:5:3: federation[1].url: must not hold spaces or control characters\n"
            "/e/t.yml:6:12: federation[1].labels[\"\"]: \"\" is not a valid label name\n"
            "/e/t.yml:7:3: federation[1].more: unknown field");
  support::sim_file_system fs(1);
  auto options = no_environment();
  options.own_file = "/e/none.yml";
  EXPECT_EQ(parse_config("", "c.yml", fs, options).value, nullptr);
}

}  // namespace
}  // namespace troupe::config
