#include "pipeline/topics/foreign_records.h"

#include "pipeline/parse/number.h"
#include "pipeline/remote/protobuf.h"
#include "pipeline/remote/series_collector.h"
#include "storage/base/civil_time.h"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace troupe::topics {
namespace {

namespace json = boost::json;

constexpr remote::write_limits limits{.taken_over = true};
constexpr uint64_t unpack_budget_bytes = 256ULL << 20;
constexpr size_t max_groups = 16u << 10;
// About what the cache takes of a series.
constexpr uint64_t known_series_bytes = 160;
constexpr uint32_t unknown = UINT32_MAX, dropped = unknown - 1;

status damaged(std::string_view what, std::string_view why) {
  return {errc::corruption, std::string(what) + ": " + std::string(why)};
}

std::shared_ptr<remote::series_cache> or_own(std::shared_ptr<remote::series_cache> known,
                                             const clock& clk) {
  return known ? std::move(known)
               : std::make_shared<remote::series_cache>(remote::series_cache::settings(), clk);
}

// --- remote write ---

enum class request_kind : uint8_t { none, v1, v2 };

/// By the fields that only one of the versions has.
result<request_kind> kind_of(std::string_view protobuf) {
  bool v1 = false, v2 = false;
  try {
    protozero::pbf_reader request(protobuf.data(), protobuf.size());
    while (request.next()) {
      v1 = v1 || request.tag() == 1 || request.tag() == 3;
      v2 = v2 || request.tag() == 4 || request.tag() == 5;
      request.skip();
    }
  } catch (const protozero::exception& e) {
    return damaged("remote write", e.what());
  }
  if ((v1 && v2) || (!v1 && !v2 && !protobuf.empty()))
    return damaged("remote write", "a request of neither version 1.0 nor 2.0");
  return v1 ? request_kind::v1 : v2 ? request_kind::v2 : request_kind::none;
}

// --- JSON ---

constexpr std::string_view json_name = "JSON of prometheus-kafka-adapter";

const json::value* field(const json::object& in, std::string_view name) {
  return in.if_contains({name.data(), name.size()});
}

std::string_view text_of(const json::value& v) {
  const auto* s = v.if_string();
  return s ? std::string_view(s->data(), s->size()) : std::string_view();
}

bool value_of(const json::object& in, double& out) {
  const auto* v = field(in, "value");
  if (v == nullptr)
    return false;
  if (v->is_number()) {
    out = v->to_number<double>();
    return true;
  }
  return parse::parse_float(text_of(*v), out) == parse::number_error::none;
}

/// "" if they are labels.
std::string_view labels_of(const json::object& in, std::vector<label_view>& out) {
  const auto* all = field(in, "labels");
  if (all != nullptr && !all->is_object())
    return "\"labels\" is no object";
  bool named = false;
  if (all != nullptr)
    for (const auto& [name, value] : all->get_object()) {
      if (!value.is_string())
        return "a label's value is no text";
      out.push_back({{name.data(), name.size()}, text_of(value)});
      named = named || out.back().name == metric_name_label;
    }
  const auto* name = field(in, "name");
  if (!named && name != nullptr)
    out.push_back({metric_name_label, text_of(*name)});
  return {};
}

}  // namespace

foreign_reader::foreign_reader(std::shared_ptr<remote::series_cache> known,
                               send::series_rules_ptr rules)
    : known_(or_own(std::move(known), clock_)),
      rules_(std::move(rules)),
      unpack_(std::make_shared<http::byte_budget>(unpack_budget_bytes),
              {.max_output = max_record_bytes}) {}

result<remote::decoded_write> foreign_reader::decode_json(std::string_view payload) {
  json::error_code bad;
  const json::value parsed = json::parse({payload.data(), payload.size()}, bad);
  if (bad)
    return damaged(json_name, bad.message());
  const auto* in = parsed.if_object();
  if (in == nullptr)
    return damaged(json_name, "no object");
  const auto* time = field(*in, "timestamp");
  timestamp_ms ts = 0;
  if (time == nullptr || !parse_rfc3339(text_of(*time), ts))
    return damaged(json_name, "\"timestamp\" is no time of RFC 3339");
  double value = 0;
  if (!value_of(*in, value))
    return damaged(json_name, "\"value\" is no number");
  std::vector<label_view> all;
  if (const auto why = labels_of(*in, all); !why.empty())
    return damaged(json_name, why);
  remote::series_collector out(*known_, limits, payload.size());
  out.begin_series(all);
  out.add(ts, value);
  return out.done();
}

