#include "pipeline/discover/discovery_manager.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe::http {
// The manager only passes these on; the tests need objects to point at.
class client_settings {};
class endpoint {};
}  // namespace troupe::http

namespace troupe::discover {
namespace {

constexpr int64_t second = 1'000'000'000;

// Files by name in memory; only what file_sd uses does anything.
class memory_files final : public file_system {
 public:
  std::map<std::string, std::string> content;
  std::map<std::string, int> reads;

  result<std::unique_ptr<writable_file>> create(const std::string&) override { return refused(); }
  result<std::unique_ptr<writable_file>> open_append(const std::string&) override {
    return refused();
  }
  result<std::unique_ptr<readable_file>> open_read(const std::string& path) override {
    ++reads[path];
    const auto it = content.find(path);
    if (it == content.end())
      return {errc::not_found, path};
    struct file final : readable_file {
      std::string data;
      status read(uint64_t offset, size_t n, std::string& out) const override {
        out = offset < data.size() ? data.substr(offset, n) : "";
        return {};
      }
      uint64_t size() const override { return data.size(); }
    };
    auto f = std::make_unique<file>();
    f->data = it->second;
    return std::unique_ptr<readable_file>(std::move(f));
  }
  result<std::unique_ptr<mapped_file>> map(const std::string&) override { return refused(); }
  result<std::vector<dir_entry>> list(const std::string& dir) override {
    std::vector<dir_entry> out;
    for (const auto& [path, data] : content)
      if (path.starts_with(dir + "/"))
        out.push_back({path.substr(dir.size() + 1), false});
    return out;
  }
  status create_directories(const std::string&) override { return refused(); }
  status rename(const std::string&, const std::string&) override { return refused(); }
  status remove_file(const std::string&) override { return refused(); }
  status remove_all(const std::string&) override { return refused(); }
  status link_or_copy(const std::string&, const std::string&) override { return refused(); }
  status truncate(const std::string&, uint64_t) override { return refused(); }
  status sync_directory(const std::string&) override { return refused(); }
  bool exists(const std::string& path) override { return content.count(path) != 0; }
  result<uint64_t> file_size(const std::string& path) override { return content.at(path).size(); }
  result<uint64_t> tree_size(const std::string&) override { return refused(); }
  result<std::unique_ptr<file_lock>> lock(const std::string&) override { return refused(); }
  result<uint64_t> free_bytes(const std::string&) override { return refused(); }

 private:
  static status refused() { return {errc::unsupported, "not in this test"}; }
};

class manual_watcher final : public file_watcher {
 public:
  std::vector<std::string> folders, pending;
  void watch(const std::vector<std::string>& f) override { folders = f; }
  std::vector<std::string> changed() override { return std::exchange(pending, {}); }
};

class DiscoveryManager : public testing::Test {
 protected:
  DiscoveryManager() {
    discovery_environment env;
    env.files = &files_;
    env.watcher = &watcher_;
    env.metrics = &metrics_;
    env.endpoints.settings =
        [this](const config::http_client_config&) -> result<client_settings_ptr> {
      if (!client_error_.empty())
        return {errc::invalid_argument, client_error_};
      return client_settings_ptr(std::make_shared<const http::client_settings>());
    };
    env.endpoints.endpoint = [this](std::string_view url, client_settings_ptr,
                                    http::headers) -> result<http::endpoint_ptr> {
      urls_.emplace_back(url);
      return http::endpoint_ptr(std::make_shared<const http::endpoint>());
    };
    manager_ = std::make_unique<discovery_manager>(std::move(env));
  }

