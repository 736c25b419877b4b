// Records of other programs, and which series are taken of a record.
#include "storage/model/slot.h"
#include "tests/pipeline/topics/topics_kit.h"
#include "tests/support/remote_write_body.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace troupe::topics {
namespace {

using storage::make_series;

const labels up = make_series({{"__name__", "up"}, {"instance", "a"}, {"job", "node"}});
const labels load = make_series({{"__name__", "load1"}, {"instance", "b"}, {"job", "node"}});

TEST(foreign_records, remote_write_1) {
  record_reader reader({});
  const auto body = support::remote_write_body({{up, {{1000, 1}, {2000, 2}}}, {load, {{1000, 7}}}});
  EXPECT_TRUE(reader.knows(body));
  taken got;
  for (int64_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(got.read(reader, body, i));
    EXPECT_EQ(text_of(got.last).substr(text_of(got.last).find('\n') + 1),
              "float up{instance=\"a\", job=\"node\"} 1000 3ff0000000000000\n"
              "float up{instance=\"a\", job=\"node\"} 2000 4000000000000000\n"
              "float load1{instance=\"b\", job=\"node\"} 1000 401c000000000000\n");
  }
  EXPECT_EQ(got.samples, 6u);
  EXPECT_TRUE(reader.learn(body, 2).ok());
  EXPECT_FALSE(reader.key_offset().has_value());
}

TEST(foreign_records, tables_are_kept_from_record_to_record) {
  for (const bool with_labels : {false, true}) {
    reader_rules rules;
    if (with_labels)
      rules.labels = {{"cluster", "eu"}};
    record_reader reader(rules);
    taken got;
    std::vector<support::write_series> series;
    for (int i = 0; i < 20; ++i) {
      series.push_back({make_series({{"__name__", "m" + std::to_string(i)}}), {{1000, 1}}});
      ASSERT_TRUE(got.read(reader, support::remote_write_body(series), 2 * i));
      const auto table = got.last.front()->table;
      EXPECT_EQ(table->series.size(), static_cast<size_t>(i) + 1);
      ASSERT_TRUE(got.read(reader, support::remote_write_body(series), 2 * i + 1));
      EXPECT_EQ(got.last.front()->table, table);
    }
  }
}

TEST(foreign_records, remote_write_2) {
  record_reader reader({});
  support::write_v2_series series;
  series.lset = {{"__name__", "up"}, {"job", "node"}};
  series.samples = {{1000, 1, 500}};
  series.described = {metric_type::gauge, "", "Whether it is up."};
  taken got;
  ASSERT_TRUE(got.read(reader, support::snappy_block(support::write_v2_request({series})), 0));
  EXPECT_EQ(text_of(got.last).substr(text_of(got.last).find('\n') + 1),
            "float up{job=\"node\"} 1000 3ff0000000000000\n"
            "start 0 500\n"
            "metadata up gauge  Whether it is up.\n");
}

TEST(foreign_records, invalid_series_are_counted) {
  record_reader reader({});
  const auto body = support::remote_write_body(
      {{make_series({{"job", "nameless"}}), {{1000, 1}}}, {up, {{1, 1}}}});
  const auto got = reader.read(body, 0);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->samples, 1u);
  EXPECT_EQ(got->refused, 1u);
  EXPECT_NE(got->why, "");
}

std::string adapter_json(const std::string& time, const std::string& value) {
  return R"({"timestamp":")" + time + R"(","value":)" + value +
         R"(,"name":"up","labels":{"__name__":"up","label1":"value1"}})";
}

TEST(foreign_records, json_of_the_adapter) {
  const std::pair<std::string, double> values[] = {
      {"\"9876543210\"", 9876543210},
      {"\"-0.25\"", -0.25},
      {"\"NaN\"", std::numeric_limits<double>::quiet_NaN()},
      {"\"+Inf\"", std::numeric_limits<double>::infinity()},
      {"\"-Inf\"", -std::numeric_limits<double>::infinity()},
      {"17", 17}};
  record_reader reader({});
  for (const auto& [text, value] : values) {
    const auto got = reader.read(adapter_json("1970-01-01T00:00:02Z", text), 0);
    ASSERT_TRUE(got.ok()) << got.error().to_string();
    ASSERT_EQ(got->batches.size(), 1u);
    const write_batch& b = *got->batches.front();
    EXPECT_TRUE(b.taken_over);
    ASSERT_EQ(b.floats.size(), 1u);
    EXPECT_EQ(b.floats[0].ts, 2000);
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(b.floats[0].value));
    else
      EXPECT_EQ(b.floats[0].value, value);
    EXPECT_EQ(b.table->series[b.floats[0].series],
              make_series({{"__name__", "up"}, {"label1", "value1"}}));
  }
}

TEST(foreign_records, json_may_have_the_name_apart) {
  record_reader reader({});
  const auto got =
      reader.read(R"({"timestamp":"1970-01-01T00:00:00Z","value":"1","name":"up"})", 0);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->batches.front()->table->series[0], make_series({{"__name__", "up"}}));
}