result<remote::decoded_write> foreign_reader::decode_snappy(std::string_view payload) {
  const auto body = unpack_.decode(http::encoding::snappy, payload);
  if (!body.ok())
    return body.error();
  TROUPE_ASSIGN(const auto kind, kind_of(body->data));
  switch (kind) {
    case request_kind::v1:
      return decode_write(body->data, *known_, limits);
    case request_kind::v2:
      return decode_write_v2(body->data, *known_, limits);
    default:
      return remote::decoded_write();
  }
}

// A snappy block may begin with any byte, its length, so '{' alone does not tell JSON.
result<remote::decoded_write> foreign_reader::decode(std::string_view payload) {
  const bool maybe_json = payload.starts_with('{');
  status why;
  if (maybe_json) {
    auto got = decode_json(payload);
    if (got.ok())
      return got;
    why = got.error();
  }
  auto got = decode_snappy(payload);
  if (!got.ok() && maybe_json)
    return why;
  return got;
}

result<read_record> foreign_reader::read(std::string_view payload) {
  if (payload.empty())
    return {errc::corruption, "a record without a value"};
  if (payload.size() > max_record_bytes)
    return {errc::corruption, "a record longer than 64 MiB"};
  const auto got = decode(payload);
  if (!got.ok())
    return {errc::corruption,
            "neither a record of troupe, nor a request of remote write packed with snappy, nor "
            "JSON of prometheus-kafka-adapter: " +
                std::string(got.error().message())};
  known_->metadata().note(got->metadata);
  read_record out;
  for (const auto& b : got->batches)
    if (auto kept = rules_->keeps_all_as_is() ? b : rename(*b)) {
      out.samples += kept->sample_count();
      out.batches.push_back(std::move(kept));
    }
  out.refused = got->refused_count();
  for (const auto* parts : {&got->refused_series, &got->refused_histograms, &got->refused_exemplars,
                            &got->refused_metadata})
    if (out.why.empty())
      out.why = parts->why;
  return out;
}

// --- selectors and labels ---

foreign_reader::renamed& foreign_reader::follow(const write_batch& batch) {
  if (renamed_.size() > max_groups)
    renamed_.clear();
  renamed& r = renamed_[batch.group];
  if (r.from == batch.table && r.to)
    return r;
  const size_t size = batch.table ? batch.table->series.size() : 0;
  const size_t before = r.positions.size();
  // A page's table goes on where an earlier one ends, as long as it is the same page.
  const bool goes_on = r.to && before <= size &&
                       std::equal(batch.table->series.begin(),
                                  batch.table->series.begin() + static_cast<ptrdiff_t>(before),
                                  r.from->series.begin(), [](const labels& a, const labels& b) {
                                    return a.same_object(b);
                                  });
  if (!goes_on)
    r = {nullptr, std::make_shared<kept_table>(batch.tenant, batch.group), {}};
  r.from = batch.table;
  for (size_t i = r.positions.size(); i < size; ++i) {
    const labels out = rules_->apply(batch.table->series[i]);
    r.positions.push_back(out.empty() ? dropped : r.to->position_of(out));
  }
  return r;
}

batch_ptr foreign_reader::rename(const write_batch& batch) {
  const renamed& r = follow(batch);
  auto out = std::make_shared<write_batch>();
  out->tenant = batch.tenant;
  out->group = batch.group;
  out->table = r.to->current();
  out->taken_over = batch.taken_over;
  out->metadata = batch.metadata;
  auto start = batch.starts.begin();
  for (uint32_t i = 0; i < batch.floats.size(); ++i) {
    const float_entry& e = batch.floats[i];
    const bool has_start = start != batch.starts.end() && start->index == i;
    const uint32_t position = r.positions[e.series];
    if (has_start && position != dropped)
      out->starts.push_back({static_cast<uint32_t>(out->floats.size()), start->start_ts});
    if (position != dropped)
      out->floats.push_back({e.ts, e.value, position});
    start += has_start;
  }
  for (const auto& e : batch.histograms)
    if (r.positions[e.series] != dropped)
      out->histograms.push_back({e.ts, e.start_ts, e.value, r.positions[e.series]});
  for (const auto& e : batch.exemplars)
    if (r.positions[e.series] != dropped)
      out->exemplars.push_back({e.value, r.positions[e.series]});
  const bool empty = out->sample_count() == 0 && out->exemplars.empty() && out->metadata.empty();
  return empty ? nullptr : out;
}

uint64_t foreign_reader::memory_bytes() const {
  uint64_t out = known_->series_count() * known_series_bytes;
  for (const auto& [group, r] : renamed_)
    out += sizeof r + r.to->memory_bytes() + r.positions.capacity() * sizeof(uint32_t);
  return out;
}

}  // namespace troupe::topics
