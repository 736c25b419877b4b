// Every example loads, full.yml really has every key, and the unit file is one that systemd takes.
#include "config/check.h"
#include "config/flags.h"
#include "config/schema.h"
#include "config/sd_kinds.h"
#include "config/yaml.h"
#include "tests/config/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace troupe::config {
namespace {

using ::testing::ElementsAre;

std::string folder() {
  return std::string(TROUPE_SOURCE_DIR) + "/config/examples";
}

loaded_config load_example(const std::string& name) {
  const auto fs = make_posix_file_system();
  return load_config(*fs, folder() + "/" + name, no_environment());
}

TEST(examples, all_load) {
  std::vector<std::string> names;
  for (const auto& e : std::filesystem::directory_iterator(folder()))
    if (e.is_regular_file())
      names.push_back(e.path().filename());
  std::sort(names.begin(), names.end());
  EXPECT_THAT(names, ElementsAre("default.yml", "federation.yml", "full.yml", "ha_pair_a.yml",
                                 "ha_pair_b.yml", "hashmod_shard.yml", "minimal.yml", "troupe.yml",
                                 "web.yml"));
  for (const auto& n : names) {
    if (n == "web.yml" || n == "troupe.yml")
      continue;
    const auto loaded = load_example(n);
    EXPECT_NE(loaded.value, nullptr) << n << "\n" << join(loaded.errors);
  }
  const auto fs = make_posix_file_system();
  const auto web = load_web_config(*fs, folder() + "/web.yml");
  EXPECT_TRUE(web.ok()) << web.error().message();
}

TEST(examples, troupes_own_file_has_flags_and_every_block) {
  const auto fs = make_posix_file_system();
  const auto file = folder() + "/troupe.yml";
  const auto flags = parse_command_line({"--troupe.config.file=" + file}, *fs);
  EXPECT_EQ(flags.run, command_line::command::serve) << flags.err;
  auto options = no_environment();
  options.own_file = file;
  const auto loaded = parse_config("", "c.yml", *fs, options);
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  yaml_node root;
  diagnostics errors;
  ASSERT_TRUE(parse_yaml(*read_file(*fs, file), file, {}, root, errors));
  for (const auto block : own_block_names())
    EXPECT_TRUE(std::any_of(root.members.begin(), root.members.end(), [&](const auto& m) {
      return m.key == block;
    })) << block;
}

TEST(examples, federation_by_scraping_and_by_subscription_take_the_same) {
  const auto fs = make_posix_file_system();
  for (const std::string pattern : {"geographic", "environment", "team"}) {
    const auto scraped = load_example("federation/" + pattern + "_scrape.yml");
    ASSERT_NE(scraped.value, nullptr) << join(scraped.errors);
    auto options = no_environment();
    options.own_file = folder() + "/federation/" + pattern + "_stage.yml";
    const auto subscribed = parse_config("", "c.yml", *fs, options);
    ASSERT_NE(subscribed.value, nullptr) << join(subscribed.errors);
    std::set<std::string> pulled, taken;
    for (const auto& j : scraped.value->scrape_configs)
      if (j.metrics_path == "/federate") {
        EXPECT_TRUE(j.honor_labels);
        pulled.insert(j.params.at("match[]").begin(), j.params.at("match[]").end());
      }
    for (const auto& s : subscribed.value->own.federation)
      taken.insert(s.match.begin(), s.match.end());
    EXPECT_EQ(pulled, taken) << pattern;
  }
}

TEST(examples, the_default_is_what_is_embedded) {
  const auto fs = make_posix_file_system();
  EXPECT_EQ(*read_file(*fs, folder() + "/default.yml"), embedded_config("0.0.0.0:9090"));
}

TEST(examples, the_ha_pair_differs_in_the_replica_only) {
  auto a = *load_example("ha_pair_a.yml").value;
  auto b = *load_example("ha_pair_b.yml").value;
  EXPECT_EQ(a.global.external_labels.at("replica"), "a");
  EXPECT_EQ(b.global.external_labels.at("replica"), "b");
  b.global.external_labels["replica"] = "a";
  EXPECT_EQ(a.global, b.global);
  EXPECT_EQ(a.scrape_configs, b.scrape_configs);
  EXPECT_EQ(a.alerting, b.alerting);
}

TEST(examples, federation_keeps_labels_and_matches) {
  const auto c = load_example("federation.yml").value;
  const auto& j = c->scrape_configs.at(0);
  EXPECT_TRUE(j.honor_labels);
  EXPECT_EQ(j.metrics_path, "/federate");
  EXPECT_THAT(j.params.at("match[]"), ElementsAre("{job=\"node\"}", "{__name__=~\"job:.+\"}"));
}

TEST(examples, the_shard_hashes_addresses) {
  const auto c = load_example("hashmod_shard.yml").value;
  const auto& rules = c->scrape_configs.at(0).relabel_configs;
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].action, relabel_action::hashmod);
  EXPECT_EQ(rules[0].modulus, 4u);
  EXPECT_EQ(rules[1].action, relabel_action::keep);
}

