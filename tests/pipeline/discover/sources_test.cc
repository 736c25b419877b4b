#include "pipeline/discover/file_sd.h"
#include "pipeline/discover/file_watcher.h"
#include "pipeline/discover/http_sd.h"
#include "pipeline/discover/http_status.h"
#include "pipeline/discover/target_groups.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace troupe::discover {
namespace {

class temp_folder {
 public:
  temp_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "troupe_sd_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~temp_folder() { std::filesystem::remove_all(path_); }
  std::string at(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(at(name)) << content;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(TargetGroups, ReadsJson) {
  const auto got = parse_json_groups(
      R"([{"targets":["a:1","b:2"],"labels":{"env":"x","l.2":"\u00e9"}},{"targets":[]},{"labels":null}])");
  ASSERT_TRUE(got.ok()) << got.error().message();
  ASSERT_EQ(got->size(), 3u);
  EXPECT_EQ((*got)[0].targets, (std::vector<std::string>{"a:1", "b:2"}));
  EXPECT_EQ((*got)[0].labels.at("l.2"), "é");
  EXPECT_TRUE(parse_json_groups("[]").ok());
  EXPECT_TRUE(parse_json_groups("null").ok());
}

TEST(TargetGroups, RefusesTheRest) {
  for (const std::string text :
       {"", "{", "{}", "[1]", "[null]", R"([{"target":["a"]}])", R"([{"targets":"a"}])",
        R"([{"targets":[1]}])", R"([{"targets":["a"],"labels":["x"]}])",
        R"([{"targets":["a"],"labels":{"x":1}}])", R"([{"targets":["a"],"labels":{"":"1"}}])",
        "[]x"}) {
    const auto got = parse_json_groups(text);
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_FALSE(got.error().message().empty());
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += '[';
  EXPECT_FALSE(parse_json_groups(deep).ok());
}

TEST(TargetGroups, ReadsYaml) {
  const auto got = parse_yaml_groups(
      "- targets: ['a:1', b:2]\n  labels:\n    env: x\n    n: 1\n    e:\n- labels: {}\n");
  ASSERT_TRUE(got.ok()) << got.error().message();
  ASSERT_EQ(got->size(), 2u);
  EXPECT_EQ((*got)[0].targets, (std::vector<std::string>{"a:1", "b:2"}));
  EXPECT_EQ((*got)[0].labels.at("n"), "1");
  EXPECT_EQ((*got)[0].labels.at("e"), "");
  EXPECT_TRUE(parse_yaml_groups("").ok());
  for (const std::string text :
       {"x: y", "- 1", "-", "- target: [a]", "- targets: a", "- targets: [[a]]", "- labels: [a]",
        "- labels: {a: [b]}", "- {targets: [a]", "- targets: [a]\n  targets: [b]"}) {
    const auto refused = parse_yaml_groups(text);
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_FALSE(refused.error().message().empty());
  }
}

class FileSd : public testing::Test {
 protected:
  file_sd make(std::vector<std::string> names) {
    config::file_sd_config c;
    for (const auto& n : names)
      c.files.push_back(folder_.at(n));
    return {c, *files_};
  }
  static std::string targets(const file_sd& sd) {
    std::string out;
    for (const auto& g : sd.groups())
      for (const auto& t : g.targets)
        out += t + " ";
    return out;
  }
  temp_folder folder_;
  std::unique_ptr<file_system> files_ = make_posix_file_system();
};

TEST_F(FileSd, ReadsJsonAndYamlByPattern) {
  folder_.write("b.json", R"([{"targets":["b:1"]}])");
  folder_.write("a.json", R"([{"targets":["a:1"],"labels":{"x":"y"}}])");
  folder_.write("c.yml", "- targets: ['c:1']\n");
  folder_.write("other.txt", "z");
  auto sd = make({"*.json", "c.yml", "missing.yaml"});
  EXPECT_TRUE(sd.refresh());
  EXPECT_EQ(targets(sd), "a:1 b:1 c:1 ");
  EXPECT_EQ(sd.groups()[0].labels.at("__meta_filepath"), folder_.at("a.json"));
  EXPECT_EQ(sd.groups()[0].labels.at("x"), "y");
  EXPECT_TRUE(sd.errors().empty());
  EXPECT_EQ(sd.folders(), std::vector<std::string>{folder_.path()});
  EXPECT_FALSE(sd.refresh()) << "nothing changed";
}

TEST_F(FileSd, FollowsChangesAndDeletion) {
  folder_.write("a.json", R"([{"targets":["a:1"]}])");
  auto sd = make({"*.json"});
  sd.refresh();
  folder_.write("a.json", R"([{"targets":["a:2"]}])");
  folder_.write("n.json", R"([{"targets":["n:1"]}])");
  EXPECT_TRUE(sd.refresh());
  EXPECT_EQ(targets(sd), "a:2 n:1 ");
  std::filesystem::remove(folder_.at("a.json"));
  EXPECT_TRUE(sd.refresh());
  EXPECT_EQ(targets(sd), "n:1 ");
}

TEST_F(FileSd, ABadFileKeepsItsLastGoodGroups) {
  folder_.write("a.json", R"([{"targets":["a:1"]}])");
  folder_.write("b.yml", "[{targets: [b:1]}]");
  auto sd = make({"a.json", "b.yml"});
  sd.refresh();
  folder_.write("a.json", R"([{"targets":["a:2"])");
  folder_.write("b.yml", "- target: [b:1]");
  EXPECT_FALSE(sd.refresh());
  EXPECT_EQ(targets(sd), "a:1 b:1 ");
  ASSERT_EQ(sd.errors().size(), 2u);
  EXPECT_EQ(sd.errors()[1], folder_.at("b.yml") + ": line 1: unknown field \"target\"");
  folder_.write("a.json", R"([{"targets":["a:1"]}])");
  EXPECT_FALSE(sd.refresh()) << "good again, with the same groups";
  EXPECT_EQ(sd.errors().size(), 1u);
}

TEST_F(FileSd, InotifyTellsTheFolder) {
  auto watcher = make_inotify_watcher();
  std::filesystem::create_directory(folder_.at("sub"));
  watcher->watch({folder_.path(), folder_.at("sub"), folder_.at("missing")});
  EXPECT_TRUE(watcher->changed().empty());
  folder_.write("sub/a.json", "[]");
  EXPECT_EQ(watcher->changed(), std::vector<std::string>{folder_.at("sub")});
  EXPECT_TRUE(watcher->changed().empty());
  std::filesystem::create_directory(folder_.at("missing"));
  EXPECT_EQ(watcher->changed(), std::vector<std::string>{folder_.path()});
  watcher->watch({folder_.path(), folder_.at("missing")});
  folder_.write("missing/b", "x");
  folder_.write("sub/b", "x");
  EXPECT_EQ(watcher->changed(), std::vector<std::string>{folder_.at("missing")});
  // As Kubernetes swaps a mounted ConfigMap.
  std::filesystem::create_symlink("a", folder_.at("tmp"));
  std::filesystem::rename(folder_.at("tmp"), folder_.at("..data"));
  EXPECT_EQ(watcher->changed(), std::vector<std::string>{folder_.path()});
}

http::fetch_result answer(int code, std::string type, std::string body) {
  http::fetch_result r;
  r.code = code;
  r.content_type = std::move(type);
  r.body = std::move(body);
  return r;
}

TEST(HttpSd, KeepsTheLastGoodGroups) {
  config::http_sd_config c;
  c.url = "http://user:pw@sd.example/targets";
  http_sd sd(c, nullptr, "");
  EXPECT_TRUE(
      sd.on_result(answer(200, "application/json; charset=utf-8", R"([{"targets":["a:1"]}])")));
  ASSERT_EQ(sd.groups().size(), 1u);
  EXPECT_EQ(sd.groups()[0].labels.at("__meta_url"), c.url);
  EXPECT_FALSE(sd.on_result(answer(200, "application/json", R"([{"targets":["a:1"]}])")));
  EXPECT_FALSE(sd.on_result(answer(500, "application/json", "[]")));
  EXPECT_EQ(sd.error(),
            "http://sd.example/targets: server returned HTTP status 500 Internal Server Error");
  EXPECT_FALSE(sd.on_result(answer(200, "text/plain", "[]")));
  EXPECT_EQ(sd.error(), "http://sd.example/targets: unsupported content type \"text/plain\"");
  EXPECT_FALSE(sd.on_result(answer(200, "application/json", "[")));
  http::fetch_result failed;
  failed.error = status(errc::timeout, "timed out");
  EXPECT_FALSE(sd.on_result(failed));
  EXPECT_EQ(sd.error(), "http://sd.example/targets: timed out");
  EXPECT_EQ(sd.groups().size(), 1u);
  EXPECT_TRUE(sd.on_result(answer(200, "Application/JSON", "[]")));
  EXPECT_TRUE(sd.groups().empty());
  EXPECT_EQ(sd.error(), "");
}

TEST(HttpSd, RequestNamesItsInterval) {
  config::http_sd_config c;
  c.refresh_interval_ms = 1'500;
  const auto headers = http_sd::request_headers(c);
  EXPECT_EQ(headers[0].value, "application/json");
  EXPECT_EQ(headers[1].name, "X-Prometheus-Refresh-Interval-Seconds");
  EXPECT_EQ(headers[1].value, "1.5");
  const auto r = http_sd(c, nullptr, "").request(7);
  EXPECT_EQ(r.token, 7u);
  EXPECT_EQ(r.timeout_ms, 1'500);
}

TEST(HttpStatus, NamesTheReason) {
  EXPECT_EQ(http_status(404), "404 Not Found");
  EXPECT_EQ(http_status(799), "799");
}

}  // namespace
}  // namespace troupe::discover
