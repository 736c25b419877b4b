#include "pipeline/remote/protobuf.h"
#include "tests/pipeline/otlp/dump.h"

#include <gtest/gtest.h>

namespace troupe::otlp {
namespace {

using protozero::pbf_writer;

/// A message from a function that writes its fields.
template <class F>
std::string message(F write) {
  std::string out;
  pbf_writer w(out);
  write(w);
  return out;
}
std::string text_value(std::string_view key, std::string_view value) {
  return message([&](pbf_writer& w) {
    w.add_string(1, std::string(key));
    w.add_message(2, message([&](pbf_writer& v) { v.add_string(1, std::string(value)); }));
  });
}
std::string int_value(std::string_view key, int64_t value) {
  return message([&](pbf_writer& w) {
    w.add_string(1, std::string(key));
    w.add_message(2, message([&](pbf_writer& v) { v.add_int64(3, value); }));
  });
}

std::string number_point() {
  return message([](pbf_writer& w) {
    w.add_message(7, text_value("a", "x"));
    w.add_fixed64(2, 5);
    w.add_fixed64(3, 7);
    w.add_sfixed64(6, -9);
    w.add_message(5, message([](pbf_writer& e) {
                    e.add_message(7, int_value("n", 3));
                    e.add_fixed64(2, 8);
                    e.add_double(3, 1.5);
                    e.add_bytes(4, "12345678");
                    e.add_bytes(5, "1234567812345678");
                  }));
    w.add_uint32(8, 1);
  });
}
std::string histogram_point() {
  return message([](pbf_writer& w) {
    w.add_fixed64(3, 7);
    w.add_fixed64(4, 6);
    w.add_double(5, 2.5);
    const uint64_t counts[] = {1, 2};
    w.add_packed_fixed64(6, std::begin(counts), std::end(counts));
    w.add_fixed64(6, 3);  // not packed
    const double bounds[] = {0.5};
    w.add_packed_double(7, std::begin(bounds), std::end(bounds));
    w.add_double(7, 10);
    w.add_message(9, text_value("a", "x"));
  });
}
std::string exponential_point() {
  return message([](pbf_writer& w) {
    w.add_fixed64(3, 7);
    w.add_fixed64(4, 6);
    w.add_sint32(6, -2);
    w.add_fixed64(7, 1);
    w.add_message(8, message([](pbf_writer& b) {
                    b.add_sint32(1, -3);
                    const uint64_t counts[] = {1, 300};
                    b.add_packed_uint64(2, std::begin(counts), std::end(counts));
                    b.add_uint64(2, 4);
                  }));
    w.add_message(9, message([](pbf_writer& b) { b.add_sint32(1, 4); }));
    w.add_message(1, int_value("a", 1));
  });
}
std::string summary_point() {
  return message([](pbf_writer& w) {
    w.add_fixed64(3, 7);
    w.add_fixed64(4, 6);
    w.add_double(5, 2.5);
    w.add_message(6, message([](pbf_writer& q) {
                    q.add_double(1, 0.5);
                    q.add_double(2, 3);
                  }));
    w.add_message(7, int_value("a", 1));
  });
}

std::string metric_of(std::string_view name, uint32_t field, const std::string& point) {
  return message([&](pbf_writer& w) {
    // The data in front of what they need.
    w.add_message(field, message([&](pbf_writer& d) {
                    d.add_message(1, point);
                    d.add_enum(2, 2);
                    if (field == 7)
                      d.add_bool(3, true);
                  }));
    w.add_string(1, std::string(name));
    w.add_string(2, "Help.");
    w.add_string(3, "s");
  });
}

std::string full_request() {
  return message([](pbf_writer& request) {
    request.add_message(1, message([](pbf_writer& r) {
                          r.add_message(2, message([](pbf_writer& s) {
                                          s.add_message(2, metric_of("g", 5, number_point()));
                                          s.add_message(2, metric_of("c", 7, number_point()));
                                          s.add_message(2, metric_of("h", 9, histogram_point()));
                                          s.add_message(2, metric_of("e", 10, exponential_point()));
                                          s.add_message(2, metric_of("s", 11, summary_point()));
                                          s.add_string(3, "url");
                                          s.add_message(1, message([](pbf_writer& i) {
                                                          i.add_string(1, "scope");
                                                          i.add_string(2, "1.0");
                                                          i.add_message(3, text_value("k", "v"));
                                                        }));
                                        }));
                          r.add_message(1, message([](pbf_writer& a) {
                                          a.add_message(1, text_value("service.name", "shop"));
                                          a.add_message(1, int_value("n", 12));
                                        }));
                        }));
  });
}

const char* const full_json = R"({"resourceMetrics": [{
  "scopeMetrics": [{
    "metrics": [
      {"gauge": {"dataPoints": [{
          "attributes": [{"key": "a", "value": {"stringValue": "x"}}],
          "startTimeUnixNano": "5", "timeUnixNano": 7, "asInt": "-9", "flags": 1,
          "exemplars": [{"filteredAttributes": [{"key": "n", "value": {"intValue": "3"}}],
                         "timeUnixNano": "8", "asDouble": 1.5, "spanId": "3132333435363738",
                         "traceId": "31323334353637383132333435363738"}]}]},
       "name": "g", "description": "Help.", "unit": "s"},
      {"sum": {"data_points": [{
          "attributes": [{"value": {"string_value": "x"}, "key": "a"}],
          "start_time_unix_nano": 5, "time_unix_nano": "7", "as_int": -9, "flags": "1",
          "exemplars": [{"filtered_attributes": [{"key": "n", "value": {"int_value": 3}}],
                         "time_unix_nano": 8, "as_double": "1.5", "span_id": "3132333435363738",
                         "trace_id": "31323334353637383132333435363738"}]}],
          "aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE", "isMonotonic": true},
       "name": "c", "description": "Help.", "unit": "s"},
      {"histogram": {"dataPoints": [{
          "timeUnixNano": 7, "count": "6", "sum": 2.5, "bucketCounts": ["1", 2, 3],
          "explicitBounds": [0.5, "10"],
          "attributes": [{"key": "a", "value": {"stringValue": "x"}}]}],
          "aggregation_temporality": 2},
       "name": "h", "description": "Help.", "unit": "s"},
      {"exponentialHistogram": {"dataPoints": [{
          "timeUnixNano": 7, "count": 6, "scale": -2, "zeroCount": 1,
          "positive": {"offset": -3, "bucketCounts": [1, "300", 4]}, "negative": {"offset": 4},
          "attributes": [{"key": "a", "value": {"intValue": 1}}]}],
          "aggregationTemporality": 2},
       "name": "e", "description": "Help.", "unit": "s"},
      {"summary": {"dataPoints": [{
          "timeUnixNano": 7, "count": 6, "sum": 2.5, "quantileValues": [{"quantile": 0.5, "value": 3}],
          "attributes": [{"key": "a", "value": {"intValue": 1}}]}],
          "aggregationTemporality": 2},
       "name": "s", "description": "Help.", "unit": "s"}],
    "schemaUrl": "url",
    "scope": {"name": "scope", "version": "1.0",
              "attributes": [{"key": "k", "value": {"stringValue": "v"}}]}}],
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}},
                              {"key": "n", "value": {"intValue": "12"}}]}}]})";

