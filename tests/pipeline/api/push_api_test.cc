#include "pipeline/push/push_store.h"
#include "tests/pipeline/api/door_fixture.h"
#include "tests/support/sim_file_system.h"

#include <boost/json.hpp>

namespace troupe::api {
namespace {

class PushApi : public DoorTest {
 protected:
  PushApi() {
    std::vector<std::string> unread;
    store = std::move(*push::push_store::open(files, {"push"}, unread));
    base.pushed = store.get();
    base.build.version = "3.5.0";
    base.flags = {{"web.enable-admin-api", "false"}};
    remake();
  }
  boost::json::value get(const std::string& path) {
    http::request r;
    r.method = "GET";
    r.path = path;
    const auto m = the_api->find(r);
    if (m.to == nullptr)
      return m.refusal.status;
    const auto a = std::get<http::response>(the_api->handle(*m.to, r, {}));
    EXPECT_EQ(a.content_type, "application/json");
    return boost::json::parse(a.body).at("data");
  }
  support::sim_file_system files{1};
  std::unique_ptr<push::push_store> store;
};

TEST_F(PushApi, GroupsWithTheirMetrics) {
  EXPECT_EQ(send_to("/metrics/job/backup",
                    "# HELP n N.\n# TYPE n counter\nn{x=\"1\"} 1e6\n"
                    "# TYPE h histogram\nh_bucket{le=\"0.50\"} 1000000\nh_bucket{le=\"+Inf\"} "
                    "1000001\nh_sum 1.5\nh_count 1000001\n"
                    "# TYPE s summary\ns{quantile=\"0.5\"} 2\ns_sum 3\ns_count 4\nu 1\n",
                    {})
                .status,
            200);
  EXPECT_EQ(send_to("/metrics/job/bad", "no{", {}).status, 400);
  const auto groups = get("/api/v1/metrics");
  ASSERT_EQ(groups.as_array().size(), 2u);
  EXPECT_EQ(groups.at(0), boost::json::parse(R"({
    "labels": {"job": "backup"}, "last_push_successful": true,
    "n": {"time_stamp": "1970-01-01T00:02:15.000Z", "type": "COUNTER", "help": "N.",
      "metrics": [{"labels": {"instance": "", "job": "backup", "x": "1"}, "value": "1e+06"}]},
    "h": {"time_stamp": "1970-01-01T00:02:15.000Z", "type": "HISTOGRAM",
      "metrics": [{"labels": {"instance": "", "job": "backup"}, "sum": "1.5", "count": "1000001",
        "buckets": {"0.5": "1000000", "+Inf": "1000001"}}]},
    "s": {"time_stamp": "1970-01-01T00:02:15.000Z", "type": "SUMMARY",
      "metrics": [{"labels": {"instance": "", "job": "backup"}, "sum": "3", "count": "4",
        "quantiles": {"0.5": "2"}}]},
    "u": {"time_stamp": "1970-01-01T00:02:15.000Z", "type": "UNTYPED",
      "metrics": [{"labels": {"instance": "", "job": "backup"}, "value": "1"}]},
    "push_time_seconds": {"time_stamp": "1970-01-01T00:02:15.000Z", "type": "GAUGE",
      "help": "Last Unix time when changing this group in the Pushgateway succeeded.",
      "metrics": [{"labels": {"instance": "", "job": "backup"}, "value": "135"}]},
    "push_failure_time_seconds": {"time_stamp": "1970-01-01T00:02:15.000Z", "type": "GAUGE",
      "help": "Last Unix time when changing this group in the Pushgateway failed.",
      "metrics": [{"labels": {"instance": "", "job": "backup"}, "value": "0"}]}})"));
  EXPECT_FALSE(groups.at(1).at("last_push_successful").as_bool());
}

TEST_F(PushApi, FlagsAndBuild) {
  const auto state = get("/api/v1/status");
  EXPECT_EQ(state.at("flags").at("web.enable-admin-api"), "false");
  EXPECT_EQ(state.at("build_information").at("version"), "3.5.0");
  EXPECT_EQ(state.at("start_time"), "1970-01-01T00:00:00.000Z");
  base.pushed = nullptr;
  remake();
  EXPECT_EQ(get("/api/v1/status"), 404);
}

}  // namespace
}  // namespace troupe::api