TEST(examples, full_reads_rules_and_jobs) {
  const auto c = load_example("full.yml").value;
  ASSERT_NE(c, nullptr);
  ASSERT_EQ(c->rule_groups.size(), 1u);
  EXPECT_EQ(c->rule_groups[0].rules.size(), 2u);
  EXPECT_EQ(c->scrape_configs.back().job_name, "blackbox");
  EXPECT_EQ(c->scrape_configs.back().source_file, folder() + "/jobs/blackbox.yml");
  // Each inert mechanism is in it.
  std::set<std::string> kinds;
  for (const auto& j : c->scrape_configs)
    for (const auto& i : j.discovery.inert)
      kinds.insert(i.kind);
  EXPECT_EQ(kinds.size(), inert_sd_kinds().size());
}

// Notes the path of every key that a description names, as "scrape_configs[].job_name".
class key_lister final : public fields {
 public:
  std::set<std::string> keys;

  bool reading() const override { return true; }
  bool has(std::string_view) const override { return true; }
  void invalid(std::string_view, std::string) override {}
  void display(std::string_view, const display_value&) override {}
  void text(std::string_view key, std::string&, shown, when) override { note(key); }
  void secret_text(std::string_view key, secret&) override { note(key); }
  void url(std::string_view key, std::string&) override { note(key); }
  void path(std::string_view key, std::string&) override { note(key); }
  void flag(std::string_view key, bool&, when) override { note(key); }
  void integer(std::string_view key, int64_t&, when) override { note(key); }
  void count(std::string_view key, uint64_t&, when) override { note(key); }
  void number(std::string_view key, double&, when) override { note(key); }
  void duration(std::string_view key, int64_t&, when) override { note(key); }
  void bytes(std::string_view key, uint64_t&, when) override { note(key); }
  void texts(std::string_view key, std::vector<std::string>&, shown) override { note(key); }
  void paths(std::string_view key, std::vector<std::string>&) override { note(key); }
  void secrets(std::string_view key, std::vector<secret>&) override { note(key); }
  void text_map(std::string_view key, std::map<std::string, std::string>&, shown) override {
    note(key);
  }
  void secret_map(std::string_view key, std::map<std::string, secret>&) override { note(key); }
  void texts_map(std::string_view key, std::map<std::string, std::vector<std::string>>&,
                 shown) override {
    note(key);
  }
  void secrets_map(std::string_view key, std::map<std::string, std::vector<secret>>&) override {
    note(key);
  }
  void pick(std::string_view key, size_t&, std::span<const std::string_view>, when, bool) override {
    note(key);
  }
  void picks(std::string_view key, std::vector<size_t>&,
             std::span<const std::string_view>) override {
    note(key);
  }
  bool enter(std::string_view key, when) override {
    note(key);
    at_.push_back(path(key));
    return true;
  }
  size_t enter_list(std::string_view key, size_t) override {
    enter(key, when::set);
    return 1;
  }
  bool enter_item(size_t) override {
    at_.push_back(at_.back() + "[]");
    return true;
  }
  std::optional<std::vector<std::string>> enter_map(std::string_view key,
                                                    const std::vector<std::string>&) override {
    enter(key, when::set);
    return std::vector<std::string>{"*"};
  }
  void leave() override { at_.pop_back(); }

 private:
  std::string path(std::string_view key) const {
    return at_.back().empty() ? std::string(key) : at_.back() + "." + std::string(key);
  }
  void note(std::string_view key) {
    if (key != "*")
      keys.insert(path(key));
  }
  std::vector<std::string> at_{""};
};

template <class T>
std::set<std::string> keys_of(const std::string& prefix = "") {
  key_lister lister;
  T value;
  if constexpr (std::is_same_v<T, job_draft>)
    value = job_draft{};
  describe(lister, value);
  std::set<std::string> out;
  for (const auto& k : lister.keys)
    out.insert(prefix + k);
  return out;
}

