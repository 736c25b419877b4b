#include "pipeline/remote/read_answer.h"

#include "pipeline/remote/read_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace troupe::remote {
namespace {

constexpr std::string_view streamed_type = "application/x-streamed-protobuf";
constexpr std::string_view samples_type = "application/x-protobuf";

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

result<std::unique_ptr<storage::series_set>> read_answer(
    http::fetch_result&& answer, std::string_view who, timestamp_ms mint, timestamp_ms maxt,
    uint64_t max_frame_bytes, const std::function<bool(labels_builder&)>& edit) {
  const auto type = media_type_of(answer.content_type);
  if (type != streamed_type && type != samples_type)
    return {errc::unsupported, fmt::format("remote server {} answered with the content type \"{}\"",
                                           who, answer.content_type)};
  const bool streamed = type == streamed_type;
  auto set = std::make_unique<answered_series>(
      std::move(answer), streamed ? read_response::streamed_chunks : read_response::samples, mint,
      maxt);
  auto found = streamed ? decode_read_stream(set->body(), max_frame_bytes)
                        : decode_read_response(set->body());
  if (!found.ok())
    return found.error().with_context("answer of " + std::string(who));
  labels_builder b;
  std::vector<read_series> kept;
  kept.reserve(found->size());
  for (auto& s : *found) {
    b.reset(s.series);
    if (edit(b))
      kept.push_back({b.build(), std::move(s.messages)});
  }
  put_in_order(kept);
  set->set_series(std::move(kept));
  return std::unique_ptr<storage::series_set>(std::move(set));
}

}  // namespace troupe::remote
