#include "storage/tsdb/meta.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace troupe::storage::tsdb {
namespace {

constexpr int64_t version = 1;

// A whole number below `o`, or `missing`.
int64_t number(const boost::json::object& o, std::string_view key, int64_t missing) {
  const auto* v = o.if_contains(key);
  if (v == nullptr)
    return missing;
  if (const auto* i = v->if_int64())
    return *i;
  const auto* u = v->if_uint64();
  return u != nullptr && *u <= INT64_MAX ? static_cast<int64_t>(*u) : missing;
}

uint64_t count(const boost::json::object& o, std::string_view key) {
  return static_cast<uint64_t>(std::max<int64_t>(number(o, key, 0), 0));
}

}  // namespace

std::string encode_meta(const meta& m) {
  const boost::json::object stats{{"numSamples", m.samples},
                                  {"numFloatSamples", m.floats},
                                  {"numHistogramSamples", m.histograms},
                                  {"numSeries", m.series},
                                  {"numChunks", m.chunks},
                                  {"numTombstones", m.tombstones}};
  const boost::json::object compaction{{"level", 1}, {"sources", boost::json::array{m.ulid}}};
  const boost::json::object all{{"ulid", m.ulid},           {"minTime", m.min_time},
                                {"maxTime", m.max_time},    {"stats", stats},
                                {"compaction", compaction}, {"version", version}};
  return boost::json::serialize(all) + "\n";
}

result<meta> decode_meta(std::string_view text) {
  boost::json::error_code failed;
  boost::json::stream_parser parser;
  const size_t read = parser.write_some(text.data(), text.size(), failed);
  if (!failed)
    parser.finish(failed);
  if (failed)
    return {errc::corruption, fmt::format("offset {}: {}", read, failed.message())};
  const auto value = parser.release();
  if (!value.is_object())
    return {errc::corruption, "offset 0: not a JSON object"};
  const auto& o = value.get_object();
  const int64_t found = number(o, "version", -1);
  if (found != version)
    return {errc::unsupported, fmt::format("offset 0: version {}, known is {}", found, version)};
  meta m;
  constexpr int64_t missing = INT64_MIN;
  m.min_time = number(o, "minTime", missing);
  m.max_time = number(o, "maxTime", missing);
  const auto* ulid = o.if_contains("ulid");
  if (ulid == nullptr || !ulid->is_string() || m.min_time == missing || m.max_time == missing)
    return {errc::corruption, "offset 0: ulid, minTime or maxTime is missing"};
  m.ulid = std::string(ulid->get_string());
  if (const auto* stats = o.if_contains("stats"); stats != nullptr && stats->is_object()) {
    const auto& s = stats->get_object();
    m.samples = count(s, "numSamples");
    m.floats = count(s, "numFloatSamples");
    m.histograms = count(s, "numHistogramSamples");
    m.series = count(s, "numSeries");
    m.chunks = count(s, "numChunks");
    m.tombstones = count(s, "numTombstones");
  }
  return m;
}

}  // namespace troupe::storage::tsdb