TEST(foreign_records, anything_else_is_told) {
  const std::pair<std::string, std::string> payloads[] = {
      {"", "without a value"},
      {"hello", "snappy"},
      {std::string(100, '\0'), "snappy"},
      {"{}", "\"timestamp\" is no time"},
      {"{\"timestamp\":", "JSON"},
      {adapter_json("yesterday", "\"1\""), "\"timestamp\" is no time"},
      {adapter_json("1970-01-01T00:00:00Z", "\"one\""), "\"value\" is no number"},
      {adapter_json("1970-01-01T00:00:00Z", "null"), "\"value\" is no number"},
      {R"({"timestamp":"1970-01-01T00:00:00Z","value":"1","labels":[]})",
       "\"labels\" is no object"},
      {R"({"timestamp":"1970-01-01T00:00:00Z","value":"1","labels":{"a":1}})", "is no text"},
      {support::snappy_block("\x3a\x01x"), "neither version 1.0 nor 2.0"},
      {support::snappy_block("\x0a\xff"), "remote write"},
  };
  record_reader reader({});
  for (const auto& [payload, why] : payloads) {
    const auto got = reader.read(payload, 0);
    EXPECT_EQ(got.code(), errc::corruption) << payload;
    EXPECT_NE(got.error().message().find(why), std::string::npos) << got.error().message();
  }
  EXPECT_TRUE(reader.read(support::snappy_block(""), 0).ok());
}

// A body of remote write whose length happens to be the byte of '{'.
TEST(foreign_records, a_body_may_begin_like_json) {
  for (size_t n = 1; n < 200; ++n) {
    const auto body = support::remote_write_body(
        {{make_series({{"__name__", std::string(n, 'a')}}), {{1000, 1}}}});
    record_reader reader({});
    const auto got = reader.read(body, 0);
    ASSERT_TRUE(got.ok()) << n;
    EXPECT_EQ(got->samples, 1u);
  }
}

// --- selectors and labels ---

reader_rules some_rules() {
  reader_rules rules;
  rules.selectors = {{matcher::equal("job", "node")}};
  rules.labels = {{"cluster", "eu"}, {"instance", "never"}};
  return rules;
}

TEST(topics_rules, hold_for_all_formats) {
  const labels other = make_series({{"__name__", "up"}, {"job", "other"}});
  write_batch b;
  b.group = 3;
  b.table = make_series_table("", {up, other, load});
  for (uint32_t i = 0; i < 6; ++i) {
    b.floats.push_back({1000 + i, static_cast<double>(i), i % 3});
    b.starts.push_back({i, 10 + i});
  }
  b.exemplars = {{{make_series({{"id", "1"}}), 1, 5}, 0}, {{make_series({{"id", "2"}}), 1, 5}, 1}};
  record_writer writer({.node = 1, .session = 1});
  ASSERT_TRUE(writer.add(b).ok());
  const std::string records[] = {writer.take(-1, 0),
                                 support::remote_write_body({{up, {{1000, 0}, {1003, 3}}},
                                                             {other, {{1001, 1}, {1004, 4}}},
                                                             {load, {{1002, 2}, {1005, 5}}}})};
  for (const auto& record : records) {
    record_reader reader(some_rules());
    const auto got = reader.read(record, 0);
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got->samples, 4u);
    for (const auto& batch : got->batches) {
      for (size_t i = 0; i < batch->table->series.size(); ++i) {
        const labels& l = batch->table->series[i];
        EXPECT_EQ(l.get("job"), "node");
        EXPECT_EQ(l.get("cluster"), "eu");
        EXPECT_NE(l.get("instance"), "never");
        EXPECT_EQ(batch->table->slot(i), slot_of("", l));
      }
      for (const auto& s : batch->starts)
        EXPECT_EQ(s.start_ts - 10, batch->floats[s.index].ts - 1000);
      for (const auto& e : batch->floats)
        EXPECT_EQ(batch->table->series[e.series].metric_name() == "up",
                  static_cast<int>(e.value) % 3 == 0);
    }
    EXPECT_EQ(got->lost, 0u);
  }
  record_reader reader(some_rules());
  EXPECT_EQ(reader.read(records[0], 0)->batches.front()->exemplars.size(), 1u);
}

TEST(topics_rules, nothing_may_be_left) {
  reader_rules rules;
  rules.selectors = {{matcher::equal("job", "nobody's")}};
  record_writer writer({.node = 1, .session = 1});
  ASSERT_TRUE(writer.add(storage::simple_batch(make_series_table("", {up}), 1000, {1})).ok());
  const std::string records[] = {writer.take(-1, 0),
                                 support::remote_write_body({{up, {{1000, 1}}}})};
  record_reader reader(rules);
  for (const auto& record : records) {
    const auto got = reader.read(record, 0);
    ASSERT_TRUE(got.ok());
    EXPECT_TRUE(got->batches.empty());
    EXPECT_EQ(got->samples, 0u);
  }
}

}  // namespace
}  // namespace troupe::topics
