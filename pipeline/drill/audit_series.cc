#include "pipeline/drill/audit_series.h"

#include "pipeline/http/snappy_encoder.h"
#include "pipeline/remote/write_encoder.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace troupe::drill {

audit_series::audit_series(std::string id, uint32_t count, int64_t spacing_ms, timestamp_ms begin)
    : id_(std::move(id)), count_(count), spacing_ms_(spacing_ms), begin_(begin) {
  for (uint32_t i = 0; i < count_; ++i)
    encoded_.push_back(remote::encode_series_labels(labels::from(
        {{"__name__", std::string(name)}, {"drill", id_}, {"series", std::to_string(i)}})));
}

uint64_t audit_series::due(timestamp_ms now) const {
  return now < begin_ ? 0 : static_cast<uint64_t>((now - begin_) / spacing_ms_) + 1;
}

std::string audit_series::body(uint64_t first, uint64_t last) const {
  std::vector<sample> samples;
  for (uint64_t n = first; n <= last; ++n)
    samples.push_back({time_of(n), static_cast<double>(n)});
  remote::write_encoder encoder;
  for (const auto& l : encoded_)
    encoder.add(l, samples);
  std::string out;
  http::snappy(encoder.request(), out);
  return out;
}

std::string audit_series::selector() const {
  return fmt::format(R"({}{{drill="{}"}})", name, id_);
}

std::string audit_series::selector(uint32_t series) const {
  return fmt::format(R"({}{{drill="{}",series="{}"}})", name, id_, series);
}

uint32_t audit_series::number_of(const labels& l) const {
  const std::string_view text = l.get("series");
  uint32_t out = count_;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && end == text.data() + text.size() && out < count_ ? out : count_;
}

audit_result audit_series::compare(const std::vector<client::stored_series>& got,
                                   uint64_t acknowledged, uint64_t sent) const {
  audit_result out;
  out.expected = acknowledged * count_;
  std::vector<std::vector<bool>> seen(count_, std::vector<bool>(sent + 1));
  uint64_t there = 0;
  for (const auto& s : got) {
    const uint32_t i = number_of(s.series);
    for (const auto& p : s.samples) {
      const int64_t after = p.ts - begin_;
      const uint64_t n = after < 0 ? 0 : static_cast<uint64_t>(after / spacing_ms_) + 1;
      if (i == count_ || after < 0 || after % spacing_ms_ != 0 || n > sent) {
        ++out.different;
        continue;
      }
      out.different += p.value != static_cast<double>(n) ? 1 : 0;
      if (seen[i][n]) {
        ++out.doubled;
        continue;
      }
      seen[i][n] = true;
      there += n <= acknowledged ? 1 : 0;
    }
  }
  out.missing = out.expected - there;
  return out;
}

}  // namespace troupe::drill