// The same for a document; keys of http_headers stand for each other.
void keys_in(const yaml_node& n, const std::string& path, std::set<std::string>& out) {
  for (const auto& m : n.members) {
    const auto own = (path.empty() ? "" : path + ".") +
                     (path.ends_with("http_headers") ? std::string("*") : m.key);
    out.insert(own);
    keys_in(m.value, own, out);
  }
  for (const auto& i : n.items)
    keys_in(i, path + "[]", out);
}

TEST(examples, full_names_every_key) {
  const auto fs = make_posix_file_system();
  yaml_node root;
  diagnostics errors;
  ASSERT_TRUE(parse_yaml(*read_file(*fs, folder() + "/full.yml"), "full.yml", {}, root, errors));
  std::set<std::string> present;
  keys_in(root, "", present);
  auto required = keys_of<job_draft>("scrape_configs[].");
  for (const auto& more :
       {keys_of<global_config>("global."), keys_of<runtime_config>("runtime."),
        keys_of<storage_config>("storage."), keys_of<alerting_config>("alerting."),
        keys_of<remote_write_config>("remote_write[]."),
        keys_of<remote_read_config>("remote_read[]."), keys_of<otlp_config>("otlp."),
        keys_of<tracing_config>("tracing.")})
    required.insert(more.begin(), more.end());
  // An HTTP client's keys are spelled out once, for a job; other mechanisms only below a job.
  const auto client = keys_of<http_client_config>();
  std::vector<std::string> missing;
  for (const auto& key : required) {
    const auto tail = [&](std::string_view prefix) {
      return key.starts_with(prefix) && client.contains(key.substr(prefix.size()));
    };
    bool elsewhere = tail("alerting.alertmanagers[].") || tail("remote_write[].") ||
                     tail("remote_read[].") || tail("scrape_configs[].http_sd_configs[].");
    const auto sd = key.find("_sd_configs");
    if (sd != std::string::npos && key.starts_with("alerting"))
      elsewhere = true;
    for (const auto& kind : inert_sd_kinds())
      elsewhere =
          elsewhere || tail("scrape_configs[]." + std::string(kind.name) + "_sd_configs[].");
    // TLS inside TLS-only mechanisms is the same block again.
    if (key.find("triton_sd_configs[].tls_config.") != std::string::npos ||
        key.find("openstack_sd_configs[].tls_config.") != std::string::npos ||
        key.starts_with("tracing.tls_config."))
      elsewhere = true;
    // A relabelling rule is the same everywhere.
    if (key.find("relabel_configs[].") != std::string::npos &&
        !key.starts_with("scrape_configs[].relabel_configs[]."))
      elsewhere = true;
    if (!elsewhere && !present.contains(key))
      missing.push_back(key);
  }
  EXPECT_THAT(missing, ElementsAre());
}

TEST(examples, checked_as_files) {
  const auto fs = make_posix_file_system();
  std::string out, err;
  EXPECT_EQ(
      check_config_files({{folder() + "/hashmod_shard.yml", folder() + "/minimal.yml"}, false}, *fs,
                         no_environment(), out, err),
      0)
      << err;
}

TEST(examples, the_unit_file_is_valid) {
  const auto unit = std::string(TROUPE_SOURCE_DIR) + "/config/deploy/troupe.service";
  const auto fs = make_posix_file_system();
  const auto text = read_file(*fs, unit);
  ASSERT_TRUE(text.ok());
  for (const auto line : {"Type=notify", "ExecReload=/bin/kill -HUP $MAINPID",
                          "LimitNOFILE=", "NoNewPrivileges=yes", "ProtectSystem=strict"})
    EXPECT_NE(text->find(line), std::string::npos) << line;
  if (std::system("command -v systemd-analyze >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "systemd-analyze is not installed";
  // The program itself is not installed where tests run.
  auto runnable = *text;
  const std::string program = "/usr/bin/troupe ";
  runnable.replace(runnable.find(program), program.size(), "/bin/true ");
  const auto folder =
      std::filesystem::temp_directory_path() / ("troupe_unit_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto copy = (folder / "troupe.service").string();
  ASSERT_TRUE(write_file_atomically(*fs, copy, runnable).ok());
  EXPECT_EQ(std::system(("systemd-analyze verify " + copy).c_str()), 0);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace troupe::config
