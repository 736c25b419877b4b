#include "pipeline/notify/alert_json.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace troupe::notify {
namespace {

TEST(AlertJson, IsABodyOfApiV2) {
  auto a = std::make_shared<alert>();
  a->identity = labels::from({{"alertname", "Disk \"full\""}, {"instance", "é:1"}});
  a->annotations = {{"summary", "line\nbreak"}};
  a->starts_at = 1'700'000'000'123;
  a->ends_at = 4'098'377'840'000;
  a->generator_url = "http://p/graph?g0.expr=x&g0.tab=1";
  const std::vector<alert_ptr> one{a};
  // The end-to-end tests post this file to a real Alertmanager.
  std::ifstream in(TROUPE_SOURCE_DIR "/tests/pipeline/notify/testdata/alerts.json");
  const std::string pinned{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_EQ(alerts_json(one), pinned);
}

TEST(AlertJson, TakesAnyNumber) {
  EXPECT_EQ(alerts_json({}), "[]");
  auto a = std::make_shared<alert>();
  const std::vector<alert_ptr> two{a, a};
  const std::string each =
      R"({"annotations":{},"endsAt":"1970-01-01T00:00:00.000Z",)"
      R"("startsAt":"1970-01-01T00:00:00.000Z","generatorURL":"","labels":{}})";
  EXPECT_EQ(alerts_json(two), "[" + each + "," + each + "]");
}

}  // namespace
}  // namespace troupe::notify