const char* const full_dump =
    "resource service.name=shop n=12\n"
    " scope scope 1.0 url k=v\n"
    "  metric g 'Help.' s kind=1 2\n"
    "   5..7 -9 0 stale 0/0 0: 0: a=x\n"
    "    exemplar 8 1.5 16/8 n=3\n"
    "  metric c 'Help.' s kind=2 2 monotonic\n"
    "   5..7 -9 0 stale 0/0 0: 0: a=x\n"
    "    exemplar 8 1.5 16/8 n=3\n"
    "  metric h 'Help.' s kind=3 2\n"
    "   0..7 0 6 sum=2.5 b1 b2 b3 <0.5 <10 0/0 0: 0: a=x\n"
    "  metric e 'Help.' s kind=4 2\n"
    "   0..7 0 6 -2/1 -3:1,300,4, 4: a=1\n"
    "  metric s 'Help.' s kind=5 2\n"
    "   0..7 0 6 sum=2.5 0/0 0: 0: q0.5=3 a=1\n"
    "end\n";

std::string dump_of(status (*read)(std::string_view, metrics_sink&), std::string_view request) {
  dump_sink to;
  const auto done = read(request, to);
  return done.ok() ? to.out : done.to_string();
}

TEST(otlp_codec, protobuf) {
  EXPECT_EQ(dump_of(read_protobuf, full_request()), full_dump);
}

TEST(otlp_codec, json) {
  std::string expected = full_dump;
  // A gauge has no temporality there.
  expected.replace(expected.find("kind=1 2"), 8, "kind=1 0");
  EXPECT_EQ(dump_of(read_json, full_json), expected);
}

TEST(otlp_codec, json_of_other_habits) {
  EXPECT_EQ(dump_of(read_json, "{}"), "");
  EXPECT_EQ(dump_of(read_json, "null"), "");
  EXPECT_EQ(dump_of(read_json,
                    R"({"resource_metrics": [{"resource": null, "scope_metrics": [{"scope": null,
                          "metrics": [{"gauge": null, "name": null}]}]}], "unknown": [1, {}]})"),
            "resource\n scope   \n  metric  ''  kind=0 0\nend\n");
  const auto value = [](const std::string& v) {
    return dump_of(
        read_json,
        R"({"resourceMetrics":[{"resource":{"attributes":[{"key":"k","value":)" + v + "}]}}]}");
  };
  EXPECT_EQ(value(R"({"bytesValue":"AP8="})"), "resource k=AP8=\nend\n");
  EXPECT_EQ(value(R"({"boolValue":true})"), "resource k=true\nend\n");
  EXPECT_EQ(value(R"({"doubleValue":"Infinity"})"),
            "resource k=json: unsupported value: +Inf\nend\n");
  EXPECT_EQ(value(R"({"arrayValue":{"values":[{"stringValue":"a"},{"intValue":1}]}})"),
            "resource k=[\"a\",1]\nend\n");
  EXPECT_EQ(value(R"({"kvlistValue":{"values":[{"key":"b","value":{"boolValue":false}}]}})"),
            "resource k={\"b\":false}\nend\n");
  EXPECT_EQ(value("{}"), "resource k=\nend\n");
}

