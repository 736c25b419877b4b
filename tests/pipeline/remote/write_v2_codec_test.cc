#include "pipeline/remote/protobuf.h"
#include "pipeline/remote/write_codec.h"
#include "storage/base/coding.h"
#include "storage/model/slot.h"
#include "tests/support/remote_write_body.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>

namespace troupe::remote {
namespace {

using protozero::pbf_writer;
using support::write_v2_request;
using support::write_v2_series;

std::vector<std::pair<std::string, std::string>> named(std::string name,
                                                       std::string instance = "i") {
  return {{"__name__", std::move(name)}, {"instance", std::move(instance)}, {"job", "j"}};
}

/// A request out of hand-made parts.
std::string request_of(const std::vector<std::string>& symbols,
                       const std::vector<std::string>& series) {
  std::string out;
  pbf_writer m(out);
  for (const auto& s : symbols)
    m.add_string(4, s);
  for (const auto& s : series)
    m.add_message(5, s);
  return out;
}
std::string packed(const std::vector<uint32_t>& refs) {
  std::string out;
  for (const uint32_t r : refs)
    put_varint(out, r);
  return out;
}
std::string series_of(const std::vector<uint32_t>& refs, const std::string& behind) {
  std::string out;
  pbf_writer(out).add_bytes(1, packed(refs));
  return out + behind;
}
/// The sample 7 at 9.
const std::string seven = std::string("\x12\x0b\x09\0\0\0\0\0\0\x1c\x40\x10\x09", 13);
const std::vector<std::string> symbols = {"", "__name__", "m", "a", "b", "\xff", "help", "unit"};

class WriteV2Codec : public ::testing::Test {
 protected:
  decoded_write decode(std::string_view bytes) {
    auto got = decode_write_v2(bytes, known);
    EXPECT_TRUE(got.ok()) << got.error().to_string();
    return got.ok() ? std::move(*got) : decoded_write();
  }
  /// Of a request with one series.
  std::string refusal(const std::vector<uint32_t>& refs) {
    auto got = decode(request_of(symbols, {series_of(refs, seven), series_of({1, 4}, seven)}));
    EXPECT_EQ(got.refused_series.count, 1u);
    EXPECT_EQ(got.samples_of_refused_series, 1u);
    EXPECT_EQ(got.batches.size(), 1u);
    if (!got.batches.empty()) {
      EXPECT_EQ(got.batches[0]->floats.size(), 1u);
    }
    return got.refused_series.why;
  }

