#include "pipeline/remote/remote_source.h"

#include "config/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::remote {
namespace {

constexpr std::string_view streamed_type = "application/x-streamed-protobuf";
constexpr std::string_view samples_type = "application/x-protobuf";
/// Of one answer, decompressed: samples are decoded series by series when they are read.
constexpr uint64_t max_answer_bytes = 256ULL << 20;
constexpr size_t max_shown_body = 256;

// The series of an answer, samples still encoded.
class answered_series final : public storage::series_set {
 public:
  answered_series(http::fetch_result answer, read_response kind, timestamp_ms mint,
                  timestamp_ms maxt)
      : answer_(std::move(answer)), kind_(kind), mint_(mint), maxt_(maxt) {}

  const std::string& body() const { return answer_.body; }
  /// `all` are views into body().
  void set_series(std::vector<read_series> all) { all_ = std::move(all); }

  bool next() override { return at_ < all_.size() && ++at_ <= all_.size(); }
  const labels& series() const override { return all_[at_ - 1].series; }
  status read(timestamp_ms mint, timestamp_ms maxt, storage::sample_columns& out) override {
    mint = std::max(mint, mint_);
    maxt = std::min(maxt, maxt_);
    storage::sample_columns found;
    for (const auto message : all_[at_ - 1].messages)
      TROUPE_TRY(read_samples(message, kind_, mint, maxt, found));
    append_in_order(found, out);
    return {};
  }

 private:
  // Of two samples of one time the first one stays, of a float and a histogram the float.
  static void append_in_order(const storage::sample_columns& found, storage::sample_columns& out) {
    std::vector<size_t> order(found.ts.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    const auto earlier = [&](size_t a, size_t b) { return found.ts[a] < found.ts[b]; };
    if (!std::is_sorted(order.begin(), order.end(), earlier))
      std::stable_sort(order.begin(), order.end(), earlier);
    const size_t first_float = out.ts.size();
    for (const size_t i : order) {
      if (out.ts.size() > first_float && out.ts.back() == found.ts[i])
        continue;
      out.ts.push_back(found.ts[i]);
      out.values.push_back(found.values[i]);
    }
    auto rows = found.histograms;
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.ts < b.ts; });
    const auto floats = std::span(out.ts).subspan(first_float);
    for (auto& row : rows)
      if ((out.histograms.empty() || out.histograms.back().ts < row.ts) &&
          !std::binary_search(floats.begin(), floats.end(), row.ts))
        out.histograms.push_back(std::move(row));
  }

  const http::fetch_result answer_;
  const read_response kind_;
  const timestamp_ms mint_, maxt_;
  std::vector<read_series> all_;
  size_t at_ = 0;
};

// In label order, each series once.
void put_in_order(std::vector<read_series>& all) {
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.series < b.series; });
  size_t kept = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (kept > 0 && all[kept - 1].series == all[i].series)
      all[kept - 1].messages.insert(all[kept - 1].messages.end(), all[i].messages.begin(),
                                    all[i].messages.end());
    else if (kept++ != i)
      all[kept - 1] = std::move(all[i]);
  }
  all.resize(kept);
}

std::string_view media_type_of(std::string_view content_type) {
  return content_type.substr(0, std::min(content_type.find_first_of("; "), content_type.size()));
}

}  // namespace

result<std::shared_ptr<const remote_source>> remote_source::create(
    const config::remote_read_config& from, const config::global_config& global,
    const read_endpoint_factory& endpoints, registry& metrics) {
  auto out = std::shared_ptr<remote_source>(new remote_source());
  out->config_ = from;
  out->shown_url_ = config::mask_url(from.url);
  http::headers fixed = {{"Content-Encoding", "snappy"},
                         {"Accept-Encoding", "snappy"},
                         {"Content-Type", std::string(samples_type)},
                         {"X-Prometheus-Remote-Read-Version", "0.1.0"}};
  for (const auto& [name, value] : from.headers)
    fixed.push_back({name, value});
  TROUPE_ASSIGN(out->to_, endpoints(from.url, from.client, std::move(fixed)));
  if (from.filter_external_labels)
    out->external_.assign(global.external_labels.begin(), global.external_labels.end());
  const auto counted = [&](const char* outcome) {
    return &metrics.get_counter(
        "troupe_remote_read_queries_total", "Queries sent to other servers by remote read.",
        {{"remote", from.name.empty() ? out->shown_url_ : from.name}, {"outcome", outcome}});
  };
  out->succeeded_ = counted("succeeded");
  out->failed_ = counted("failed");
  return std::shared_ptr<const remote_source>(std::move(out));
}

bool remote_source::is_asked(const matchers& ms, const std::string& name) const {
  return std::any_of(ms.begin(), ms.end(), [&](const matcher& m) { return m.name() == name; });
}

std::optional<http::fetch_request> remote_source::request_for(read_query q,
                                                              timestamp_ms local_start) const {
  for (const auto& [name, value] : config_.required_matchers)
    if (std::find(q.ms.begin(), q.ms.end(), matcher::equal(name, value)) == q.ms.end())
      return std::nullopt;
  if (!config_.read_recent) {
    if (q.start > local_start)
      return std::nullopt;
    q.end = std::min(q.end, local_start);
  }
  const matchers own = q.ms;
  for (const auto& [name, value] : external_)
    if (!is_asked(own, name))
      q.ms.push_back(matcher::equal(name, value));
  http::fetch_request out;
  out.to = to_;
  out.method = "POST";
  out.body = encode_read_request(q);
  out.timeout_ms = config_.remote_timeout_ms;
  out.max_body_bytes = max_answer_bytes;
  return out;
}

result<std::unique_ptr<storage::series_set>> remote_source::read(http::fetch_result&& answer,
                                                                 const matchers& asked,
                                                                 timestamp_ms mint,
                                                                 timestamp_ms maxt) const {
  auto out = read_body(std::move(answer), asked, mint, maxt);
  (out.ok() ? succeeded_ : failed_)->add();
  return out;
}

result<std::unique_ptr<storage::series_set>> remote_source::read_body(http::fetch_result&& answer,
                                                                      const matchers& asked,
                                                                      timestamp_ms mint,
                                                                      timestamp_ms maxt) const {
  if (!answer.error.ok())
    return answer.error.with_context("error sending request to " + shown_url_);
  if (answer.code / 100 != 2) {
    if (answer.body.ends_with('\n'))
      answer.body.pop_back();
    return {errc::unavailable,
            fmt::format("remote server {} returned http status {}: {}", shown_url_, answer.code,
                        answer.body.substr(0, max_shown_body))};
  }
  const auto type = media_type_of(answer.content_type);
  if (type != streamed_type && type != samples_type)
    return {errc::unsupported, fmt::format("remote server {} answered with the content type \"{}\"",
                                           shown_url_, answer.content_type)};
  const bool streamed = type == streamed_type;
  auto set = std::make_unique<answered_series>(
      std::move(answer), streamed ? read_response::streamed_chunks : read_response::samples, mint,
      maxt);
  auto found = streamed ? decode_read_stream(set->body(), config_.chunked_read_limit)
                        : decode_read_response(set->body());
  if (!found.ok())
    return found.error().with_context("answer of " + shown_url_);
  for (auto& s : *found) {
    labels_builder b(s.series);
    for (const auto& [name, value] : external_)
      if (!is_asked(asked, name))
        b.del(name);
    s.series = b.build();
  }
  put_in_order(*found);
  set->set_series(std::move(*found));
  return std::unique_ptr<storage::series_set>(std::move(set));
}

}  // namespace troupe::remote