TEST(otlp_codec, malformed_json_has_a_place) {
  const auto error = [](std::string_view text) { return dump_of(read_json, text); };
  EXPECT_EQ(error("[]"), "invalid argument: malformed JSON at byte 0: expected an object");
  EXPECT_EQ(error("{} x"), "invalid argument: malformed JSON at byte 3: text behind the value");
  EXPECT_EQ(error(R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[
                      {"timeUnixNano":"x"}]}}]}]}]})")
                .substr(0, 50),
            "invalid argument: malformed JSON at byte 115: expe");
  const auto point = [&](const std::string& member) {
    return error(R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{)" +
                 member + "}]}}]}]}]}");
  };
  for (const char* member :
       {R"("asInt":1.5)", R"("asInt":"99999999999999999999")", R"("asDouble":"1x")",
        R"("asDouble":"1e999")", R"("flags":-1)", R"("timeUnixNano":-1)", R"("attributes":{})",
        R"("exemplars":[{"traceId":"12"}])", R"("exemplars":[{"spanId":"zz33333333333333"}])",
        R"("attributes":[{"value":{"bytesValue":"?"}}])"})
    EXPECT_EQ(point(member).find("invalid argument: malformed JSON at byte "), 0u)
        << member << point(member);
  std::string deep = "{}";
  for (int i = 0; i < 40; ++i)
    deep = R"({"arrayValue":{"values":[)" + deep + "]}}";
  EXPECT_NE(point(R"("attributes":[{"value":)" + deep + "}]").find("nested too deeply"),
            std::string::npos);
}

TEST(otlp_codec, every_cut_is_an_error_or_less) {
  const std::string request = full_request();
  for (size_t n = 0; n < request.size(); ++n) {
    dump_sink to;
    const auto got = read_protobuf(std::string_view(request).substr(0, n), to);
    EXPECT_TRUE(got.ok() || got.code() == errc::invalid_argument);
  }
  const std::string_view json = full_json;
  for (size_t n = 0; n < json.size(); ++n) {
    dump_sink to;
    EXPECT_EQ(read_json(json.substr(0, n), to).code(), errc::invalid_argument);
  }
}

TEST(otlp_codec, malformed_protobuf) {
  const auto resource = [](const std::string& attribute) {
    return dump_of(read_protobuf, message([&](pbf_writer& request) {
                     request.add_message(1, message([&](pbf_writer& r) {
                                           r.add_message(1, message([&](pbf_writer& a) {
                                                           a.add_message(1, attribute);
                                                         }));
                                         }));
                   }));
  };
  std::string deep;
  for (int i = 0; i < 40; ++i)
    deep = message([&](pbf_writer& v) {
      v.add_message(5, message([&](pbf_writer& list) { list.add_message(1, deep); }));
    });
  EXPECT_EQ(resource(message([&](pbf_writer& w) { w.add_message(2, deep); })),
            "invalid argument: malformed OTLP request: an attribute's value is nested too deeply");
  EXPECT_EQ(resource(message([](pbf_writer& w) { w.add_uint32(1, 7); })),
            "invalid argument: malformed OTLP request: field of a wrong wire type");
}

TEST(otlp_codec, elements_of_a_point_are_bounded) {
  const auto with = [](const std::string& point) {
    return message([&](pbf_writer& request) {
      request.add_message(1, message([&](pbf_writer& r) {
                            r.add_message(2, message([&](pbf_writer& s) {
                                            s.add_message(2, metric_of("m", 10, point));
                                          }));
                          }));
    });
  };
  std::string attributes, buckets;
  for (size_t i = 0; i <= max_attributes; ++i)
    attributes += std::string("\x0a\0", 2);
  EXPECT_EQ(dump_of(read_protobuf, with(attributes)), "out of bounds: too many attributes");
  const std::vector<uint64_t> many(max_buckets + 1, 1);
  buckets = message([&](pbf_writer& w) {
    w.add_message(
        8, message([&](pbf_writer& b) { b.add_packed_uint64(2, many.begin(), many.end()); }));
  });
  EXPECT_EQ(dump_of(read_protobuf, with(buckets)),
            "out of bounds: a data point has too many buckets");
  std::string json =
      R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"explicitBounds":[)";
  for (size_t i = 0; i <= max_buckets; ++i)
    json += "1,";
  EXPECT_EQ(dump_of(read_json, json + "1]}]}}]}]}]}"),
            "out of bounds: a data point has too many buckets");
}

TEST(otlp_codec, responses) {
  EXPECT_EQ(protobuf_response(0, ""), "");
  EXPECT_EQ(protobuf_response(300, "why"), std::string("\x0a\x08\x08\xac\x02\x12\x03why", 10));
  EXPECT_EQ(json_response(0, ""), "{}");
  EXPECT_EQ(json_response(3, "a \"b\""),
            R"({"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"a \"b\""}})");
}

}  // namespace
}  // namespace troupe::otlp
