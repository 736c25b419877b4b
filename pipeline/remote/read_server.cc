#include "pipeline/remote/read_server.h"

#include "pipeline/remote/write_encoder.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::remote {
namespace {

/// So much is made at a time: it is made where connections are served.
constexpr size_t piece_bytes = 64u << 10;

// The series' own labels stay.
labels with_external(const labels& series, const external_labels& external) {
  if (external.empty())
    return series;
  labels_builder b(series);
  for (const auto& [name, value] : external)
    if (!series.has(name))
      b.set(name, value);
  return b.build();
}

bool has_samples(const storage::sample_columns& c) {
  return !c.ts.empty() || !c.histograms.empty();
}

result<std::string> read_one(storage::queryable& data, const read_query& query,
                             const external_labels& external, uint64_t sample_limit,
                             const query::budget& time, query::held& held) {
  TROUPE_ASSIGN(auto querier, data.open("", query.start, query.end));
  TROUPE_ASSIGN(auto set, querier->select(query.hints, local_matchers(query.ms, external)));
  std::string out;
  uint64_t samples = 0;
  storage::sample_columns columns;
  while (set->next()) {
    TROUPE_TRY(time.check());
    columns.clear();
    TROUPE_TRY(set->read(query.start, query.end, columns));
    if (!has_samples(columns))
      continue;
    samples += columns.ts.size() + columns.histograms.size();
    if (sample_limit != 0 && samples > sample_limit)
      return {errc::invalid_argument, fmt::format("exceeded sample limit ({})", sample_limit)};
    const size_t before = out.size();
    put_series(out, with_external(set->series(), external), columns);
    TROUPE_TRY(held.add(0, out.size() - before));
  }
  TROUPE_TRY(set->error());
  return out;
}

}  // namespace

matchers local_matchers(const matchers& ms, const external_labels& external) {
  matchers out = ms;
  for (auto& m : out) {
    const auto it = external.find(m.name());
    if (m.op() == match_op::equal && it != external.end() && it->second == m.value())
      m = matcher::equal(m.name(), "");
  }
  return out;
}

result<std::string> read_all(storage::queryable& data, const read_request& request,
                             const external_labels& external, uint64_t sample_limit,
                             const query::budget& time, query::held& held) {
  std::vector<std::string> results;
  for (const auto& q : request.queries) {
    TROUPE_ASSIGN(auto one, read_one(data, q, external, sample_limit, time, held));
    results.push_back(std::move(one));
  }
  return encode_read_response(results);
}

status read_stream::open_query() {
  const auto& q = request_.queries[query_];
  TROUPE_ASSIGN(querier_, data_.open("", q.start, q.end));
  TROUPE_ASSIGN(set_, querier_->select(q.hints, local_matchers(q.ms, external_)));
  return {};
}

// Moves to the next series that has samples; false after the last of the last query.
result<bool> read_stream::next_series() {
  while (query_ < request_.queries.size()) {
    if (!set_)
      TROUPE_TRY(open_query());
    while (set_->next()) {
      const auto& q = request_.queries[query_];
      samples_.clear();
      TROUPE_TRY(set_->read(q.start, q.end, samples_));
      if (!has_samples(samples_))
        continue;
      label_fields_ = encode_series_labels(with_external(set_->series(), external_));
      cutter_.emplace(samples_);
      return true;
    }
    TROUPE_TRY(set_->error());
    set_.reset();
    querier_.reset();
    ++query_;
  }
  return false;
}

void read_stream::put_next_frame(std::string& out) {
  const size_t most = std::min(max_frame_bytes_, piece_bytes);
  std::string chunks;
  storage::tsdb::timed_chunk c;
  while (label_fields_.size() + chunks.size() < most || chunks.empty()) {
    if (!cutter_->next(c)) {
      cutter_.reset();
      break;
    }
    put_chunk(chunks, c.first, c.last, static_cast<uint8_t>(c.chunk.how), c.chunk.data);
  }
  if (!chunks.empty())
    put_frame(out, label_fields_, chunks, query_);
}

result<bool> read_stream::next(std::string& out) {
  const size_t before = out.size();
  while (out.size() - before < piece_bytes) {
    if (!cutter_) {
      TROUPE_ASSIGN(const bool more, next_series());
      if (!more)
        return false;
    }
    put_next_frame(out);
  }
  return true;
}

}  // namespace troupe::remote