  static config::scrape_config job(std::string name) {
    config::scrape_config c;
    c.job_name = std::move(name);
    c.scrape_interval_ms = 15'000;
    c.scrape_timeout_ms = 10'000;
    return c;
  }
  static config::scrape_config static_job(std::string name, std::vector<std::string> targets) {
    auto c = job(std::move(name));
    c.discovery.static_groups = {{std::move(targets), {}}};
    return c;
  }
  void apply(std::vector<config::scrape_config> jobs) {
    auto conf = std::make_shared<config::config>();
    conf->scrape_configs = std::move(jobs);
    manager_->apply(conf, now_);
  }
  // "job: url url; job: …"
  static std::string show(const target_sets& sets) {
    std::string out;
    for (const auto& j : sets.jobs) {
      out += j.config->job_name + ":";
      for (const auto& t : j.targets)
        out += " " + t->url.substr(7, t->url.find('/', 7) - 7);
      if (!j.error.empty())
        out += " [" + j.error + "]";
      out += ";";
    }
    return out;
  }
  std::string changes() {
    const auto sets = manager_->take_changes();
    return sets ? show(*sets) : "none";
  }
  std::vector<http::fetch_request> tick(int64_t seconds) {
    now_ += seconds * second;
    return manager_->tick(now_);
  }
  static http::fetch_result json(uint64_t token, std::string body) {
    http::fetch_result r;
    r.token = token;
    r.code = 200;
    r.content_type = "application/json";
    r.body = std::move(body);
    return r;
  }

