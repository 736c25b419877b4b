// JSON lines in and out.
#include "pipeline/http/gzip_encoder.h"
#include "tests/pipeline/api/door_fixture.h"
#include "tests/support/memory_queryable.h"

#include <gmock/gmock.h>

namespace troupe::api {
namespace {

using ::testing::HasSubstr;

class JsonLinesApiTest : public DoorTest {
 protected:
  JsonLinesApiTest() {
    base.enable_import = true;
    base.data = &data;
    remake();
  }
  http::response import(std::string body, http::params query = {}, http::headers fields = {}) {
    return send_to("/api/v1/import", std::move(body), std::move(fields), std::move(query));
  }
  std::string exported(http::params query, int status = 200) {
    auto r = send_to("/api/v1/export", "", {}, std::move(query));
    EXPECT_EQ(r.status, status) << r.body;
    while (r.stream && r.stream(r.body)) {
    }
    return r.body;
  }

  memory_queryable data;
};

const std::string line = R"({"metric":{"__name__":"m"},"values":[1],"timestamps":[1000]})";

TEST_F(JsonLinesApiTest, ImportStores) {
  auto r = import(line + "\n", {{"extra_label", "dc=eu"}});
  EXPECT_EQ(r.status, 204) << r.body;
  EXPECT_EQ(stored.at(0)->table->series.at(0).to_string(), "m{dc=\"eu\"}");
  EXPECT_EQ(import(http::gzip(line), {}, {{"Content-Encoding", "gzip"}}).status, 204);
  EXPECT_EQ(import(line, {}, {{"Content-Encoding", "br"}}).status, 415);
  EXPECT_EQ(import(line, {{"extra_label", "x"}}).status, 400);
  r = import(line + "\nx\n");
  EXPECT_EQ(r.status, 400);
  EXPECT_THAT(r.body, HasSubstr("line 2: malformed JSON at byte 0: expected an object"));
  EXPECT_EQ(stored.size(), 1u) << "the valid line is";
  EXPECT_THAT(metrics.render(), HasSubstr("troupe_import_refused_total{kind=\"series\"} 1\n"));
}

TEST_F(JsonLinesApiTest, ExportAnswersInLines) {
  clk.advance_ms(1'700'000'000'000);
  data.append(labels::from({{"__name__", "m"}}), 1000, 1);
  data.append(labels::from({{"__name__", "m"}}), 2000, 2);
  EXPECT_EQ(exported({{"match[]", "m"}}),
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[1,2],\"timestamps\":[1000,2000]}\n");
  EXPECT_EQ(exported({{"match[]", "m"}, {"start", "2"}, {"end", "3"}}),
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[2],\"timestamps\":[2000]}\n");
  EXPECT_THAT(exported({{"match[]", "m"}, {"max_rows_per_line", "1"}}), HasSubstr("[1000]}\n{"));
  EXPECT_THAT(exported({}, 400), HasSubstr("missing `match[]` arg"));
  EXPECT_THAT(exported({{"match[]", "{"}}, 400), HasSubstr("bad_data"));
  EXPECT_THAT(exported({{"match[]", "m"}, {"start", "3"}, {"end", "2"}}, 400),
              HasSubstr("end is before start"));
}

TEST_F(JsonLinesApiTest, BothAreClosedUnlessAsked) {
  base.enable_import = false;
  remake();
  EXPECT_EQ(import(line).status, 404);
  exported({{"match[]", "m"}}, 404);
}

}  // namespace
}  // namespace troupe::api