  manual_clock clk;
  series_cache known{{}, clk};
};

TEST_F(WriteV2Codec, ReadsSeriesInOrderWithTheirSlots) {
  const auto got =
      decode(write_v2_request({{named("a"), {{1000, 1.5}, {2000, stale_nan()}}, {}, {}, {}, 0},
                               {named("b", "k"), {{-5, -0.0}, {7, 0}}, {}, {}, {}, 0}}));
  const auto& b = *got.batches.at(0);
  ASSERT_EQ(b.table->series.size(), 2u);
  EXPECT_EQ(b.table->series[0], labels::from(named("a")));
  EXPECT_EQ(b.table->slot(1), slot_of("", labels::from(named("b", "k"))));
  ASSERT_EQ(b.floats.size(), 4u);
  EXPECT_EQ(b.floats[0].ts, 1000);
  EXPECT_EQ(std::bit_cast<uint64_t>(b.floats[1].value), stale_nan_bits);
  EXPECT_EQ(b.floats[2].ts, -5);
  EXPECT_TRUE(std::signbit(b.floats[2].value));
  EXPECT_EQ(b.floats[2].series, 1u);
  EXPECT_EQ(b.floats[3].value, 0);
  EXPECT_TRUE(b.starts.empty());
  EXPECT_EQ(got.refused_series.count, 0u);
}

TEST_F(WriteV2Codec, KnownSeriesAreThoseOfTheSameTextsInAnySymbolTable) {
  std::vector<write_v2_series> all;
  for (int i = 0; i < 300; ++i)
    all.push_back({named("m" + std::to_string(i % 7), std::to_string(i)),
                   {{1, 1.0 * i}},
                   {},
                   {},
                   {metric_type::counter, "", "help " + std::to_string(i % 7)},
                   0});
  const auto first = decode(write_v2_request(all));
  for (int round = 0; round < 3; ++round) {
    std::rotate(all.begin(), all.begin() + 101, all.end());
    const auto again = decode(write_v2_request(all));
    ASSERT_EQ(again.batches.size(), first.batches.size());
    std::map<std::string, double> values;
    for (const auto& f : again.batches[0]->floats)
      values[again.batches[0]->table->series[f.series].to_string()] = f.value;
    ASSERT_EQ(values.size(), all.size());
    for (const auto& s : all)
      EXPECT_EQ(values[labels::from(s.lset).to_string()], s.samples[0].value);
    EXPECT_EQ(again.batches[0]->table, first.batches[0]->table);
  }
  EXPECT_EQ(known.series_count(), 300u);
}

TEST_F(WriteV2Codec, TextsThatChangeTheirPlacesAreAnotherSeries) {
  const auto of = [](std::string a, std::string b, std::string c, std::string d) {
    return write_v2_series{
        {{"__name__", "m"}, {std::move(a), std::move(b)}, {std::move(c), std::move(d)}},
        {{1, 1}},
        {},
        {},
        {},
        0};
  };
  const std::vector<write_v2_series> all = {of("a", "b", "c", "d"), of("a", "d", "c", "b"),
                                            of("b", "a", "d", "c"), of("a", "b", "b", "a"),
                                            of("b", "a", "a", "b"), of("a", "a", "b", "b")};
  for (int round = 0; round < 2; ++round) {
    const auto got = decode(write_v2_request(all));
    std::vector<labels> want, found;
    for (const auto& s : all)
      want.push_back(labels::from(s.lset));
    for (const auto& f : got.batches.at(0)->floats)
      found.push_back(got.batches[0]->table->series[f.series]);
    EXPECT_EQ(found, want);
  }
  // The fourth and the fifth are one set of labels, sent in two orders.
  EXPECT_EQ(known.series_count(), 6u);
}

TEST_F(WriteV2Codec, TheSameSeriesMayComeInBothVersions) {
  const auto v2 = decode(write_v2_request({{named("a"), {{1, 1}}, {}, {}, {}, 0}}));
  const auto v1 =
      decode_write(support::write_request({{labels::from(named("a")), {{2, 2}}}}), known);
  ASSERT_TRUE(v1.ok());
  EXPECT_EQ(v1->batches.at(0)->table->series[v1->batches[0]->floats[0].series],
            v2.batches.at(0)->table->series[v2.batches[0]->floats[0].series]);
}

TEST_F(WriteV2Codec, RefusesSeriesWithTheReason) {
  EXPECT_EQ(refusal({1, 2, 3}), "odd number of label references");
  EXPECT_EQ(refusal({1, 2, 3, 8}), "label reference 8 is beyond the 8 symbols");
  EXPECT_EQ(refusal({1, 2, 3, UINT32_MAX}), "label reference 4294967295 is beyond the 8 symbols");
  EXPECT_EQ(refusal({}), "series without a metric name");
  EXPECT_EQ(refusal({3, 4}), "series without a metric name");
  EXPECT_EQ(refusal({1, 0}), "series without a metric name");
  EXPECT_EQ(refusal({1, 2, 0, 4}), "empty label name");
  EXPECT_EQ(refusal({1, 2, 3, 4, 3, 2}), "duplicate label name \"a\"");
  EXPECT_EQ(refusal({1, 2, 3, 5}), "label is not valid UTF-8");
  EXPECT_EQ(refusal({1, 2, 5, 3}), "label is not valid UTF-8");
  EXPECT_EQ(known.series_count(), 1u);
}

TEST_F(WriteV2Codec, UnsortedLabelsAndEmptyValuesAreTaken) {
  const auto got = decode(request_of(symbols, {series_of({3, 4, 4, 0, 1, 2}, seven)}));
  EXPECT_EQ(got.refused_series.count, 0u);
  EXPECT_EQ(got.batches.at(0)->table->series.at(0), labels::from({{"__name__", "m"}, {"a", "b"}}));
}

TEST_F(WriteV2Codec, TheFirstSymbolIsEmpty) {
  const auto got = decode_write_v2(request_of({"a", ""}, {}), known);
  EXPECT_EQ(got.code(), errc::invalid_argument);
  EXPECT_NE(got.error().message().find("the first symbol is not the empty string"),
            std::string_view::npos);
  EXPECT_TRUE(decode("").batches.empty());
  // Version 1.0's message, sent under the wrong name, is an empty request.
  EXPECT_TRUE(
      decode(support::write_request({{labels::from(named("a")), {{2, 2}}}})).batches.empty());
}

TEST_F(WriteV2Codec, ReferencesAndSymbolsMayComeInEveryForm) {
  const std::string a_b = packed({3, 4});
  std::string one_by_one, split, late;
  for (const uint32_t r : {1, 2, 3, 4})
    pbf_writer(one_by_one).add_uint32(1, r);
  pbf_writer(split).add_bytes(1, packed({1, 2, 3}));
  pbf_writer(split).add_bytes(1, packed({4}));
  pbf_writer(late).add_bytes(1, packed({1, 2}));
  std::string behind;
  pbf_writer(behind).add_bytes(1, a_b);
  std::string rare;
  pbf_writer(rare).add_string(99, "unknown");
  const labels want = labels::from({{"__name__", "m"}, {"a", "b"}});
  for (int round = 0; round < 2; ++round)
    for (const std::string& series : {one_by_one + seven, split + seven, late + seven + behind,
                                      seven + late + behind, rare + late + behind + seven,
                                      late + rare + behind + seven, late + behind + seven + rare}) {
      const auto got = decode(request_of(symbols, {series}));
      ASSERT_EQ(got.refused_series.count, 0u) << got.refused_series.why;
      ASSERT_EQ(got.batches.size(), 1u);
      const auto& b = *got.batches[0];
      ASSERT_EQ(b.floats.size(), 1u);
      EXPECT_EQ(b.table->series[b.floats[0].series], want);
      EXPECT_EQ(b.floats[0].value, 7);
    }
  std::string symbols_last;
  pbf_writer(symbols_last).add_message(5, series_of({1, 2, 3, 4}, seven));
  const auto got = decode(symbols_last + request_of(symbols, {}));
  EXPECT_EQ(got.batches.at(0)->table->series.at(got.batches[0]->floats.at(0).series), want);
}

TEST_F(WriteV2Codec, StartTimesAreOfSamplesOrOfTheSeries) {
  const histogram h;
  for (int round = 0; round < 2; ++round) {
    const auto got = decode(
        write_v2_request({{named("a"), {{10, 1, 5}}, {}, {}, {}, 0},
                          {named("b"), {{10, 1}}, {}, {}, {}, 4},
                          {named("c"), {{10, 1, 5}, {20, 2}}, {}, {}, {}, 3},
                          {named("d"), {{10, 1}}, {}, {}, {}, 0},
                          {named("e"), {}, {{10, h, 6}, {20, h}}, {}, {}, 2},
                          {named("f"), {{10, 1, 5}}, {}, {}, {metric_type::gauge, "", ""}, 9}}));
    const auto& b = *got.batches.at(0);
    std::map<uint32_t, timestamp_ms> starts;
    for (const auto& s : b.starts)
      starts[s.index] = s.start_ts;
    EXPECT_EQ(starts, (std::map<uint32_t, timestamp_ms>{{0, 5}, {1, 4}, {2, 5}, {3, 3}, {5, 5}}));
    EXPECT_TRUE(std::is_sorted(b.starts.begin(), b.starts.end(),
                               [](const auto& x, const auto& y) { return x.index < y.index; }));
    ASSERT_EQ(b.histograms.size(), 2u);
    EXPECT_EQ(b.histograms[0].start_ts, 6);
    EXPECT_EQ(b.histograms[1].start_ts, 2);
  }
}

TEST_F(WriteV2Codec, CarriesHistogramsOfAllKinds) {
  histogram integer;
  integer.schema = 1;
  integer.count = 9;
  integer.sum = 18.5;
  integer.zero_count = 2;
  integer.zero_threshold = 1e-128;
  integer.positive_spans = {{-1, 1}, {3, 2}};
  integer.positive_buckets = {1, 3, 1};
  integer.negative_spans = {{0, 1}};
  integer.negative_buckets = {2};
  integer.hint = counter_reset_hint::not_reset;
  histogram floats = integer;
  floats.is_float = true;
  floats.positive_buckets = {0.25, 3.5, 1};
  floats.hint = counter_reset_hint::gauge;
  histogram custom;
  custom.schema = histogram::custom_schema;
  custom.count = 4;
  custom.sum = 2;
  custom.custom_bounds = {0.1, 0.5, 10};
  custom.positive_spans = {{1, 1}, {1, 1}};
  custom.positive_buckets = {1, 3};
  const auto got = decode(
      write_v2_request({{named("h"), {}, {{1, integer}, {2, floats}, {3, custom}}, {}, {}, 0}}));
  EXPECT_EQ(got.refused_histograms.count, 0u) << got.refused_histograms.why;
  const auto& b = *got.batches.at(0);
  ASSERT_EQ(b.histograms.size(), 3u);
  EXPECT_EQ(*b.histograms[0].value, integer);
  EXPECT_EQ(*b.histograms[1].value, floats);
  EXPECT_EQ(*b.histograms[2].value, custom);
  EXPECT_EQ(b.histograms[2].ts, 3);

  // 1.0 has no custom buckets.
  std::string v1;
  {
    pbf_writer request(v1);
    pbf_writer series(request, 1);
    {
      pbf_writer l(series, 1);
      l.add_string(1, "__name__");
      l.add_string(2, "h");
    }
    series.add_message(4, support::histogram_message(1, integer));
    series.add_message(4, support::histogram_message(2, custom));
  }
  const auto old = decode_write(v1, known);
  ASSERT_TRUE(old.ok());
  EXPECT_EQ(old->refused_histograms.count, 1u);
  EXPECT_EQ(old->refused_histograms.why, "custom buckets need remote write 2.0");
  EXPECT_EQ(*old->batches.at(0)->histograms.at(0).value, integer);
}

TEST_F(WriteV2Codec, BadHistogramsAreRefusedAlone) {
  histogram good, bad;
  bad.positive_spans = {{0, 3}};
  bad.positive_buckets = {1};
  histogram wide;
  wide.positive_spans = {{0, 70'000}};
  wide.positive_buckets.assign(70'000, 0);
  const auto got =
      decode(write_v2_request({{named("h"), {}, {{1, bad}, {2, wide}, {3, good}}, {}, {}, 0}}));
  EXPECT_EQ(got.refused_histograms.count, 2u);
  EXPECT_EQ(got.refused_histograms.why, "spans need 3 buckets, have 1");
  EXPECT_EQ(got.batches.at(0)->histograms.size(), 1u);
}

TEST_F(WriteV2Codec, ExemplarsHaveTheirLabelsAndLimits) {
  const labels trace = labels::from({{"trace_id", "abc"}});
  const labels longest = labels::from({{"k", std::string(127, 'x')}});
  const labels longer = labels::from({{"k", std::string(128, 'x')}});
  std::string wide;
  for (int i = 0; i < 64; ++i)
    wide += "é";
  const labels multibyte = labels::from({{wide.substr(0, 100), wide}});
  auto got = decode(write_v2_request(
      {{named("c"),
        {{10, 1}},
        {},
        {{trace, 0.5, 9}, {longest, 1, 0}, {longer, 1, 8}, {{}, 2, 7}, {multibyte, 3, 6}},
        {},
        0}}));
  EXPECT_EQ(got.refused_exemplars.count, 1u);
  EXPECT_EQ(got.refused_exemplars.why, "labels of an exemplar are longer than 128 characters");
  const auto& all = got.batches.at(0)->exemplars;
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].value.lset, trace);
  EXPECT_EQ(all[0].value.value, 0.5);
  EXPECT_EQ(all[0].value.ts, 9);
  EXPECT_EQ(all[1].value.lset, longest);
  EXPECT_TRUE(all[2].value.lset.empty());

  const auto exemplar = [](const std::vector<uint32_t>& refs) {
    std::string message, field;
    pbf_writer(message).add_bytes(1, packed(refs));
    pbf_writer(message).add_double(2, 1);
    pbf_writer(field).add_message(4, message);
    return field;
  };
  for (const auto& [refs, why] : std::vector<std::pair<std::vector<uint32_t>, std::string>>{
           {{3}, "odd number of label references"},
           {{3, 99}, "label reference 99 is beyond the 8 symbols"},
           {{3, 5}, "label is not valid UTF-8"},
           {{3, 4, 3, 4}, "duplicate label name \"a\""}}) {
    got = decode(request_of(symbols, {series_of({1, 2}, seven + exemplar(refs))}));
    EXPECT_EQ(got.refused_exemplars.count, 1u);
    EXPECT_EQ(got.refused_exemplars.why, why);
    EXPECT_EQ(got.batches.at(0)->floats.size(), 1u);
  }
}

TEST_F(WriteV2Codec, MetadataAreSentOnceTheyAreStoredAndWhenTheyChange) {
  const auto request = [](std::string help) {
    std::vector<write_v2_series> all;
    for (const char* name : {"req_bucket", "req_bucket", "req_sum", "req_count"})
      all.push_back({named(name), {{1, 1}}, {}, {}, {metric_type::histogram, "s", help}, 0});
    all.push_back({named("lat_sum"), {{1, 1}}, {}, {}, {metric_type::summary, "", "l"}, 0});
    all.push_back({named("n_count"), {{1, 1}}, {}, {}, {metric_type::gauge, "", "n"}, 0});
    all.push_back({named("none"), {{1, 1}}, {}, {}, {}, 0});
    return write_v2_request(all);
  };
  const auto sent = [](const decoded_write& w) {
    std::map<std::string, metadata> out;
    for (const auto& b : w.batches)
      for (const auto& m : b->metadata)
        out[m.family] = m.value;
    return out;
  };
  const std::map<std::string, metadata> all = {{"req", {metric_type::histogram, "s", "h"}},
                                               {"lat", {metric_type::summary, "", "l"}},
                                               {"n_count", {metric_type::gauge, "", "n"}}};
  EXPECT_EQ(sent(decode(request("h"))), all);
  const auto again = decode(request("h"));
  EXPECT_EQ(sent(again), all) << "nobody said that they are stored";
  known.metadata().note(again.metadata);
  EXPECT_TRUE(sent(decode(request("h"))).empty());
  const auto changed = decode(request("other"));
  EXPECT_EQ(sent(changed),
            (std::map<std::string, metadata>{{"req", {metric_type::histogram, "s", "other"}}}));
  known.metadata().note(changed.metadata);
  EXPECT_EQ(sent(decode(request("h"))).size(), 1u) << "back to what it was is a change too";
  clk.advance_ms(metadata_cache::round_ms + 1);
  EXPECT_EQ(sent(decode(request("other"))).size(), 3u);
}

TEST_F(WriteV2Codec, MetadataThatDoNotHoldAreRefusedAlone) {
  const auto described = [](uint32_t help, uint32_t unit) {
    std::string field;
    pbf_writer out(field);
    pbf_writer m(out, 5);
    m.add_enum(1, 1);
    m.add_uint32(3, help);
    m.add_uint32(4, unit);
    return std::string(seven + (m.commit(), field));
  };
  for (const auto& [help, unit, why] :
       {std::tuple(99u, 7u, "metadata reference is beyond the 8 symbols"),
        std::tuple(6u, 99u, "metadata reference is beyond the 8 symbols"),
        std::tuple(5u, 7u, "metadata are not valid UTF-8")}) {
    const auto got = decode(request_of(symbols, {series_of({1, 2}, described(help, unit))}));
    EXPECT_EQ(got.refused_metadata.count, 1u);
    EXPECT_EQ(got.refused_metadata.why, why);
    EXPECT_EQ(got.batches.at(0)->floats.size(), 1u);
    EXPECT_TRUE(got.batches[0]->metadata.empty());
  }
  const auto good = decode(request_of(symbols, {series_of({1, 2}, described(6, 7))}));
  EXPECT_EQ(good.batches.at(0)->metadata.at(0).value,
            (metadata{metric_type::counter, "unit", "help"}));
}

// --- what nobody sends in good faith ---

TEST_F(WriteV2Codec, ManyEmptyElementsAreRefusedBeforeTheyTakeMemory) {
  const auto many = [](const std::string& what) {
    std::string out;
    for (size_t i = 0; i < (1u << 20); ++i)
      out += what;
    return out;
  };
  const std::string symbols_only = many(std::string("\x22\0", 2));
  const std::string series_only = many(std::string("\x2a\0", 2));
  std::string samples, exemplars, histograms;
  for (auto& [out, field] :
       {std::pair(&samples, '\x12'), std::pair(&histograms, '\x1a'), std::pair(&exemplars, '\x22')})
    *out = request_of(symbols, {series_of({1, 2}, many({field, '\0'}))});
  for (const auto& bytes : {symbols_only, series_only, samples, exemplars, histograms}) {
    const auto got = decode_write_v2(bytes, known);
    EXPECT_EQ(got.code(), errc::out_of_bounds);
  }
  EXPECT_EQ(decode_write(many(std::string("\x0a\0", 2)), known).code(), errc::out_of_bounds);
}

TEST_F(WriteV2Codec, ASeriesOfManyLabelsIsRefused) {
  std::vector<std::string> texts = {"", "__name__", "m"};
  std::vector<uint32_t> refs = {1, 2};
  for (uint32_t i = 0; i < 100'000; ++i) {
    texts.push_back("l" + std::to_string(i));
    refs.push_back(3 + i);
    refs.push_back(2);
  }
  const auto got = decode(request_of(texts, {series_of(refs, seven), series_of({1, 2}, seven)}));
  EXPECT_EQ(got.refused_series.count, 1u);
  EXPECT_EQ(got.refused_series.why, "more than 1024 labels");
  EXPECT_EQ(got.batches.at(0)->floats.size(), 1u);
  // Few labels, but together more than the log takes.
  texts = {"", "__name__", "m", std::string(60'000, 'v')};
  refs = {1, 2};
  for (uint32_t i = 0; i < 10; ++i) {
    texts.push_back("l" + std::to_string(i));
    refs.push_back(4 + i);
    refs.push_back(3);
  }
  EXPECT_EQ(decode(request_of(texts, {series_of(refs, seven)})).refused_series.why,
            "labels of one series are longer than 524288 bytes");
}

/// Every kind of field.
std::string rich_request() {
  histogram h;
  h.schema = 2;
  h.count = 6;
  h.positive_spans = {{1, 2}};
  h.positive_buckets = {2, 4};
  return write_v2_request(
      {{named("a"), {{1000, 1.5, 7}}, {}, {}, {metric_type::counter, "s", "help"}, 0},
       {named("h"), {}, {{5, h, 3}}, {{labels::from({{"trace_id", "x"}}), 1, 5}}, {}, 8}});
}

TEST_F(WriteV2Codec, EveryCutOfARequestIsAnErrorOrAPart) {
  const std::string whole = rich_request();
  for (size_t n = 0; n < whole.size(); ++n) {
    const auto got = decode_write_v2(std::string_view(whole).substr(0, n), known);
    ASSERT_TRUE(got.ok() || got.code() == errc::invalid_argument);
    if (got.ok()) {
      EXPECT_LE(got->batches.size(), 1u);
    }
  }
}

TEST_F(WriteV2Codec, EveryChangedByteIsAnErrorOrARequest) {
  const std::string whole = rich_request();
  size_t errors = 0;
  for (size_t at = 0; at < whole.size(); ++at)
    for (int change = 1; change < 256; ++change) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      const auto got = decode_write_v2(bytes, known);
      ASSERT_TRUE(got.ok() || got.code() == errc::invalid_argument);
      errors += got.ok() ? 0 : 1;
    }
  EXPECT_GT(errors, 0u);
}

}  // namespace
}  // namespace troupe::remote