  int64_t now_ = 5 * second;
  std::string client_error_;
  std::vector<std::string> urls_;
  memory_files files_;
  manual_watcher watcher_;
  registry metrics_;
  std::unique_ptr<discovery_manager> manager_;
};

TEST_F(DiscoveryManager, StaticTargetsInOrderWithoutRepeats) {
  apply({static_job("b", {"h:2", "h:1", "h:2"}), static_job("a", {"h:1"}), job("none")});
  EXPECT_EQ(changes(), "b: h:2 h:1;a: h:1;none:;");
  EXPECT_EQ(changes(), "none");
  EXPECT_TRUE(tick(1).empty());
  EXPECT_EQ(changes(), "none");
  EXPECT_EQ(manager_->state()->pools[0].active, 2u);
}

TEST_F(DiscoveryManager, DroppedTargetsAreCountedAndKept) {
  auto c = static_job("a", {"x:1", "x:2", "x:3", "y:1", "bad/address"});
  config::relabel_config drop;
  drop.action = config::relabel_action::drop;
  drop.source_labels = {"__address__"};
  drop.regex = "x.*";
  c.relabel_configs = {drop};
  c.limits.keep_dropped_targets = 2;
  apply({c});
  EXPECT_EQ(changes(), "a: y:1;");
  const auto& pool = manager_->state()->pools.at(0);
  EXPECT_EQ(pool.dropped_count, 3u);
  ASSERT_EQ(pool.dropped.size(), 2u);
  EXPECT_EQ(pool.dropped[1].get("__address__"), "x:2");
  EXPECT_EQ(pool.refused_count, 1u);
  EXPECT_EQ(pool.refused_example, "bad/address: \"bad/address\" is not a valid hostname");
  c.limits.keep_dropped_targets = 0;
  apply({c});
  EXPECT_EQ(manager_->state()->pools.at(0).dropped.size(), 3u) << "0 keeps all";
}

TEST_F(DiscoveryManager, TargetLimitFailsTheWholeJob) {
  auto c = static_job("a", {"h:1", "h:2", "h:3"});
  c.limits.targets = 2;
  apply({c});
  EXPECT_EQ(changes(), "a: h:1 h:2 h:3 [target_limit exceeded (number of targets: 3, limit: 2)];");
  c.limits.targets = 3;
  apply({c});
  EXPECT_EQ(changes(), "a: h:1 h:2 h:3;");
}

TEST_F(DiscoveryManager, UnusableClientSettingsFailTheJob) {
  client_error_ = "unable to load specified CA cert x: no such file";
  apply({static_job("a", {"h:1"})});
  EXPECT_EQ(changes(), "a: h:1 [unable to load specified CA cert x: no such file];");
}

TEST_F(DiscoveryManager, InertMechanismsGiveAnEmptyPool) {
  auto c = job("k");
  c.discovery.inert.push_back({"kubernetes", {}, {}});
  apply({c});
  EXPECT_EQ(changes(), "k:;");
  EXPECT_EQ(manager_->state()->pools.at(0).inert, std::vector<std::string>{"kubernetes"});
}

TEST_F(DiscoveryManager, FilesAreReadAtOnceOnEventsAndByInterval) {
  files_.content["/sd/a.json"] = R"([{"targets":["f:1"]}])";
  auto c = job("f");
  c.discovery.file = {{{"/sd/*.json"}, 60'000}};
  apply({c});
  EXPECT_EQ(changes(), "f: f:1;");
  EXPECT_EQ(watcher_.folders, std::vector<std::string>{"/sd"});
  files_.content["/sd/a.json"] = R"([{"targets":["f:2"]}])";
  tick(2);
  EXPECT_EQ(changes(), "none") << "no event, not due";
  watcher_.pending = {"/sd"};
  tick(1);
  EXPECT_EQ(changes(), "f: f:2;");
  files_.content["/sd/b.json"] = R"([{"targets":["f:3"]}])";
  tick(60);
  EXPECT_EQ(changes(), "f: f:2 f:3;");
  files_.content["/sd/b.json"] = "broken";
  tick(60);
  EXPECT_EQ(changes(), "f: f:2 f:3;") << "the state changed: it names the error";
  ASSERT_EQ(manager_->state()->pools.at(0).errors.size(), 1u);
  tick(60);
  EXPECT_EQ(changes(), "none");
}

TEST_F(DiscoveryManager, RebuildsAtMostOnceASecond) {
  files_.content["/sd/a.json"] = R"([{"targets":["f:1"]}])";
  auto c = job("f");
  c.discovery.file = {{{"/sd/a.json"}, 60'000}};
  apply({c});
  (void)changes();
  const auto change = [&](const std::string& target) {
    files_.content["/sd/a.json"] = R"([{"targets":[")" + target + R"("]}])";
    watcher_.pending = {"/sd"};
    return manager_->tick(now_ += second / 10);
  };
  change("f:2");
  EXPECT_EQ(changes(), "f: f:2;");
  change("f:3");
  EXPECT_EQ(changes(), "none");
  tick(1);
  EXPECT_EQ(changes(), "f: f:3;");
}

TEST_F(DiscoveryManager, HttpSdRefreshesByInterval) {
  auto c = job("h");
  c.discovery.http = {{"http://sd/x", 30'000, {}}};
  apply({c});
  EXPECT_EQ(changes(), "h:;");
  auto requests = tick(0);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(urls_, std::vector<std::string>{"http://sd/x"});
  EXPECT_TRUE(tick(100).empty()) << "one at a time";
  manager_->on_result(json(requests[0].token, R"([{"targets":["h:1"]}])"));
  requests = tick(1);
  EXPECT_EQ(changes(), "h: h:1;");
  ASSERT_EQ(requests.size(), 1u);
  manager_->on_result(json(requests[0].token, "nonsense"));
  EXPECT_TRUE(tick(29).empty());
  EXPECT_EQ(changes(), "h: h:1;") << "the last good list stays, the state names the error";
  EXPECT_EQ(manager_->state()->pools.at(0).errors.size(), 1u);
  EXPECT_EQ(tick(1).size(), 1u);
}

TEST_F(DiscoveryManager, ReloadKeepsWhatUnchangedDiscoveriesFound) {
  auto c = job("h");
  c.discovery.http = {{"http://sd/x", 30'000, {}}};
  apply({c, static_job("s", {"s:1"})});
  const auto requests = tick(0);
  manager_->on_result(json(requests.at(0).token, R"([{"targets":["h:1"]}])"));
  tick(2);
  const auto before = manager_->take_changes();
  auto changed = c;
  changed.scrape_interval_ms = 30'000;
  apply({changed, static_job("s", {"s:1", "s:2"})});
  const auto after = manager_->take_changes();
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(show(*after), "h: h:1;s: s:1 s:2;");
  EXPECT_NE(before->jobs[0].targets[0], after->jobs[0].targets[0]) << "another interval";
  EXPECT_EQ(before->jobs[1].targets[0], after->jobs[1].targets[0]) << "the same object";
  EXPECT_TRUE(tick(1).empty()) << "not fetched again at once";
  apply({c});
  apply({c});
  const auto same = manager_->take_changes();
  apply({c});
  EXPECT_EQ(same->jobs[0].config, manager_->take_changes()->jobs[0].config);
}

}  // namespace
}  // namespace troupe::discover
